/** How often somebody may do something: a token bucket per key, in bounded memory. Pure but for the clock that it is given. */

export interface RateLimit {
  /** How many are allowed at once. */
  readonly burst: number;
  /** How many more are allowed per second. */
  readonly perSecond: number;
}

/** Number of keys that are remembered. The key that was quiet for longest is forgotten first; it then has a full bucket again. */
const mostKeys = 4096;

export class RateLimits {
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(
    private readonly limit: RateLimit,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Takes one token of the bucket; false: it is empty. */
  take(key: string): boolean {
    const left = this.#left(key);
    const taken = left >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: taken ? left - 1 : left, atMs: this.nowMs() });
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > mostKeys && !oldest.done) this.#buckets.delete(oldest.value);
    return taken;
  }

  /** Whether `take` would succeed. */
  has(key: string): boolean {
    return this.#left(key) >= 1;
  }

  /** Seconds until `take` succeeds. */
  waitSeconds(key: string): number {
    return Math.max(0, Math.ceil((1 - this.#left(key)) / this.limit.perSecond));
  }

  #left(key: string): number {
    const bucket = this.#buckets.get(key);
    if (!bucket) return this.limit.burst;
    const gained = ((this.nowMs() - bucket.atMs) / 1000) * this.limit.perSecond;
    return Math.min(this.limit.burst, bucket.left + gained);
  }
}

/**
 * The key for limits: an IPv4 address, or the first half of an IPv6 address, because one household or ward owns the whole second half.
 */
export function addressKey(address: string | undefined): string {
  const plain = (address ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [start = '', end] = plain.toLowerCase().split('::');
  const groups = start === '' ? [] : start.split(':');
  if (end !== undefined) {
    const after = end === '' ? [] : end.split(':');
    groups.push(...new Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0'), ...after);
  }
  return groups.slice(0, 4).join(':');
}
