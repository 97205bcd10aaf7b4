/**
 * Distances between the outlines of prediction and truth: boundary F, HD95, ASSD, NSD. Pure.
 *
 * Outline elements are the corners between pixels where the 2×2 pixels around are neither all background nor all
 * foreground (outside of the picture is background): the contour of DeepMind's surface-distance, with its length
 * table. DAVIS' boundary map is the same set less some corners on the picture's edge, so both come from one pass.
 *
 * Nearest distances are exact Euclidean ones. Instead of a distance transform over the picture, the elements of one outline
 * are dealt into square cells, and each element of the other looks through the cells within the distance of a hit that is
 * likely to be near: its neighbour's. Outlines are mostly close together, so this costs a few steps per element, whatever the
 * size of the picture.
 */
import { type Bitmap, assertSameSize } from './bitmap.js';

/** Millimetres (or any unit) per pixel; results are in the same unit. */
interface Spacing {
  readonly x: number;
  readonly y: number;
}

interface Outline {
  readonly count: number;
  readonly xs: Int32Array;
  readonly ys: Int32Array;
  /** 2×2 neighbourhood: 8 top left, 4 top right, 2 bottom left, 1 bottom right. */
  readonly codes: Uint8Array;
}

/** Corner (x, y) lies between pixels x−1 | x and y−1 | y: 0 ≤ x ≤ width, 0 ≤ y ≤ height. */
function outlineOf(bitmap: Bitmap): Outline {
  const { width, height, data, left, top, right, bottom } = bitmap;
  let capacity = 4096;
  let xs = new Int32Array(capacity);
  let ys = new Int32Array(capacity);
  let codes = new Uint8Array(capacity);
  let count = 0;
  if (bitmap.area === 0) return { count, xs, ys, codes };
  const four = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let y = top; y <= bottom; y++) {
    const above = (y - 1) * width;
    const below = y * width;
    const hasAbove = y > 0;
    const hasBelow = y < height;
    // Left column of the 2×2 window; outside of the box all is background.
    let pair = 0;
    for (let x = left; x <= right; x++) {
      // Four pixels of both rows at a time, as long as nothing changes.
      if (hasAbove && hasBelow && (pair === 0 || pair === 3)) {
        const same = pair === 0 ? 0 : 0x01010101;
        while (x + 4 <= right && four.getUint32(above + x) === same && four.getUint32(below + x) === same)
          x += 4;
      }
      let next = 0;
      if (x < right) {
        if (hasAbove) next = (data[above + x] as number) << 1;
        if (hasBelow) next |= data[below + x] as number;
      }
      if (pair !== next || (pair !== 0 && pair !== 3)) {
        if (count === capacity) {
          capacity *= 2;
          const [oldXs, oldYs, oldCodes] = [xs, ys, codes];
          xs = new Int32Array(capacity);
          ys = new Int32Array(capacity);
          codes = new Uint8Array(capacity);
          xs.set(oldXs);
          ys.set(oldYs);
          codes.set(oldCodes);
        }
        xs[count] = x;
        ys[count] = y;
        codes[count] = ((pair & 2) << 2) | ((next & 2) << 1) | ((pair & 1) << 1) | (next & 1);
        count++;
      }
      pair = next;
    }
  }
  return { count, xs, ys, codes };
}

/** The part of the outline that DAVIS' _seg2bmap marks (pixel (x−1, y−1) stands for corner (x, y)). */
function davisPart(outline: Outline, { width, height, left, top, right, bottom }: Bitmap): Outline {
  const { count, xs, ys, codes } = outline;
  if (left > 0 && top > 0 && right < width && bottom < height) return outline;
  const kept: Outline & { count: number } = {
    count: 0,
    xs: new Int32Array(count),
    ys: new Int32Array(count),
    codes: new Uint8Array(count),
  };
  for (let index = 0; index < count; index++) {
    const x = xs[index] as number;
    const y = ys[index] as number;
    const code = codes[index] as number;
    if (x === 0 || y === 0 || (x === width && y === height)) continue;
    // In the last row only left-right steps count, in the last column only up-down steps.
    if (y === height && code !== 8 && code !== 4) continue;
    if (x === width && code !== 8 && code !== 2) continue;
    kept.xs[kept.count] = x;
    kept.ys[kept.count] = y;
    kept.codes[kept.count] = code;
    kept.count++;
  }
  return kept.count === count ? outline : kept;
}

