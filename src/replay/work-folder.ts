/**
 * Files of a run that is not finished: written whole or not at all (temporary name, fsync, rename, fsync of the folder), so
 * that whatever is found after a kill is complete. Runs in any Node thread.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { isDiskFull, writeWhole } from '../node/files.js';
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

  /** null where the file does not exist, is not JSON, or is not what `schema` describes (damaged, or of another program). */
  async read<Value>(name: string, schema: z.ZodType<Value>): Promise<Value | null> {
    try {
      return schema.parse(JSON.parse(await readFile(this.file(name), 'utf8')));
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

/** Throws SONO_REPLAY_DISK_FULL, SONO_REPLAY_OUT_NOT_WRITABLE. */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
  await writeWhole(path, content).catch((error: unknown) => {
    throw writeProblem(path, error);
  });
}

export function writeProblem(path: string, error: unknown): Error {
  return isDiskFull(error)
    ? replayError('SONO_REPLAY_DISK_FULL', { path }, error)
    : replayError('SONO_REPLAY_OUT_NOT_WRITABLE', { path }, error);
}
