/** Binary pictures as the metrics read them: one byte per pixel, with the box around the foreground known. Pure. */
import type { Mask } from '../../vocabulary/mask.js';
import { maskArea, maskBox, maskToBitmap } from '../../mask/rle.js';

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
  const words = wordsOf(data);
  let first = -1;
  let last = -1;
  let area = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as number;
    if (word === 0) continue;
    // The top bit of each byte that is not 0, brought down.
    const ones = ((((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word) >>> 7) & 0x01010101;
    words[index] = ones;
    area += Math.imul(ones, 0x01010101) >>> 24;
    if (first < 0) first = index * 4;
    last = index * 4 + 3;
  }
  for (let index = words.length * 4; index < data.length; index++) {
    if (data[index] === 0) continue;
    data[index] = 1;
    area++;
    if (first < 0) first = index;
    last = index;
  }
  if (area === 0) return { width, height, data, left: 0, top: 0, right: 0, bottom: 0, area };
  while (data[first] === 0) first++;
  while (data[last] === 0) last--;
  const top = Math.floor(first / width);
  const bottom = Math.floor(last / width) + 1;
  const four = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let left = width;
  let right = 0;
  for (let y = top, row = top * width; y < bottom; y++, row += width) {
    // Only beyond the columns that are known to be in the box; four pixels at a time.
    let x = 0;
    while (x + 4 <= left && four.getUint32(row + x) === 0) x += 4;
    while (x < left && data[row + x] === 0) x++;
    left = x;
    x = width;
    while (x - 4 >= right && four.getUint32(row + x - 4) === 0) x -= 4;
    while (x > right && data[row + x - 1] === 0) x--;
    right = x;
  }
  return { width, height, data, left, top, right, bottom, area };
}

/** Four bytes at a time, without the last one to three; no words at all where the bytes begin between two of them. */
export function wordsOf(data: Uint8Array): Uint32Array {
  return data.byteOffset % 4 === 0
    ? new Uint32Array(data.buffer, data.byteOffset, data.length >> 2)
    : new Uint32Array(0);
}

/** Row-major bitmap of a run-length mask; the box and the area come from the runs, without a pass over the pixels. */
export function bitmapFromMask(mask: Mask): Bitmap {
  const [left, top, columns, rows] = maskBox(mask);
  return {
    width: mask.width,
    height: mask.height,
    data: maskToBitmap(mask),
    left,
    top,
    right: left + columns,
    bottom: top + rows,
    area: maskArea(mask),
  };
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
