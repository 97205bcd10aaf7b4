/** Everything that a server writes is about patients: readable by its own user alone. */
import { chmodSync, mkdirSync } from 'node:fs';
import { dataFolder } from './paths.js';

/** From now on files of this process and its children have mode 600 and folders 700. An existing data folder gets its mode too. */
export function keepFilesPrivate(): void {
  process.umask(0o077);
  const folder = dataFolder();
  try {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o700);
  } catch {
    // If the folder cannot be made or belongs to somebody else, the first write into it reports that.
  }
}
