/** The player of recordings as rows of the server's table, and the topics that push where it is. Runs in the main process. */
import { distinctUntilChanged, map, throttleTime } from 'rxjs';
import { playbackOperations, playbackStateSchema, playbackTopic } from '../protocol/playback-requests.js';
import { defineServices, serverError } from '../server/index.js';
import type { Service, Topic } from '../server/index.js';
import type { PlaybackRoom } from './playback-room.js';

/** While it plays, the position is announced this often. */
const announceMs = 100;

export function playbackServices(rooms: readonly PlaybackRoom[]): readonly Service[] {
  const roomOf = (stream: string): PlaybackRoom => {
    const room = rooms.find(({ id }) => id === stream);
    if (!room) throw serverError('SONO_STREAM_UNKNOWN', { stream });
    return room;
  };
  return defineServices(playbackOperations, {
    'playback.state': ({ stream }) => roomOf(stream).playback,
    'playback.control': ({ stream, ...change }) => roomOf(stream).control(change),
  });
}

export function playbackTopics(rooms: readonly PlaybackRoom[]): readonly Topic[] {
  return rooms.map((room) => ({
    topic: playbackTopic(room.id),
    schemaName: 'sonoscope.PlaybackState',
    schema: playbackStateSchema,
    // A room that stands still sends its picture again and again, so a change shows here within that time.
    changes$: room.events$.pipe(
      throttleTime(announceMs, undefined, { leading: true, trailing: true }),
      map(() => JSON.stringify(room.playback)),
      distinctUntilChanged(),
      map(() => ({ slot: '', value: () => room.playback })),
    ),
    latest: () => [{ slot: '', value: () => room.playback }],
  }));
}
