/**
 * What a network is fed for the part of the picture that it looks at. The analysis picture of every stream is the whole source
 * stretched to one size; a part of it is taken out at the network's size: as means over areas where it gets smaller, so that the
 * speckle of ultrasound does not turn into patterns of its own, bilinearly where it gets larger, black beside the picture. Where a part
 * is grey throughout, as ultrasound mostly is, one channel is worked out and stands for all three. Pure;
 * tables are made once for each look, and what is given back is the same memory each time.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Region } from '../mask/plane-scaler.js';

const channels = 3;
/** Weights are whole numbers of 1/256, and those of one pixel add up to it: an even grey stays what it is. */
const one = 256;
/** Of two directions, one after the other. */
const half = (one * one) / 2;
/** What is closer to fitting than this many pixels fits: the edges of a look come from divisions. */
const exact = 1e-6;
/** Pixels that get smaller by less than two are made of at most so many. */
const fixedTaps = 3;

/** For each pixel of one direction: which pixels of the picture it is made of, and how much of each. */
interface Taps {
  readonly first: Int32Array;
  /** 0 beside the picture. */
  readonly count: Int32Array;
  /** `most` places for each pixel. */
  readonly weights: Int32Array;
  readonly most: number;
  /** For each pixel: the first and `fixedTaps` weights, where that is enough. */
  readonly packed: Int32Array;
}

/** The part from `start`, `length` long, of a row of `source` pixels is spread over `target` pixels. */
function tapsOf(source: number, start: number, length: number, target: number): Taps {
  const step = length / target;
  // As wide as a pixel of the target is in the source; a mean over exactly one pixel is what lies between two of them.
  const reach = Math.max(1, step) / 2;
  const most = Math.ceil(2 * reach) + 1;
  const first = new Int32Array(target);
  const count = new Int32Array(target);
  const weights = new Int32Array(target * most);
  const packed = new Int32Array(most <= fixedTaps ? target * (fixedTaps + 1) : 0);
  for (let index = 0; index < target; index++) {
    const centre = start + (index + 0.5) * step;
    if (centre <= 0 || centre >= source) continue;
    const low = Math.max(0, centre - reach);
    const high = Math.min(source, centre + reach);
    const from = Math.floor(low);
    const shares: number[] = [];
    for (let pixel = from; pixel < high; pixel++)
      shares.push((Math.min(high, pixel + 1) - Math.max(low, pixel)) / (high - low));
    const parts = shares.map((share) => Math.round(share * one));
    const largest = parts.indexOf(Math.max(...parts));
    const missing = one - parts.reduce((sum, part) => sum + part, 0);
    parts[largest] = (parts[largest] ?? 0) + missing;
    first[index] = from;
    count[index] = parts.length;
    weights.set(parts, index * most);
    if (packed.length > 0) packed.set([from, ...parts], index * (fixedTaps + 1));
  }
  return { first, count, weights, most, packed };
}

/** The pixels that are made anything of: [start, end). */
function usedBy({ first, count }: Taps): readonly [number, number] {
  const from = count.findIndex((taps) => taps > 0);
  const to = count.findLastIndex((taps) => taps > 0);
  return from < 0 ? [0, 0] : [first[from] as number, (first[to] as number) + (count[to] as number)];
}

export class Sampler {
  readonly #picture: PictureSize;
  readonly #input: PictureSize;
  readonly #sampled: Uint8Array;
  /** The rows of the picture that one row is made of, mixed: `one` times as bright. */
  readonly #mixed: Int32Array;
  /** One byte per pixel of a grey part, at its place in the picture. */
  readonly #grey: Uint8Array;
  #same = true;
  /** Pixels of a row that the part has a use for: [start, end). */
  #usedColumns: readonly [number, number] = [0, 0];
  #usedRows: readonly [number, number] = [0, 0];
  #columns: Taps;
  #rows: Taps;

  /** `picture`: size of the stretched pictures; it looks at all of them at first. */
  constructor(picture: PictureSize, input: PictureSize) {
    this.#picture = picture;
    this.#input = input;
    this.#sampled = new Uint8Array(input.width * input.height * channels);
    this.#mixed = new Int32Array((picture.width + fixedTaps) * channels);
    this.#grey = new Uint8Array(picture.width * picture.height);
    this.#columns = tapsOf(picture.width, 0, picture.width, input.width);
    this.#rows = tapsOf(picture.height, 0, picture.height, input.height);
    this.lookAt({ left: 0, top: 0, ...picture });
  }

