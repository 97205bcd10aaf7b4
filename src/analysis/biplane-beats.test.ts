/** Biplane numbers of drawn ellipsoids and of the two views of the echo scene, from masks to the number that a person reads. */
import { uniformCalibration } from '../vocabulary/calibration.js';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { volumeCurve, type CurveOptions } from '../../tests/volume-curves.js';
import { echoScene, plainEcho, type EchoScene } from '../ingest/synthetic/index.js';
import { resizeMask } from '../mask/resize.js';
import { maskArea, maskFromBitmap } from '../mask/rle.js';
import { chambers, echoViews, type EchoView } from '../vocabulary/echo.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Disks } from './beats.js';
import { biplaneRefusals } from './biplane.js';
import {
  biplaneNote,
  biplaneOf,
  pairRefusals,
  type BiplanePresent,
  type ViewBeats,
} from './biplane-beats.js';
import { uncertainty } from './ejection-fraction.js';
import { createMeasurer } from './measure.js';
import type { MeasuredSource } from './measured.js';
import { createShapeReader } from './ventricle.js';
import { ViewBeatKeeper } from './view-beats.js';

type SceneDisks = ReturnType<EchoScene['disks']>;

const labels = [chambers.ventricle, chambers.wall, chambers.atrium];

/** What stands behind the single-plane number after the last of these pictures. */
function beatsOf(
  pictures: readonly { readonly at: number; readonly masks: readonly Mask[] }[],
  source: MeasuredSource,
): ViewBeats {
  const measure = createMeasurer();
  const keeper = new ViewBeatKeeper();
  for (const { at, masks } of pictures) {
    const frame = { ptsNs: Math.round(at * 1e9), discontinuity: 0 };
    const maskSize = { width: masks[0]?.width ?? 0, height: masks[0]?.height ?? 0 };
    const objects = masks.map((mask, index) => ({
      ...{ id: index + 1, label: labels[index] ?? '', state: 'tracking' as const, score: 0.95 },
      ...{ confidence: 0.9, mask, areaPx: maskArea(mask) },
    }));
    keeper.take(frame.ptsNs, measure({ frame, maskSize, objects }, source));
  }
  if ('reason' in keeper.state) throw new Error(keeper.state.reason);
  return keeper.state;
}

const known = (present: BiplanePresent) => {
  if (present.reason !== null) throw new Error(present.reason);
  return present;
};

// ------------------------------------------------------------------------------------------ ellipsoids

const maskSize = { width: 160, height: 160 };
const spacing = { x: 0.8, y: 0.75 };
const ellipsoidSource: MeasuredSource = { size: maskSize, calibration: uniformCalibration(spacing) };
/** Where the mitral plane cuts the ellipsoid, as a share of the long half axis beyond its middle. */
const plane = 0.4;
const cutShare = plane - plane ** 3 / 3 + 2 / 3;

/** A section of half axes along (`a`) and across (`b`), mm, with the apex on top, its wall and its atrium. */
function section(a: number, b: number): Mask[] {
  const { width, height } = maskSize;
  const bitmaps = labels.map(() => new Uint8Array(width * height));
  for (let at = 0; at < width * height; at += 1) {
    const x = ((at % width) + 0.5 - width / 2) * spacing.x;
    const y = (Math.floor(at / width) + 0.5) * spacing.y - 66;
    const inside = (x / b) ** 2 + (y / a) ** 2 <= 1;
    const around = (x / (b + 9)) ** 2 + (y / (a + 9)) ** 2 <= 1;
    const structure = y > plane * a ? (inside ? 2 : null) : inside ? 0 : around ? 1 : null;
    if (structure !== null) (bitmaps[structure] as Uint8Array)[at] = 1;
  }
  return bitmaps.map((bitmap) => maskFromBitmap(bitmap, width, height));
}

const usual: CurveOptions = { seed: 11, noise: 0, picturesPerSecond: 30, seconds: 7 };

/** One view of a ventricle whose volume follows the curve, whose length is 65 mm at `largest` and whose axes across are as `across` is to 1. */
function ellipsoidBeats(across: number, options: CurveOptions = usual): ViewBeats {
  const { samples } = volumeCurve(options);
  const largest = Math.max(...samples.map(({ volume }) => volume));
  return beatsOf(
    samples.map(({ at, volume }) => {
      // The long axis shortens with the sixth root, so that the axes across must do most of the work.
      const a = 62 * (volume / largest) ** (1 / 6);
      const round = Math.sqrt((volume * 1000) / (Math.PI * a * cutShare));
      return { at, masks: section(a, round * across) };
    }),
    ellipsoidSource,
  );
}

