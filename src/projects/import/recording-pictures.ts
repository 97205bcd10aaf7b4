/** What the pictures of a recording are called, for masks that name the picture they are of. Runs in the main process. */
import { readdir } from 'node:fs/promises';
import type { ArchiveAccess } from '../../dicom/web/access.js';
import { parseSourceUri } from '../../ingest/index.js';
import { pictureNames } from '../../ingest/picture-order.js';
import { checkSource } from '../../ingest/preflight.js';
import type { InputItem } from '../../replay/input-item.js';
import { replayToolsFor } from '../../replay/replay-tools.js';
import type { RecordingPictures } from './found-mask.js';

export async function recordingPictures(
  { kind, uri }: InputItem,
  archives: ArchiveAccess | undefined,
): Promise<Pick<RecordingPictures, 'names' | 'instances'>> {
  if (kind === 'recording') return { names: null, instances: null };
  // The source may be gone since its pictures were read: then numbers count.
  const reference = await replayToolsFor(archives)
    .readDicomReference(uri)
    .catch(() => null);
  const instances =
    reference === null
      ? null
      : reference.instances === undefined
        ? { all: reference.sopInstanceUid }
        : { each: reference.instances };
  return { names: await fileNames(uri).catch(() => null), instances };
}

async function fileNames(uri: string): Promise<readonly string[] | null> {
  const address = await checkSource(parseSourceUri(uri));
  return address.kind === 'folder' ? pictureNames(await readdir(address.path)) : null;
}
