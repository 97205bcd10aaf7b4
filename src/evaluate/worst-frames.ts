/** The frames that deserve a look: lowest J, one per half second of an object, because neighbours look alike. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Bitmap } from './metrics/bitmap.js';

export interface WorstFrame {
  readonly clip: string;
  readonly object: string;
  readonly frame: number;
  readonly j: number;
}

export interface FramePictures {
  /** RGB as the network saw it. */
  readonly rgb: Uint8Array;
  readonly rgbSize: PictureSize;
  /** At source size. */
  readonly prediction: Bitmap;
  readonly truth: Bitmap;
}

/** Among this many frames in a row only the worst one is kept. */
const stretch = 12;

/** Bounded: keeps the pictures of a few candidates only. */
export class WorstFrames {
  #kept: (WorstFrame & FramePictures)[] = [];

  constructor(readonly count = 10) {}

  offer(candidate: WorstFrame, pictures: FramePictures): void {
    const { clip, object, frame, j } = candidate;
    if (this.count === 0) return;
    const near = this.#kept.find(
      (other) =>
        other.clip === clip &&
        other.object === object &&
        Math.floor(other.frame / stretch) === Math.floor(frame / stretch),
    );
    if (near !== undefined) {
      if (near.j <= j) return;
      this.#kept = this.#kept.filter((other) => other !== near);
    } else if (this.#kept.length >= this.count && j >= (this.#kept.at(-1)?.j ?? Infinity)) return;
    this.#kept.push({ ...candidate, ...pictures });
    this.#kept.sort((a, b) => a.j - b.j);
    this.#kept.length = Math.min(this.#kept.length, this.count);
  }

  /** Takes over what another one has kept. */
  merge(other: WorstFrames): void {
    for (const kept of other.list()) this.offer(kept, kept);
  }

  list(): readonly (WorstFrame & FramePictures)[] {
    return this.#kept;
  }
}
