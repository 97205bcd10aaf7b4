/**
 * Encoding and decoding of every channel's protobuf message, live and recorded. Pure; runs in the server, the recorder,
 * replay, tests and the browser's worker.
 *
 * Encoders take the house's own values (structurally: a FrameResult is a SegmentationInput, a RoomHealth a HealthInput);
 * decoders give plain values with units in their names. A decoder throws SONO_WIRE_SCHEMA on bytes that are not such a
 * message, never anything else.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { echoViews, type EchoView } from '../vocabulary/echo.js';
import type { DisplayFrame, FrameIdentity, MeasuredSource, PictureSize } from '../vocabulary/frame.js';
import { areaMm2, scaleOfMask } from '../mask/scale.js';
import type { Measurement, MeasurementQuality } from '../vocabulary/measurement.js';
import { rgbOf, type HexColour } from '../vocabulary/hex-colour.js';
import { colourOf, slotOfId, toldColour } from '../vocabulary/palette.js';
import { maskToCocoBytes } from '../mask/rle.js';
import type { Box, Mask } from '../vocabulary/mask.js';
import type { ObjectState, Point } from '../vocabulary/prompt.js';
import { undoableKinds, type Undoable } from '../vocabulary/undoable.js';
import { nsFromTimestamp, timestampFromNs } from './channels.js';
import { protocolError } from './errors.js';
import {
  ColorSchema,
  CompressedImageSchema,
  ImageAnnotationsSchema,
  Point2Schema,
  PointsAnnotation_Type,
  PointsAnnotationSchema,
  TextAnnotationSchema,
} from './generated/foxglove_pb.js';
import {
  BoxSchema,
  DropCountSchema,
  HealthSchema,
  MeasurementSchema,
  ObjectState as WireState,
  Quality as WireQuality,
  SegmentationSchema,
  SegmentedObjectSchema,
  StageLatencySchema,
  UndoStepSchema,
} from './generated/sonoscope_pb.js';

function decode<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw protocolError('SONO_WIRE_SCHEMA', { schema: schema.typeName }, cause);
  }
}

// ---------------------------------------------------------------------------------------------- video

export interface VideoMessage {
  /** Unix nanoseconds, the join key of the frame. */
  readonly timestampNs: bigint;
  readonly streamId: string;
  /** `jpeg` from sonoscope; other servers may send `png` or `webp`. */
  readonly format: string;
  /** The encoded picture; after decoding a view of the message, not a copy. */
  readonly data: Uint8Array;
}

/**
 * The message in two pieces: everything else, and the picture itself, which is not copied. The order of the fields of a protobuf
 * message is free, so the picture can stand last.
 */
export function encodeVideoParts(
  { streamId: frameId, data }: Pick<DisplayFrame, 'streamId' | 'data'>,
  timestampNs: bigint,
): readonly [head: Uint8Array, picture: Uint8Array] {
  const image = create(CompressedImageSchema, {
    timestamp: timestampFromNs(timestampNs),
    frameId,
    format: 'jpeg',
  });
  const head = new BinaryWriter()
    .raw(toBinary(CompressedImageSchema, image))
    .tag(CompressedImageSchema.field.data.number, WireType.LengthDelimited)
    .uint32(data.byteLength)
    .finish();
  return [head, data];
}

/** The same in one piece. */
export function encodeVideo(frame: Pick<DisplayFrame, 'streamId' | 'data'>, timestampNs: bigint): Uint8Array {
  return joined(encodeVideoParts(frame, timestampNs));
}

/** One piece as it is, several copied into one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

export function decodeVideo(bytes: Uint8Array): VideoMessage {
  const message = decode(CompressedImageSchema, bytes);
  return {
    timestampNs: nsFromTimestamp(message.timestamp),
    streamId: message.frameId,
    format: message.format,
    data: message.data,
  };
}

// ---------------------------------------------------------------------------------------------- segmentation

/** What the segmentation channel says about one frame. A FrameResult of the inference engine is one. */
export interface SegmentationInput {
  readonly frame: FrameIdentity;
  readonly maskSize: PictureSize;
  readonly objects: readonly {
    readonly id: number;
    readonly label: string;
    readonly state: ObjectState;
    readonly score: number;
    readonly confidence: number;
    readonly mask: Mask;
    /** Mask pixels. */
    readonly box: Box;
    readonly areaPx: number;
    /** Its place in the set of colours; absent: by its id. */
    readonly slot?: number | undefined;
    /** Decided before, in a recording that is played. */
    readonly colour?: HexColour | undefined;
  }[];
}

