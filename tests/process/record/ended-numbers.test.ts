/**
 * Every way in which an object or its pictures can end, on the real chain: what a viewer heard last of each number has no value, and
 * the recording says the very same. Real GStreamer, ONNX Runtime, socket and MCAP file.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { createSource } from '../../../src/ingest/index.js';
import { syntheticScene } from '../../../src/ingest/synthetic/index.js';
import { openRoom } from '../../../src/pipeline/open-room.js';
import type { LiveRoom } from '../../../src/pipeline/room.js';
import { PlaybackRoom } from '../../../src/playback/playback-room.js';
import { decodeMeasurement, type MeasurementMessage } from '../../../src/protocol/messages.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { Recorder } from '../../../src/record/recorder.js';
import { RoomRegistry, startServer } from '../../../src/server/index.js';
import { clientOf, silent } from '../server/fixture.js';
import { tinyModelDir } from '../../tiny-scene.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-ended-'));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const patient = { timeout: 60_000, interval: 50 };

type Said = Pick<MeasurementMessage, 'name' | 'objectId' | 'value' | 'note' | 'ptsNs'>;
const saidOf = ({ name, objectId, value, note, ptsNs }: MeasurementMessage): Said => ({
  ...{ name, objectId, value, note, ptsNs },
});

async function recorded(path: string): Promise<Said[]> {
  const reader = await McapFileReader.open(path);
  const said: Said[] = [];
  for await (const { data } of reader.inTimeOrder(new Set(['/room/measurements'])))
    said.push(saidOf(decodeMeasurement(data)));
  await reader.close();
  return said;
}

const sourceProcess = (): number => {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  return Number(
    lines
      .split('\n')
      .find((line) => line.includes('ingest/child'))
      ?.trim()
      .split(' ')[0],
  );
};

const ways: readonly (readonly [string, string, (room: LiveRoom) => Promise<unknown>, RegExp])[] = [
  [
    'removed',
    'synthetic:counter',
    (room) => room.command({ kind: 'remove', objectId: 1, restorable: true }, null),
    /not followed any more/,
  ],
  [
    'undone to nothing',
    'synthetic:counter',
    (room) => room.command({ kind: 'undo', objectId: 1 }, null),
    /not followed any more/,
  ],
  [
    'another source',
    'synthetic:counter',
    (room) => room.openSource('synthetic:counter?seed=2'),
    /source has changed/,
  ],
  [
    'the source process killed, and back',
    'synthetic:counter',
    () => Promise.resolve(process.kill(sourceProcess(), 'SIGKILL')),
    /signal is lost/,
  ],
  ['the source at its end', 'synthetic:counter?duration=4', () => Promise.resolve(), /source has ended/],
  ['the room closed', 'synthetic:counter', (room) => room.close(), /room was closed/],
];

describe('a number on the wire and in a recording', () => {
  it.each(ways)('ends with what it is of: %s', async (way, uri, end, reason) => {
    const path = join(folder, `${way.replaceAll(/\W+/g, '-')}.mcap`);
    const recorder = await Recorder.create(path, {
      version: '9.9.9',
      onFailure: (error) => {
        throw error;
      },
    });
    const rooms = new RoomRegistry();
    const server = await startServer({ port: 0, logger: silent, version: '9.9.9', rooms });
    closing.push(() => server.close());
    const room = await openRoom({
      ...{ id: 'room', label: 'Room', sourceUri: uri, loop: false, displayQuality: 85 },
      ...{ overlayLimitMs: 100, overlayVisible: true },
      createSource: (source) => createSource(source, { firstBackoffMs: 100 }),
      analysis: {
        createEngine: (engine, hooks) => createWorkerEngine(engine, hooks),
        engine: { modelDir: tinyModelDir, provider: 'cpu', policy: null, threads: 1 },
        plan: syntheticScene('counter').defaultPrompts(),
      },
      log: { info: () => undefined, warn: () => undefined },
      beforeStart: (early) => {
        recorder.open(early);
        rooms.add(early);
      },
    });
    closing.push(() => room.close());
    const heard: Said[] = [];
    const client = clientOf(server);
    closing.push(() => Promise.resolve(client.close()));
    client.subscribe('room', 'measurements', (message) => heard.push(saidOf(message)));
    await expect.poll(() => heard.some(({ value }) => value !== null), patient).toBe(true);
    await end(room);
    await expect.poll(() => heard.some(({ note }) => reason.test(note)), patient).toBe(true);
    const ended = heard.findIndex(({ note }) => reason.test(note));
    expect(heard[ended]).toMatchObject({ name: 'area', objectId: 1, value: null });
    // Nothing more is said of it, unless it is seen again.
    const again = (): boolean => heard.slice(ended + 1).some(({ value }) => value !== null);
    if (way.includes('back')) await expect.poll(again, patient).toBe(true);
    else {
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(heard.slice(ended + 1)).toEqual([]);
    }
    await recorder.close();
    const kept = await recorded(path);
    // A viewer that came later, or was slow, has heard less; what it has heard was recorded, in the same order.
    const from = kept.findIndex(({ ptsNs }) => ptsNs === heard[0]?.ptsNs);
    const upTo = kept.findIndex(({ note }) => reason.test(note));
    expect(kept[upTo]).toEqual(heard[ended]);
    const inTime = new Set(kept.slice(from, upTo + 1).map((said) => JSON.stringify(said)));
    expect(heard.slice(0, ended + 1).every((said) => inTime.has(JSON.stringify(said)))).toBe(true);
    if (way.includes('process')) {
      // Played back, the number is gone at the same place, although its last picture stands.
      const playback = await PlaybackRoom.open(path, null, { paused: false });
      closing.push(() => playback.close());
      const played: (number | null)[] = [];
      playback.events$.subscribe((event) => {
        if (event.kind === 'measurement') played.push(...event.measurements.map(({ value }) => value));
      });
      await expect.poll(() => played.includes(null), patient).toBe(true);
      expect(played.indexOf(null)).toBeGreaterThan(0);
    }
  });
});
