import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskFromBitmap } from '../../mask/rle.js';
import { splitLabels } from '../truth.js';
import { bitmapFromBytes, bitmapFromMask } from './bitmap.js';

const pictures = fc.record({
  width: fc.integer({ min: 1, max: 23 }),
  height: fc.integer({ min: 1, max: 17 }),
  /** Where the bytes begin: between two words in three of four cases. */
  offset: fc.integer({ min: 0, max: 3 }),
  values: fc.array(fc.constantFrom(0, 0, 0, 1, 2, 128, 255), { minLength: 391, maxLength: 391 }),
});

const bytesOf = (values: readonly number[], length: number, offset: number): Uint8Array => {
  const bytes = new Uint8Array(new ArrayBuffer(length + offset), offset);
  bytes.set(values.slice(0, length));
  return bytes;
};

describe('bitmapFromBytes', () => {
  it('counts and boxes what is not 0, wherever the bytes begin', () => {
    fc.assert(
      fc.property(pictures, ({ width, height, offset, values }) => {
        const bitmap = bitmapFromBytes(bytesOf(values, width * height, offset), width, height);
        const ones = values.slice(0, width * height).map((value) => (value === 0 ? 0 : 1));
        expect([...bitmap.data]).toEqual(ones);
        const at = ones.flatMap((value, index) => (value === 1 ? [index] : []));
        const xs = at.map((index) => index % width);
        const ys = at.map((index) => Math.floor(index / width));
        const { left, top, right, bottom, area } = bitmap;
        expect({ left, top, right, bottom, area }).toEqual(
          at.length === 0
            ? { left: 0, top: 0, right: 0, bottom: 0, area: 0 }
            : {
                left: Math.min(...xs),
                top: Math.min(...ys),
                right: Math.max(...xs) + 1,
                bottom: Math.max(...ys) + 1,
                area: at.length,
              },
        );
        expect(bitmapFromMask(maskFromBitmap(bitmap.data, width, height))).toEqual({
          ...bitmap,
          data: Uint8Array.from(bitmap.data),
        });
      }),
    );
  });
});

describe('splitLabels', () => {
  it('gives each label its own picture and keeps void apart, with one label and with many', () => {
    fc.assert(
      fc.property(
        pictures,
        fc.subarray([1, 2, 128, 255]),
        ({ width, height, offset, values: drawn }, kept) => {
          const values = drawn.slice(0, width * height).map((value) => (kept.includes(value) ? value : 0));
          const { objects, voids } = splitLabels(
            { width, height, data: bytesOf(values, width * height, offset) },
            null,
          );
          const labels = [...new Set(values)].filter((value) => value !== 0 && value !== 255);
          expect([...objects.keys()]).toEqual(labels.sort((a, b) => a - b));
          for (const [label, { data }] of objects)
            expect([...data]).toEqual(values.map((value) => (value === label ? 1 : 0)));
          expect(voids === null ? [] : [...voids.data]).toEqual(
            values.includes(255) ? values.map((value) => (value === 255 ? 1 : 0)) : [],
          );
        },
      ),
    );
  });
});
