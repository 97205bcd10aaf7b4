/**
 * How much memory a file may cause to be taken, whatever its header or a compressed block claims. Pure; child process of a
 * source.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import { dicomError } from './errors.js';

const mebibyte = 1024 * 1024;
/** A file that has to be in memory as a whole, compressed or not. */
export const mostFileBytes = 2048 * mebibyte;
/** All that is kept of a header: tables of times and colours, functional groups of thousands of frames. */
export const mostHeaderBytes = 128 * mebibyte;
/** Twice the pixels of 8K video. */
const mostPixels = 8192 * 8192;
const longestSide = 16_384;

/** Throws SONO_SOURCE_SIZE for a side, SONO_SOURCE_MEMORY for an area that no source has. `path` is for the sentence. */
export function checkPictureSize(path: string, { width, height }: PictureSize): void {
  if (width < 1 || height < 1 || width > longestSide || height > longestSide)
    throw dicomError('SONO_SOURCE_SIZE', { path, width, height });
  if (width * height > mostPixels)
    throw memoryError(path, `a picture of ${width} by ${height} points`, width * height * 3, mostPixels * 3);
}

/** Throws SONO_SOURCE_MEMORY. */
export function checkFileBytes(path: string, bytes: number): void {
  if (bytes > mostFileBytes) throw memoryError(path, 'the whole file', bytes, mostFileBytes);
}

/** For data of which is known only that it needs more memory than it may take. */
export function memoryError(path: string, what: string, neededBytes: number, givenBytes: number): Error {
  return dicomError('SONO_SOURCE_MEMORY', {
    path,
    what,
    megabytes: Math.ceil(neededBytes / mebibyte),
    limit: Math.floor(givenBytes / mebibyte),
  });
}
