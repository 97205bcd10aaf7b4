/** Names of the channels and their time stamps. Pure; runs in the server, the recorder and the browser. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { DescFile, DescMessage } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { FileDescriptorProto, Timestamp } from '@bufbuild/protobuf/wkt';
import { CompressedImageSchema, ImageAnnotationsSchema } from './generated/foxglove_pb.js';
import { HealthSchema, MeasurementSchema, SegmentationSchema } from './generated/sonoscope_pb.js';

export const channelKinds = ['video', 'segmentation', 'outlines', 'measurements', 'health'] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** The protobuf message that each kind of channel carries. */
export const channelSchemas = {
  video: CompressedImageSchema,
  segmentation: SegmentationSchema,
  outlines: ImageAnnotationsSchema,
  measurements: MeasurementSchema,
  health: HealthSchema,
} as const satisfies Record<ChannelKind, DescMessage>;

/** `/<stream>/<kind>`. */
export function channelTopic(streamId: string, kind: ChannelKind): string {
  return `/${streamId}/${kind}`;
}

/** Inverse of channelTopic; null for a topic of another system. */
export function parseTopic(topic: string): { readonly streamId: string; readonly kind: ChannelKind } | null {
  const match = /^\/(.+)\/([a-z]+)$/.exec(topic);
  const kind = channelKinds.find((candidate) => candidate === match?.[2]);
  return match?.[1] !== undefined && kind !== undefined ? { streamId: match[1], kind } : null;
}

const descriptorSets = new Map<string, Uint8Array>();

/** FileDescriptorSet of a message's file and all that it imports, dependencies first: MCAP's and Foxglove's `protobuf` schema. */
export function fileDescriptorSet(schema: DescMessage): Uint8Array {
  const known = descriptorSets.get(schema.file.name);
  if (known) return known;
  const files: FileDescriptorProto[] = [];
  const visit = (file: DescFile): void => {
    if (files.includes(file.proto)) return;
    file.dependencies.forEach(visit);
    files.push(file.proto);
  };
  visit(schema.file);
  const bytes = toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files }));
  descriptorSets.set(schema.file.name, bytes);
  return bytes;
}

/** The same as base64 text, as a channel advertisement carries it. */
export function fileDescriptorSetBase64(schema: DescMessage): string {
  return base64Encode(fileDescriptorSet(schema));
}

const nsPerSecond = 1_000_000_000n;

/** Nanoseconds since the Unix epoch → protobuf Timestamp. */
export function timestampFromNs(unixNs: bigint): Timestamp {
  let seconds = unixNs / nsPerSecond;
  let nanos = unixNs % nsPerSecond;
  if (nanos < 0n) {
    nanos += nsPerSecond;
    seconds -= 1n;
  }
  return create(TimestampSchema, { seconds, nanos: Number(nanos) });
}

/**
 * Protobuf Timestamp → nanoseconds since the Unix epoch; a missing one is 0. On the channels of one stream this value
 * is the join key: picture, mask and measurement of one frame carry the same one.
 */
export function nsFromTimestamp(timestamp: Timestamp | undefined): bigint {
  return timestamp ? timestamp.seconds * nsPerSecond + BigInt(timestamp.nanos) : 0n;
}

/** Wire time of a frame: the stream's epoch plus its PTS. */
export function wireTimeNs(epochUnixNs: bigint, ptsNs: number): bigint {
  return epochUnixNs + BigInt(Math.round(ptsNs));
}

/** PTS of a wire time; the inverse of wireTimeNs. */
export function ptsFromWireTime(epochUnixNs: bigint, timeNs: bigint): number {
  return Number(timeNs - epochUnixNs);
}