/** Side of a cell in pixels, as a power of two. */
const cellShift = 3;

/** Elements of an outline by cell. Cells in row-major order; those of cell c are [starts[c], starts[c + 1]). */
interface Cells {
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
  readonly starts: Int32Array;
  readonly xs: Int32Array;
  readonly ys: Int32Array;
}

/** First and last column of an outline that is not empty. */
function columnsOf({ count, xs }: Outline): readonly [left: number, right: number] {
  let left = xs[0] as number;
  let right = left;
  for (let index = 1; index < count; index++) {
    const x = xs[index] as number;
    if (x < left) left = x;
    if (x > right) right = x;
  }
  return [left, right];
}

/** `outline` is not empty. */
function cellsOf(outline: Outline): Cells {
  const { count, xs, ys } = outline;
  const [left, right] = columnsOf(outline);
  // Elements come row by row.
  const top = ys[0] as number;
  const columns = ((right - left) >> cellShift) + 1;
  const rows = (((ys[count - 1] as number) - top) >> cellShift) + 1;
  const cellAt = (index: number): number =>
    (((ys[index] as number) - top) >> cellShift) * columns + (((xs[index] as number) - left) >> cellShift);
  const starts = new Int32Array(columns * rows + 1);
  for (let index = 0; index < count; index++) {
    const after = cellAt(index) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let cell = 0; cell < columns * rows; cell++)
    starts[cell + 1] = (starts[cell + 1] as number) + (starts[cell] as number);
  const next = starts.slice();
  const sortedXs = new Int32Array(count);
  const sortedYs = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const cell = cellAt(index);
    const to = next[cell] as number;
    next[cell] = to + 1;
    sortedXs[to] = xs[index] as number;
    sortedYs[to] = ys[index] as number;
  }
  return { left, top, columns, rows, starts, xs: sortedXs, ys: sortedYs };
}

/**
 * Squared distance of every element of `from` to the nearest element of `to`, unit `spacing`; neither is empty. Distances
 * beyond `reach` (squared) need not be right, only beyond it.
 */
function squaredDistances(from: Outline, to: Outline, spacing: Spacing, reach = Infinity): Float64Array {
  const { left, top, columns, rows, starts, xs, ys } = cellsOf(to);
  const xx = spacing.x * spacing.x;
  const yy = spacing.y * spacing.y;
  const result = new Float64Array(from.count);
  // What the latest element in each column of `from` found: the next one's neighbours are among those beside and above.
  const [fromLeft, fromRight] = columnsOf(from);
  const found = new Int32Array(fromRight - fromLeft + 3);
  for (let index = 0; index < from.count; index++) {
    const x = from.xs[index] as number;
    const y = from.ys[index] as number;
    const column = x - fromLeft + 1;
    let nearest = 0;
    let best = Infinity;
    for (let beside = column - 1; beside <= column + 1; beside++) {
      const element = found[beside] as number;
      const dx = (xs[element] as number) - x;
      const dy = (ys[element] as number) - y;
      const distance = dx * dx * xx + dy * dy * yy;
      if (distance < best) {
        best = distance;
        nearest = element;
      }
    }
    let limit = Math.min(best, reach);
    const home = (y - top) >> cellShift;
    const last = Math.max(home, rows - 1 - home);
    for (let away = 0; away <= last; away++) {
      let open = false;
      for (let row = home - away; row <= home + away; row += away === 0 ? 1 : 2 * away) {
        const cellTop = top + (row << cellShift);
        const gap = y < cellTop ? cellTop - y : Math.max(0, y - cellTop - (1 << cellShift) + 1);
        const inRow = limit - gap * gap * yy;
        if (inRow < 0) continue;
        open = true;
        if (row < 0 || row >= rows) continue;
        // A row's cells lie one behind the other, and so do their elements.
        const reachX = Math.sqrt(inRow / xx) + 1;
        const first = Math.max(0, (x - reachX - left) >> cellShift);
        const end = Math.min(columns - 1, (x + reachX - left) >> cellShift);
        if (first > end) continue;
        const stop = starts[row * columns + end + 1] as number;
        for (let element = starts[row * columns + first] as number; element < stop; element++) {
          const dx = (xs[element] as number) - x;
          const dy = (ys[element] as number) - y;
          const distance = dx * dx * xx + dy * dy * yy;
          if (distance < best) {
            best = distance;
            nearest = element;
          }
        }
        if (best < limit) limit = best;
      }
      if (!open) break;
    }
    found[column] = nearest;
    result[index] = best;
  }
  return result;
}

