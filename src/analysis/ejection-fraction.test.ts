import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beatRejections, type BeatRejection } from '../vocabulary/echo.js';
import type { Beat } from './beats.js';
import { createPresentKeeper, presentLimits, uncertainty, waitingWords } from './ejection-fraction.js';

const second = 1e9;
const good = (number: number, ejectionFraction: number, irregularRhythm = false): Beat => ({
  ...{ number, fromPtsNs: (number - 1) * second, toPtsNs: number * second, rejection: null, irregularRhythm },
  values: {
    ...{ endDiastolicVolume: 100, endSystolicVolume: 100 - ejectionFraction, strokeVolume: ejectionFraction },
    ...{ ejectionFraction, fractionalAreaChange: 30, heartRate: 60 },
  },
  disks: null,
});
const bad = (number: number, rejection: BeatRejection): Beat => ({
  ...{ number, fromPtsNs: (number - 1) * second, toPtsNs: number * second, rejection, values: null },
});
/** The state right after the last of these beats, or `later` seconds after it. */
function after(beats: readonly Beat[], later = 0, { view = true, reason = null as string | null } = {}) {
  const keeper = createPresentKeeper();
  let now = keeper.now(0, true, null);
  for (const beat of beats) {
    keeper.beat(beat);
    now = keeper.now(beat.toPtsNs, true, null);
  }
  const end = beats.at(-1)?.toPtsNs ?? 0;
  for (let step = 0.5; step <= later; step += 0.5) now = keeper.now(end + step * second, view, reason);
  return now;
}

describe('the ejection fraction that is shown', () => {
  it('is the median of the last five beats that count', () => {
    const beats = [90, 50, 52, 80, 54, 56].map((value, index) => good(index + 1, value));
    expect(after(beats)).toMatchObject({ beats: 5, ejectionFraction: { value: 54 }, reason: null });
  });

  it('has an interval that holds it, within 0 and 100, narrower with more beats, never narrower than the model allows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 9 }),
        (values) => {
          const state = after(values.map((value, index) => good(index + 1, value)));
          if (state.reason !== null) throw new Error(state.reason);
          const { value, interval } = state.ejectionFraction;
          expect(interval.low).toBeGreaterThanOrEqual(0);
          expect(interval.high).toBeLessThanOrEqual(100);
          expect(interval.low).toBeLessThanOrEqual(value);
          expect(interval.high).toBeGreaterThanOrEqual(value);
          const half = uncertainty.factor * uncertainty.ejectionFraction.model - 1e-9;
          expect(interval.low === 0 || value - interval.low >= half).toBe(true);
        },
      ),
    );
    const width = (count: number): number => {
      const state = after(Array.from({ length: count }, (_, index) => good(index + 1, 50 + (index % 2))));
      return state.reason === null
        ? state.ejectionFraction.interval.high - state.ejectionFraction.interval.low
        : 0;
    };
    expect(width(5)).toBeLessThan(width(1));
  });

  it('is no number before the first beat, and says for what the last beat was rejected', () => {
    expect(after([])).toEqual({ reason: waitingWords.beat });
    expect(after([bad(1, 'foreshortened')])).toEqual({ reason: beatRejections.foreshortened });
    expect(after([good(1, 50), bad(2, 'moved')])).toMatchObject({ reason: null, beats: 1 });
  });

  it('goes when it is stale, with the reason', () => {
    const beats = [good(1, 50), good(2, 52), good(3, 54)];
    expect(after(beats, presentLimits.newest - 1)).toMatchObject({ reason: null, beats: 3 });
    expect(after(beats, presentLimits.newest + 1)).toEqual({ reason: waitingWords.stale });
    expect(after(beats, presentLimits.newest + 1, { reason: 'why' })).toEqual({ reason: 'why' });
    const rejected = [...beats, ...Array.from({ length: 12 }, (_, index) => bad(4 + index, 'cut-by-sector'))];
    expect(after(rejected)).toEqual({ reason: beatRejections['cut-by-sector'] });
  });

  it('goes two seconds after the view, and does not come back with it', () => {
    const beats = [good(1, 50), good(2, 52), good(3, 54)];
    expect(after(beats, presentLimits.withoutView, { view: false })).toMatchObject({ reason: null });
    expect(after(beats, presentLimits.withoutView + 0.5, { view: false })).toEqual({
      reason: waitingWords.view,
    });
    const keeper = createPresentKeeper();
    for (const beat of beats) keeper.beat(beat);
    keeper.now(3 * second, true, null);
    keeper.now(6 * second, false, null);
    expect(keeper.now(7 * second, true, null)).toEqual({ reason: waitingWords.beat });
  });

  it('averages more beats of an irregular rhythm, and none of too few', () => {
    const beats = Array.from({ length: 9 }, (_, index) => good(index + 1, 40 + index, true));
    expect(after(beats)).toMatchObject({ beats: 9, irregularRhythm: true, ejectionFraction: { value: 44 } });
    expect(after(beats.slice(0, presentLimits.leastIrregular - 1))).toEqual({
      reason: waitingWords.irregular,
    });
  });
});
