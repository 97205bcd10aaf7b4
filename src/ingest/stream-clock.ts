/**
 * Where a stream stands on its clock, kept in the main process. A source that joins the stream, or is started again, goes on
 * from there; the FrameLedger of its own process then gives each frame its time, and nobody changes it afterwards. Pure.
 */
import type { FrameIdentity } from '../vocabulary/frame.js';

/** From where a source goes on. */
export interface ClockPlace {
  /** Monotonic moment at which the stream's clock reads 0: ptsNs = captureNs − zeroNs in live mode. */
  readonly zeroNs: number;
  /** Every further ptsNs is larger; -1 at first. */
  readonly lastPtsNs: number;
  /** Discontinuity of the source's next frame. */
  readonly discontinuity: number;
}

export class StreamClock {
  #lastPtsNs = -1;
  #discontinuity = -1;

  constructor(readonly zeroNs: number) {}

  /** A frame of the stream has been delivered, by either branch. */
  passed({ ptsNs, discontinuity }: Pick<FrameIdentity, 'ptsNs' | 'discontinuity'>): void {
    this.#lastPtsNs = Math.max(this.#lastPtsNs, ptsNs);
    this.#discontinuity = Math.max(this.#discontinuity, discontinuity);
  }

  /** @param anew the next frame does not follow the last one: another source, a camera that comes back */
  place(anew: boolean): ClockPlace {
    return {
      zeroNs: this.zeroNs,
      lastPtsNs: this.#lastPtsNs,
      discontinuity: this.#discontinuity + (anew ? 1 : 0),
    };
  }
}
