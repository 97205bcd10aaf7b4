/** DICOM files that a run made, into an archive (`replay --store`). */
import { extname } from 'node:path';
import { dicomError } from '../dicom/errors.js';
import { withAccess, type ArchiveAccess } from '../dicom/web/access.js';
import { isArchiveUri } from '../dicom/web/address.js';
import { ArchiveHttp } from '../dicom/web/http.js';
import { checkArchive } from '../dicom/web/studies.js';
import { storeFiles } from '../dicom/web/store.js';
import { SonoError } from '../vocabulary/errors.js';
import { parseArchive } from './archives.js';

/** The word for "where the cine came from". */
export const sourceArchive = 'source';

interface Made {
  readonly input: { readonly uri: string };
  readonly files: readonly string[];
}

/**
 * Before a run that may take hours: whether its results can be stored at all.
 * @param to address of an archive, or `sourceArchive`
 * @throws SONO_ARCHIVE_ADDRESS, and what asking the archive throws
 */
export async function checkStore(
  sources: readonly string[],
  to: string,
  access: ArchiveAccess,
  signal: AbortSignal,
): Promise<void> {
  if (to !== sourceArchive) {
    await using http = new ArchiveHttp(withAccess(parseArchive(to), access));
    await checkArchive(http, signal);
    return;
  }
  const elsewhere = sources.find((uri) => !isArchiveUri(uri));
  if (elsewhere !== undefined)
    throw dicomError('SONO_ARCHIVE_ADDRESS', {
      uri: elsewhere,
      why: 'with "--store source" the cine itself has to come from an archive',
    });
}

/**
 * Of each clip what the archive takes. What it refuses of one keeps nothing else from being stored.
 * @param to address of an archive, or `sourceArchive`, where every source is one of an archive
 * @param onStored called with each file that the archive has confirmed
 * @throws SONO_ARCHIVE_NOT_STORED or SONO_ARCHIVE_STORED_PARTLY for the first that was refused, SONO_ARCHIVE_*
 */
export async function storeResults(
  made: readonly Made[],
  to: string,
  access: ArchiveAccess,
  signal: AbortSignal,
  onStored: (file: string, archive: string) => void,
): Promise<void> {
  let refusal: SonoError | null = null;
  for (const { input, files } of made) {
    const results = files.filter((file) => extname(file) === '.dcm');
    if (results.length === 0) continue;
    await using http = new ArchiveHttp(
      withAccess(parseArchive(to === sourceArchive ? input.uri : to), access),
    );
    try {
      await storeFiles(http, results, signal, (file) => onStored(file, http.name));
    } catch (error) {
      if (
        !(error instanceof SonoError) ||
        !/^SONO_ARCHIVE_(NOT_STORED|STORED_PARTLY)$/.test(String(error.code))
      )
        throw error;
      refusal ??= error as SonoError;
    }
  }
  if (refusal !== null) throw refusal;
}
