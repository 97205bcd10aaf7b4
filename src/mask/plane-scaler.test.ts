import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlaneScaler, type Region } from './plane-scaler.js';

const size = (most: number) =>
  fc.record({ width: fc.integer({ min: 1, max: most }), height: fc.integer({ min: 1, max: most }) });
const number = fc.float({ noNaN: true, min: -9, max: 9 });

/** The definition, pixel by pixel: torch `interpolate(align_corners=False)` to the part; null beside it. */
function bilinear(
  plane: Float32Array,
  from: { width: number; height: number },
  part: Region,
  x: number,
  y: number,
): number | null {
  const inside = (centre: number, start: number, length: number) =>
    centre >= start && centre < start + length;
  if (!inside(x + 0.5, part.left, part.width) || !inside(y + 0.5, part.top, part.height)) return null;
  const place = (index: number, start: number, length: number, source: number) => {
    const position = Math.min(Math.max(((index + 0.5 - start) * source) / length - 0.5, 0), source - 1);
    const first = Math.floor(position);
    return [first, Math.min(first + 1, source - 1), position - first] as const;
  };
  const [x0, x1, wx] = place(x, part.left, part.width, from.width);
  const [y0, y1, wy] = place(y, part.top, part.height, from.height);
  const at = (column: number, row: number): number => plane[row * from.width + column] as number;
  return (
    (1 - wy) * ((1 - wx) * at(x0, y0) + wx * at(x1, y0)) + wy * ((1 - wx) * at(x0, y1) + wx * at(x1, y1))
  );
}

describe('PlaneScaler', () => {
  it('is the bilinear definition, of any part, at any size, behind other planes', () => {
    const given = fc.tuple(size(12), size(30)).chain(([from, to]) =>
      fc.record({
        from: fc.constant(from),
        to: fc.constant(to),
        part: fc.record({
          left: fc.double({ min: -to.width, max: 2 * to.width, noNaN: true }),
          top: fc.double({ min: -to.height, max: 2 * to.height, noNaN: true }),
          width: fc.double({ min: 0.1, max: 2 * to.width, noNaN: true }),
          height: fc.double({ min: 0.1, max: 2 * to.height, noNaN: true }),
        }),
        plane: fc.array(number, {
          minLength: from.width * from.height,
          maxLength: from.width * from.height,
        }),
      }),
    );
    fc.assert(
      fc.property(given, ({ from, to, part, plane }) => {
        const source = Float32Array.of(5, ...plane);
        const target = new Float32Array(to.width * to.height + 2).fill(7);
        const scaler = new PlaneScaler(from, to, part);
        scaler.scale(source, 1, target, 1);
        const own = Float32Array.from(plane);
        let count = 0;
        for (let index = 0; index < to.width * to.height; index++) {
          const [x, y] = [index % to.width, Math.floor(index / to.width)];
          const value = bilinear(own, from, part, x, y);
          if (value === null) {
            expect(target[index + 1]).toBe(7);
            continue;
          }
          expect(target[index + 1]).toBeCloseTo(value, 4);
          count += 1;
        }
        expect(scaler.written.width * scaler.written.height).toBe(count);
        expect([target[0], target.at(-1)]).toEqual([7, 7]);
      }),
    );
  });

  it('leaves a plane of the same size as it is', () => {
    const plane = Float32Array.of(1, -2, 3, 4, 5, -6);
    const same = new Float32Array(6);
    new PlaneScaler({ width: 3, height: 2 }, { width: 3, height: 2 }).scale(plane, 0, same, 0);
    expect(same).toEqual(plane);
  });
});
