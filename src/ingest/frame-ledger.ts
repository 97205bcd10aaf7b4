/**
 * Who is who among the frames of one child life. The index branch registers every captured frame; the display
 * and analysis branches, which may drop, look theirs up and so learn how many are missing. Also the one place
 * where a frame's times and its discontinuity are decided. Pure, synchronous; runs in the child process.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { ClockPlace } from './stream-clock.js';

/** What is known of a captured frame beside its picture and the name of its stream. */
export type LedgerFrame = Omit<AnalysisFrame, 'streamId' | 'size' | 'data'>;

interface Entry {
  readonly rawPtsNs: number;
  /** Times on the stream's clock and discontinuity are filled in as soon as the clock is known. */
  frame: LedgerFrame;
}

export interface CapturedFrame {
  /** GStreamer's PTS; null where the buffer had none. */
  readonly rawPtsNs: number | null;
  /** Running time by the segment; what a paced sink waits for. */
  readonly runningNs: number;
  readonly mediaNs: number;
  readonly sourceFrame: number;
  /** How often the source has begun again in this child life. */
  readonly repetition: number;
  /** Monotonic time at which the frame was seen. */
  readonly nowNs: number;
}

type Match =
  | { readonly kind: 'frame'; readonly frame: LedgerFrame; readonly skipped: number }
  /** The index branch has not shown this frame yet, or the clock is not known: ask again after its next entry. */
  | { readonly kind: 'pending' }
  /** A frame without an identity of its own (no or repeated PTS): leave it out. */
  | { readonly kind: 'none' };

export interface LedgerOptions {
  /**
   * matching: by PTS where branches may drop (live), by order where they may not (replay).
   */
  readonly mode: 'live' | 'replay';
  /** Files and pushed frames are due at base + running time; cameras are stamped by their driver. */
  readonly paced: boolean;
}

/** Beyond this lateness a paced source is taken to be slower than real time and its clock is moved. */
const slipNs = 500e6;
const keptEntries = 1024;

export class FrameLedger {
  readonly #options: LedgerOptions;
  readonly #entries: Entry[] = [];
  /** Sequence number of #entries[0]. */
  #first = 0;
  readonly #next = { display: 0, analysis: 0 };
  #baseNs: number | null = null;
  #place: ClockPlace | null = null;
  #lastPtsNs = -1;
  #lastRawPtsNs = -1;
  /** PTS of frames that got no identity. */
  readonly #refused = new Set<number>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** From where the stream's clock goes on; frames that were captured before this is known get their times now. */
  join(place: ClockPlace): void {
    this.#place = place;
    this.#lastPtsNs = place.lastPtsNs;
    for (const entry of this.#entries) entry.frame = this.#onClock(entry.frame, place);
  }

  /** Monotonic time of running time 0, known when the pipeline starts to play. */
  startClock(baseNs: number): void {
    this.#baseNs = baseNs;
  }

  /** Monotonic time at which a running time is due; null before the clock has been started. */
  dueNs(runningNs: number): number | null {
    return this.#baseNs === null ? null : this.#baseNs + runningNs;
  }

  /** Register the next captured frame. Returns null for one without a usable PTS in live mode. */
  capture(frame: CapturedFrame): LedgerFrame | null {
    const { mode } = this.#options;
    const rawPtsNs = frame.rawPtsNs ?? -1;
    if (mode === 'live' && (rawPtsNs < 0 || rawPtsNs <= this.#lastRawPtsNs)) {
      if (this.#refused.size < keptEntries) this.#refused.add(rawPtsNs);
      return null;
    }
    this.#lastRawPtsNs = rawPtsNs;
    const early: LedgerFrame = {
      ptsNs: -1,
      captureNs: Math.round(mode === 'live' ? this.#captureNs(frame) : frame.nowNs),
      mediaNs: Math.round(frame.mediaNs),
      sourceFrame: frame.sourceFrame,
      discontinuity: frame.repetition,
      decodedNs: frame.nowNs,
    };
    const entry = { rawPtsNs, frame: this.#place === null ? early : this.#onClock(early, this.#place) };
    this.#entries.push(entry);
    if (this.#entries.length > keptEntries) {
      this.#entries.shift();
      this.#first += 1;
    }
    return entry.frame;
  }

  /** Find the frame that a branch delivers; `skipped` frames before it never came through that branch. */
  match(branch: 'display' | 'analysis', rawPtsNs: number | null): Match {
    if (this.#place === null) return { kind: 'pending' };
    const start = Math.max(this.#next[branch], this.#first);
    if (this.#options.mode === 'replay') {
      const entry = this.#entries[start - this.#first];
      if (entry === undefined) return { kind: 'pending' };
      this.#next[branch] = start + 1;
      return { kind: 'frame', frame: entry.frame, skipped: 0 };
    }
    if (rawPtsNs === null) return { kind: 'none' };
    for (let at = start; at < this.#first + this.#entries.length; at += 1) {
      const entry = this.#entries[at - this.#first];
      if (entry?.rawPtsNs === rawPtsNs) {
        const skipped = at - this.#next[branch];
        this.#next[branch] = at + 1;
        return { kind: 'frame', frame: entry.frame, skipped };
      }
    }
    return this.#refused.has(rawPtsNs) ? { kind: 'none' } : { kind: 'pending' };
  }

  /** Frames that a branch never delivered, at the end of the source; they are counted once. */
  settle(branch: 'display' | 'analysis'): number {
    const end = this.#first + this.#entries.length;
    const missing = end - this.#next[branch];
    this.#next[branch] = end;
    return missing;
  }

  #onClock(early: LedgerFrame, { zeroNs, discontinuity }: ClockPlace): LedgerFrame {
    const wanted = this.#options.mode === 'live' ? early.captureNs - zeroNs : early.mediaNs;
    const ptsNs = Math.max(Math.round(wanted), this.#lastPtsNs + 1);
    this.#lastPtsNs = ptsNs;
    return { ...early, ptsNs, discontinuity: early.discontinuity + discontinuity };
  }

  /**
   * When the frame was captured. A paced frame is captured when it is due. Two corrections: no frame may be
   * seen before its capture (the base was late, or a camera stamps its frames ahead), and a paced source that
   * falls behind by more than half a second plays slower instead of growing old.
   */
  #captureNs(frame: CapturedFrame): number {
    if (this.#baseNs === null || frame.nowNs < this.#baseNs + frame.runningNs)
      this.#baseNs = frame.nowNs - frame.runningNs;
    if (this.#options.paced && frame.nowNs - (this.#baseNs + frame.runningNs) > slipNs)
      this.#baseNs = frame.nowNs - frame.runningNs;
    return this.#baseNs + frame.runningNs;
  }
}