/** What an object is drawn with, wherever it is drawn. */
export function colourOfObject(
  { id, slot, colour }: Pick<SegmentationInput['objects'][number], 'id' | 'slot' | 'colour'>,
  { pictureKind }: Pick<MeasuredSource, 'pictureKind'>,
): HexColour {
  return colour ?? colourOf(slot ?? slotOfId(id), pictureKind);
}

export interface SegmentedObjectMessage {
  readonly id: number;
  readonly label: string;
  readonly state: ObjectState;
  /** Raw predicted IoU, 0..1. */
  readonly score: number;
  /** Calibrated, 0..1: what people are shown. */
  readonly confidence: number;
  /** Mask pixels. */
  readonly box: Box;
  /** Mask pixels. */
  readonly areaPx: number;
  /** Square millimetres, null where the source is not calibrated. */
  readonly areaMm2: number | null;
  readonly colour: HexColour;
  /** COCO compressed RLE at `maskSize` as ASCII bytes; maskFromCocoBytes (../mask/rle.ts) makes the mask of it. */
  readonly counts: Uint8Array;
}

export interface SegmentationMessage {
  readonly timestampNs: bigint;
  readonly streamId: string;
  readonly ptsNs: number;
  /** Monotonic nanoseconds of the server at capture; comparable with the `time` operation. */
  readonly captureNs: number;
  readonly sourceFrame: number;
  /** The frame's `discontinuity`. */
  readonly pass: number;
  readonly maskSize: PictureSize;
  readonly sourceSize: PictureSize;
  readonly objects: readonly SegmentedObjectMessage[];
}

const stateToWire: Readonly<Record<ObjectState, WireState>> = {
  searching: WireState.SEARCHING,
  tracking: WireState.TRACKING,
  uncertain: WireState.UNCERTAIN,
  lost: WireState.LOST,
};

/** A state that this version does not know is shown as uncertain: never as trusted. */
function stateFromWire(state: WireState): ObjectState {
  switch (state) {
    case WireState.SEARCHING:
      return 'searching';
    case WireState.TRACKING:
      return 'tracking';
    case WireState.LOST:
      return 'lost';
    case WireState.UNCERTAIN:
    case WireState.OBJECT_STATE_UNSPECIFIED:
    default:
      return 'uncertain';
  }
}

/** FrameResult → plain message, before it becomes bytes. */
export function describeSegmentation(
  input: SegmentationInput,
  timestampNs: bigint,
  source: MeasuredSource,
): SegmentationMessage {
  const mm2Of = ({ mask, areaPx }: SegmentationInput['objects'][number]): number | null => {
    const { spacingMm } = scaleOfMask(mask, source.size, source.calibration);
    return spacingMm && areaMm2(areaPx, input.maskSize, source.size, spacingMm);
  };
  return {
    timestampNs,
    streamId: input.frame.streamId,
    ptsNs: input.frame.ptsNs,
    captureNs: input.frame.captureNs,
    sourceFrame: input.frame.sourceFrame,
    pass: input.frame.discontinuity,
    maskSize: input.maskSize,
    sourceSize: source.size,
    objects: input.objects.map((object) => ({
      id: object.id,
      label: object.label,
      state: object.state,
      score: object.score,
      confidence: object.confidence,
      box: object.box,
      areaPx: object.areaPx,
      areaMm2: mm2Of(object),
      colour: colourOfObject(object, source),
      counts: maskToCocoBytes(object.mask),
    })),
  };
}

