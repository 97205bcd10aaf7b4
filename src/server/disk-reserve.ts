/** Space on the data disk that recordings of live rooms may rely on: what viewers send or open stops before it. Runs in the main process. */
import { diskRoom } from '../node/disk-room.js';
import { serverError } from './errors.js';

const gigabyte = 1024 ** 3;

export class DiskReserve {
  /** `bytes` left out: a tenth of the disk, ten gigabytes at most (half an hour of 720p25). */
  constructor(private readonly bytes?: number) {}

  /** Makes sure that `bytes` more fit below `folder`, which exists, without touching the reserve. Throws SONO_DISK_RESERVE,
   * SONO_UPLOAD_DISK_FULL. */
  async check(folder: string, bytes: number): Promise<void> {
    const { freeBytes, reservedBytes } = await diskRoom(folder);
    if (bytes > freeBytes) throw serverError('SONO_UPLOAD_DISK_FULL');
    const reserve = this.bytes ?? reservedBytes;
    if (freeBytes - bytes < reserve)
      throw serverError('SONO_DISK_RESERVE', { reserve: (reserve / gigabyte).toFixed(1) });
  }
}
