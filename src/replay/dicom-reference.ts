/** What a DICOM SEG takes over from its source: identifiers and patient and study attributes. Runs in any Node thread. */
import { open, readFile } from 'node:fs/promises';
import dicomParser from 'dicom-parser';
import type { DicomReference } from '../export/exporter.js';

/** Attributes of patient, study and pictures, by keyword. */
const attributeTags = {
  TransferSyntaxUID: 'x00020010',
  ContentDate: 'x00080023',
  ContentTime: 'x00080033',
  LossyImageCompression: 'x00282110',
  LossyImageCompressionRatio: 'x00282112',
  LossyImageCompressionMethod: 'x00282114',
  StudyDate: 'x00080020',
  StudyTime: 'x00080030',
  AccessionNumber: 'x00080050',
  ReferringPhysicianName: 'x00080090',
  PatientName: 'x00100010',
  PatientID: 'x00100020',
  PatientBirthDate: 'x00100030',
  PatientSex: 'x00100040',
  StudyID: 'x00200010',
} as const;

/** null for anything that is not a DICOM file with the identifiers that a reference needs. */
export async function readDicomReference(uri: string): Promise<DicomReference | null> {
  const path = uri.startsWith('file://') ? new URL(uri).pathname : uri;
  if (!(await isDicom(path))) return null;
  const data = dicomParser.parseDicom(await readFile(path), { untilTag: 'x7fe00010' });
  const sopClassUid = data.string('x00080016');
  const sopInstanceUid = data.string('x00080018');
  const seriesInstanceUid = data.string('x0020000e');
  const studyInstanceUid = data.string('x0020000d');
  if (!sopClassUid || !sopInstanceUid || !seriesInstanceUid || !studyInstanceUid) return null;
  return {
    sopClassUid,
    sopInstanceUid,
    seriesInstanceUid,
    studyInstanceUid,
    attributes: Object.fromEntries(
      Object.entries(attributeTags).flatMap(([keyword, tag]) => {
        const value = data.string(tag);
        return value === undefined ? [] : [[keyword, value]];
      }),
    ),
  };
}

/** The letters DICM behind the preamble. */
async function isDicom(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 128);
      return bytesRead === 4 && buffer.toString('latin1') === 'DICM';
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