export function encodeSegmentation(message: SegmentationMessage): Uint8Array {
  return toBinary(
    SegmentationSchema,
    create(SegmentationSchema, {
      timestamp: timestampFromNs(message.timestampNs),
      frameId: message.streamId,
      ptsNs: BigInt(Math.round(message.ptsNs)),
      captureNs: BigInt(Math.round(message.captureNs)),
      sourceFrame: message.sourceFrame,
      pass: message.pass,
      maskWidth: message.maskSize.width,
      maskHeight: message.maskSize.height,
      sourceWidth: message.sourceSize.width,
      sourceHeight: message.sourceSize.height,
      objects: message.objects.map((object) => {
        const [x, y, width, height] = object.box;
        return create(SegmentedObjectSchema, {
          id: object.id,
          label: object.label,
          state: stateToWire[object.state],
          score: object.score,
          confidence: object.confidence,
          box: create(BoxSchema, { x, y, width, height }),
          areaPx: object.areaPx,
          counts: object.counts,
          colour: object.colour,
          ...(object.areaMm2 === null ? {} : { areaMm2: object.areaMm2 }),
        });
      }),
    }),
  );
}

export function decodeSegmentation(bytes: Uint8Array): SegmentationMessage {
  const message = decode(SegmentationSchema, bytes);
  return {
    timestampNs: nsFromTimestamp(message.timestamp),
    streamId: message.frameId,
    ptsNs: Number(message.ptsNs),
    captureNs: Number(message.captureNs),
    sourceFrame: message.sourceFrame,
    pass: message.pass,
    maskSize: { width: message.maskWidth, height: message.maskHeight },
    sourceSize: { width: message.sourceWidth, height: message.sourceHeight },
    objects: message.objects.map((object) => ({
      id: object.id,
      label: object.label,
      state: stateFromWire(object.state),
      score: object.score,
      confidence: object.confidence,
      box: [object.box?.x ?? 0, object.box?.y ?? 0, object.box?.width ?? 0, object.box?.height ?? 0],
      areaPx: object.areaPx,
      areaMm2: object.areaMm2 ?? null,
      colour: toldColour(object.colour, object.id),
      counts: object.counts,
    })),
  };
}

// ---------------------------------------------------------------------------------------------- outlines

export interface OutlineInput {
  readonly id: number;
  readonly label: string;
  readonly state: ObjectState;
  readonly confidence: number;
  readonly colour: HexColour;
  /** Closed polygons in source pixels; the first point is not repeated at the end. */
  readonly rings: readonly (readonly Point[])[];
}

export interface OutlinesMessage {
  readonly timestampNs: bigint;
  readonly lines: readonly { readonly points: readonly Point[] }[];
  readonly texts: readonly { readonly position: Point; readonly text: string }[];
}

/** Foxglove ImageAnnotations for generic viewers. Uncertain objects get a thinner, fainter line and a question mark. */
export function encodeOutlines(objects: readonly OutlineInput[], timestampNs: bigint): Uint8Array {
  const timestamp = timestampFromNs(timestampNs);
  const shown = objects.filter((object) => object.rings.some((ring) => ring.length > 0));
  const colour = (object: OutlineInput) => {
    const [red, green, blue] = rgbOf(object.colour);
    return create(ColorSchema, {
      r: red / 255,
      g: green / 255,
      b: blue / 255,
      a: object.state === 'tracking' ? 1 : 0.6,
    });
  };
  const { points: pointsField } = ImageAnnotationsSchema.field;
  const writer = new BinaryWriter();
  for (const object of shown) {
    const style = toBinary(
      PointsAnnotationSchema,
      create(PointsAnnotationSchema, {
        timestamp,
        type: PointsAnnotation_Type.LINE_LOOP,
        outlineColor: colour(object),
        thickness: object.state === 'tracking' ? 3 : 1,
      }),
    );
    for (const ring of object.rings)
      writer.tag(pointsField.number, WireType.LengthDelimited).bytes(withPoints(style, ring));
  }
  return writer
    .raw(
      toBinary(
        ImageAnnotationsSchema,
        create(ImageAnnotationsSchema, {
          timestamp,
          texts: shown.map((object) => {
            // At the topmost point, so that the label sits on its own object.
            const [x, y] = object.rings
              .flat()
              .reduce((top, point) => (point[1] < top[1] ? point : top), [0, Infinity] as Point);
            const mark = object.state === 'tracking' ? '' : ' ?';
            return create(TextAnnotationSchema, {
              timestamp,
              position: create(Point2Schema, { x, y }),
              text: `${object.label}${mark} ${Math.round(object.confidence * 100)} %`,
              fontSize: 16,
              textColor: colour(object),
              backgroundColor: create(ColorSchema, { a: 0.6 }),
            });
          }),
        }),
      ),
    )
    .finish();
}

