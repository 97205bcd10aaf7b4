/** What a DICOM SEG takes over from its source: identifiers and patient and study attributes. Runs in any Node thread. */
import { SonoError } from '../vocabulary/errors.js';
import { readFileHead } from './byte-source.js';
import type { DataSet } from './data-set.js';
import { looksLikeDicom, openDicom, tellingBytes } from './data-set-file.js';

/** What a DICOM SEG takes over from its source and points at; null for sources that are not DICOM. */
export interface DicomReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly studyInstanceUid: string;
  /** SOP Instance UID of each frame, in order, where each is an object of its own; absent: one object holds them all. */
  readonly instances?: readonly string[];
  /**
   * Attributes of patient, study and pictures, by keyword (PatientID, PatientName, StudyDate …). Unicode, whatever character set the
   * source is in, without padding; several values are parted by backslashes. What the source leaves empty is absent.
   */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Attributes of patient, study and pictures, by keyword: those in the basic character set, and those in the file's own. */
const asciiTags = {
  ContentDate: 0x00080023,
  ContentTime: 0x00080033,
  LossyImageCompression: 0x00282110,
  LossyImageCompressionRatio: 0x00282112,
  LossyImageCompressionMethod: 0x00282114,
  StudyDate: 0x00080020,
  StudyTime: 0x00080030,
  PatientBirthDate: 0x00100030,
  PatientSex: 0x00100040,
  Modality: 0x00080060,
  TimezoneOffsetFromUTC: 0x00080201,
  PatientAge: 0x00101010,
  PatientIdentityRemoved: 0x00120062,
  PatientOrientation: 0x00200020,
  NumberOfFrames: 0x00280008,
} as const;
const textTags = {
  AccessionNumber: [0x00080050, 'SH'],
  ReferringPhysicianName: [0x00080090, 'PN'],
  PatientName: [0x00100010, 'PN'],
  PatientID: [0x00100020, 'LO'],
  StudyID: [0x00200010, 'SH'],
  StudyDescription: [0x00081030, 'LO'],
  IssuerOfPatientID: [0x00100021, 'LO'],
  DeidentificationMethod: [0x00120063, 'LO'],
} as const;

/**
 * null for anything that is not a DICOM file with the identifiers that a reference needs.
 * @param uri a path or a file URL
 */
export async function readDicomReference(uri: string): Promise<DicomReference | null> {
  const path = uri.startsWith('file://') ? new URL(uri).pathname : uri;
  const head = await readFileHead(path, tellingBytes);
  if (head === null || !looksLikeDicom(head)) return null;
  const file = await openDicom(path).catch((error: unknown) => {
    // Damaged, or not DICOM after all: whoever plays it says so.
    if (error instanceof SonoError) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    return referenceOf(file.set, file.transferSyntaxUid);
  } finally {
    await file.close();
  }
}

/** null where the identifiers are missing that a reference needs. */
export function referenceOf(set: DataSet, transferSyntaxUid: string): DicomReference | null {
  const sopClassUid = set.ascii(0x00080016);
  const sopInstanceUid = set.ascii(0x00080018);
  const seriesInstanceUid = set.ascii(0x0020000e);
  const studyInstanceUid = set.ascii(0x0020000d);
  if (!sopClassUid || !sopInstanceUid || !seriesInstanceUid || !studyInstanceUid) return null;
  const attributes: Record<string, string> = { TransferSyntaxUID: transferSyntaxUid };
  const values = [
    ...Object.entries(asciiTags).map(([keyword, tag]) => [keyword, set.ascii(tag)] as const),
    ...Object.entries(textTags).map(([keyword, [tag, vr]]) => [keyword, set.text(tag, vr)] as const),
  ];
  for (const [keyword, value] of values) if (value !== undefined) attributes[keyword] = value;
  return { sopClassUid, sopInstanceUid, seriesInstanceUid, studyInstanceUid, attributes };
}
