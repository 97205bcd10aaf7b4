/** Exact Euclidean distance transform and the simulated user who clicks by it. Pure. */
import { type Bitmap, bitmapFromBytes, assertSameSize } from './bitmap.js';

/**
 * Squared distance in pixels from each foreground pixel to the nearest background pixel, 0 on background; everything
 * outside of the picture is background. Meijster, Roerdink, Hesselink 2000: columns first, then the lower envelope of
 * parabolas per row.
 */
export function squaredDistanceInside(bitmap: Bitmap): Float64Array {
  const { width, height, data } = bitmap;
  const result = new Float64Array(width * height);
  if (bitmap.area === 0) return result;
  // One background pixel around the box is enough: distances inside do not reach farther.
  const columns = bitmap.right - bitmap.left + 2;
  const rows = bitmap.bottom - bitmap.top + 2;
  const vertical = new Int32Array(columns * rows);
  for (let row = 1; row < rows - 1; row++)
    for (let column = 1; column < columns - 1; column++)
      if (data[(row + bitmap.top - 1) * width + column + bitmap.left - 1] === 1)
        vertical[row * columns + column] = (vertical[(row - 1) * columns + column] as number) + 1;
  for (let row = rows - 2; row > 0; row--)
    for (let column = 1; column < columns - 1; column++) {
      const next = (vertical[(row + 1) * columns + column] as number) + 1;
      if (next < (vertical[row * columns + column] as number)) vertical[row * columns + column] = next;
    }
  const vertex = new Int32Array(columns);
  const start = new Int32Array(columns);
  for (let row = 1; row < rows - 1; row++) {
    const base = row * columns;
    const at = (column: number, centre: number): number =>
      (column - centre) ** 2 + (vertical[base + centre] as number) ** 2;
    let last = 0;
    vertex[0] = 0;
    start[0] = 0;
    for (let column = 1; column < columns; column++) {
      while (
        last >= 0 &&
        at(start[last] as number, vertex[last] as number) > at(start[last] as number, column)
      )
        last--;
      if (last < 0) {
        last = 0;
        vertex[0] = column;
        start[0] = 0;
        continue;
      }
      const previous = vertex[last] as number;
      const meet =
        1 +
        Math.floor(
          (column * column -
            previous * previous +
            (vertical[base + column] as number) ** 2 -
            (vertical[base + previous] as number) ** 2) /
            (2 * (column - previous)),
        );
      if (meet < columns) {
        last++;
        vertex[last] = column;
        start[last] = meet;
      }
    }
    for (let column = columns - 1; column > 0; column--) {
      const value = at(column, vertex[last] as number);
      if (column < columns - 1 && (vertical[base + column] as number) > 0)
        result[(row + bitmap.top - 1) * width + column + bitmap.left - 1] = value;
      if (column === start[last]) last--;
    }
  }
  return result;
}

interface SimulatedClick {
  /** Pixel coordinates; the click is on its centre. */
  readonly x: number;
  readonly y: number;
  readonly positive: boolean;
}

function deepest(bitmap: Bitmap): { readonly index: number; readonly depth: number } {
  const distance = squaredDistanceInside(bitmap);
  let index = 0;
  let depth = 0;
  for (let candidate = 0; candidate < distance.length; candidate++)
    if ((distance[candidate] as number) > depth) {
      depth = distance[candidate] as number;
      index = candidate;
    }
  return { index, depth };
}

function difference(a: Bitmap, b: Bitmap): Bitmap {
  const data = new Uint8Array(a.data.length);
  for (let index = 0; index < data.length; index++)
    data[index] = a.data[index] === 1 && b.data[index] === 0 ? 1 : 0;
  return bitmapFromBytes(data, a.width, a.height);
}

/**
 * The next click of a person who corrects the largest error: the point deepest inside the missed region (positive) or
 * inside the region drawn too much (negative), whichever is deeper; the missed one when equal. Null when prediction and
 * truth are equal. With an empty prediction this is the object's centre: the first click. (Xu et al. 2016; the clickers
 * of RITM and of interactive DAVIS work alike.)
 */
export function nextClick(prediction: Bitmap, truth: Bitmap): SimulatedClick | null {
  assertSameSize(prediction, truth);
  const missed = deepest(difference(truth, prediction));
  const excess = deepest(difference(prediction, truth));
  if (missed.depth === 0 && excess.depth === 0) return null;
  const positive = missed.depth >= excess.depth;
  const { index } = positive ? missed : excess;
  return { x: index % truth.width, y: Math.floor(index / truth.width), positive };
}
