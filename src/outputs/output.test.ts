/** An output made up here, as a broker or a device would be: what it needs beside its own file is a room and an outbox. */
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { roomMessages, type WireEvent } from '../protocol/room-messages.js';
import { Outbox } from './outbox.js';
import type { OutputRoom, RoomFeed, RoomOutput } from './output.js';

class Broker implements RoomOutput {
  readonly name = 'broker';
  readonly got: string[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #outbox = new Outbox(
    {
      send: (data, done) => {
        this.got.push(typeof data === 'string' ? data : `${data.at(-1)?.[0]}`);
        this.#waiting.push(done);
      },
    },
    () => undefined,
    { inFlightBytes: 1, controlBytes: 1, controlMessages: 1 },
  );
  readonly #feeds = new Set<RoomFeed>();

  get dropped(): number {
    return this.#outbox.dropped;
  }

  take(): void {
    this.#waiting.shift()?.();
  }

  open(room: OutputRoom): RoomFeed {
    const subscription = room.events$.subscribe((event) => {
      if (event.kind === 'health' || event.kind === 'held') return;
      for (const message of roomMessages(event, room))
        this.#outbox.push({
          key: `${room.id} ${message.kind} ${message.slot}`,
          parts: () => message.parts,
          onSent: () => undefined,
          onDropped: () => room.countClientDrop(1),
        });
    });
    const feed = { close: () => subscription.unsubscribe() };
    this.#feeds.add(feed);
    return feed;
  }

  async close(): Promise<void> {
    for (const feed of this.#feeds) await feed.close();
    this.#outbox.close();
  }
}

describe('an output', () => {
  it('that is slow gets the newest picture, and the room counts what it missed', async () => {
    const events = new Subject<WireEvent>();
    let missed = 0;
    const room: OutputRoom = {
      ...{ id: 'scope', label: 'Scope', sourceUri: 'x', epochUnixNs: 0n, format: null },
      events$: events,
      countClientDrop: (count) => {
        missed += count;
      },
    };
    const show = (mark: number): void => {
      const times = { ptsNs: mark, captureNs: 0, mediaNs: 0, decodedNs: 0, encodedNs: 0 };
      const size = { width: 1, height: 1 };
      events.next({
        kind: 'display',
        frame: {
          ...times,
          ...{ streamId: 'scope', sourceFrame: mark, discontinuity: 0, encoding: 'jpeg', size },
          data: Uint8Array.of(mark),
        },
      });
    };
    const broker = new Broker();
    const feed = broker.open(room);
    for (const mark of [1, 2, 3, 4]) show(mark);
    broker.take();
    expect(broker.got).toEqual(['1', '4']);
    expect(missed).toBe(2);
    expect(broker.dropped).toBe(2);
    await feed.close();
    show(5);
    broker.take();
    expect(broker.got).toEqual(['1', '4']);
    await broker.close();
    expect(events.observed).toBe(false);
  });
});
