/**
 * The heart beats of a recording that is worked on: which moments a person may move and how far, what stands in the list of beats,
 * which part of the recording the curve shows. Pure.
 */
import type { ResponseOf } from '../../../src/protocol/operations.js';
import { figureText, figureWords, sentenceCase } from './echo-readout.js';
import type { Readout } from './echo-readout.js';
import { reasonWords } from './echo-log.js';
import { t } from './texts.js';

export type ProjectMeasurements = ResponseOf<'projects.measurements'>;
type MeasuredBeat = ProjectMeasurements['beats'][number];

export type MomentKind = 'end-diastole' | 'end-systole';

export interface Moment {
  /** The same for as long as the beat has this moment. */
  readonly key: string;
  readonly beat: number;
  readonly which: MomentKind;
  readonly frame: number;
  /** Of the beat: it does not count. */
  readonly rejected: boolean;
  readonly corrected: boolean;
  /** Pictures between which a person may put it: between the moments beside it. */
  readonly least: number;
  readonly most: number;
}

/** Moments of the beats in the order of their pictures. The end of a beat is the beginning of the next one, or cannot be moved. */
export function momentsOf(
  beats: readonly Pick<
    MeasuredBeat,
    'number' | 'accepted' | 'endDiastole' | 'endSystole' | 'nextEndDiastole'
  >[],
  lastFrame: number,
): readonly Moment[] {
  const found = beats
    .flatMap(({ number, accepted, endDiastole, endSystole }) =>
      (
        [
          ['end-diastole', endDiastole],
          ['end-systole', endSystole],
        ] as const
      ).flatMap(([which, moment]) =>
        moment === null
          ? []
          : [{ beat: number, which, frame: moment.frame, corrected: moment.corrected, rejected: !accepted }],
      ),
    )
    .sort((a, b) => a.frame - b.frame);
  const ends = beats.flatMap(({ nextEndDiastole }) => (nextEndDiastole ? [nextEndDiastole.frame] : []));
  const places = [...found.map(({ frame }) => frame), ...ends].sort((a, b) => a - b);
  return found.map((moment) => ({
    ...moment,
    key: `${moment.beat}/${moment.which}`,
    least: (places.findLast((place) => place < moment.frame) ?? -1) + 1,
    most: (places.find((place) => place > moment.frame) ?? lastFrame + 1) - 1,
  }));
}

export function within({ least, most }: Pick<Moment, 'least' | 'most'>, frame: number): number {
  return Math.min(most, Math.max(least, Math.round(frame)));
}

interface BeatRow {
  readonly number: number;
  /** The picture to look at. */
  readonly frame: number | null;
  readonly accepted: boolean;
  /** `54 %`, `–`. */
  readonly ejectionFraction: string;
  readonly words: string;
}

export function beatRows(beats: ProjectMeasurements['beats']): readonly BeatRow[] {
  return beats.map((beat) => {
    const { number, accepted, reason, corrected, added, endDiastole, endSystole } = beat;
    const verdict = accepted ? t('counted') : reason === '' ? t('not counted') : reasonWords(reason);
    const hand = added ? t('added by hand') : corrected ? t('corrected by hand') : '';
    return {
      ...{ number, accepted, frame: endDiastole?.frame ?? endSystole?.frame ?? null },
      ejectionFraction: figureWords({ ...figureText(beat.ejectionFraction), interval: '' }),
      words: sentenceCase([verdict, hand].filter((part) => part !== '').join(', ')),
    };
  });
}

export function readoutOfRecording({
  summary,
  biplane,
}: Pick<ProjectMeasurements, 'summary' | 'biplane'>): Readout {
  return {
    stale: false,
    ejectionFraction: figureText(summary.ejectionFraction),
    endDiastolicVolume: figureText(summary.endDiastolicVolume),
    endSystolicVolume: figureText(summary.endSystolicVolume),
    heartRate: figureText(summary.heartRate),
    biplane: biplane !== null,
    biplaneEjectionFraction: figureText(biplane && biplane.ejectionFraction),
    biplaneEndDiastolicVolume: figureText(biplane && biplane.endDiastolicVolume),
    biplaneEndSystolicVolume: figureText(biplane && biplane.endSystolicVolume),
  };
}

export interface FrameRange {
  readonly from: number;
  readonly to: number;
}

/** Pictures that a curve shows at once, where the recording is longer: a person can still tell the moments of a beat apart. */
export const widestSeconds = 20;

/** The part with this picture: the whole recording where it is short, else a page of it that turns when the picture leaves it. */
export function pageOf(frame: number, frames: number, width: number, before: FrameRange | null): FrameRange {
  const last = Math.max(0, frames - 1);
  if (frames <= width) return { from: 0, to: last };
  if (before !== null && before.to - before.from === width - 1 && frame >= before.from && frame <= before.to)
    return before.to <= last ? before : { from: last - width + 1, to: last };
  // A quarter of the page lies before the picture: the beat that it belongs to is seen whole.
  const from = Math.min(last - width + 1, Math.max(0, frame - Math.floor(width / 4)));
  return { from, to: from + width - 1 };
}
