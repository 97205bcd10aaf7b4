import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advance,
  afterDiscontinuity,
  afterPrompt,
  lifeCycle,
  type Evidence,
  type LifeCycle,
} from './life-cycle.js';

const frameNs = 40_000_000;
const well = { confidence: 0.9, presence: 0.95, emptyMask: false };
const fair = { confidence: 0.5, presence: 0.9, emptyMask: false };
const doubtful = { confidence: 0.3, presence: 0.9, emptyMask: false };
const absent = { confidence: 0.8, presence: 0.1, emptyMask: false };
type Sight = Omit<Evidence, 'ptsNs'>;

/** States after each of the frames, the first one `start` later. */
function play(from: LifeCycle, sights: readonly Sight[], stepNs = frameNs): string[] {
  let life = from;
  return sights.map((sight, index) => {
    life = advance(life, { ptsNs: from.sinceNs + (index + 1) * stepNs, ...sight });
    return life.state;
  });
}
const times = (count: number, sight: Sight): Sight[] => Array<Sight>(count).fill(sight);
const tracking = afterPrompt({ ptsNs: 0, ...well });

describe('life cycle', () => {
  it('starts with what the network sees at the mark', () => {
    expect(afterPrompt({ ptsNs: 0, ...well }).state).toBe('tracking');
    expect(afterPrompt({ ptsNs: 0, ...doubtful }).state).toBe('uncertain');
    expect(afterPrompt({ ptsNs: 0, ...absent }).state).toBe('uncertain');
    expect(afterPrompt({ ptsNs: 0, ...well, emptyMask: true }).state).toBe('searching');
  });

  it('stays on track through fair frames and a single doubtful one', () => {
    expect(new Set(play(tracking, [...times(9, fair), doubtful, fair, doubtful, ...times(5, well)]))).toEqual(
      new Set(['tracking']),
    );
  });

  it('doubts after 80 ms of doubt and recovers after 120 ms of good sight', () => {
    expect(play(tracking, [...times(4, doubtful), ...times(5, well)])).toEqual([
      'tracking',
      'tracking',
      'uncertain',
      'uncertain',
      'uncertain',
      'uncertain',
      'uncertain',
      'tracking',
      'tracking',
    ]);
  });

  it('loses an absent object within five frames at 25 fps, searches after a second, finds it again', () => {
    const states = play(tracking, [...times(34, absent), ...times(10, well)]);
    expect(states[0]).toBe('uncertain');
    expect(states.indexOf('lost')).toBe(4);
    expect(states.indexOf('searching')).toBe(4 + lifeCycle.searchNs / frameNs);
    expect(states.indexOf('tracking', 5)).toBe(34 + lifeCycle.confirmNs / frameNs);
  });

  it.each([
    { emptyMask: true },
    { presence: 0.39 },
    { confidence: 0.19 },
    { confidence: NaN },
    { presence: NaN },
  ])('counts %o as absent', (difference) => {
    expect(play(tracking, times(5, { ...well, ...difference })).at(-1)).toBe('lost');
  });

  it('shows an object found on fair sight as uncertain, and as tracking once it is seen well', () => {
    expect(play(afterDiscontinuity(0), [...times(5, fair), ...times(5, well)])).toEqual([
      'searching',
      'searching',
      'searching',
      'uncertain',
      'uncertain',
      'uncertain',
      'uncertain',
      'uncertain',
      'tracking',
      'tracking',
    ]);
  });

  it('takes a presence just below one half as doubt, not as absence, and not as found', () => {
    const faint = { ...well, presence: 0.45 };
    expect(play(tracking, times(20, faint)).at(-1)).toBe('uncertain');
    expect(play(afterDiscontinuity(0), times(20, faint)).at(-1)).toBe('searching');
  });

  it('does not find an object again on doubtful sight', () => {
    expect(play(afterDiscontinuity(0), times(50, doubtful)).at(-1)).toBe('searching');
  });

  it('never shows or hides an object because of one frame, at any frame rate', () => {
    const sights = fc.array(fc.constantFrom(well, fair, doubtful, absent), { minLength: 1, maxLength: 40 });
    const shown = (state: string): boolean => state === 'tracking' || state === 'uncertain';
    const kind = (sight: Sight | undefined): unknown => (sight === well ? fair : sight);
    fc.assert(
      fc.property(sights, fc.integer({ min: 1_000_000, max: 2_000_000_000 }), (seen, stepNs) => {
        const states = ['tracking', ...play(tracking, seen, stepNs)];
        for (let index = 1; index < states.length; index++)
          if (shown(states[index] ?? '') !== shown(states[index - 1] ?? ''))
            expect(kind(seen[index - 1])).toEqual(kind(seen[index - 2]));
      }),
    );
  });

  it('depends on time, not on the number of frames', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000_000, max: 1_000_000_000 }), (stepNs) => {
        const frames = Math.ceil(lifeCycle.loseNs / stepNs) + 3;
        const lostAtNs = (play(tracking, times(frames, absent), stepNs).indexOf('lost') + 1) * stepNs;
        // From the first absent frame on, at the first frame that can know it.
        const absentNs = lostAtNs - stepNs;
        expect(absentNs).toBeGreaterThanOrEqual(lifeCycle.loseNs);
        expect(absentNs).toBeLessThan(lifeCycle.loseNs + stepNs);
      }),
    );
  });

  it('runs backwards as well', () => {
    const backwards = play(tracking, times(6, absent), -frameNs);
    expect(backwards).toEqual(play(tracking, times(6, absent)));
  });
});
