import { expect, it } from 'vitest';
import { maskFromPolygons } from './polygon.js';
import { maskArea, maskBox, maskToBitmap } from './rle.js';

it('a rectangle holds the pixels whose centres lie inside', () => {
  const mask = maskFromPolygons([[1, 2, 5, 2, 5, 4, 1, 4]], 8, 6);
  expect([maskBox(mask), maskArea(mask)]).toEqual([[1, 2, 4, 2], 8]);
  // Half a pixel to the right and less than half down: the same centres.
  expect(maskFromPolygons([[0.6, 1.6, 5.4, 1.6, 5.4, 4.4, 0.6, 4.4]], 8, 6)).toEqual(mask);
});

it('a triangle has half the area of its box, a hole of a crossing line stays open, and what lies outside is cut off', () => {
  const triangle = maskFromPolygons([[0, 0, 100, 0, 0, 100]], 100, 100);
  expect(Math.abs(maskArea(triangle) - 5000)).toBeLessThanOrEqual(50);
  // Round the same square twice: even-odd.
  expect(maskArea(maskFromPolygons([[0, 0, 4, 0, 4, 4, 0, 4, 0, 0, 4, 0, 4, 4, 0, 4]], 4, 4))).toBe(0);
  expect(maskArea(maskFromPolygons([[-5, -5, 50, -5, 50, 50, -5, 50]], 10, 10))).toBe(100);
});

it('several polygons are one area, also where they overlap', () => {
  const mask = maskFromPolygons(
    [
      [0, 0, 3, 0, 3, 3, 0, 3],
      [2, 2, 5, 2, 5, 5, 2, 5],
    ],
    6,
    6,
  );
  expect(maskArea(mask)).toBe(17);
  expect(maskToBitmap(mask)[2 * 6 + 2]).toBe(1);
});
