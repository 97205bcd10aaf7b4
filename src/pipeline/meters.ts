/** Counters and latency statistics of one room: bounded, cheap per frame, summed up when somebody asks. Pure. */
import type { Quantiles } from './room.js';

/** Quantile of sorted values by the nearest-rank rule: the smallest value with at least the share `q` at or below it. */
function nearestRank(sorted: readonly number[] | Float64Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** Values of the last `spanMs`, at most `capacity` of them (the oldest give way). */
export class SlidingWindow {
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  #next = 0;
  #size = 0;

  constructor(
    readonly spanMs: number,
    capacity: number,
  ) {
    this.#times = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  add(nowMs: number, value: number): void {
    this.#times[this.#next] = nowMs;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#times.length;
    this.#size = Math.min(this.#size + 1, this.#times.length);
  }

  quantiles(nowMs: number): Quantiles | null {
    const recent: number[] = [];
    for (let index = 0; index < this.#size; index += 1) {
      if ((this.#times[index] as number) > nowMs - this.spanMs) recent.push(this.#values[index] as number);
    }
    if (recent.length === 0) return null;
    recent.sort((a, b) => a - b);
    return {
      p50: nearestRank(recent, 0.5),
      p95: nearestRank(recent, 0.95),
      p99: nearestRank(recent, 0.99),
      max: nearestRank(recent, 1),
    };
  }
}

/**
 * Distribution over a whole run in constant memory: buckets that grow by 1 % from 1 µs to 1,000 s, so a quantile is within
 * 1 % of the true one; count, sum and maximum are exact. Values are milliseconds.
 */
export class LogHistogram {
  static readonly #lowest = 1e-3;
  static readonly #growth = Math.log(1.01);
  readonly #buckets = new Uint32Array(Math.ceil(Math.log(1e9) / LogHistogram.#growth) + 1);
  #count = 0;
  #sum = 0;
  #max = 0;

  add(value: number): void {
    const bucket =
      value <= LogHistogram.#lowest
        ? 0
        : Math.ceil(Math.log(value / LogHistogram.#lowest) / LogHistogram.#growth);
    const index = Math.min(bucket, this.#buckets.length - 1);
    this.#buckets[index] = (this.#buckets[index] as number) + 1;
    this.#count += 1;
    this.#sum += value;
    this.#max = Math.max(this.#max, value);
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  quantiles(): Quantiles | null {
    if (this.#count === 0) return null;
    const quantile = (q: number): number => {
      const rank = Math.max(1, Math.ceil(q * this.#count));
      let below = 0;
      for (let index = 0; index < this.#buckets.length; index += 1) {
        below += this.#buckets[index] as number;
        if (below >= rank)
          return Math.min(this.#max, LogHistogram.#lowest * Math.exp(index * LogHistogram.#growth));
      }
      return this.#max;
    };
    return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: this.#max };
  }
}

/** Events per second over the last seconds, from timestamps; the first second after a start is extrapolated. */
export class RateMeter {
  readonly #times: Float64Array;
  readonly #counts: Uint32Array;
  #next = 0;
  #size = 0;
  #startMs: number | null = null;

  constructor(
    readonly spanMs = 2000,
    capacity = 1024,
  ) {
    this.#times = new Float64Array(capacity);
    this.#counts = new Uint32Array(capacity);
  }

  add(nowMs: number, count = 1): void {
    this.#startMs ??= nowMs;
    this.#times[this.#next] = nowMs;
    this.#counts[this.#next] = count;
    this.#next = (this.#next + 1) % this.#times.length;
    this.#size = Math.min(this.#size + 1, this.#times.length);
  }

  perSecond(nowMs: number): number {
    if (this.#startMs === null) return 0;
    let events = 0;
    for (let index = 0; index < this.#size; index += 1) {
      if ((this.#times[index] as number) > nowMs - this.spanMs) events += this.#counts[index] as number;
    }
    const spanMs = Math.min(this.spanMs, Math.max(nowMs - this.#startMs, 500));
    return (events * 1000) / spanMs;
  }

  /** Forgets everything: after a gap the rate starts anew. */
  reset(): void {
    this.#size = 0;
    this.#next = 0;
    this.#startMs = null;
  }
}
