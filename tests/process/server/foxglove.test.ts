/** Others' programs on our wire and ours on theirs: Foxglove's TypeScript client, a Python client, Foxglove's own server. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Channel, FoxgloveClient as Client, IWebSocket, Service } from '@foxglove/ws-protocol';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { maskArea, maskBox, maskFromCocoBytes, maskFromCocoString } from '../../../src/mask/rle.js';
import { channelSchemas, fileDescriptorSetBase64 } from '../../../src/protocol/channels.js';
import { SonoscopeClient } from '../../../src/protocol/client.js';
import { subprotocols } from '../../../src/protocol/foxglove-codec.js';
import type { SegmentationMessage, VideoMessage } from '../../../src/protocol/messages.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { runPython, testPython } from '../../python-env.js';
import { serve, until, wsUrl } from './fixture.js';
import type { Served } from './fixture.js';

// Its ES module build leaves out the endings of its own imports, which Node does not resolve.
const { FoxgloveClient } = createRequire(import.meta.url)('@foxglove/ws-protocol') as {
  FoxgloveClient: typeof Client;
};

const closing: (() => unknown)[] = [];

/** A server whose room goes on showing and analysing frames. */
async function start(token: string | null = null): Promise<Served> {
  const served = await serve({ token });
  const timer = setInterval(() => {
    const identity = served.room.identity();
    served.room.show(identity);
    served.room.analyse(identity);
  }, 20);
  closing.push(
    () => served.server.close(),
    () => clearInterval(timer),
  );
  return served;
}

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Decodes with what the channel advertises, without our generated code. */
function decodeAdvertised(channel: Channel, data: DataView): Record<string, unknown> {
  const set = fromBinary(FileDescriptorSetSchema, Buffer.from(channel.schema, 'base64'));
  const schema = createFileRegistry(set).getMessage(channel.schemaName);
  if (!schema) throw new Error(`${channel.schemaName} is not in its own descriptor`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return toJson(schema, fromBinary(schema, bytes)) as Record<string, unknown>;
}

describe.each(subprotocols)('over %s', (subprotocol) => {
  it("Foxglove's TypeScript client reads every channel and calls services", async () => {
    const { server, room } = await start();
    const socket = new WebSocket(wsUrl(server), [subprotocol]);
    const client = new FoxgloveClient({ ws: socket as unknown as IWebSocket });
    closing.push(() => client.close());
    const channels = new Map<number, Channel>();
    const services = new Map<string, Service>();
    const got = new Map<string, Record<string, unknown>>();
    const errors: unknown[] = [];
    const answers: { callId: number; data: ArrayBufferView }[] = [];
    const failures: { callId: number; message: string }[] = [];
    client.on('error', (error) => errors.push(error));
    client.on('serviceCallFailure', (failure) => failures.push(failure));
    client.on('serviceCallResponse', (answer) => answers.push(answer));
    client.on('advertise', (advertised) => {
      for (const channel of advertised) channels.set(client.subscribe(channel.id), channel);
    });
    client.on('advertiseServices', (advertised) => {
      for (const service of advertised) services.set(service.name, service);
    });
    client.on('message', ({ subscriptionId, data }) => {
      const channel = channels.get(subscriptionId);
      if (channel && !got.has(channel.topic))
        got.set(channel.topic, decodeAdvertised(channel, data as DataView));
    });
    const kinds = Object.keys(channelSchemas);
    await until(() => got.size === kinds.length && services.size > 0, 'all channels');
    expect(socket.protocol).toBe(subprotocol);
    expect([...got.keys()].sort()).toEqual(kinds.map((kind) => `/scope/${kind}`).sort());

    const video = got.get('/scope/video') as { data: string; format: string };
    expect(video.format).toBe('jpeg');
    expect(Buffer.from(video.data, 'base64').equals(room.picture)).toBe(true);
    const segmentation = got.get('/scope/segmentation') as {
      maskWidth: number;
      maskHeight: number;
      objects: { label: string; state: string; counts: string }[];
    };
    const [object] = segmentation.objects;
    expect(object).toMatchObject({ label: 'grasper', state: 'TRACKING' });
    const counts = Buffer.from(object?.counts ?? '', 'base64').toString('latin1');
    const mask = maskFromCocoString(counts, segmentation.maskWidth, segmentation.maskHeight);
    expect(maskArea(mask)).toBe(192);
    const outlines = got.get('/scope/outlines') as { points: { type: string; points: unknown[] }[] };
    expect(outlines.points).toMatchObject([{ type: 'LINE_LOOP' }]);
    expect(got.get('/scope/health')).toMatchObject({ sourceState: 'playing', provider: 'cpu' });

    const call = (name: string, callId: number, body: unknown): void =>
      client.sendServiceCallRequest({
        serviceId: services.get(name)?.id ?? -1,
        callId,
        encoding: 'json',
        data: new DataView(new TextEncoder().encode(JSON.stringify(body)).buffer),
      });
    call('overlay', 1, { stream: 'scope', visible: true });
    call('overlay', 2, { stream: 'nowhere' });
    await until(() => answers.length === 1 && failures.length === 1, 'both answers');
    expect(room.health.overlayVisible).toBe(true);
    const [answer] = answers;
    const text = Buffer.from(
      answer?.data.buffer ?? new ArrayBuffer(0),
      answer?.data.byteOffset,
      answer?.data.byteLength,
    ).toString();
    expect({ callId: answer?.callId, body: JSON.parse(text) as unknown }).toEqual({
      callId: 1,
      body: { visible: true },
    });
    expect(failures).toMatchObject([{ callId: 2, message: expect.stringContaining('nowhere') as string }]);
    expect(errors).toEqual([]);
  });

  it('a Python client that shares no code reads every channel and calls services', async () => {
    const { server, room } = await start('open-sesame-open-sesame');
    const asked = { url: wsUrl(server), subprotocol, stream: 'scope' };
    const refused = await runPython('wire_client.py', { ...asked, token: null });
    expect(refused).toEqual({ refused: 401, code: 'SONO_TOKEN_WRONG' });
    const seen = (await runPython('wire_client.py', { ...asked, token: 'open-sesame-open-sesame' })) as {
      channels: Record<string, Record<string, unknown>>;
      time: { monotonicNs: string; unixNs: string };
    };
    expect(seen).toMatchObject({
      subprotocol,
      serverInfo: { op: 'serverInfo', name: 'sonoscope 9.9.9', capabilities: ['services'] },
      failure: 'SONO_REQUEST_INVALID',
      status: { level: 2, code: 'SONO_WIRE_GARBAGE' },
      channels: {
        video: { format: 'jpeg', frameId: 'scope', size: [320, 240] },
        segmentation: {
          sourceSize: [320, 240],
          objects: [
            {
              id: 1,
              label: 'grasper',
              state: 'TRACKING',
              confidence: 0.9375,
              areaPx: 192,
              areaMm2: 384,
              // pycocotools reads our run lengths.
              decodedArea: 192,
              decodedBox: [10, 20, 16, 12],
              box: [10, 20, 16, 12],
            },
            { id: 2, label: 'hook', state: 'LOST', areaPx: 0, decodedArea: 0 },
          ],
        },
        outlines: { lines: [{ type: 2, x: [40, 104], y: [80, 128] }], texts: ['grasper 94 %'] },
        measurements: { name: 'area', value: 384, unit: 'mm2', objectId: 1 },
        health: { state: 'playing', provider: 'cpu', capturedFps: 25, latency: { decode: 1, total: 7 } },
      },
    });
    const { video, segmentation } = seen.channels;
    // JPEG is lossy: the flat colour comes back within a few steps.
    (video?.['colour'] as number[]).forEach((value, index) =>
      expect(Math.abs(value - ([200, 40, 40][index] ?? 0))).toBeLessThan(8),
    );
    const ptsNs = segmentation?.['ptsNs'] as number;
    expect(segmentation?.['timestampNs']).toBe(String(room.epochUnixNs + BigInt(ptsNs)));
    // Log time and captureNs are the same moment on the two clocks of `time`.
    const offset = BigInt(seen.time.unixNs) - BigInt(seen.time.monotonicNs);
    expect(BigInt(segmentation?.['logTimeNs'] as string)).toBe(
      BigInt(segmentation?.['captureNs'] as string) + offset,
    );
  });
});

it("our client reads a room that Foxglove's own SDK serves", async () => {
  const python = spawn(testPython(), [
    `${packageRoot}tests/python/foxglove_sdk_room.py`,
    fileDescriptorSetBase64(channelSchemas.segmentation),
  ]);
  const ended = new Promise((resolve) => python.once('close', resolve));
  closing.push(() => {
    python.stdin.end();
    return ended;
  });
  let out = '';
  let problems = '';
  python.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  python.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()));
  await until(
    () => {
      if (python.exitCode !== null) throw new Error(problems);
      return out.includes('\n');
    },
    'the SDK to serve',
    60_000,
  );
  const { port } = JSON.parse(out) as { port: number };

  const client = new SonoscopeClient({
    url: `ws://127.0.0.1:${port}`,
    connect: (url, protocols) => new WebSocket(url, [...protocols]),
  });
  closing.push(() => client.close());
  const videos = new Map<bigint, { message: VideoMessage; logTimeNs: bigint }>();
  const segmentations = new Map<bigint, SegmentationMessage>();
  client.subscribe('theatre', 'video', (message, logTimeNs) =>
    videos.set(message.timestampNs, { message, logTimeNs }),
  );
  client.subscribe('theatre', 'segmentation', (message) => segmentations.set(message.timestampNs, message));
  const timestampNs = await until(
    () => [...segmentations.keys()].find((key) => videos.has(key)),
    'a picture and a segmentation of one frame',
  );
  expect(client.state).toMatchObject({
    phase: 'open',
    serverName: 'an sdk room',
    subprotocol: 'foxglove.sdk.v1',
  });
  expect([...client.streams]).toEqual([['theatre', new Set(['video', 'segmentation'])]]);
  const video = videos.get(timestampNs);
  expect(video).toMatchObject({ logTimeNs: timestampNs, message: { streamId: 'theatre', format: 'jpeg' } });
  const picture = await sharp(video?.message.data).metadata();
  expect([picture.format, picture.width, picture.height]).toEqual(['jpeg', 64, 48]);
  const segmentation = segmentations.get(timestampNs);
  expect(segmentation).toMatchObject({
    ptsNs: (Number(timestampNs / 1_000_000_000n) - 1_700_000_000) * 40_000_000,
    maskSize: { width: 16, height: 12 },
    sourceSize: { width: 64, height: 48 },
    objects: [{ id: 5, label: 'clip applier', state: 'tracking', confidence: 0.5, areaMm2: null }],
  });
  // pycocotools wrote the run lengths.
  const mask = maskFromCocoBytes(segmentation?.objects[0]?.counts ?? new Uint8Array(), 16, 12);
  expect([maskArea(mask), maskBox(mask)]).toEqual([50, [4, 3, 10, 5]]);
  expect(await client.callRaw('echo', { hello: 1 })).toEqual({ echo: { hello: 1 } });
});
