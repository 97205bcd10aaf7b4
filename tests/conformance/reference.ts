/** What FFmpeg hands out for a file: pictures, times, geometry. The truth of the conformance suite. */
import { readFileSync, rmSync } from 'node:fs';
import type { PictureSize } from '../../src/vocabulary/frame.js';
import { ffmpeg } from './ffmpeg.js';
import { readPicture, type Reading, type Rotation } from './picture.js';

export interface ReferencePicture extends Reading {
  /** Since the first picture. */
  readonly mediaMs: number;
}

export interface Reference {
  /** With rotation tags applied and square pixels: the shorter side of an oblong pixel enlarged. */
  readonly size: PictureSize;
  readonly pictures: readonly ReferencePicture[];
}

/**
 * Pictures as RGB and their times from one run of the program. The times are kept in microseconds: the default would round
 * them to the nominal rate.
 */
export async function readReference(path: string, rotation: Rotation): Promise<Reference> {
  const times = `${path}.framecrc`;
  // Without these flags the scaler's fast paths round down, by up to two levels and not on every processor alike.
  const exact = 'accurate_rnd+full_chroma_int+full_chroma_inp';
  const passed = [
    ...['-an', '-sn', '-dn', '-fps_mode', 'passthrough', '-sws_flags', exact, '-pix_fmt', 'rgb24'],
  ];
  const rgb = await ffmpeg([
    ...['-i', path],
    ...[...passed, '-f', 'rawvideo', 'pipe:1'],
    ...[...passed, '-enc_time_base', '1:1000000', '-f', 'framecrc', times],
  ]);
  const lines = readFileSync(times, 'utf8').split('\n');
  rmSync(times);
  const header = (name: string): string =>
    lines.find((line) => line.startsWith(`#${name} 0: `))?.slice(`#${name} 0: `.length) ?? '';
  const [width = 0, height = 0] = header('dimensions').split('x').map(Number);
  const [timeBase = 0, ticks = 1] = header('tb').split('/').map(Number);
  const stored: PictureSize = { width, height };
  const pts = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (Number(line.split(',')[2]) * timeBase * 1000) / ticks);
  const bytes = width * height * 3;
  if (bytes === 0 || rgb.length !== pts.length * bytes)
    throw new Error(`ffmpeg gave ${rgb.length} bytes for ${pts.length} pictures of ${width}×${height}`);
  return {
    size: squared(stored, header('sar')),
    pictures: pts.map((ms, index) => ({
      ...readPicture(rgb.subarray(index * bytes, (index + 1) * bytes), stored, rotation),
      mediaMs: ms - (pts[0] ?? 0),
    })),
  };
}

/** @param aspect of a pixel, as `16/15`; `0/1` is unknown and taken as square */
export function squared({ width, height }: PictureSize, aspect: string): PictureSize {
  const [across = 0, down = 0] = aspect.split('/').map(Number);
  if (across <= 0 || down <= 0) return { width, height };
  return across > down
    ? { width: Math.round((width * across) / down), height }
    : { width, height: Math.round((height * down) / across) };
}
