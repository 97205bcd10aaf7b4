/**
 * Beats as a person has corrected them: an end-diastole or end-systole that is moved, an outline that is drawn by hand, a beat that is
 * added, accepted or rejected. Pure. What is not touched keeps the numbers that were measured. A touched beat is measured again on the
 * curve, by the rules of `beats.ts`; where an outline was drawn on its picture, that outline alone gives the volume. Its disks follow
 * where those of the pictures around its moments are given (`picturesForDisks`).
 */
import { beatRejections, echoMeasures, type EchoMeasure } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { rejectionOf, type Beat } from './beat-table.js';
import { beatLimits, smoothedDisks, type BeatDisks, type Disks } from './beats.js';
import { presented, uncertainty, type Presented } from './ejection-fraction.js';
import { medianOf, smoothedAt } from './smooth.js';

/** What a note says of a number that a person has had a hand in. */
export const byHandWords = 'corrected by hand';

type Moment = 'end-diastole' | 'end-systole';

/** Times are ptsNs of pictures of the curve. */
export type BeatCorrection =
  | { readonly kind: 'moment'; readonly beat: number; readonly which: Moment; readonly atPtsNs: number }
  | { readonly kind: 'accept'; readonly beat: number; readonly accepted: boolean }
  | {
      readonly kind: 'add';
      readonly endDiastolePtsNs: number;
      readonly endSystolePtsNs: number;
      readonly nextEndDiastolePtsNs: number;
    };

/** Size of the ventricle on a picture; null: it was not measured there. */
export interface CurveValues {
  readonly volume: number | null;
  readonly area: number | null;
}

/** Every measured picture, times rising, NaN where there is no value. A column each: a recording may be long. */
interface Curve {
  readonly ptsNs: readonly number[];
  readonly volume: readonly number[];
  readonly area: readonly number[];
}

export interface Found {
  /** Numbers rise, and are unique in the recording. */
  readonly beats: readonly Beat[];
  /** The largest number that was given, also to a beat without an end. */
  readonly lastNumber: number;
  readonly curve: Curve;
  readonly volumeUnit: string;
  /** The object that beats belong to. */
  readonly objectId: number;
}

export interface CorrectedBeat extends Beat {
  /** A person has changed anything about it. */
  readonly corrected: boolean;
  readonly added: boolean;
  /** Moments that a person has moved, or on whose picture an outline was drawn. */
  readonly touched: ReadonlySet<Moment | 'next-end-diastole'>;
}

/** By the ptsNs of their picture: as it was found, or as it was drawn. */
export type DisksOfPictures = ReadonlyMap<number, Disks>;
const noDisks: DisksOfPictures = new Map();

interface Plan {
  readonly beat: Beat;
  readonly added: boolean;
  endDiastole: number | null;
  endSystole: number | null;
  next: number | null;
  readonly moved: Set<Moment | 'next-end-diastole'>;
  /** What a person says; null: nothing. */
  said: boolean | null;
}

const nothing: Pick<
  Beat,
  | 'endDiastolicVolume'
  | 'endSystolicVolume'
  | 'strokeVolume'
  | 'ejectionFraction'
  | 'fractionalAreaChange'
  | 'heartRate'
  | 'disks'
> = {
  ...{ endDiastolicVolume: null, endSystolicVolume: null, strokeVolume: null },
  ...{ ejectionFraction: null, fractionalAreaChange: null, heartRate: null, disks: null },
};

/** By time. `drawn`: sizes of the outlines that were drawn, by the ptsNs of their picture. Later corrections count. */
export function correctBeats(
  found: Found,
  corrections: readonly BeatCorrection[],
  drawn: ReadonlyMap<number, CurveValues>,
  disks: DisksOfPictures = noDisks,
): readonly CorrectedBeat[] {
  const curve = withDrawn(found.curve, drawn);
  return plansOf(found, corrections)
    .map((plan) => measured(plan, found, curve, drawn))
    .map((beat) => withDisks(beat, curve, drawn, disks))
    .sort((a, b) => (a.endDiastolePtsNs ?? 0) - (b.endDiastolePtsNs ?? 0) || a.number - b.number);
}

