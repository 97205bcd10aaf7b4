import { describe, expect, it } from 'vitest';
import { volumeCurve } from '../../tests/volume-curves.js';
import { beatRejections, echoMeasures } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { Beat } from './beat-table.js';
import type { Disks } from './beats.js';
import {
  correctBeats,
  correctionProblem,
  picturesForDisks,
  summaryOfBeats,
  type BeatCorrection,
  type CurveValues,
  type Found,
} from './corrected-beats.js';

const second = 1e9;
const { samples, beats: truth } = volumeCurve({ seed: 3, noise: 0, picturesPerSecond: 50, seconds: 8 });
const curve = {
  ptsNs: samples.map(({ at }) => Math.round(at * second)),
  volume: samples.map(({ volume }) => volume),
  area: samples.map(({ volume }) => 60 * volume ** (2 / 3)),
};
const pictureNear = (seconds: number): number =>
  curve.ptsNs.reduce((best, ptsNs) =>
    Math.abs(ptsNs - seconds * second) < Math.abs(best - seconds * second) ? ptsNs : best,
  );

function figure(name: string, value: number | null, unit: string, beat: number, note: string): Measurement {
  const quality = value === null ? 'rejected' : 'good';
  return { name, value, unit, interval: null, quality, note, objectId: 1, beat };
}

/** What nothing else gives. */
const foundDisks: Disks = { length: 1, diameters: [1, 2] };

/** As they were found, with numbers of their own that nothing else gives. */
function foundBeats(rejected: ReadonlyMap<number, string> = new Map()): Beat[] {
  return truth.slice(0, -1).map(({ endDiastole, endSystole }, index): Beat => {
    const number = index + 1;
    const reason = rejected.get(number) ?? '';
    const of = (name: string, value: number, unit: string): Measurement =>
      figure(name, reason === '' ? value : null, unit, number, reason === '' ? 'single-plane' : reason);
    return {
      ...{ number, accepted: reason === '', reason },
      endDiastolePtsNs: pictureNear(endDiastole),
      endSystolePtsNs: reason === beatRejections.incomplete ? null : pictureNear(endSystole),
      nextEndDiastolePtsNs: pictureNear(truth[index + 1]?.endDiastole ?? NaN),
      endDiastolicVolume: of(echoMeasures.beatEndDiastolicVolume, 100 + index, 'mL'),
      endSystolicVolume: of(echoMeasures.beatEndSystolicVolume, 40, 'mL'),
      strokeVolume: of(echoMeasures.beatStrokeVolume, 60 + index, 'mL'),
      ejectionFraction: of(echoMeasures.beatEjectionFraction, 60 + index, '%'),
      fractionalAreaChange: of(echoMeasures.beatFractionalAreaChange, 45, '%'),
      heartRate: of(echoMeasures.beatHeartRate, 70, '/min'),
      disks: reason === '' ? { endDiastole: foundDisks, endSystole: foundDisks } : null,
    };
  });
}
const found = (rejected?: ReadonlyMap<number, string>): Found => {
  const beats = foundBeats(rejected);
  return { beats, lastNumber: beats.length + 1, curve, volumeUnit: 'mL', objectId: 1 };
};
const none: ReadonlyMap<number, CurveValues> = new Map();
const numbered = (given: Found, corrections: readonly BeatCorrection[], number: number, drawn = none) =>
  correctBeats(given, corrections, drawn).find((beat) => beat.number === number);
const moved = (beat: number, which: 'end-diastole' | 'end-systole', atPtsNs: number): BeatCorrection => ({
  ...{ kind: 'moment', beat, which, atPtsNs },
});

