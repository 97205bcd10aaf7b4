/** Connected parts of label pictures. Pure; buffers are kept, so that a stream allocates nothing per picture but its masks. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Box, Mask } from '../vocabulary/mask.js';
import type { Region } from './plane-scaler.js';
import { emptyMask } from './rle.js';

/** The largest part of one label. */
interface Component {
  readonly areaPx: number;
  /** In pixels of the picture; [0,0,0,0] where the label does not occur. */
  readonly box: Box;
}

/**
 * Finds, for each label below `labels`, its largest part: pixels that touch by edge or corner (8-connected); of two equally large
 * ones the one that begins first, row by row.
 */
export class LargestComponents {
  readonly #size: PictureSize;
  readonly #labels: number;
  // Runs of one label within a row; a row of n pixels has n runs at most.
  readonly #start: Int32Array;
  readonly #end: Int32Array;
  readonly #row: Int32Array;
  readonly #label: Uint8Array;
  /** Union-find: the root of a part is its first run. */
  readonly #parent: Int32Array;
  readonly #area: Int32Array;
  readonly #largest: Int32Array;
  #runs = 0;

  constructor(size: PictureSize, labels: number) {
    const most = size.width * size.height;
    this.#size = size;
    this.#labels = labels;
    this.#start = new Int32Array(most);
    this.#end = new Int32Array(most);
    this.#row = new Int32Array(most);
    this.#label = new Uint8Array(most);
    this.#parent = new Int32Array(most);
    this.#area = new Int32Array(most);
    this.#largest = new Int32Array(labels);
  }

  /**
   * `picture`: row-major, one label per pixel; labels from `labels` on are nothing. What lies beside `part` (whole pixels of the
   * picture; default all of it) is not looked at.
   */
  find(picture: Uint8Array, part: Region = { left: 0, top: 0, ...this.#size }): void {
    const { width, height } = this.#size;
    if (picture.length !== width * height)
      throw new RangeError(`${picture.length} labels do not make ${width}×${height}`);
    const right = part.left + part.width;
    let runs = 0;
    let before = 0;
    for (let y = part.top; y < part.top + part.height; y++) {
      const begin = runs;
      const row = y * width;
      for (let x = part.left; x < right;) {
        const label = picture[row + x] as number;
        let end = x + 1;
        while (end < right && picture[row + end] === label) end++;
        if (label < this.#labels) {
          this.#start[runs] = x;
          this.#end[runs] = end;
          this.#row[runs] = y;
          this.#label[runs] = label;
          this.#parent[runs] = runs;
          this.#area[runs] = end - x;
          runs++;
        }
        x = end;
      }
      this.#join(before, begin, runs);
      before = begin;
    }
    this.#runs = runs;
    const largest = this.#largest.fill(-1);
    for (let run = 0; run < runs; run++) {
      if (this.#parent[run] !== run) continue;
      const label = this.#label[run] as number;
      const known = largest[label] as number;
      if (known < 0 || (this.#area[run] as number) > (this.#area[known] as number)) largest[label] = run;
    }
  }

  /** Size and place of the largest part of a label in the picture that was looked at last. */
  largest(label: number): Component {
    const root = this.#largest[label] ?? -1;
    if (root < 0) return { areaPx: 0, box: [0, 0, 0, 0] };
    let left = Infinity;
    let right = 0;
    let bottom = 0;
    for (let run = root; run < this.#runs; run++) {
      if (this.#label[run] !== label || this.#root(run) !== root) continue;
      left = Math.min(left, this.#start[run] as number);
      right = Math.max(right, this.#end[run] as number);
      bottom = this.#row[run] as number;
    }
    // The root is the first run of its part, and runs are in the order of rows.
    const top = this.#row[root] as number;
    return { areaPx: this.#area[root] as number, box: [left, top, right - left, bottom - top + 1] };
  }

  /** Calls `pixels` with each stretch [start, end) of pixel indices of the largest part of a label, row by row. */
  eachRun(label: number, pixels: (start: number, end: number) => void): void {
    const root = this.#largest[label] ?? -1;
    if (root < 0) return;
    for (let run = root; run < this.#runs; run++) {
      if (this.#label[run] !== label || this.#root(run) !== root) continue;
      const row = (this.#row[run] as number) * this.#size.width;
      pixels(row + (this.#start[run] as number), row + (this.#end[run] as number));
    }
  }

  /** Runs of two neighbouring rows that touch belong together: [above, here) and [here, end). */
  #join(above: number, here: number, end: number): void {
    let upper = above;
    for (let run = here; run < end; run++) {
      const start = this.#start[run] as number;
      const stop = this.#end[run] as number;
      while (upper < here && (this.#end[upper] as number) < start) upper++;
      for (let other = upper; other < here && (this.#start[other] as number) <= stop; other++)
        if (this.#label[other] === this.#label[run]) this.#unite(other, run);
    }
  }

  #unite(a: number, b: number): void {
    const one = this.#root(a);
    const two = this.#root(b);
    if (one === two) return;
    const [root, child] = one < two ? [one, two] : [two, one];
    this.#parent[child] = root;
    this.#area[root] = (this.#area[root] as number) + (this.#area[child] as number);
  }

  #root(run: number): number {
    const parents = this.#parent;
    let root = run;
    while (parents[root] !== root) {
      // Every other link is shortened on the way.
      const next = parents[parents[root] as number] as number;
      parents[root] = next;
      root = next;
    }
    return root;
  }
}

/** Mask of the pixels of a row-major picture that are not 0; nothing outside of `box` is looked at. */
export function maskInBox(picture: Uint8Array, { width, height }: PictureSize, box: Box): Mask {
  const [left, top, across, down] = box;
  if (across === 0 || down === 0) return emptyMask(width, height);
  const counts: number[] = [];
  let position = 0;
  let on = false;
  const turn = (at: number): void => {
    counts.push(at - position);
    position = at;
    on = !on;
  };
  for (let x = left; x < left + across; x++) {
    const column = x * height;
    let index = top * width + x;
    for (let y = top; y < top + down; y++, index += width)
      if ((picture[index] !== 0) !== on) turn(column + y);
    // Only a box as high as the picture lets a run go on in the next column.
    if (on && (down < height || x === left + across - 1)) turn(column + top + down);
  }
  if (position < width * height) counts.push(width * height - position);
  return { width, height, counts: Uint32Array.from(counts) };
}
