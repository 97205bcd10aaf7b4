/**
 * From a room's events to the messages of the wire: the one place that decides what an event becomes. The socket, recordings
 * and the MCAP export all send what is made here. Pure; runs in the main process and in replay; throws nothing itself
 * (the encoders may, when `parts` or `bytes` is read).
 *
 * A message is encoded when somebody first asks for its bytes, and then shared. A channel that nobody takes costs nothing;
 * one that a viewer and a recording take is encoded once.
 */
import { maskOutlines, simplifyOutline } from '../mask/contour.js';
import { uncalibrated } from '../vocabulary/calibration.js';
import type { DisplayFrame, FrameIdentity, MeasuredSource } from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { isShown, type Point } from '../vocabulary/prompt.js';
import { wireTimeNs, type ChannelKind } from './channels.js';
import type { HeldMeasurement } from './hold-requests.js';
import {
  colourOfObject,
  describeSegmentation,
  encodeHealth,
  encodeMeasurement,
  encodeOutlines,
  encodeSegmentation,
  encodeVideoParts,
  joined,
} from './messages.js';
import type { HealthInput, OutlineInput, SegmentationInput, SegmentationMessage } from './messages.js';

/** What a room sends on its channels; RoomEvent of src/pipeline is one. */
export type WireEvent =
  | { readonly kind: 'display'; readonly frame: FrameIdentity & Pick<DisplayFrame, 'data'> }
  | { readonly kind: 'result'; readonly result: SegmentationInput }
  | {
      readonly kind: 'measurement';
      readonly frame: FrameIdentity;
      readonly measurements: readonly Measurement[];
    }
  | { readonly kind: 'health'; readonly health: HealthInput }
  /** Somebody has held a measurement: no channel carries it, recordings keep it. */
  | { readonly kind: 'held'; readonly held: HeldMeasurement };
export type WireFrameEvent = Exclude<WireEvent, { readonly kind: 'health' | 'held' }>;

/** What the messages of a room say beside its events. */
export interface WireRoom {
  readonly id: string;
  readonly label: string;
  readonly sourceUri: string;
  /** Unix nanoseconds at ptsNs 0. */
  readonly epochUnixNs: bigint;
  /** Null before the first frame. */
  readonly format: MeasuredSource | null;
}

/** What of a room the messages of its frames depend on. */
type WireClock = Pick<WireRoom, 'epochUnixNs' | 'format'>;

/** How far an outline for generic viewers may lie beside the mask's edge, in mask pixels. */
const outlineTolerancePx = 0.25;

/** One message of one channel. */
export class RoomMessage {
  #encode: (() => readonly Uint8Array[]) | null;
  #parts: readonly Uint8Array[] = [];
  #encodings = 0;

  /**
   * `slot`: of the messages of one channel, those of the same slot replace each other where only the newest can wait.
   * `timestampNs`: Unix time of the frame on the stream's clock. `captureNs`: moment of capture on the monotonic clock;
   * null where the message belongs to no frame.
   */
  constructor(
    readonly kind: ChannelKind,
    readonly timestampNs: bigint,
    readonly captureNs: number | null,
    encode: () => readonly Uint8Array[],
    readonly slot = '',
  ) {
    this.#encode = encode;
  }

  /** The message in pieces that stand one behind the other; a picture is a piece of its own and is not copied. */
  get parts(): readonly Uint8Array[] {
    if (this.#encode) {
      this.#parts = this.#encode();
      this.#encodings += 1;
      // The encoder holds the frame; let it go.
      this.#encode = null;
    }
    return this.#parts;
  }

  /** The message in one piece. */
  get bytes(): Uint8Array {
    return joined(this.parts);
  }

  /** How often it has been encoded: 0 while nobody has taken it, then 1. */
  get encodings(): number {
    return this.#encodings;
  }
}

const known = new WeakMap<WireFrameEvent, readonly RoomMessage[]>();

/**
 * The messages of one event of a room. The same event gives the same messages, whoever asks: that is how they are shared.
 * What the room says of its source is read now, because it may have another one when the message is encoded.
 */
