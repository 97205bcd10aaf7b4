import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../vocabulary/prompt.js';
import { emptyMask, maskFromBitmap } from './rle.js';
import { maskOutlines, simplifyOutline, type Outline } from './contour.js';

const bitmaps = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }))
  .chain(([width, height]) =>
    fc
      .array(fc.constantFrom(0, 1, 1), { minLength: width * height, maxLength: width * height })
      .map((values) => ({ width, height, data: Uint8Array.from(values) })),
  );

/** Even-odd at pixel centres: crossings of the ray to the right. */
function fill(outlines: readonly Outline[], width: number, height: number): Uint8Array {
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let odd = false;
      for (const { points } of outlines)
        for (const [index, [x0, y0]] of points.entries()) {
          const [x1, y1] = points[(index + 1) % points.length] as Point;
          if (y0 > y + 0.5 === y1 > y + 0.5) continue;
          if (x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0) > x + 0.5) odd = !odd;
        }
      if (odd) bitmap[y * width + x] = 1;
    }
  return bitmap;
}

describe('maskOutlines', () => {
  it('filled again give the mask, holes and islands included', () => {
    fc.assert(
      fc.property(bitmaps, ({ width, height, data }) => {
        expect(fill(maskOutlines(maskFromBitmap(data, width, height)), width, height)).toEqual(data);
      }),
    );
  });

  it('of an empty mask are none', () => {
    expect(maskOutlines(emptyMask(8, 8))).toEqual([]);
  });

  it('tell a hole from an island', () => {
    const ring = Uint8Array.from([1, 1, 1, 1, 0, 1, 1, 1, 1]);
    expect(maskOutlines(maskFromBitmap(ring, 3, 3)).map(({ hole }) => hole)).toEqual([false, true]);
    const dots = Uint8Array.from([1, 0, 1]);
    expect(maskOutlines(maskFromBitmap(dots, 3, 1)).map(({ hole }) => hole)).toEqual([false, false]);
  });

  it('keep a diagonal line in one piece', () => {
    const diagonal = Uint8Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(maskOutlines(maskFromBitmap(diagonal, 3, 3))).toHaveLength(1);
  });

  it('leave out points on straight lines', () => {
    const [outline] = maskOutlines(maskFromBitmap(new Uint8Array(100).fill(1), 10, 10));
    expect(outline?.points).toHaveLength(8);
  });
});

describe('simplifyOutline', () => {
  it('keeps every left-out point within the tolerance', () => {
    fc.assert(
      fc.property(bitmaps, fc.double({ min: 0.1, max: 3, noNaN: true }), (bitmap, tolerance) => {
        for (const outline of maskOutlines(maskFromBitmap(bitmap.data, bitmap.width, bitmap.height))) {
          const simple = simplifyOutline(outline, tolerance);
          expect(simple.points.length).toBeLessThanOrEqual(outline.points.length);
          for (const point of outline.points)
            expect(distance(simple.points, point)).toBeLessThanOrEqual(tolerance + 1e-9);
        }
      }),
    );
  });
});

/** Distance of a point to the closed polygon's border. */
function distance(points: readonly Point[], [x, y]: Point): number {
  let least = Infinity;
  for (const [index, [x0, y0]] of points.entries()) {
    const [x1, y1] = points[(index + 1) % points.length] as Point;
    const [dx, dy] = [x1 - x0, y1 - y0];
    const squared = dx * dx + dy * dy;
    const along = squared === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / squared, 0), 1);
    least = Math.min(least, Math.hypot(x - x0 - along * dx, y - y0 - along * dy));
  }
  return least;
}
