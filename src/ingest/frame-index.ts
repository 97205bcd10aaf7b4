/**
 * The index branch: sees every captured frame, says which picture of the source it is, and gives the other branches the
 * identity of what they deliver. Child process.
 */
import { monotonicNs } from '../node/clock.js';
import { FrameLedger, type LedgerFrame, type LedgerOptions } from './frame-ledger.js';
import { parseSegment, type Segment } from './gdp.js';
import type { ClockPlace } from './stream-clock.js';

/** Index entries after which a frame that still has none is given up. */
const pendingEntries = 16;
/** Rate of a camera that does not say its own. */
const usualFramesPerSecond = 25;

/** Which picture of its source a frame is. */
export interface FrameOrigin {
  readonly sourceFrame: number;
  readonly mediaNs: number;
  /** How often the source has begun again in this child life. */
  readonly repetition: number;
}

export class FrameIndex {
  /** Ask it for the clock and for what a branch left out; frames go in and out by the methods here. */
  readonly ledger: FrameLedger;
  #segment: Segment = { startNs: 0, baseNs: 0 };
  #zeroPtsNs: number | null = null;
  #count = 0;
  #last: FrameOrigin = { sourceFrame: -1, mediaNs: 0, repetition: 0 };
  #lastSeenNs = 0;
  #onEntry: (() => void)[] = [];
  #hasJoined = false;
  #join: () => void = () => undefined;
  /** Resolves when the stream's clock is known; until then no frame has an identity. */
  readonly joined = new Promise<void>((resolve) => (this.#join = resolve));

  /** @param fed gives the next picture that was pushed; null for a camera, whose frames are numbered here */
  constructor(
    options: LedgerOptions,
    private readonly fed: (() => FrameOrigin) | null,
  ) {
    this.ledger = new FrameLedger(options);
  }

  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** Frames captured in this child life. */
  get count(): number {
    return this.#count;
  }

  /** Media time of the newest frame. */
  get lastMediaNs(): number {
    return this.#last.mediaNs;
  }

  /** Monotonic moment at which the newest frame was seen. */
  get lastSeenNs(): number {
    return this.#lastSeenNs;
  }

  /** PTS of a camera's first frame. */
  get zeroPtsNs(): number {
    return this.#zeroPtsNs ?? 0;
  }

  join(place: ClockPlace): void {
    this.ledger.join(place);
    this.#hasJoined = true;
    this.#join();
  }

  onEvent(text: string): void {
    const segment = parseSegment(text);
    if (segment !== null) this.#segment = segment;
  }

  /**
   * @param framesPerSecond of a camera, where it says
   * @returns false for a frame that can have no identity
   */
  capture(rawPtsNs: number | null, framesPerSecond: number | null): boolean {
    this.#lastSeenNs = monotonicNs();
    const origin = this.fed?.() ?? this.#cameraFrame(rawPtsNs, framesPerSecond ?? usualFramesPerSecond);
    const { startNs, baseNs } = this.#segment;
    const frame = this.ledger.capture({
      ...origin,
      rawPtsNs,
      runningNs: baseNs + (rawPtsNs ?? startNs) - startNs,
      nowNs: this.#lastSeenNs,
    });
    this.#last = origin;
    this.#count += 1;
    for (const resolve of this.#onEntry.splice(0)) resolve();
    return frame !== null;
  }

  /** The frame that a branch delivers and how many it left out before; null where it has no identity. */
  async find(
    branch: 'display' | 'analysis',
    rawPtsNs: number | null,
  ): Promise<{ readonly frame: LedgerFrame; readonly skipped: number } | null> {
    if (!this.#hasJoined) await this.joined;
    let match = this.ledger.match(branch, rawPtsNs);
    for (let entries = 0; match.kind === 'pending' && entries < pendingEntries; entries += 1) {
      await new Promise<void>((resolve) => this.#onEntry.push(resolve));
      match = this.ledger.match(branch, rawPtsNs);
    }
    return match.kind === 'frame' ? match : null;
  }

  /** Monotonic moment at which the frame at a position of the pipeline is due; null before the clock has been started. */
  dueNs(positionS: number): number | null {
    const { startNs, baseNs } = this.#segment;
    return this.ledger.dueNs(baseNs + positionS * 1e9 - startNs);
  }

  #cameraFrame(rawPtsNs: number | null, framesPerSecond: number): FrameOrigin {
    this.#zeroPtsNs ??= rawPtsNs ?? 0;
    const stepNs = this.#count === 0 ? 0 : Math.round(1e9 / framesPerSecond);
    const isStamped = rawPtsNs !== null && rawPtsNs >= this.#zeroPtsNs;
    return {
      sourceFrame: this.#last.sourceFrame + 1,
      mediaNs: isStamped ? rawPtsNs - this.#zeroPtsNs : this.#last.mediaNs + stepNs,
      repetition: 0,
    };
  }
}
