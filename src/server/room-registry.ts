/** The rooms that are being served. Rooms come and go while viewers stay connected. Runs in the main process. */
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Room } from '../pipeline/room.js';
import { serverError } from './errors.js';

export interface RoomChange {
  readonly kind: 'added' | 'removed';
  readonly room: Room;
}

export class RoomRegistry {
  readonly #rooms = new Map<string, Room>();
  readonly #changes = new Subject<RoomChange>();

  constructor(rooms: readonly Room[] = []) {
    for (const room of rooms) this.add(room);
  }

  get changes$(): Observable<RoomChange> {
    return this.#changes;
  }

  get rooms(): readonly Room[] {
    return [...this.#rooms.values()];
  }

  /** Throws SONO_STREAM_TWICE. The registry does not own the room: closing it stays with whoever opened it. */
  add(room: Room): void {
    if (this.#rooms.has(room.id)) throw serverError('SONO_STREAM_TWICE', { stream: room.id });
    this.#rooms.set(room.id, room);
    this.#changes.next({ kind: 'added', room });
  }

  /** Throws SONO_STREAM_UNKNOWN. */
  remove(id: string): Room {
    const room = this.get(id);
    this.#rooms.delete(id);
    this.#changes.next({ kind: 'removed', room });
    return room;
  }

  /** Throws SONO_STREAM_UNKNOWN. */
  get(id: string): Room {
    const room = this.#rooms.get(id);
    if (!room) throw serverError('SONO_STREAM_UNKNOWN', { stream: id });
    return room;
  }
}
