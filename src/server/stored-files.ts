/** Files that a person may list and delete: uploads, and recordings started in the browser. Runs in the main process. */
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf } from '../node/files.js';
import { serverError } from './errors.js';

interface StoredFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly storedUnixMs: number;
}

/** Length of the list, newest first. */
const listed = 1000;

export class StoredFiles {
  constructor(
    readonly directory: string,
    /** Paths that must not be deleted now: being written, shown in a room, or worked on. */
    private readonly inUse: () => Promise<readonly string[]>,
  ) {}

  /** Newest first, without hidden (unfinished) files. */
  async list(): Promise<readonly StoredFile[]> {
    let names: readonly string[];
    try {
      names = await readdir(this.directory);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
    const files: StoredFile[] = [];
    for (const name of names.filter((found) => !found.startsWith('.'))) {
      const path = join(this.directory, name);
      const about = await stat(path).catch(() => null);
      if (about?.isFile())
        files.push({ name, path, bytes: about.size, storedUnixMs: Math.round(about.mtimeMs) });
    }
    return files.sort((a, b) => b.storedUnixMs - a.storedUnixMs).slice(0, listed);
  }

  /** Deletes it for good. Throws SONO_FILE_UNKNOWN, SONO_FILE_IN_USE. */
  async remove(name: string): Promise<void> {
    const path = join(this.directory, name);
    const isPlain = name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name) && basename(path) === name;
    const about = isPlain ? await stat(path).catch(() => null) : null;
    if (!about?.isFile()) throw serverError('SONO_FILE_UNKNOWN', { name: name.slice(0, 200) });
    if ((await this.inUse()).includes(path)) throw serverError('SONO_FILE_IN_USE', { name });
    await rm(path);
  }
}
