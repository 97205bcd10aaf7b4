/**
 * Does a score mean what it says? Reliability curve, expected calibration error, and accuracy against the share of
 * frames shown. Pure.
 */

export interface ReliabilityBin {
  /** Scores in (low, high]; the first bin takes 0 as well (scikit-learn calibration_curve, strategy "uniform"). */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean score and mean observed value within the bin; null where it is empty. */
  readonly score: number | null;
  readonly observed: number | null;
}

/** Sums per bin; fed value by value, so that a million pixels need no list. */
export class Calibration {
  readonly #edges: readonly number[];
  readonly #scores: Float64Array;
  readonly #observed: Float64Array;
  readonly #counts: Float64Array;

  constructor(readonly bins: number) {
    // numpy.linspace: the step is rounded once, then multiplied.
    const step = 1 / bins;
    this.#edges = Array.from({ length: bins + 1 }, (_, index) => (index === bins ? 1 : index * step));
    this.#scores = new Float64Array(bins);
    this.#observed = new Float64Array(bins);
    this.#counts = new Float64Array(bins);
  }

  /** `score` in 0..1; `observed` is what the score claims to predict: 0 or 1 for an event, an IoU for a predicted IoU. */
  add(score: number, observed: number): void {
    let bin = Math.min(this.bins - 1, Math.max(0, Math.floor(score * this.bins)));
    while (bin > 0 && score <= (this.#edges[bin] as number)) bin--;
    while (bin < this.bins - 1 && score > (this.#edges[bin + 1] as number)) bin++;
    this.#scores[bin] = (this.#scores[bin] as number) + score;
    this.#observed[bin] = (this.#observed[bin] as number) + observed;
    this.#counts[bin] = (this.#counts[bin] as number) + 1;
  }

  /** Adds the values of another one with as many bins. */
  merge(other: Calibration): void {
    for (let bin = 0; bin < this.bins; bin++) {
      this.#scores[bin] = (this.#scores[bin] as number) + (other.#scores[bin] as number);
      this.#observed[bin] = (this.#observed[bin] as number) + (other.#observed[bin] as number);
      this.#counts[bin] = (this.#counts[bin] as number) + (other.#counts[bin] as number);
    }
  }

  curve(): readonly ReliabilityBin[] {
    return Array.from(this.#counts, (count, index) => ({
      low: this.#edges[index] as number,
      high: this.#edges[index + 1] as number,
      count,
      score: count === 0 ? null : (this.#scores[index] as number) / count,
      observed: count === 0 ? null : (this.#observed[index] as number) / count,
    }));
  }

  /** L1 distance of mean score and mean observed value, weighted by count; null without values. */
  error(): number | null {
    let sum = 0;
    let total = 0;
    this.#counts.forEach((count, index) => {
      sum += Math.abs((this.#scores[index] as number) - (this.#observed[index] as number));
      total += count;
    });
    return total === 0 ? null : sum / total;
  }
}

export interface AbstentionPoint {
  /** Share of frames shown, the surest first. */
  readonly coverage: number;
  /** Mean accuracy over the frames shown. */
  readonly accuracy: number;
  /** Score of the last frame shown: the threshold that gives this coverage. */
  readonly threshold: number;
}

/**
 * Frames ordered by falling score (ties in their given order); at coverage c the mean accuracy of the first
 * ceil(c · n). `coverages` ascending in (0, 1].
 */
export function abstentionCurve(
  scores: readonly number[],
  accuracies: readonly number[],
  coverages: readonly number[],
): readonly AbstentionPoint[] {
  if (scores.length !== accuracies.length) throw new RangeError('as many scores as accuracies are needed');
  if (scores.length === 0) return [];
  const order = scores.map((_, index) => index).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  let sum = 0;
  const means = order.map((index, position) => (sum += accuracies[index] as number) / (position + 1));
  return coverages.map((coverage) => {
    // 1e-9: 0.35 · 20 is 7, not 7.000000000000001.
    const shown = Math.min(order.length, Math.max(1, Math.ceil(coverage * order.length - 1e-9)));
    return {
      coverage,
      accuracy: means[shown - 1] as number,
      threshold: scores[order[shown - 1] as number] as number,
    };
  });
}
