/**
 * The program's two clocks as one: Unix time that runs with the monotonic clock, so that no time correction tears the wire or
 * a recording. Everything that stamps or measures a stream takes its time from here.
 */
const startUnixNs = BigInt(Date.now()) * 1_000_000n;
const startMonotonicNs = process.hrtime.bigint();

/** Nanoseconds on the monotonic clock of this machine, the clock of `captureNs`; every process of the machine reads the same. */
export function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}

/** Unix nanoseconds of a moment on the monotonic clock, which is a whole number. */
export function unixNsOfMonotonic(moment: number): bigint {
  return startUnixNs + (BigInt(moment) - startMonotonicNs);
}

export function unixNowNs(): bigint {
  return unixNsOfMonotonic(monotonicNs());
}

export function unixNowMs(): number {
  return Number(unixNowNs() / 1_000_000n);
}
