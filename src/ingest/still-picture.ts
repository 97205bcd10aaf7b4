/**
 * A still picture from a file, with the pixels that FFmpeg and OpenCV hand out: turned as its EXIF orientation says,
 * without applying a colour profile, transparency left out. Folder sources and `evaluate` both read pictures here.
 */
import { open, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import type { PictureSize } from '../vocabulary/frame.js';

const options = { ignoreIcc: true } as const;

export interface StillInfo {
  /** As shown: after the EXIF orientation. */
  readonly size: PictureSize;
  /** True where the EXIF orientation turns the stored picture by a quarter. */
  readonly turned: boolean;
  /** More than one for animations (GIF, WebP, APNG) and stacks (TIFF). */
  readonly pictures: number;
}

/** Reads the header. Rejects with sharp's or the system's error for what is no picture. */
export async function stillInfo(path: string): Promise<StillInfo> {
  const { format, pages = 1, width, height, autoOrient } = await sharp(path, options).metadata();
  return {
    size: { width: autoOrient.width, height: autoOrient.height },
    turned: autoOrient.width !== width,
    pictures: format === 'png' ? await picturesOfPng(path) : await picturesOf(path, pages, width, height),
  };
}

/** Kinds that hold one picture only. */
const alwaysOne = /\.(jpe?g|jpe|jfif|bmp|jp2)$/i;

/** Whether a file is a video (or a stack) of its own rather than one picture; false for what cannot be read, or is no file. */
export async function holdsSeveral(path: string): Promise<boolean> {
  if (alwaysOne.test(path)) return false;
  // A pipe would be opened for ever.
  const about = await stat(path).catch(() => null);
  if (about?.isFile() !== true) return false;
  return stillInfo(path).then(
    ({ pictures }) => pictures > 1,
    () => false,
  );
}

/** Pages of another size are previews of the first (scanners and cameras write them), not further pictures. */
async function picturesOf(path: string, pages: number, width: number, height: number): Promise<number> {
  if (pages === 1) return 1;
  const second = await sharp(path, { ...options, page: 1 }).metadata();
  return second.width === width && second.height === height ? pages : 1;
}

/** sharp reads an animated PNG as its first picture; the chunk acTL, in front of the pixels, says how many there are. */
async function picturesOfPng(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(12);
    for (let at = 8; ;) {
      const { bytesRead } = await file.read(head, 0, 12, at);
      const type = head.toString('latin1', 4, 8);
      if (bytesRead < 12 || type === 'IDAT' || type === 'IEND') return 1;
      if (type === 'acTL') return head.readUInt32BE(8);
      at += 12 + head.readUInt32BE(0);
    }
  } finally {
    await file.close();
  }
}

/**
 * uint8 RGB, height × width × 3: at its own size, or stretched to `size` with a linear kernel whose support grows with the
 * step (as GStreamer's videoscale does for live sources; JPEGs are already reduced by halves while decoding, which is
 * most of the time). Rejects with sharp's error.
 */
export async function stillPixels(path: string, size: PictureSize | null): Promise<Uint8Array> {
  const { hasAlpha, space, autoOrient } = await sharp(path, options).metadata();
  const picture = sharp(path, { ...options, sequentialRead: true }).autoOrient();
  const bytes = (from: Sharp): Promise<Buffer> =>
    from.removeAlpha().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer();
  const resized = (from: Sharp): Sharp =>
    size === null ? from : from.resize(size.width, size.height, { fit: 'fill', kernel: 'linear' });
  const { width, height } = autoOrient;
  const again = (rgb: Uint8Array): Sharp => sharp(rgb, { raw: { width, height, channels: 3 } });
  if (space === 'cmyk') return bytes(resized(again(await cmykToRgb(picture))));
  // sharp reduces transparent pictures with their transparency, which makes hidden colours black.
  if (hasAlpha && size !== null) return bytes(resized(again(await bytes(picture))));
  return bytes(resized(picture));
}

/** Ink to light by multiplication, as FFmpeg, OpenCV and PIL do; sharp would use the profile of a printing press. */
async function cmykToRgb(picture: Sharp): Promise<Uint8Array> {
  const inks = await picture
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw({ depth: 'uchar' })
    .toBuffer();
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - (inks[from + 3] as number);
    for (let ink = 0; ink < 3; ink++)
      rgb[to++] = Math.round(((255 - (inks[from + ink] as number)) * light) / 255);
  }
  return rgb;
}
