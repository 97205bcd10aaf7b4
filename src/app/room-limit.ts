/** How many rooms one machine takes. Pure. */
import type { SonoError } from '../vocabulary/errors.js';
import { cliError } from './errors.js';

export interface RoomCapacity {
  readonly cores: number;
  readonly freeMemoryBytes: number;
  /** Rooms that may be open at once. */
  readonly most: number;
}

const gigabyte = 1024 ** 3;

/** What one more room takes: its model in the server, its source's processes and the pictures that are held for two seconds. */
const roomBytes = 0.75 * gigabyte;

/** Why no other room can be opened beside so many, null: it can. SONO_ROOMS_FULL, SONO_ROOMS_MEMORY. */
export function roomRefusal(open: number, { cores, freeMemoryBytes, most }: RoomCapacity): SonoError | null {
  if (open >= most) return cliError('SONO_ROOMS_FULL', { cores, limit: most });
  if (freeMemoryBytes < roomBytes)
    return cliError('SONO_ROOMS_MEMORY', {
      free: (freeMemoryBytes / gigabyte).toFixed(1),
      needed: (roomBytes / gigabyte).toFixed(1),
    });
  return null;
}
