/** Running figures: the newest values of a stream of numbers, events per second. Pure; time comes in as a number. */
import { nearestRank } from '../../../src/protocol/acceptance.js';

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** The newest `capacity` values. */
export class Recent {
  readonly #values: number[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#capacity) this.#values.shift();
  }

  /** Nearest-rank quantiles, null when empty. */
  quantiles(): Quantiles | null {
    return quantilesOf(this.#values);
  }
}

/** Nearest-rank quantiles, null of nothing. */
export function quantilesOf(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return { p50: nearestRank(sorted, 0.5), p95: nearestRank(sorted, 0.95), max: nearestRank(sorted, 1) };
}

/** Events per second over the last `windowMs`. */
export class Rate {
  readonly #times: number[] = [];
  readonly #windowMs: number;
  #startMs: number | null = null;

  constructor(windowMs = 2000) {
    this.#windowMs = windowMs;
  }

  mark(nowMs: number): void {
    this.#startMs ??= nowMs;
    this.#times.push(nowMs);
    this.#prune(nowMs);
  }

  /** Milliseconds that the window covers so far: less than its full length soon after the first event. */
  spanMs(nowMs: number): number {
    return this.#startMs === null ? 0 : Math.min(this.#windowMs, nowMs - this.#startMs);
  }

  perSecond(nowMs: number): number {
    this.#prune(nowMs);
    // Soon after the first event, the rate is taken over the time that has passed since then.
    const spanMs = this.spanMs(nowMs);
    return spanMs < 200 ? 0 : (this.#times.length / spanMs) * 1000;
  }

  #prune(nowMs: number): void {
    while (this.#times[0] !== undefined && nowMs - this.#times[0] > this.#windowMs) this.#times.shift();
  }
}
