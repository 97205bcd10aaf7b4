/** Which feed gives the pictures of a source that is no camera. Child process; loads only what the source needs. */
import { ProducerFeed, type FrameFeed } from './feed.js';
import type { ResumePoint } from './messages.js';
import type { FrameProducer } from './producer.js';
import type { FedAddress } from './source-uri.js';

/**
 * @param onProgress called now and then while much has to be looked at before the first frame
 * @throws SonoError of the ingest table
 */
export async function openFeed(
  address: FedAddress,
  resume: ResumePoint | null,
  onProgress: () => void,
): Promise<FrameFeed> {
  const made = (producer: FrameProducer): FrameFeed =>
    new ProducerFeed(producer, resume?.nextSourceFrame ?? 0);
  const sign = nowAndThen(onProgress);
  switch (address.kind) {
    case 'file': {
      const { openRecordedFile } = await import('./recorded/feed.js');
      const { path, deinterlacing } = address;
      const feed = await openRecordedFile({ path, file: path, deinterlacing }, resume);
      feed.onPassedOver = sign;
      return feed;
    }
    case 'folder': {
      const { createFolderProducer } = await import('./folder.js');
      return made(await createFolderProducer(address.path, address.framesPerSecond, sign));
    }
    case 'series': {
      const { openSeriesFeed } = await import('./series-feed.js');
      return openSeriesFeed(address, resume, sign);
    }
    case 'dicom': {
      const { openDicomFeed } = await import('./dicom-feed.js');
      return openDicomFeed(address.path, resume, sign);
    }
    case 'archive': {
      const { openArchiveFeed } = await import('./archive-feed.js');
      return openArchiveFeed(address.archive, resume, sign);
    }
    case 'synthetic': {
      const { createSyntheticProducer } = await import('./synthetic/producer.js');
      return made(await createSyntheticProducer(address));
    }
  }
}

/** A sign of life for the watchdog at most this often. */
const signMs = 1000;

function nowAndThen(sign: () => void): () => void {
  let lastMs = -signMs;
  return () => {
    if (performance.now() - lastMs < signMs) return;
    lastMs = performance.now();
    sign();
  };
}
