import { describe, expect, it } from 'vitest';
import { volumeCurve, type CurveOptions, type TrueBeat } from '../../tests/volume-curves.js';
import { createCycleFinder, type CycleEvent } from './cycle.js';

const usual = { noise: 0.03, dropped: 0.02, outliers: 0.005, breathing: 0.04 };

interface Found extends CycleEvent {
  readonly decidedPtsNs: number;
}

function turnsOf(samples: readonly { at: number; volume: number | null }[]): Found[] {
  const find = createCycleFinder();
  return samples.flatMap(({ at, volume }) => {
    const decidedPtsNs = Math.round(at * 1e9);
    const event = find(decidedPtsNs, volume);
    return event === null ? [] : [{ ...event, decidedPtsNs }];
  });
}

interface Figures {
  recall: number;
  precision: number;
  /** Milliseconds: mean absolute error; from the true moment to the decision, mean and 95th percentile. */
  error: number;
  delay: number;
  delay95: number;
}

/** The first two seconds are learning. Found: within a quarter of a beat, at most 200 ms. */
function figures(options: Omit<CurveOptions, 'seed'>, seeds: number): Record<CycleEvent['kind'], Figures> {
  const reach = Math.min(0.2, 15 / (options.heartRate ?? 70));
  const runs = Array.from({ length: seeds }, (_, seed) => {
    const { samples, beats } = volumeCurve({ ...options, seed: seed + 1 });
    return { beats, turns: turnsOf(samples) };
  });
  const of = (kind: CycleEvent['kind'], moment: (beat: TrueBeat) => number): Figures => {
    const errors: number[] = [];
    const delays: number[] = [];
    let [missed, extra] = [0, 0];
    for (const { beats, turns } of runs) {
      const found = turns.filter((one) => one.kind === kind);
      const used = new Set<Found>();
      for (const truth of beats.map(moment).filter((at) => at > 2 && at < 12)) {
        const off = (one: Found): number => Math.abs(one.atPtsNs / 1e9 - truth);
        const [best] = found.filter((one) => !used.has(one)).sort((a, b) => off(a) - off(b));
        if (best === undefined || off(best) > reach) {
          missed++;
          continue;
        }
        used.add(best);
        errors.push(1000 * off(best));
        delays.push(best.decidedPtsNs / 1e6 - 1000 * truth);
      }
      extra += found.filter((one) => !used.has(one) && one.atPtsNs > 2.3e9 && one.atPtsNs < 11.7e9).length;
    }
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, one) => sum + one, 0) / values.length;
    delays.sort((a, b) => a - b);
    return {
      recall: errors.length / (errors.length + missed),
      precision: errors.length / (errors.length + extra),
      error: mean(errors),
      delay: mean(delays),
      delay95: delays[Math.floor(0.95 * delays.length)] ?? NaN,
    };
  };
  return {
    'end-diastole': of('end-diastole', ({ endDiastole }) => endDiastole),
    'end-systole': of('end-systole', ({ endSystole }) => endSystole),
  };
}

/** Bounds a little above what is measured (docs/echo.md): error and mean delay of ED, then of ES, milliseconds. */
const conditions: [string, Omit<CurveOptions, 'seed'>, number, number, number, number][] = [
  ['15 pictures per second', { ...usual, picturesPerSecond: 15 }, 30, 165, 30, 150],
  ['25 pictures per second', { ...usual, picturesPerSecond: 25 }, 22, 115, 26, 80],
  ['50 pictures per second', { ...usual, picturesPerSecond: 50 }, 24, 88, 26, 78],
  ['120 pictures per second', { ...usual, picturesPerSecond: 120 }, 28, 72, 24, 56],
  ['a tenth of the pictures missing', { ...usual, dropped: 0.1, picturesPerSecond: 25 }, 24, 122, 28, 95],
  ['outliers', { ...usual, outliers: 0.03, picturesPerSecond: 50 }, 28, 90, 32, 85],
  ['deep breathing', { ...usual, breathing: 0.1, picturesPerSecond: 50 }, 26, 88, 28, 75],
  ['ejection fraction 20', { ...usual, ejectionFraction: 20, picturesPerSecond: 50 }, 36, 125, 42, 130],
  ['ejection fraction 75', { ...usual, ejectionFraction: 75, picturesPerSecond: 50 }, 24, 80, 24, 66],
  ['40 per minute', { ...usual, heartRate: 40, picturesPerSecond: 25 }, 26, 140, 36, 118],
  ['180 per minute', { ...usual, heartRate: 180, picturesPerSecond: 50 }, 18, 70, 14, 52],
  [
    'atrial fibrillation',
    { ...usual, fibrillation: true, heartRate: 100, picturesPerSecond: 50 },
    28,
    96,
    26,
    82,
  ],
  ['extrasystoles', { ...usual, extrasystoles: 0.15, picturesPerSecond: 50 }, 24, 108, 32, 86],
];

