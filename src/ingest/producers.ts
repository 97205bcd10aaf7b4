/** Which producer makes the frames of a pushed source. Child process; loads only what the source needs. */
import type { FrameProducer } from './producer.js';
import type { SourceAddress } from './source-uri.js';

/** @param onProgress called now and then while much has to be looked at before the first frame */
export async function createProducer(
  address: Extract<SourceAddress, { kind: 'dicom' | 'folder' | 'synthetic' }>,
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
