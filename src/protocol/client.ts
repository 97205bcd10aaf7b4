/**
 * A viewer's connection to a Foxglove-protocol server, sonoscope's or another (for example PyPI's foxglove-sdk). Runs in
 * the dashboard's worker and in Node, over any object like a browser WebSocket.
 *
 * Subscriptions are by topic and outlive reconnects: when the server comes back and advertises the topic again, it is
 * subscribed again. Nothing is buffered: a message goes to its handlers at once or nowhere.
 *
 * One thing, two words: what a person reads as a room, and the server builds as a Room, is a *stream* on the wire. Its id
 * is called `stream` or `streamId` in every message, request and program that reads them; "room" stands only in addresses
 * and words of the dashboard, and in the code of the server behind this protocol.
 */
import { getTextEncoding } from '@bufbuild/protobuf/wire';
import { parseTopic } from './channels.js';
import type { ChannelKind } from './channels.js';
import { ServerClock } from './clock.js';
import { protocolError } from './errors.js';
import {
  decodeServerBinary,
  decodeServerText,
  encodeServiceCallRequest,
  encodeText,
  subprotocols,
} from './foxglove-codec.js';
import type { ClientTextMessage, WireChannel, WireService } from './foxglove-codec.js';
import {
  decodeHealth,
  decodeMeasurement,
  decodeOutlines,
  decodeSegmentation,
  decodeVideo,
} from './messages.js';
import type {
  HealthMessage,
  MeasurementMessage,
  OutlinesMessage,
  SegmentationMessage,
  VideoMessage,
} from './messages.js';
import { operations } from './operations.js';
import type { OperationName, RequestOf, ResponseOf } from './operations.js';

/** The part of a WebSocket that is used; the browser's and the one of the `ws` package both have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type ConnectionState =
  | { readonly phase: 'connecting'; readonly attempt: number }
  | {
      readonly phase: 'open';
      readonly serverName: string;
      readonly sessionId: string;
      readonly subprotocol: string;
    }
  /** Waiting for the next attempt. */
  | { readonly phase: 'waiting'; readonly attempt: number; readonly retryMs: number; readonly reason: string }
  | { readonly phase: 'closed' };

export interface ClientOptions {
  readonly url: string;
  /** `(url, protocols) => new WebSocket(url, protocols)`. */
  readonly connect: (url: string, protocols: readonly string[]) => WebSocketLike;
  readonly onState?: (state: ConnectionState) => void;
  /** All channels now advertised, after every change. */
  readonly onChannels?: (channels: readonly WireChannel[]) => void;
  /** Remarks of the server, and messages of it that could not be read. */
  readonly onStatus?: (status: {
    readonly level: number;
    readonly message: string;
    readonly code: string;
  }) => void;
  /** First and longest wait between attempts; doubles in between. */
  readonly backOffMs?: { readonly first: number; readonly longest: number };
  /** How long a call waits for a connection that is being made. */
  readonly connectTimeoutMs?: number;
  /** How long a call may take. */
  readonly callTimeoutMs?: number;
  /** Local monotonic clock, milliseconds. */
  readonly nowMs?: () => number;
}

export type RawHandler = (payload: Uint8Array, logTimeNs: bigint, channel: WireChannel) => void;

/** Message type by kind of channel. */
export interface MessageOf {
  video: VideoMessage;
  segmentation: SegmentationMessage;
  outlines: OutlinesMessage;
  measurements: MeasurementMessage;
  health: HealthMessage;
}

const decoders: { readonly [Kind in ChannelKind]: (bytes: Uint8Array) => MessageOf[Kind] } = {
  video: decodeVideo,
  segmentation: decodeSegmentation,
  outlines: decodeOutlines,
  measurements: decodeMeasurement,
  health: decodeHealth,
};

interface Subscription {
  readonly id: number;
  readonly topic: string;
  readonly handlers: Set<RawHandler>;
  channelId: number | null;
}

interface PendingCall {
  readonly operation: string;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: unknown;
}

