import { describe, expect, it } from 'vitest';
import { volumeCurve, type CurveOptions } from '../../tests/volume-curves.js';
import type { BeatRejection } from '../vocabulary/echo.js';
import { createBeatCollector, type Beat, type BeatFrame } from './beats.js';
import { createCycleFinder } from './cycle.js';

/** Frames of a curve as a model sees them; `change` spoils some. null: the picture was not analysed. */
function run(
  options: CurveOptions,
  change: (frame: BeatFrame, at: number) => BeatFrame | null = (frame) => frame,
): Beat[] {
  const { samples } = volumeCurve(options);
  const find = createCycleFinder();
  const collector = createBeatCollector();
  return samples.flatMap(({ at, volume }) => {
    const frame = change(
      {
        ptsNs: Math.round(at * 1e9),
        view: 'seen',
        score: 0.92,
        shape: {
          ...{ volume, area: 0.6 * volume ** (2 / 3), length: 17 * volume ** (1 / 3) },
          ...{ centroid: [100, 100], cut: false, plausible: true },
          diameters: Array.from({ length: 20 }, () => 7 * volume ** (1 / 3)),
        },
        ...{ picture: null, several: false },
      },
      at,
    );
    if (frame === null) return [];
    collector.add(frame);
    const turn = find(frame.ptsNs, frame.shape?.volume ?? null);
    const closed = turn === null ? null : collector.turn(turn).closed;
    return closed === null ? [] : [closed];
  });
}

const clean: CurveOptions = { seed: 5, noise: 0.01, picturesPerSecond: 30, seconds: 20 };
const rejections = (beats: readonly Beat[]): (BeatRejection | null)[] =>
  beats.map(({ rejection }) => rejection);
const between = (at: number, from: number, to: number): boolean => at > from && at < to;
type Shape = NonNullable<BeatFrame['shape']>;
const reshaped = (frame: BeatFrame, more: Partial<Shape>): BeatFrame => ({
  ...frame,
  shape: frame.shape && { ...frame.shape, ...more },
});

describe('beats', () => {
  it('have the volumes and the rate of the curve', () => {
    for (const ejectionFraction of [20, 40, 55, 70])
      for (const picturesPerSecond of [25, 50, 100]) {
        const options = { ...clean, ejectionFraction, picturesPerSecond };
        const good = run(options).flatMap(({ values }) => (values === null ? [] : [values]));
        expect(good.length).toBeGreaterThan(15);
        const mean = (name: keyof (typeof good)[number]): number =>
          good.reduce((sum, values) => sum + values[name], 0) / good.length;
        expect(Math.abs(mean('ejectionFraction') - ejectionFraction)).toBeLessThan(2);
        expect(Math.abs(mean('heartRate') - 70)).toBeLessThan(2);
        const areaChange = 100 * (1 - (1 - ejectionFraction / 100) ** (2 / 3));
        expect(Math.abs(mean('fractionalAreaChange') - areaChange)).toBeLessThan(2);
        for (const { endDiastolicVolume, endSystolicVolume, strokeVolume } of good)
          expect(strokeVolume).toBeCloseTo(endDiastolicVolume - endSystolicVolume, 6);
      }
  });

  it('are not biased by the noise of single pictures', () => {
    for (const picturesPerSecond of [15, 25, 50]) {
      const errors: number[] = [];
      for (let seed = 1; seed <= 25; seed++) {
        const options = { seed, picturesPerSecond, noise: 0.03, breathing: 0.03, seconds: 12 };
        const truth = volumeCurve(options).beats;
        for (const { values, fromPtsNs } of run(options)) {
          const beat = truth.find(({ endDiastole }) => Math.abs(endDiastole - fromPtsNs / 1e9) < 0.2);
          if (values !== null && beat !== undefined)
            errors.push(values.ejectionFraction - beat.ejectionFraction);
        }
      }
      expect(errors.length).toBeGreaterThan(200);
      const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      expect(Math.abs(mean), `${picturesPerSecond} pictures per second`).toBeLessThan(2);
    }
  });

  it('follow each other with rising numbers and common borders', () => {
    const beats = run(clean);
    beats.forEach((beat, index) => {
      const next = beats[index + 1];
      if (next === undefined) return;
      expect(next.number).toBe(beat.number + 1);
      expect(next.fromPtsNs).toBe(beat.toPtsNs);
    });
  });
});

