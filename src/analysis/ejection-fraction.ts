/**
 * What a person reads: ejection fraction, volumes and heart rate of the last beats that count, with an interval, or no number and the
 * reason. Pure. A number is never older than `presentLimits` allow.
 */
import { beatRejections } from '../vocabulary/echo.js';
import { rejectionWords, type Beat, type BeatValues } from './beats.js';
import { medianOf } from './smooth.js';

/** Seconds and counts. */
export const presentLimits = {
  /** Beats that are averaged, and more where the rhythm is irregular. */
  beats: 5,
  irregularBeats: 10,
  /** Of an irregular rhythm no fewer are averaged (Lang et al. 2015); so many whose lengths differ may also be none. */
  leastIrregular: 5,
  /** They ended within this much past; the newest of them within `newest`. */
  window: 15,
  newest: 10,
  /** Without the view for this long there is no number. */
  withoutView: 2,
  /** Fewer beats than these are doubtful. */
  goodBeats: 3,
} as const;

/**
 * The 90 % interval of a median of n beats is ± `factor` · √(model² + (spread / √n)²). `evaluate --calibrate RESULT.json` prints
 * `factor` and `model` from patients with a reference that no model was trained on (docs/echo.md): `model` is what more beats do not make
 * smaller; `beat` the usual standard deviation of the beats of one patient, which stands in for their own spread while they are fewer
 * than three. With `factor` 90 % of the references lie inside. Points are per cent; shares are of the value.
 */
export const uncertainty = {
  factor: 2.01,
  ejectionFraction: { model: 6.8, beat: 4 },
  volumeShare: { model: 0.13, beat: 0.06 },
} as const;

interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Presented {
  readonly value: number;
  readonly interval: Interval;
}

/** Words for the time in which there is no beat to speak of. */
export const waitingWords = {
  view: 'no four-chamber view',
  beat: 'waiting for a whole beat',
  irregular: 'the rhythm is irregular: waiting for more beats',
  stale: 'no heart beat has been found lately',
} as const;

type Present =
  | {
      readonly ejectionFraction: Presented;
      readonly endDiastolicVolume: Presented;
      readonly endSystolicVolume: Presented;
      readonly beats: number;
      readonly irregularRhythm: boolean;
      readonly reason: null;
    }
  | { readonly reason: string };

interface PresentKeeper {
  /** A beat was closed. */
  beat(beat: Beat): void;
  /** What was measured on the pictures so far counts no longer: they are a loop, or of two hearts. */
  forget(reason: keyof typeof beatRejections): void;
  /** The state at a picture; `view`: the four-chamber view is seen on it; `reason`: what is wrong with the pictures now, if anything. */
  now(ptsNs: number, view: boolean, reason: string | null): Present;
}

/** Median of at least one value, with its interval. */
export function presented(
  values: readonly number[],
  { model, beat }: { readonly model: number; readonly beat: number },
  { low, high }: Interval,
): Presented {
  const value = medianOf(values) as number;
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const own = Math.sqrt(
    values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, values.length - 1),
  );
  const spread = values.length < 3 ? Math.max(own, beat) : own;
  const half = uncertainty.factor * Math.hypot(model, spread / Math.sqrt(values.length));
  return { value, interval: { low: Math.max(low, value - half), high: Math.min(high, value + half) } };
}

export function createPresentKeeper(): PresentKeeper {
  let accepted: Extract<Beat, { rejection: null }>[] = [];
  let lastReason: string = waitingWords.beat;
  let lastViewPtsNs: number | null = null;
  let lastBeatPtsNs: number | null = null;

  return {
    beat(beat) {
      lastBeatPtsNs = beat.toPtsNs;
      if (beat.rejection === null) accepted = [...accepted, beat].slice(-presentLimits.irregularBeats);
      else lastReason = rejectionWords(beat);
    },
    forget(reason) {
      accepted = [];
      lastReason = beatRejections[reason];
    },
    now(ptsNs, view, reason) {
      if (view) lastViewPtsNs = ptsNs;
      const since = (earlier: number | null): number =>
        earlier === null ? Infinity : (ptsNs - earlier) / 1e9;
      if (since(lastViewPtsNs) > presentLimits.withoutView) {
        // What comes after the view was away begins with beats of its own.
        accepted = [];
        lastBeatPtsNs = null;
        lastReason = waitingWords.beat;
        return { reason: waitingWords.view };
      }
      accepted = accepted.filter(({ toPtsNs }) => since(toPtsNs) <= presentLimits.window);
      const newest = accepted.at(-1);
      if (newest === undefined || since(newest.toPtsNs) > presentLimits.newest) {
        if (reason !== null) return { reason };
        const told = since(lastBeatPtsNs) <= presentLimits.newest;
        return { reason: told || lastBeatPtsNs === null ? lastReason : waitingWords.stale };
      }
      const irregularRhythm = newest.irregularRhythm;
      const used = accepted.slice(-(irregularRhythm ? presentLimits.irregularBeats : presentLimits.beats));
      if (irregularRhythm && used.length < presentLimits.leastIrregular)
        return { reason: waitingWords.irregular };
      const of = (name: keyof BeatValues): number[] => used.map(({ values }) => values[name]);
      const volume = (name: 'endDiastolicVolume' | 'endSystolicVolume'): Presented => {
        const values = of(name);
        const median = medianOf(values) as number;
        const { model, beat } = uncertainty.volumeShare;
        return presented(values, { model: model * median, beat: beat * median }, { low: 0, high: Infinity });
      };
      return {
        ejectionFraction: presented(of('ejectionFraction'), uncertainty.ejectionFraction, {
          low: 0,
          high: 100,
        }),
        endDiastolicVolume: volume('endDiastolicVolume'),
        endSystolicVolume: volume('endSystolicVolume'),
        beats: used.length,
        irregularRhythm,
        reason: null,
      };
    },
  };
}
