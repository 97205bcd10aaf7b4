/** Masks at another size. Pure; runs in any thread and in the browser. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import { RunBuilder, emptyMask } from './rle.js';

interface Tap {
  readonly first: number;
  readonly second: number;
  readonly weightFirst: number;
  readonly weightSecond: number;
}

/** Bilinear taps of one axis as torch `interpolate(align_corners=False)`: source = (target + ½)·scale − ½, clamped. */
function taps(source: number, target: number): readonly Tap[] {
  const scale = source / target;
  return Array.from({ length: target }, (_, index) => {
    const position = Math.max((index + 0.5) * scale - 0.5, 0);
    const first = Math.min(Math.floor(position), source - 1);
    const weightSecond = position - first;
    return {
      first,
      second: Math.min(first + 1, source - 1),
      weightFirst: 1 - weightSecond,
      weightSecond,
    };
  });
}

/** Target rows that lie between the same two source rows: [start, end). */
interface Band {
  readonly start: number;
  end: number;
  readonly first: number;
  readonly second: number;
}

interface Scaling {
  readonly columns: readonly Tap[];
  readonly rows: readonly Tap[];
  readonly bands: readonly Band[];
}

/** A stream scales every frame alike; a thread has few streams. */
const scalings = new Map<string, Scaling>();
const mostScalings = 16;

function scaling(from: PictureSize, to: PictureSize): Scaling {
  const key = `${from.width} ${from.height} ${to.width} ${to.height}`;
  const known = scalings.get(key);
  if (known !== undefined) return known;
  const rows = taps(from.height, to.height);
  const bands: Band[] = [];
  rows.forEach(({ first, second }, y) => {
    const last = bands.at(-1);
    if (last?.first === first) last.end = y + 1;
    else bands.push({ start: y, end: y + 1, first, second });
  });
  const made = { columns: taps(from.width, to.width), rows, bands };
  if (scalings.size >= mostScalings) scalings.clear();
  scalings.set(key, made);
  return made;
}

/**
 * Mask of `logits` (row-major, `from.width` × `from.height`, float32) scaled bilinearly to `to`, foreground
 * where the interpolated logit is > 0; float64 arithmetic.
 *
 * Only target pixels between two source rows of different sign are computed, and nothing outside of the box around all
 * positive logits: interpolation between values of one sign keeps that sign, so the shortcuts are exact.
 */
export function maskFromScaledLogits(logits: Float32Array, from: PictureSize, to: PictureSize): Mask {
  if (logits.length !== from.width * from.height)
    throw new RangeError(`${logits.length} logits do not make ${from.width}×${from.height}`);
  let left = from.width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = 0, index = 0; y < from.height; y++)
    for (let x = 0; x < from.width; x++, index++)
      if ((logits[index] as number) > 0) {
        if (x < left) left = x;
        if (x > right) right = x;
        if (top < 0) top = y;
        bottom = y;
      }
  if (bottom < 0) return emptyMask(to.width, to.height);
  const { columns, rows, bands } = scaling(from, to);
  // Bands with a source row inside the box; a neighbouring row outside of it takes part in the interpolation.
  const inside = bands.filter((band) => band.second >= top && band.first <= bottom);
  const above = inside[0]?.start ?? to.height;
  const below = to.height - (inside.at(-1)?.end ?? to.height);
  const firstRow = Math.max(0, top - 1);
  const lastRow = Math.min(from.height - 1, bottom + 1);
  const column = new Float64Array(from.height);
  const runs = new RunBuilder();
  for (const { first, second, weightFirst, weightSecond } of columns) {
    if (second < left || first > right) {
      runs.push(false, to.height);
      continue;
    }
    for (let y = firstRow, row = firstRow * from.width; y <= lastRow; y++, row += from.width)
      column[y] =
        weightFirst * (logits[row + first] as number) + weightSecond * (logits[row + second] as number);
    runs.push(false, above);
    for (const band of inside) {
      const upper = column[band.first] as number;
      const lower = column[band.second] as number;
      if (upper > 0 === lower > 0) {
        runs.push(upper > 0, band.end - band.start);
        continue;
      }
      for (let y = band.start; y < band.end; y++) {
        const tap = rows[y] as Tap;
        runs.push(tap.weightFirst * upper + tap.weightSecond * lower > 0, 1);
      }
    }
    runs.push(false, below);
  }
  return runs.finish(to.width, to.height);
}

/** Nearest neighbour at pixel centres (as PIL NEAREST and torch `nearest-exact`). */
export function resizeMask(mask: Mask, to: PictureSize): Mask {
  const { width, height, counts } = mask;
  if (width === to.width && height === to.height) return mask;
  if (counts.length === 1) return emptyMask(to.width, to.height);
  // Ends of the runs, so that a pixel's value is the parity of the run it falls into.
  const ends = new Float64Array(counts.length);
  let end = 0;
  counts.forEach((count, run) => {
    end += count;
    ends[run] = end;
  });
  const sourceRows = Array.from({ length: to.height }, (_, y) =>
    Math.min(Math.floor(((y + 0.5) * height) / to.height), height - 1),
  );
  const runs = new RunBuilder();
  for (let x = 0; x < to.width; x++) {
    const start = Math.min(Math.floor(((x + 0.5) * width) / to.width), width - 1) * height;
    let low = 0;
    let high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) > start) high = middle;
      else low = middle + 1;
    }
    let run = low;
    for (const y of sourceRows) {
      while ((ends[run] as number) <= start + y) run++;
      runs.push(run % 2 === 1, 1);
    }
  }
  return runs.finish(to.width, to.height);
}
