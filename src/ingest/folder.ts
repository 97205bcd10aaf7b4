/** A folder of pictures as a video. Child process; decoding by sharp. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { ingestError } from './errors.js';
import type { FrameProducer } from './producer.js';

const pictureName = /\.(png|jpe?g|tiff?|webp|gif|avif)$/i;

/** Pictures whose headers are read between two signs of life. */
const progressEvery = 1000;

/** frame2 before frame10. */
export const naturalOrder = new Intl.Collator('en', { numeric: true }).compare;

/** @throws SONO_SOURCE_MISSING, SONO_FOLDER_EMPTY, SONO_FOLDER_MIXED, SONO_FOLDER_PICTURE */
export async function createFolderProducer(
  path: string,
  framesPerSecond: number,
  onProgress: () => void = () => undefined,
): Promise<FrameProducer> {
  const names = await readdir(path).catch((error: unknown) => {
    throw ingestError('SONO_SOURCE_MISSING', { path }, error);
  });
  const files = names.filter((name) => pictureName.test(name) && !name.startsWith('.')).sort(naturalOrder);
  const [first] = files;
  if (first === undefined) throw ingestError('SONO_FOLDER_EMPTY', { path });
  const unreadable = (file: string, error: unknown): Error =>
    ingestError('SONO_FOLDER_PICTURE', { path, file }, error);
  // Headers of all pictures first: a folder with mixed sizes is refused before anything is shown.
  const size = await pictureSize(join(path, first)).catch((error: unknown) => {
    throw unreadable(first, error);
  });
  for (const [index, file] of files.entries()) {
    if (index % progressEvery === progressEvery - 1) onProgress();
    const other = await pictureSize(join(path, file)).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    if (other.width !== size.width || other.height !== size.height)
      throw ingestError('SONO_FOLDER_MIXED', {
        path,
        file,
        ...other,
        firstWidth: size.width,
        firstHeight: size.height,
      });
  }
  return {
    size,
    pixelFormat: 'RGB',
    framesPerSecond,
    pixelSpacingMm: null,
    frameCount: files.length,
    description: `${files.length} pictures`,
    mediaNs: (index) => Math.round((index * 1e9) / framesPerSecond),
    frame: async (index) => {
      const file = files[index];
      if (file === undefined) throw new RangeError(`no picture ${index}`);
      const { data } = await sharp(join(path, file))
        .autoOrient()
        .flatten()
        .toColourspace('srgb')
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true })
        .catch((error: unknown) => {
          throw unreadable(file, error);
        });
      return data;
    },
  };
}

async function pictureSize(file: string): Promise<{ width: number; height: number }> {
  const { autoOrient } = await sharp(file).metadata();
  return { width: autoOrient.width, height: autoOrient.height };
}
