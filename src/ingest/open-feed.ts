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
  if (address.kind === 'file') {
    const { openRecordedFile } = await import('./recorded/feed.js');
    return openRecordedFile(address.path, address.deinterlacing, resume);
  }
  return new ProducerFeed(await createProducer(address, onProgress), resume?.nextSourceFrame ?? 0);
}

async function createProducer(
  address: Exclude<FedAddress, { kind: 'file' }>,
  onProgress: () => void,
): Promise<FrameProducer> {
  switch (address.kind) {
    case 'folder': {
      const { createFolderProducer } = await import('./folder.js');
      return createFolderProducer(address.path, address.framesPerSecond, onProgress);
    }
    case 'dicom': {
      const { createDicomProducer } = await import('./dicom/producer.js');
      return createDicomProducer(address.path);
    }
    case 'synthetic': {
      const { createSyntheticProducer } = await import('./synthetic/producer.js');
      return createSyntheticProducer(address);
    }
  }
}
