/**
 * A stretch of frames on disk, read back in any order: what lets a video be tracked backwards with bounded memory. A ring
 * file of raw RGB pictures at model size; the newest `capacity` frames are kept. Runs in the replay process.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { AnalysisFrame } from '../vocabulary/frame.js';
import { writeProblem } from './work-folder.js';

interface SpooledFrame extends AnalysisFrame {
  /** The stride leaves this frame out; it is here because a prompt lies on it. */
  readonly between: boolean;
}

export class FrameSpool {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #frameBytes: number;
  readonly #held = new Map<number, Omit<SpooledFrame, 'data'>>();

  private constructor(
    path: string,
    file: FileHandle,
    frameBytes: number,
    readonly capacity: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#frameBytes = frameBytes;
  }

  /** `maxBytes`: most disk space it takes. The file is emptied first. */
  static async create(path: string, frameBytes: number, maxBytes: number): Promise<FrameSpool> {
    try {
      const file = await open(path, 'w+');
      return new FrameSpool(path, file, frameBytes, Math.max(1, Math.floor(maxBytes / frameBytes)));
    } catch (error) {
      throw writeProblem(path, error);
    }
  }

  /** Throws SONO_REPLAY_DISK_FULL, SONO_REPLAY_OUT_NOT_WRITABLE. */
  async put(ordinal: number, frame: SpooledFrame): Promise<void> {
    const { data, ...about } = frame;
    if (data.byteLength !== this.#frameBytes)
      throw new RangeError(`a frame has ${data.byteLength} bytes, not ${this.#frameBytes}`);
    const offset = (ordinal % this.capacity) * this.#frameBytes;
    try {
      let done = 0;
      while (done < data.byteLength)
        done += (await this.#file.write(data, done, data.byteLength - done, offset + done)).bytesWritten;
    } catch (error) {
      throw writeProblem(this.#path, error);
    }
    this.#held.set(ordinal, about);
    this.#held.delete(ordinal - this.capacity);
  }

  has(ordinal: number): boolean {
    return this.#held.has(ordinal);
  }

  async get(ordinal: number): Promise<SpooledFrame> {
    const about = this.#held.get(ordinal);
    if (!about) throw new RangeError(`frame ${ordinal} is not in the spool`);
    const data = new Uint8Array(this.#frameBytes);
    const offset = (ordinal % this.capacity) * this.#frameBytes;
    let done = 0;
    while (done < data.byteLength) {
      const { bytesRead } = await this.#file.read(data, done, data.byteLength - done, offset + done);
      if (bytesRead === 0) throw new RangeError(`frame ${ordinal} is cut off in the spool`);
      done += bytesRead;
    }
    return { ...about, data };
  }

  clear(): void {
    this.#held.clear();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