describe('beats that a person corrects', () => {
  it('that nobody has touched keep what was measured', () => {
    const given = found();
    const corrected = correctBeats(
      given,
      [moved(2, 'end-systole', pictureNear(truth[1]?.endSystole ?? 0))],
      none,
    );
    expect(corrected).toHaveLength(given.beats.length);
    for (const beat of corrected.filter(({ number }) => number !== 2)) {
      expect(beat).toMatchObject(given.beats[beat.number - 1] as Beat);
      expect(beat.corrected).toBe(false);
    }
  });

  it('are measured on the curve where a moment is moved: to the true one, the true ejection fraction', () => {
    const given = found();
    const beat = numbered(given, [moved(2, 'end-systole', given.beats[1]?.endSystolePtsNs ?? 0)], 2);
    expect(beat?.corrected).toBe(true);
    expect(
      Math.abs((beat?.ejectionFraction?.value ?? NaN) - (truth[1]?.ejectionFraction ?? NaN)),
    ).toBeLessThan(1.5);
    expect(beat?.ejectionFraction?.note).toBe('single-plane, corrected by hand');
  });

  it('end where the next one is said to begin', () => {
    const given = found();
    const at = pictureNear((truth[2]?.endDiastole ?? 0) - 0.06);
    const corrections = [moved(3, 'end-diastole', at)];
    expect(numbered(given, corrections, 2)?.nextEndDiastolePtsNs).toBe(at);
    expect(numbered(given, corrections, 3)?.endDiastolePtsNs).toBe(at);
    const length = (at - (given.beats[1]?.endDiastolePtsNs ?? NaN)) / second;
    expect(numbered(given, corrections, 2)?.heartRate?.value).toBeCloseTo(60 / length, 6);
    // The end of the last one is the beginning of one that has no end.
    const last = given.beats.length;
    const end = pictureNear((truth[last]?.endDiastole ?? 0) - 0.04);
    expect(correctionProblem(given, [moved(last + 1, 'end-diastole', end)], none)).toBeNull();
    expect(numbered(given, [moved(last + 1, 'end-diastole', end)], last)?.nextEndDiastolePtsNs).toBe(end);
  });

  it('have the volume of a drawn outline, and of it alone', () => {
    const given = found();
    const at = given.beats[1]?.endDiastolePtsNs ?? 0;
    const area = curve.area[curve.ptsNs.indexOf(at)] ?? 0;
    const beat = numbered(given, [], 2, new Map([[at, { volume: 222, area: area * 1.2 }]]));
    expect(beat?.endDiastolicVolume?.value).toBe(222);
    expect(beat?.touched).toEqual(new Set(['end-diastole']));
    expect(beat?.strokeVolume?.value).toBeCloseTo(222 - (beat?.endSystolicVolume?.value ?? NaN), 9);
    // Nothing can be measured on it: no number, and a reason.
    const lost = numbered(given, [], 2, new Map([[at, { volume: null, area: null }]]));
    expect(lost).toMatchObject({ accepted: false, reason: beatRejections.incomplete });
    expect(lost?.ejectionFraction?.value).toBeNull();
  });

  it('count or do not count as a person says, unless the numbers cannot be', () => {
    const given = found(new Map([[2, beatRejections.irregular]]));
    expect(numbered(given, [], 2)).toMatchObject({ accepted: false, corrected: false });
    const accept: BeatCorrection = { kind: 'accept', beat: 2, accepted: true };
    expect(correctionProblem(given, [accept], none)).toBeNull();
    const counted = numbered(given, [accept], 2);
    expect(counted).toMatchObject({ accepted: true, corrected: true, reason: '' });
    expect(counted?.ejectionFraction?.value).toBeGreaterThan(30);
    const refused = numbered(given, [accept, { ...accept, accepted: false }], 2);
    expect(refused).toMatchObject({ accepted: false, reason: beatRejections['by-hand'] });
    const diastole = given.beats[1]?.endDiastolePtsNs ?? 0;
    const tiny = new Map([[diastole, { volume: 1, area: 1 }]]);
    expect(correctionProblem(given, [accept], tiny)).toBe(beatRejections.implausible);
    expect(numbered(given, [accept], 2, tiny)?.ejectionFraction?.value).toBeNull();
  });

  it('without an end-systole need one first', () => {
    const given = found(new Map([[2, beatRejections.incomplete]]));
    const accept: BeatCorrection = { kind: 'accept', beat: 2, accepted: true };
    expect(correctionProblem(given, [accept], none)).toContain('say on which picture');
    const systole = moved(2, 'end-systole', pictureNear(truth[1]?.endSystole ?? 0));
    expect(correctionProblem(given, [systole], none)).toBeNull();
    expect(numbered(given, [systole], 2)?.accepted).toBe(false);
    expect(correctionProblem(given, [systole, accept], none)).toBeNull();
    expect(numbered(given, [systole, accept], 2)?.accepted).toBe(true);
  });

  it('can be added, with a number of their own', () => {
    const given = found();
    const [first] = given.beats;
    const add: BeatCorrection = {
      kind: 'add',
      endDiastolePtsNs: first?.endDiastolePtsNs ?? 0,
      endSystolePtsNs: first?.endSystolePtsNs ?? 0,
      nextEndDiastolePtsNs: first?.nextEndDiastolePtsNs ?? 0,
    };
    const number = given.lastNumber + 1;
    expect(numbered(given, [add], number)).toMatchObject({ added: true, accepted: true, corrected: true });
    expect(
      correctionProblem(given, [add, { kind: 'accept', beat: number, accepted: false }], none),
    ).toBeNull();
    expect(correctionProblem(given, [{ ...add, endSystolePtsNs: add.endDiastolePtsNs }], none)).toContain(
      'follow one another',
    );
  });

  it('never count twice: who adds or accepts a beat over another that counts must reject that one first', () => {
    const given = found();
    const one = given.beats.find((beat) => beat.accepted);
    const { number = 0 } = one ?? {};
    const add: BeatCorrection = {
      kind: 'add',
      endDiastolePtsNs: one?.endDiastolePtsNs ?? 0,
      endSystolePtsNs: one?.endSystolePtsNs ?? 0,
      nextEndDiastolePtsNs: one?.nextEndDiastolePtsNs ?? 0,
    };
    const said = (accepted: boolean, beat = number): BeatCorrection => ({ kind: 'accept', beat, accepted });
    const over = `it lies over beat ${number}, which counts: reject that one first`;
    expect(correctionProblem(given, [add], none)).toBe(over);
    expect(correctionProblem(given, [said(false), add], none)).toBeNull();
    const added = given.lastNumber + 1;
    expect(correctionProblem(given, [said(false), add, said(true)], none)).toContain(`over beat ${added}`);
    expect(correctionProblem(given, [said(false), add, said(false, added), said(true)], none)).toBeNull();
    // Beats that only meet do not lie over each other.
    expect(correctionProblem(given, [said(false), said(true)], none)).toBeNull();
  });

  it.each([
    [moved(2, 'end-systole', 12_345), 'nothing has been measured on that picture'],
    [moved(99, 'end-systole', curve.ptsNs[0] ?? 0), 'there is no beat 99'],
    [moved(2, 'end-systole', curve.ptsNs[0] ?? 0), 'follow one another'],
    [moved(2, 'end-diastole', curve.ptsNs[0] ?? 0), 'follow one another'],
    [{ kind: 'accept', beat: 99, accepted: false } as const, 'there is no beat 99'],
  ])('are not corrected to what cannot be: %j', (correction, words) => {
    expect(correctionProblem(found(), [correction], none)).toContain(words);
  });

  it('are summed up by their median, with the reason where none counts', () => {
    const given = found();
    const summary = summaryOfBeats(correctBeats(given, [], none), 'mL');
    const values = given.beats.map((beat) => beat.ejectionFraction?.value ?? NaN).sort((a, b) => a - b);
    const middle = ((values[(values.length - 1) >> 1] ?? NaN) + (values[values.length >> 1] ?? NaN)) / 2;
    expect(summary.ejectionFraction).toMatchObject({ value: middle, unit: '%', quality: 'good' });
    expect(summary.ejectionFraction.interval?.low).toBeLessThan(middle);
    expect(summary.ejectionFraction.note).toBe(`single-plane, ${values.length} beats`);
    const corrections = given.beats.map(
      ({ number }) => ({ kind: 'accept', beat: number, accepted: false }) as const,
    );
    const nothing = summaryOfBeats(correctBeats(given, corrections, none), 'mL');
    expect(nothing).toMatchObject({ accepted: 0, rejected: given.beats.length, corrected: true });
    expect(nothing.ejectionFraction).toMatchObject({ value: null, interval: null, quality: 'rejected' });
    expect(nothing.ejectionFraction.note).toContain(beatRejections['by-hand']);
  });
});