describe('two views of one ellipsoid', () => {
  // Axes across of 1.18 and 1 / 1.18: its volume is that of the curve, while each view alone is wrong by 39 and 28 %.
  const options = { ...usual, ejectionFraction: 55 };
  const views = { a4c: ellipsoidBeats(1.18, options), a2c: ellipsoidBeats(1 / 1.18, options) };
  const { beats: trueBeats, trueVolume } = volumeCurve(options);
  const mean = (of: (beat: (typeof trueBeats)[number]) => number): number =>
    trueBeats.reduce((sum, beat) => sum + of(beat), 0) / trueBeats.length;

  it('give its volumes within 3 % and its ejection fraction within 1.5 points', () => {
    const { ejectionFraction, endDiastolicVolume, endSystolicVolume, beats } = known(biplaneOf(views));
    expect(beats.a4c).toBeGreaterThanOrEqual(3);
    const diastole = mean(({ endDiastole }) => trueVolume(endDiastole));
    const systole = mean(({ endSystole }) => trueVolume(endSystole));
    expect(Math.abs(endDiastolicVolume.value / diastole - 1)).toBeLessThan(0.03);
    expect(Math.abs(endSystolicVolume.value / systole - 1)).toBeLessThan(0.045);
    expect(Math.abs(ejectionFraction.value - (100 * (diastole - systole)) / diastole)).toBeLessThan(1.5);
  });

  it('are refused with the reason where they cannot be of one ventricle', () => {
    const longer = (beats: ViewBeats, factor: number): ViewBeats => ({
      ...beats,
      beats: beats.beats.map((beat) => ({
        ...beat,
        disks: {
          endDiastole: { ...beat.disks.endDiastole, length: beat.disks.endDiastole.length * factor },
          endSystole: { ...beat.disks.endSystole, length: beat.disks.endSystole.length * factor },
        },
      })),
    });
    expect(biplaneOf({ ...views, a2c: longer(views.a2c, 1.2) }).reason).toBeNull();
    expect(biplaneOf({ ...views, a2c: longer(views.a2c, 1.3) }).reason).toBe(biplaneRefusals.lengths);
    const faster = (factor: number): ViewBeats => ({
      ...views.a2c,
      beats: views.a2c.beats.map((beat) => ({ ...beat, heartRate: beat.heartRate * factor })),
    });
    expect(biplaneOf({ ...views, a2c: faster(1.22) }).reason).toBeNull();
    expect(biplaneOf({ ...views, a2c: faster(1.3) }).reason).toBe(pairRefusals.rates);
    expect(biplaneOf({ ...views, a2c: faster(0.75) }).reason).toBe(pairRefusals.rates);
    expect(biplaneOf({ ...views, a4c: { ...views.a4c, unit: 'px' } }).reason).toBe(pairRefusals.scale);
  });

  it('have an interval that is never narrower than that of one view with as many beats', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (four, two) => {
        const cut = (beats: ViewBeats, count: number): ViewBeats => ({
          ...beats,
          beats: beats.beats.slice(0, count),
        });
        const present = known(biplaneOf({ a4c: cut(views.a4c, four), a2c: cut(views.a2c, two) }));
        const { value, interval } = present.ejectionFraction;
        const half = uncertainty.factor * uncertainty.ejectionFraction.model;
        expect(value - interval.low).toBeGreaterThanOrEqual(half - 1e-9);
        expect(interval.high - value).toBeGreaterThanOrEqual(half - 1e-9);
        expect(biplaneNote(present)).toContain('not calibrated');
      }),
    );
  });
});

// ------------------------------------------------------------------------------------------ the interval

