/**
 * Which picture was on screen when a gesture began. Runs in the painting worker. Keeps the last few paints and the last
 * few gestures with their pictures; older ones are let go.
 */
import { letGo } from './picture-decoder.js';
import type { Picture } from './picture-decoder.js';

/** The page tells of a gesture within a few milliseconds. */
const rememberedPaints = 3;
const rememberedGestures = 4;

interface SeenPicture {
  /** Unix time of the picture, nanoseconds. */
  readonly timeNs: bigint;
  readonly picture: Picture;
}

/** Adds one more holder of the picture and lets the oldest ones go. */
function remember<T extends SeenPicture>(list: T[], one: T, capacity: number): void {
  one.picture.holders += 1;
  list.push(one);
  for (const old of list.splice(0, list.length - capacity)) letGo(old.picture);
}

export class GestureMemory {
  readonly #paints: (SeenPicture & { readonly atMs: number })[] = [];
  readonly #gestures: (SeenPicture & { readonly id: number })[] = [];

  /** When a picture was painted last, null: never. */
  get lastPaintMs(): number | null {
    return this.#paints.at(-1)?.atMs ?? null;
  }

  painted({ timeNs, picture }: SeenPicture): void {
    remember(this.#paints, { atMs: performance.now(), timeNs, picture }, rememberedPaints);
  }

  /** A gesture began at this moment (performance.timeOrigin + event time, ms). */
  begin(id: number, atEpochMs: number): void {
    const atMs = atEpochMs - performance.timeOrigin;
    const seen = this.#paints.findLast((paint) => paint.atMs <= atMs) ?? this.#paints[0];
    if (seen)
      remember(this.#gestures, { id, timeNs: seen.timeNs, picture: seen.picture }, rememberedGestures);
  }

  /** What a gesture refers to, null where no picture was on screen or the gesture is forgotten. */
  find(id: number): SeenPicture | null {
    return this.#gestures.find((gesture) => gesture.id === id) ?? null;
  }

  close(): void {
    for (const { picture } of [...this.#gestures.splice(0), ...this.#paints.splice(0)]) letGo(picture);
  }
}
