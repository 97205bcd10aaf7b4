/**
 * The channels of one room: turns the room's events into channel messages. Nothing is encoded here; each message is
 * encoded when the first viewer takes it, so a channel that nobody watches costs nothing. Runs in the main process.
 */
import type { Subscription } from 'rxjs';
import { codedFault } from '../vocabulary/faults.js';
import type { DisplayFrame, PictureSize } from '../vocabulary/frame.js';
import type { FrameResult } from '../engine/engine.js';
import { maskOutlines, simplifyOutline } from '../mask/contour.js';
import type { Room, RoomEvent, RoomHealth } from '../pipeline/room.js';
import type { Point } from '../vocabulary/prompt.js';
import {
  channelKinds,
  channelSchemas,
  channelTopic,
  fileDescriptorSetBase64,
  wireTimeNs,
} from '../protocol/channels.js';
import type { ChannelKind } from '../protocol/channels.js';
import type { WireChannel } from '../protocol/foxglove-codec.js';
import {
  describeSegmentation,
  encodeHealth,
  encodeMeasurement,
  encodeOutlines,
  encodeSegmentation,
  encodeVideo,
} from '../protocol/messages.js';
import type { OutlineInput, SegmentationContext, SegmentationMessage } from '../protocol/messages.js';
import { serverError } from './errors.js';
import type { ServerMetrics } from './metrics.js';
import { unixNowNs, unixNsOfMonotonic } from '../node/clock.js';
import { SharedMessage } from './shared-message.js';

/** The newest message of these waits for viewers that come later. */
const latchedKinds: ReadonlySet<ChannelKind> = new Set(['video', 'segmentation', 'outlines', 'health']);

const healthIntervalMs = 1000;

export interface RoomChannelsOptions {
  readonly nextChannelId: () => number;
  readonly publish: (message: SharedMessage) => void;
  /** Runs a function whose messages are sent in one piece. */
  readonly together: (publish: () => void) => void;
  /** Viewers that watch any channel of this room. */
  readonly viewers: () => number;
  readonly metrics: ServerMetrics;
}

function segmentationContext(room: Room, result: FrameResult): SegmentationContext {
  return {
    timestampNs: wireTimeNs(room.epochUnixNs, result.frame.ptsNs),
    // Before the source has said its size (it has when a result exists) mask pixels are the only ones there are.
    sourceSize: room.format?.size ?? result.maskSize,
    pixelSpacingMm: room.format?.pixelSpacingMm ?? null,
  };
}

/** The segmentation message of a result: the answer to a prompt. */
export function segmentationOf(room: Room, result: FrameResult): SegmentationMessage {
  return describeSegmentation(result, segmentationContext(room, result));
}

/** Outlines in source pixels, for the objects that are shown. */
export function outlinesOf(result: FrameResult, sourceSize: PictureSize): OutlineInput[] {
  const scaleX = sourceSize.width / result.maskSize.width;
  const scaleY = sourceSize.height / result.maskSize.height;
  return result.objects
    .filter(({ state }) => state === 'tracking' || state === 'uncertain')
    .map(({ id, label, state, confidence, mask }) => ({
      id,
      label,
      state,
      confidence,
      rings: maskOutlines(mask).map((outline) => {
        const { points } = simplifyOutline(outline, 0.25);
        return points.map(([x, y]): Point => [x * scaleX, y * scaleY]);
      }),
    }));
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
    switch (event.kind) {
      case 'display':
        this.#onDisplay(event.frame);
        return;
      case 'result':
        this.options.together(() => this.#onResult(event.result));
        // After the write: its time belongs to the result's.
        this.options.metrics.onResult(event.result);
        return;
      case 'health':
        this.#onHealth(event.health);
        return;
    }
  }

  #publish(kind: ChannelKind, logTimeNs: bigint, encode: () => Uint8Array, slot = ''): void {
    const message = new SharedMessage(this.#idOf[kind], slot, logTimeNs, encode);
    if (latchedKinds.has(kind)) this.#latest.set(message.channelId, message);
    this.options.publish(message);
  }

  #onDisplay(frame: DisplayFrame): void {
    const timestampNs = wireTimeNs(this.room.epochUnixNs, frame.ptsNs);
    this.#publish('video', unixNsOfMonotonic(Math.round(frame.captureNs)), () =>
      encodeVideo(frame, timestampNs),
    );
    this.options.metrics.onDisplay(frame);
  }

  #onResult(result: FrameResult): void {
    const { room } = this;
    const logTimeNs = unixNsOfMonotonic(Math.round(result.frame.captureNs));
    const timestampNs = wireTimeNs(room.epochUnixNs, result.frame.ptsNs);
    // Fixed now (the format may change with the source), described when the first viewer takes it.
    const context = segmentationContext(room, result);
    const { sourceSize } = context;
    let described: SegmentationMessage | null = null;
    const describe = (): SegmentationMessage => (described ??= describeSegmentation(result, context));
    this.#publish('segmentation', logTimeNs, () => encodeSegmentation(describe()));
    this.#publish('outlines', logTimeNs, () => encodeOutlines(outlinesOf(result, sourceSize), timestampNs));
    result.objects.forEach(({ id, state, areaPx }, index) => {
      if (state !== 'tracking' && state !== 'uncertain') return;
      this.#publish(
        'measurements',
        logTimeNs,
        () => {
          const areaMm2 = describe().objects[index]?.areaMm2 ?? null;
          const { width, height } = result.maskSize;
          return encodeMeasurement({
            timestampNs,
            streamId: room.id,
            ptsNs: result.frame.ptsNs,
            name: 'area',
            value: areaMm2 ?? (areaPx * sourceSize.width * sourceSize.height) / (width * height),
            unit: areaMm2 === null ? 'px' : 'mm2',
            interval: null,
            quality: state === 'tracking' ? 'good' : 'doubtful',
            note: state === 'tracking' ? '' : 'the object is uncertain',
            objectId: id,
          });
        },
        `area ${id}`,
      );
    });
  }

  #onHealth(health: RoomHealth): void {
    const { room } = this;
    this.#healthAtMs = performance.now();
    const timestampNs = unixNowNs();
    const context = {
      timestampNs,
      streamId: room.id,
      label: room.label,
      sourceUri: room.sourceUri,
      sourceSize: room.format?.size ?? null,
      clients: this.options.viewers(),
    };
    this.#publish('health', timestampNs, () => encodeHealth(health, context));
    this.options.metrics.onHealth(room.id, health);
  }
}
