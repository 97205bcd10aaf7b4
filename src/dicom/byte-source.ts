/** Bytes that are read where they are needed, however many there are. Any Node thread. */
import { readSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bytes of a source, from `at` on. */
export interface ByteRange {
  readonly at: number;
  readonly length: number;
}

export interface ByteSource {
  /** Bytes when it was opened. */
  readonly size: number;
  /** Open file that holds the bytes, for another program to read (`/proc/PID/fd/N`); null: they are in memory. */
  readonly fd: number | null;
  /** @returns `length` bytes from `offset`, fewer at the end */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * The same without giving way to anything else, for the few bytes in front of each of thousands of fragments, which cost less than
   * waiting for them. Only in the stream's own process: a file on a share may hang.
   */
  readNow(offset: number, length: number): Uint8Array;
  close(): Promise<void>;
}

export function memorySource(bytes: Uint8Array): ByteSource {
  const read = (offset: number, length: number): Uint8Array => bytes.subarray(offset, offset + length);
  return {
    size: bytes.length,
    fd: null,
    read: (offset, length) => Promise.resolve(read(offset, length)),
    readNow: read,
    close: () => Promise.resolve(),
  };
}

/** @throws the error of the file system where the file cannot be opened */
export async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path, 'r');
  const { size } = await file.stat().catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  /** Nothing is allocated for what lies behind the end. */
  const room = (offset: number, length: number): number => Math.max(0, Math.min(length, size - offset));
  return {
    size,
    fd: file.fd,
    async read(offset, length) {
      const bytes = Buffer.allocUnsafeSlow(room(offset, length));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    readNow(offset, length) {
      const bytes = Buffer.allocUnsafeSlow(room(offset, length));
      return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(file.fd, bytes, 0, bytes.length, offset));
    },
    close: () => file.close(),
  };
}

/** The first bytes of a file; null where it cannot be read. */
export async function readFileHead(path: string, length: number): Promise<Uint8Array | null> {
  try {
    const source = await fileSource(path);
    try {
      return await source.read(0, length);
    } finally {
      await source.close();
    }
  } catch {
    return null;
  }
}
