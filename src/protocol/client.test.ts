/** The client against a socket made by hand: what no well-behaved server does, and time. Real servers: tests/process. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SonoscopeClient } from './client.js';
import type { ClientOptions, ConnectionState, WebSocketLike } from './client.js';
import {
  decodeClientBinary,
  decodeClientText,
  encodeMessageData,
  encodeServiceCallResponse,
  encodeText,
} from './foxglove-codec.js';
import type { ServerTextMessage } from './foxglove-codec.js';
import { encodeVideo } from './messages.js';

class HandMadeSocket implements WebSocketLike {
  binaryType = '';
  readonly protocol = 'foxglove.sdk.v1';
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  readonly sent: (string | Uint8Array<ArrayBuffer>)[] = [];
  closed = false;

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  deliver(data: unknown): void {
    (this.onmessage as ((event: unknown) => void) | null)?.({ data });
  }

  say(message: ServerTextMessage): void {
    this.deliver(encodeText(message));
  }

  end(reason = ''): void {
    (this.onclose as ((event: unknown) => void) | null)?.({ code: 1006, reason });
  }

  get texts() {
    return this.sent.flatMap((data) => (typeof data === 'string' ? [decodeClientText(data)] : []));
  }

  get calls() {
    return this.sent.flatMap((data) => (typeof data === 'string' ? [] : [decodeClientBinary(data)]));
  }
}

const channel = (id: number, topic: string) => ({
  id,
  topic,
  encoding: 'protobuf',
  schemaName: '',
  schema: '',
});
const services: ServerTextMessage = {
  op: 'advertiseServices',
  services: [{ id: 4, name: 'time', type: '' }],
};

function harness(options: Partial<ClientOptions> = {}) {
  const sockets: HandMadeSocket[] = [];
  const states: ConnectionState[] = [];
  const remarks: string[] = [];
  const client = new SonoscopeClient({
    url: 'ws://nowhere',
    connect: () => {
      const socket = new HandMadeSocket();
      sockets.push(socket);
      return socket;
    },
    onState: (state) => states.push(state),
    onStatus: ({ message }) => remarks.push(message),
    backOffMs: { first: 100, longest: 500 },
    ...options,
  });
  const last = () => sockets.at(-1) as HandMadeSocket;
  return {
    client,
    sockets,
    states,
    remarks,
    last,
    greet: () => last().say({ op: 'serverInfo', name: 'n', capabilities: [] }),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('reconnecting', () => {
  it('waits longer each time, up to a limit, and starts anew after a success', async () => {
    const { sockets, states, last, greet, client } = harness();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      last().end();
      const state = states.at(-1);
      waits.push(state?.phase === 'waiting' ? state.retryMs : -1);
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(waits).toEqual([100, 200, 400, 500, 500]);
    greet();
    expect(client.state.phase).toBe('open');
    last().end('the server is ending');
    expect(states.at(-1)).toMatchObject({ phase: 'waiting', retryMs: 100, reason: 'the server is ending' });
    expect(sockets).toHaveLength(6);
  });

  it('goes on when making a socket throws, and stops when closed', async () => {
    let attempts = 0;
    const { client } = harness({
      connect: () => {
        attempts += 1;
        throw new Error('blocked');
      },
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(attempts).toBe(2);
    expect(client.state).toMatchObject({ phase: 'waiting', reason: 'blocked' });
    client.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(attempts).toBe(2);
  });

  it('ignores what an old socket still says', async () => {
    const { sockets, last, client, greet } = harness();
    last().end();
    await vi.advanceTimersByTimeAsync(100);
    sockets[0]?.say({ op: 'serverInfo', name: 'old', capabilities: [] });
    expect(client.state.phase).toBe('connecting');
    greet();
    sockets[0]?.end();
    expect(client.state.phase).toBe('open');
  });

  it('subscribes again under the new channel number', async () => {
    const { client, last, greet } = harness();
    const times: bigint[] = [];
    client.subscribe('s', 'video', ({ timestampNs }) => times.push(timestampNs));
    const show = (timestampNs: bigint): void => {
      const subscribed = last().texts.find((text) => text.op === 'subscribe');
      const id = subscribed?.op === 'subscribe' ? (subscribed.subscriptions[0]?.id ?? -1) : -1;
      const payload = encodeVideo({ streamId: 's', data: new Uint8Array(1) }, timestampNs);
      last().deliver(encodeMessageData(id, 5n, payload).buffer);
    };
    greet();
    last().say({ op: 'advertise', channels: [channel(1, '/s/video'), channel(2, '/s/health')] });
    show(10n);
    last().end();
    await vi.advanceTimersByTimeAsync(100);
    greet();
    last().say({ op: 'advertise', channels: [channel(9, '/s/video')] });
    expect(last().texts).toEqual([{ op: 'subscribe', subscriptions: [{ id: 1, channelId: 9 }] }]);
    show(11n);
    expect(times).toEqual([10n, 11n]);
  });
});

describe('messages', () => {
  it('that make no sense are reported, and the next ones still read', () => {
    const { client, last, greet, remarks } = harness();
    const times: bigint[] = [];
    client.subscribe('s', 'video', ({ timestampNs }) => times.push(timestampNs));
    greet();
    last().say({ op: 'advertise', channels: [channel(1, '/s/video')] });
    for (const rubbish of ['', '{', '{"op":"advertise"}', new ArrayBuffer(0), Uint8Array.of(1, 2).buffer])
      last().deliver(rubbish);
    // Well framed, but no picture.
    last().deliver(encodeMessageData(1, 0n, Uint8Array.of(0xff, 0xff)).buffer);
    expect(remarks).toHaveLength(6);
    // Unknown kinds, foreign numbers and things that are no messages are nothing to report.
    last().deliver('{"op":"fromTheFuture"}');
    last().deliver(Uint8Array.of(99).buffer);
    last().deliver(encodeMessageData(77, 0n, new Uint8Array(0)).buffer);
    last().deliver(
      encodeServiceCallResponse({ serviceId: 1, callId: 99, encoding: 'json', data: new Uint8Array(0) })
        .buffer,
    );
    last().deliver({});
    expect(remarks).toHaveLength(6);
    last().deliver(
      encodeMessageData(1, 0n, encodeVideo({ streamId: 's', data: new Uint8Array(0) }, 3n)).buffer,
    );
    expect(times).toEqual([3n]);
  });

  it('of the server to people are passed on', () => {
    const statuses: unknown[] = [];
    const { last, greet } = harness({ onStatus: (status) => statuses.push(status) });
    greet();
    last().say({ op: 'status', level: 2, message: 'm', code: 'SONO_X' });
    expect(statuses).toEqual([{ level: 2, message: 'm', code: 'SONO_X' }]);
  });
});

describe('calls', () => {
  it('wait for a connection that is being made', async () => {
    const { client, last, greet } = harness();
    const answer = client.call('time', {});
    greet();
    last().say(services);
    await vi.advanceTimersByTimeAsync(0);
    const [request] = last().calls;
    expect(request).toMatchObject({ op: 'serviceCallRequest', serviceId: 4, encoding: 'json' });
    const callId = request?.op === 'serviceCallRequest' ? request.callId : -1;
    const data = new TextEncoder().encode('{"monotonicNs":"1","unixNs":"2"}');
    last().deliver(encodeServiceCallResponse({ serviceId: 4, callId, encoding: 'json', data }).buffer);
    expect(await answer).toEqual({ monotonicNs: '1', unixNs: '2' });
  });

  it.each([
    ['not JSON', 'x', 'SONO_WIRE_GARBAGE'],
    ['not the shape that was agreed', '{}', 'SONO_WIRE_SCHEMA'],
  ])('answered by something that is %s are refused with a code', async (_, text, code) => {
    const { client, last, greet } = harness();
    greet();
    last().say(services);
    const answer = client.call('time', {});
    const refused = expect(answer).rejects.toMatchObject({ code });
    await vi.advanceTimersByTimeAsync(0);
    last().deliver(
      encodeServiceCallResponse({
        serviceId: 4,
        callId: 1,
        encoding: 'json',
        data: new TextEncoder().encode(text),
      }).buffer,
    );
    await refused;
  });

  it('fail when they take too long, when the connection is lost, and when there is none', async () => {
    const { client, last, greet } = harness({ callTimeoutMs: 1000, connectTimeoutMs: 300 });
    const noServer = expect(client.call('time', {})).rejects.toMatchObject({ code: 'SONO_CONNECTION_LOST' });
    await vi.advanceTimersByTimeAsync(300);
    await noServer;
    greet();
    last().say(services);
    const slow = expect(client.call('time', {})).rejects.toMatchObject({ code: 'SONO_REQUEST_TIMEOUT' });
    await vi.advanceTimersByTimeAsync(1000);
    await slow;
    const lost = expect(client.call('time', {})).rejects.toMatchObject({ code: 'SONO_CONNECTION_LOST' });
    await vi.advanceTimersByTimeAsync(0);
    last().end();
    await lost;
    await expect(client.call('time', {})).rejects.toMatchObject({ code: 'SONO_CONNECTION_LOST' });
  });

  it('of services that went are refused by name', async () => {
    const { client, last, greet } = harness();
    greet();
    last().say({
      op: 'advertiseServices',
      services: [
        { id: 4, name: 'time', type: '' },
        { id: 5, name: 'other', type: '' },
      ],
    });
    expect(client.serviceNames).toEqual(['time', 'other']);
    last().say({ op: 'unadvertiseServices', serviceIds: [4] });
    await expect(client.call('time', {})).rejects.toMatchObject({ code: 'SONO_REQUEST_UNKNOWN' });
  });
});
