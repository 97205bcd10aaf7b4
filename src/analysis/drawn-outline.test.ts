import { uniformCalibration } from '../vocabulary/calibration.js';
import { describe, expect, it } from 'vitest';
import { heartAt, heartMaskSize } from '../../tests/beating-heart.js';
import { maskArea, maskFromBitmap, maskIntersection, maskToBitmap } from '../mask/rle.js';
import { chambers, echoMeasures } from '../vocabulary/echo.js';
import type { Mask } from '../vocabulary/mask.js';
import { measureDrawn, withDrawnOutlines } from './drawn-outline.js';
import { createMeasurer } from './measure.js';

const source = { size: heartMaskSize, calibration: uniformCalibration({ x: 0.9, y: 0.9 }) };
const objects = heartAt(0);
const result = { frame: { ptsNs: 0, discontinuity: 0 }, maskSize: heartMaskSize, objects };
const ventricle = objects[0]?.mask as Mask;
const { width, height } = heartMaskSize;
const volumeIn = (measurements: ReturnType<typeof measureDrawn>): number =>
  measurements.find(({ name }) => name === echoMeasures.volume)?.value ?? NaN;

/** Without the pixels that are nearer than `by` to what lies beside it. */
function shrunk(mask: Mask, by: number): Mask {
  const bitmap = maskToBitmap(mask);
  const inside = (x: number, y: number): boolean => bitmap[y * width + x] === 1;
  const left = bitmap.map((_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    return [inside(x, y), inside(x - by, y), inside(x + by, y), inside(x, y - by), inside(x, y + by)].every(
      Boolean,
    )
      ? 1
      : 0;
  });
  return maskFromBitmap(left, width, height);
}

describe('an outline that is drawn by hand', () => {
  it('takes the place of the network’s, and nothing else is where it is', () => {
    const bitmap = maskToBitmap(ventricle);
    const wider = maskFromBitmap(
      bitmap.map((value, index) => (value === 1 || bitmap[index - 4] === 1 ? 1 : 0)),
      width,
      height,
    );
    const unsure = objects.map((object) => ({ ...object, state: 'uncertain' as const }));
    const [cavity, wall, atrium] = withDrawnOutlines(unsure, new Map([[chambers.ventricle, wider]]));
    expect(cavity).toMatchObject({ state: 'tracking', score: 1, confidence: 1, mask: wider });
    expect(wall?.state).toBe('uncertain');
    expect(maskIntersection(wall?.mask as Mask, wider)).toBe(0);
    expect(maskIntersection(atrium?.mask as Mask, wider)).toBe(0);
    const grown = maskArea(wider) - maskArea(ventricle);
    expect(maskArea(wall?.mask as Mask)).toBeGreaterThanOrEqual((objects[1]?.areaPx ?? 0) - grown);
    expect(withDrawnOutlines(objects, new Map([['nothing', wider]]))).toEqual(objects);
  });

  it('gives the volume that the same outline of the network gives', () => {
    const own = measureDrawn(result, new Map([[chambers.ventricle, ventricle]]), source);
    const network = createMeasurer()(result, source);
    expect(volumeIn(own)).toBeCloseTo(volumeIn(network), 6);
    expect(own.map(({ name }) => name)).not.toContain(echoMeasures.ejectionFraction);
  });

  it('that is smaller has a smaller volume, because the wall comes after it', () => {
    const smaller = shrunk(ventricle, 4);
    const share = maskArea(smaller) / maskArea(ventricle);
    const volume = volumeIn(measureDrawn(result, new Map([[chambers.ventricle, smaller]]), source));
    const before = volumeIn(createMeasurer()(result, source));
    // A volume goes roughly with the area to the power of one and a half.
    expect(volume / before).toBeGreaterThan(share ** 1.5 - 0.1);
    expect(volume / before).toBeLessThan(share ** 1.5 + 0.1);
  });

  it('that cannot be a ventricle has no volume', () => {
    const speck = maskFromBitmap(
      Uint8Array.from({ length: width * height }, (_, index) => (index < 30 ? 1 : 0)),
      width,
      height,
    );
    expect(volumeIn(measureDrawn(result, new Map([[chambers.ventricle, speck]]), source))).toBeNaN();
  });
});
