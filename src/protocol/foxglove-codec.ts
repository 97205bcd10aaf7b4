/**
 * The Foxglove WebSocket protocol, version 1: every message that sonoscope's server and client speak, in both
 * directions. Pure; runs in the server, in tests and in the browser's worker. Nothing else in the house knows opcodes.
 * Source: https://github.com/foxglove/ws-protocol/blob/main/docs/spec.md
 *
 * A text message is a JSON object with `op`; a binary one starts with an opcode (u8); integers are little-endian.
 * Well-formed messages with an `op` that this version does not know decode to `{ op: 'unknown' }` and are to be ignored,
 * so that newer peers keep working. Malformed ones throw SONO_WIRE_GARBAGE, never anything else.
 */
import { getTextEncoding } from '@bufbuild/protobuf/wire';
import { z } from 'zod';
import { protocolError } from './errors.js';

/** Both names of the same messages, preferred first. */
export const subprotocols = ['foxglove.sdk.v1', 'foxglove.websocket.v1'] as const;
export type Subprotocol = (typeof subprotocols)[number];

/** Picks the subprotocol to answer from what a client offered, null when it offered none that we speak. */
export function chooseSubprotocol(offered: Iterable<string>): Subprotocol | null {
  const names = new Set(offered);
  return subprotocols.find((name) => names.has(name)) ?? null;
}

const id = z.number().int().min(0).max(0xffff_ffff);
const text = z.string();

export const channelSchema = z.object({
  id,
  topic: text,
  encoding: text,
  schemaName: text,
  schema: text,
  schemaEncoding: text.optional(),
});
export type WireChannel = z.infer<typeof channelSchema>;

const serviceSide = z.object({ encoding: text, schemaName: text, schemaEncoding: text, schema: text });
export const serviceSchema = z.object({
  id,
  name: text,
  type: text,
  request: serviceSide.optional(),
  response: serviceSide.optional(),
});
export type WireService = z.infer<typeof serviceSchema>;

/** Levels of a status message. */
export const statusLevel = { info: 0, warning: 1, error: 2 } as const;

const serverTextSchemas = {
  serverInfo: z.object({
    op: z.literal('serverInfo'),
    name: text,
    capabilities: z.array(text),
    supportedEncodings: z.array(text).optional(),
    metadata: z.record(text, text).optional(),
    sessionId: text.optional(),
  }),
  status: z.object({
    op: z.literal('status'),
    level: z.number().int(),
    message: text,
    id: text.optional(),
    /** Ours; other clients ignore it. */
    code: text.optional(),
  }),
  removeStatus: z.object({ op: z.literal('removeStatus'), statusIds: z.array(text) }),
  advertise: z.object({ op: z.literal('advertise'), channels: z.array(channelSchema) }),
  unadvertise: z.object({ op: z.literal('unadvertise'), channelIds: z.array(id) }),
  advertiseServices: z.object({ op: z.literal('advertiseServices'), services: z.array(serviceSchema) }),
  unadvertiseServices: z.object({ op: z.literal('unadvertiseServices'), serviceIds: z.array(id) }),
  serviceCallFailure: z.object({
    op: z.literal('serviceCallFailure'),
    serviceId: id,
    callId: id,
    message: text,
    /** Ours; other clients ignore it. */
    code: text.optional(),
  }),
} as const;

const clientTextSchemas = {
  subscribe: z.object({
    op: z.literal('subscribe'),
    subscriptions: z.array(z.object({ id, channelId: id })).max(4096),
  }),
  unsubscribe: z.object({ op: z.literal('unsubscribe'), subscriptionIds: z.array(id).max(4096) }),
  /** Publishing by clients is not offered; these are understood only to be refused by name. */
  advertise: z.object({ op: z.literal('advertise'), channels: z.array(z.unknown()).max(4096) }),
  unadvertise: z.object({ op: z.literal('unadvertise'), channelIds: z.array(id).max(4096) }),
} as const;

type Values<T> = T[keyof T];
export type ServerTextMessage = z.infer<Values<typeof serverTextSchemas>>;
export type ClientTextMessage = z.infer<Values<typeof clientTextSchemas>>;

/** A call or its answer: `data` is the body in `encoding` (always `json` here). */
export interface ServiceCallMessage {
  readonly serviceId: number;
  readonly callId: number;
  readonly encoding: string;
  readonly data: Uint8Array;
}

export type ServerBinaryMessage =
  | {
      readonly op: 'messageData';
      readonly subscriptionId: number;
      /** Nanoseconds since the Unix epoch: the moment of capture, on the server's clock. */
      readonly logTimeNs: bigint;
      /** A view of the received bytes, not a copy. */
      readonly data: Uint8Array;
    }
  | { readonly op: 'time'; readonly timeNs: bigint }
  | ({ readonly op: 'serviceCallResponse' } & ServiceCallMessage);

export type ClientBinaryMessage =
  | { readonly op: 'clientMessageData'; readonly channelId: number; readonly data: Uint8Array }
  | ({ readonly op: 'serviceCallRequest' } & ServiceCallMessage);

/** Well-formed, but of a kind this version does not know. */
export interface UnknownMessage {
  readonly op: 'unknown';
  readonly name: string;
}

const opcode = {
  server: { messageData: 1, time: 2, serviceCallResponse: 3 },
  client: { messageData: 1, serviceCallRequest: 2 },
} as const;

