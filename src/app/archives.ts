/** DICOM archives as the operator names them: their addresses, who may ask them, whose certificates are trusted. */
import { dicomError } from '../dicom/errors.js';
import { readLogins, readTrusted, splitLogin, type ArchiveAccess } from '../dicom/web/access.js';
import { parseArchiveUri } from '../dicom/web/address.js';
import { redact } from '../node/redact.js';
import { fromInvocation } from './paths.js';

export interface ArchiveFlags {
  /** Archives that the page may search. */
  readonly archive?: readonly string[];
  readonly archiveLogins?: string;
  readonly archiveCa?: string;
}

interface Archives {
  readonly access: ArchiveAccess;
  /** Addresses of archives to search, without logins. */
  readonly archives: readonly string[];
  /** What was given, without the logins of archives: fit to be kept and shown. */
  readonly sources: readonly string[];
}

/**
 * `--archive`, `--archive-logins`, `--archive-ca`, SONO_ARCHIVE (addresses with logins, parted by spaces), and the logins in
 * `sources`. The variable is removed from the environment, so that no child process gets it. A login belongs to its host and
 * port and goes nowhere else.
 * @param sources addresses and paths as the operator wrote them
 * @throws SONO_ARCHIVE_ADDRESS, SONO_ARCHIVE_LOGINS, SONO_ARCHIVE_CA
 */
export async function archivesOf(flags: ArchiveFlags, sources: readonly string[]): Promise<Archives> {
  const fromEnvironment = (process.env['SONO_ARCHIVE'] ?? '').split(/\s+/).filter((uri) => uri !== '');
  delete process.env['SONO_ARCHIVE'];
  const named = [...(flags.archive ?? []), ...fromEnvironment].map(
    (uri) => parseArchive(uri) && splitLogin(uri, wrongAddress(uri)),
  );
  // What is wrong with the address of a source is said when it is opened.
  const given = sources.map((uri) => {
    try {
      return splitLogin(uri, wrongAddress(uri));
    } catch {
      return { uri, logins: [] };
    }
  });
  const fromFile =
    flags.archiveLogins === undefined ? [] : await readLogins(fromInvocation(flags.archiveLogins));
  return {
    access: {
      logins: [...[...named, ...given].flatMap(({ logins }) => logins), ...fromFile],
      trusted: flags.archiveCa === undefined ? null : await readTrusted(fromInvocation(flags.archiveCa)),
    },
    archives: [...new Set(named.map(({ uri }) => uri))],
    sources: given.map(({ uri }) => uri),
  };
}

function wrongAddress(uri: string): (why: string) => Error {
  return (why) => dicomError('SONO_ARCHIVE_ADDRESS', { uri: redact(uri), why });
}

/** @throws SONO_ARCHIVE_ADDRESS for anything but an archive's address */
export function parseArchive(uri: string): ReturnType<typeof parseArchiveUri> {
  return parseArchiveUri(uri, wrongAddress(uri));
}
