/** Space on the data disk that recordings of live rooms may rely on: what viewers send or open stops before it. Runs in the main process. */
import { statfs } from 'node:fs/promises';
import { serverError } from './errors.js';

const gigabyte = 1024 ** 3;

export class DiskReserve {
  /** `bytes` null: a tenth of the disk, ten gigabytes at most (half an hour of 720p25). */
  constructor(private readonly bytes: number | null = null) {}

  /** Makes sure that `bytes` more fit below `folder`, which exists, without touching the reserve. Throws SONO_DISK_RESERVE. */
  async check(folder: string, bytes: number): Promise<void> {
    const { bavail, blocks, bsize } = await statfs(folder);
    const reserve = this.bytes ?? Math.min(10 * gigabyte, (blocks * bsize) / 10);
    if (bavail * bsize - bytes < reserve)
      throw serverError('SONO_DISK_RESERVE', { reserve: (reserve / gigabyte).toFixed(1) });
  }
}