/** Length of the outline within each 2×2 neighbourhood (surface-distance, create_table_neighbour_code_to_contour_length). */
function lengthTable({ x, y }: Spacing): Float64Array {
  const diagonal = 0.5 * Math.sqrt(y * y + x * x);
  const table = new Float64Array(16).fill(diagonal);
  table[0] = table[15] = 0;
  table[0b0011] = table[0b1100] = x;
  table[0b0101] = table[0b1010] = y;
  table[0b0110] = table[0b1001] = 2 * diagonal;
  return table;
}

/** numpy's pairwise summation: percentiles that fall exactly on a step come out as in the reference. */
function pairwiseSum(values: Float64Array, start = 0, length = values.length): number {
  if (length < 8) {
    let sum = 0;
    for (let index = start; index < start + length; index++) sum += values[index] as number;
    return sum;
  }
  if (length <= 128) {
    const lanes = Array.from(values.subarray(start, start + 8));
    let index = 8;
    for (; index < length - (length % 8); index += 8)
      for (let lane = 0; lane < 8; lane++)
        lanes[lane] = (lanes[lane] as number) + (values[start + index + lane] as number);
    const [a, b, c, d, e, f, g, h] = lanes as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    let sum = a + b + (c + d) + (e + f + (g + h));
    for (; index < length; index++) sum += values[start + index] as number;
    return sum;
  }
  let half = Math.floor(length / 2);
  half -= half % 8;
  return pairwiseSum(values, start, half) + pairwiseSum(values, start + half, length - half);
}

/** Distances of one outline to the other, ascending, with the outline length that each stands for. */
interface Surface {
  readonly distances: Float64Array;
  readonly lengths: Float64Array;
  readonly total: number;
}

function surface(outline: Outline, squared: Float64Array, scale: number, lengths: Float64Array): Surface {
  const { count, codes } = outline;
  // Sorted by distance, then by length, as the reference does. Squared distances of square pixels are whole numbers:
  // then distance and length pack into one number each and sort natively.
  const byLength = Uint8Array.from({ length: 16 }, (_, code) => code).sort(
    (a, b) => (lengths[a] as number) - (lengths[b] as number),
  );
  const rank = new Uint8Array(16);
  byLength.forEach((code, position) => (rank[code] = position));
  const distances = new Float64Array(count);
  const sortedLengths = new Float64Array(count);
  const largest = largestWhole(squared);
  if (largest !== null) {
    const keys = new (largest < 2 ** 28 ? Uint32Array : Float64Array)(count);
    for (let index = 0; index < count; index++)
      keys[index] = (squared[index] as number) * 16 + (rank[codes[index] as number] as number);
    keys.sort();
    for (let index = 0; index < count; index++) {
      const key = keys[index] as number;
      distances[index] = scale * Math.sqrt(Math.floor(key / 16));
      sortedLengths[index] = lengths[byLength[key % 16] as number] as number;
    }
  } else {
    const lengthAt = (index: number): number => lengths[codes[index] as number] as number;
    const order = Array.from({ length: count }, (_, index) => index).sort(
      (a, b) => (squared[a] as number) - (squared[b] as number) || lengthAt(a) - lengthAt(b),
    );
    order.forEach((from, to) => {
      distances[to] = scale * Math.sqrt(squared[from] as number);
      sortedLengths[to] = lengthAt(from);
    });
  }
  return { distances, lengths: sortedLengths, total: pairwiseSum(sortedLengths) };
}

/** The largest of whole numbers that are not negative; null where one has a fraction. */
function largestWhole(values: Float64Array): number | null {
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (value !== Math.floor(value)) return null;
    if (value > largest) largest = value;
  }
  return largest;
}

function percentile({ distances, lengths, total }: Surface, share: number): number {
  let sum = 0;
  for (let index = 0; index < distances.length; index++) {
    sum += lengths[index] as number;
    if (sum / total >= share) return distances[index] as number;
  }
  return distances[distances.length - 1] as number;
}

