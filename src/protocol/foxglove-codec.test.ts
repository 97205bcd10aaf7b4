import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseSubprotocol,
  decodeClientBinary,
  decodeClientText,
  decodeServerBinary,
  decodeServerText,
  encodeClientMessageData,
  encodeMessageData,
  encodeServiceCallRequest,
  encodeServiceCallResponse,
  encodeText,
} from './foxglove-codec.js';
import type { ClientTextMessage, ServerTextMessage } from './foxglove-codec.js';

const u32 = fc.nat({ max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 200 });
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const garbage = expect.objectContaining({ code: 'SONO_WIRE_GARBAGE' }) as unknown;

/** Runs a decoder that may refuse, but only with the coded error. */
function refusal(decode: () => unknown): unknown {
  try {
    decode();
    return null;
  } catch (error) {
    return error;
  }
}

describe('binary messages', () => {
  it('have the published layout', () => {
    expect(hex(encodeMessageData(0x01020304, 0x1122334455667788n, Uint8Array.of(0xaa, 0xbb)))).toBe(
      '01' + '04030201' + '8877665544332211' + 'aabb',
    );
    const call = { serviceId: 1, callId: 2, encoding: 'json', data: Uint8Array.of(0x7b, 0x7d) };
    expect(hex(encodeServiceCallRequest(call))).toBe(
      '02' + '01000000' + '02000000' + '04000000' + '6a736f6e' + '7b7d',
    );
    expect(hex(encodeServiceCallResponse(call))).toBe(
      '03' + '01000000' + '02000000' + '04000000' + '6a736f6e' + '7b7d',
    );
    expect(hex(encodeClientMessageData(5, Uint8Array.of(1)))).toBe('01' + '05000000' + '01');
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(
        u32,
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        bytes,
        (subscriptionId, logTimeNs, data) => {
          expect(decodeServerBinary(encodeMessageData(subscriptionId, logTimeNs, data))).toEqual({
            op: 'messageData',
            subscriptionId,
            logTimeNs,
            data,
          });
        },
      ),
    );
    fc.assert(
      fc.property(u32, u32, fc.string({ unit: 'grapheme' }), bytes, (serviceId, callId, encoding, data) => {
        const call = { serviceId, callId, encoding, data };
        expect(decodeServerBinary(encodeServiceCallResponse(call))).toEqual({
          op: 'serviceCallResponse',
          ...call,
        });
        expect(decodeClientBinary(encodeServiceCallRequest(call))).toEqual({
          op: 'serviceCallRequest',
          ...call,
        });
      }),
    );
  });

  it('are refused with a code or read as shorter ones when cut at any byte', () => {
    const whole = [
      encodeMessageData(1, 2n, new Uint8Array(20)),
      encodeServiceCallResponse({ serviceId: 1, callId: 2, encoding: 'json', data: new Uint8Array(20) }),
    ];
    for (const message of whole)
      for (let length = 0; length < message.length; length++) {
        const error = refusal(() => decodeServerBinary(message.subarray(0, length)));
        if (length < (message[0] === 1 ? 13 : 17)) expect(error).toEqual(garbage);
        else expect(error).toBeNull();
      }
    const call = encodeServiceCallRequest({
      serviceId: 1,
      callId: 2,
      encoding: 'json',
      data: new Uint8Array(3),
    });
    for (let length = 0; length < 17; length++)
      expect(refusal(() => decodeClientBinary(call.subarray(0, length)))).toEqual(garbage);
  });

  it('of any content never throw anything but the coded error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (data) => {
        for (const decode of [decodeServerBinary, decodeClientBinary]) {
          const error = refusal(() => decode(data));
          if (error !== null) expect(error).toEqual(garbage);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('of a kind that is not known are named, not refused', () => {
    expect(decodeServerBinary(Uint8Array.of(200, 1))).toEqual({ op: 'unknown', name: 'opcode 200' });
    expect(decodeClientBinary(Uint8Array.of(9))).toEqual({ op: 'unknown', name: 'opcode 9' });
  });

  it('respect a view into a larger buffer', () => {
    const message = encodeMessageData(7, 8n, Uint8Array.of(1, 2, 3));
    const larger = new Uint8Array(message.length + 10);
    larger.set(message, 5);
    expect(decodeServerBinary(larger.subarray(5, 5 + message.length))).toMatchObject({
      subscriptionId: 7,
      data: Uint8Array.of(1, 2, 3),
    });
  });
});

const channel = {
  id: 1,
  topic: '/a/video',
  encoding: 'protobuf',
  schemaName: 'x',
  schema: 'y',
  schemaEncoding: 'protobuf',
};
const side = { encoding: 'json', schemaName: 's', schemaEncoding: 'jsonschema', schema: '{}' };
const fromServer: ServerTextMessage[] = [
  {
    op: 'serverInfo',
    name: 'n',
    capabilities: ['services'],
    supportedEncodings: ['json'],
    metadata: { a: 'b' },
    sessionId: 's',
  },
  { op: 'status', level: 2, message: 'm', id: 'i', code: 'SONO_X' },
  { op: 'removeStatus', statusIds: ['i'] },
  { op: 'advertise', channels: [channel] },
  { op: 'unadvertise', channelIds: [1, 2] },
  { op: 'advertiseServices', services: [{ id: 1, name: 'n', type: 't', request: side, response: side }] },
  { op: 'unadvertiseServices', serviceIds: [3] },
  { op: 'serviceCallFailure', serviceId: 1, callId: 2, message: 'm', code: 'SONO_X' },
];
const fromClient: ClientTextMessage[] = [
  { op: 'subscribe', subscriptions: [{ id: 0, channelId: 1 }] },
  { op: 'unsubscribe', subscriptionIds: [0] },
  { op: 'advertise', channels: [{ id: 1 }] },
  { op: 'unadvertise', channelIds: [1] },
];

describe('text messages', () => {
  it.each(fromServer)('$op of the server comes back as it was', (message) => {
    expect(decodeServerText(encodeText(message))).toEqual(message);
  });

  it.each(fromClient)('$op of a client comes back as it was', (message) => {
    expect(decodeClientText(encodeText(message))).toEqual(message);
  });

  it('cut at any character are refused with a code', () => {
    for (const [messages, decode] of [
      [fromServer, decodeServerText],
      [fromClient, decodeClientText],
    ] as const)
      for (const message of messages) {
        const json = encodeText(message);
        for (let length = 0; length < json.length; length++)
          expect(refusal(() => decode(json.slice(0, length)))).toEqual(garbage);
      }
  });

  it('with an op that is not known are named, not refused', () => {
    expect(decodeClientText('{"op":"getParameters","parameterNames":[]}')).toEqual({
      op: 'unknown',
      name: 'getParameters',
    });
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(decodeClientText(JSON.stringify({ op: name }))).toEqual({ op: 'unknown', name });
  });

  it('with additional fields are read', () => {
    expect(decodeServerText('{"op":"removeStatus","statusIds":["a"],"later":1}')).toMatchObject({
      op: 'removeStatus',
    });
  });

  it.each([
    ['not an object', '[]'],
    ['no op', '{}'],
    ['op of another type', '{"op":1}'],
    ['an id below 0', '{"op":"subscribe","subscriptions":[{"id":-1,"channelId":1}]}'],
    ['an id that is no integer', '{"op":"subscribe","subscriptions":[{"id":0.5,"channelId":1}]}'],
    ['an id beyond 32 bits', '{"op":"unsubscribe","subscriptionIds":[4294967296]}'],
    ['deep nesting', '['.repeat(100_000)],
    ['null', 'null'],
  ])('with %s are refused with a code', (_, json) => {
    expect(refusal(() => decodeClientText(json))).toEqual(garbage);
  });

  it('of any JSON never throw anything but the coded error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.constantFrom('{"op":"subscribe"}')), (json) => {
        for (const decode of [decodeServerText, decodeClientText]) {
          const error = refusal(() => decode(json));
          if (error !== null) expect(error).toEqual(garbage);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('subprotocols', () => {
  it('are answered with one that was offered, the newer one first', () => {
    expect(chooseSubprotocol(['foxglove.websocket.v1'])).toBe('foxglove.websocket.v1');
    expect(chooseSubprotocol(['foxglove.websocket.v1', 'foxglove.sdk.v1'])).toBe('foxglove.sdk.v1');
    expect(chooseSubprotocol(['foxglove.sdk.v2', ''])).toBeNull();
    expect(chooseSubprotocol([])).toBeNull();
  });
});