/** Errors of single-plane ejection fractions of `echo-lv`, points, of the patients that calibrated the interval of one view. */
const errors = z
  .object({
    clips: z.array(
      z.object({ referencePercent: z.number().nullable(), measuredPercent: z.number().nullable() }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../bench/echo/beating-stills.json', import.meta.url), 'utf8')))
  .clips.flatMap(({ referencePercent, measuredPercent }) =>
    referencePercent === null || measuredPercent === null ? [] : [measuredPercent - referencePercent],
  );

/** Share of hearts whose true ejection fraction lies inside, where every plane is outlined as wrongly as one of these patients was. */
function coverage(pairs: readonly (readonly [number, number])[]): { inside: number; rmse: number } {
  let [inside, squares, count] = [0, 0, 0];
  for (const fraction of [25, 40, 55, 65]) {
    const disks = (scale: number, share: number): Disks => ({
      length: 80 * share,
      diameters: Array.from(
        { length: 20 },
        (_, at) => 45 * scale * share * Math.sqrt(1 - (1 - (at + 0.5) / 20) ** 2),
      ),
    });
    const shrunk = (1 - fraction / 100) ** (1 / 3);
    /** End-systolic diameters are off by what makes the plane's own fraction off by `error`. */
    const plane = (scale: number, error: number): ViewBeats => {
      const wrong = Math.sqrt(Math.max(0.02, 1 - (fraction + error) / 100) / (1 - fraction / 100));
      const endSystole = disks(scale, shrunk);
      const beat = {
        disks: {
          endDiastole: disks(scale, 1),
          endSystole: { ...endSystole, diameters: endSystole.diameters.map((diameter) => diameter * wrong) },
        },
        heartRate: 70,
      };
      return { beats: [beat, beat, beat], irregularRhythm: false, unit: 'mm' };
    };
    for (const [four, two] of pairs) {
      const present = biplaneOf({ a4c: plane(1, four), a2c: plane(0.9, two) });
      if (present.reason !== null) continue;
      const { value, interval } = present.ejectionFraction;
      count++;
      squares += (value - fraction) ** 2;
      if (fraction >= interval.low && fraction <= interval.high) inside++;
    }
  }
  return { inside: inside / count, rmse: Math.sqrt(squares / count) };
}

describe('the interval of two views', () => {
  const together = coverage(errors.map((error) => [error, error]));
  const apart = coverage(errors.flatMap((four) => errors.map((two) => [four, two] as const)));

  it('holds what it says whether the errors of both planes are the same or have nothing to do with each other', () => {
    expect(errors.length).toBeGreaterThan(30);
    if (process.env['SONO_FIGURES'] !== undefined) console.log({ together, apart });
    expect(together.inside).toBeGreaterThanOrEqual(0.9);
    expect(apart.inside).toBeGreaterThan(together.inside);
    // Two independent errors are smaller together: by the root of two where both planes count alike.
    expect(apart.rmse / together.rmse).toBeGreaterThan(0.65);
    expect(apart.rmse / together.rmse).toBeLessThan(0.8);
  });
});

// ------------------------------------------------------------------------------------------ the echo scene

describe.each([
  [3, 60],
  [9, 30],
])('the two views of the echo scene of seed %i at %i %%', (seed, wanted) => {
  const framesPerSecond = 30;
  const size = { width: 400, height: 300 };
  const small = { width: 160, height: 160 };
  const seconds = 4;
  const scene = (view: EchoView) =>
    echoScene({
      ...{ seed, ...size, framesPerSecond },
      echo: { ...plainEcho, ejectionFractionPercent: wanted, heartRateBpm: 72, view },
    });
  const scenes = { a4c: scene('a4c'), a2c: scene('a2c') };
  const source = { size, calibration: uniformCalibration(scenes.a4c.pixelSpacingMm) };
  const masksOf = (view: EchoView, index: number): Mask[] => {
    const map = scenes[view].chambers(index);
    return [1, 2, 3].map((label) => {
      const own = map.map((other) => (other === label ? 1 : 0));
      return resizeMask(maskFromBitmap(own, size.width, size.height), small);
    });
  };
  const beatsIn = (view: EchoView): ViewBeats =>
    beatsOf(
      Array.from({ length: seconds * framesPerSecond }, (_, index) => ({
        at: index / framesPerSecond,
        masks: masksOf(view, index),
      })),
      source,
    );
  const present = known(biplaneOf({ a4c: beatsIn('a4c'), a2c: beatsIn('a2c') }));
  const [beat] = scenes.a4c.heart(seconds * framesPerSecond).beats;
  if (beat === undefined) throw new Error('no beat');

  /** By the scene's own disks: of one view, or of both. */
  const trueMl = (index: number, views: readonly [EchoView, EchoView]): number => {
    const [one, other] = views.map((view) => scenes[view].disks(index)) as [SceneDisks, SceneDisks];
    const height = Math.max(one.lengthMm, other.lengthMm) / one.diametersMm.length;
    return one.diametersMm.reduce(
      (sum, own, disk) => sum + ((Math.PI / 4) * own * (other.diametersMm[disk] ?? NaN) * height) / 1000,
      0,
    );
  };

  it('have one ventricle of two widths, and give its biplane ejection fraction', () => {
    const [diastole, systole] = [beat.endDiastole, beat.endSystole].map((at) => trueMl(at, ['a4c', 'a2c']));
    const fraction = (100 * ((diastole ?? NaN) - (systole ?? NaN))) / (diastole ?? NaN);
    // The second view is narrower by 5 to 18 %.
    const share = (diastole ?? NaN) / trueMl(beat.endDiastole, ['a4c', 'a4c']);
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(0.97);
    expect(Math.abs(present.ejectionFraction.value - fraction)).toBeLessThan(1.5);
  });

  it('give the volumes of the scene, each plane of its outlines by itself and both together', () => {
    const read = createShapeReader();
    const spacing = source.calibration.whole ?? { x: NaN, y: NaN };
    const scale = { x: (spacing.x * size.width) / small.width, y: (spacing.y * size.height) / small.height };
    for (const [at, value] of [
      [beat.endDiastole, present.endDiastolicVolume.value],
      [beat.endSystole, present.endSystolicVolume.value],
    ] as const) {
      for (const view of echoViews) {
        const [cavity, wall, atrium] = masksOf(view, at) as [Mask, Mask, Mask];
        const own = (read({ cavity, wall, atrium }, scale)?.volume ?? NaN) / 1000;
        expect(Math.abs(own / trueMl(at, [view, view]) - 1)).toBeLessThan(0.03);
      }
      // Smoothed over time around the moment, in which the smallest volume lasts less than the window.
      expect(Math.abs(value / trueMl(at, ['a4c', 'a2c']) - 1)).toBeLessThan(0.05);
    }
  });
});
