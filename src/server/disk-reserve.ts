/** Space on the data disk that recordings of live rooms may rely on: what viewers send or open stops before it. Runs in the main process. */
import { statfs } from 'node:fs/promises';
import { serverError } from './errors.js';

const gigabyte = 1024 ** 3;

export class DiskReserve {
  /** `bytes` left out: a tenth of the disk, ten gigabytes at most (half an hour of 720p25). */
  constructor(private readonly bytes?: number) {}

  /** Makes sure that `bytes` more fit below `folder`, which exists, without touching the reserve. Throws SONO_DISK_RESERVE,
   * SONO_UPLOAD_DISK_FULL. */
  async check(folder: string, bytes: number): Promise<void> {
    const { bavail, blocks, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (bytes > free) throw serverError('SONO_UPLOAD_DISK_FULL');
    const reserve = this.bytes ?? Math.min(10 * gigabyte, (blocks * bsize) / 10);
    if (free - bytes < reserve)
      throw serverError('SONO_DISK_RESERVE', { reserve: (reserve / gigabyte).toFixed(1) });
  }
}
