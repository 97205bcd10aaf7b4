import { describe, expect, it } from 'vitest';
import { waitingWords } from '../analysis/ejection-fraction.js';
import { echoMeasures } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { BiplaneStudy, studyLimits, type BiplaneMember } from './biplane-study.js';

const second = 1e9;
const value = (name: string, more: Partial<Measurement> = {}): Measurement => ({
  ...{ name, value: 50, unit: '%', interval: null, quality: 'good', note: '', objectId: 1 },
  ...more,
});

/** A cylinder of so many mm across: at end-systole 80 % as wide and 90 % as long, so that it throws 1 − 0.8² · 0.9 = 42.4 %. */
function closedBeat(number: number, atPtsNs: number, diameter: number, length = 80, heartRate = 60) {
  const disks = (name: string, share: number, shorter: number) =>
    value(name, {
      ...{ beat: number, atPtsNs, unit: 'mm', value: length * shorter },
      values: Array.from({ length: 20 }, () => diameter * share),
    });
  return [
    value(echoMeasures.beatEjectionFraction, { beat: number, atPtsNs }),
    value(echoMeasures.beatHeartRate, { beat: number, atPtsNs, value: heartRate }),
    disks(echoMeasures.beatEndDiastolicDisks, 1, 1),
    disks(echoMeasures.beatEndSystolicDisks, 0.8, 0.9),
  ];
}

const shown = value(echoMeasures.ejectionFraction);
const frameAt = (ns: number, discontinuity = 0) => ({
  ...{ streamId: 'x', ptsNs: ns, captureNs: ns, mediaNs: ns, sourceFrame: 0, discontinuity },
});
/** Three beats, one a second, then the fraction of the last picture. */
function beatIn(member: BiplaneMember, fromNs: number, diameter: number, length = 80, rate = 60) {
  let last: Measurement[] = [];
  for (const number of [1, 2, 3]) {
    const at = fromNs + number * second;
    last = member.measure(frameAt(at), [...closedBeat(number, at, diameter, length, rate), shown]);
  }
  return last;
}
const fraction = (measurements: readonly Measurement[]) =>
  measurements.find(({ name }) => name === echoMeasures.biplaneEjectionFraction);
const lost = value(echoMeasures.ejectionFraction, {
  ...{ value: null, quality: 'rejected', note: `single-plane, 0 beats: ${waitingWords.view}` },
});

describe('two rooms of one heart', () => {
  const pair = () => {
    const study = new BiplaneStudy();
    return { study, four: study.join('four', 'a4c'), two: study.join('two', 'a2c') };
  };

  it('give one volume from both, in mL, with an interval that says that nobody has calibrated it', () => {
    const { four, two } = pair();
    expect(fraction(beatIn(four, 0, 40))).toMatchObject({ value: null, quality: 'rejected' });
    const both = beatIn(two, 0.5 * second, 50);
    expect(fraction(both)?.value).toBeCloseTo(42.4, 6);
    expect(fraction(both)).toMatchObject({ quality: 'good', unit: '%' });
    expect(fraction(both)?.note).toBe('biplane, 3 + 3 beats, interval assumed, not calibrated');
    const volume = both.find(({ name }) => name === echoMeasures.biplaneEndDiastolicVolume);
    expect(volume?.unit).toBe('mL');
    expect(volume?.value).toBeCloseTo(((Math.PI / 4) * 40 * 50 * 80) / 1000, 6);
  });

  it('say why not: the rates, the lengths, the partner, the same view', () => {
    const why = (change: (rooms: ReturnType<typeof pair>) => readonly Measurement[]): string =>
      fraction(change(pair()))?.note ?? '';
    const rates = why(({ four, two }) => (beatIn(four, 0, 40), beatIn(two, 0, 50, 80, 80)));
    expect(rates).toBe('biplane: the heart rates of the two views differ by more than 20 %');
    const lengths = why(({ four, two }) => (beatIn(four, 0, 40), beatIn(two, 0, 50, 60)));
    expect(lengths).toContain('long axes of the two views differ');
    const away = why(({ four, two }) => {
      two.measure(frameAt(3 * second), [lost]);
      return beatIn(four, 0, 40);
    });
    expect(away).toContain('it was taught on four-chamber views');
    const same = why(({ four, two }) => {
      two.setView('a4c');
      return beatIn(four, 0, 40);
    });
    expect(same).toBe('biplane: both streams are marked as apical four-chamber');
    const gone = why(({ four, two }) => (beatIn(two, 0, 50), beatIn(four, 60 * second, 40)));
    expect(gone).toBe('biplane: the apical two-chamber view shows nothing now');
  });
});

describe('one room whose probe is turned', () => {
  const held = () => {
    const study = new BiplaneStudy();
    const room = study.join('echo', null);
    expect(beatIn(room, 0, 40)).toEqual([]);
    expect(room.hold(1, 3 * second)).toBeNull();
    room.setView('a2c');
    return room;
  };

  it('gives a number from the view that was held, says how old it is, and holds both', () => {
    const room = held();
    expect(fraction(room.measure(frameAt(3.5 * second), [shown]))?.value).toBeNull();
    const both = beatIn(room, 60 * second, 50);
    expect(fraction(both)?.value).toBeCloseTo(42.4, 6);
    expect(fraction(both)?.note).toContain('apical four-chamber view held 60 s ago');
    const kept = room.hold(2, 63 * second);
    expect(kept?.other).toEqual({ stream: 'echo', holdId: 1 });
    expect(fraction(kept?.measurements ?? [])?.value).toBeCloseTo(42.4, 6);
  });

  it('gives none once the held view is old, or of another source', () => {
    const old = beatIn(held(), 4 * second + studyLimits.held, 50);
    expect(fraction(old)?.note).toBe(
      'biplane: the held apical four-chamber view is older than 5 minutes: hold it again',
    );
    const room = held();
    room.clear();
    expect(fraction(beatIn(room, 10 * second, 50))?.note).toBe(
      'biplane: hold the apical four-chamber view first',
    );
  });

  it('has no beats of before a jump', () => {
    const room = held();
    beatIn(room, 10 * second, 50);
    expect(fraction(room.measure(frameAt(14 * second, 1), [shown]))?.value).toBeNull();
  });
});
