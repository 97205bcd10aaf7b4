/** Means, DAVIS' recall and decay, and seeded bootstrap intervals. Pure. */
import { seededRandom } from '../../vocabulary/random.js';

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** mean, share of frames above 0.5, and loss from the first to the last quarter (davis2017-evaluation, db_statistics). */
interface SequenceStatistics {
  readonly mean: number;
  readonly recall: number;
  readonly decay: number;
}

/**
 * `values` holds one score per frame in order. Null without frames. The reference keeps the quarter borders in eight
 * bits, which breaks beyond 256 frames; here they are whole numbers.
 */
export function sequenceStatistics(values: readonly number[]): SequenceStatistics | null {
  const count = values.length;
  if (count === 0) return null;
  const average = (part: readonly number[]): number =>
    part.reduce((sum, value) => sum + value, 0) / part.length;
  const border = (quarter: number): number => Math.round(1 + (quarter * (count - 1)) / 4 + 1e-10) - 1;
  return {
    mean: average(values),
    recall: values.filter((value) => value > 0.5).length / count,
    decay: average(values.slice(border(0), border(1) + 1)) - average(values.slice(border(3), border(4) + 1)),
  };
}

/** Linear interpolation between order statistics (numpy.percentile's default); `sorted` ascending, not empty. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const high = Math.min(low + 1, sorted.length - 1);
  const a = sorted[low] as number;
  return a + (position - low) * ((sorted[high] as number) - a);
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

interface BootstrapOptions {
  /** 0.95 → from the 2.5th to the 97.5th percentile. */
  readonly level?: number;
  readonly resamples?: number;
  readonly seed?: number;
  /** Values drawn together: 1 for independent values (clips, objects), more for frames of one clip, which resemble their neighbours. */
  readonly block?: number;
}

/**
 * Percentile bootstrap interval of the mean; blocks wrap around the end (circular block bootstrap). Null for fewer
 * than two values.
 */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions = {}): Interval | null {
  const { level = 0.95, resamples = 2000, seed = 1, block = 1 } = options;
  const count = values.length;
  if (count < 2) return null;
  const random = seededRandom(seed);
  const means = new Float64Array(resamples);
  const length = Math.max(1, Math.min(block, Math.floor(count / 2)));
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let drawn = 0; drawn < count;) {
      const start = Math.floor(random() * count);
      for (let offset = 0; offset < length && drawn < count; offset++, drawn++)
        sum += values[(start + offset) % count] as number;
    }
    means[resample] = sum / count;
  }
  means.sort();
  return { low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2) };
}

/**
 * Percentile bootstrap interval of the mean over all values when whole clusters are drawn: objects of one clip share its
 * camera and light, so they come or stay together. Null for fewer than two clusters.
 */
export function bootstrapClusters(
  clusters: readonly (readonly number[])[],
  options: Omit<BootstrapOptions, 'block'> = {},
): Interval | null {
  const { level = 0.95, resamples = 2000, seed = 1 } = options;
  const filled = clusters.filter((values) => values.length > 0);
  if (filled.length < 2) return null;
  const random = seededRandom(seed);
  const sums = filled.map((values) => values.reduce((sum, value) => sum + value, 0));
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    let count = 0;
    for (let drawn = 0; drawn < filled.length; drawn++) {
      const index = Math.floor(random() * filled.length);
      sum += sums[index] as number;
      count += (filled[index] as readonly number[]).length;
    }
    means[resample] = sum / count;
  }
  means.sort();
  return { low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2) };
}
