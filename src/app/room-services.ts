/** Adding, naming and closing rooms as rows of the server's table. Runs in the main process. */
import { roomOperations } from '../protocol/room-requests.js';
import { defineServices, type Row } from '../server/index.js';
import type { LiveRooms } from './live-rooms.js';

/** `checkSource`: whether viewers may open this address; rejects with a coded error. */
export function roomServices(rooms: LiveRooms, checkSource: (uri: string) => Promise<void>): readonly Row[] {
  return defineServices(roomOperations, {
    'room.add': async ({ uri, label, model, loop }, { asker }) => {
      await checkSource(uri);
      const { id } = await rooms.add({ uri, label, model, loop }, asker);
      return { stream: id };
    },
    'room.rename': ({ stream, label }) => {
      rooms.rename(stream, label);
      return {};
    },
    'room.close': async ({ stream }) => {
      await rooms.close(stream);
      return {};
    },
  });
}
