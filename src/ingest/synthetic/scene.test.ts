import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { maskArea, maskToBitmap } from '../../mask/rle.js';
import { counterDisc, defaultPrompts, readCounter, syntheticScene } from './index.js';

const small = { width: 320, height: 180 };
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['laparoscopy', 'echo', 'counter'] as const)('scene %s', (kind) => {
  const scene = syntheticScene(kind, small);

  it('is the same for the same seed and frame, in any order, and another for another seed', () => {
    const again = syntheticScene(kind, small);
    const later = hash(scene.frame(40).rgb);
    const first = hash(scene.frame(3).rgb);
    expect(hash(again.frame(3).rgb)).toBe(first);
    expect(hash(again.frame(40).rgb)).toBe(later);
    expect(first).not.toBe(later);
    if (kind !== 'counter')
      expect(hash(syntheticScene(kind, { ...small, seed: 2 }).frame(3).rgb)).not.toBe(first);
  });

  it('draws the same picture with and without truth', () => {
    const pixels = new Uint32Array(small.width * small.height);
    scene.render(17, pixels);
    const { rgb, truth } = scene.frame(17);
    for (let i = 0; i < pixels.length; i += 101)
      expect([rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]]).toEqual([
        (pixels[i] ?? 0) & 255,
        ((pixels[i] ?? 0) >>> 8) & 255,
        ((pixels[i] ?? 0) >>> 16) & 255,
      ]);
    expect(truth).toHaveLength(scene.objects.length);
    for (const mask of truth) expect(mask).toMatchObject(small);
  });

  it('prompts each object with a box around its truth', () => {
    for (const { label, prompts } of defaultPrompts(kind, small).objects) {
      const [step] = prompts;
      if (step?.moment.kind !== 'frame' || step.prompt.type !== 'box') throw new Error('a box on a frame');
      const object = scene.objects.findIndex((other) => other.label === label);
      const mask = scene.frame(step.moment.frame).truth[object];
      if (mask === undefined) throw new Error('no truth');
      const [x0, y0, x1, y1] = step.prompt.box;
      const bitmap = maskToBitmap(mask);
      const inside = bitmap.reduce((sum, on, at) => {
        const x = (at % small.width) + 0.5;
        const y = Math.floor(at / small.width) + 0.5;
        return sum + (on !== 0 && x > x0 - 1 && x < x1 + 1 && y > y0 - 1 && y < y1 + 1 ? 1 : 0);
      }, 0);
      expect(maskArea(mask)).toBeGreaterThan(40);
      expect(inside).toBe(maskArea(mask));
    }
  });
});

describe('laparoscopy', () => {
  const scene = syntheticScene('laparoscopy', { ...small, framesPerSecond: 5 });
  const areas = Array.from({ length: 120 }, (_, index) => scene.frame(index).truth.map(maskArea));
  const areaOf = (object: number): number[] => areas.map((frame) => frame[object] ?? 0);

  it('has instruments that enter, leave and return, over a gallbladder that stays', () => {
    for (const object of [1, 2]) {
      const seen = areaOf(object).map((area) => area > 0);
      const entries = seen.filter((now, i) => now && seen[i - 1] === false).length;
      const exits = seen.filter((now, i) => !now && seen[i - 1] === true).length;
      expect(entries).toBeGreaterThanOrEqual(1);
      expect(exits).toBeGreaterThanOrEqual(1);
    }
    expect(Math.min(...areaOf(0))).toBeGreaterThan(500);
  });

  it('has one label per pixel: what an instrument covers is not gallbladder', () => {
    // The instruments cross near 10.8 s.
    const bitmaps = scene.frame(54).truth.map((mask) => maskToBitmap(mask));
    for (let at = 0; at < small.width * small.height; at += 1)
      expect(bitmaps.reduce((sum, bitmap) => sum + (bitmap[at] ?? 0), 0)).toBeLessThanOrEqual(1);
    expect(Math.min(...scene.frame(54).truth.map(maskArea))).toBeGreaterThan(0);
  });

  it('repeats after its period', () => {
    expect(hash(scene.frame(7).rgb).length).toBe(64);
    expect(areas[0]).toEqual(scene.frame(120).truth.map(maskArea));
  });

  it('is black outside the round view', () => {
    const { rgb } = scene.frame(10);
    for (const at of [0, small.width - 1, small.width * (small.height - 1)])
      expect([...rgb.subarray(3 * at, 3 * at + 3)]).toEqual([0, 0, 0]);
  });
});

describe('echo', () => {
  const scene = syntheticScene('echo', { width: 400, height: 300, framesPerSecond: 30 });
  const beat = Array.from({ length: 31 }, (_, index) => scene.frame(index));

  it('knows area, volume and ejection fraction of its beating ventricle', () => {
    const volumes = beat.map(({ measurements }) => measurements['lvVolumeMl'] ?? 0);
    const { measurements } = beat[0] as (typeof beat)[number];
    const spacing = scene.pixelSpacingMm?.x ?? 0;
    beat.forEach(({ truth, measurements: now }) => {
      const [ventricle] = truth;
      if (ventricle === undefined) throw new Error('no truth');
      expect(now['lvAreaMm2']).toBeCloseTo(maskArea(ventricle) * spacing * spacing, 6);
    });
    const largest = Math.max(...volumes);
    const smallest = Math.min(...volumes);
    // The frames of one beat come close to the exact extremes, never beyond by more than a pixel's worth.
    expect(largest).toBeGreaterThan(0.97 * (measurements['lvEndDiastolicVolumeMl'] ?? 0));
    expect(smallest).toBeLessThan(1.06 * (measurements['lvEndSystolicVolumeMl'] ?? 0));
    expect((100 * (largest - smallest)) / largest).toBeGreaterThan(
      (measurements['ejectionFractionPercent'] ?? 0) - 4,
    );
    expect(measurements['ejectionFractionPercent']).toBeGreaterThan(30);
    expect(measurements['ejectionFractionPercent']).toBeLessThan(75);
  });

  it('lets the atrium fill while the ventricle empties', () => {
    const area = (frame: number, object: number): number => {
      const mask = beat[frame]?.truth[object];
      return mask === undefined ? 0 : maskArea(mask);
    };
    const systole = beat.reduce((best, _, i) => (area(i, 0) < area(best, 0) ? i : best), 0);
    expect(area(systole, 1)).toBeGreaterThan(area(0, 1));
  });

  it('has another heart for another seed', () => {
    const other = syntheticScene('echo', { width: 400, height: 300, seed: 5 }).frame(0).measurements;
    expect(other['ejectionFractionPercent']).not.toBe(beat[0]?.measurements['ejectionFractionPercent']);
  });
});

describe('counter', () => {
  it('carries its frame number in picture and mask', () => {
    const scene = syntheticScene('counter', small);
    for (const index of [0, 1, 2, 255, 256, 99_999, 2 ** 24 - 1]) {
      const { rgb, truth, measurements } = scene.frame(index);
      expect(readCounter(rgb, small.width, 3)).toBe(index);
      expect(measurements['frameNumber']).toBe(index);
      const { x, y } = counterDisc(index, small.width, small.height);
      const [mask] = truth;
      if (mask === undefined) throw new Error('no truth');
      expect(maskToBitmap(mask)[Math.floor(y) * small.width + Math.floor(x)]).toBe(1);
    }
  });

  it('finds no number where none is', () => {
    expect(readCounter(new Uint8Array(small.width * small.height * 3), small.width, 3)).toBeNull();
  });
});
