import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { maskArea, maskToBitmap } from '../../mask/rle.js';
import {
  counterDisc,
  defaultPrompts,
  echoScene,
  plainEcho,
  readCounter,
  syntheticScene,
  type EchoParameters,
} from './index.js';

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

describe('echo with a heart that was asked for', () => {
  const heartOf = (echo: Partial<EchoParameters>, framesPerSecond = 30, seed = 4) =>
    echoScene({ seed, width: 320, height: 240, framesPerSecond, echo: { ...plainEcho, ...echo } });

  it('leaves the plain scene as it was, byte for byte', () => {
    const digest = createHash('sha256');
    for (const index of [0, 3, 17, 40]) {
      const { rgb, measurements, truth } = syntheticScene('echo', { width: 320, height: 240 }).frame(index);
      digest.update(rgb).update(JSON.stringify(measurements)).update(JSON.stringify(truth));
    }
    expect(digest.digest('hex')).toBe('528a74a0633face6a3854d3fb8930e3f288e160c906326eb3a8e902e2564f683');
    expect(hash(heartOf({}).frame(9).rgb)).toBe(
      hash(syntheticScene('echo', { seed: 4, width: 320, height: 240 }).frame(9).rgb),
    );
  });

  it.each([10, 15, 35, 55, 75])(
    'ejects %i in a hundred by the disks of its label map',
    (ejectionFractionPercent) => {
      for (const seed of [1, 4]) {
        const { measurements } = heartOf({ ejectionFractionPercent }, 30, seed).frame(0);
        expect(
          Math.abs((measurements['ejectionFractionPercent'] ?? 0) - ejectionFractionPercent),
        ).toBeLessThan(0.5);
      }
    },
  );

  it.each(['sinus', 'fibrillation', 'extrasystoles'] as const)(
    'knows the largest and the smallest frame of each beat in %s, and its volumes',
    (rhythm) => {
      const scene = heartOf({ heartRateBpm: 75, rhythm, ejectionFractionPercent: 50 });
      const frameCount = 150;
      const frames = Array.from({ length: frameCount }, (_, index) => scene.frame(index).measurements);
      const volume = (index: number): number => frames[index]?.['lvVolumeMl'] ?? Number.NaN;
      const { beats, endDiastoles, endSystoles } = scene.heart(frameCount);
      expect(beats.length).toBeGreaterThan(3);
      expect(beats.length).toBeLessThan(9);
      expect(endDiastoles.length).toBeGreaterThan(beats.length);
      expect(endSystoles.length).toBeGreaterThanOrEqual(beats.length);
      for (const beat of beats) {
        expect(beat.endDiastole).toBeLessThan(beat.endSystole);
        expect(beat.endSystole).toBeLessThan(beat.nextEndDiastole);
        expect(beat.endDiastolicVolumeMl).toBe(volume(beat.endDiastole));
        expect(beat.endSystolicVolumeMl).toBe(volume(beat.endSystole));
        expect(beat.ejectionFractionPercent).toBeCloseTo(
          100 * (1 - beat.endSystolicVolumeMl / beat.endDiastolicVolumeMl),
          9,
        );
        // Drift moves the map by parts of a pixel, so that a neighbour may be a few hundredths larger.
        for (let index = beat.endDiastole; index <= beat.nextEndDiastole; index += 1)
          expect(volume(index)).toBeGreaterThan(0.96 * beat.endSystolicVolumeMl);
        for (let index = beat.endDiastole; index < beat.endSystole; index += 1)
          expect(volume(index)).toBeLessThan(1.04 * beat.endDiastolicVolumeMl);
        const contraction = (index: number): number => frames[index]?.['contraction'] ?? Number.NaN;
        for (const near of [-1, 1]) {
          if (beat.endDiastole + near >= 0)
            expect(contraction(beat.endDiastole + near)).toBeGreaterThan(contraction(beat.endDiastole));
          expect(contraction(beat.endSystole + near)).toBeLessThan(contraction(beat.endSystole));
        }
      }
    },
  );

  it('marks the middle of the flat top of a plain heart', () => {
    const scene = heartOf({}, 60);
    const { beats } = scene.heart(240);
    expect(beats.length).toBeGreaterThan(2);
    for (const { endDiastole, endSystole } of beats) {
      expect(scene.frame(endDiastole).measurements['contraction']).toBeLessThan(1e-3);
      expect(scene.frame(endSystole).measurements['contraction']).toBeGreaterThan(0.999);
    }
  });

  it('beats at the rate and in the rhythm that was asked for', () => {
    const lengths = (echo: Partial<EchoParameters>): number[] =>
      heartOf(echo, 50)
        .heart(2000)
        .beats.map(({ endDiastole, nextEndDiastole }) => (nextEndDiastole - endDiastole) / 50);
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = (values: readonly number[]): number =>
      Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2))) / mean(values);
    for (const heartRateBpm of [45, 90, 150]) {
      const sinus = lengths({ heartRateBpm });
      expect(60 / mean(sinus)).toBeCloseTo(heartRateBpm, -0.5);
      expect(spread(sinus)).toBeLessThan(0.06);
      const fibrillation = lengths({ heartRateBpm, rhythm: 'fibrillation' });
      expect(spread(fibrillation)).toBeGreaterThan(0.12);
      expect(Math.abs(60 / mean(fibrillation) / heartRateBpm - 1)).toBeLessThan(0.12);
    }
    const early = lengths({ heartRateBpm: 75, rhythm: 'extrasystoles' });
    expect(early.filter((length) => length < 0.55).length).toBeGreaterThan(5);
    expect(early.filter((length) => length > 1.0).length).toBeGreaterThan(5);
  });

  it('shortens systole less than diastole as the rate rises', () => {
    const share = (heartRateBpm: number): number => {
      const [, beat] = heartOf({ heartRateBpm }, 100).heart(800).beats;
      if (beat === undefined) throw new Error('no beat');
      return (beat.endSystole - beat.endDiastole) / (beat.nextEndDiastole - beat.endDiastole);
    };
    expect(share(50)).toBeLessThan(0.36);
    expect(share(150)).toBeGreaterThan(0.48);
  });

  it('has the same anatomy whatever the rhythm, and another course for another seed', () => {
    const still = (rhythm: EchoParameters['rhythm']) =>
      heartOf({ heartRateBpm: 70, rhythm }).frame(0).measurements['lvEndDiastolicVolumeMl'];
    expect(still('fibrillation')).toBe(still('sinus'));
    const course = (seed: number) => heartOf({ rhythm: 'fibrillation' }, 30, seed).heart(300).endDiastoles;
    expect(course(4)).toEqual(course(4));
    expect(course(4)).not.toEqual(course(5));
  });

  it('turns picture and truth together when mirrored', () => {
    const plain = heartOf({ heartRateBpm: 70 }).frame(5);
    const turned = heartOf({ heartRateBpm: 70, mirrored: true }).frame(5);
    const [width, height] = [320, 240];
    plain.truth.forEach((mask, object) => {
      const other = turned.truth[object];
      if (other === undefined) throw new Error('no truth');
      const there = maskToBitmap(other);
      maskToBitmap(mask).forEach((on, at) => {
        if (there[at - (at % width) + width - 1 - (at % width)] !== on)
          throw new Error(`object ${object + 1} differs at ${at}`);
      });
    });
    // Inside the sector, above the trace of the ECG.
    for (let y = 40; y < 0.85 * height; y += 7)
      for (let x = 120; x < 200; x += 7)
        expect(turned.rgb[3 * (y * width + width - 1 - x)]).toBe(plain.rgb[3 * (y * width + x)]);
    expect(turned.measurements).toEqual(plain.measurements);
  });

  it('labels ventricle, wall and atrium as CAMUS does: the wall lies around the cavity, and the atrium reaches up to it', () => {
    const scene = heartOf({ heartRateBpm: 70, mirrored: true });
    const map = scene.chambers(5);
    const [ventricle, atrium] = scene.frame(5).truth;
    if (ventricle === undefined || atrium === undefined) throw new Error('no truth');
    expect(map.map((label) => (label === 1 ? 1 : 0))).toEqual(maskToBitmap(ventricle));
    const drawn = maskToBitmap(atrium);
    expect(map.filter((label, at) => drawn[at] === 1 && label !== 3).length).toBe(0);
    // Beyond its own cavity only the strip under the valve: annotators leave none between the two.
    const strip = map.filter((label, at) => label === 3 && drawn[at] !== 1).length;
    expect(strip).toBeGreaterThan(20);
    expect(strip / maskArea(atrium)).toBeLessThan(0.06);
    const hinged = map.reduce(
      (sum, label, at) => sum + (label === 1 && (map[at + 320] === 3 || map[at - 320] === 3) ? 1 : 0),
      0,
    );
    expect(hinged).toBeGreaterThan(40);
    const wall = map.filter((label) => label === 2).length;
    expect(wall / maskArea(ventricle)).toBeGreaterThan(0.4);
    expect(wall / maskArea(ventricle)).toBeLessThan(1);
    const neighbours = [-1, 1, -320, 320];
    const touching = map.reduce(
      (sum, label, at) => sum + (label === 2 && neighbours.some((step) => map[at + step] === 1) ? 1 : 0),
      0,
    );
    expect(touching).toBeGreaterThan(150);
  });

  it('shows less through a poor window, and the truth stays', () => {
    const brightness = (dropout: number): number => {
      const { rgb } = heartOf({ heartRateBpm: 70, dropout }).frame(8);
      return rgb.reduce((sum, value) => sum + value, 0) / rgb.length;
    };
    expect(brightness(1)).toBeLessThan(0.8 * brightness(0));
    expect(heartOf({ heartRateBpm: 70, dropout: 1 }).frame(8).truth).toEqual(
      heartOf({ heartRateBpm: 70 }).frame(8).truth,
    );
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
