import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskFromBitmap, maskFromLogits, maskToBitmap } from './rle.js';
import { maskFromScaledLogits, resizeMask } from './resize.js';

const sizes = fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) });
const targets = fc.record({
  width: fc.integer({ min: 1, max: 40 }),
  height: fc.integer({ min: 1, max: 40 }),
});

/** The definition, pixel by pixel. */
function bilinear(
  logits: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  to: { width: number; height: number },
): number {
  const sample = (position: number, size: number): [number, number, number] => {
    const clamped = Math.max(position, 0);
    const first = Math.min(Math.floor(clamped), size - 1);
    return [first, Math.min(first + 1, size - 1), clamped - first];
  };
  const [x0, x1, wx] = sample(((x + 0.5) * width) / to.width - 0.5, width);
  const [y0, y1, wy] = sample(((y + 0.5) * height) / to.height - 0.5, height);
  const at = (column: number, row: number): number => logits[row * width + column] as number;
  return (
    (1 - wy) * ((1 - wx) * at(x0, y0) + wx * at(x1, y0)) + wy * ((1 - wx) * at(x0, y1) + wx * at(x1, y1))
  );
}

describe('maskFromScaledLogits', () => {
  it('is the bilinear definition (align_corners=False), at any size', () => {
    fc.assert(
      fc.property(
        sizes.chain((from) =>
          fc.tuple(
            fc.constant(from),
            fc.array(fc.float({ min: -8, max: 8, noNaN: true }), {
              minLength: from.width * from.height,
              maxLength: from.width * from.height,
            }),
            targets,
          ),
        ),
        ([from, values, to]) => {
          const logits = Float32Array.from(values);
          const bitmap = maskToBitmap(maskFromScaledLogits(logits, from, to));
          for (let y = 0; y < to.height; y++)
            for (let x = 0; x < to.width; x++) {
              const value = bilinear(logits, from.width, from.height, x, y, to);
              // Where the value is zero to the last bit, either side is right.
              if (Math.abs(value) > 1e-12) expect(bitmap[y * to.width + x]).toBe(value > 0 ? 1 : 0);
            }
        },
      ),
    );
  });

  it('is the threshold itself at the same size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 30, maxLength: 30 }),
        (values) => {
          const logits = Float32Array.from(values);
          expect(maskFromScaledLogits(logits, { width: 6, height: 5 }, { width: 6, height: 5 })).toEqual(
            maskFromLogits(logits, 6, 5),
          );
        },
      ),
    );
  });

  it('agrees with torch on a known picture', () => {
    // F.interpolate(torch.tensor([[[[-1., 3.], [1., -2.]]]]), size=(4, 4), mode="bilinear") > 0
    const mask = maskFromScaledLogits(
      Float32Array.of(-1, 3, 1, -2),
      { width: 2, height: 2 },
      { width: 4, height: 4 },
    );
    expect([...maskToBitmap(mask)]).toEqual([0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]);
  });
});

describe('resizeMask', () => {
  it('takes the pixel under each target centre', () => {
    fc.assert(
      fc.property(
        sizes.chain((from) =>
          fc.tuple(
            fc.constant(from),
            fc.array(fc.constantFrom(0, 1), {
              minLength: from.width * from.height,
              maxLength: from.width * from.height,
            }),
            targets,
          ),
        ),
        ([from, values, to]) => {
          const resized = maskToBitmap(
            resizeMask(maskFromBitmap(Uint8Array.from(values), from.width, from.height), to),
          );
          for (let y = 0; y < to.height; y++)
            for (let x = 0; x < to.width; x++) {
              const sourceX = Math.floor(((x + 0.5) * from.width) / to.width);
              const sourceY = Math.floor(((y + 0.5) * from.height) / to.height);
              expect(resized[y * to.width + x]).toBe(values[sourceY * from.width + sourceX]);
            }
        },
      ),
    );
  });

  it('doubles and halves without loss', () => {
    const mask = maskFromBitmap(Uint8Array.of(0, 1, 1, 0, 1, 0), 3, 2);
    expect(resizeMask(resizeMask(mask, { width: 6, height: 4 }), { width: 3, height: 2 })).toEqual(mask);
  });
});
