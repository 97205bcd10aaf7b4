/**
 * An object of an archive that can be read at any place while it still arrives: its bytes go into a file without a name, which is
 * gone with the process. Child process of a source.
 */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isDiskFull } from '../../node/files.js';
import { namelessFile } from '../../node/nameless-file.js';
import type { SonoError } from '../../vocabulary/errors.js';
import type { ByteSource } from '../byte-source.js';
import { dicomError } from '../errors.js';
import type { ArchiveHttp } from './http.js';
import { MultipartError } from './multipart.js';

export interface Piece {
  /** Where in the object it begins. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Who gives the bytes of an object. */
export interface Supply {
  readonly http: ArchiveHttp;
  /**
   * Pieces that follow each other up to the end of the object, beginning where the supply likes, but not behind `have`. Asked again,
   * from where it may go on, after a break.
   * @throws MultipartError; SONO_ARCHIVE_*, or what reading an answer throws
   */
  pieces(have: number, signal: AbortSignal): AsyncIterable<Piece>;
}

interface Waiter {
  readonly end: number;
  readonly wake: () => void;
}

export class Spool implements AsyncDisposable {
  #received = 0;
  #complete = false;
  #failure: SonoError | null = null;
  #waiters: Waiter[] = [];
  readonly #leaving = new AbortController();
  readonly #arrival: Promise<void>;

  private constructor(
    private readonly supply: Supply,
    private readonly file: FileHandle,
    /** Called as bytes arrive, and when the archive is asked again. */
    private readonly onProgress: () => void,
  ) {
    this.#arrival = this.#receive();
  }

  /**
   * Asks for the object; resolves when its first bytes are there.
   * @throws SONO_ARCHIVE_*
   */
  static async open(supply: Supply, onProgress: () => void): Promise<Spool> {
    const uri = supply.http.address.location;
    const file = await namelessFile('archive').catch((error: unknown) => {
      throw dicomError('SONO_ARCHIVE_DISK', { uri, folder: tmpdir() }, error);
    });
    const spool = new Spool(supply, file, onProgress);
    try {
      await spool.#until(1);
      if (spool.#received === 0) throw spool.#failure ?? dicomError('SONO_ARCHIVE_GONE', { uri });
    } catch (error) {
      await spool[Symbol.asyncDispose]();
      throw error;
    }
    return spool;
  }

  /** What is there now: bytes, and whether that is all. */
  get state(): { readonly bytes: number; readonly isWhole: boolean } {
    return { bytes: this.#received, isWhole: this.#complete };
  }

  /**
   * Bytes from `offset` on, as soon as all of them have arrived; fewer at the end of the object.
   * @throws SONO_ARCHIVE_* where they cannot come any more
   */
  async read(offset: number, length: number): Promise<Buffer> {
    await this.#until(offset + length);
    const end = Math.min(offset + length, this.#received);
    if (this.#failure !== null && offset + length > this.#received) throw this.#failure;
    const buffer = Buffer.alloc(Math.max(0, end - offset));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.file.read(buffer, filled, buffer.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  /** Resolves with the number of bytes when all are there. @throws SONO_ARCHIVE_* */
  async whole(): Promise<number> {
    await this.#until(Infinity);
    if (this.#failure !== null) throw this.#failure;
    return this.#received;
  }

  /**
   * Resolves with `state` when at least so many bytes are there, or all.
   * @throws SONO_ARCHIVE_* where they cannot come any more
   */
  async arrived(bytes: number): Promise<Spool['state']> {
    await this.#until(bytes);
    if (this.#received < bytes && this.#failure !== null) throw this.#failure;
    return this.state;
  }

  /** The first `size` bytes, which have arrived, as a source of their own. */
  upTo(size: number): ByteSource {
    const room = (offset: number, length: number): number => Math.max(0, Math.min(length, size - offset));
    return {
      size,
      fd: this.file.fd,
      read: (offset, length) => this.read(offset, room(offset, length)),
      readNow: (offset, length) => {
        const bytes = Buffer.allocUnsafeSlow(room(offset, length));
        return bytes.subarray(
          0,
          bytes.length === 0 ? 0 : readSync(this.file.fd, bytes, 0, bytes.length, offset),
        );
      },
      close: () => Promise.resolve(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort();
    await this.#arrival;
    await this.file.close();
  }

  #until(end: number): Promise<void> {
    if (this.#received >= end || this.#complete || this.#failure !== null) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ end, wake: resolve }));
  }

  #wake(): void {
    const isOver = this.#complete || this.#failure !== null;
    const woken = this.#waiters.filter(({ end }) => isOver || end <= this.#received);
    if (woken.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !woken.includes(waiter));
    for (const { wake } of woken) wake();
  }

  /** Until all is there; asked again where the connection breaks. */
  async #receive(): Promise<void> {
    const { http } = this.supply;
    for (let attempt = 1; ; attempt += 1) {
      const before = this.#received;
      try {
        await this.#transfer();
        this.#complete = true;
        break;
      } catch (error) {
        const coded = this.#coded(error);
        const mayHelp = coded.code === 'SONO_ARCHIVE_BROKE_OFF' || coded.code === 'SONO_ARCHIVE_SILENT';
        // A try that brought something new does not count.
        if (this.#received > before) attempt = 1;
        if (!mayHelp || attempt >= http.limits.attempts || this.#leaving.signal.aborted) {
          this.#failure = coded;
          break;
        }
        this.onProgress();
        await http.pauseBefore(attempt, this.#leaving.signal).catch(() => undefined);
      }
    }
    this.#wake();
  }

  async #transfer(): Promise<void> {
    let end = 0;
    for await (const piece of this.supply.pieces(this.#received, this.#leaving.signal)) {
      await this.#take(piece);
      end = piece.at + piece.bytes.length;
      this.onProgress();
    }
    if (end < this.#received) throw changed();
  }

  /** Bytes that are there already are compared, so that two states of an object are never mixed. */
  async #take({ at, bytes }: Piece): Promise<void> {
    const known = Math.min(bytes.length, Math.max(0, this.#received - at));
    if (known > 0) {
      const { buffer } = await this.file.read(Buffer.alloc(known), 0, known, at);
      if (!buffer.equals(bytes.subarray(0, known))) throw changed();
    }
    if (bytes.length > known) {
      const fresh = bytes.subarray(known);
      for (let done = 0; done < fresh.length;) {
        const { bytesWritten } = await this.file.write(fresh, done, fresh.length - done, at + known + done);
        done += bytesWritten;
      }
      this.#received += fresh.length;
      this.#wake();
    }
  }

  #coded(error: unknown): SonoError {
    const { http } = this.supply;
    const { location } = http.address;
    if (error instanceof MultipartError)
      // Cut off by a server that died, or by one that says no length.
      return /ended/.test(error.message)
        ? dicomError('SONO_ARCHIVE_BROKE_OFF', { archive: http.name, attempts: http.limits.attempts }, error)
        : dicomError('SONO_ARCHIVE_ANSWER', { archive: http.name, why: error.message }, error);
    if (isDiskFull(error)) return dicomError('SONO_ARCHIVE_DISK', { uri: location, folder: tmpdir() }, error);
    return http.problem(error);
  }
}

const changed = (): MultipartError => new MultipartError('the object was changed while it was being read');
