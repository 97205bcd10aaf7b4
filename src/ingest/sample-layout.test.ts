import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf, PictureAssembler, padPicture, unpadRgb, type PixelFormat } from './sample-layout.js';

const formats: readonly PixelFormat[] = ['GRAY8', 'I420', 'Y42B', 'Y444', 'RGB', 'RGBx'];

describe('sample layouts', () => {
  it('are GStreamer’s: 4:2:0 has even heights, rows are multiples of 16 pixels', () => {
    const odd = layoutOf({ width: 321, height: 241 }, 'I420');
    expect([odd.packedBytes, odd.paddedBytes, odd.paddedWidth]).toEqual([
      321 * 241 + 2 * 161 * 121,
      336 * 242 + 2 * 168 * 121,
      336,
    ]);
    const hd = layoutOf({ width: 1920, height: 1080 }, 'I420');
    expect(hd.isPacked).toBe(true);
    expect(layoutOf({ width: 630, height: 3 }, 'Y42B').paddedBytes).toBe(640 * 3 + 2 * 320 * 3);
  });

  it('keep every sample, however the bytes come, and repeat the last column and row', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...formats),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 }),
        (format, width, height, cuts) => {
          const layout = layoutOf({ width, height }, format);
          const pictures = [1, 2].map((seed) =>
            Uint8Array.from({ length: layout.packedBytes }, (_, n) => (n * 7 + seed * 31) & 255),
          );
          const stream = Buffer.concat(pictures);
          const assembler = new PictureAssembler(layout);
          const seen: Buffer[] = [];
          let at = 0;
          for (let n = 0; at < stream.length; n += 1) {
            const chunk = stream.subarray(at, at + (cuts[n % cuts.length] ?? 1));
            for (let offset = 0; offset < chunk.length;) {
              const { taken, picture } = assembler.take(chunk, offset);
              if (picture !== null) seen.push(picture);
              offset += taken;
            }
            at += chunk.length;
          }
          expect(assembler.isEmpty).toBe(true);
          expect(seen).toHaveLength(2);
          seen.forEach((padded, p) => {
            const packed = pictures[p] ?? new Uint8Array();
            expect(padded.equals(padPicture(packed, layout))).toBe(true);
            let from = 0;
            let to = 0;
            for (const plane of layout.planes) {
              for (let y = 0; y < plane.paddedRows; y += 1)
                for (let x = 0; x < plane.paddedRowBytes; x += 1) {
                  const row = Math.min(y, plane.rows - 1);
                  const inside = x < plane.rowBytes;
                  const column = inside
                    ? x
                    : plane.rowBytes - plane.step + ((x - plane.rowBytes) % plane.step);
                  expect(padded[to + y * plane.paddedRowBytes + x]).toBe(
                    packed[from + row * plane.rowBytes + column],
                  );
                }
              from += plane.rowBytes * plane.rows;
              to += plane.paddedRowBytes * plane.paddedRows;
            }
            expect(to).toBe(padded.length);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses a picture of another length instead of tearing it', () => {
    expect(() => padPicture(new Uint8Array(10), layoutOf({ width: 2, height: 2 }, 'RGB'))).toThrow(
      RangeError,
    );
  });

  it('gives RGB back without the gaps that GStreamer leaves', () => {
    const padded = Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0);
    expect([...unpadRgb(padded, { width: 1, height: 2 })]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
