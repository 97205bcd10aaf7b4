import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLabelPng } from '../formats/label-png.js';
import { maskFromBitmap } from '../mask/rle.js';
import { packageRoot } from '../node/built-module.js';
import type { Mask } from '../vocabulary/mask.js';
import { createShapeReader } from './ventricle.js';

interface Heart {
  /** Half length and half width of the cavity's ellipse, source units. */
  readonly a: number;
  readonly b: number;
  /** Distance of the mitral plane from the ellipse's middle, share of `a`. */
  readonly plane: number;
  readonly turnDegrees: number;
  readonly mirrored?: boolean;
  /** Without an atrium the gap in the wall is the base. */
  readonly atrium?: boolean;
  /** Wall only on this share of the way from the apex. */
  readonly wallFrom?: number;
}

const size = { width: 160, height: 160 };

/** Half an ellipse in a horseshoe of wall, with an atrium behind its plane; the source is 320 × 240, so mask pixels are not square. */
function heart(
  { a, b, plane, turnDegrees, mirrored = false, atrium = true, wallFrom = -Infinity }: Heart,
  scale = { x: 2, y: 1.5 },
) {
  const [cavity, wall, behind] = [0, 1, 2].map(() => new Uint8Array(size.width * size.height)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const angle = (turnDegrees * Math.PI) / 180;
  for (let row = 0; row < size.height; row++)
    for (let column = 0; column < size.width; column++) {
      const x = (column + 0.5 - size.width / 2) * scale.x * (mirrored ? -1 : 1);
      const y = (row + 0.5 - size.height / 2) * scale.y;
      // Along the axis, apex at -a; across it.
      const along = x * Math.sin(angle) + y * Math.cos(angle);
      const across = x * Math.cos(angle) - y * Math.sin(angle);
      const index = row * size.width + column;
      const inside = (along / a) ** 2 + (across / b) ** 2;
      const around = (along / (a + 12)) ** 2 + (across / (b + 12)) ** 2;
      if (along <= plane * a) {
        if (inside <= 1) cavity[index] = 1;
        else if (around <= 1 && along >= wallFrom * a) wall[index] = 1;
      } else if (atrium && inside <= 1) behind[index] = 1;
    }
  const mask = (bitmap: Uint8Array): Mask => maskFromBitmap(bitmap, size.width, size.height);
  return createShapeReader()({ cavity: mask(cavity), wall: mask(wall), atrium: mask(behind) }, scale);
}

/** Of the cut ellipse and its body of revolution. */
function truth({ a, b, plane }: Heart) {
  const length = a * (1 + plane);
  const volume = Math.PI * b * b * a * (plane - plane ** 3 / 3 + 2 / 3);
  const area = a * b * (plane * Math.sqrt(1 - plane * plane) + Math.asin(plane) + Math.PI / 2);
  return { length, volume, area };
}

const anyHeart = fc.record({
  a: fc.double({ min: 70, max: 95, noNaN: true }),
  b: fc.double({ min: 28, max: 42, noNaN: true }),
  plane: fc.double({ min: 0.3, max: 0.7, noNaN: true }),
  turnDegrees: fc.double({ min: 0, max: 360, noNaN: true }),
});

describe('the shape of a ventricle', () => {
  it('has the volume, area and length of the ellipsoid that it is, however turned', () => {
    const errors: number[] = [];
    fc.assert(
      fc.property(anyHeart, (of) => {
        const shape = heart(of);
        expect(shape).not.toBeNull();
        if (shape === null) return;
        const { length, volume, area } = truth(of);
        errors.push(shape.volume / volume - 1);
        expect(Math.abs(shape.area / area - 1)).toBeLessThan(0.015);
        expect(Math.abs(shape.length / length - 1)).toBeLessThan(0.015);
        expect(Math.abs(shape.volume / volume - 1)).toBeLessThan(0.03);
        expect(shape.openShare).toBeLessThan(0.05);
      }),
      { numRuns: 100, seed: 1 },
    );
    const absolute = errors.map(Math.abs).sort((x, y) => x - y);
    expect(absolute[Math.floor(0.9 * absolute.length)]).toBeLessThan(0.015);
    expect(Math.abs(errors.reduce((sum, one) => sum + one, 0) / errors.length)).toBeLessThan(0.005);
  });

  it('is that of its mirror image', () => {
    fc.assert(
      fc.property(anyHeart, (of) => {
        const [one, other] = [heart(of), heart({ ...of, mirrored: true })];
        expect(other?.volume).toBeCloseTo(one?.volume ?? NaN, 0);
        expect(other?.length).toBeCloseTo(one?.length ?? NaN, 6);
      }),
      { numRuns: 30, seed: 2 },
    );
  });

  it('agrees with the area-length formula on half an ellipsoid, where that is exact', () => {
    const shape = heart({ a: 120, b: 40, plane: 0, turnDegrees: 0 });
    expect((shape?.volumeByAreaLength ?? 0) / (shape?.volume ?? 1)).toBeCloseTo(1, 1);
  });

  it('finds its base by the gap in the wall where there is no atrium', () => {
    const of = { a: 80, b: 34, plane: 0.5, turnDegrees: 33 };
    const shape = heart({ ...of, atrium: false });
    expect(Math.abs((shape?.length ?? 0) / truth(of).length - 1)).toBeLessThan(0.05);
  });

  it('says how much of the outline has no wall behind it, and all where it touches the border', () => {
    const of = { a: 80, b: 34, plane: 0.5, turnDegrees: 200 };
    expect(heart({ ...of, wallFrom: -0.5 })?.openShare).toBeGreaterThan(0.2);
    expect(heart({ ...of, a: 170 })?.openShare).toBe(1);
  });

  it('is none of an empty picture, of a speck, and of a cavity without wall', () => {
    const [nothing, speck] = [new Uint8Array(25_600), new Uint8Array(25_600).fill(1, 8000, 8050)];
    const mask = (bitmap: Uint8Array): Mask => maskFromBitmap(bitmap, 160, 160);
    const read = createShapeReader();
    const scale = { x: 1, y: 1 };
    expect(read({ cavity: mask(nothing), wall: mask(nothing), atrium: mask(nothing) }, scale)).toBeNull();
    expect(read({ cavity: mask(speck), wall: mask(nothing), atrium: mask(nothing) }, scale)).toBeNull();
    expect(heart({ a: 80, b: 34, plane: 0.5, turnDegrees: 0, wallFrom: Infinity })).toBeNull();
  });

  it('is the same from a mask and from one of other proportions', () => {
    const of = { a: 80, b: 34, plane: 0.5, turnDegrees: 70 };
    const [one, other] = [heart(of, { x: 1.5, y: 2 }), heart(of, { x: 2, y: 1.5 })];
    expect(Math.abs((one?.volume ?? 0) / (other?.volume ?? 1) - 1)).toBeLessThan(0.02);
  });
});

const camus = join(packageRoot, '../shared/data/camus-4ch');
const present = existsSync(camus);
if (!present) console.warn('the sample data (../shared/data) is absent: its tests are skipped');

describe.skipIf(!present)(
  'annotated four-chamber views (CAMUS, skipped where ../shared/data is absent)',
  () => {
    it('have plausible shapes, hardly changed by the size of the mask, and ejection fractions as in the clinic', async () => {
      const read = createShapeReader();
      const fractions: number[] = [];
      const patients = readdirSync(camus)
        .filter((name) => name.startsWith('patient'))
        .slice(0, 40);
      for (const patient of patients) {
        const volumes: number[] = [];
        for (const phase of ['ED', 'ES']) {
          const png = await decodeLabelPng(readFileSync(join(camus, patient, 'masks', `${phase}.png`)));
          if (png === null) throw new Error(`${patient} ${phase} is no PNG`);
          const shapeAt = (edge: { width: number; height: number }) => {
            const mask = (label: number): Mask => {
              const bitmap = new Uint8Array(edge.width * edge.height);
              for (let y = 0, index = 0; y < edge.height; y++)
                for (let x = 0; x < edge.width; x++, index++) {
                  const row = Math.floor(((y + 0.5) * png.height) / edge.height);
                  const column = Math.floor(((x + 0.5) * png.width) / edge.width);
                  bitmap[index] = png.data[row * png.width + column] === label ? 1 : 0;
                }
              return maskFromBitmap(bitmap, edge.width, edge.height);
            };
            const scale = { x: png.width / edge.width, y: png.height / edge.height };
            return read({ cavity: mask(1), wall: mask(2), atrium: mask(3) }, scale);
          };
          const [small, whole] = [shapeAt(size), shapeAt(png)];
          expect(small, `${patient} ${phase}`).not.toBeNull();
          if (small === null || whole === null) continue;
          expect(Math.abs(small.volume / whole.volume - 1), `${patient} ${phase}`).toBeLessThan(0.04);
          expect(small.volume / small.volumeByAreaLength).toBeGreaterThan(0.9);
          expect(small.volume / small.volumeByAreaLength).toBeLessThan(1.25);
          expect(small.openShare).toBeLessThan(0.05);
          volumes.push(small.volume);
        }
        const [diastole = NaN, systole = NaN] = volumes;
        fractions.push(100 * (1 - systole / diastole));
      }
      const sorted = [...fractions].sort((x, y) => x - y);
      expect(sorted[0]).toBeGreaterThan(0);
      expect(sorted.at(-1)).toBeLessThan(90);
      const middle = sorted[Math.floor(sorted.length / 2)] ?? NaN;
      expect(middle).toBeGreaterThan(45);
      expect(middle).toBeLessThan(60);
    });
  },
);
