/** Room on a disk. Runs in any Node thread; rejects with the file system's errors. */
import { statfs } from 'node:fs/promises';

const gigabyte = 1024 ** 3;

interface DiskRoom {
  readonly freeBytes: number;
  /** Of these, what stays for recordings of live rooms unless somebody says otherwise: a tenth of the disk, ten gigabytes at most. */
  readonly reservedBytes: number;
}

/** @param folder exists */
export async function diskRoom(folder: string): Promise<DiskRoom> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, reservedBytes: Math.min(10 * gigabyte, (blocks * bsize) / 10) };
}
