/** Masks at another size. Pure; runs in any thread and in the browser. */
import type { PictureSize } from './frame.js';
import type { Mask } from './mask.js';
import { RunBuilder, emptyMask } from './mask-rle.js';

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

/**
 * Mask of `logits` (row-major, `from.width` × `from.height`, float32) scaled bilinearly to `to`, foreground
 * where the interpolated logit is > 0; float64 arithmetic.
 *
 * Only target pixels between two source rows of different sign are computed: interpolation between two values
 * of one sign keeps that sign, so the shortcut is exact.
 */
export function maskFromScaledLogits(logits: Float32Array, from: PictureSize, to: PictureSize): Mask {
  if (logits.length !== from.width * from.height)
    throw new RangeError(`${logits.length} logits do not make ${from.width}×${from.height}`);
  const columns = taps(from.width, to.width);
  const rows = taps(from.height, to.height);
  // Target rows that lie between the same two source rows: [start, end).
  const bands: { start: number; end: number; first: number; second: number }[] = [];
  rows.forEach((tap, y) => {
    const last = bands.at(-1);
    if (last?.first === tap.first) last.end = y + 1;
    else bands.push({ start: y, end: y + 1, first: tap.first, second: tap.second });
  });
  const column = new Float64Array(from.height);
  const runs = new RunBuilder();
  for (const { first, second, weightFirst, weightSecond } of columns) {
    let anyForeground = false;
    for (let y = 0, row = 0; y < from.height; y++, row += from.width) {
      const value =
        weightFirst * (logits[row + first] as number) + weightSecond * (logits[row + second] as number);
      column[y] = value;
      if (value > 0) anyForeground = true;
    }
    if (!anyForeground) {
      runs.push(false, to.height);
      continue;
    }
    for (const band of bands) {
      const above = column[band.first] as number;
      const below = column[band.second] as number;
      if (above > 0 === below > 0) {
        runs.push(above > 0, band.end - band.start);
        continue;
      }
      for (let y = band.start; y < band.end; y++) {
        const tap = rows[y] as Tap;
        runs.push(tap.weightFirst * above + tap.weightSecond * below > 0, 1);
      }
    }
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
