/** A DICOM image as a source: a cine of pictures, or a stream of video. Child process. */
import { openImage, type DicomCine, type DicomVideo } from '../dicom/cine.js';
import { SonoError } from '../vocabulary/errors.js';
import { producerOf } from './dicom-producer.js';
import { ingestError } from './errors.js';
import { ProducerFeed, type FrameFeed } from './feed.js';
import type { ResumePoint } from './messages.js';

/** @throws SONO_SOURCE_MISSING, and the codes of openImage, producerOf and openVideoFeed */
export async function openDicomFeed(
  path: string,
  resume: ResumePoint | null,
  onProgress: () => void,
): Promise<FrameFeed> {
  const image = await openImage(path).catch((error: unknown) => {
    throw error instanceof SonoError ? error : ingestError('SONO_SOURCE_MISSING', { path }, error);
  });
  return feedOf(image, path, resume, onProgress);
}

/**
 * @param image closed with the feed, or where there is none
 * @param path for the sentences
 * @throws the codes of producerOf and openVideoFeed
 */
export async function feedOf(
  image: DicomCine | DicomVideo,
  path: string,
  resume: ResumePoint | null,
  onProgress: () => void,
): Promise<FrameFeed> {
  try {
    if (!('stream' in image))
      return new ProducerFeed(await producerOf(image, path), resume?.nextSourceFrame ?? 0);
    // What reads FFmpeg's words takes as long to load as a cine of pictures takes to open.
    const { openVideoFeed } = await import('./dicom-video-feed.js');
    return await openVideoFeed(image, path, resume, onProgress);
  } catch (error) {
    await image.close();
    throw error;
  }
}