/** Bytes before the payload of a messageData: opcode, subscription id, log time. */
export const messageDataHeaderBytes = 13;

export function encodeText(message: ServerTextMessage | ClientTextMessage): string {
  return JSON.stringify(message);
}

function decodeText<Schemas extends Record<string, z.ZodType>>(
  json: string,
  schemas: Schemas,
): z.infer<Schemas[keyof Schemas]> | UnknownMessage {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw protocolError('SONO_WIRE_GARBAGE', { what: 'not JSON' }, cause);
  }
  const op = z.object({ op: text }).safeParse(value);
  if (!op.success) throw protocolError('SONO_WIRE_GARBAGE', { what: 'no op' });
  const name = op.data.op;
  const schema = Object.hasOwn(schemas, name) ? schemas[name as keyof Schemas] : undefined;
  if (!schema) return { op: 'unknown', name };
  const message = schema.safeParse(value);
  if (!message.success)
    throw protocolError('SONO_WIRE_GARBAGE', { what: `malformed ${name}` }, message.error);
  return message.data as z.infer<Schemas[keyof Schemas]>;
}

export function decodeServerText(json: string): ServerTextMessage | UnknownMessage {
  return decodeText(json, serverTextSchemas);
}

export function decodeClientText(json: string): ClientTextMessage | UnknownMessage {
  return decodeText(json, clientTextSchemas);
}

/** Server → client: one message of a channel. */
export function encodeMessageData(
  subscriptionId: number,
  logTimeNs: bigint,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(messageDataHeaderBytes + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcode.server.messageData);
  view.setUint32(1, subscriptionId, true);
  view.setBigUint64(5, logTimeNs, true);
  bytes.set(payload, messageDataHeaderBytes);
  return bytes;
}

function encodeServiceCall(code: number, message: ServiceCallMessage): Uint8Array<ArrayBuffer> {
  const encoding = getTextEncoding().encodeUtf8(message.encoding);
  const bytes = new Uint8Array(13 + encoding.byteLength + message.data.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, code);
  view.setUint32(1, message.serviceId, true);
  view.setUint32(5, message.callId, true);
  view.setUint32(9, encoding.byteLength, true);
  bytes.set(encoding, 13);
  bytes.set(message.data, 13 + encoding.byteLength);
  return bytes;
}

/** Client → server. */
export function encodeServiceCallRequest(message: ServiceCallMessage): Uint8Array<ArrayBuffer> {
  return encodeServiceCall(opcode.client.serviceCallRequest, message);
}

/** Server → client. */
export function encodeServiceCallResponse(message: ServiceCallMessage): Uint8Array<ArrayBuffer> {
  return encodeServiceCall(opcode.server.serviceCallResponse, message);
}

/** Client → server; sonoscope's server ignores it (nothing may be published by clients). */
export function encodeClientMessageData(channelId: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5 + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcode.client.messageData);
  view.setUint32(1, channelId, true);
  bytes.set(payload, 5);
  return bytes;
}

function needs(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.byteLength < length)
    throw protocolError('SONO_WIRE_GARBAGE', { what: `${what} ends after ${bytes.byteLength} bytes` });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeServiceCall(bytes: Uint8Array, what: string): ServiceCallMessage {
  needs(bytes, 13, what);
  const view = viewOf(bytes);
  const encodingBytes = view.getUint32(9, true);
  needs(bytes, 13 + encodingBytes, what);
  let encoding: string;
  try {
    encoding = getTextEncoding().decodeUtf8(bytes.subarray(13, 13 + encodingBytes), true);
  } catch (cause) {
    throw protocolError('SONO_WIRE_GARBAGE', { what: `${what} names its encoding in no known text` }, cause);
  }
  return {
    serviceId: view.getUint32(1, true),
    callId: view.getUint32(5, true),
    encoding,
    data: bytes.subarray(13 + encodingBytes),
  };
}

export function decodeServerBinary(bytes: Uint8Array): ServerBinaryMessage | UnknownMessage {
  needs(bytes, 1, 'an empty message');
  const view = viewOf(bytes);
  const code = view.getUint8(0);
  switch (code) {
    case opcode.server.messageData:
      needs(bytes, messageDataHeaderBytes, 'channel data');
      return {
        op: 'messageData',
        subscriptionId: view.getUint32(1, true),
        logTimeNs: view.getBigUint64(5, true),
        data: bytes.subarray(messageDataHeaderBytes),
      };
    case opcode.server.time:
      needs(bytes, 9, 'time');
      return { op: 'time', timeNs: view.getBigUint64(1, true) };
    case opcode.server.serviceCallResponse:
      return { op: 'serviceCallResponse', ...decodeServiceCall(bytes, 'a service answer') };
    default:
      return { op: 'unknown', name: `opcode ${code}` };
  }
}

export function decodeClientBinary(bytes: Uint8Array): ClientBinaryMessage | UnknownMessage {
  needs(bytes, 1, 'an empty message');
  const view = viewOf(bytes);
  const code = view.getUint8(0);
  switch (code) {
    case opcode.client.messageData:
      needs(bytes, 5, 'published data');
      return { op: 'clientMessageData', channelId: view.getUint32(1, true), data: bytes.subarray(5) };
    case opcode.client.serviceCallRequest:
      return { op: 'serviceCallRequest', ...decodeServiceCall(bytes, 'a service call') };
    default:
      return { op: 'unknown', name: `opcode ${code}` };
  }
}