  /** `part`: what fills the network's input, in pixels of the stretched picture; it may reach beyond it. */
  lookAt({ left, top, width, height }: Region): void {
    const [picture, input] = [this.#picture, this.#input];
    const off = [left, top, width - input.width, height - input.height];
    off.push(width - picture.width, height - picture.height);
    this.#same = off.every((pixels) => Math.abs(pixels) < exact);
    this.#columns = tapsOf(picture.width, left, width, input.width);
    this.#rows = tapsOf(picture.height, top, height, input.height);
    this.#usedColumns = usedBy(this.#columns);
    this.#usedRows = usedBy(this.#rows);
    this.#sampled.fill(0);
  }

  /** `stretched`: uint8 RGB [H, W, 3]. The answer is valid until the next call; it is the picture itself where nothing is to be done. */
  sample(stretched: Uint8Array): Uint8Array {
    const { width, height } = this.#picture;
    if (stretched.length !== width * height * channels)
      throw new RangeError(`${stretched.length} bytes do not make ${width}×${height}`);
    if (this.#same) return stretched;
    const grey = this.#readGrey(stretched);
    for (let y = 0; y < this.#input.height; y++) {
      if ((this.#rows.count[y] as number) === 0) continue;
      if (grey) {
        this.#mixRows(this.#grey, 1, y);
        this.#sampleGreyRow(y);
      } else {
        this.#mixRows(stretched, channels, y);
        this.#sampleRow(y);
      }
    }
    return this.#sampled;
  }

  /** Copies one channel of what is used to `#grey`; false as soon as something is not grey. */
  #readGrey(stretched: Uint8Array): boolean {
    const grey = this.#grey;
    const { width } = this.#picture;
    const [left, right] = this.#usedColumns;
    const [top, bottom] = this.#usedRows;
    for (let y = top; y < bottom; y++) {
      const end = y * width + right;
      for (let pixel = y * width + left, at = pixel * channels; pixel < end; pixel++, at += channels) {
        const value = stretched[at] as number;
        if (stretched[at + 1] !== value || stretched[at + 2] !== value) return false;
        grey[pixel] = value;
      }
    }
    return true;
  }

  /** `bytes`: `perPixel` of them for each pixel of the picture. */
  #mixRows(bytes: Uint8Array, perPixel: number, y: number): void {
    const mixed = this.#mixed;
    const start = this.#usedColumns[0] * perPixel;
    const end = this.#usedColumns[1] * perPixel;
    const { first, count, weights, most } = this.#rows;
    const length = this.#picture.width * perPixel;
    const top = (first[y] as number) * length;
    const rows = count[y] as number;
    // Two at once; a row that is not there counts nothing.
    const second = rows > 1 ? length : 0;
    const upper = weights[y * most] as number;
    const lower = rows > 1 ? (weights[y * most + 1] as number) : 0;
    for (let at = start, from = top + start; at < end; at++, from++)
      mixed[at] =
        (Math.imul(upper, bytes[from] as number) + Math.imul(lower, bytes[from + second] as number)) | 0;
    for (let row = 2; row < rows; row++) {
      const weight = weights[y * most + row] as number;
      for (let at = start, from = top + row * length + start; at < end; at++, from++)
        mixed[at] = ((mixed[at] as number) + Math.imul(weight, bytes[from] as number)) | 0;
    }
  }

  #sampleGreyRow(y: number): void {
    const { first, count, weights, most } = this.#columns;
    const mixed = this.#mixed;
    const sampled = this.#sampled;
    const { width } = this.#input;
    let to = y * width * channels;
    if (most <= fixedTaps) {
      // What is not there counts nothing, and is cheaper than to ask how many there are.
      const { packed } = this.#columns;
      for (let x = 0, at = 0; x < width; x++, at += fixedTaps + 1, to += channels) {
        const from = packed[at] as number;
        const grey =
          half +
          Math.imul(packed[at + 1] as number, mixed[from] as number) +
          Math.imul(packed[at + 2] as number, mixed[from + 1] as number) +
          Math.imul(packed[at + 3] as number, mixed[from + 2] as number);
        sampled[to] = sampled[to + 1] = sampled[to + 2] = grey >> 16;
      }
      return;
    }
    for (let x = 0; x < width; x++, to += channels) {
      if (count[x] === 0) continue;
      let grey = half;
      let from = first[x] as number;
      const start = x * most;
      for (let tap = start, end = start + (count[x] as number); tap < end; tap++, from++)
        grey = (grey + Math.imul(weights[tap] as number, mixed[from] as number)) | 0;
      sampled[to] = sampled[to + 1] = sampled[to + 2] = grey >> 16;
    }
  }

  #sampleRow(y: number): void {
    const { first, count, weights, most } = this.#columns;
    const mixed = this.#mixed;
    const sampled = this.#sampled;
    const { width } = this.#input;
    for (let x = 0, to = y * width * channels; x < width; x++, to += channels) {
      if (count[x] === 0) continue;
      let [red, green, blue] = [half, half, half];
      let from = (first[x] as number) * channels;
      const start = x * most;
      for (let tap = start, end = start + (count[x] as number); tap < end; tap++, from += channels) {
        const weight = weights[tap] as number;
        red = (red + Math.imul(weight, mixed[from] as number)) | 0;
        green = (green + Math.imul(weight, mixed[from + 1] as number)) | 0;
        blue = (blue + Math.imul(weight, mixed[from + 2] as number)) | 0;
      }
      sampled[to] = red >> 16;
      sampled[to + 1] = green >> 16;
      sampled[to + 2] = blue >> 16;
    }
  }
}