/** ptsNs of the pictures whose disks these beats need to take part in what is measured from two views, rising. */
export function picturesForDisks(
  beats: readonly CorrectedBeat[],
  curve: Curve,
  drawn: ReadonlyMap<number, CurveValues>,
): readonly number[] {
  const needed = new Set<number>();
  for (const beat of beats)
    if (needsDisks(beat))
      for (const ptsNs of [beat.endDiastolePtsNs, beat.endSystolePtsNs])
        for (const one of ptsNs === null ? [] : picturesAround(ptsNs, curve, drawn).pictures) needed.add(one);
  return [...needed].sort((a, b) => a - b);
}

/** It counts, but not as it was found. */
const needsDisks = ({ accepted, corrected, disks }: CorrectedBeat): boolean =>
  accepted && corrected && disks === null;

function withDisks(
  beat: CorrectedBeat,
  curve: Curve,
  drawn: ReadonlyMap<number, CurveValues>,
  disks: DisksOfPictures,
): CorrectedBeat {
  const { endDiastolePtsNs, endSystolePtsNs } = beat;
  if (!needsDisks(beat) || endDiastolePtsNs === null || endSystolePtsNs === null) return beat;
  const at = (moment: number): Disks | null => {
    const { pictures, half } = picturesAround(moment, curve, drawn);
    const near = pictures.flatMap((ptsNs) => {
      const own = disks.get(ptsNs);
      return own === undefined ? [] : [{ ...own, at: (ptsNs - moment) / 1e9 }];
    });
    return smoothedDisks(near, half);
  };
  const [endDiastole, endSystole] = [at(endDiastolePtsNs), at(endSystolePtsNs)];
  const both: BeatDisks | null = endDiastole && endSystole ? { endDiastole, endSystole } : null;
  return { ...beat, disks: both };
}

/** What is smoothed around a moment; an outline that is drawn on it stands alone. `half`: seconds. */
function picturesAround(
  ptsNs: number,
  { ptsNs: times }: Curve,
  drawn: ReadonlyMap<number, CurveValues>,
): { readonly pictures: readonly number[]; readonly half: number } {
  const half = halfWindow(ptsNs, times);
  if (half === null) return { pictures: [], half: beatLimits.smoothing };
  const [begin, end] = within(times, ptsNs, half);
  return { pictures: drawn.has(ptsNs) ? [ptsNs] : times.slice(begin, end), half };
}

/** Why the last of these cannot be made, in words for the end of a sentence; null: it can. */
export function correctionProblem(
  found: Found,
  corrections: readonly BeatCorrection[],
  drawn: ReadonlyMap<number, CurveValues>,
): string | null {
  const last = corrections.at(-1);
  if (last === undefined) return null;
  const times =
    last.kind === 'moment'
      ? [last.atPtsNs]
      : last.kind === 'add'
        ? [last.endDiastolePtsNs, last.endSystolePtsNs, last.nextEndDiastolePtsNs]
        : [];
  if (times.some((ptsNs) => indexOf(found.curve.ptsNs, ptsNs) === null))
    return 'nothing has been measured on that picture';
  const plans = plansOf(found, corrections);
  const addedNumber = plans.reduce((most, { beat }) => Math.max(most, beat.number), 0);
  const about = last.kind === 'add' ? addedNumber : last.beat;
  const own = plans.find(({ beat }) => beat.number === about);
  const before = plans.find(({ beat }) => beat.number === about - 1);
  const endsOnly = own === undefined && last.kind === 'moment' && last.which === 'end-diastole';
  if (own === undefined && !(endsOnly && before !== undefined && before.next !== null))
    return `there is no beat ${about}`;
  for (const plan of [own, before])
    if (plan !== undefined && (plan === own || !plan.added) && !inOrder(plan))
      return 'end-diastole, end-systole and the next end-diastole would not follow one another';
  if (own === undefined || (last.kind === 'accept' && !last.accepted)) return null;
  if (last.kind === 'moment' && own.said !== true) return null;
  // Whoever counts a beat must know at once that it cannot be.
  if (own.endDiastole === null || own.endSystole === null || own.next === null)
    return 'the beat has no end-diastole or no end-systole: say on which picture it is first';
  const curve = withDrawn(found.curve, drawn);
  const { accepted, reason } = measured(own, found, curve, drawn);
  if (!accepted) return reason;
  if (last.kind === 'moment') return null;
  // The same heart beat would count twice.
  const under = plans.find(
    (plan) => plan !== own && overlap(plan, own) && measured(plan, found, curve, drawn).accepted,
  );
  return under === undefined
    ? null
    : `it lies over beat ${under.beat.number}, which counts: reject that one first`;
}

