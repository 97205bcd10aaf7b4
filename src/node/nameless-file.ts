/** Files that hold pictures of patients for as long as they are shown. Runs in any Node thread; rejects with the file system's errors. */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A file for reading and writing, of this user alone. It has no name, so that nothing is left when the process dies, however it does.
 * @param purpose part of the name that it has for a moment
 */
export async function namelessFile(purpose: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), `sonoscope-${purpose}-`));
  try {
    return await open(join(folder, 'object'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
