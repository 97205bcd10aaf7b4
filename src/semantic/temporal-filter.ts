/**
 * Steadier outlines: the logits of a picture are blended with those of the pictures before it, so that what is undecided does not
 * flicker. A heart moves, and an outline that lags is wrong, so the new picture counts the more the more it differs: each pixel by
 * the size of its own change, and each small cell by what its pixels have in common, because noise goes both ways and a wall that
 * moves goes one way. A change is that of the lead of one class over another. Pure; blends in place, allocates nothing per picture.
 *
 *   gain = rest + (1 − rest) · min(1, max((change of the pixel / `change`)², (mean change of the cell / `drift`)²))
 *   rest = 1 − 2^(−time since the last picture / half-life)
 *
 * What is remembered lies where the network looked; where it looks elsewhere now, it is moved there first, and what was not seen before
 * counts alone. It begins anew (the picture counts alone) after a discontinuity, a pause, a picture that is wholly another one, or `reset`.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import { PlaneScaler, type Region } from '../mask/plane-scaler.js';
import { sameRegion, within } from './look.js';
import type { SemanticModel, TemporalSettings } from './model.js';

/** What it remembers of the last picture. */
export interface TemporalState {
  readonly ptsNs: number;
  readonly discontinuity: number;
  /** Where the network looked, in source pixels. */
  readonly look: Region;
  /** [C, h, w]. */
  readonly logits: Float32Array;
  /** Brightness of some pixels, spread over the picture, 0..1. */
  readonly brightness: Float32Array;
}

/** Moment and pixels of the picture that the logits are of. */
interface Seen {
  readonly ptsNs: number;
  readonly discontinuity: number;
  readonly look: Region;
  /** uint8 RGB [H, W, 3]. */
  readonly data: Uint8Array;
  readonly size: PictureSize;
}

/** Pixels between two that are looked at for a change of the whole picture. */
const sampleEvery = 8;

export const brightnessLength = ({ width, height }: PictureSize): number =>
  Math.ceil(width / sampleEvery) * Math.ceil(height / sampleEvery);

export class TemporalFilter {
  readonly #settings: TemporalSettings;
  readonly #classes: number;
  readonly #size: PictureSize;
  /** Classes share each pixel: only how they stand to each other counts, and a number added to all of them is no change. */
  readonly #shared: boolean;
  #logits: Float32Array;
  #nextLogits: Float32Array;
  #brightness: Float32Array;
  #nextBrightness: Float32Array;
  /** Signed change of each cell: of one class, and the most and the least of all classes. */
  readonly #cellChange: Float32Array;
  readonly #cellMost: Float32Array;
  readonly #cellLeast: Float32Array;
  readonly #cellOf: Int32Array;
  readonly #cellPixels: Float32Array;
  #last: Omit<TemporalState, 'logits' | 'brightness'> | null = null;

