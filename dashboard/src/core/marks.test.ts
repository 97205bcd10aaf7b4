import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gripsOf, movedMark } from './marks.js';
import type { PlacedMark } from './marks.js';

const size = { width: 640, height: 360 };
const box: PlacedMark = { id: 1, type: 'box', box: [100, 50, 200, 150] };
const stroke: PlacedMark = {
  ...{ id: 2, type: 'scribble', positive: false },
  points: [
    [10, 10],
    [20, 15],
    [40, 40],
  ],
};

describe('marks', () => {
  it('have handles: one as a whole, and the corners of a box', () => {
    expect(gripsOf(box)).toEqual([
      [150, 50],
      [100, 50],
      [200, 50],
      [200, 150],
      [100, 150],
    ]);
    expect(gripsOf(stroke)).toEqual([[20, 15]]);
    expect(gripsOf({ id: 3, type: 'click', point: [5, 6], positive: true })).toEqual([[5, 6]]);
    expect(gripsOf({ id: 4, type: 'mask', box: [0, 0, 10, 10] })).toEqual([[5, 0]]);
  });

  it('keep their shape when they are moved as a whole, up to the border of the picture', () => {
    expect(movedMark(box, 0, [10, -20], size).box).toEqual([110, 30, 210, 130]);
    expect(movedMark(box, 0, [-500, 500], size).box).toEqual([0, 259.99, 100, 359.99]);
    expect(movedMark(stroke, 0, [5, 5], size)).toEqual({
      ...stroke,
      points: [
        [15, 15],
        [25, 20],
        [45, 45],
      ],
    });
    const mask: PlacedMark = { id: 4, type: 'mask', box: [0, 0, 10, 10] };
    expect(movedMark(mask, 0, [5, 5], size)).toBe(mask);
  });

  it.each([
    [1, [90, 40, 200, 150]],
    [2, [100, 40, 190, 150]],
    [3, [100, 50, 190, 140]],
    [4, [90, 50, 200, 140]],
  ] as const)('a box by its corner %i', (grip, wanted) => {
    expect(movedMark(box, grip, [-10, -10], size).box).toEqual(wanted);
  });

  it('a box stays a box inside its picture, however a corner is dragged', () => {
    const far = fc.double({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), far, far, (grip, dx, dy) => {
        const [x0, y0, x1, y1] = movedMark(box, grip, [dx, dy], size).box ?? [1, 1, 0, 0];
        expect(x1 - x0).toBeGreaterThanOrEqual(3.98);
        expect(y1 - y0).toBeGreaterThanOrEqual(3.98);
        expect(Math.min(x0, y0)).toBeGreaterThanOrEqual(0);
        expect(x1).toBeLessThanOrEqual(size.width);
        expect(y1).toBeLessThanOrEqual(size.height);
      }),
    );
  });
});
