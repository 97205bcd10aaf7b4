/**
 * Files of a run that is not finished: written whole or not at all (temporary name, fsync, rename, fsync of the folder), so
 * that whatever is found after a kill is complete. Runs in any Node thread.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replayError } from './errors.js';

export class WorkFolder {
  private constructor(readonly path: string) {}

  /** A folder that is there, or is nobody's: nothing is made. */
  static at(path: string): WorkFolder {
    return new WorkFolder(path);
  }

  static async open(path: string): Promise<WorkFolder> {
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      throw writeProblem(path, error);
    }
    return new WorkFolder(path);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** null where the file does not exist or is not JSON. */
  async read(name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.file(name), 'utf8')) as unknown;
    } catch {
      return null;
    }
  }

  /** On disk when it resolves. Throws SONO_REPLAY_DISK_FULL, SONO_REPLAY_OUT_NOT_WRITABLE. */
  async write(name: string, value: unknown): Promise<void> {
    await writeFileAtomically(this.file(name), JSON.stringify(value));
  }

  async names(): Promise<string[]> {
    return readdir(this.path);
  }

  async removeFile(name: string): Promise<void> {
    await rm(this.file(name), { force: true });
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Files that are being written by this process, by path. */
const writing = new Map<string, Promise<void>>();

/**
 * Writes to one path come one after the other, in the order of the calls: at once they would share the temporary file, and
 * one of them would find it gone. Throws SONO_REPLAY_DISK_FULL, SONO_REPLAY_OUT_NOT_WRITABLE.
 */
export function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const write = (): Promise<void> => writeOnce(path, content);
  const written = (writing.get(path) ?? Promise.resolve()).then(write, write);
  writing.set(path, written);
  const forget = (): void => {
    if (writing.get(path) === written) writing.delete(path);
  };
  written.then(forget, forget);
  return written;
}

async function writeOnce(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.partial`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(join(path, '..'), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeProblem(path, error);
  }
}

export function writeProblem(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)
    ? replayError('SONO_REPLAY_DISK_FULL', { path }, error)
    : replayError('SONO_REPLAY_OUT_NOT_WRITABLE', { path }, error);
}
