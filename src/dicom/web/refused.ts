/** What an error of an archive means for whoever asked: another form may help, or its bytes will not come. Pure. */
import { SonoError } from '../../vocabulary/errors.js';

/** Refused in this form: another one may be given. */
export function isFormRefused(error: unknown): boolean {
  return hasStatus(error, 'SONO_ARCHIVE_ANSWER', [400, 406, 415, 422]);
}

/** A question that it does not know, which archives say in many ways; also an answer that cannot be used. */
export function isNotGiven(error: unknown): boolean {
  if (!(error instanceof SonoError)) return false;
  return (
    error.code === 'SONO_ARCHIVE_ANSWER' ||
    error.code === 'SONO_ARCHIVE_GONE' ||
    hasStatus(error, 'SONO_ARCHIVE_FAILED', [500, 501])
  );
}

function hasStatus(error: unknown, code: string, status: readonly number[]): boolean {
  return (
    error instanceof SonoError && error.code === code && status.includes(Number(error.details['status']))
  );
}