// Present in browsers, workers and Node alike; declared here because shared code sees neither's types.
declare const setTimeout: (handler: () => void, delayMs: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;
declare const performance: { now(): number };

export class SonoscopeClient {
  /** Clock of the server, fed by `syncClock`. */
  readonly clock = new ServerClock();
  #options: ClientOptions;
  #socket: WebSocketLike | null = null;
  #state: ConnectionState = { phase: 'closed' };
  #attempt = 0;
  #retryTimer: unknown = null;
  #channels = new Map<number, WireChannel>();
  #services = new Map<string, WireService>();
  /** Calls that wait for a connection; each looks for itself whether it may go on. */
  readonly #waiters = new Set<() => void>();
  #subscriptions = new Map<string, Subscription>();
  #subscriptionsById = new Map<number, Subscription>();
  #calls = new Map<number, PendingCall>();
  #nextSubscriptionId = 1;
  #nextCallId = 1;
  #ended = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#connect();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get channels(): readonly WireChannel[] {
    return [...this.#channels.values()];
  }

  /** Stream ids and the kinds of channel that each has. */
  get streams(): ReadonlyMap<string, ReadonlySet<ChannelKind>> {
    const streams = new Map<string, Set<ChannelKind>>();
    for (const { topic } of this.#channels.values()) {
      const parsed = parseTopic(topic);
      if (!parsed) continue;
      const kinds = streams.get(parsed.streamId) ?? new Set();
      streams.set(parsed.streamId, kinds.add(parsed.kind));
    }
    return streams;
  }

  get serviceNames(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** Ends the connection for good; pending calls are refused. */
  close(): void {
    this.#ended = true;
    clearTimeout(this.#retryTimer);
    this.#drop('closed by the viewer');
    this.#socket?.close(1000);
    this.#setState({ phase: 'closed' });
  }

  /** Messages of a topic as bytes, whatever their schema. Returns the function that ends the subscription. */
  subscribeRaw(topic: string, handler: RawHandler): () => void {
    let subscription = this.#subscriptions.get(topic);
    if (!subscription) {
      subscription = { id: this.#nextSubscriptionId++, topic, handlers: new Set(), channelId: null };
      this.#subscriptions.set(topic, subscription);
      this.#subscriptionsById.set(subscription.id, subscription);
      this.#bind([...this.#channels.values()]);
    }
    const kept = subscription;
    kept.handlers.add(handler);
    return () => {
      if (!kept.handlers.delete(handler) || kept.handlers.size > 0) return;
      this.#subscriptions.delete(topic);
      this.#subscriptionsById.delete(kept.id);
      if (kept.channelId !== null) this.#send({ op: 'unsubscribe', subscriptionIds: [kept.id] });
    };
  }

  /**
   * Decoded messages of one of sonoscope's kinds. Pictures arrive as a view of the received bytes. A message that cannot
   * be read is reported to `onStatus` and left out. `logTimeNs`: capture in Unix ns (see ServerClock.localMsOfLogTime).
   */
  subscribe<Kind extends ChannelKind>(
    streamId: string,
    kind: Kind,
    handler: (message: MessageOf[Kind], logTimeNs: bigint) => void,
  ): () => void {
    const decodeMessage = decoders[kind];
    return this.subscribeRaw(`/${streamId}/${kind}`, (payload, logTimeNs) => {
      let message: MessageOf[Kind];
      try {
        message = decodeMessage(payload);
      } catch (error) {
        this.#report(error);
        return;
      }
      handler(message, logTimeNs);
    });
  }

  /** Messages of a topic that carries JSON. One that cannot be read is reported to `onStatus` and left out. */
  subscribeJson(topic: string, handler: (value: unknown) => void): () => void {
    return this.subscribeRaw(topic, (payload) => {
      let value: unknown;
      try {
        value = JSON.parse(getTextEncoding().decodeUtf8(payload));
      } catch (cause) {
        this.#report(protocolError('SONO_WIRE_GARBAGE', { what: `${topic} is not JSON` }, cause));
        return;
      }
      handler(value);
    });
  }

  /**
   * One operation. Rejects with SONO_REQUEST_FAILED and the server's code and sentence (`details.code`,
   * `details.message`), SONO_REQUEST_UNKNOWN, SONO_CONNECTION_LOST or SONO_REQUEST_TIMEOUT.
   */
  async call<Name extends OperationName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    const body = await this.callRaw(name, request);
    const parsed = operations[name].response.safeParse(body);
    if (!parsed.success) throw protocolError('SONO_WIRE_SCHEMA', { schema: name }, parsed.error);
    return parsed.data as ResponseOf<Name>;
  }

  /** An operation that is not in the table (an extension of the server); the answer is whatever JSON it sent. */
  async callRaw(name: string, request: unknown): Promise<unknown> {
    const service = await this.#service(name);
    const socket = this.#socket;
    if (!socket || this.#state.phase !== 'open') throw protocolError('SONO_CONNECTION_LOST');
    const callId = this.#nextCallId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(callId);
        reject(protocolError('SONO_REQUEST_TIMEOUT', { operation: name }));
      }, this.#options.callTimeoutMs ?? 30_000);
      this.#calls.set(callId, { operation: name, resolve, reject, timer });
    });
    socket.send(
      encodeServiceCallRequest({
        serviceId: service.id,
        callId,
        encoding: 'json',
        data: getTextEncoding().encodeUtf8(JSON.stringify(request)),
      }),
    );
    return answer;
  }

  /** Exchanges `pings` pings with the server and feeds `clock`. */
  async syncClock(pings = 8): Promise<ServerClock> {
    for (let ping = 0; ping < pings; ping++) {
      const sentMs = this.#nowMs();
      const { monotonicNs, unixNs } = await this.call('time', {});
      this.clock.add({
        sentMs,
        receivedMs: this.#nowMs(),
        serverMonotonicNs: BigInt(monotonicNs),
        serverUnixNs: BigInt(unixNs),
      });
    }
    return this.clock;
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? performance.now();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#wake();
    this.#options.onState?.(state);
  }

  #connect(): void {
    this.#attempt += 1;
    this.#setState({ phase: 'connecting', attempt: this.#attempt });
    let socket: WebSocketLike;
    try {
      socket = this.#options.connect(this.#options.url, subprotocols);
    } catch (error) {
      this.#retry(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (event: { readonly data: unknown }) => {
      if (socket === this.#socket) this.#receive(event.data, socket.protocol);
    };
    let failed = false;
    socket.onerror = () => {
      failed = true;
    };
    socket.onclose = (event: { readonly code?: number; readonly reason?: string }) => {
      if (socket !== this.#socket || this.#ended) return;
      const why = event.reason ?? '';
      this.#retry(
        why !== '' ? why : failed ? 'the server cannot be reached' : 'the server ended the connection',
      );
    };
  }

  #retry(reason: string): void {
    this.#socket = null;
    this.#drop(reason);
    const { first, longest } = this.#options.backOffMs ?? { first: 250, longest: 5000 };
    const retryMs = Math.min(longest, first * 2 ** Math.min(20, Math.max(0, this.#attempt - 1)));
    this.#setState({ phase: 'waiting', attempt: this.#attempt, retryMs, reason });
    this.#retryTimer = setTimeout(() => {
      if (!this.#ended) this.#connect();
    }, retryMs);
  }

  /** Forgets what belonged to the lost connection. */
  #drop(reason: string): void {
    for (const call of this.#calls.values()) {
      clearTimeout(call.timer);
      call.reject(protocolError('SONO_CONNECTION_LOST', { reason }));
    }
    this.#calls.clear();
    this.#services.clear();
    for (const subscription of this.#subscriptions.values()) subscription.channelId = null;
    if (this.#channels.size > 0) {
      this.#channels.clear();
      this.#options.onChannels?.([]);
    }
  }

  #send(message: ClientTextMessage): void {
    if (this.#state.phase === 'open') this.#socket?.send(encodeText(message));
  }

  /** A service by name; while connecting, waits until the server has named its services. */
  async #service(name: string): Promise<WireService> {
    const unknownYet = (): boolean =>
      this.#state.phase === 'connecting' || (this.#state.phase === 'open' && this.#services.size === 0);
    if (unknownYet())
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          if (unknownYet()) return;
          clearTimeout(timer);
          this.#waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(() => {
          this.#waiters.delete(wake);
          resolve();
        }, this.#options.connectTimeoutMs ?? 5000);
        this.#waiters.add(wake);
      });
    const service = this.#services.get(name);
    if (service) return service;
    throw this.#state.phase === 'open'
      ? protocolError('SONO_REQUEST_UNKNOWN', { operation: name })
      : protocolError('SONO_CONNECTION_LOST');
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Subscribes to those of the given channels that somebody waits for. */
  #bind(channels: readonly WireChannel[]): void {
    const subscriptions = channels.flatMap((channel) => {
      const subscription = this.#subscriptions.get(channel.topic);
      if (!subscription || subscription.channelId === channel.id) return [];
      subscription.channelId = channel.id;
      return [{ id: subscription.id, channelId: channel.id }];
    });
    if (subscriptions.length > 0) this.#send({ op: 'subscribe', subscriptions });
  }

  #report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    this.#options.onStatus?.({ level: 1, message, code });
  }

  #receive(data: unknown, subprotocol: string): void {
    try {
      if (typeof data === 'string') this.#receiveText(data, subprotocol);
      else if (data instanceof ArrayBuffer) this.#receiveBinary(new Uint8Array(data));
      else if (data instanceof Uint8Array) this.#receiveBinary(data);
    } catch (error) {
      this.#report(error);
    }
  }

  #receiveText(json: string, subprotocol: string): void {
    const message = decodeServerText(json);
    switch (message.op) {
      case 'serverInfo':
        this.#attempt = 0;
        this.#setState({
          phase: 'open',
          serverName: message.name,
          sessionId: message.sessionId ?? '',
          subprotocol,
        });
        return;
      case 'advertise':
        for (const channel of message.channels) this.#channels.set(channel.id, channel);
        this.#bind(message.channels);
        this.#options.onChannels?.(this.channels);
        return;
      case 'unadvertise':
        for (const channelId of message.channelIds) {
          this.#channels.delete(channelId);
          for (const subscription of this.#subscriptions.values())
            if (subscription.channelId === channelId) subscription.channelId = null;
        }
        this.#options.onChannels?.(this.channels);
        return;
      case 'advertiseServices':
        for (const service of message.services) this.#services.set(service.name, service);
        this.#wake();
        return;
      case 'unadvertiseServices':
        for (const [name, service] of this.#services)
          if (message.serviceIds.includes(service.id)) this.#services.delete(name);
        return;
      case 'serviceCallFailure': {
        const call = this.#takeCall(message.callId);
        call?.reject(
          protocolError('SONO_REQUEST_FAILED', {
            operation: call.operation,
            code: message.code ?? '',
            message: message.message,
          }),
        );
        return;
      }
      case 'status':
        this.#options.onStatus?.({
          level: message.level,
          message: message.message,
          code: message.code ?? '',
        });
        return;
      case 'removeStatus':
      case 'unknown':
        return;
    }
  }

  #receiveBinary(bytes: Uint8Array): void {
    const message = decodeServerBinary(bytes);
    switch (message.op) {
      case 'messageData': {
        const subscription = this.#subscriptionsById.get(message.subscriptionId);
        const channelId = subscription?.channelId ?? null;
        const channel = channelId === null ? undefined : this.#channels.get(channelId);
        if (!subscription || !channel) return;
        for (const handler of subscription.handlers) handler(message.data, message.logTimeNs, channel);
        return;
      }
      case 'serviceCallResponse': {
        const call = this.#takeCall(message.callId);
        if (!call) return;
        try {
          call.resolve(JSON.parse(getTextEncoding().decodeUtf8(message.data)));
        } catch (cause) {
          call.reject(protocolError('SONO_WIRE_GARBAGE', { what: 'an answer that is not JSON' }, cause));
        }
        return;
      }
      case 'time':
      case 'unknown':
        return;
    }
  }

  #takeCall(callId: number): PendingCall | undefined {
    const call = this.#calls.get(callId);
    if (call) {
      this.#calls.delete(callId);
      clearTimeout(call.timer);
    }
    return call;
  }
}
