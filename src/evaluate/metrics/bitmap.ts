/** Binary pictures as the metrics read them: one byte per pixel, with the box around the foreground known. Pure. */
import type { Mask } from '../../mask.js';

export interface Bitmap {
  readonly width: number;
  readonly height: number;
  /** Row-major, width × height, 0 or 1. */
  readonly data: Uint8Array;
  /** Foreground lies within columns [left, right) and rows [top, bottom); all 0 where there is none. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Number of foreground pixels. */
  readonly area: number;
}

/**
 * Wraps row-major bytes (0 or not 0); counts and boxes them. `data` is normalised to 0 and 1 in place and then
 * belongs to the bitmap.
 */
export function bitmapFromBytes(data: Uint8Array, width: number, height: number): Bitmap {
  if (data.length !== width * height)
    throw new RangeError(`${data.length} bytes do not make ${width}×${height}`);
  let left = width;
  let right = 0;
  let top = -1;
  let bottom = 0;
  let area = 0;
  for (let y = 0, row = 0; y < height; y++, row += width) {
    const end = row + width;
    let first = row;
    while (first < end && data[first] === 0) first++;
    if (first === end) continue;
    let last = end - 1;
    while (data[last] === 0) last--;
    for (let index = first; index <= last; index++)
      if (data[index] !== 0) {
        data[index] = 1;
        area++;
      }
    if (top < 0) top = y;
    bottom = y + 1;
    if (first - row < left) left = first - row;
    if (last - row >= right) right = last - row + 1;
  }
  if (area === 0) return { width, height, data, left: 0, top: 0, right: 0, bottom: 0, area };
  return { width, height, data, left, top, right, bottom, area };
}

/** Row-major bitmap of a run-length mask; the box and the area come from the runs, without a pass over the pixels. */
export function bitmapFromMask(mask: Mask): Bitmap {
  const { width, height, counts } = mask;
  const data = new Uint8Array(width * height);
  let left = width;
  let right = 0;
  let top = height;
  let bottom = 0;
  let area = 0;
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + (counts[run] as number);
    if (run % 2 === 1) {
      area += end - position;
      while (position < end) {
        const x = Math.floor(position / height);
        const first = position - x * height;
        const stop = Math.min(height, end - x * height);
        for (let index = first * width + x, last = stop * width + x; index < last; index += width)
          data[index] = 1;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
        if (first < top) top = first;
        if (stop > bottom) bottom = stop;
        position = x * height + stop;
      }
    }
    position = end;
  }
  if (area === 0) return { width, height, data, left: 0, top: 0, right: 0, bottom: 0, area };
  return { width, height, data, left, top, right, bottom, area };
}

export function emptyBitmap(width: number, height: number): Bitmap {
  return {
    width,
    height,
    data: new Uint8Array(width * height),
    left: 0,
    top: 0,
    right: 0,
    bottom: 0,
    area: 0,
  };
}

/** The bitmap without the pixels where `voids` is set: DAVIS takes void pixels out of both sides before anything is measured. */
export function withoutVoid(bitmap: Bitmap, voids: Bitmap | null): Bitmap {
  if (voids === null || voids.area === 0 || bitmap.area === 0) return bitmap;
  assertSameSize(bitmap, voids);
  const data = bitmap.data.slice();
  for (let y = voids.top; y < voids.bottom; y++)
    for (let x = voids.left, index = y * voids.width + x; x < voids.right; x++, index++)
      if (voids.data[index] === 1) data[index] = 0;
  return bitmapFromBytes(data, bitmap.width, bitmap.height);
}

/** Pixels set in both. */
export function intersectionArea(a: Bitmap, b: Bitmap): number {
  assertSameSize(a, b);
  const left = Math.max(a.left, b.left);
  const right = Math.min(a.right, b.right);
  const bottom = Math.min(a.bottom, b.bottom);
  let count = 0;
  for (let y = Math.max(a.top, b.top); y < bottom; y++)
    for (let index = y * a.width + left, end = y * a.width + right; index < end; index++)
      count += (a.data[index] as number) & (b.data[index] as number);
  return count;
}

export function assertSameSize(a: Bitmap, b: Bitmap): void {
  if (a.width !== b.width || a.height !== b.height)
    throw new RangeError(`pictures of ${a.width}×${a.height} and ${b.width}×${b.height} cannot be compared`);
}
