import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mask } from '../vocabulary/mask.js';
import {
  emptyMask,
  maskArea,
  maskBox,
  maskCentroid,
  maskFromBitmap,
  maskFromCocoBytes,
  maskFromCocoString,
  maskFromLogits,
  maskIntersection,
  maskIou,
  maskToBitmap,
  maskToCocoBytes,
  maskToCocoString,
} from './rle.js';

interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const bitmapOf = (width: number, height: number): fc.Arbitrary<Bitmap> =>
  fc
    .array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height })
    .map((values) => ({ width, height, data: Uint8Array.from(values) }));
const bitmaps = fc
  .tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }))
  .chain(([width, height]) => bitmapOf(width, height));
const pairs = fc
  .tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 }))
  .chain(([width, height]) => fc.tuple(bitmapOf(width, height), bitmapOf(width, height)));
const encode = (bitmap: Bitmap): Mask => maskFromBitmap(bitmap.data, bitmap.width, bitmap.height);

describe('run lengths', () => {
  it('count down the columns, background first', () => {
    // . X      columns: (. X), (X X)
    // X X
    expect([...maskFromBitmap(Uint8Array.of(0, 1, 1, 1), 2, 2).counts]).toEqual([1, 3]);
    expect([...maskFromBitmap(Uint8Array.of(1, 0, 0, 0), 2, 2).counts]).toEqual([0, 1, 3]);
    expect([...emptyMask(3, 2).counts]).toEqual([6]);
  });

  it('give every bitmap back', () => {
    fc.assert(
      fc.property(bitmaps, (bitmap) => {
        const mask = encode(bitmap);
        expect(maskToBitmap(mask)).toEqual(bitmap.data);
        expect(mask.counts.slice(1).every((count) => count > 0)).toBe(true);
      }),
    );
  });

  it('take a logit above zero as foreground, NaN and zero as background', () => {
    const mask = maskFromLogits(Float32Array.of(-1, 0, 1e-30, NaN), 2, 2);
    expect([...maskToBitmap(mask)]).toEqual([0, 0, 1, 0]);
  });
});

describe('measures', () => {
  it('agree with counting pixels', () => {
    fc.assert(
      fc.property(bitmaps, (bitmap) => {
        let area = 0;
        let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
        let [sumX, sumY] = [0, 0];
        bitmap.data.forEach((value, index) => {
          if (value === 0) return;
          const x = index % bitmap.width;
          const y = Math.floor(index / bitmap.width);
          area++;
          sumX += x + 0.5;
          sumY += y + 0.5;
          [left, right] = [Math.min(left, x), Math.max(right, x)];
          [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
        });
        const mask = encode(bitmap);
        expect(maskArea(mask)).toBe(area);
        expect(maskBox(mask)).toEqual(
          area === 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1],
        );
        const centroid = maskCentroid(mask);
        if (area === 0) expect(centroid).toBeNull();
        else {
          expect(centroid?.[0]).toBeCloseTo(sumX / area, 9);
          expect(centroid?.[1]).toBeCloseTo(sumY / area, 9);
        }
      }),
    );
  });

  it('intersect and compare as sets of pixels', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        let both = 0;
        let either = 0;
        a.data.forEach((value, index) => {
          const other = b.data[index];
          if (value === 1 && other === 1) both++;
          if (value === 1 || other === 1) either++;
        });
        expect(maskIntersection(encode(a), encode(b))).toBe(both);
        expect(maskIou(encode(a), encode(b))).toBe(either === 0 ? 1 : both / either);
      }),
    );
  });

  it('refuse masks of different sizes', () => {
    expect(() => maskIou(emptyMask(2, 3), emptyMask(3, 2))).toThrow(RangeError);
  });
});

describe('COCO strings', () => {
  // Made with pycocotools 2.0.11: mask.encode(np.asfortranarray(bitmap)).
  it.each([
    ['empty 5×7', emptyMask(5, 7), 'S1'],
    ['full 4×3', maskFromBitmap(new Uint8Array(12).fill(1), 4, 3), '0<'],
    ['one pixel in 300×200', onePixel(300, 200, 123, 77), 'USh01j_R1'],
  ])('are those of pycocotools: %s', (_, mask, text) => {
    expect(maskToCocoString(mask)).toBe(text);
    expect(maskFromCocoString(text, mask.width, mask.height)).toEqual(mask);
  });

  it('round-trip', () => {
    fc.assert(
      fc.property(bitmaps, (bitmap) => {
        const mask = encode(bitmap);
        expect(maskFromCocoBytes(maskToCocoBytes(mask), mask.width, mask.height)).toEqual(mask);
        expect(maskFromCocoString(maskToCocoString(mask), mask.width, mask.height)).toEqual(mask);
      }),
    );
  });

  it('are refused when cut at any character', () => {
    fc.assert(
      fc.property(bitmaps, (bitmap) => {
        const mask = encode(bitmap);
        const text = maskToCocoString(mask);
        for (let length = 0; length < text.length; length++)
          expect(() => maskFromCocoString(text.slice(0, length), mask.width, mask.height)).toThrow(
            RangeError,
          );
      }),
    );
  });

  it('never give a mask of another size, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 40 }), (text) => {
        try {
          const mask = maskFromCocoString(text, 9, 5);
          expect(mask.counts.reduce((sum, count) => sum + count, 0)).toBe(45);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function onePixel(width: number, height: number, x: number, y: number): Mask {
  const bitmap = new Uint8Array(width * height);
  bitmap[y * width + x] = 1;
  return maskFromBitmap(bitmap, width, height);
}