function overlap(a: Plan, b: Plan): boolean {
  if (a.endDiastole === null || a.next === null || b.endDiastole === null || b.next === null) return false;
  return a.endDiastole < b.next && b.endDiastole < a.next;
}

function plansOf(found: Found, corrections: readonly BeatCorrection[]): Plan[] {
  const plans = found.beats.map((beat): Plan => ({
    ...{ beat, added: false, moved: new Set(), said: null },
    endDiastole: beat.endDiastolePtsNs,
    endSystole: beat.endSystolePtsNs,
    next: beat.nextEndDiastolePtsNs,
  }));
  const byNumber = new Map(plans.map((plan) => [plan.beat.number, plan]));
  let number = found.lastNumber;
  for (const correction of corrections)
    switch (correction.kind) {
      case 'accept': {
        const plan = byNumber.get(correction.beat);
        if (plan) plan.said = correction.accepted;
        break;
      }
      case 'moment': {
        const { which, atPtsNs } = correction;
        const plan = byNumber.get(correction.beat);
        // The end-diastole of a beat is the end of the one before, unless something lies between them.
        const before = byNumber.get(correction.beat - 1);
        const base = found.beats.find((beat) => beat.number === correction.beat);
        if (which === 'end-diastole' && before !== undefined && !before.added && !plan?.added) {
          const joined = base === undefined || before.beat.nextEndDiastolePtsNs === base.endDiastolePtsNs;
          if (joined && before.next !== null) {
            before.next = atPtsNs;
            before.moved.add('next-end-diastole');
          }
        }
        if (plan === undefined) break;
        if (which === 'end-diastole') plan.endDiastole = atPtsNs;
        else plan.endSystole = atPtsNs;
        plan.moved.add(which);
        break;
      }
      case 'add': {
        number += 1;
        const { endDiastolePtsNs, endSystolePtsNs, nextEndDiastolePtsNs } = correction;
        const times = { endDiastolePtsNs, endSystolePtsNs, nextEndDiastolePtsNs };
        const plan: Plan = {
          beat: { number, ...times, ...nothing, accepted: true, reason: '' },
          ...{
            added: true,
            moved: new Set(['end-diastole', 'end-systole', 'next-end-diastole']),
            said: true,
          },
          ...{ endDiastole: endDiastolePtsNs, endSystole: endSystolePtsNs, next: nextEndDiastolePtsNs },
        };
        plans.push(plan);
        byNumber.set(number, plan);
        break;
      }
    }
  return plans;
}

function inOrder({ endDiastole, endSystole, next }: Plan): boolean {
  const times = [endDiastole, endSystole, next].filter((time) => time !== null);
  return times.every((time, index) => index === 0 || time > (times[index - 1] as number));
}