export function roomMessages(event: WireFrameEvent, room: WireClock): readonly RoomMessage[] {
  let messages = known.get(event);
  if (!messages) {
    messages = messagesOf(event, room);
    known.set(event, messages);
  }
  return messages;
}

function messagesOf(event: WireFrameEvent, room: WireClock): readonly RoomMessage[] {
  const frame = event.kind === 'result' ? event.result.frame : event.frame;
  const timestampNs = wireTimeNs(room.epochUnixNs, frame.ptsNs);
  const message = (kind: ChannelKind, encode: () => Uint8Array, slot?: string): RoomMessage =>
    new RoomMessage(kind, timestampNs, frame.captureNs, () => [encode()], slot);
  switch (event.kind) {
    case 'display':
      return [
        new RoomMessage('video', timestampNs, frame.captureNs, () =>
          encodeVideoParts(event.frame, timestampNs),
        ),
      ];
    case 'result': {
      const { result } = event;
      const source = sourceOf(result, room);
      return [
        message('segmentation', () => encodeSegmentation(describeSegmentation(result, timestampNs, source))),
        message('outlines', () => encodeOutlines(outlinesOf(result, source), timestampNs)),
      ];
    }
    case 'measurement':
      return event.measurements.map((measurement) =>
        message(
          'measurements',
          () =>
            encodeMeasurement({ ...measurement, timestampNs, streamId: frame.streamId, ptsNs: frame.ptsNs }),
          slotOf(measurement),
        ),
      );
  }
}

/** Beats whose values wait for a slow viewer side by side: more than a viewer that is still served falls behind. */
const waitingBeats = 16;

/** A newer value of every frame takes the place of an older one; the value of a beat only that of a beat long ago. */
function slotOf({ name, objectId, beat }: Measurement): string {
  return beat === undefined ? `${name} ${objectId}` : `${name} ${objectId} ${beat % waitingBeats}`;
}

/** `clients`: viewers that are connected, 0 in a recording. */
export function healthMessage(
  health: HealthInput,
  room: WireRoom,
  timestampNs: bigint,
  clients: number,
): RoomMessage {
  const { id: streamId, label, sourceUri } = room;
  const context = { timestampNs, streamId, label, sourceUri, sourceSize: room.format?.size ?? null, clients };
  return new RoomMessage('health', timestampNs, null, () => [encodeHealth(health, context)]);
}

/** The segmentation message of a result, before it becomes bytes: the answer to a prompt. */
export function segmentationOf(result: SegmentationInput, room: WireClock): SegmentationMessage {
  return describeSegmentation(
    result,
    wireTimeNs(room.epochUnixNs, result.frame.ptsNs),
    sourceOf(result, room),
  );
}

type Source = NonNullable<WireRoom['format']>;

/** Before the source has said its size (it has when a result exists) mask pixels are the only ones there are. */
function sourceOf({ maskSize }: SegmentationInput, { format }: WireClock): Source {
  return {
    size: format?.size ?? maskSize,
    calibration: format?.calibration ?? uncalibrated,
    pictureKind: format?.pictureKind,
  };
}

/** Outlines in source pixels, for the objects that are shown. */
export function outlinesOf(
  { objects, maskSize }: Pick<SegmentationInput, 'objects' | 'maskSize'>,
  source: Pick<Source, 'size' | 'pictureKind'>,
): OutlineInput[] {
  const { size } = source;
  const scaleX = size.width / maskSize.width;
  const scaleY = size.height / maskSize.height;
  return objects.flatMap(({ id, label, state, confidence, mask, slot, colour }) =>
    isShown(state)
      ? {
          id,
          label,
          state,
          confidence,
          colour: colourOfObject({ id, slot, colour }, source),
          rings: maskOutlines(mask).map((outline) =>
            simplifyOutline(outline, outlineTolerancePx).points.map(([x, y]): Point => [
              x * scaleX,
              y * scaleY,
            ]),
          ),
        }
      : [],
  );
}