describe('a beat is rejected', () => {
  it('as incomplete where the picture stood still meanwhile: every picture was analysed', () => {
    let still: BeatFrame | null = null;
    const beats = run(clean, (frame, at) => {
      if (!between(at, 6, 16)) return frame;
      still ??= frame;
      return { ...still, ptsNs: frame.ptsNs };
    });
    const long = beats.find(({ fromPtsNs, toPtsNs }) => toPtsNs - fromPtsNs > 9e9);
    expect(long).toMatchObject({ rejection: 'incomplete' });
  });

  const spoiled: [BeatRejection, (frame: BeatFrame, at: number) => BeatFrame | null][] = [
    ['view-lost', (frame, at) => (between(at, 8, 8.35) ? { ...frame, view: 'lost', shape: null } : frame)],
    ['rate-too-low', (frame, at) => (between(at, 8, 8.35) ? null : frame)],
    ['rate-too-low', (frame, at) => (between(at, 8, 9.7) && Math.round(at * 50) % 5 > 0 ? null : frame)],
    ['cut-by-sector', (frame, at) => (between(at, 8, 10) ? reshaped(frame, { cut: true }) : frame)],
    ['low-confidence', (frame, at) => (between(at, 8, 10) ? { ...frame, view: 'unsure' } : frame)],
    ['low-confidence', (frame, at) => (between(at, 8, 10) ? { ...frame, score: 0.5 } : frame)],
    ['low-confidence', (frame, at) => (between(at, 8, 10) ? { ...frame, score: NaN } : frame)],
    ['moved', (frame, at) => (at > 9 ? reshaped(frame, { centroid: [140, 100] }) : frame)],
    [
      'foreshortened',
      (frame, at) =>
        between(at, 8, 11) ? reshaped(frame, { length: 0.8 * (frame.shape?.length ?? 0) }) : frame,
    ],
    ['implausible', (frame, at) => (between(at, 8, 10) ? reshaped(frame, { plausible: false }) : frame)],
    ['implausible', (frame, at) => (between(at, 8, 10) ? reshaped(frame, { area: NaN }) : frame)],
  ];
  it.each(spoiled)('as %s, and the others count', (reason, change) => {
    const beats = run(clean, change);
    expect(rejections(beats)).toContain(reason);
    for (const beat of beats) if (beat.rejection !== null) expect(beat.values).toBeNull();
    const early = beats.filter(({ toPtsNs }) => toPtsNs < 7.5e9);
    expect(early.length).toBeGreaterThan(3);
    expect(rejections(early).every((rejection) => rejection === null)).toBe(true);
    const late = beats.filter(({ fromPtsNs }) => fromPtsNs > 13e9);
    expect(rejections(late).filter((rejection) => rejection === null).length).toBeGreaterThan(3);
  });

  it('for too few pictures', () => {
    const slow = run({ ...clean, heartRate: 50, seconds: 40, picturesPerSecond: 9 });
    expect(slow.length).toBeGreaterThan(0);
    for (const { rejection } of slow) expect(rejection).toBe('rate-too-low');
  });

  it('where it came early, and in the pause after it; but not where hardly two beats are alike', () => {
    const options: CurveOptions = { ...clean, seconds: 60, extrasystoles: 0.08, irregularity: 0.02 };
    const some = run(options);
    const odd = some.filter(({ rejection }) => rejection === 'irregular');
    expect(odd.length).toBeGreaterThan(1);
    expect(odd.length).toBeLessThan(some.length / 2);
    const fibrillating = run({ ...clean, seconds: 40, fibrillation: true });
    const counted = fibrillating.filter(({ fromPtsNs, rejection }) => fromPtsNs > 10e9 && rejection === null);
    expect(counted.length).toBeGreaterThan(10);
    expect(counted.some((beat) => beat.rejection === null && beat.irregularRhythm)).toBe(true);
  });
});