describe('end-diastole and end-systole', () => {
  it.each(conditions)('are found, once and soon: %s', (name, options, error, delay, errorES, delayES) => {
    const { 'end-diastole': diastole, 'end-systole': systole } = figures(options, 20);
    if (process.env['SONO_FIGURES'] !== undefined) {
      const cells = [diastole, systole].flatMap((one) => [
        ...[one.recall, one.precision].map((share) => (100 * share).toFixed(1)),
        ...[one.error, one.delay, one.delay95].map((ms) => ms.toFixed(0)),
      ]);
      console.log(`| ${[name, ...cells].join(' | ')} |`);
    }
    for (const { recall, precision } of [diastole, systole]) {
      expect(recall).toBeGreaterThan(0.96);
      expect(precision).toBeGreaterThan(0.96);
    }
    expect(diastole.error).toBeLessThan(error);
    expect(diastole.delay).toBeLessThan(delay);
    expect(systole.error).toBeLessThan(errorES);
    expect(systole.delay).toBeLessThan(delayES);
  });

  it('of a weak heart are rather missed than made up', () => {
    const weak = { ...usual, ejectionFraction: 10, picturesPerSecond: 30 };
    expect(figures(weak, 30)['end-diastole'].precision).toBeGreaterThan(0.9);
  });

  it('are those of pictures that came, in turn, with times that rise', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { samples } = volumeCurve({ ...usual, seed, extrasystoles: 0.2, picturesPerSecond: 40 });
      const times = new Set(samples.map(({ at }) => Math.round(at * 1e9)));
      const found = turnsOf(samples);
      expect(found.length).toBeGreaterThan(10);
      found.forEach((one, index) => {
        expect(times.has(one.atPtsNs)).toBe(true);
        expect(one.decidedPtsNs).toBeGreaterThan(one.atPtsNs);
        const before = found[index - 1];
        if (before === undefined) return;
        expect(one.atPtsNs).toBeGreaterThan(before.atPtsNs);
        expect(one.kind).not.toBe(before.kind);
      });
    }
  });

  it('are the same whatever the unit of the volume and the beginning of time', () => {
    const { samples } = volumeCurve({ ...usual, seed: 7 });
    const shifted = samples.map(({ at, volume }) => ({ at: at + 1024, volume: volume * 4096 }));
    expect(
      turnsOf(shifted).map(({ kind, atPtsNs }) => [kind, Math.round(atPtsNs / 1e6) - 1_024_000]),
    ).toEqual(turnsOf(samples).map(({ kind, atPtsNs }) => [kind, Math.round(atPtsNs / 1e6)]));
  });

  it('are hardly ever seen where nothing beats, and never on a frozen picture', () => {
    let found = 0;
    for (let seed = 1; seed <= 30; seed++)
      found += turnsOf(volumeCurve({ seed, ejectionFraction: 0, noise: 0.03 }).samples).length;
    // Per minute.
    expect(found / ((30 * 12) / 60)).toBeLessThan(2);
    const frozen = Array.from({ length: 300 }, (_, index) => ({ at: index / 30, volume: 100 }));
    expect(turnsOf(frozen)).toEqual([]);
  });

  it('survive what is no number, what comes twice, and a gap', () => {
    const { samples, beats } = volumeCurve({ ...usual, seed: 3, noise: 0.01, dropped: 0 });
    const broken = samples.flatMap(({ at, volume }, index) =>
      at > 4 && at < 5.2
        ? []
        : index % 15 === 0
          ? [{ at, volume: NaN }]
          : [
              { at, volume },
              { at, volume },
            ],
    );
    const found = turnsOf([...broken, { at: 1, volume: 50 }]);
    expect(found.some(({ atPtsNs }) => atPtsNs > 4e9 && atPtsNs < 5.2e9)).toBe(false);
    const late = beats.filter(({ endSystole }) => endSystole > 7 && endSystole < 11.5).length;
    const again = found.filter(
      ({ kind, atPtsNs }) => kind === 'end-systole' && atPtsNs > 7e9 && atPtsNs < 11.5e9,
    );
    expect(Math.abs(again.length - late)).toBeLessThanOrEqual(1);
    expect(turnsOf(samples.map(({ at }) => ({ at, volume: null })))).toEqual([]);
  });

  it('are taught by the beats before: the end of a usual systole is told before the rise, that of another one is not', () => {
    // No noise, 60 per minute, so that each moment is known: fall for .3 s, level for .1 s, rise for .3 s, level for .3 s.
    const at = (share: number): number =>
      share < 0.3 ? 140 - 200 * share : share < 0.4 ? 80 : share < 0.7 ? 80 + 200 * (share - 0.4) : 140;
    const curve = (beats: number): { at: number; volume: number }[] =>
      Array.from({ length: beats * 50 }, (_, index) => ({ at: index / 50, volume: at((index % 50) / 50) }));
    const systoles = turnsOf(curve(8)).filter(({ kind }) => kind === 'end-systole');
    expect(systoles.length).toBeGreaterThan(5);
    const delays = systoles.map(({ atPtsNs, decidedPtsNs }) => {
      // Within a beat: the level begins at .3 s, and the rise at .4 s.
      expect((atPtsNs / 1e9) % 1).toBeGreaterThan(0.27);
      expect((atPtsNs / 1e9) % 1).toBeLessThan(0.43);
      return (decidedPtsNs / 1e9) % 1;
    });
    expect(delays[0]).toBeGreaterThan(0.4);
    expect(Math.max(...delays.slice(-3))).toBeLessThan(0.4 + 1e-9);
    // A systole that lasts longer than the others: nothing is said while it falls.
    const long = [
      ...curve(5),
      ...Array.from({ length: 30 }, (_, index) => ({ at: 5 + index / 50, volume: 140 - 100 * (index / 50) })),
    ];
    const last = turnsOf(long).filter(
      ({ kind, decidedPtsNs }) => kind === 'end-systole' && decidedPtsNs > 5e9,
    );
    expect(last).toEqual([]);
  });

  it('are found at the very beginning where the curve begins level, before it falls', () => {
    const { samples, beats } = volumeCurve({ ...usual, seed: 5, noise: 0.01, dropped: 0, breathing: 0 });
    const diastole = beats.find(({ endDiastole }) => endDiastole > 2)?.endDiastole ?? NaN;
    const after = samples.filter(({ at }) => at >= diastole);
    const level = after[0]?.volume ?? NaN;
    const before = Array.from({ length: 6 }, (_, index) => ({
      at: diastole - 0.2 + index / 30,
      volume: level,
    }));
    const [first] = turnsOf([...before, ...after]);
    expect(first?.kind).toBe('end-diastole');
    expect(Math.abs((first?.atPtsNs ?? 0) / 1e9 - diastole)).toBeLessThan(0.08);
    // Of one that begins within systole nobody knows how high it was.
    expect((turnsOf(after)[0]?.atPtsNs ?? Infinity) / 1e9).toBeGreaterThan(diastole + 0.3);
  });

  it('are found from the first beat on where the curve begins shortly before it, and made up nowhere else', () => {
    let [first, found, made, begun] = [0, 0, 0, 0];
    for (const picturesPerSecond of [25, 50])
      for (let seed = 1; seed <= 12; seed++) {
        const options = { ...usual, noise: 0.01, dropped: 0, outliers: 0, picturesPerSecond, seed };
        const { samples, beats } = volumeCurve(options);
        const [beat, next] = beats.filter(({ endDiastole }) => endDiastole > 2);
        if (beat === undefined || next === undefined) throw new Error('the curve is too short');
        const length = next.endDiastole - beat.endDiastole;
        // From 1.2 beats before this end-diastole to the end of its systole, in steps of a twenty-fourth of a beat.
        for (let step = -28; step < 8; step++) {
          const from = beat.endDiastole + (step * length) / 24;
          const until = from + 2.5 * length;
          const turns = turnsOf(samples.filter(({ at }) => at >= from && at < until));
          const diastoles = turns
            .filter(({ kind }) => kind === 'end-diastole')
            .map(({ atPtsNs }) => atPtsNs / 1e9);
          const off = (one: number): number =>
            Math.min(...beats.map(({ endDiastole }) => Math.abs(one - endDiastole)));
          begun++;
          made += diastoles.filter((one) => off(one) > length / 5).length;
          const before = beat.endDiastole - from;
          if (before < 0.08 || before > 0.4) continue;
          first++;
          if (diastoles.some((one) => Math.abs(one - beat.endDiastole) < 0.1)) found++;
        }
      }
    expect(begun).toBeGreaterThan(800);
    expect(first).toBeGreaterThan(200);
    expect(found / first).toBeGreaterThan(0.97);
    expect(made / begun).toBeLessThan(0.01);
  });

  it('do not begin with the fall that a curve begins with', () => {
    const falling = Array.from({ length: 20 }, (_, index) => ({ at: index / 30, volume: 140 - 3 * index }));
    expect(turnsOf(falling)).toEqual([]);
  });
});
