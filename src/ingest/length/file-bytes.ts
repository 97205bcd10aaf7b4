/** Reading a file's tables at any place, some kilobytes at a time. Child process. */
import type { FileHandle } from 'node:fs/promises';

const windowBytes = 1 << 16;

/** Reads at any place, through one window. Beyond the end there is nothing: reads come back shorter. */
export class FileBytes {
  #window = Buffer.alloc(0);
  #start = 0;

  constructor(
    private readonly file: FileHandle,
    readonly size: number,
    /** Where in the file the bytes begin that are read. */
    private readonly base = 0,
  ) {}

  async read(offset: number, length: number): Promise<Buffer> {
    if (!(offset >= 0) || offset >= this.size) return Buffer.alloc(0);
    if (offset < this.#start || offset + length > this.#start + this.#window.length) {
      const window = Buffer.alloc(Math.min(Math.max(length, windowBytes), this.size - offset));
      const { bytesRead } = await this.file.read(window, 0, window.length, this.base + offset);
      this.#window = window.subarray(0, bytesRead);
      this.#start = offset;
    }
    return this.#window.subarray(offset - this.#start, offset - this.#start + length);
  }
}

/** Elements looked at before a file is given up: tables that lead in circles end here. */
export const mostSteps = 500_000;

/** For steps towards the beginning: the window read lies before the place instead of behind it. */
export async function readBackwards(bytes: FileBytes, at: number, length: number): Promise<Buffer> {
  const start = Math.max(0, Math.floor((at + length - windowBytes) / 4096 + 1) * 4096);
  if (at < start) return bytes.read(at, length);
  const window = await bytes.read(Math.min(start, at), Math.min(windowBytes, bytes.size - start));
  return window.subarray(at - start, at - start + length);
}
