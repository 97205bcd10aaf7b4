/** What a DICOM file without pictures is, for the sentence that refuses it. Pure. */
import type { DicomFile } from './data-set-file.js';
import { dicomError } from './errors.js';

/** By the beginning of the SOP class UID. */
const kinds: readonly (readonly [uid: string, kind: string])[] = [
  ['1.2.840.10008.5.1.4.1.1.88.', 'it is a report'],
  ['1.2.840.10008.5.1.4.1.1.104.', 'it is a document'],
  ['1.2.840.10008.5.1.4.1.1.11.', 'it says how other pictures are shown'],
  ['1.2.840.10008.5.1.4.1.1.9.', 'it is a waveform or a sound'],
  ['1.2.840.10008.5.1.4.1.1.66', 'it is about other pictures'],
  ['1.2.840.10008.1.3.10', 'it is the list of a disk: choose one of the files beside it'],
];

/** @returns SONO_DICOM_NO_PIXELS, or SONO_DICOM_ENCRYPTED where the pictures may be in what is encrypted */
export function withoutPictures({ path, set, meta, pixels }: DicomFile): Error {
  if (pixels === null && set.has(0x04000500)) return dicomError('SONO_DICOM_ENCRYPTED', { path });
  const sopClass = set.ascii(0x00080016) ?? meta.ascii(0x00020002) ?? '';
  const kind = kinds.find(([uid]) => sopClass.startsWith(uid))?.[1];
  return dicomError('SONO_DICOM_NO_PIXELS', { path, what: kind ?? 'it says that it has none' });
}
