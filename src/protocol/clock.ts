/**
 * Joins the browser's clock with the server's from ping exchanges. Pure; the caller brings the local clock
 * (performance.now in a browser). The sample with the shortest round trip has the smallest error, at most half of that
 * trip (Cristian, "Probabilistic clock synchronization", 1989).
 */
export interface PingSample {
  /** Local monotonic milliseconds when the request left and when its answer came. */
  readonly sentMs: number;
  readonly receivedMs: number;
  /** The server's answer, see the operation `time`. */
  readonly serverMonotonicNs: bigint;
  readonly serverUnixNs: bigint;
}

export class ServerClock {
  #samples: PingSample[] = [];

  /** `capacity`: how many recent samples compete; old ones go because clocks drift apart. */
  constructor(private readonly capacity = 32) {}

  add(sample: PingSample): void {
    this.#samples.push(sample);
    if (this.#samples.length > this.capacity) this.#samples.shift();
  }

  get ready(): boolean {
    return this.#samples.length > 0;
  }

  #best(): PingSample {
    const best = this.#samples.reduce<PingSample | undefined>(
      (least, sample) =>
        least && least.receivedMs - least.sentMs <= sample.receivedMs - sample.sentMs ? least : sample,
      undefined,
    );
    if (!best) throw new RangeError('the server clock has no sample yet');
    return best;
  }

  /** Half of the best round trip: the bound of the error, in milliseconds. */
  get uncertaintyMs(): number {
    const best = this.#best();
    return (best.receivedMs - best.sentMs) / 2;
  }

  get roundTripMs(): number {
    return this.uncertaintyMs * 2;
  }

  /** Local milliseconds of a moment on the server's monotonic clock (`captureNs` of a segmentation). */
  localMsOfMonotonic(monotonicNs: number | bigint): number {
    const best = this.#best();
    const middleMs = (best.sentMs + best.receivedMs) / 2;
    return middleMs + Number(BigInt(monotonicNs) - best.serverMonotonicNs) / 1e6;
  }

  /** Local milliseconds of a log time (capture in Unix ns) that a channel message carries. */
  localMsOfLogTime(logTimeNs: bigint): number {
    const best = this.#best();
    const middleMs = (best.sentMs + best.receivedMs) / 2;
    return middleMs + Number(logTimeNs - best.serverUnixNs) / 1e6;
  }
}
