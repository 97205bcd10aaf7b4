/** Sizes and rates out of caps and JPEG headers. Pure. */
import type { PictureSize } from '../vocabulary/frame.js';

/** "30000/1001" → 29.97; null for 0/1 (variable) and anything else. */
export function parseFraction(text: unknown): number | null {
  const match = typeof text === 'string' ? /^(\d+)\/(\d+)$/.exec(text) : null;
  if (match === null) return null;
  const value = Number(match[1]) / Number(match[2]);
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** The size with square pixels: the longer side of a pixel decides, no detail is lost. */
export function displaySize(stored: PictureSize, pixelAspect: string): PictureSize {
  const aspect = parseFraction(pixelAspect) ?? 1;
  return aspect >= 1
    ? { width: Math.max(1, Math.round(stored.width * aspect)), height: stored.height }
    : { width: stored.width, height: Math.max(1, Math.round(stored.height / aspect)) };
}

/** Size in a JPEG's frame header; null when there is none. */
export function jpegSize(jpeg: Uint8Array): PictureSize | null {
  const at = frameHeaderOf(jpeg);
  return at === null
    ? null
    : {
        height: ((jpeg[at + 5] ?? 0) << 8) | (jpeg[at + 6] ?? 0),
        width: ((jpeg[at + 7] ?? 0) << 8) | (jpeg[at + 8] ?? 0),
      };
}

/**
 * Lets a JPEG end, in place, at `width` instead of the end of its last blocks: columns that only filled them up are then not part
 * of the picture any more, for any reader.
 * @param width at most the width it has, and more than that less one block: 16 columns at 4:2:0, 8 at 4:4:4
 */
export function narrowJpeg(jpeg: Uint8Array, width: number): void {
  const at = frameHeaderOf(jpeg);
  if (at === null) return;
  jpeg[at + 7] = width >> 8;
  jpeg[at + 8] = width & 255;
}

/** Where the frame header's marker begins; null where there is none. */
function frameHeaderOf(jpeg: Uint8Array): number | null {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return null;
  let at = 2;
  while (at + 9 < jpeg.length) {
    if (jpeg[at] !== 0xff) return null;
    const marker = jpeg[at + 1] ?? 0;
    const length = ((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 0);
    // Start of frame: C0..CF without DHT (C4), JPG (C8) and DAC (CC).
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) return at;
    if (marker === 0xda) return null;
    at += 2 + length;
  }
  return null;
}

export interface PictureShape extends PictureSize {
  /** For example "1/1". */
  readonly pixelAspect: string;
  readonly framesPerSecond: number | null;
  /** GStreamer's name of the pixel format; null where the caps do not say. */
  readonly pixelFormat: string | null;
}

/** What caps text ("video/x-raw, format=(string)I420, width=(int)640, …") says; null without a size. */
export function parseCaps(text: string): PictureShape | null {
  const field = (name: string, type: string, value: string): string | undefined =>
    new RegExp(`[ ,]${name}=\\(${type}\\)(${value})`).exec(text)?.[1];
  const width = Number(field('width', 'int', '\\d+'));
  const height = Number(field('height', 'int', '\\d+'));
  if (!(width > 0 && height > 0)) return null;
  return {
    width,
    height,
    pixelAspect: field('pixel-aspect-ratio', 'fraction', '\\d+/\\d+') ?? '1/1',
    framesPerSecond: parseFraction(field('framerate', 'fraction', '\\d+/\\d+')),
    pixelFormat: field('format', 'string', '\\w+') ?? null,
  };
}

/** 8-bit formats with one colour sample for four pixels: more colour than that is not there to be kept. */
export function isFourToOne(pixelFormat: string | null): boolean {
  return pixelFormat !== null && ['I420', 'YV12', 'NV12', 'NV21'].includes(pixelFormat);
}
