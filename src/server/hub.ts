/**
 * The Foxglove side of the server: viewers, their subscriptions and outboxes, the channels of all rooms, service calls.
 * A slow viewer is held up by its own outbox only; nothing here waits for a viewer. Runs in the main process.
 */
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { SonoError } from '../vocabulary/errors.js';
import { codedFault } from '../vocabulary/faults.js';
import { protocolError } from '../protocol/errors.js';
import {
  decodeClientBinary,
  decodeClientText,
  encodeServiceCallResponse,
  encodeText,
  statusLevel,
} from '../protocol/foxglove-codec.js';
import type {
  ClientBinaryMessage,
  ClientTextMessage,
  ServerTextMessage,
  UnknownMessage,
  WireService,
} from '../protocol/foxglove-codec.js';
import { limits } from '../protocol/requests.js';
import { isTooDeep } from './bounded-json.js';
import { serverError } from './errors.js';
import type { Caller } from './caller.js';
import type { ServerMetrics } from './metrics.js';
import { defaultOutboxLimits, Outbox } from '../outputs/outbox.js';
import type { Outgoing, OutboxLimits } from '../outputs/outbox.js';
import type { RoomFeed, RoomOutput } from '../outputs/output.js';
import type { Room } from '../pipeline/room.js';
import { RoomChannels } from './room-channels.js';
import { callRow, codedError } from './services.js';
import type { Service } from './services.js';
import type { SharedMessage } from './shared-message.js';
import { TopicChannel } from './topics.js';
import type { Topic } from './topics.js';

interface HubOptions {
  readonly serverName: string;
  readonly version: string;
  readonly services: readonly Service[];
  readonly topics: readonly Topic[];
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  /** Lines about who did what. */
  readonly auditLog: Logger;
  /** Counts one more call from this address; false: too many. */
  readonly countCall: (address: string) => boolean;
  readonly outbox?: OutboxLimits;
  /** A viewer that takes no bytes for this time is disconnected; default 15 s. */
  readonly stallMs?: number;
}

/** How many calls of one viewer may run at once. */
const callsAtOnce = 32;
/** A viewer is disconnected after this many messages that cannot be understood. */
const garbageTolerated = 256;

/** Close codes of RFC 6455. */
const closeCode = { goingAway: 1001, policy: 1008 } as const;

interface Viewer {
  readonly id: string;
  readonly socket: WebSocket;
  /** What the WebSocket writes to. */
  readonly connection: Duplex;
  readonly outbox: Outbox;
  /** Channel by subscription, subscription by channel. */
  readonly channelOf: Map<number, number>;
  readonly subscriptionOf: Map<number, number>;
  readonly logger: Logger;
  readonly caller: Caller;
  /** Aborted when the viewer has gone. */
  readonly left: AbortController;
  calls: number;
  garbage: number;
  /** When the last unanswered ping was sent. */
  pingedAtMs: number | null;
}

