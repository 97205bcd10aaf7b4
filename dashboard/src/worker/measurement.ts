/**
 * One part of the acceptance test of a display: collects capture-to-paint ages of one surface. Runs in the painting
 * worker; pure, time comes in as a number (`performance.now()`, ms).
 */
import type { Measured, MeasuredKind } from './messages.js';

/** Counters of the surface, read at the start and at the end of a measurement. */
export interface MeasuredCounts {
  readonly decodeDrops: number;
  readonly lateOverlays: number;
}

interface MeasuredPaint {
  readonly timeNs: bigint;
  /** Outlines were painted with it. */
  readonly overlay: boolean;
  /** The first paint of this picture. */
  readonly fresh: boolean;
  readonly ageMs: number;
  readonly nowMs: number;
}

export class Measurement {
  /** `picture`: outlines are off meanwhile, and every picture goes on screen at once. */
  readonly kind: MeasuredKind;
  /** Samples wanted. */
  readonly frames: number;
  readonly #startMs: number;
  readonly #start: MeasuredCounts;
  readonly #samplesMs: number[] = [];
  readonly #atMs: number[] = [];
  /** Pictures that came since the start, by timestamp: true once they are counted as painted. */
  readonly #due = new Map<bigint, boolean>();
  #neverPainted = 0;

  constructor(kind: MeasuredKind, frames: number, counts: MeasuredCounts, nowMs: number) {
    this.kind = kind;
    this.frames = frames;
    this.#start = counts;
    this.#startMs = nowMs;
  }

  /** Samples taken. */
  get done(): number {
    return this.#samplesMs.length;
  }

  pictureCame(timeNs: bigint): void {
    this.#due.set(timeNs, false);
  }

  /** False where the picture came before the start, so that it does not count. */
  painted({ timeNs, overlay, fresh, ageMs, nowMs }: MeasuredPaint): boolean {
    const before = this.#due.get(timeNs);
    if (before === undefined) return false;
    if (this.kind === 'picture' ? fresh : overlay && !before) {
      this.#samplesMs.push(ageMs);
      this.#atMs.push(nowMs - this.#startMs);
      this.#due.set(timeNs, true);
    }
    // Older pictures will not be painted any more.
    for (const [olderNs, painted] of this.#due) {
      if (olderNs >= timeNs) continue;
      this.#due.delete(olderNs);
      if (!painted) this.#neverPainted += 1;
    }
    return true;
  }

  result(counts: MeasuredCounts, nowMs: number): Measured {
    return {
      samplesMs: this.#samplesMs,
      atMs: this.#atMs,
      neverPainted: this.#neverPainted,
      durationMs: nowMs - this.#startMs,
      decodeDrops: counts.decodeDrops - this.#start.decodeDrops,
      lateOverlays: counts.lateOverlays - this.#start.lateOverlays,
    };
  }
}
