/** Finding the place again in a source after its child process died. Pure; main process. */
import type { FrameIdentity } from '../vocabulary/frame.js';
import type { ResumePoint } from './messages.js';

const keptFrames = 600;
const leadSeconds = 2;

/** Remembers the frames delivered last, so that the next child can number its frames exactly. */
export class ResumeTracker {
  #seen: [number, number][] = [];
  #discontinuity = 0;
  #zeroPtsNs = 0;

  zero(zeroPtsNs: number): void {
    this.#zeroPtsNs = zeroPtsNs;
  }

  delivered(frame: FrameIdentity): void {
    // One branch may still deliver frames from before the discontinuity.
    if (frame.discontinuity < this.#discontinuity) return;
    if (frame.discontinuity > this.#discontinuity) {
      this.#discontinuity = frame.discontinuity;
      this.#seen = [];
    }
    const last = this.#seen.at(-1);
    if (last !== undefined && last[1] >= frame.sourceFrame) return;
    this.#seen.push([frame.mediaNs, frame.sourceFrame]);
    if (this.#seen.length > 2 * keptFrames) this.#seen.splice(0, keptFrames);
  }

  /** null before the first frame. */
  point(): ResumePoint | null {
    const last = this.#seen.at(-1);
    if (last === undefined) return null;
    // Early enough that several known frames come first: by them the new ones are numbered.
    const seekSeconds = Math.max(0, Math.floor(last[0] / 1e9) - leadSeconds);
    return {
      seekSeconds,
      zeroPtsNs: this.#zeroPtsNs,
      seen: this.#seen.filter(([mediaNs]) => mediaNs >= (seekSeconds - 1) * 1e9),
      nextSourceFrame: last[1] + 1,
    };
  }
}