function weightedSum({ distances, lengths }: Surface): number {
  let sum = 0;
  for (let index = 0; index < distances.length; index++)
    sum += (distances[index] as number) * (lengths[index] as number);
  return sum;
}

function lengthWithin({ distances, lengths }: Surface, tolerance: number): number {
  let count = 0;
  while (count < distances.length && (distances[count] as number) <= tolerance) count++;
  return pairwiseSum(lengths, 0, count);
}

interface ContourScores {
  /** Boundary F1 within `ceil(0.008 · diagonal)` pixels. One side empty → 0, both → 1. */
  readonly f: number;
  /** Unit of `spacing`. Both empty → 0, one side empty → Infinity. */
  readonly hd95: number;
  /** Length-weighted mean over both outlines. Both empty → 0, one side empty → Infinity. */
  readonly assd: number;
  /** Per tolerance. Both empty → 1, one side empty → 0. */
  readonly nsd: readonly number[];
}

/** DAVIS' tolerance in pixels for a picture of this size. */
function boundaryTolerancePx(width: number, height: number, share = 0.008): number {
  return share >= 1 ? share : Math.ceil(share * Math.sqrt(height * height + width * width));
}

function shareWithin(squared: Float64Array, limit: number): number {
  let count = 0;
  for (const value of squared) if (value <= limit) count++;
  return count / squared.length;
}

/**
 * All outline scores of one frame. `tolerances` (for NSD) and the distances are in the unit of `spacing`; F is always
 * in pixels. Void pixels must have been taken out of both sides before, as DAVIS does.
 * Sources: davis2017-evaluation f_measure; surface-distance compute_robust_hausdorff(95),
 * compute_surface_dice_at_tolerance; ASSD pools the two directions by length.
 */
export function contourScores(
  prediction: Bitmap,
  truth: Bitmap,
  spacing: Spacing,
  tolerances: readonly number[],
): ContourScores {
  assertSameSize(prediction, truth);
  const { width, height } = truth;
  if (prediction.area === 0 && truth.area === 0)
    return { f: 1, hd95: 0, assd: 0, nsd: tolerances.map(() => 1) };
  const outlineP = outlineOf(prediction);
  const outlineT = outlineOf(truth);
  const davisP = davisPart(outlineP, prediction);
  const davisT = davisPart(outlineT, truth);
  // One unit of length per pixel, scaled afterwards: then the same distances serve F.
  const square = spacing.x === spacing.y;
  const unit: Spacing = square ? { x: 1, y: 1 } : spacing;
  const scale = square ? spacing.x : 1;

  const bothOutlines = outlineP.count > 0 && outlineT.count > 0;
  const squaredP = bothOutlines ? squaredDistances(outlineP, outlineT, unit) : null;
  const squaredT = bothOutlines ? squaredDistances(outlineT, outlineP, unit) : null;

  let f: number;
  if (davisP.count === 0 || davisT.count === 0) {
    // Not only for empty masks: a mask that fills the picture has no DAVIS boundary either.
    f = davisP.count === davisT.count ? 1 : 0;
  } else {
    const whole = square && davisP === outlineP && davisT === outlineT;
    const pixels: Spacing = { x: 1, y: 1 };
    const limit = boundaryTolerancePx(width, height) ** 2;
    const precision = shareWithin(
      whole && squaredP ? squaredP : squaredDistances(davisP, davisT, pixels, limit),
      limit,
    );
    const recall = shareWithin(
      whole && squaredT ? squaredT : squaredDistances(davisT, davisP, pixels, limit),
      limit,
    );
    f = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  }
  if (squaredP === null || squaredT === null)
    return { f, hd95: Infinity, assd: Infinity, nsd: tolerances.map(() => 0) };

  const lengths = lengthTable(spacing);
  const fromP = surface(outlineP, squaredP, scale, lengths);
  const fromT = surface(outlineT, squaredT, scale, lengths);
  const total = fromP.total + fromT.total;
  return {
    f,
    hd95: Math.max(percentile(fromP, 0.95), percentile(fromT, 0.95)),
    assd: (weightedSum(fromP) + weightedSum(fromT)) / total,
    nsd: tolerances.map(
      (tolerance) => (lengthWithin(fromP, tolerance) + lengthWithin(fromT, tolerance)) / total,
    ),
  };
}