function measured(
  { beat, added, endDiastole, endSystole, next, moved, said }: Plan,
  { volumeUnit, objectId }: Found,
  curve: Curve,
  drawn: ReadonlyMap<number, CurveValues>,
): CorrectedBeat {
  const touched = new Set(moved);
  if (endDiastole !== null && drawn.has(endDiastole)) touched.add('end-diastole');
  if (endSystole !== null && drawn.has(endSystole)) touched.add('end-systole');
  const accepted = said ?? beat.accepted;
  const sameNumbers = touched.size === 0 && (said === null || (said && beat.accepted));
  const about = { added, touched, corrected: !sameNumbers || said !== null };
  if (sameNumbers) return { ...beat, ...about };

  const times = {
    endDiastolePtsNs: endDiastole,
    endSystolePtsNs: endSystole,
    nextEndDiastolePtsNs: next,
  };
  const put = (name: EchoMeasure, value: number | null, unit: string, note: string): Measurement => ({
    ...{ name, value, unit, interval: null, quality: value === null ? 'rejected' : 'good', note, objectId },
    ...{ beat: beat.number, ...(next !== null && { atPtsNs: next }) },
  });
  const rejected = (reason: string): CorrectedBeat => ({
    ...{ number: beat.number, ...times, ...about, accepted: false, reason, disks: null },
    endDiastolicVolume: put(echoMeasures.beatEndDiastolicVolume, null, volumeUnit, reason),
    endSystolicVolume: put(echoMeasures.beatEndSystolicVolume, null, volumeUnit, reason),
    strokeVolume: put(echoMeasures.beatStrokeVolume, null, volumeUnit, reason),
    ejectionFraction: put(echoMeasures.beatEjectionFraction, null, '%', reason),
    fractionalAreaChange: put(echoMeasures.beatFractionalAreaChange, null, '%', reason),
    heartRate: put(echoMeasures.beatHeartRate, null, '/min', reason),
  });
  if (said === false) return rejected(beatRejections['by-hand']);
  if (!accepted) return rejected(beat.reason);
  if (endDiastole === null || endSystole === null || next === null)
    return rejected(beatRejections.incomplete);

  const [diastole, systole] = [endDiastole, endSystole].map((ptsNs) => ({
    volume: levelAt('volume', ptsNs, curve, drawn),
    area: levelAt('area', ptsNs, curve, drawn),
  })) as [CurveValues, CurveValues];
  if (diastole.volume === null || systole.volume === null || diastole.area === null || systole.area === null)
    return rejected(beatRejections.incomplete);
  const strokeVolume = diastole.volume - systole.volume;
  const ejectionFraction = (100 * strokeVolume) / diastole.volume;
  const fractionalAreaChange = (100 * (diastole.area - systole.area)) / diastole.area;
  const heartRate = 60e9 / (next - endDiastole);
  const sound =
    inside(ejectionFraction, beatLimits.ejectionFraction) &&
    inside(heartRate, beatLimits.heartRate) &&
    fractionalAreaChange > 0;
  if (!sound) return rejected(beatRejections.implausible);
  const note = `single-plane, ${byHandWords}`;
  return {
    ...{ number: beat.number, ...times, ...about, accepted: true, reason: '', disks: null },
    endDiastolicVolume: put(echoMeasures.beatEndDiastolicVolume, diastole.volume, volumeUnit, note),
    endSystolicVolume: put(echoMeasures.beatEndSystolicVolume, systole.volume, volumeUnit, note),
    strokeVolume: put(echoMeasures.beatStrokeVolume, strokeVolume, volumeUnit, note),
    ejectionFraction: put(echoMeasures.beatEjectionFraction, ejectionFraction, '%', note),
    fractionalAreaChange: put(echoMeasures.beatFractionalAreaChange, fractionalAreaChange, '%', note),
    heartRate: put(echoMeasures.beatHeartRate, heartRate, '/min', note),
  };
}

const inside = (value: number, { low, high }: { readonly low: number; readonly high: number }): boolean =>
  value >= low && value <= high;

function indexOf(times: readonly number[], ptsNs: number): number | null {
  const index = firstFrom(times, ptsNs);
  return times[index] === ptsNs ? index : null;
}

