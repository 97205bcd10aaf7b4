/** A curve of unevenly spaced samples, smoothed in time. Pure. */

interface CurvePoint {
  /** Seconds. */
  readonly at: number;
  readonly value: number;
}

/**
 * Value at `at` of the parabola that fits the samples within ± `half` seconds best (least squares, weights that fall to a quarter at
 * the border: Savitzky and Golay's filter for any spacing). Their weighted mean where there are fewer than four, null where there is
 * none. `samples` rise in time; at the end of the curve it uses what there is.
 */
export function smoothedAt(samples: readonly CurvePoint[], at: number, half: number): number | null {
  let [s0, s1, s2, s3, s4] = [0, 0, 0, 0, 0];
  let [y0, y1, y2] = [0, 0, 0];
  let count = 0;
  for (let index = samples.length - 1; index >= 0; index--) {
    const sample = samples[index] as CurvePoint;
    const x = (sample.at - at) / half;
    if (x > 1) continue;
    if (x < -1) break;
    const weight = 1 - 0.75 * x * x;
    s0 += weight;
    s1 += weight * x;
    s2 += weight * x * x;
    s3 += weight * x * x * x;
    s4 += weight * x * x * x * x;
    y0 += weight * sample.value;
    y1 += weight * x * sample.value;
    y2 += weight * x * x * sample.value;
    count++;
  }
  if (count === 0) return null;
  const minor = s2 * s4 - s3 * s3;
  const determinant = s0 * minor - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2);
  if (count < 4 || !(Math.abs(determinant) > 1e-9)) return y0 / s0;
  return (y0 * minor - s1 * (y1 * s4 - y2 * s3) + s2 * (y1 * s3 - y2 * s2)) / determinant;
}

export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
