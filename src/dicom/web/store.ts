/** Storing a DICOM file in an archive (STOW-RS, PS3.18 section 10.5): one file a question, so that what is refused can be named. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { z } from 'zod';
import { SonoError } from '../../vocabulary/errors.js';
import { dicomError } from '../errors.js';
import type { ArchiveHttp } from './http.js';
import { checkArchive } from './studies.js';

const value = z.object({ Value: z.array(z.unknown()).optional() });
const answerSchema = z.object({
  /** Failed SOP Sequence. */
  '00081198': value.optional(),
  /** Referenced SOP Sequence: what was stored. */
  '00081199': value.optional(),
});
/** Also as text. */
const failureSchema = z.object({ '00081197': z.object({ Value: z.array(z.coerce.number()) }) });

/** PS3.18 table 10.5.3-1 and PS3.4 table B.2-1, in words. */
const failureReasons: Readonly<Record<number, string>> = {
  0x0110: 'it has a fault of its own',
  0x0122: 'it takes no objects of this kind',
  0x0124: 'this user may not store files',
  0x0111: 'it has this object already and does not replace it',
};

/**
 * Stores all that the archive takes. What it refuses does not keep the others from being stored.
 * @param paths of DICOM files, in the order in which they refer to each other
 * @param onStored called with each file that it has confirmed
 * @throws SONO_ARCHIVE_NOT_STORED where it took none, SONO_ARCHIVE_STORED_PARTLY where it took some, SONO_ARCHIVE_*
 */
export async function storeFiles(
  http: ArchiveHttp,
  paths: readonly string[],
  signal?: AbortSignal,
  onStored: (path: string) => void = () => undefined,
): Promise<void> {
  // An archive that does not know the user may hang up in the middle of a large file, before it has said so.
  await checkArchive(http, signal);
  const refused: SonoError[] = [];
  for (const path of paths)
    try {
      await storeFile(http, path, signal);
      onStored(path);
    } catch (error) {
      if (!(error instanceof SonoError) || error.code !== 'SONO_ARCHIVE_NOT_STORED') throw error;
      refused.push(error as SonoError);
    }
  const [first] = refused;
  if (first === undefined) return;
  const stored = paths.length - refused.length;
  throw stored === 0
    ? first
    : dicomError('SONO_ARCHIVE_STORED_PARTLY', { ...first.details, stored, total: paths.length }, first);
}

/**
 * @param path of a DICOM file
 * @throws SONO_ARCHIVE_NOT_STORED with the archive's reason, SONO_ARCHIVE_*
 */
export async function storeFile(http: ArchiveHttp, path: string, signal?: AbortSignal): Promise<void> {
  const { size } = await stat(path);
  const boundary = `sonoscope-${randomBytes(12).toString('hex')}`;
  const head = Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const refused = (reason: string, cause?: unknown): SonoError =>
    dicomError('SONO_ARCHIVE_NOT_STORED', { archive: http.name, file: basename(path), reason }, cause);
  const answer = await http
    .json(
      {
        path: '/studies',
        accept: 'application/dicom+json',
        action: 'store files',
        signal,
      },
      {
        contentType: `multipart/related; type="application/dicom"; boundary=${boundary}`,
        bytes: head.length + size + tail.length,
        body: async function* () {
          yield head;
          for await (const piece of createReadStream(path, { end: Math.max(0, size - 1) }))
            yield piece as Buffer;
          yield tail;
        },
      },
    )
    .catch((error: unknown) => {
      if (!(error instanceof SonoError) || error.code !== 'SONO_ARCHIVE_BROKE_OFF') throw error;
      throw refused('the connection broke off, and nobody knows whether all had arrived', error);
    });
  if (answer === null) throw refused('it does not confirm it');
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) throw refused('its answer is not that of a DICOMweb service');
  const failed = parsed.data['00081198']?.Value ?? [];
  if (failed.length > 0) {
    const code = failureSchema.safeParse(failed[0]).data?.['00081197'].Value[0];
    throw refused(code === undefined ? 'it gives no reason' : failureText(code));
  }
  // An archive that takes nothing and says nothing has not stored it.
  if ((parsed.data['00081199']?.Value ?? []).length === 0) throw refused('it does not confirm it');
}

function failureText(code: number): string {
  const known = failureReasons[code];
  const shown = `status ${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (known !== undefined) return `${known} (${shown})`;
  if (code >= 0xa700 && code < 0xa800) return `it has no room left (${shown})`;
  if (code >= 0xa900 && code < 0xaa00) return `the file does not fit its class (${shown})`;
  if (code >= 0xc000 && code < 0xd000) return `it cannot understand the file (${shown})`;
  return shown;
}
