/** What a DICOM SEG takes over from a cine in an archive. Its header alone is fetched. Any Node thread. */
import { openDicom } from '../data-set-file.js';
import { referenceOf, type DicomReference } from '../reference.js';
import type { ArchiveAddress } from './address.js';
import { openObject } from './archive.js';
import { arrivedHeader } from './growing-cine.js';

/** null where it has not the identifiers that a reference needs. @throws SONO_ARCHIVE_*, SONO_DICOM_DAMAGED */
export async function archiveReference(address: ArchiveAddress): Promise<DicomReference | null> {
  await using object = await openObject(address, () => undefined);
  const { spool } = object;
  const { location } = object.address;
  const file =
    (await arrivedHeader(spool, location)) ?? (await openDicom(spool.upTo(await spool.whole()), location));
  return referenceOf(file.set, file.transferSyntaxUid);
}
