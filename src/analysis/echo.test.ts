import { uniformCalibration } from '../vocabulary/calibration.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { volumeCurve, type CurveOptions } from '../../tests/volume-curves.js';
import { emptyMask, maskArea, maskFromBitmap } from '../mask/rle.js';
import { beatRejections, chambers, echoMeasures } from '../vocabulary/echo.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { ObjectState } from '../vocabulary/prompt.js';
import { waitingWords } from './ejection-fraction.js';
import { createMeasurer, type Measurer } from './measure.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

const maskSize = { width: 80, height: 80 };
const pixels = maskSize.width * maskSize.height;
const calibrated: MeasuredSource = {
  size: { width: 640, height: 480 },
  calibration: uniformCalibration({ x: 0.2, y: 0.25 }),
};
const uncalibrated: MeasuredSource = { ...calibrated, calibration: uniformCalibration(null) };

type Masks = readonly [cavity: Mask, wall: Mask, atrium: Mask];

const cache = new Map<string, Masks>();
/** A ventricle of so many mL, apex up (or down), in the calibrated source: half axes 60 mm and what the volume asks for. */
function heart(volume: number, flipped = false, zoom = 1): Masks {
  const key = `${volume.toFixed(1)}${flipped}${zoom}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const [a, plane] = [60 * zoom, 0.4];
  const b = zoom * Math.sqrt((volume * 1000) / (Math.PI * 60 * (plane - plane ** 3 / 3 + 2 / 3)));
  const bitmaps = [0, 1, 2].map(() => new Uint8Array(pixels)) as [Uint8Array, Uint8Array, Uint8Array];
  for (let row = 0, index = 0; row < maskSize.height; row++)
    for (let column = 0; column < maskSize.width; column++, index++) {
      const x = (column + 0.5 - 40) * 1.6;
      const y = ((flipped ? maskSize.height - row - 0.5 : row + 0.5) - 45) * 1.5;
      const inside = (x / b) ** 2 + (y / a) ** 2 <= 1;
      const around = (x / (b + 9 * zoom)) ** 2 + (y / (a + 9 * zoom)) ** 2 <= 1;
      if (y > plane * a) bitmaps[2][index] = inside ? 1 : 0;
      else if (inside) bitmaps[0][index] = 1;
      else if (around) bitmaps[1][index] = 1;
    }
  const masks = bitmaps.map((one) => maskFromBitmap(one, 80, 80)) as [Mask, Mask, Mask];
  cache.set(key, masks);
  return masks;
}

const nothing: Masks = [emptyMask(80, 80), emptyMask(80, 80), emptyMask(80, 80)];

function result(
  at: number,
  masks: Masks,
  {
    state = 'tracking',
    score = 0.92,
    discontinuity = 0,
  }: { state?: ObjectState; score?: number; discontinuity?: number } = {},
): MeasuredResult {
  const labels = [chambers.ventricle, chambers.wall, chambers.atrium];
  return {
    frame: { ptsNs: Math.round(at * 1e9), discontinuity },
    maskSize,
    objects: masks.map((mask, index) => ({
      ...{ id: index + 1, label: labels[index] ?? '', state, score, confidence: score, mask },
      areaPx: maskArea(mask),
    })),
  };
}

const usual: CurveOptions = { seed: 11, noise: 0.005, picturesPerSecond: 30, seconds: 10 };
const beating = (options: CurveOptions = usual, flipped = false): MeasuredResult[] =>
  volumeCurve(options).samples.map(({ at, volume }) => result(at, heart(volume, flipped)));

type Frame = readonly Measurement[];
function measured(results: readonly MeasuredResult[], source: MeasuredSource = calibrated): Frame[] {
  const measure: Measurer = createMeasurer();
  return results.map((one) => measure(one, source));
}
const find = (frame: Frame | undefined, name: string): Measurement | undefined =>
  frame?.find((one) => one.name === name);
const shown = (frames: readonly Frame[]): Measurement | undefined =>
  find(frames.at(-1), echoMeasures.ejectionFraction);
/** The same pictures, moved on in time. */
const later = (results: readonly MeasuredResult[], seconds: number): MeasuredResult[] =>
  results.map((one) => ({
    ...one,
    frame: { ...one.frame, ptsNs: one.frame.ptsNs + Math.round(seconds * 1e9) },
  }));
const still = (masks: Masks, from: number, seconds: number, options = {}): MeasuredResult[] =>
  Array.from({ length: seconds * 30 }, (_, index) => result(from + index / 30, masks, options));

describe('a beating ventricle', () => {
  it('is measured in mm, mm2 and mL, with an interval, single-plane', () => {
    const frames = measured(beating());
    const truth = volumeCurve(usual).beats.map(({ ejectionFraction }) => ejectionFraction);
    const mean = truth.reduce((sum, one) => sum + one, 0) / truth.length;
    const fraction = shown(frames);
    expect(fraction).toMatchObject({ unit: '%', quality: 'good', objectId: 1 });
    expect(Math.abs((fraction?.value ?? 0) - mean)).toBeLessThan(3);
    expect(fraction?.note).toMatch(/^single-plane, 5 beats$/);
    expect(fraction?.interval?.low).toBeLessThan(fraction?.value ?? 0);
    expect(fraction?.interval?.high).toBeGreaterThan(fraction?.value ?? 0);
    expect(Math.abs((find(frames.at(-1), echoMeasures.heartRate)?.value ?? 0) - 70)).toBeLessThan(4);
    const first = frames[0];
    const volume = volumeCurve(usual).samples[0]?.volume ?? 0;
    expect(Math.abs((find(first, echoMeasures.volume)?.value ?? 0) / volume - 1)).toBeLessThan(0.06);
    expect(Math.abs((find(first, echoMeasures.length)?.value ?? 0) - 84)).toBeLessThan(3);
    const units = [echoMeasures.area, echoMeasures.length, echoMeasures.volume].map(
      (name) => find(first, name)?.unit,
    );
    expect(units).toEqual(['mm2', 'mm', 'mL']);
  });

  it('has the same ejection fraction upside down, and without calibration, but then no mL', () => {
    const usualFraction = shown(measured(beating()))?.value ?? NaN;
    expect(Math.abs((shown(measured(beating(usual, true)))?.value ?? 0) - usualFraction)).toBeLessThan(1);
    const frames = measured(beating(), uncalibrated);
    expect(Math.abs((shown(frames)?.value ?? 0) - usualFraction)).toBeLessThan(3);
    const units = new Set(frames.flat().map(({ unit }) => unit));
    expect([...units].filter((unit) => unit.startsWith('m'))).toEqual([]);
  });

  it('tells its moments and beats, each with the picture that it is of', () => {
    const results = beating();
    const times = new Set(results.map(({ frame }) => frame.ptsNs));
    const all = measured(results).flat();
    const of = (name: string): Measurement[] => all.filter((one) => one.name === name);
    expect(of(echoMeasures.endDiastole).length).toBeGreaterThan(7);
    for (const moment of [...of(echoMeasures.endDiastole), ...of(echoMeasures.endSystole)]) {
      expect(times.has(moment.atPtsNs ?? -1)).toBe(true);
      expect(moment.beat).toBeGreaterThan(0);
    }
    const beats = of(echoMeasures.beatEjectionFraction);
    expect(beats.length).toBe(of(echoMeasures.endDiastole).length - 1);
    expect(beats.map(({ beat }) => beat)).toEqual(beats.map((_, index) => index + 1));
    for (const name of [
      echoMeasures.beatStrokeVolume,
      echoMeasures.beatFractionalAreaChange,
      echoMeasures.beatHeartRate,
    ])
      expect(of(name).length).toBe(beats.length);
  });

  it('is not measured where the three structures are not among the objects', () => {
    const [first] = beating();
    if (first === undefined) throw new Error('no picture');
    const names = measured([{ ...first, objects: first.objects.slice(0, 2) }]).flat();
    expect(new Set(names.map(({ name }) => name))).toEqual(new Set(['area']));
  });

  it('has one verdict on its outline, whatever is measured of it', () => {
    // A hundredth of a heart's size in the calibrated source.
    const tiny = measured(beating(), {
      ...calibrated,
      calibration: uniformCalibration({ x: 0.02, y: 0.02 }),
    });
    const [first] = measured(beating());
    for (const name of [echoMeasures.area, 'area'])
      expect(find(tiny[0], name)).toMatchObject({
        ...{ value: null, quality: 'rejected', note: beatRejections.implausible, objectId: 1 },
      });
    // Wall and atrium are not judged by it.
    expect(tiny[0]?.filter(({ name, value }) => name === 'area' && value !== null)).toHaveLength(2);
    expect(find(first, 'area')?.value).toBeCloseTo(find(first, echoMeasures.area)?.value ?? NaN, -2);
    expect(find(first, 'area')?.quality).toBe('good');
  });

  it('is the same twice', () => {
    expect(measured(beating())).toEqual(measured(beating()));
  });
});

describe('there is no ejection fraction, and a reason', () => {
  const reasonOf = (results: readonly MeasuredResult[]): string => {
    const fraction = shown(measured(results));
    expect(fraction).toMatchObject({ value: null, interval: null, quality: 'rejected' });
    return fraction?.note ?? '';
  };

  it('without the view', () => {
    expect(reasonOf(still(nothing, 0, 5, { state: 'searching' }))).toContain(waitingWords.view);
    const lost = [...beating(), ...still(nothing, 11, 3, { state: 'searching' })];
    expect(reasonOf(lost)).toContain(waitingWords.view);
    expect(find(measured(lost).at(-1), echoMeasures.heartRate)?.value).toBeNull();
    expect(find(measured(lost).at(-1), echoMeasures.volume)).toBeUndefined();
  });

  it('of a frozen picture, also after beats', () => {
    expect(reasonOf(still(heart(120), 0, 6))).toContain(waitingWords.beat);
    const frozen = [...beating(), ...still(heart(120), 11, 13)];
    expect(reasonOf(frozen)).toContain(waitingWords.stale);
    expect(find(measured(frozen).at(-1), echoMeasures.heartRate)?.value).toBeNull();
  });

  it('of half a beat', () => {
    expect(reasonOf(beating({ ...usual, seconds: 0.5 }))).toContain(waitingWords.beat);
  });

  it('of pictures that were not all analysed, with how many were', () => {
    const some = beating({ ...usual, seconds: 20 }).filter((_, index) => index % 3 === 0);
    const fraction = shown(measured(some, { ...calibrated, framesPerSecond: 30 }));
    expect(fraction?.value).toBeNull();
    expect(fraction?.note).toBe(
      'single-plane, 0 beats: there are too few pictures per second: only 10 of 30 were analysed',
    );
    // Late pictures in every beat, at a rate that would do: the beats say so themselves.
    const late = beating({ ...usual, seconds: 20, irregularity: 0 }).filter((_, index) => index % 24 < 17);
    const beats = measured(late, { ...calibrated, framesPerSecond: 30 })
      .flat()
      .filter(({ name, quality }) => name === echoMeasures.beatEjectionFraction && quality === 'rejected');
    expect(beats.length).toBeGreaterThan(5);
    for (const { note } of beats)
      expect(note).toMatch(
        /^there are too few pictures per second: only (1[0-9]|2[0-9]) of 30 were analysed$/,
      );
  });

  it('of two hearts side by side, at once, until one stands alone again', () => {
    const two = (results: readonly MeasuredResult[]): MeasuredResult[] =>
      results.map((one) => ({ ...one, several: true }));
    expect(reasonOf(two(beating()))).toContain(beatRejections['two-hearts']);
    const joined = measured([
      ...beating(),
      ...two(later(beating(), 10.1)),
      ...later(beating({ ...usual, seed: 12 }), 20.2),
    ]);
    const [alone, first, second] = [299, 300, 500].map((index) => joined[index]);
    expect(find(alone, echoMeasures.ejectionFraction)?.value).not.toBeNull();
    for (const frame of [first, second]) {
      for (const name of [
        echoMeasures.ejectionFraction,
        echoMeasures.endDiastolicVolume,
        echoMeasures.volume,
        echoMeasures.area,
        'area',
      ])
        expect(find(frame, name)).toMatchObject({ value: null, quality: 'rejected' });
      expect(frame?.filter(({ name, value }) => name === 'area' && value !== null)).toEqual([]);
      for (const name of [echoMeasures.volume, 'area'])
        expect(find(frame, name)?.note).toBe(beatRejections['two-hearts']);
      expect(find(frame, echoMeasures.heartRate)?.value).toBeNull();
    }
    expect(find(joined.at(-1), echoMeasures.ejectionFraction)?.value).not.toBeNull();
    const during = joined.slice(300, 600).flat();
    expect(during.filter(({ name, value }) => name.startsWith('beat_') && value !== null)).toEqual([]);
  });

  it('of five pictures per second', () => {
    const results = beating({ ...usual, picturesPerSecond: 5, seconds: 30 });
    expect(reasonOf(results)).toContain(beatRejections['rate-too-low']);
  });

  it('of outlines that the model doubts', () => {
    const results = beating().map((one) => ({
      ...one,
      objects: one.objects.map((object) => ({ ...object, state: 'uncertain' as const, score: NaN })),
    }));
    expect(reasonOf(results)).toContain(beatRejections['low-confidence']);
  });

  it('of masks that move without a heart, as bands of an M-mode', () => {
    const bands = Array.from({ length: 300 }, (_, index) => {
      const band = (from: number, to: number): Mask =>
        maskFromBitmap(
          Uint8Array.from({ length: pixels }, (_, at) => (at >= from * 80 && at < to * 80 ? 1 : 0)),
          80,
          80,
        );
      const edge = 35 + Math.round(8 * Math.sin(index / 4));
      return result(index / 30, [band(20, edge), band(10, 20), band(edge, 60)]);
    });
    expect(
      Object.values({ ...waitingWords, ...beatRejections }).map((words) => `single-plane, 0 beats: ${words}`),
    ).toContain(reasonOf(bands));
  });

  const regular: CurveOptions = { ...usual, irregularity: 0, jitter: 0, seconds: 8 };
  /** The pictures of this stretch, over and over, with nothing to say so. */
  const looped = (from: number, seconds: number, { picturesPerSecond = 30 } = regular): MeasuredResult[] => {
    const part = beating({ ...regular, picturesPerSecond }).slice(
      Math.round(from * picturesPerSecond),
      Math.round((from + seconds) * picturesPerSecond),
    );
    return Array.from({ length: 12 * picturesPerSecond }, (_, index) => {
      const one = part[index % part.length] as MeasuredResult;
      const ptsNs = Math.round((index * 1e9) / picturesPerSecond);
      return { ...one, frame: { ...one.frame, ptsNs } };
    });
  };

  it('of a loop of part of a beat whose jumps are not marked, wherever it was cut', () => {
    // 70 per minute: a beat is .86 s.
    for (const picturesPerSecond of [20, 30, 50])
      for (const seconds of [0.45, 0.6, 0.75])
        for (const from of [1, 1.2, 1.4, 1.6, 1.8]) {
          const frames = measured(looped(from, seconds, { ...regular, picturesPerSecond }));
          const withNumber = frames.filter(
            (frame) => (find(frame, echoMeasures.ejectionFraction)?.value ?? null) !== null,
          );
          expect([from, seconds, shown(frames)?.value]).toEqual([from, seconds, null]);
          expect(find(frames.at(-1), echoMeasures.heartRate)?.value).toBeNull();
          // What the first pass was taken for goes when the second one has shown what it is.
          expect(withNumber.length).toBeLessThan(seconds * picturesPerSecond);
        }
    expect(reasonOf(looped(1.2, 0.6))).toContain(beatRejections.repeated);
  });

  it('but there is one of a heart that beats as evenly as a clock', () => {
    for (const picturesPerSecond of [20, 30, 50])
      for (const seed of [1, 2, 3, 4]) {
        const frames = measured(beating({ ...regular, seed, picturesPerSecond, noise: 0.002 }));
        expect(shown(frames)?.value).not.toBeNull();
        const notes = frames.flat().flatMap(({ name, note }) => (name.startsWith('beat_') ? [note] : []));
        expect(notes).not.toContain(beatRejections.repeated);
      }
  });

  it('of beats of before the picture was enlarged: volumes are of one scale', () => {
    const zoomed = (zoom: number, from: number, options: CurveOptions): MeasuredResult[] =>
      volumeCurve(options).samples.map(({ at, volume }) => result(from + at, heart(volume, false, zoom)));
    const frames = measured([...zoomed(0.7, 0, usual), ...zoomed(1, 10.1, usual)]);
    const volumes = frames.map((frame) => find(frame, echoMeasures.endDiastolicVolume)?.value ?? null);
    const before = volumes[299];
    const after = volumes.at(-1);
    if (typeof before !== 'number' || typeof after !== 'number') throw new Error('no volume');
    expect(Math.abs(before / after - 0.343)).toBeLessThan(0.03);
    // Never a median of both.
    for (const volume of volumes.slice(300))
      if (volume !== null)
        expect(Math.min(Math.abs(volume / before - 1), Math.abs(volume / after - 1))).toBeLessThan(0.15);
  });

  it('after a jump of the source until whole beats have come again', () => {
    const jumped = later(beating({ ...usual, seconds: 0.9 }), 20).map((one) => ({
      ...one,
      frame: { ...one.frame, discontinuity: 1 },
    }));
    expect(reasonOf([...beating(), ...jumped])).toContain(waitingWords.beat);
  });
});

it('gives a number or a reason for whatever comes', () => {
  const anyMask = fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 12 }).map((runs) => {
    const bitmap = new Uint8Array(pixels);
    let at = 0;
    runs.forEach((run, index) => {
      if (index % 2 === 1) bitmap.fill(1, at, at + run);
      at += run;
    });
    return maskFromBitmap(bitmap, 80, 80);
  });
  const anyMasks = fc.oneof(
    fc.tuple(anyMask, anyMask, anyMask),
    fc.double({ min: 30, max: 250, noNaN: true }).map((volume) => heart(volume)),
  );
  const anyFrame = fc.record({
    masks: anyMasks,
    state: fc.constantFrom<ObjectState>('tracking', 'uncertain', 'lost', 'searching'),
    score: fc.double(),
    step: fc.oneof(fc.constant(0.03), fc.double({ min: -0.1, max: 3, noNaN: true })),
  });
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 60 }), (list) => {
      let at = 1;
      const results = list.map(({ masks, state, score, step }) =>
        result((at += step), masks, { state, score }),
      );
      for (const one of measured(results).flat()) {
        if (one.value === null) expect(one.note).not.toBe('');
        else expect(Number.isFinite(one.value)).toBe(true);
        expect(one.value === null).toBe(one.quality === 'rejected');
      }
    }),
    { numRuns: 60, seed: 4 },
  );
});
