/** Finding the place again in a file after its child process died. Pure; parent and child use it. */
import type { FrameIdentity } from '../frame.js';
import type { ResumePoint } from './messages.js';

const keptFrames = 600;

/** Remembers the frames delivered last, so that the next child can number its frames exactly. */
export class ResumeTracker {
  #seen: [number, number][] = [];
  #pass = 0;
  #zeroPtsNs = 0;

  zero(zeroPtsNs: number): void {
    this.#zeroPtsNs = zeroPtsNs;
  }

  delivered(frame: FrameIdentity): void {
    if (frame.pass !== this.#pass) {
      this.#pass = frame.pass;
      this.#seen = [];
    }
    const last = this.#seen.at(-1);
    if (last !== undefined && last[1] >= frame.sourceFrame) return;
    this.#seen.push([frame.mediaNs, frame.sourceFrame]);
    if (this.#seen.length > 2 * keptFrames) this.#seen.splice(0, keptFrames);
  }

  get pass(): number {
    return this.#pass;
  }

  /** null before the first frame. */
  point(): ResumePoint | null {
    const last = this.#seen.at(-1);
    if (last === undefined) return null;
    const seekSeconds = Math.floor(last[0] / 1e9);
    return {
      seekSeconds,
      zeroPtsNs: this.#zeroPtsNs,
      seen: this.#seen.filter(([mediaNs]) => mediaNs >= (seekSeconds - 1) * 1e9),
      nextSourceFrame: last[1] + 1,
    };
  }
}

/**
 * Media time and number of the first frame after a seek. A decoder cuts the frame that spans the seek position,
 * so its PTS may be later than its true start: it is the last known frame that starts no later.
 */
export function resumedFrame(
  resume: ResumePoint,
  mediaNs: number,
  framesPerSecond: number,
): [mediaNs: number, sourceFrame: number] {
  let known: readonly [number, number] | null = null;
  for (const seen of resume.seen) if (seen[0] <= mediaNs + 1e6) known = seen;
  if (known === null) return [mediaNs, Math.round((mediaNs * framesPerSecond) / 1e9)];
  const steps = Math.floor(((mediaNs - known[0]) * framesPerSecond) / 1e9 + 0.05);
  return steps <= 0 ? [known[0], known[1]] : [mediaNs, known[1] + steps];
}
