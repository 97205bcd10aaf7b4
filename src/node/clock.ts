/**
 * The program's two clocks as one: Unix time that runs with the monotonic clock, so that no time correction tears the wire or
 * a recording. Everything that stamps or measures a stream takes its time from here.
 */
const startUnixNs = BigInt(Date.now()) * 1_000_000n;
const startMonotonicNs = process.hrtime.bigint();

export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** Unix nanoseconds of a moment on the monotonic clock (`captureNs`). */
export function unixNsOfMonotonic(moment: number | bigint): bigint {
  return startUnixNs + (BigInt(moment) - startMonotonicNs);
}

export function unixNowNs(): bigint {
  return unixNsOfMonotonic(monotonicNs());
}

export function unixNowMs(): number {
  return Number(unixNowNs() / 1_000_000n);
}
