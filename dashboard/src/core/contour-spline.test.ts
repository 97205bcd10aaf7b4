import { describe, expect, it } from 'vitest';
import { maskFromBitmap } from '../../../src/mask/rle.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import {
  areaOf,
  fewestPoints,
  firstPoints,
  middleAfter,
  nearestOn,
  outlineOf,
  splineOf,
  withAdded,
  withMoved,
  withoutPoint,
} from './contour-spline.js';
import type { ContourPoint } from './contour-spline.js';

const source = { width: 640, height: 480 };
const maskSize = { width: 160, height: 120 };

function drawn(inside: (x: number, y: number) => boolean): Mask {
  const { width, height } = maskSize;
  return maskFromBitmap(
    Uint8Array.from({ length: width * height }, (_, index) =>
      inside((index % width) + 0.5, Math.floor(index / width) + 0.5) ? 1 : 0,
    ),
    width,
    height,
  );
}
const base = 80;
/** A bullet that points up, cut by the mitral plane, and the atrium below it. */
const ventricle = drawn((x, y) => y < base && ((x - 80) / 24) ** 2 + ((y - base) / 60) ** 2 < 1);
const atrium = drawn((x, y) => y >= base && ((x - 80) / 26) ** 2 + ((y - base) / 25) ** 2 < 1);
const rings = (): { readonly outline: readonly Point[]; readonly behind: readonly Point[] } => {
  const [outline, behind] = [outlineOf(ventricle, source), outlineOf(atrium, source)];
  if (!outline || !behind) throw new Error('no outline');
  return { outline, behind };
};

describe('the points of an outline', () => {
  it('are apex and hinges where they are, and the line through all lies on the outline', () => {
    const { outline, behind } = rings();
    const points = firstPoints(outline, behind, 4);
    expect(points[0]?.role).toBe('apex');
    expect(points[0]?.at[0]).toBeCloseTo(320, -1);
    expect(points[0]?.at[1]).toBeCloseTo(4 * (base - 60), -1);
    const hinges = points.filter(({ role }) => role === 'hinge').map(({ at }) => at);
    expect(hinges).toHaveLength(2);
    for (const [, y] of hinges) expect(Math.abs(y - 4 * base)).toBeLessThan(14);
    expect(Math.abs((hinges[0]?.[0] ?? 0) - (hinges[1]?.[0] ?? 0))).toBeGreaterThan(170);
    expect(points.length).toBeLessThanOrEqual(14);
    expect(points.length).toBeGreaterThanOrEqual(9);
    const line = splineOf(points);
    expect(areaOf(line) / areaOf(outline)).toBeGreaterThan(0.99);
    expect(areaOf(line) / areaOf(outline)).toBeLessThan(1.01);
    for (const at of outline)
      expect(Math.min(...line.map(([x, y]) => Math.hypot(x - at[0], y - at[1])))).toBeLessThan(4.5);
  });

  it('lie all around where no atrium is known or it does not touch', () => {
    const { outline } = rings();
    const far = outlineOf(
      drawn((x, y) => x > 150 && y > 110),
      source,
    );
    for (const other of [null, far]) {
      const points = firstPoints(outline, other, 4);
      expect(new Set(points.map(({ role }) => role))).toEqual(new Set(['side']));
      expect(areaOf(splineOf(points)) / areaOf(outline)).toBeCloseTo(1, 1);
    }
  });

  it('are of the largest piece, and of nothing where there is none', () => {
    const specked = drawn(
      (x, y) => ((x - 40) / 20) ** 2 + ((y - 40) / 20) ** 2 < 1 || (x > 120 && x < 126 && y > 60 && y < 66),
    );
    const outline = outlineOf(specked, source) ?? [];
    expect(Math.max(...outline.map(([x]) => x))).toBeLessThan(260);
    expect(
      outlineOf(
        drawn(() => false),
        source,
      ),
    ).toBeNull();
  });
});

describe('a moved, added or removed point', () => {
  const square: readonly ContourPoint[] = (
    [
      [100, 100],
      [200, 100],
      [200, 200],
      [100, 200],
      [80, 150],
    ] as const
  ).map((at, index) => ({ at, role: index === 0 ? 'apex' : 'side' }));

  it('changes the line only near it, and the line goes through every point', () => {
    const after = withMoved(square, 2, [230, 240], source);
    const [before, now] = [splineOf(square), splineOf(after)];
    for (const { at } of after)
      expect(Math.min(...now.map(([x, y]) => Math.hypot(x - at[0], y - at[1])))).toBeLessThan(1e-6);
    // From the last point to the first one nothing has a moved neighbour.
    const from = before.findIndex(([x, y]) => x === 80 && y === 150);
    expect(now.slice(now.findIndex(([x, y]) => x === 80 && y === 150)).length).toBe(before.length - from);
    expect(areaOf(now)).toBeGreaterThan(areaOf(before));
  });

  it('stays within the picture', () => {
    expect(withMoved(square, 1, [-5, 900], source)[1]?.at).toEqual([0, 480]);
  });

  it('is added where the line is, which hardly changes', () => {
    const { after, at, distance } = nearestOn(square, [150, 90]);
    expect(after).toBe(0);
    expect(distance).toBeLessThan(12);
    const added = withAdded(square, after, at);
    expect(added?.map((point) => point.at)).toEqual([
      [100, 100],
      at,
      [200, 100],
      [200, 200],
      [100, 200],
      [80, 150],
    ]);
    expect(areaOf(splineOf(added ?? [])) / areaOf(splineOf(square))).toBeCloseTo(1, 1);
    const [x, y] = middleAfter(square, 1);
    expect(x).toBeGreaterThan(200);
    expect(y).toBeCloseTo(150, -1);
    let many: readonly ContourPoint[] | null = square;
    for (let turn = 0; turn < 200 && many; turn += 1) many = withAdded(many, 0, [150, 100]);
    expect(many).toBeNull();
  });

  it('is removed, but neither the apex nor the last ones', () => {
    expect(withoutPoint(square, 0)).toBeNull();
    const four = withoutPoint(square, 4);
    expect(four).toHaveLength(fewestPoints);
    expect(withoutPoint(four ?? [], 2)).toBeNull();
  });

  it('has corners at the hinges only: the mitral plane between them is straight', () => {
    const points: readonly ContourPoint[] = [
      { at: [150, 20], role: 'apex' },
      { at: [200, 120], role: 'side' },
      { at: [190, 200], role: 'hinge' },
      { at: [110, 200], role: 'hinge' },
      { at: [100, 120], role: 'side' },
    ];
    const line = splineOf(points);
    const plane = line.slice(
      line.findIndex(([x, y]) => x === 190 && y === 200),
      line.findIndex(([x, y]) => x === 110 && y === 200),
    );
    expect(plane.length).toBeGreaterThan(40);
    for (const [, y] of plane) expect(y).toBeCloseTo(200, 6);
  });
});
