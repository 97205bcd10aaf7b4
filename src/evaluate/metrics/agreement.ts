/**
 * How well measured numbers agree with reference numbers: errors, Bland–Altman, correlation, what the stated intervals are worth.
 * Pure.
 */

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
}

/** Linear interpolation between order statistics (numpy.percentile's default). Null for no values. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const a = sorted[low] as number;
  return a + (position - low) * ((sorted[low + 1] ?? a) - a);
}

export interface Pair {
  readonly measured: number;
  readonly reference: number;
}

export interface Agreement {
  readonly count: number;
  readonly mae: number;
  readonly rmse: number;
  /** Mean of measured − reference. */
  readonly bias: number;
  /** Standard deviation of the differences (n − 1) and the limits of agreement, bias ± 1.96 of it; null for fewer than two. */
  readonly sd: number | null;
  readonly limits: { readonly low: number; readonly high: number } | null;
  /** 1 − squared errors / squared distances of the references from their mean: below 0 where the mean would be the better guess. */
  readonly r2: number | null;
  readonly pearson: number | null;
  /** Lin's concordance (1989): correlation that a bias or another scale lowers. */
  readonly concordance: number | null;
}

/** Null without pairs. What has no meaning (one pair, references that are all alike) is null. */
export function agreement(pairs: readonly Pair[]): Agreement | null {
  const count = pairs.length;
  if (count === 0) return null;
  const mean = (of: (pair: Pair) => number): number => pairs.reduce((sum, pair) => sum + of(pair), 0) / count;
  const bias = mean(({ measured, reference }) => measured - reference);
  const square = mean(({ measured, reference }) => (measured - reference) ** 2);
  const x = mean(({ measured }) => measured);
  const y = mean(({ reference }) => reference);
  const xx = mean(({ measured }) => (measured - x) ** 2);
  const yy = mean(({ reference }) => (reference - y) ** 2);
  const xy = mean(({ measured, reference }) => (measured - x) * (reference - y));
  const sd =
    count < 2
      ? null
      : Math.sqrt(
          (count * mean(({ measured, reference }) => (measured - reference - bias) ** 2)) / (count - 1),
        );
  return {
    count,
    mae: mean(({ measured, reference }) => Math.abs(measured - reference)),
    rmse: Math.sqrt(square),
    bias,
    sd,
    limits: sd === null ? null : { low: bias - 1.96 * sd, high: bias + 1.96 * sd },
    r2: yy > 0 ? 1 - square / yy : null,
    pearson: xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null,
    concordance: xx + yy > 0 ? (2 * xy) / (xx + yy + (x - y) ** 2) : null,
  };
}

interface IntervalPair extends Pair {
  readonly interval: { readonly low: number; readonly high: number };
}

/** Share of references that lie in their interval, borders included, and the mean width. Null without pairs. */
export function intervalCoverage(
  pairs: readonly IntervalPair[],
): { readonly count: number; readonly covered: number; readonly width: number } | null {
  if (pairs.length === 0) return null;
  const inside = pairs.filter(
    ({ reference, interval }) => reference >= interval.low && reference <= interval.high,
  );
  return {
    count: pairs.length,
    covered: inside.length / pairs.length,
    width: pairs.reduce((sum, { interval }) => sum + interval.high - interval.low, 0) / pairs.length,
  };
}

export interface RiskPoint {
  /** Share of the clips that are kept, surest first. */
  readonly kept: number;
  readonly mae: number;
  /** Widest interval among them. */
  readonly width: number;
}

/** Mean absolute error of the surest clips, by the width of their interval, at each number of them. Ties stay together. */
export function riskCoverage(pairs: readonly IntervalPair[]): RiskPoint[] {
  const sorted = pairs
    .map(({ measured, reference, interval }) => ({
      error: Math.abs(measured - reference),
      width: interval.high - interval.low,
    }))
    .sort((a, b) => a.width - b.width);
  let sum = 0;
  return sorted.flatMap(({ error, width }, index): RiskPoint[] => {
    sum += error;
    const tied = sorted[index + 1]?.width === width;
    return tied ? [] : [{ kept: (index + 1) / sorted.length, mae: sum / (index + 1), width }];
  });
}
