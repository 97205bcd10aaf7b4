/**
 * Ejection fraction and volumes of the left ventricle from the beats of two apical views (biplane method of disks, Lang et al. 2015):
 * each beat that counts in one view is put together with each of the other, and the medians over these pairs are what a person reads.
 * Pure. The views need not be of the same heart beats, nor of the same minute: what they must have in common is said in `pairLimits`.
 */
import { beatRejections, echoMeasures, otherView, type EchoView } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { biplaneRefusals, biplaneVolume } from './biplane.js';
import { beatLimits, type BeatDisks } from './beats.js';
import { presentLimits, uncertainty, waitingWords, type Presented } from './ejection-fraction.js';
import { medianOf } from './smooth.js';

/** One beat that counts, of one view. */
export interface ViewBeat {
  readonly disks: BeatDisks;
  /** Per minute. */
  readonly heartRate: number;
}

/** The beats of one view that count, oldest first; at least one. */
export interface ViewBeats {
  readonly beats: readonly ViewBeat[];
  readonly irregularRhythm: boolean;
  /** Unit of lengths and diameters: `mm`, or `px` where the source is not calibrated. */
  readonly unit: string;
}

export const pairLimits = {
  /** Median heart rates differ by at most this share of the higher: as much as one beat may differ from the others of its view. */
  heartRate: beatLimits.irregular,
  /** Of each view the last so many beats, so that a long recording stays quick. */
  beats: 60,
} as const;

export const pairRefusals = {
  scale: 'one of the views has no scale in millimetres, so nothing says that their lengths match',
  rates: 'the heart rates of the two views differ by more than 20 %',
} as const;

export type BiplanePresent =
  | {
      readonly ejectionFraction: Presented;
      /** mL. */
      readonly endDiastolicVolume: Presented;
      readonly endSystolicVolume: Presented;
      readonly beats: Readonly<Record<EchoView, number>>;
      readonly irregularRhythm: boolean;
      readonly reason: null;
    }
  | { readonly reason: string };

/** One value per beat of the four-chamber view and, inside, of the two-chamber view; null: this pair does not fit. */
type Pairs = readonly (readonly (number | null)[])[];

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

/**
 * Squared standard error that the beats of one view bring into the median: the variance of their means over the square of the other
 * view. `beat`: the usual standard deviation of single-plane beats, of which one view brings half, because the volume goes with the
 * square of its diameters there and with their first power here.
 */
function errorOf(rows: readonly (readonly (number | null)[])[], beat: number): number {
  const means = rows.flatMap((row) => {
    const known = row.filter((value) => value !== null);
    return known.length > 0 ? [mean(known)] : [];
  });
  const middle = mean(means);
  const own = Math.sqrt(
    means.reduce((sum, one) => sum + (one - middle) ** 2, 0) / Math.max(1, means.length - 1),
  );
  const spread = means.length < presentLimits.goodBeats ? Math.max(own, beat / 2) : own;
  return spread ** 2 / means.length;
}

/**
 * Median over the pairs with its interval. The interval has the form and the constants of the single-plane one (`uncertainty`): that
 * they hold for two views is an assumption, nobody has calibrated it (docs/echo.md).
 */
function presentedPairs(
  pairs: Pairs,
  { model, beat }: { readonly model: number; readonly beat: number },
  most: number,
): Presented {
  const value = medianOf(pairs.flat().filter((one) => one !== null)) as number;
  const columns = (pairs[0] ?? []).map((_, column) => pairs.map((row) => row[column] ?? null));
  const half = uncertainty.factor * Math.sqrt(model ** 2 + errorOf(pairs, beat) + errorOf(columns, beat));
  return { value, interval: { low: Math.max(0, value - half), high: Math.min(most, value + half) } };
}

