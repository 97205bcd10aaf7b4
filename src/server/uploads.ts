/**
 * Recordings that a viewer sends to the server: streamed to `<data>/uploads`, never held in memory. An unfinished file is
 * called `….part` and removed when the upload fails. Runs in the main process.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, isDiskFull } from '../node/files.js';
import { sameBytes } from '../node/same-bytes.js';
import { DiskReserve } from './disk-reserve.js';
import { isSonoError, serverError } from './errors.js';

interface StoredUpload {
  /** Name in the upload folder. It differs from the requested name if that was taken. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** A file with the same bytes had been sent before: it is that one, and nothing was added. */
  readonly already: boolean;
}

/** The free space on the disk is checked each time this many bytes have arrived. */
const reserveCheckBytes = 16 * 1024 ** 2;
/** An upload that brings fewer bytes than this within this time is given up. */
const slowestBytes = 64 * 1024;
const paceMs = 60_000;

/** File systems allow 255 bytes; the difference is for a number and for suffixes that are added later. */
const longestNameBytes = 200;

/** A file name without folders and control characters, not hidden. Throws SONO_UPLOAD_NAME where nothing is left. */
export function safeFileName(asked: string): string {
  const name = basename(asked.replaceAll('\\', '/'))
    .replace(/[\u0000-\u001f\u007f<>:"|?*]/g, '_')
    .replace(/^\.+/, '')
    .trim();
  const ending = extname(name).slice(0, 16);
  const stem = [...name.slice(0, name.length - extname(name).length)];
  while (Buffer.byteLength(stem.join('') + ending) > longestNameBytes) stem.pop();
  if (stem.length === 0) throw serverError('SONO_UPLOAD_NAME');
  return stem.join('') + ending;
}

export class Uploads {
  #running = 0;
  /** Sizes of files that lie there, so that each is asked for once. What they hold is compared each time. */
  readonly #bytesOf = new Map<string, number>();

  constructor(
    readonly directory: string,
    private readonly maxBytes: number,
    private readonly reserve = new DiskReserve(),
    private readonly atOnce = 4,
  ) {}

  /**
   * `declaredBytes`: Content-Length where the client gave one. Throws SONO_UPLOAD_NAME, _TOO_LARGE, _EMPTY, _CUT,
   * _DISK_FULL, _UNWRITABLE, SONO_DISK_RESERVE, SONO_TOO_MANY_REQUESTS.
   */
  async store(asked: string, body: Readable, declaredBytes: number | null): Promise<StoredUpload> {
    const name = safeFileName(asked);
    if (declaredBytes !== null && declaredBytes > this.maxBytes)
      throw serverError('SONO_UPLOAD_TOO_LARGE', { limit: this.maxBytes });
    if (this.#running >= this.atOnce) throw serverError('SONO_TOO_MANY_REQUESTS');
    this.#running += 1;
    try {
      return await this.#write(name, body, declaredBytes ?? 0);
    } finally {
      this.#running -= 1;
    }
  }

  async #write(name: string, body: Readable, declaredBytes: number): Promise<StoredUpload> {
    let bytes = 0;
    let checkedBytes = 0;
    const count = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.byteLength;
        if (bytes > this.maxBytes) done(serverError('SONO_UPLOAD_TOO_LARGE', { limit: this.maxBytes }));
        else if (bytes - checkedBytes < reserveCheckBytes) done(null, chunk);
        else {
          // Checked again on the way: others write too, and not every sender says how many bytes will come.
          checkedBytes = bytes;
          this.reserve.check(this.directory, 0).then(() => done(null, chunk), done);
        }
      },
    });
    // A very slow sender would occupy one of the few places for hours.
    let bytesBefore = 0;
    const pace = setInterval(() => {
      if (bytes - bytesBefore < slowestBytes) count.destroy(serverError('SONO_UPLOAD_CUT'));
      bytesBefore = bytes;
    }, paceMs);
    // Random, so that two uploads of one name do not write into each other.
    const unfinished = join(
      this.directory,
      `.${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}.part`,
    );
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      await this.reserve.check(this.directory, declaredBytes);
      await pipeline(body, count, createWriteStream(unfinished, { flags: 'wx', mode: 0o600 }));
      if (bytes === 0) throw serverError('SONO_UPLOAD_EMPTY');
      const before = await this.#sameAs(unfinished, bytes);
      if (before !== null) {
        await rm(unfinished, { force: true });
        return { name: before, path: join(this.directory, before), bytes, already: true };
      }
      const path = await this.#ownPath(name);
      await rename(unfinished, path).catch(async (error: unknown) => {
        await rm(path, { force: true });
        throw error;
      });
      return { name: basename(path), path, bytes, already: false };
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      if (isSonoError(error)) throw error;
      if (isDiskFull(error)) throw serverError('SONO_UPLOAD_DISK_FULL', {}, error);
      if (['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ABORT_ERR'].includes(errnoOf(error)))
        throw serverError('SONO_UPLOAD_CUT', {}, error);
      throw serverError('SONO_UPLOAD_UNWRITABLE', { directory: this.directory }, error);
    } finally {
      clearInterval(pace);
    }
  }

  /** Name of a file that was sent before and has the same bytes; null: there is none. */
  async #sameAs(path: string, bytes: number): Promise<string | null> {
    const names = await readdir(this.directory);
    const present = new Set(names);
    for (const name of this.#bytesOf.keys()) if (!present.has(name)) this.#bytesOf.delete(name);
    for (const name of names) {
      if (name.startsWith('.')) continue;
      const other = join(this.directory, name);
      const known = this.#bytesOf.get(name) ?? (await stat(other).catch(() => null))?.size ?? 0;
      // An empty file is an upload that ends just now: its size is asked for again.
      if (known > 0) this.#bytesOf.set(name, known);
      if (known === bytes && (await sameBytes(path, other))) return name;
    }
    return null;
  }

  /**
   * `case.mp4`, else `case-1.mp4`, …: made as an empty file, so that it belongs to this upload and to no other that ends at
   * the same moment.
   */
  async #ownPath(name: string): Promise<string> {
    const ending = extname(name);
    const stem = name.slice(0, name.length - ending.length);
    for (let number = 0; ; number++) {
      const path = join(this.directory, number === 0 ? name : `${stem}-${number}${ending}`);
      try {
        await (await open(path, 'wx')).close();
        return path;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
  }
}
