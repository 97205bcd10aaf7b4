/** Tells what an archive could not send from what is damaged in what it sent. Pure. */
import { SonoError } from '../../vocabulary/errors.js';

const lost: ReadonlySet<string> = new Set([
  'SONO_ARCHIVE_ANSWER',
  'SONO_ARCHIVE_BROKE_OFF',
  'SONO_ARCHIVE_CERTIFICATE',
  'SONO_ARCHIVE_DISK',
  'SONO_ARCHIVE_FAILED',
  'SONO_ARCHIVE_FORBIDDEN',
  'SONO_ARCHIVE_GONE',
  'SONO_ARCHIVE_LOGIN_NEEDED',
  'SONO_ARCHIVE_NO_ANSWER',
  'SONO_ARCHIVE_NOT_DICOMWEB',
  'SONO_ARCHIVE_SILENT',
  'SONO_ARCHIVE_UNAUTHORIZED',
]);

/** Whether a picture is missing because its bytes did not come. */
export function isLostTransfer(error: unknown): boolean {
  return error instanceof SonoError && lost.has(String(error.code));
}
