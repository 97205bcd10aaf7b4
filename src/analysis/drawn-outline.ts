/** An outline that a person has drawn in place of the network's: the masks of that picture, and what is measured on them. Pure. */
import { maskArea, maskFromBitmap, maskToBitmap, paintMask } from '../mask/rle.js';
import { chambers, echoMeasures } from '../vocabulary/echo.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { isShown, type ObjectState } from '../vocabulary/prompt.js';
import { areaName } from './area.js';
import { createMeasurer } from './measure.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

interface Outlined {
  readonly label: string;
  readonly state: ObjectState;
  readonly score: number;
  readonly confidence: number;
  readonly mask: Mask;
}

/** Masks of one picture by the label of their structure, all of one size. */
export type DrawnOutlines = ReadonlyMap<string, Mask>;

/** Where it is drawn a structure is what the person says; the others keep what is left of theirs. */
export function withDrawnOutlines<One extends Outlined>(
  objects: readonly One[],
  drawn: DrawnOutlines,
): One[] {
  const taken = [...drawn].filter(([label]) => objects.some((object) => object.label === label));
  if (taken.length === 0) return [...objects];
  return objects.map((object) => {
    const own = drawn.get(object.label);
    if (own !== undefined)
      return { ...object, state: 'tracking' as const, score: 1, confidence: 1, mask: own };
    const rest = maskToBitmap(object.mask);
    for (const [, mask] of taken) paintMask(rest, mask, 0);
    return { ...object, mask: maskFromBitmap(rest, object.mask.width, object.mask.height) };
  });
}

/** Names of what is measured on a picture by itself. */
export const sizeNames: ReadonlySet<string> = new Set([
  areaName,
  echoMeasures.area,
  echoMeasures.length,
  echoMeasures.volume,
]);

/** What is measured on the picture with these outlines, by the rules for any picture. Nothing that needs other pictures. */
export function measureDrawn(
  result: Pick<MeasuredResult, 'frame' | 'maskSize' | 'objects'>,
  drawn: DrawnOutlines,
  source: MeasuredSource,
): Measurement[] {
  const objects = drawnObjects(result.objects, drawn).map((object) => ({
    ...object,
    areaPx: maskArea(object.mask),
  }));
  return createMeasurer()({ ...result, objects }, source).filter(({ name }) => sizeNames.has(name));
}

/** The outlines of a picture as they are measured where some of them were drawn. */
export function drawnObjects<One extends Outlined>(
  objects: readonly One[],
  drawn: DrawnOutlines,
): readonly One[] {
  return filled(objects, withDrawnOutlines(objects, drawn), drawn);
}

/**
 * What the ventricle leaves belongs to the wall or the atrium that is nearest: a strip of nothing between them would be no base.
 * Only for measuring: nobody has said that it is wall.
 */
function filled<One extends Outlined>(
  before: readonly One[],
  after: readonly One[],
  drawn: DrawnOutlines,
): readonly One[] {
  const old = before.find(({ label }) => label === chambers.ventricle);
  const cavity = after.find(({ label }) => label === chambers.ventricle);
  if (!old || !cavity || !drawn.has(chambers.ventricle)) return after;
  const { width, height } = cavity.mask;
  const around = after.filter(
    ({ label, state }) => (label === chambers.wall || label === chambers.atrium) && isShown(state),
  );
  const left = maskToBitmap(old.mask);
  const labels = new Uint8Array(width * height);
  for (const [index, { mask }] of around.entries()) paintMask(labels, mask, index + 1);
  for (const { mask } of after) paintMask(left, mask, 0);
  if (!left.includes(1)) return after;
  // In rings from what borders on it.
  let ring: number[] = [];
  for (let index = 0; index < labels.length; index++) if (labels[index] !== 0) ring.push(index);
  while (ring.length > 0) {
    const next: number[] = [];
    for (const index of ring) {
      const x = index % width;
      for (const near of [
        x > 0 ? index - 1 : -1,
        x < width - 1 ? index + 1 : -1,
        index - width,
        index + width,
      ]) {
        if (near < 0 || near >= labels.length || left[near] !== 1) continue;
        left[near] = 0;
        labels[near] = labels[index] as number;
        next.push(near);
      }
    }
    ring = next;
  }
  return after.map((object) => {
    const place = around.findIndex(({ label }) => label === object.label);
    return place < 0
      ? object
      : {
          ...object,
          mask: maskFromBitmap(
            labels.map((label) => (label === place + 1 ? 1 : 0)),
            width,
            height,
          ),
        };
  });
}