export class Hub implements RoomOutput<Room> {
  readonly name = 'viewers';
  readonly #options: HubOptions;
  readonly #sessionId = randomUUID();
  readonly #viewers = new Set<Viewer>();
  readonly #rooms = new Map<string, RoomChannels>();
  readonly #roomOfChannel = new Map<number, RoomChannels>();
  readonly #topics = new Map<number, TopicChannel>();
  readonly #wireServices: readonly WireService[];
  readonly #serviceById = new Map<number, Service>();
  readonly #watchdog: NodeJS.Timeout;
  #nextChannelId = 1;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#wireServices = options.services.map((service, index) => {
      this.#serviceById.set(index + 1, service);
      return describeService(index + 1, service);
    });
    for (const topic of options.topics) {
      const id = this.#nextChannelId++;
      this.#topics.set(id, new TopicChannel(id, topic, (message) => this.#publish(message)));
    }
    const stallMs = options.stallMs ?? 15_000;
    const roundMs = stallMs / 3;
    let lastRoundMs = performance.now();
    this.#watchdog = setInterval(() => {
      const nowMs = performance.now();
      // This process itself was paused (a busy moment, a suspended machine): answers may be unread, so judge in the next round.
      const late = nowMs - lastRoundMs > 2 * roundMs;
      lastRoundMs = nowMs;
      if (!late) this.#watch(nowMs, stallMs);
    }, roundMs);
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Takes over an accepted connection; `connection` is the one that the WebSocket was made on, `from` who made it. */
  accept(socket: WebSocket, connection: Duplex, from: Caller): void {
    const id = randomUUID();
    const logger = this.#options.logger.child({ viewer: id });
    const viewer: Viewer = {
      id,
      socket,
      connection,
      logger,
      caller: { ...from, viewer: id },
      left: new AbortController(),
      channelOf: new Map(),
      subscriptionOf: new Map(),
      outbox: new Outbox(
        { send: (data, done) => sendOn(socket, connection, data, done) },
        () => this.#disconnect(viewer, 'overflow'),
        this.#options.outbox ?? defaultOutboxLimits,
      ),
      calls: 0,
      garbage: 0,
      pingedAtMs: null,
    };
    this.#viewers.add(viewer);
    // Listen for the end before anything can fail, otherwise a closed viewer would be kept for ever.
    socket.on('close', (code) => this.#gone(viewer, code));
    // For a message that is too long and for broken framing, ws itself closes the connection with the right code.
    socket.on('error', (err) => logger.warn({ err }, 'viewer connection failed'));
    this.#options.metrics.viewers.set(this.#viewers.size);
    logger.info({ subprotocol: socket.protocol }, 'viewer connected');
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer, isBinary) => {
      try {
        this.#options.metrics.receivedBytes.inc(data.byteLength);
        this.#receive(viewer, data, isBinary);
      } catch (error) {
        this.#status(viewer, this.#fault(viewer, error));
      }
    });
    socket.on('pong', () => {
      viewer.pingedAtMs = null;
    });
    this.#sendText(viewer, {
      op: 'serverInfo',
      name: this.#options.serverName,
      capabilities: ['services'],
      supportedEncodings: ['json'],
      metadata: { 'sonoscope.version': this.#options.version },
      sessionId: this.#sessionId,
    });
    const channels = [
      ...[...this.#rooms.values()].flatMap((room) => [...room.channels.values()]),
      ...this.#topics.values(),
    ];
    this.#sendText(viewer, { op: 'advertise', channels: channels.map(({ wire }) => wire) });
    this.#sendText(viewer, { op: 'advertiseServices', services: [...this.#wireServices] });
  }

  /** Ends all connections; resolves when they are gone, at the latest after `graceMs`. */
  async close(graceMs = 500): Promise<void> {
    clearInterval(this.#watchdog);
    for (const id of [...this.#rooms.keys()]) this.#closeRoom(id);
    for (const topic of this.#topics.values()) topic.close();
    await Promise.all(
      [...this.#viewers].map(async ({ socket, outbox }) => {
        outbox.close();
        const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
        socket.close(closeCode.goingAway, 'the server is ending');
        const timer = setTimeout(() => socket.terminate(), graceMs);
        await closed;
        clearTimeout(timer);
      }),
    );
  }

  // ------------------------------------------------------------------------------------------------ rooms

  open(room: Room): RoomFeed {
    const channels = new RoomChannels(room, {
      nextChannelId: () => this.#nextChannelId++,
      publish: (message) => this.#publish(message),
      together: (publish) => this.#together(publish),
      viewers: () => this.#viewersOf(room.id),
      metrics: this.#options.metrics,
    });
    this.#rooms.set(room.id, channels);
    for (const id of channels.channels.keys()) this.#roomOfChannel.set(id, channels);
    const wire = [...channels.channels.values()].map((channel) => channel.wire);
    for (const viewer of this.#viewers) this.#sendText(viewer, { op: 'advertise', channels: wire });
    return { close: () => this.#removeRoom(room.id) };
  }

  #closeRoom(id: string): readonly number[] {
    const room = this.#rooms.get(id);
    if (!room) return [];
    room.close();
    this.#rooms.delete(id);
    const channelIds = [...room.channels.keys()];
    for (const channelId of channelIds) this.#roomOfChannel.delete(channelId);
    return channelIds;
  }

  #removeRoom(id: string): void {
    const channelIds = this.#closeRoom(id);
    for (const viewer of this.#viewers) {
      for (const channelId of channelIds) {
        const subscription = viewer.subscriptionOf.get(channelId);
        if (subscription !== undefined) this.#unsubscribe(viewer, subscription);
      }
      this.#sendText(viewer, { op: 'unadvertise', channelIds: [...channelIds] });
    }
    this.#options.metrics.forget(id).catch((err: unknown) => {
      this.#options.logger.error({ stream: id, err }, 'metrics of a removed stream could not be ended');
    });
  }

  #viewersOf(roomId: string): number {
    let count = 0;
    for (const viewer of this.#viewers)
      for (const channelId of viewer.subscriptionOf.keys())
        if (this.#roomOfChannel.get(channelId)?.room.id === roomId) {
          count += 1;
          break;
        }
    return count;
  }

  // ------------------------------------------------------------------------------------------------ channels

  /** All that `work` publishes goes to each viewer in one write, because a system call per message costs more than encoding it. */
  #together(publish: () => void): void {
    // A copy, because publishing may disconnect viewers.
    const connections = [...this.#viewers].map(({ connection }) => connection);
    for (const connection of connections) connection.cork();
    try {
      publish();
    } finally {
      for (const connection of connections) connection.uncork();
    }
  }

  #publish(message: SharedMessage): void {
    for (const viewer of this.#viewers) {
      const subscription = viewer.subscriptionOf.get(message.channelId);
      if (subscription !== undefined) this.#offer(viewer, subscription, message);
    }
  }

  #offer(viewer: Viewer, subscription: number, message: SharedMessage): void {
    const { room, kind } = this.#origin(message.channelId);
    if (kind === null) return;
    const stream = room?.id ?? '';
    const { metrics } = this.#options;
    viewer.outbox.push({
      key: `${message.channelId} ${message.message.slot}`,
      parts: () => this.#encode(message, subscription, stream, kind),
      onSent: (byteLength) => metrics.onSent(stream, kind, byteLength),
      onDropped: () => {
        metrics.droppedMessages.inc({ stream, channel: kind });
        room?.countClientDrop(1);
      },
    });
  }

  /** The room and kind of a channel; a topic of no room is its own kind. */
  #origin(channelId: number): { readonly room: Room | null; readonly kind: string | null } {
    const channels = this.#roomOfChannel.get(channelId);
    return channels
      ? { room: channels.room, kind: channels.channels.get(channelId)?.kind ?? null }
      : { room: null, kind: this.#topics.get(channelId)?.wire.topic ?? null };
  }

  /** One message that cannot be encoded must not end the viewer's stream: it is logged and left out. */
  #encode(
    message: SharedMessage,
    subscription: number,
    stream: string,
    channel: string,
  ): readonly Uint8Array[] | null {
    try {
      return message.framed(subscription);
    } catch (err) {
      this.#options.logger.error({ stream, channel, err }, 'a message could not be encoded');
      return null;
    }
  }

  #subscribe(viewer: Viewer, subscription: number, channelId: number): void {
    const room = this.#roomOfChannel.get(channelId);
    const topic = this.#topics.get(channelId);
    if (!room && !topic) {
      this.#status(viewer, serverError('SONO_CHANNEL_UNKNOWN', { channel: channelId }));
      return;
    }
    if (viewer.channelOf.has(subscription) || viewer.subscriptionOf.has(channelId)) {
      this.#status(viewer, serverError('SONO_SUBSCRIPTION_TWICE', { subscription }));
      return;
    }
    viewer.channelOf.set(subscription, channelId);
    viewer.subscriptionOf.set(channelId, subscription);
    for (const latest of topic ? topic.latest() : [room?.latest(channelId)])
      if (latest) this.#offer(viewer, subscription, latest);
  }

  #unsubscribe(viewer: Viewer, subscription: number): void {
    const channelId = viewer.channelOf.get(subscription);
    if (channelId === undefined) return;
    viewer.channelOf.delete(subscription);
    viewer.subscriptionOf.delete(channelId);
    viewer.outbox.forget((key) => key.startsWith(`${channelId} `));
  }

  // ------------------------------------------------------------------------------------------------ messages

  #receive(viewer: Viewer, data: Buffer, isBinary: boolean): void {
    let message: ClientTextMessage | ClientBinaryMessage | UnknownMessage;
    try {
      // Text messages only name channels. Parsing a long one would delay everybody's pictures.
      if (!isBinary && data.byteLength > limits.textBytes)
        throw serverError('SONO_REQUEST_TOO_LARGE', { limit: limits.textBytes });
      message = isBinary ? decodeClientBinary(data) : decodeClientText(data.toString());
    } catch (error) {
      viewer.garbage += 1;
      this.#status(viewer, codedError(error, 'message', viewer.logger));
      if (viewer.garbage > garbageTolerated) this.#disconnect(viewer, 'garbage');
      return;
    }
    switch (message.op) {
      case 'subscribe':
        for (const { id, channelId } of message.subscriptions) this.#subscribe(viewer, id, channelId);
        return;
      case 'unsubscribe':
        for (const id of message.subscriptionIds) this.#unsubscribe(viewer, id);
        return;
      case 'serviceCallRequest':
        void this.#call(viewer, message);
        return;
      case 'advertise':
        this.#status(viewer, serverError('SONO_PUBLISH_REFUSED'));
        return;
      case 'unadvertise':
      case 'clientMessageData':
      case 'unknown':
        return;
    }
  }

  /** Answers one call; never rejects. */
  async #call(
    viewer: Viewer,
    { serviceId, callId, encoding, data }: Extract<ClientBinaryMessage, { op: 'serviceCallRequest' }>,
  ): Promise<void> {
    const { metrics } = this.#options;
    const service = this.#serviceById.get(serviceId);
    const operation = service?.name ?? 'unknown';
    const endTimer = metrics.requestDuration.startTimer({ operation });
    viewer.calls += 1;
    try {
      if (!service) throw protocolError('SONO_REQUEST_UNKNOWN', { operation: `service ${serviceId}` });
      if (viewer.calls > callsAtOnce || !this.#options.countCall(viewer.caller.address))
        throw serverError('SONO_TOO_MANY_REQUESTS');
      const body = parseBody(service, encoding, data);
      const { logger, caller, left } = viewer;
      const answer = await callRow(service, body, {
        logger,
        auditLog: this.#options.auditLog,
        caller,
        asker: left.signal,
      });
      viewer.outbox.pushControl([
        encodeServiceCallResponse({
          serviceId,
          callId,
          encoding: 'json',
          data: Buffer.from(JSON.stringify(answer)),
        }),
      ]);
      metrics.requests.inc({ operation, way: 'websocket', outcome: 'ok' });
    } catch (error) {
      const { code, message } = codedError(error, operation, viewer.logger);
      metrics.requests.inc({ operation, way: 'websocket', outcome: code });
      this.#sendText(viewer, { op: 'serviceCallFailure', serviceId, callId, message, code });
    } finally {
      viewer.calls -= 1;
      endTimer();
    }
  }

  #fault(viewer: Viewer, error: unknown): SonoError {
    return codedFault('viewer', viewer.id, error, (cause) => serverError('SONO_SERVER_FAULT', {}, cause));
  }

  #sendText(viewer: Viewer, message: ServerTextMessage): void {
    viewer.outbox.pushControl(encodeText(message));
  }

  #status(viewer: Viewer, error: SonoError): void {
    this.#sendText(viewer, {
      op: 'status',
      level: statusLevel.error,
      message: error.message,
      code: error.code,
    });
  }

  // ------------------------------------------------------------------------------------------------ life

  #watch(nowMs: number, stallMs: number): void {
    for (const viewer of [...this.#viewers]) {
      const silentMs = viewer.pingedAtMs === null ? 0 : nowMs - viewer.pingedAtMs;
      if (viewer.outbox.stalledMs > stallMs || silentMs > stallMs) {
        this.#disconnect(viewer, 'stalled');
        continue;
      }
      // No ping into a full socket; that the viewer takes nothing is noticed above.
      if (
        viewer.pingedAtMs !== null ||
        viewer.outbox.inFlightBytes > 0 ||
        viewer.socket.readyState !== WebSocket.OPEN
      )
        continue;
      viewer.pingedAtMs = nowMs;
      viewer.socket.ping();
    }
  }

  /** Ends a harmful connection at once: a viewer that takes nothing would not take a closing message either. */
  #disconnect(viewer: Viewer, reason: 'stalled' | 'overflow' | 'garbage'): void {
    if (!this.#viewers.delete(viewer)) return;
    viewer.logger.warn({ reason, dropped: viewer.outbox.dropped }, 'viewer disconnected by the server');
    this.#options.metrics.disconnections.inc({ reason });
    this.#options.metrics.viewers.set(this.#viewers.size);
    viewer.outbox.close();
    if (reason === 'garbage') {
      viewer.socket.close(closeCode.policy, 'too many messages that cannot be understood');
      setTimeout(() => viewer.socket.terminate(), 1000).unref();
    } else viewer.socket.terminate();
  }

  #gone(viewer: Viewer, code: number): void {
    viewer.left.abort();
    viewer.outbox.close();
    if (!this.#viewers.delete(viewer)) return;
    viewer.logger.info({ code, dropped: viewer.outbox.dropped }, 'viewer left');
    this.#options.metrics.disconnections.inc({ reason: 'closed' });
    this.#options.metrics.viewers.set(this.#viewers.size);
  }
}