/** What the beats of two views give together, or why nothing. */
export function biplaneOf(views: Readonly<Record<EchoView, ViewBeats>>): BiplanePresent {
  const { a4c, a2c } = views;
  if (a4c.unit !== 'mm' || a2c.unit !== 'mm') return { reason: pairRefusals.scale };
  const four = a4c.beats.slice(-pairLimits.beats);
  const two = a2c.beats.slice(-pairLimits.beats);
  const rates = [four, two].map((beats) => medianOf(beats.map(({ heartRate }) => heartRate)) ?? NaN);
  if (!(Math.min(...rates) >= (1 - pairLimits.heartRate) * Math.max(...rates)))
    return { reason: pairRefusals.rates };
  const pairs = four.map(({ disks: { endDiastole, endSystole } }) =>
    two.map(({ disks: other }) => {
      const [diastole, systole] = [
        biplaneVolume(endDiastole, other.endDiastole),
        biplaneVolume(endSystole, other.endSystole),
      ];
      // Cubic millimetres to millilitres.
      return diastole.volume === null || systole.volume === null
        ? { refusal: diastole.refusal ?? systole.refusal ?? 'empty', volumes: null }
        : { refusal: null, volumes: { diastole: diastole.volume / 1000, systole: systole.volume / 1000 } };
    }),
  );
  const refused = pairs.flat().flatMap(({ refusal }) => refusal ?? []);
  // Where most pairs do not fit, the ones that do are chance.
  if (refused[0] !== undefined && 2 * refused.length >= four.length * two.length)
    return { reason: biplaneRefusals[refused[0]] };
  const of = (value: (volumes: { diastole: number; systole: number }) => number): Pairs =>
    pairs.map((row) => row.map(({ volumes }) => volumes && value(volumes)));
  const volume = (value: Pairs): Presented => {
    const middle = medianOf(value.flat().filter((one) => one !== null)) as number;
    const { model, beat } = uncertainty.volumeShare;
    return presentedPairs(value, { model: model * middle, beat: beat * middle }, Infinity);
  };
  const ejectionFraction = presentedPairs(
    of(({ diastole, systole }) => (100 * (diastole - systole)) / diastole),
    uncertainty.ejectionFraction,
    100,
  );
  const { low, high } = beatLimits.ejectionFraction;
  if (!(ejectionFraction.value >= low && ejectionFraction.value <= high))
    return { reason: beatRejections.implausible };
  return {
    ejectionFraction,
    endDiastolicVolume: volume(of(({ diastole }) => diastole)),
    endSystolicVolume: volume(of(({ systole }) => systole)),
    beats: { a4c: four.length, a2c: two.length },
    irregularRhythm: a4c.irregularRhythm || a2c.irregularRhythm,
    reason: null,
  };
}

/** The views by their names, where one of them is `own`. */
export function byView<Value>(own: EchoView, mine: Value, others: Value): Record<EchoView, Value> {
  return { [own]: mine, [otherView(own)]: others } as Record<EchoView, Value>;
}

/** What a note says of a number from two views; `remark`: where the other view comes from. */
export function biplaneNote(
  { beats, irregularRhythm }: Extract<BiplanePresent, { reason: null }>,
  remark = '',
): string {
  return [
    `biplane, ${beats.a4c} + ${beats.a2c} beats`,
    ...(irregularRhythm ? ['irregular rhythm'] : []),
    ...(remark === '' ? [] : [remark]),
    'interval assumed, not calibrated',
  ].join(', ');
}

/** The model that outlines was taught on four-chamber views and may not take the other for one: that is not the operator's fault. */
export function viewReason(view: EchoView, reason: string): string {
  return view === 'a2c' && reason === waitingWords.view
    ? 'the model does not recognise this two-chamber view; it was taught on four-chamber views'
    : reason;
}

type BiplaneFigure = 'ejectionFraction' | 'endDiastolicVolume' | 'endSystolicVolume';

/** As measurements, or the reason in each of them; `remark`: what the note says besides. */
export function biplaneMeasurements(
  present: BiplanePresent,
  objectId: number,
  remark = '',
): Readonly<Record<BiplaneFigure, Measurement>> {
  const of = (name: string, unit: string, key: BiplaneFigure): Measurement => {
    if (present.reason !== null)
      return {
        ...{ name, value: null, unit, interval: null, quality: 'rejected', objectId },
        note: `biplane: ${present.reason}`,
      };
    const { value, interval } = present[key];
    const few = Math.min(present.beats.a4c, present.beats.a2c) < presentLimits.goodBeats;
    return {
      ...{ name, value, unit, interval, objectId },
      ...{ quality: few ? 'doubtful' : 'good', note: biplaneNote(present, remark) },
    };
  };
  return {
    ejectionFraction: of(echoMeasures.biplaneEjectionFraction, '%', 'ejectionFraction'),
    endDiastolicVolume: of(echoMeasures.biplaneEndDiastolicVolume, 'mL', 'endDiastolicVolume'),
    endSystolicVolume: of(echoMeasures.biplaneEndSystolicVolume, 'mL', 'endSystolicVolume'),
  };
}
