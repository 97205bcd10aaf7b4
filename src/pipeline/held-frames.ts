/** The analysis pictures of the last two seconds, so that a prompt is applied to the picture that the person saw. Pure. */
import type { AnalysisFrame } from '../vocabulary/frame.js';

interface HeldFramesLimits {
  readonly ageNs: number;
  readonly count: number;
  readonly bytes: number;
}

/** Two seconds. The other two bounds limit memory where a source is faster, or a model's input larger, than expected. */
const defaultHeldFrames: HeldFramesLimits = { ageNs: 2e9, count: 240, bytes: 96 * 1024 * 1024 };

export class HeldFrames {
  /** In order of arrival, hence of ptsNs. */
  #frames: AnalysisFrame[] = [];
  #bytes = 0;

  constructor(readonly limits: HeldFramesLimits = defaultHeldFrames) {}

  get size(): number {
    return this.#frames.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(frame: AnalysisFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.data.byteLength;
    // The newest always stays, whatever the limits.
    while (
      this.#frames.length > 1 &&
      (this.#frames.length > this.limits.count ||
        this.#bytes > this.limits.bytes ||
        frame.captureNs - (this.#frames[0] as AnalysisFrame).captureNs > this.limits.ageNs)
    ) {
      this.#bytes -= (this.#frames.shift() as AnalysisFrame).data.byteLength;
    }
  }

  newest(): AnalysisFrame | null {
    return this.#frames.at(-1) ?? null;
  }

  /** The frame with this ptsNs, else the closest one within `toleranceNs` (its own was dropped), else null. */
  closest(ptsNs: number, toleranceNs: number): AnalysisFrame | null {
    let best: AnalysisFrame | null = null;
    for (const frame of this.#frames) {
      if (best === null || Math.abs(frame.ptsNs - ptsNs) < Math.abs(best.ptsNs - ptsNs)) best = frame;
    }
    return best !== null && Math.abs(best.ptsNs - ptsNs) <= toleranceNs ? best : null;
  }

  /** Oldest held frame for which `matches` holds. */
  find(matches: (frame: AnalysisFrame) => boolean): AnalysisFrame | null {
    return this.#frames.find(matches) ?? null;
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}