/**
 * One message of the socket. Bytes in pieces go out as fragments of one WebSocket message (RFC 6455, 5.4), so that a picture is
 * not copied to stand behind its header.
 */
function sendOn(socket: WebSocket, connection: Duplex, data: Outgoing, done: () => void): void {
  if (typeof data === 'string') {
    socket.send(data, { binary: false }, done);
    return;
  }
  const last = data.length - 1;
  // In one write.
  connection.cork();
  data.forEach((piece, index) => {
    if (index === last) socket.send(piece, { binary: true }, done);
    else socket.send(piece, { binary: true, fin: false });
  });
  connection.uncork();
}

function describeService(id: number, service: Service): WireService {
  const side = (name: string, schema: z.ZodType, io: 'input' | 'output') => ({
    encoding: 'json',
    schemaName: `${service.name}.${name}`,
    schemaEncoding: 'jsonschema',
    schema: JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any' })),
  });
  return {
    id,
    name: service.name,
    type: `sonoscope/${service.name}`,
    request: side('request', service.request, 'input'),
    response: side('response', service.response, 'output'),
  };
}

function parseBody(service: Service, encoding: string, data: Uint8Array): unknown {
  if (data.byteLength > limits.requestBytes)
    throw serverError('SONO_REQUEST_TOO_LARGE', { limit: limits.requestBytes });
  const invalid = (problem: string, cause?: unknown): SonoError =>
    protocolError('SONO_REQUEST_INVALID', { operation: service.name, problem }, cause);
  if (encoding !== 'json') throw invalid(`the encoding is "${encoding.slice(0, 40)}", not "json"`);
  const text = Buffer.from(data).toString();
  if (isTooDeep(text)) throw serverError('SONO_REQUEST_DEEP');
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch (cause) {
    throw invalid('the body is not JSON', cause);
  }
}