/**
 * An encoded PointsAnnotation with these points added. Fields of a protobuf message may come in any order, and each point
 * takes the same 20 bytes; through a message object per point, the hundreds of an outline cost more than finding it.
 */
function withPoints(annotation: Uint8Array, points: readonly Point[]): Uint8Array {
  const pointsTag = (PointsAnnotationSchema.field.points.number << 3) | WireType.LengthDelimited;
  const xTag = (Point2Schema.field.x.number << 3) | WireType.Bit64;
  const yTag = (Point2Schema.field.y.number << 3) | WireType.Bit64;
  const bytes = new Uint8Array(annotation.length + points.length * 20);
  bytes.set(annotation);
  const view = new DataView(bytes.buffer);
  let at = annotation.length;
  for (const [x, y] of points) {
    bytes[at] = pointsTag;
    bytes[at + 1] = 18;
    bytes[at + 2] = xTag;
    view.setFloat64(at + 3, x, true);
    bytes[at + 11] = yTag;
    view.setFloat64(at + 12, y, true);
    at += 20;
  }
  return bytes;
}

export function decodeOutlines(bytes: Uint8Array): OutlinesMessage {
  const message = decode(ImageAnnotationsSchema, bytes);
  return {
    timestampNs: nsFromTimestamp(message.timestamp),
    lines: message.points.map((line) => ({ points: line.points.map(({ x, y }) => [x, y] as const) })),
    texts: message.texts.map((label) => ({
      position: [label.position?.x ?? 0, label.position?.y ?? 0],
      text: label.text,
    })),
  };
}

// ---------------------------------------------------------------------------------------------- measurements

export interface MeasurementMessage extends Measurement {
  readonly timestampNs: bigint;
  readonly streamId: string;
  readonly ptsNs: number;
}

export function encodeMeasurement(message: MeasurementMessage): Uint8Array {
  const quality: Record<MeasurementQuality, WireQuality> = {
    good: WireQuality.GOOD,
    doubtful: WireQuality.DOUBTFUL,
    rejected: WireQuality.REJECTED,
  };
  return toBinary(
    MeasurementSchema,
    create(MeasurementSchema, {
      timestamp: timestampFromNs(message.timestampNs),
      frameId: message.streamId,
      ptsNs: BigInt(Math.round(message.ptsNs)),
      name: message.name,
      ...(message.value !== null && { value: message.value }),
      unit: message.unit,
      ...(message.interval && { intervalLow: message.interval.low, intervalHigh: message.interval.high }),
      quality: quality[message.quality],
      note: message.note,
      objectId: message.objectId,
      ...(message.atPtsNs !== undefined && { atPtsNs: BigInt(Math.round(message.atPtsNs)) }),
      ...(message.beat !== undefined && { beat: message.beat }),
      ...(message.values !== undefined && { values: [...message.values] }),
    }),
  );
}

export function decodeMeasurement(bytes: Uint8Array): MeasurementMessage {
  const message = decode(MeasurementSchema, bytes);
  return {
    timestampNs: nsFromTimestamp(message.timestamp),
    streamId: message.frameId,
    ptsNs: Number(message.ptsNs),
    name: message.name,
    value: message.value ?? null,
    unit: message.unit,
    interval:
      message.intervalLow === undefined || message.intervalHigh === undefined
        ? null
        : { low: message.intervalLow, high: message.intervalHigh },
    quality:
      message.quality === WireQuality.GOOD
        ? 'good'
        : message.quality === WireQuality.REJECTED
          ? 'rejected'
          : 'doubtful',
    note: message.note,
    objectId: message.objectId,
    ...(message.atPtsNs !== undefined && { atPtsNs: Number(message.atPtsNs) }),
    ...(message.beat !== undefined && { beat: message.beat }),
    ...(message.values.length > 0 && { values: message.values }),
  };
}