/** Index of the first time that is not before `ptsNs`. */
function firstFrom(times: readonly number[], ptsNs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < ptsNs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function withDrawn(curve: Curve, drawn: ReadonlyMap<number, CurveValues>): Curve {
  if (drawn.size === 0) return curve;
  const volume = [...curve.volume];
  const area = [...curve.area];
  for (const [ptsNs, values] of drawn) {
    const index = indexOf(curve.ptsNs, ptsNs);
    if (index === null) continue;
    volume[index] = values.volume ?? NaN;
    area[index] = values.area ?? NaN;
  }
  return { ptsNs: curve.ptsNs, volume, area };
}

/** Indices of the times within so many seconds of a moment: first, and behind the last. */
const within = (times: readonly number[], ptsNs: number, seconds: number): [number, number] => [
  firstFrom(times, ptsNs - seconds * 1e9),
  firstFrom(times, ptsNs + seconds * 1e9 + 1),
];

/** Half of what is smoothed around a moment, seconds: five pictures at least. null: nothing was measured there. */
function halfWindow(ptsNs: number, times: readonly number[]): number | null {
  const [from, to] = within(times, ptsNs, 1);
  const [first, last] = [times[from], times[to - 1]];
  if (first === undefined || last === undefined) return null;
  const spacing = (last - first) / 1e9 / Math.max(1, to - from - 1);
  return Math.max(beatLimits.smoothing, 2.2 * spacing);
}

/** Smoothed as by the collector of beats, so that a moment that was not moved keeps its volume; drawn outlines stand as they are. */
function levelAt(
  quantity: 'volume' | 'area',
  ptsNs: number,
  curve: Curve,
  drawn: ReadonlyMap<number, CurveValues>,
): number | null {
  const own = drawn.get(ptsNs);
  if (own !== undefined) return own[quantity];
  const values = curve[quantity];
  const half = halfWindow(ptsNs, curve.ptsNs);
  if (half === null) return null;
  const near = [];
  const [begin, end] = within(curve.ptsNs, ptsNs, half);
  for (let index = begin; index < end; index++) {
    const value = values[index] as number;
    if (!Number.isNaN(value)) near.push({ at: ((curve.ptsNs[index] as number) - ptsNs) / 1e9, value });
  }
  return smoothedAt(near, 0, half);
}

export interface BeatSummary {
  readonly accepted: number;
  readonly rejected: number;
  readonly corrected: boolean;
  readonly ejectionFraction: Measurement;
  readonly endDiastolicVolume: Measurement;
  readonly endSystolicVolume: Measurement;
  readonly heartRate: Measurement;
}

/** Medians of the beats that count, or no number and why there is none. */
export function summaryOfBeats(beats: readonly CorrectedBeat[], volumeUnit: string): BeatSummary {
  const accepted = beats.filter((beat) => beat.accepted);
  const refused = beats.filter((beat) => !beat.accepted);
  const corrected = beats.some((beat) => beat.corrected);
  const count = `single-plane, ${accepted.length} ${accepted.length === 1 ? 'beat' : 'beats'}`;
  const irregular = accepted.some(({ ejectionFraction }) => ejectionFraction?.note.includes('irregular'));
  const note = [count, ...(irregular ? ['irregular rhythm'] : []), ...(corrected ? [byHandWords] : [])].join(
    ', ',
  );
  const none = refused.at(-1)?.reason ?? 'no whole beat has been found';
  const put = (name: EchoMeasure, unit: string, of: Presented | null): Measurement => ({
    ...{ name, unit, objectId: beats[0]?.ejectionFraction?.objectId ?? 0 },
    ...(of === null
      ? { value: null, interval: null, quality: 'rejected', note: `${note}: ${none}` }
      : { ...of, quality: accepted.length < 3 ? 'doubtful' : 'good', note }),
  });
  const valuesOf = (
    key: 'ejectionFraction' | 'endDiastolicVolume' | 'endSystolicVolume' | 'heartRate',
  ): number[] => accepted.map((beat) => beat[key]?.value).filter((value) => typeof value === 'number');
  const volume = (name: EchoMeasure, key: 'endDiastolicVolume' | 'endSystolicVolume'): Measurement => {
    const values = valuesOf(key);
    const median = medianOf(values);
    if (median === null) return put(name, volumeUnit, null);
    const { model, beat } = uncertainty.volumeShare;
    const spread = { model: model * median, beat: beat * median };
    return put(name, volumeUnit, presented(values, spread, { low: 0, high: Infinity }));
  };
  const fractions = valuesOf('ejectionFraction');
  const rate = medianOf(valuesOf('heartRate'));
  return {
    ...{ accepted: accepted.length, rejected: refused.length, corrected },
    ejectionFraction: put(
      echoMeasures.ejectionFraction,
      '%',
      fractions.length === 0
        ? null
        : presented(fractions, uncertainty.ejectionFraction, { low: 0, high: 100 }),
    ),
    endDiastolicVolume: volume(echoMeasures.endDiastolicVolume, 'endDiastolicVolume'),
    endSystolicVolume: volume(echoMeasures.endSystolicVolume, 'endSystolicVolume'),
    heartRate: {
      ...put(echoMeasures.heartRate, '/min', null),
      ...(rate !== null && { value: rate, quality: 'good', note: corrected ? byHandWords : '' }),
    },
  };
}

/** Its code; null where there is none. */
export function rejectionCode(beat: Beat): string | null {
  return beat.accepted ? null : rejectionOf(beat.reason);
}
