/**
 * Outputs: where a room's messages go. The viewers' sockets (src/server/hub.ts) and recordings (src/record/recorder.ts) are
 * two; others (OpenIGTLink, MQTT, DICOMweb) are a file in this folder and one element of the list in
 * src/app/live-session.ts. Runs in the main process.
 *
 * Who closes whom. The application opens a room on each output and closes the outputs before the rooms, so that they still
 * get what the rooms have sent. An output never closes a room. A feed ends with its `close`, with that of its output, or
 * with the room (its events complete).
 *
 * What waits. `events$` delivers at once and never waits for an output. An output whose far side is slower than the room has
 * an Outbox (outbox.ts): of each channel the newest message waits, an older one is dropped and counted through
 * `countClientDrop`, which shows in the room's health and in the metrics as drops of stage `client`. An output that may
 * not drop (a recording) has a bound as well, and ends with a coded error when it is reached.
 */
import type { Observable } from 'rxjs';
import type { WireEvent, WireRoom } from '../protocol/room-messages.js';

/** What an output sees of a room; src/protocol/room-messages.ts makes messages of its events. */
export interface OutputRoom extends WireRoom {
  /** Hot; completes when the room closes. */
  readonly events$: Observable<WireEvent>;
  /** Counts messages that a slow receiver never got. */
  countClientDrop(count: number): void;
}

/** One room on one output. */
export interface RoomFeed {
  /** Takes no more of the room. What waits for a slow receiver is left out, what may not be lost is still written. */
  close(): void | Promise<void>;
}

export interface RoomOutput<Room extends OutputRoom = OutputRoom> {
  /** In logs: `viewers`, `recording`. */
  readonly name: string;
  /**
   * Takes everything that the room sends from now on. Returns at once: a far side that is not there yet is waited for behind
   * the outbox. What happens inside later concerns this output alone and never throws into the room's events.
   */
  open(room: Room): RoomFeed;
  /** Ends all feeds and lets go of the far side. May reject with the first failure that a person must know. */
  close(): Promise<unknown>;
}
