/**
 * Constants of the 90 % interval of the ejection fraction (`uncertainty` in `src/analysis/ejection-fraction.ts`) from patients with
 * a reference: `evaluate --calibrate RESULT.json`. Split-conformal, so nothing is assumed of how the errors are spread. Pure.
 */
import { uncertainty } from '../../analysis/ejection-fraction.js';

/** What is known of a patient: the last reading with its interval, and the reference, per cent. */
export interface CalibrationClip {
  readonly referencePercent: number;
  readonly measuredPercent: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
}

interface Calibration {
  readonly patients: number;
  /** Standard deviation of (value of the beats − reference) that more beats do not make smaller, points; the mean error is part of it. */
  readonly model: number;
  /** With it 90 % of new patients' references are expected inside. */
  readonly factor: number;
  /** Mean error (measured − reference), points: what a better network should remove. */
  readonly bias: number;
  /** Each patient judged by the constants of all others: share of references inside, and mean width in points. */
  readonly leaveOneOut: { readonly covered: number; readonly width: number };
  /** The same of the intervals that the result holds. */
  readonly present: { readonly covered: number; readonly width: number };
}

export const nominal = 0.9;
/** Fewer patients have no largest error but one that a tenth of others could exceed. */
export const leastPatients = 20;
/** An ejection fraction is never known better than to this many points. */
const leastModel = 1;

interface Patient {
  /** measured − reference. */
  readonly error: number;
  /** Variance of the mean of the beats: what the interval was beside the model's part. */
  readonly beats: number;
}

function patientOf({ referencePercent, measuredPercent, interval }: CalibrationClip): Patient[] {
  if (measuredPercent === null || interval === null) return [];
  const { low, high } = interval;
  // Where the interval ends at 0 or 100, its middle is not the reading.
  const centre = low > 0 && high < 100 ? (low + high) / 2 : measuredPercent;
  const half = Math.max(high - centre, centre - low);
  const { factor, ejectionFraction } = uncertainty;
  const beats = Math.max(0, (half / factor) ** 2 - ejectionFraction.model ** 2);
  return [{ error: centre - referencePercent, beats }];
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function constants(patients: readonly Patient[]): { readonly model: number; readonly factor: number } {
  const square = meanOf(patients.map(({ error }) => error ** 2));
  const model = Math.max(
    leastModel,
    Math.sqrt(Math.max(0, square - meanOf(patients.map(({ beats }) => beats)))),
  );
  const scores = patients
    .map(({ error, beats }) => Math.abs(error) / Math.sqrt(model ** 2 + beats))
    .sort((a, b) => a - b);
  const rank = Math.min(scores.length, Math.ceil((scores.length + 1) * nominal));
  return { model, factor: scores[rank - 1] as number };
}

/** null: fewer than `leastPatients` clips have a reading. */
export function calibrate(clips: readonly CalibrationClip[]): Calibration | null {
  const patients = clips.flatMap(patientOf);
  if (patients.length < leastPatients) return null;
  const halfOf = ({ beats }: Patient, { model, factor }: ReturnType<typeof constants>): number =>
    factor * Math.sqrt(model ** 2 + beats);
  const left = patients.map((patient, index) => {
    const half = halfOf(patient, constants(patients.filter((_, other) => other !== index)));
    return { covered: Math.abs(patient.error) <= half ? 1 : 0, width: 2 * half };
  });
  const stated = clips.flatMap(({ referencePercent, interval, measuredPercent }) =>
    interval === null || measuredPercent === null
      ? []
      : [
          {
            covered: referencePercent >= interval.low && referencePercent <= interval.high ? 1 : 0,
            width: interval.high - interval.low,
          },
        ],
  );
  const summary = (
    some: readonly { readonly covered: number; readonly width: number }[],
  ): Calibration['present'] => ({
    covered: meanOf(some.map(({ covered }) => covered)),
    width: meanOf(some.map(({ width }) => width)),
  });
  return {
    patients: patients.length,
    ...constants(patients),
    bias: meanOf(patients.map(({ error }) => error)),
    leaveOneOut: summary(left),
    present: summary(stated),
  };
}

/** For the terminal: the constants as they are written in the source, and what they are worth. */
export function calibrationText(calibration: Calibration): string {
  const { patients, model, factor, bias, leaveOneOut, present } = calibration;
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const { ejectionFraction } = uncertainty;
  return [
    `uncertainty (src/analysis/ejection-fraction.ts), from ${patients} patients with a reading:`,
    `  factor: ${factor.toFixed(2)}`,
    `  ejectionFraction: { model: ${model.toFixed(1)}, beat: ${ejectionFraction.beat} }`,
    `each patient by the constants of all others: ${share(leaveOneOut.covered)} inside (nominal ${share(nominal)}), ${leaveOneOut.width.toFixed(1)} points wide`,
    `as the result has them: ${share(present.covered)} inside, ${present.width.toFixed(1)} points wide`,
    `mean error: ${bias.toFixed(2)} points`,
  ].join('\n');
}
