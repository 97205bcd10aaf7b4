/** Oblong pixels are made square, as those of recorded files are (docs/sources.md). DICOM PS3.3 C.7.6.3.1.7. */
import sharp from 'sharp';
import type { PictureSize } from '../../vocabulary/frame.js';
import type { StoredPixels } from '../image.js';

/** The size with square pixels: the longer side of a pixel decides, no detail is lost. */
export function squareSize({ size, pixelAspect }: StoredPixels): PictureSize {
  const ratio = pixelAspect === null ? 1 : pixelAspect.vertical / pixelAspect.horizontal;
  return ratio >= 1
    ? { width: size.width, height: Math.round(size.height * ratio) }
    : { width: Math.round(size.width / ratio), height: size.height };
}

/** @param rgb uint8, height × width × 3 of `from` */
export async function resized(rgb: Uint8Array, from: PictureSize, to: PictureSize): Promise<Uint8Array> {
  if (from.width === to.width && from.height === to.height) return rgb;
  return sharp(rgb, { raw: { ...from, channels: 3 } })
    .resize({ ...to, fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
}
