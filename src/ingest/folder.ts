/** A folder of pictures as a video. Child process; decoding by sharp. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { uncalibrated } from '../vocabulary/calibration.js';
import { ingestError } from './errors.js';
import { pictureNames } from './picture-order.js';
import type { FrameProducer } from './producer.js';
import { stillInfo, stillPixels } from './still-picture.js';

/** Pictures whose headers are read between two signs of life. */
const progressEvery = 1000;

/**
 * @param onProgress called now and then while headers are read
 * @throws SONO_SOURCE_MISSING, SONO_FOLDER_EMPTY, SONO_FOLDER_MIXED, SONO_FOLDER_PICTURE, SONO_FOLDER_ANIMATED for a file that
 * is a video of its own: showing only its first picture would lose the others without a word
 */
export async function createFolderProducer(
  path: string,
  framesPerSecond: number,
  onProgress: () => void = () => undefined,
): Promise<FrameProducer> {
  const names = await readdir(path).catch((error: unknown) => {
    throw ingestError('SONO_SOURCE_MISSING', { path }, error);
  });
  const files = pictureNames(names);
  const [first] = files;
  if (first === undefined) throw ingestError('SONO_FOLDER_EMPTY', { path });
  const unreadable = (file: string, error: unknown): Error =>
    ingestError('SONO_FOLDER_PICTURE', { path, file }, error);
  const sizeOf = async (file: string): Promise<{ width: number; height: number }> => {
    const info = await stillInfo(join(path, file)).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    if (info.pictures > 1) throw ingestError('SONO_FOLDER_ANIMATED', { path, file, pictures: info.pictures });
    return info.size;
  };
  // Headers of all pictures first: a folder with mixed sizes is refused before anything is shown.
  const size = await sizeOf(first);
  for (const [index, file] of files.entries()) {
    if (index % progressEvery === progressEvery - 1) onProgress();
    const other = await sizeOf(file);
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
    calibration: uncalibrated,
    frameCount: files.length,
    description: `${files.length} pictures`,
    mediaNs: (index) => Math.round((index * 1e9) / framesPerSecond),
    frame: async (index) => {
      const file = files[index];
      if (file === undefined) throw new RangeError(`no picture ${index}`);
      return stillPixels(join(path, file), null).catch((error: unknown) => {
        throw unreadable(file, error);
      });
    },
  };
}