/** What a message says, without the frame that it is of. */
export function measurementOf(message: MeasurementMessage): Measurement {
  const { name, value, unit, interval, quality: how, note, objectId, atPtsNs, beat, values } = message;
  return {
    ...{ name, value, unit, interval, quality: how, note, objectId },
    ...(atPtsNs !== undefined && { atPtsNs }),
    ...(beat !== undefined && { beat }),
    ...(values !== undefined && { values }),
  };
}

// ---------------------------------------------------------------------------------------------- health

interface QuantilesMs {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What the health channel is made from. A RoomHealth is one. */
export interface HealthInput {
  readonly source: {
    readonly phase: 'starting' | 'playing' | 'lost' | 'ended';
    readonly reason?: { readonly message: string; readonly code: string };
  };
  readonly sinceUnixMs: number;
  readonly capturedFps: number;
  readonly displayedFps: number;
  readonly analysedFps: number;
  readonly latencyMs: Readonly<Record<string, QuantilesMs>> | null;
  readonly drops: Readonly<Record<string, number>>;
  readonly engine: {
    readonly provider: string;
    readonly modelName: string;
    readonly modelVersion: string;
    readonly licence?: string | undefined;
    readonly kind: string;
    readonly policy: string;
  } | null;
  readonly degraded: string | null;
  readonly overlayVisible: boolean;
  readonly overlayLimitMs: number;
  readonly recording: boolean;
  /** The apical view that was marked and the stream with the other one; absent or null: none. */
  readonly echoView?: EchoView | null;
  readonly echoPartner?: string | null;
  /** Absent: not known. */
  readonly sources?: number;
  readonly undoable?: readonly Undoable[];
  readonly gestures?: { readonly held: number };
}

export interface HealthContext {
  readonly timestampNs: bigint;
  readonly streamId: string;
  readonly label: string;
  readonly sourceUri: string;
  /** Null before the first frame. */
  readonly sourceSize: PictureSize | null;
  /** Connected viewers. */
  readonly clients: number;
}

export const sourcePhases = ['starting', 'playing', 'lost', 'ended'] as const;
export type SourcePhase = (typeof sourcePhases)[number];

export interface HealthMessage {
  readonly timestampNs: bigint;
  readonly streamId: string;
  readonly label: string;
  readonly sourceUri: string;
  readonly sourcePhase: SourcePhase;
  /** Sentence and code, empty when all is well. */
  readonly reason: string;
  readonly reasonCode: string;
  readonly sinceUnixMs: number;
  readonly capturedFps: number;
  readonly displayedFps: number;
  readonly analysedFps: number;
  /** By stage: decode, queue, inference, tracking, encode, overhead, total; empty before the first analysed frame. */
  readonly latencyMs: Readonly<Record<string, QuantilesMs>>;
  /** By stage: source, analysis-queue, display-queue, inference, client. Totals since the room opened. */
  readonly drops: Readonly<Record<string, number>>;
  /** `none` where no model is loaded. */
  readonly provider: string;
  /** Name and version. */
  readonly model: string;
  /** `tracker`: follows what it is pointed at; `semantic`: finds its structures by itself; empty where no model is loaded. */
  readonly modelKind: string;
  /** Empty where it is not known. */
  readonly modelLicence: string;
  readonly policy: string;
  readonly overlayVisible: boolean;
  readonly overlayLimitMs: number;
  readonly recording: boolean;
  readonly sourceSize: PictureSize | null;
  readonly clients: number;
  /** A sentence when the stream runs below its source's rate or on a fallback provider, else empty. */
  readonly degraded: string;
  /** False where no model is loaded: picture only. */
  readonly analysis: boolean;
  /** The apical view that somebody has said this stream shows; null: nobody has. */
  readonly echoView: EchoView | null;
  /** Stream with the other view of the same heart; empty: none. */
  readonly echoPartner: string;
  /** How many sources the stream has shown; another number is another source. 0: not known. */
  readonly sources: number;
  /** What people can take back: the last step of each object, the newest last. */
  readonly undoable: readonly Undoable[];
  /** Pictures that are held because somebody draws on them. */
  readonly heldGestures: number;
}

export function encodeHealth(health: HealthInput, context: HealthContext): Uint8Array {
  return toBinary(
    HealthSchema,
    create(HealthSchema, {
      timestamp: timestampFromNs(context.timestampNs),
      frameId: context.streamId,
      sourceState: health.source.phase,
      reason: health.source.reason?.message ?? '',
      reasonCode: health.source.reason?.code ?? '',
      since: timestampFromNs(BigInt(Math.round(health.sinceUnixMs)) * 1_000_000n),
      capturedFps: health.capturedFps,
      displayedFps: health.displayedFps,
      analysedFps: health.analysedFps,
      latency: Object.entries(health.latencyMs ?? {}).map(([stage, { p50, p95, p99, max }]) =>
        create(StageLatencySchema, { stage, p50Ms: p50, p95Ms: p95, p99Ms: p99, maxMs: max }),
      ),
      drops: Object.entries(health.drops).map(([stage, count]) =>
        create(DropCountSchema, { stage, count: BigInt(count) }),
      ),
      provider: health.engine?.provider ?? 'none',
      model: health.engine ? `${health.engine.modelName} ${health.engine.modelVersion}` : '',
      modelKind: health.engine?.kind ?? '',
      modelLicence: health.engine?.licence ?? '',
      policy: health.engine?.policy ?? '',
      overlayVisible: health.overlayVisible,
      overlayLimitMs: health.overlayLimitMs,
      recording: health.recording,
      sourceWidth: context.sourceSize?.width ?? 0,
      sourceHeight: context.sourceSize?.height ?? 0,
      clients: context.clients,
      sourceUri: context.sourceUri,
      label: context.label,
      degraded: health.degraded ?? '',
      analysis: health.engine !== null,
      echoView: health.echoView ?? '',
      echoPartner: health.echoPartner ?? '',
      sources: health.sources ?? 0,
      undoable: (health.undoable ?? []).map(({ kind, ...step }) =>
        create(UndoStepSchema, { ...step, kind: kind ?? '' }),
      ),
      heldGestures: health.gestures?.held ?? 0,
    }),
  );
}

export function decodeHealth(bytes: Uint8Array): HealthMessage {
  const message = decode(HealthSchema, bytes);
  return {
    timestampNs: nsFromTimestamp(message.timestamp),
    streamId: message.frameId,
    label: message.label,
    sourceUri: message.sourceUri,
    // A phase of a later version is shown as no signal rather than as a good picture.
    sourcePhase: sourcePhases.find((phase) => phase === message.sourceState) ?? 'lost',
    reason: message.reason,
    reasonCode: message.reasonCode,
    sinceUnixMs: Number(nsFromTimestamp(message.since) / 1_000_000n),
    capturedFps: message.capturedFps,
    displayedFps: message.displayedFps,
    analysedFps: message.analysedFps,
    latencyMs: Object.fromEntries(
      message.latency.map(({ stage, p50Ms, p95Ms, p99Ms, maxMs }) => [
        stage,
        { p50: p50Ms, p95: p95Ms, p99: p99Ms, max: maxMs },
      ]),
    ),
    drops: Object.fromEntries(message.drops.map(({ stage, count }) => [stage, Number(count)])),
    provider: message.provider,
    model: message.model,
    modelKind: message.modelKind,
    modelLicence: message.modelLicence,
    policy: message.policy,
    overlayVisible: message.overlayVisible,
    overlayLimitMs: message.overlayLimitMs,
    recording: message.recording,
    sourceSize: message.sourceWidth > 0 ? { width: message.sourceWidth, height: message.sourceHeight } : null,
    clients: message.clients,
    degraded: message.degraded,
    analysis: message.analysis,
    echoView: echoViews.find((view) => view === message.echoView) ?? null,
    echoPartner: message.echoPartner,
    sources: message.sources,
    undoable: message.undoable.map(({ objectId, label, kind, made }) => ({
      ...{ objectId, label, made },
      kind: undoableKinds.find((known) => known === kind) ?? null,
    })),
    heldGestures: message.heldGestures,
  };
}
