/** Whether two files hold the same bytes. Runs in any Node thread; a hanging disk holds one thread of the pool. */
import { open, type FileHandle } from 'node:fs/promises';

const blockBytes = 1024 ** 2;

/**
 * Every byte is compared, but only where the lengths agree; the ends first, because recordings of one machine begin alike. False where one
 * of the two cannot be read or is no file. `signal` ends it: rejects with its reason.
 */
export async function sameBytes(one: string, other: string, signal?: AbortSignal): Promise<boolean> {
  let first: FileHandle | null = null;
  let second: FileHandle | null = null;
  try {
    first = await open(one).catch(() => null);
    second = await open(other).catch(() => null);
    if (first === null || second === null) return false;
    const [about, otherAbout] = await Promise.all([first.stat(), second.stat()]);
    if (!about.isFile() || !otherAbout.isFile() || about.size !== otherAbout.size) return false;
    const last = Math.max(0, about.size - blockBytes);
    if (!(await sameBlock(first, second, last))) return false;
    for (let at = 0; at < last; at += blockBytes) {
      signal?.throwIfAborted();
      if (!(await sameBlock(first, second, at))) return false;
    }
    return true;
  } finally {
    await first?.close();
    await second?.close();
  }
}

async function sameBlock(first: FileHandle, second: FileHandle, position: number): Promise<boolean> {
  const [a, b] = await Promise.all([read(first, position), read(second, position)]);
  return a.equals(b);
}

/** As many bytes as there are, at most one block. */
async function read(file: FileHandle, position: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(blockBytes);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(block, length, blockBytes - length, position + length);
    length += bytesRead;
    if (bytesRead === 0 || length === blockBytes) return block.subarray(0, length);
  }
}