describe('the disks of a beat', () => {
  const length = 80;
  /** Of a cylinder of this volume, mL. */
  const cylinder = (volume: number): Disks => ({
    length,
    diameters: Array.from({ length: 20 }, () => Math.sqrt((volume * 1000 * 4) / (Math.PI * length))),
  });
  const volumeOf = ({ diameters }: Disks): number =>
    diameters.reduce((sum, one) => sum + ((Math.PI / 4) * one ** 2 * length) / diameters.length / 1000, 0);
  const ofPictures = new Map(
    curve.ptsNs.map((ptsNs, index) => [ptsNs, cylinder(curve.volume[index] ?? NaN)]),
  );
  const second2 = found().beats[1] as Beat;
  /** 100 ms to each side. */
  const around = (moments: readonly (number | null)[]): number[] =>
    curve.ptsNs.filter((ptsNs) => moments.some((at) => Math.abs(ptsNs - (at ?? NaN)) <= 100e6));
  const shifted = (second2.endSystolePtsNs ?? 0) + 60e6;
  const corrections = [moved(2, 'end-systole', pictureNear(shifted / second))];

  it('are those that were found where nothing was touched, and none of a beat that does not count', () => {
    const beats = correctBeats(found(new Map([[3, beatRejections.moved]])), corrections, none);
    expect(beats.map(({ disks }) => disks?.endDiastole ?? null)).toEqual(
      beats.map(({ number }) => (number === 2 || number === 3 ? null : foundDisks)),
    );
    const accepted = correctBeats(found(), [{ kind: 'accept', beat: 1, accepted: true }], none);
    expect(accepted[0]?.disks?.endSystole).toBe(foundDisks);
  });

  it('are read anew around both moments of a touched one, smoothed as its volumes are', () => {
    const plain = correctBeats(found(), corrections, none);
    const pictures = picturesForDisks(plain, curve, none);
    const own = plain.find(({ number }) => number === 2) as (typeof plain)[number];
    expect(pictures).toEqual(around([own.endDiastolePtsNs, own.endSystolePtsNs]));
    expect(pictures.length).toBeGreaterThan(14);
    const disks = new Map(pictures.map((ptsNs) => [ptsNs, ofPictures.get(ptsNs) as Disks]));
    const beat = correctBeats(found(), corrections, none, disks).find(({ number }) => number === 2);
    expect(beat?.disks?.endDiastole.diameters).toHaveLength(20);
    for (const [figure_, moment] of [
      [beat?.endDiastolicVolume, beat?.disks?.endDiastole],
      [beat?.endSystolicVolume, beat?.disks?.endSystole],
    ] as const)
      expect(volumeOf(moment as Disks) / (figure_?.value ?? NaN)).toBeCloseTo(1, 2);
  });

  it('are those of a drawn outline alone, on its own picture', () => {
    const at = second2.endDiastolePtsNs ?? 0;
    const drawn = new Map([[at, { volume: 150, area: 3000 }]]);
    const plain = correctBeats(found(), [], drawn);
    expect(picturesForDisks(plain, curve, drawn)).toEqual([at, ...around([second2.endSystolePtsNs])]);
    const disks = new Map([...ofPictures, [at, cylinder(150)]]);
    const beat = correctBeats(found(), [], drawn, disks).find(({ number }) => number === 2);
    expect(volumeOf(beat?.disks?.endDiastole as Disks)).toBeCloseTo(150, 6);
    expect(beat?.endDiastolicVolume?.value).toBe(150);
  });
});
