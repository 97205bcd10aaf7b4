/** The analysis pictures of the last two seconds, so that a prompt is applied to the picture that the person saw. Pure. */
import type { AnalysisFrame } from '../vocabulary/frame.js';

/** The picture that a person saw may have been dropped before analysis: the closest one this near is what they meant. */
export const promptToleranceNs = 150e6;

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
  /** Times before this one belong to a source that is gone; null: its successor has sent nothing yet. */
  #sinceNs: number | null = Number.NEGATIVE_INFINITY;

  constructor(readonly limits: HeldFramesLimits = defaultHeldFrames) {}

  get size(): number {
    return this.#frames.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(frame: AnalysisFrame): void {
    this.#sinceNs ??= frame.ptsNs;
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

  /**
   * The frame with this ptsNs, else the closest one within `toleranceNs` (its own was dropped), else null. A time of the source before
   * means no frame of this one, however close.
   */
  closest(ptsNs: number, toleranceNs: number): AnalysisFrame | null {
    if (this.#sinceNs === null || ptsNs < this.#sinceNs) return null;
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

  /** The source is gone, and its pictures with it. */
  clear(): void {
    this.#sinceNs = null;
    this.#frames = [];
    this.#bytes = 0;
  }
}
