/**
 * Which picture was on screen when a gesture began. Runs in the painting worker. Keeps the last few paints and the last
 * few gestures with their pictures; older ones are let go.
 */
import type { Shown } from '../core/presentation.js';
import type { Overlay } from './overlay-drawing.js';
import { letGo } from './picture-decoder.js';
import type { Picture } from './picture-decoder.js';

/** The page tells of a gesture within a few milliseconds. */
const rememberedPaints = 3;
const rememberedGestures = 4;

/** As it was on screen, with the outlines that it had then. */
type Seen = Shown<Picture, Overlay>;

/** Adds one more holder of the picture and lets the oldest ones go. */
function remember<T extends { seen: Seen }>(list: T[], one: T, capacity: number): void {
  one.seen.picture.holders += 1;
  list.push(one);
  for (const old of list.splice(0, list.length - capacity)) letGo(old.seen.picture);
}

export class GestureMemory {
  readonly #paints: { seen: Seen; readonly atMs: number }[] = [];
  readonly #gestures: { seen: Seen; readonly id: number }[] = [];

  /** When a picture was painted last, null: never. */
  get lastPaintMs(): number | null {
    return this.#paints.at(-1)?.atMs ?? null;
  }

  painted(seen: Seen): void {
    remember(this.#paints, { atMs: performance.now(), seen }, rememberedPaints);
  }

  /** The same picture has got its outlines, or lost them. */
  repainted(seen: Seen): void {
    const last = this.#paints.at(-1);
    if (last?.seen.timeNs === seen.timeNs) last.seen = seen;
  }

  /** A gesture began at this moment (performance.timeOrigin + event time, ms). */
  begin(id: number, atEpochMs: number): void {
    const atMs = atEpochMs - performance.timeOrigin;
    const paint = this.#paints.findLast((one) => one.atMs <= atMs) ?? this.#paints[0];
    if (paint) remember(this.#gestures, { id, seen: paint.seen }, rememberedGestures);
  }

  /** What a gesture refers to, null where no picture was on screen or the gesture is forgotten. */
  find(id: number): Seen | null {
    return this.#gestures.find((gesture) => gesture.id === id)?.seen ?? null;
  }

  close(): void {
    for (const { seen } of [...this.#gestures.splice(0), ...this.#paints.splice(0)]) letGo(seen.picture);
  }
}
