/** One frame of a room: the very same bytes on a viewer's socket, in a recording and in an exported MCAP, encoded once. */
import { uniformCalibration } from '../../../src/vocabulary/calibration.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createMeasurer } from '../../../src/analysis/measure.js';
import { maskFromBitmap } from '../../../src/mask/rle.js';
import type { RoomEvent } from '../../../src/pipeline/room.js';
import { roomMessages } from '../../../src/protocol/room-messages.js';
import { SonoscopeClient } from '../../../src/protocol/client.js';
import { McapExporter } from '../../../src/record/mcap-exporter.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { Recorder } from '../../../src/record/recorder.js';
import { HandMadeRoom, jpeg, silent, until, wsUrl } from '../server/fixture.js';
import { RoomRegistry, startServer } from '../../../src/server/index.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-bytes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const size = { width: 80, height: 60 };
const modifiedMs = 1_700_000_000_000;
const kinds = ['video', 'segmentation', 'outlines', 'measurements'] as const;

function square(left: number, edge: number) {
  const bitmap = new Uint8Array(size.width * size.height);
  for (let y = 10; y < 10 + edge; y++) bitmap.fill(1, y * size.width + left, y * size.width + left + edge);
  return maskFromBitmap(bitmap, size.width, size.height);
}

/** A room whose masks are as large as its picture and whose clock is that of an exported file. */
class PlainRoom extends HandMadeRoom {
  override readonly epochUnixNs = BigInt(modifiedMs) * 1_000_000n;
}

async function messagesOf(path: string): Promise<Map<string, Uint8Array[]>> {
  const found = new Map<string, Uint8Array[]>();
  const reader = await McapFileReader.open(path);
  for await (const { topic, data } of reader.inTimeOrder(new Set(kinds.map((kind) => `/scope/${kind}`))))
    found.set(topic, [...(found.get(topic) ?? []), Uint8Array.from(data)]);
  await reader.close();
  return found;
}

it('one frame has the same bytes on the socket, in a recording and in an export, and is encoded once', async () => {
  const picture = await jpeg(size);
  const room = new PlainRoom('scope', picture);
  const format = {
    ...{
      size,
      framesPerSecond: 25,
      calibration: uniformCalibration({ x: 0.5, y: 0.25 }),
      frameCount: null,
      description: 'x',
    },
  };
  room.format = format;
  const frame = {
    streamId: 'scope',
    ptsNs: 40e6,
    captureNs: 0,
    mediaNs: 40e6,
    sourceFrame: 1,
    discontinuity: 0,
  };
  const exported = [
    { id: 1, state: 'tracking', score: 0.5, confidence: 0.75, mask: square(5, 20) },
    { id: 2, state: 'uncertain', score: 0.5, confidence: 0.5, mask: square(40, 12) },
    { id: 3, state: 'lost', score: 0, confidence: 0, mask: square(0, 0) },
  ] as const;
  const labels = ['liver', 'hook', 'clip'];
  const result = {
    ...{ frame, maskSize: size, logitsSize: size },
    objects: exported.map((object, index) => ({
      ...object,
      label: labels[index] ?? '',
      box: (object.id === 1 ? [5, 10, 20, 20] : object.id === 2 ? [40, 10, 12, 12] : [0, 0, 0, 0]) as never,
      areaPx: [400, 144, 0][index] ?? 0,
    })),
    timing: { startedNs: 0, inferenceNs: 0, trackingNs: 0 },
  };
  const events: Extract<RoomEvent, { kind: 'display' | 'result' | 'measurement' }>[] = [
    {
      kind: 'display',
      frame: { ...frame, encoding: 'jpeg', size, data: picture, decodedNs: 0, encodedNs: 0 },
    },
    { kind: 'result', result },
    { kind: 'measurement', frame, measurements: createMeasurer()(result, format) },
  ];

  const server = await startServer({
    ...{ port: 0, logger: silent, version: '0', rooms: new RoomRegistry([room]) },
  });
  const onSocket = new Map<string, Uint8Array[]>();
  const client = new SonoscopeClient({
    url: wsUrl(server),
    connect: (url, names) => new WebSocket(url, [...names]),
  });
  const recording = join(folder, 'live.mcap');
  const recorder = await Recorder.create(recording, {
    version: '0',
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    for (const kind of kinds)
      client.subscribeRaw(`/scope/${kind}`, (data) => {
        onSocket.set(`/scope/${kind}`, [...(onSocket.get(`/scope/${kind}`) ?? []), Uint8Array.from(data)]);
      });
    await until(() => client.state.phase === 'open', 'the connection');
    // An answer means that the subscriptions before it have been taken.
    await client.call('time', {});
    recorder.open(room);
    for (const event of events) room.events.next(event);
    await until(() => onSocket.get('/scope/measurements')?.length === 2, 'the messages');
    await recorder.close();
  } finally {
    client.close();
    await server.close();
  }
  const encoded = events.flatMap((event) => roomMessages(event, room));
  expect(encoded.map(({ kind, encodings }) => [kind, encodings])).toEqual([
    ...[...kinds, 'measurements'].map((kind) => [kind, 1]),
  ]);
  expect(await messagesOf(recording)).toEqual(onSocket);

  const exporter = new McapExporter();
  await exporter.open(
    {
      ...{
        directory: folder,
        clip: 'scope',
        sourceUri: 'x',
        source: format,
        dicom: null,
        loss: null,
        view: 'a4c',
        chunkFrames: 8,
      },
      objects: exported.map(({ id }, index) => ({ id, label: labels[index] ?? '' })),
      software: { version: '0', model: 'm', modelSha256: '' },
      ...{
        identity: '',
        inputIdentity: '',
        segmentation: 'semiautomatic' as const,
        sourceModifiedUnixMs: modifiedMs,
      },
    },
    null,
  );
  const measurements = createMeasurer()({ ...result, frame }, format);
  await exporter.frame({ ...frame, objects: exported, measurements, picture });
  const [path] = await exporter.close();
  expect(await messagesOf(path ?? '')).toEqual(onSocket);
});

it('a channel that nobody takes is not encoded', async () => {
  const room = new PlainRoom('scope', await jpeg(size));
  const server = await startServer({
    ...{ port: 0, logger: silent, version: '0', rooms: new RoomRegistry([room]) },
  });
  const taken: RoomEvent[] = [];
  room.events$.subscribe((event) => taken.push(event));
  room.analyse();
  for (const event of taken)
    if (event.kind !== 'health' && event.kind !== 'held')
      for (const { encodings } of roomMessages(event, room)) expect(encodings).toBe(0);
  expect(taken.map(({ kind }) => kind)).toEqual(['result', 'measurement']);
  await server.close();
});
