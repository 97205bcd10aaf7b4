import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LargestComponents, maskInBox } from './components.js';
import { maskArea, maskBox, maskFromBitmap } from './rle.js';

/** The definition: flood fill from every pixel. */
function floodFill(picture: Uint8Array, width: number, height: number, label: number): Set<number> {
  const seen = new Set<number>();
  let largest = new Set<number>();
  picture.forEach((value, start) => {
    if (value !== label || seen.has(start)) return;
    const part = new Set([start]);
    for (const pixel of part) {
      seen.add(pixel);
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++)
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++)
          if (picture[row * width + column] === label) part.add(row * width + column);
    }
    if (part.size > largest.size) largest = part;
  });
  return largest;
}

const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 14 }), height: fc.integer({ min: 1, max: 14 }) })
  .chain(({ width, height }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      labels: fc.array(fc.constantFrom(0, 1, 1, 2, 2, 255), {
        minLength: width * height,
        maxLength: width * height,
      }),
    }),
  );

describe('LargestComponents', () => {
  it('finds what flood fill finds: pixels, area and box of each label, picture after picture', () => {
    fc.assert(
      fc.property(fc.array(pictures, { minLength: 1, maxLength: 3 }), (each) => {
        const [{ width, height } = { width: 1, height: 1 }] = each;
        const components = new LargestComponents({ width, height }, 3);
        for (const { labels } of each) {
          const picture = Uint8Array.from({ length: width * height }, (_, index) => labels[index] ?? 255);
          components.find(picture);
          for (const label of [0, 1, 2]) {
            const expected = floodFill(picture, width, height, label);
            const found = new Uint8Array(width * height);
            components.eachRun(label, (start, end) => found.fill(1, start, end));
            const mask = maskFromBitmap(found, width, height);
            const { areaPx, box } = components.largest(label);
            expect([...expected].every((pixel) => found[pixel] === 1)).toBe(true);
            expect([areaPx, maskArea(mask), maskBox(mask)]).toEqual([expected.size, expected.size, box]);
            expect(maskInBox(found, { width, height }, box)).toEqual(mask);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('refuses a picture of another size', () => {
    expect(() => new LargestComponents({ width: 3, height: 3 }, 2).find(new Uint8Array(8))).toThrow(
      RangeError,
    );
  });
});
