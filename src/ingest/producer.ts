/** Frames made by our own code (scenes, DICOM, picture folders) that enter GStreamer through appsrc. Child process. */
import type { PictureSize } from '../frame.js';

/** A finite or endless series of RGB pictures of one size, any of which can be made at any time. */
export interface FrameProducer {
  readonly size: PictureSize;
  /** RGB: three bytes per pixel; RGBx: four, the last unused. */
  readonly pixelFormat: 'RGB' | 'RGBx';
  readonly framesPerSecond: number | null;
  readonly pixelSpacingMm: { readonly x: number; readonly y: number } | null;
  /** null: endless. */
  readonly frameCount: number | null;
  readonly description: string;
  /** Start of frame `index` in nanoseconds, strictly increasing, 0 for the first; `frameCount` gives the end. */
  mediaNs(index: number): number;
  /** uint8, height × width × 3 or 4, tightly packed. */
  frame(index: number): Promise<Uint8Array>;
}

/**
 * Rows as GStreamer wants them: each padded to four bytes.
 * @param rgb height × width × 3, tightly packed
 */
export function padRows(rgb: Uint8Array, size: PictureSize): Buffer {
  const rowBytes = size.width * 3;
  const strideBytes = (rowBytes + 3) & ~3;
  if (strideBytes === rowBytes) return Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength);
  const out = Buffer.alloc(strideBytes * size.height);
  for (let y = 0; y < size.height; y += 1)
    out.set(rgb.subarray(y * rowBytes, (y + 1) * rowBytes), y * strideBytes);
  return out;
}

/** The reverse of padRows, without a copy where there is no padding. */
export function unpadRows(padded: Uint8Array, size: PictureSize): Uint8Array {
  const rowBytes = size.width * 3;
  const strideBytes = (rowBytes + 3) & ~3;
  if (strideBytes === rowBytes) return padded;
  const out = new Uint8Array(rowBytes * size.height);
  for (let y = 0; y < size.height; y += 1)
    out.set(padded.subarray(y * strideBytes, y * strideBytes + rowBytes), y * rowBytes);
  return out;
}
