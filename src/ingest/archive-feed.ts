/** A cine in a DICOM archive as a source: shown while it still arrives. Child process. */
import type { ArchiveAddress } from '../dicom/web/address.js';
import { openObject } from '../dicom/web/archive.js';
import { openGrowingCine } from '../dicom/web/growing-cine.js';
import { feedOf } from './dicom-feed.js';
import type { FrameFeed } from './feed.js';
import type { ResumePoint } from './messages.js';

/** @throws SONO_ARCHIVE_*, and the codes of openDicomFeed but SONO_SOURCE_MISSING */
export async function openArchiveFeed(
  address: ArchiveAddress,
  resume: ResumePoint | null,
  onProgress: () => void,
): Promise<FrameFeed> {
  const object = await openObject(address, onProgress);
  const { location } = object.address;
  const image = await openGrowingCine(object.spool, location).catch(async (error: unknown) => {
    await object[Symbol.asyncDispose]();
    throw error;
  });
  const close = async (): Promise<void> => {
    await image.close();
    await object[Symbol.asyncDispose]();
  };
  return feedOf({ ...image, close }, location, resume, onProgress);
}
