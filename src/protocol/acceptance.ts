/**
 * The figures of the acceptance test: from samples to quantiles and verdicts. Pure; the browser shows and the server
 * stores what this one function says.
 *
 * Capture-to-paint is the frame's capture on the server's monotonic clock to the browser's paint callback, the clocks
 * joined by ping offset. It is not glass-to-glass: camera, panel and compositor come on top.
 */

/** The deadlines in milliseconds against which a display is judged. */
export const acceptanceLimitsMs = [50, 80, 100] as const;

/** Fewer painted frames than this give no verdict. */
export const acceptanceFrames = 1000;

export interface AcceptanceSummary {
  readonly frames: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly deadlines: {
    readonly limitMs: number;
    /** Frames painted later than the limit, and frames expected but never painted. */
    readonly missed: number;
    /** missed ÷ (painted + never painted). */
    readonly missRate: number;
    /** pass: p95 within the limit; fail: not; undecided: fewer than `acceptanceFrames` frames. */
    readonly verdict: 'pass' | 'fail' | 'undecided';
  }[];
}

/** Quantile by nearest rank: the smallest sample with at least `share` of all samples at or below it. NaN when empty. */
export function nearestRank(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
}

/** `samplesMs`: one age per painted frame, at least one; `neverPainted`: frames that were due and did not come. */
export function summariseAcceptance(samplesMs: readonly number[], neverPainted: number): AcceptanceSummary {
  const sorted = Float64Array.from(samplesMs).sort();
  const p95Ms = nearestRank(sorted, 0.95);
  return {
    frames: sorted.length,
    p50Ms: nearestRank(sorted, 0.5),
    p95Ms,
    p99Ms: nearestRank(sorted, 0.99),
    p999Ms: nearestRank(sorted, 0.999),
    maxMs: nearestRank(sorted, 1),
    deadlines: acceptanceLimitsMs.map((limitMs) => {
      const missed = sorted.reduce((count, age) => count + (age > limitMs ? 1 : 0), neverPainted);
      return {
        limitMs,
        missed,
        missRate: missed / (sorted.length + neverPainted),
        verdict: sorted.length < acceptanceFrames ? 'undecided' : p95Ms <= limitMs ? 'pass' : 'fail',
      };
    }),
  };
}
