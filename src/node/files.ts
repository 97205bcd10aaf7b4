/**
 * Files that are written whole or not at all: under a name beside the final one, to the disk, then renamed. So whatever carries
 * a final name is complete, also after a kill or a power cut. What a file system refuses is told apart here; each room says it
 * in a coded sentence of its own. Runs in any Node thread; rejects with the file system's errors.
 */
import { access, constants, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** `ENOENT` and so on; empty where the error has no code. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** No space on the disk, none left of the user's share, or the longest file that this process may write. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(errnoOf(error));
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'you may not write there',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its name is a file, not a folder',
  EEXIST: 'a part of its name is a file, not a folder',
  ENOENT: 'there is no such folder',
};

/** Why a file cannot be written, as the end of a sentence. */
export function writeReason(error: unknown): string {
  if (isDiskFull(error)) return 'the disk is full';
  return reasons[errnoOf(error)] ?? (error instanceof Error ? error.message : String(error));
}

export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Writes of this process that are under way, by path. */
const writing = new Map<string, Promise<void>>();

/**
 * On the disk when it resolves. Writes to one path come one after the other, in the order of the calls: at the same time they
 * would share the temporary file. The folder must exist. `mode`: who may read the file.
 */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  const write = (): Promise<void> => writeOnce(path, content, mode);
  const written = (writing.get(path) ?? Promise.resolve()).then(write, write);
  writing.set(path, written);
  const forget = (): void => {
    if (writing.get(path) === written) writing.delete(path);
  };
  written.then(forget, forget);
  return written;
}

async function writeOnce(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.partial`;
  try {
    const file = await open(temporary, 'w', mode);
    try {
      await file.writeFile(content);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** For a place that a person has named: a device or a pipe (/dev/stdout) is written to, never replaced. */
export async function writeNamed(path: string, text: string): Promise<void> {
  await ((await isSpecial(path)) ? writeFile(path, text) : writeWhole(path, text));
}

/** Rejects before a long run, not after it, where `writeNamed` would. The folder must exist. */
export async function checkNamed(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
  if (found) await access(path, constants.W_OK);
  if (await isSpecial(path)) return;
  const probe = `${path}.partial`;
  await (await open(probe, 'w')).close();
  await rm(probe);
}

async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && !found.isFile() && !found.isDirectory();
}
