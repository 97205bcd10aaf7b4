/** Files and folders that grow under `<name>.partial` and get their final name in one step. Runs in the main process. */
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exists, isDiskFull } from '../node/files.js';
import { SonoError } from '../vocabulary/errors.js';
import { exportError } from './errors.js';

/** Turns what the file system says into what a person can act on. */
export function writeError(path: string, error: unknown): Error {
  if (error instanceof SonoError) return error;
  return isDiskFull(error)
    ? exportError('SONO_EXPORT_DISK_FULL', { path }, error)
    : exportError('SONO_EXPORT_NOT_WRITABLE', { path }, error);
}

const partialName = (path: string): string => `${path}.partial`;

/** One growing file. Writes run one after the other; `position` is where the next one goes. */
export class PartialFile {
  #position: number;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle | null,
    position: number,
  ) {
    this.#position = position;
  }

  /**
   * `bytes` null: a new file. Else the length at the last checkpoint: what lies behind is cut off. If a run was killed
   * after its files had been renamed, the file is already `complete`.
   */
  static async open(path: string, bytes: number | null): Promise<PartialFile> {
    const partial = partialName(path);
    try {
      if (bytes === null) {
        if (await exists(path)) throw exportError('SONO_EXPORT_EXISTS', { path });
        await mkdir(dirname(path), { recursive: true });
        return new PartialFile(path, await open(partial, 'w+'), 0);
      }
      const found = await stat(partial).catch(() => null);
      if (found === null && (await exists(path))) return new PartialFile(path, null, bytes);
      if (found === null || found.size < bytes)
        throw exportError('SONO_EXPORT_RESUME_BROKEN', { path: partial });
      const file = await open(partial, 'r+');
      await file.truncate(bytes);
      return new PartialFile(path, file, bytes);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  get position(): number {
    return this.#position;
  }

  get complete(): boolean {
    return this.file === null;
  }

  async append(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    await this.#write(bytes, this.#position);
    this.#position += bytes.byteLength;
  }

  /** Over what is already there: counts and sizes that are known only at the end. */
  overwrite(data: Uint8Array, position: number): Promise<void> {
    return this.#write(data, position);
  }

  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const result = await this.#handle().read(buffer, 0, length, position);
    return buffer.subarray(0, result.bytesRead);
  }

  async sync(): Promise<number> {
    try {
      await this.file?.datasync();
    } catch (error) {
      throw writeError(this.path, error);
    }
    return this.#position;
  }

  /** The final name. */
  async finish(): Promise<string> {
    if (this.file === null) return this.path;
    try {
      await this.file.datasync();
      await this.file.close();
      await rename(partialName(this.path), this.path);
      return this.path;
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** For notes that only the unfinished run needs. */
  async discard(): Promise<void> {
    await this.close();
    await rm(partialName(this.path), { force: true });
  }

  async close(): Promise<void> {
    await this.file?.close().catch(() => undefined);
  }

  #handle(): FileHandle {
    if (this.file === null) throw exportError('SONO_EXPORT_RESUME_BROKEN', { path: this.path });
    return this.file;
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await this.#handle().write(
          bytes,
          done,
          bytes.byteLength - done,
          position + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw writeError(this.path, error);
    }
  }
}

/** A folder of files. Files written again after a resume come out the same, so nothing needs to be cut. */
export class PartialFolder {
  private constructor(
    readonly path: string,
    readonly complete: boolean,
  ) {}

  static async open(path: string, resumed: boolean): Promise<PartialFolder> {
    try {
      const partial = partialName(path);
      if (await exists(path)) {
        if (resumed && !(await exists(partial))) return new PartialFolder(path, true);
        throw exportError('SONO_EXPORT_EXISTS', { path });
      }
      if (resumed && !(await exists(partial)))
        throw exportError('SONO_EXPORT_RESUME_BROKEN', { path: partial });
      if (!resumed) await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { recursive: true });
      return new PartialFolder(path, false);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  async write(name: string, data: Uint8Array): Promise<void> {
    const path = `${partialName(this.path)}/${name}`;
    try {
      const file = await open(path, 'w');
      try {
        await file.writeFile(data);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw writeError(path, error);
    }
  }

  async finish(): Promise<string> {
    if (this.complete) return this.path;
    try {
      await rename(partialName(this.path), this.path);
      return this.path;
    } catch (error) {
      throw writeError(this.path, error);
    }
  }
}
