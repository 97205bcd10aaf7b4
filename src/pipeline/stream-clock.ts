/**
 * Puts the frames of one source after another onto one room clock: `ptsNs` counts from the opening of the room, rises
 * strictly, and `pass` goes on, also when the source is replaced by another. Pure.
 */
import type { FrameIdentity } from '../vocabulary/frame.js';

export class StreamClock {
  #lastPtsNs = -1;
  #lastPass = -1;

  /** `zeroNs` is the monotonic moment at which the room's clock reads 0. */
  constructor(readonly zeroNs: number) {}

  /** Returns the mapping for the frames of a source that is opened now. */
  adopt(): <F extends FrameIdentity>(frame: F) => F {
    let offset: { ptsNs: number; pass: number } | null = null;
    return (frame) => {
      // The first frame, of either branch, sets the offset; both branches share it, so picture and mask keep one ptsNs.
      offset ??= {
        ptsNs: Math.max(frame.captureNs - this.zeroNs, this.#lastPtsNs + 1) - frame.ptsNs,
        pass: this.#lastPass + 1 - frame.pass,
      };
      const ptsNs = frame.ptsNs + offset.ptsNs;
      const pass = frame.pass + offset.pass;
      this.#lastPtsNs = Math.max(this.#lastPtsNs, ptsNs);
      this.#lastPass = Math.max(this.#lastPass, pass);
      return { ...frame, ptsNs, pass };
    };
  }
}
