/**
 * The channels of one room for Foxglove's viewers: gives each message of the room (src/protocol/room-messages.ts) its channel and
 * keeps the newest for viewers that come later. Nothing is encoded here. Runs in the main process.
 */
import type { Subscription } from 'rxjs';
import { unixNowNs, unixNsOfMonotonic } from '../node/clock.js';
import type { Room, RoomEvent, RoomHealth } from '../pipeline/room.js';
import {
  channelKinds,
  channelSchemas,
  channelTopic,
  fileDescriptorSetBase64,
  type ChannelKind,
} from '../protocol/channels.js';
import type { WireChannel } from '../protocol/foxglove-codec.js';
import { healthMessage, roomMessages, type RoomMessage } from '../protocol/room-messages.js';
import { codedFault } from '../vocabulary/faults.js';
import { serverError } from './errors.js';
import type { ServerMetrics } from './metrics.js';
import { SharedMessage } from './shared-message.js';

/** The newest message of these waits for viewers that come later. */
const latchedKinds: ReadonlySet<ChannelKind> = new Set(['video', 'segmentation', 'outlines', 'health']);

const healthIntervalMs = 1000;

interface RoomChannelsOptions {
  readonly nextChannelId: () => number;
  readonly publish: (message: SharedMessage) => void;
  /** Runs a function whose messages are sent in one piece. */
  readonly together: (publish: () => void) => void;
  /** Viewers that watch any channel of this room. */
  readonly viewers: () => number;
  readonly metrics: ServerMetrics;
}

export class RoomChannels {
  readonly channels: ReadonlyMap<number, { readonly kind: ChannelKind; readonly wire: WireChannel }>;
  readonly #idOf: Readonly<Record<ChannelKind, number>>;
  readonly #latest = new Map<number, SharedMessage>();
  readonly #subscription: Subscription;
  readonly #timer: NodeJS.Timeout;
  #healthAtMs = 0;

  constructor(
    readonly room: Room,
    private readonly options: RoomChannelsOptions,
  ) {
    const idOf = {} as Record<ChannelKind, number>;
    const channels = new Map<number, { kind: ChannelKind; wire: WireChannel }>();
    for (const kind of channelKinds) {
      const schema = channelSchemas[kind];
      const id = options.nextChannelId();
      idOf[kind] = id;
      channels.set(id, {
        kind,
        wire: {
          id,
          topic: channelTopic(room.id, kind),
          encoding: 'protobuf',
          schemaName: schema.typeName,
          schema: fileDescriptorSetBase64(schema),
          schemaEncoding: 'protobuf',
        },
      });
    }
    this.channels = channels;
    this.#idOf = idOf;
    this.#subscription = room.events$.subscribe({
      next: (event) => this.#guarded(() => this.#onEvent(event)),
      error: (error: unknown) => this.#fault(error),
    });
    this.#guarded(() => this.#onHealth(room.health));
    this.#timer = setInterval(() => {
      if (performance.now() - this.#healthAtMs > healthIntervalMs - 50)
        this.#guarded(() => this.#onHealth(room.health));
    }, healthIntervalMs);
  }

  /** What a viewer gets at once when it subscribes, null where there is nothing yet. */
  latest(channelId: number): SharedMessage | null {
    return this.#latest.get(channelId) ?? null;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#subscription.unsubscribe();
    this.#latest.clear();
  }

  /** One event of one room that cannot be handled is left out; the room and its other events go on. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault(error);
    }
  }

  #fault(error: unknown): void {
    codedFault('room', this.room.id, error, (cause) => serverError('SONO_SERVER_FAULT', {}, cause));
  }

  #onEvent(event: RoomEvent): void {
    if (event.kind === 'health') {
      this.#onHealth(event.health);
      return;
    }
    if (event.kind === 'held') return;
    const messages = roomMessages(event, this.room);
    this.options.together(() => messages.forEach((message) => this.#publish(message)));
    // Noted after the write, because the write counts as part of the result's latency.
    if (event.kind === 'display') this.options.metrics.onDisplay(event.frame);
    else if (event.kind === 'result') this.options.metrics.onResult(event.result);
  }

  #onHealth(health: RoomHealth): void {
    const { room } = this;
    this.#healthAtMs = performance.now();
    this.#publish(healthMessage(health, room, unixNowNs(), this.options.viewers()));
    this.options.metrics.onHealth(room.id, health);
  }

  #publish(message: RoomMessage): void {
    const { kind, captureNs, timestampNs } = message;
    const logTimeNs = captureNs === null ? timestampNs : unixNsOfMonotonic(Math.round(captureNs));
    const shared = new SharedMessage(this.#idOf[kind], logTimeNs, message);
    if (latchedKinds.has(kind)) this.#latest.set(shared.channelId, shared);
    this.options.publish(shared);
  }
}
