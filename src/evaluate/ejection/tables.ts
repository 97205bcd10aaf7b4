/** Plain text of an evaluation of ejection fractions, for the terminal and the report. Pure. */
import type { Agreement } from '../metrics/agreement.js';
import { mean } from '../metrics/statistics.js';
import { digits, table } from '../tables.js';
import type { EjectionClip, EjectionRun, MarkFigures, MomentSummary } from './result.js';

const percent = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);
const signed = (value: number | null, places = 1): string =>
  value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(places)}`;
const distance = (errors: readonly number[]): number | null => mean(errors.map((error) => Math.abs(error)));

export const clipHeader = [
  'clip',
  'frames',
  'EF reference',
  'EF',
  'error',
  '90 %',
  'ED frames',
  'ES frames',
  'beats',
  'rejected',
  'Dice LV',
  'outlined',
] as const;

export function clipRow(clip: EjectionClip): string[] {
  const { measuredPercent, referencePercent, interval, beats } = clip;
  const marks = ({ reference, errors }: MarkFigures): string =>
    reference.length === 0 || clip.course !== 'beats'
      ? '–'
      : `${digits(distance(errors), 1)} (${errors.length}/${reference.length})`;
  const rejected = Object.values(beats.rejected).reduce((sum, count) => sum + count, 0);
  return [
    clip.name,
    String(clip.frames),
    digits(referencePercent, 1),
    digits(measuredPercent, 1),
    measuredPercent === null ? '–' : signed(measuredPercent - referencePercent),
    interval === null ? '–' : `${digits(interval.low, 0)}–${digits(interval.high, 0)}`,
    marks(clip.endDiastole),
    marks(clip.endSystole),
    clip.course !== 'beats'
      ? '–'
      : beats.reference === null
        ? String(beats.found)
        : `${beats.matched ?? 0}/${beats.reference}`,
    clip.course === 'beats' ? `${rejected}/${rejected + beats.accepted}` : '–',
    digits(clip.dice[0]?.all ?? null),
    percent(clip.shown),
  ];
}

function agreementText(agreement: Agreement | null, unit: string): string {
  if (agreement === null) return '–';
  const { mae, rmse, bias, limits, r2, pearson, concordance, count } = agreement;
  return [
    `MAE ${digits(mae, 2)} ${unit}`,
    `RMSE ${digits(rmse, 2)}`,
    `bias ${signed(bias, 2)}`,
    limits === null ? 'no limits of agreement' : `limits ${signed(limits.low)} … ${signed(limits.high)}`,
    `R² ${digits(r2)}`,
    `r ${digits(pearson)}`,
    `concordance ${digits(concordance)}`,
    `n ${count}`,
  ].join(', ');
}

function momentText({
  matched,
  reference,
  frames,
  ms,
  biasFrames,
  precision,
  guidedFrames,
  guidedMs,
}: MomentSummary): string {
  return [
    `blind ${digits(frames, 2)} frames (${digits(ms, 0)} ms), ${signed(biasFrames, 2)} on average, ${matched} of ${reference} found`,
    ...(precision === null ? [] : [`precision ${percent(precision)}`]),
    `guided ${digits(guidedFrames, 2)} frames (${digits(guidedMs, 0)} ms)`,
  ].join(', ');
}

/** Name and value of each figure over all clips; what has no meaning for the data set is left out. */
export function summaryLines({ mean: all, clips }: EjectionRun): (readonly [name: string, value: string])[] {
  const videos = clips.some(({ course }) => course === 'beats');
  const { maeInterval, delay, beats, intervals } = all;
  return [
    ['measured', `${all.measured} of ${all.clips} clips`],
    ['ejection fraction', agreementText(all.ejectionFraction, 'points')],
    [
      'mean absolute error',
      `${maeInterval === null ? 'no interval: fewer than two clips' : `95 % ${digits(maeInterval.low, 2)}–${digits(maeInterval.high, 2)}`}; always the mean of the references: ${digits(all.constantMae, 2)}`,
    ],
    ...(videos ? [['from the marked pictures', agreementText(all.atMarks, 'points')] as const] : []),
    ...(all.endDiastolicVolume === null
      ? []
      : [['end-diastolic volume', agreementText(all.endDiastolicVolume, 'mL')] as const]),
    ...(all.endSystolicVolume === null
      ? []
      : [['end-systolic volume', agreementText(all.endSystolicVolume, 'mL')] as const]),
    ...(videos
      ? ([
          [
            'stated 90 % intervals',
            intervals === null
              ? '–'
              : `hold the reference in ${percent(intervals.covered)} of ${intervals.count} clips, ${digits(intervals.width, 1)} points wide`,
          ],
          ['end-diastole', momentText(all.endDiastole)],
          ['end-systole', momentText(all.endSystole)],
          [
            'decided after',
            delay === null ? '–' : `${digits(delay.meanMs, 0)} ms, 95 % within ${digits(delay.p95Ms, 0)} ms`,
          ],
          [
            'beats',
            [
              ...(beats.recall === null
                ? []
                : [`recall ${percent(beats.recall)}, precision ${percent(beats.precision)}`]),
              `${beats.rejected} of ${beats.closed} rejected`,
              ...Object.entries(beats.reasons)
                .sort(([, a], [, b]) => b - a)
                .map(([reason, count]) => `${count}: ${reason}`),
            ].join('; '),
          ],
          ['a number on the screen', `${percent(all.readable)} of the frames`],
        ] as const)
      : []),
    ...all.dice.map(
      ({ label, endDiastole, endSystole, all: every }) =>
        [
          `Dice, ${label}`,
          `end-diastole ${digits(endDiastole)}, end-systole ${digits(endSystole)}, all annotated frames ${digits(every)}`,
        ] as const,
    ),
    ['ventricle outlined', `${percent(all.shown)} of the frames`],
  ];
}

/** What must be known before the figures are read. */
export function ejectionNotes({ clips, unscored }: EjectionRun): string[] {
  return [
    ...unscored.map(({ clip, reason }) => `not scored: ${clip}: ${reason}`),
    ...clips.flatMap(({ name, note }) => (note === null ? [] : [`no ejection fraction: ${name}: ${note}`])),
  ];
}

export function ejectionTable(run: EjectionRun): string {
  return [
    table([clipHeader, ...run.clips.map(clipRow)]),
    '',
    table(summaryLines(run).map(([name, value]) => [`${name}: ${value}`])),
    ...ejectionNotes(run),
    '',
    `${run.mean.fps.toFixed(1)} frames per second; ${run.predictor}; single-plane`,
  ].join('\n');
}