  constructor(
    model: Pick<SemanticModel, 'classes' | 'logitsSize' | 'pictureSize' | 'activation'>,
    settings: TemporalSettings,
  ) {
    const { width, height } = model.logitsSize;
    this.#settings = settings;
    this.#classes = model.classes.length;
    this.#size = model.logitsSize;
    this.#shared = model.activation === 'softmax';
    this.#logits = new Float32Array(this.#classes * width * height);
    this.#nextLogits = new Float32Array(this.#logits.length);
    this.#brightness = new Float32Array(brightnessLength(model.pictureSize));
    this.#nextBrightness = new Float32Array(this.#brightness.length);
    const across = Math.ceil(width / settings.cell);
    const cells = across * Math.ceil(height / settings.cell);
    this.#cellChange = new Float32Array(cells);
    this.#cellMost = new Float32Array(cells);
    this.#cellLeast = new Float32Array(cells);
    this.#cellPixels = new Float32Array(cells);
    this.#cellOf = Int32Array.from({ length: width * height }, (_, pixel) => {
      const x = pixel % width;
      const y = (pixel - x) / width;
      return Math.floor(y / settings.cell) * across + Math.floor(x / settings.cell);
    });
    for (const cell of this.#cellOf) this.#cellPixels[cell] = (this.#cellPixels[cell] as number) + 1;
  }

  /** Forgets what was: the next picture counts alone. */
  reset(): void {
    this.#last = null;
  }

  /** Blends `logits` [C, h, w], calibrated, with those before them, in place. */
  blend(logits: Float32Array, picture: Seen): void {
    if (logits.length !== this.#logits.length)
      throw new RangeError(`${logits.length} logits where ${this.#logits.length} belong`);
    const change = this.#compare(picture);
    const last = this.#last;
    const sinceMs = last === null ? Infinity : (picture.ptsNs - last.ptsNs) / 1e6;
    const goesOn =
      last !== null &&
      last.discontinuity === picture.discontinuity &&
      sinceMs > 0 &&
      sinceMs <= this.#settings.gapMs &&
      change <= this.#settings.scene;
    if (goesOn) {
      if (!sameRegion(last.look, picture.look)) this.#moveTo(picture.look, last.look, logits);
      this.#mix(logits, 1 - 2 ** (-sinceMs / this.#settings.halfLifeMs));
    } else this.#logits.set(logits);
    this.#last = { ptsNs: picture.ptsNs, discontinuity: picture.discontinuity, look: picture.look };
  }

  snapshot(): TemporalState | null {
    return (
      this.#last && { ...this.#last, logits: this.#logits.slice(), brightness: this.#brightness.slice() }
    );
  }

  restore(state: TemporalState | null): void {
    if (state === null) {
      this.reset();
      return;
    }
    const { logits, brightness, ...last } = state;
    this.#logits.set(logits);
    this.#brightness.set(brightness);
    this.#last = last;
  }

  /** What is remembered, as it would be had the network looked there; where it did not, the new logits stand for it. */
  #moveTo(look: Region, before: Region, logits: Float32Array): void {
    const scaler = new PlaneScaler(this.#size, this.#size, within(before, look, this.#size));
    const moved = this.#nextLogits;
    moved.set(logits);
    const pixels = this.#size.width * this.#size.height;
    for (let start = 0; start < moved.length; start += pixels)
      scaler.scale(this.#logits, start, moved, start);
    this.#nextLogits = this.#logits;
    this.#logits = moved;
  }

  /** Mean difference of brightness from the last picture, 0..1; this picture is the last one from now on. */
  #compare({ data, size }: Seen): number {
    const [before, now] = [this.#brightness, this.#nextBrightness];
    let sum = 0;
    let count = 0;
    for (let y = 0; y < size.height; y += sampleEvery)
      for (let x = 0; x < size.width; x += sampleEvery) {
        const at = (y * size.width + x) * 3;
        const value =
          ((data[at] as number) + 2 * (data[at + 1] as number) + (data[at + 2] as number)) / (4 * 255);
        sum += Math.abs(value - (before[count] as number));
        now[count++] = value;
      }
    this.#brightness = now;
    this.#nextBrightness = before;
    return sum / count;
  }

  /** Blends, and remembers the result. */
  #mix(logits: Float32Array, rest: number): void {
    const pixels = this.#size.width * this.#size.height;
    const before = this.#logits;
    const cells = this.#cellGains(logits);
    const cellOf = this.#cellOf;
    const { change } = this.#settings;
    const perChange = 1 / (change * change);
    // Where classes are independent of each other, each one's change counts by itself: against none.
    const shared = this.#shared;
    for (let pixel = 0; pixel < pixels; pixel++) {
      // The most and the least that one of its classes has changed by.
      let most = Math.fround((logits[pixel] as number) - (before[pixel] as number));
      let least = most;
      for (let at = pixel + pixels; at < logits.length; at += pixels) {
        const difference = (logits[at] as number) - (before[at] as number);
        if (difference > most) most = Math.fround(difference);
        else if (difference < least) least = Math.fround(difference);
      }
      const spread = shared ? most - least : Math.max(most, 0) - Math.min(least, 0);
      const own = spread * spread * perChange;
      const cell = cells[cellOf[pixel] as number] as number;
      const trust = own > cell ? own : cell;
      // In single precision, as all that is remembered.
      const gain = trust >= 1 ? 1 : Math.fround(rest + (1 - rest) * trust);
      // Nothing is added to what is taken as it is, not even an error of rounding.
      if (gain === 1)
        for (let at = pixel; at < logits.length; at += pixels) before[at] = logits[at] as number;
      else
        for (let at = pixel; at < logits.length; at += pixels) {
          const old = before[at] as number;
          before[at] = logits[at] = Math.fround(old + gain * ((logits[at] as number) - old));
        }
    }
  }

  /** By how much the pixels of each cell have changed together, as a share of `drift`, squared. */
  #cellGains(logits: Float32Array): Float32Array {
    const { width, height } = this.#size;
    const { cell: edge, drift } = this.#settings;
    const before = this.#logits;
    const sums = this.#cellChange;
    const most = this.#cellMost.fill(this.#shared ? -Infinity : 0);
    const least = this.#cellLeast.fill(this.#shared ? Infinity : 0);
    const across = Math.ceil(width / edge);
    for (let index = 0, at = 0; index < this.#classes; index++) {
      sums.fill(0);
      for (let y = 0; y < height; y++)
        for (let x = 0, cell = Math.floor(y / edge) * across; x < width; cell++) {
          let sum = 0;
          for (const end = Math.min(x + edge, width); x < end; x++, at++)
            sum += (logits[at] as number) - (before[at] as number);
          sums[cell] = (sums[cell] as number) + sum;
        }
      for (let cell = 0; cell < sums.length; cell++) {
        const sum = sums[cell] as number;
        if (sum > (most[cell] as number)) most[cell] = sum;
        if (sum < (least[cell] as number)) least[cell] = sum;
      }
    }
    for (let cell = 0; cell < most.length; cell++) {
      const spread = (most[cell] as number) - (least[cell] as number);
      const share = spread / ((this.#cellPixels[cell] as number) * drift);
      most[cell] = share * share;
    }
    return most;
  }
}
