/** The rooms that are being served. Rooms come and go while viewers stay connected. Runs in the main process. */
import type { RoomFeed, RoomOutput } from '../outputs/output.js';
import type { Room } from '../pipeline/room.js';
import { serverError } from './errors.js';

export class RoomRegistry {
  readonly #rooms = new Map<string, Room>();
  readonly #feeds = new Map<RoomOutput<Room>, Map<string, RoomFeed>>();

  constructor(rooms: readonly Room[] = []) {
    for (const room of rooms) this.add(room);
  }

  /** Opens every room, those of now and later ones, on an output, until `detach`. A room that is removed is closed there. */
  attach(output: RoomOutput<Room>): void {
    const feeds = new Map<string, RoomFeed>();
    this.#feeds.set(output, feeds);
    for (const room of this.rooms) feeds.set(room.id, output.open(room));
  }

  /** No more rooms for this output; its feeds stay until it is closed itself. */
  detach(output: RoomOutput<Room>): void {
    this.#feeds.delete(output);
  }

  get rooms(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  /** Throws SONO_STREAM_TWICE. The registry does not own the room: closing it stays with whoever opened it. */
  add(room: Room): void {
    if (this.#rooms.has(room.id)) throw serverError('SONO_STREAM_TWICE', { stream: room.id });
    this.#rooms.set(room.id, room);
    for (const [output, feeds] of this.#feeds) feeds.set(room.id, output.open(room));
  }

  /** Throws SONO_STREAM_UNKNOWN. */
  remove(id: string): Room {
    const room = this.get(id);
    this.#rooms.delete(id);
    for (const feeds of this.#feeds.values()) {
      void feeds.get(id)?.close();
      feeds.delete(id);
    }
    return room;
  }

  /** Throws SONO_STREAM_UNKNOWN. */
  get(id: string): Room {
    const room = this.#rooms.get(id);
    if (!room) throw serverError('SONO_STREAM_UNKNOWN', { stream: id });
    return room;
  }
}
