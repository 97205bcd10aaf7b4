/** Folders that people name on the command line. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it; says whether there was anything to make. Not mkdir's own recursion, which never ends where
 * the system makes no folders (/proc). Rejects as mkdir does.
 */
export async function makeFolder(path: string): Promise<boolean> {
  const information = await stat(path).catch(() => null);
  if (information?.isDirectory()) return false;
  if (information === null && dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path);
  return true;
}
