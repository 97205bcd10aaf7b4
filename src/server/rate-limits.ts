/** How often somebody may do something: a token bucket per key, in bounded memory. Pure but for the clock that it is given. */

export interface RateLimit {
  /** At once. */
  readonly burst: number;
  /** Afterwards, evenly. */
  readonly perSecond: number;
}

/** Keys that are remembered; the one that was quiet for longest is forgotten first, which gives it a full bucket. */
const mostKeys = 4096;

export class RateLimits {
  readonly #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(
    private readonly limit: RateLimit,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Takes one if there is one. */
  take(key: string): boolean {
    const left = this.#left(key);
    const taken = left >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: taken ? left - 1 : left, atMs: this.nowMs() });
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > mostKeys && !oldest.done) this.#buckets.delete(oldest.value);
    return taken;
  }

  /** Whether `take` would give one. */
  has(key: string): boolean {
    return this.#left(key) >= 1;
  }

  /** Seconds until there is one. */
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
 * What limits are counted by: an IPv4 address, the first half of an IPv6 address (a household or a ward has all of the second half).
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
