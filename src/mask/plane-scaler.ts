/** Bilinear scaling of number planes, again and again between the same places: tables made once, nothing allocated per picture. Pure. */
import type { PictureSize } from '../vocabulary/frame.js';

/** A part of a plane, in its pixels; it may reach beyond it. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Axis {
  /** The first target pixel that lies in the part; the arrays begin with it. */
  readonly from: number;
  /** The two source pixels that a target pixel lies between. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weightSecond: Float64Array;
}

/**
 * Taps of one axis as torch `interpolate(align_corners=False)`: a row of `source` pixels is spread over the part from `start`,
 * `length` long, of a row of `target` pixels: those whose centre lies in it.
 */
function axis(source: number, start: number, length: number, target: number): Axis {
  const inside = (edge: number): number => Math.min(Math.max(Math.ceil(edge - 0.5), 0), target);
  const from = inside(start);
  const count = Math.max(0, inside(start + length) - from);
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const weightSecond = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const place = ((from + index + 0.5 - start) * source) / length - 0.5;
    const position = Math.min(Math.max(place, 0), source - 1);
    const whole = Math.floor(position);
    first[index] = whole;
    second[index] = Math.min(whole + 1, source - 1);
    weightSecond[index] = position - whole;
  }
  return { from, first, second, weightSecond };
}

export class PlaneScaler {
  readonly #from: PictureSize;
  readonly #to: PictureSize;
  readonly columns: Axis;
  readonly rows: Axis;
  /** The pixels of the target that are written: those whose centres lie in the part. */
  readonly written: Region;
  /** The source's rows at the width of what is written. */
  readonly #widened: Float64Array;

  /** `part`: the part of the target that the source fills; default all of it. */
  constructor(from: PictureSize, to: PictureSize, part: Region = { left: 0, top: 0, ...to }) {
    this.#from = from;
    this.#to = to;
    this.columns = axis(from.width, part.left, part.width, to.width);
    this.rows = axis(from.height, part.top, part.height, to.height);
    const [width, height] = [this.columns.first.length, this.rows.first.length];
    this.written = { left: this.columns.from, top: this.rows.from, width, height };
    this.#widened = new Float64Array(from.height * width);
  }

  /** What `scale` writes at one pixel, counted from the first that is written. */
  at(source: Float32Array, sourceStart: number, x: number, y: number): number {
    const { columns, rows } = this;
    const left = sourceStart + (columns.first[x] as number);
    const right = sourceStart + (columns.second[x] as number);
    const across = columns.weightSecond[x] as number;
    const upper = (rows.first[y] as number) * this.#from.width;
    const lower = (rows.second[y] as number) * this.#from.width;
    const [upperLeft, lowerLeft] = [source[upper + left] as number, source[lower + left] as number];
    const above = upperLeft + across * ((source[upper + right] as number) - upperLeft);
    const below = lowerLeft + across * ((source[lower + right] as number) - lowerLeft);
    return Math.fround(above + (rows.weightSecond[y] as number) * (below - above));
  }

  /**
   * Reads one plane of `source` from `sourceStart` on and writes one of `target` from `targetStart` on, row-major; float64
   * arithmetic. What lies beside the part stays as it is.
   */
  scale(source: Float32Array, sourceStart: number, target: Float32Array, targetStart: number): void {
    const { width, height } = this.written;
    if (width === 0 || height === 0) return;
    const { first, second, weightSecond } = this.columns;
    const widened = this.#widened;
    const rows = this.rows;
    const top = rows.first[0] as number;
    const bottom = rows.second[height - 1] as number;
    for (let y = top; y <= bottom; y++) {
      const row = sourceStart + y * this.#from.width;
      for (let x = 0, to = y * width; x < width; x++, to++) {
        const left = source[row + (first[x] as number)] as number;
        const right = source[row + (second[x] as number)] as number;
        widened[to] = left + (weightSecond[x] as number) * (right - left);
      }
    }
    for (let y = 0; y < height; y++) {
      let to = targetStart + (rows.from + y) * this.#to.width + this.columns.from;
      const weight = rows.weightSecond[y] as number;
      let upper = (rows.first[y] as number) * width;
      let lower = (rows.second[y] as number) * width;
      for (let x = 0; x < width; x++, to++, upper++, lower++) {
        const above = widened[upper] as number;
        target[to] = above + weight * ((widened[lower] as number) - above);
      }
    }
  }
}
