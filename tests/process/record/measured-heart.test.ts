/** A heart that is measured live: the same numbers in the recording, when it is played, and when its pictures are replayed. */
import { uniformCalibration } from '../../../src/vocabulary/calibration.js';
import { mkdtempSync, rmSync, truncateSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMeasurer } from '../../../src/analysis/measure.js';
import type { FrameResult } from '../../../src/engine/engine.js';
import { EchoExporter } from '../../../src/export/echo-exporter.js';
import type { ExportFrame, ExportInfo } from '../../../src/export/exporter.js';
import { objectMaskAtSourceSize } from '../../../src/export/resample.js';
import { RoomEcho } from '../../../src/pipeline/room-echo.js';
import type { RoomEvent } from '../../../src/pipeline/room.js';
import { PlaybackRoom } from '../../../src/playback/playback-room.js';
import { decodeMeasurement, measurementOf } from '../../../src/protocol/messages.js';
import { decodeEntry } from '../../../src/record/journal.js';
import { McapExporter } from '../../../src/record/mcap-exporter.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { Recorder } from '../../../src/record/recorder.js';
import { FrameMeasurer } from '../../../src/replay/frame-measurer.js';
import { StoredMasks } from '../../../src/replay/stored-masks.js';
import { chambers, echoMeasures } from '../../../src/vocabulary/echo.js';
import type { FrameIdentity, SourceFormat } from '../../../src/vocabulary/frame.js';
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { heartAt, heartMaskSize } from '../../beating-heart.js';
import { jpeg } from '../server/fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-heart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const frames = 180;
const frameNs = 40_000_000;
const size = { width: 200, height: 180 };
const format: SourceFormat = {
  ...{
    size,
    framesPerSecond: 25,
    calibration: uniformCalibration({ x: 0.9, y: 0.95 }),
    frameCount: null,
    description: 'x',
  },
};
const modifiedMs = 1_700_000_000_000;

const identity = (index: number): FrameIdentity => ({
  ...{ streamId: 'echo', ptsNs: index * frameNs, captureNs: index * frameNs, mediaNs: index * frameNs },
  ...{ sourceFrame: index, discontinuity: 0 },
});
const results: readonly FrameResult[] = Array.from({ length: frames }, (_, index) => ({
  ...{ frame: identity(index), maskSize: heartMaskSize, logitsSize: heartMaskSize },
  objects: heartAt((index * frameNs) / 1e9),
  timing: { startedNs: 0, inferenceNs: 0, trackingNs: 0 },
}));

const info: ExportInfo = {
  ...{ directory: folder, clip: 'echo', sourceUri: 'x', source: format, dicom: null, loss: null },
  objects: Object.values(chambers).map((label, index) => ({ id: index + 1, label })),
  software: { version: '0', model: 'm 1', modelSha256: '0' },
  ...{
    identity: '0',
    inputIdentity: '0',
    segmentation: 'automatic' as const,
    sourceModifiedUnixMs: modifiedMs,
    view: 'a4c' as const,
    chunkFrames: 40,
  },
};

/** Live, as the graph of a stream measures: the channel of the recording, and what was held on the way. */
async function recordLive(path: string, chunkBytes = 4 * 1024 * 1024) {
  const events = new Subject<RoomEvent>();
  const room = {
    ...{ id: 'echo', label: 'Echo', sourceUri: 'x', epochUnixNs: BigInt(modifiedMs) * 1_000_000n, format },
    ...{ events$: events, countClientDrop: () => undefined },
  };
  const recorder = await Recorder.create(path, {
    version: '0',
    chunkBytes,
    onFailure: (error) => {
      throw error;
    },
  });
  recorder.open(room);
  const echo = new RoomEcho({
    ...{ id: 'echo', label: 'Echo', epochUnixNs: room.epochUnixNs, sourceUri: () => 'x' },
    ...{ format: () => format, engine: () => null },
    onHeld: (held) => events.next({ kind: 'held', held }),
  });
  events.subscribe((event) => echo.take(event));
  const measure = createMeasurer();
  const data = await jpeg(size);
  for (const result of results) {
    const { frame } = result;
    const display = { ...frame, encoding: 'jpeg' as const, size, data, decodedNs: 0, encodedNs: 0 };
    events.next({ kind: 'display', frame: display });
    events.next({ kind: 'result', result });
    events.next({ kind: 'measurement', frame, measurements: measure(result, format) });
  }
  const { held } = echo.hold(frames * frameNs);
  await recorder.close();
  return { held, echo };
}

async function messagesOf(path: string): Promise<Uint8Array[]> {
  const reader = await McapFileReader.open(path);
  const found: Uint8Array[] = [];
  for await (const { data } of reader.inTimeOrder(new Set(['/echo/measurements'])))
    found.push(Uint8Array.from(data));
  await reader.close();
  return found;
}

const exportedObjects = (result: FrameResult): ExportFrame['objects'] =>
  result.objects.map((object) => ({
    ...{ id: object.id, state: object.state, score: object.score, confidence: object.confidence },
    mask: objectMaskAtSourceSize(object, result, size),
  }));

/** Replay, as its forward pass measures; the run is cut behind `cut` frames and goes on from its last checkpoint. */
async function replay(directory: string, cut: number | null): Promise<readonly (readonly Measurement[])[]> {
  const kept = join(folder, `${directory}.jsonl`);
  const about = { ...info, directory: join(folder, directory) };
  let measurer = await FrameMeasurer.open(kept, about, null);
  let exporters = [new McapExporter({ pictures: false }), new EchoExporter()];
  for (const exporter of exporters) await exporter.open(about, null);
  let durable = { next: 0, bytes: null as number | null, states: exporters.map(() => null as never) };
  const measured: (readonly Measurement[])[] = [];
  let killed = cut === null;
  for (let index = 0; index < frames; index++) {
    if (index === cut && !killed) {
      killed = true;
      await measurer.close();
      for (const exporter of exporters) await exporter.abort();
      measurer = await FrameMeasurer.open(kept, about, durable.bytes);
      exporters = [new McapExporter({ pictures: false }), new EchoExporter()];
      for (const [at, exporter] of exporters.entries())
        await exporter.open(about, durable.states[at] ?? null);
      index = durable.next;
    }
    const result = results[index] as FrameResult;
    const objects = exportedObjects(result);
    const measurements = await measurer.measure(result.frame, { objects, result, stored: [] });
    measured[index] = measurements;
    for (const exporter of exporters)
      await exporter.frame({ ...result.frame, objects, measurements, picture: null });
    if ((index + 1) % info.chunkFrames === 0) {
      const states = await Promise.all(exporters.map((exporter) => exporter.checkpoint()));
      durable = { next: index + 1, bytes: await measurer.sync(), states: states as never[] };
    }
  }
  for (const exporter of exporters) {
    await exporter.checkpoint();
    await exporter.close();
  }
  await measurer.close();
  return measured;
}

const live = join(folder, 'live.mcap');
let recorded: Awaited<ReturnType<typeof recordLive>>;
let whole: Awaited<ReturnType<typeof replay>>;
beforeAll(async () => {
  recorded = await recordLive(live);
  whole = await replay('whole', null);
});

describe('a heart', () => {
  it('has an ejection fraction near the truth, over several beats', () => {
    const last = whole.at(-1)?.find(({ name }) => name === echoMeasures.ejectionFraction);
    // The cavity shrinks to 0.8 of every length: 1 − 0.8³.
    expect(last?.value).toBeGreaterThan(43);
    expect(last?.value).toBeLessThan(55);
    const ends = whole.flat().filter(({ name }) => name === echoMeasures.beatEjectionFraction);
    expect(ends.length).toBeGreaterThan(4);
  });

  it('is measured in a replay as it was live: the same bytes in recording and export', async () => {
    const bytes = await messagesOf(live);
    expect(bytes.length).toBeGreaterThan(frames * 4);
    expect(await messagesOf(join(folder, 'whole', 'echo', 'echo.mcap'))).toEqual(bytes);
  });

  it.each([1, 40, 41, 97, 160, 179])(
    'is measured the same where a run was cut behind %i pictures',
    async (cut) => {
      expect(await replay(`cut-${cut}`, cut)).toEqual(whole);
      const file = (directory: string) => join(folder, directory, 'echo', 'echo.mcap');
      expect(await messagesOf(file(`cut-${cut}`))).toEqual(await messagesOf(file('whole')));
    },
  );

  it('keeps its numbers where the stored masks of a run are exported in other formats', async () => {
    const stored = await StoredMasks.open(join(folder, 'whole', 'echo', 'echo.mcap'), 'echo');
    // Another numbering, as a project has it when an object before was removed.
    const objects = info.objects.map(({ id, label }) => ({ id: id + 4, label }));
    const measurer = await FrameMeasurer.open(join(folder, 'stored.jsonl'), { ...info, objects }, null);
    for (const [index, { frame }] of results.entries()) {
      if (index % 3 === 1) continue;
      const found = await stored.at(frame, size);
      expect(found.map(({ label }) => label)).toEqual(Object.values(chambers));
      const again = await measurer.measure(frame, {
        ...{ objects: [], result: null, stored: await stored.measurements(frame) },
      });
      expect(again, `frame ${index}`).toEqual(
        whole[index]?.map((one) => ({ ...one, objectId: one.objectId === 0 ? 0 : one.objectId + 4 })),
      );
    }
    await measurer.close();
    await stored.close();
  });

  it('is played as it was recorded, its moments on the clock on which they are shown', async () => {
    const room = await PlaybackRoom.open(live, null, { paused: true });
    const shown = new Map<number, number>();
    const seen = new Map<number, readonly Measurement[]>();
    room.events$.subscribe((event) => {
      if (event.kind === 'display') shown.set(event.frame.ptsNs, event.frame.mediaNs);
      if (event.kind === 'measurement') seen.set(event.frame.mediaNs, event.measurements);
    });
    await room.control({ speed: 8, paused: false, positionMs: 0 });
    await expect.poll(() => room.playback.ended, { timeout: 30_000, interval: 20 }).toBe(true);
    const { held } = room.echo.hold();
    await room.close();
    expect(seen.size).toBe(frames);
    for (const [index, measurements] of whole.entries())
      expect(
        seen.get(index * frameNs)?.map((one) => ({
          ...one,
          ...(one.atPtsNs !== undefined && { atPtsNs: shown.get(one.atPtsNs) }),
        })),
        `picture ${index}`,
      ).toEqual(measurements);
    // Holding in a played recording gives what it gave live.
    expect(held.ejectionFraction).toEqual(recorded.held.ejectionFraction);
    expect(held.pictures?.endDiastole?.outlines.map(({ label }) => label)).toEqual(Object.values(chambers));
  });

  it('that was held is told in the journal of the recording', async () => {
    const reader = await McapFileReader.open(live);
    const entries = [];
    for await (const { data } of reader.inTimeOrder(new Set(['/echo/journal'])))
      entries.push(decodeEntry(data));
    await reader.close();
    const held = entries.filter((entry) => entry?.op === 'held');
    expect(held).toEqual([{ op: 'held', held: recorded.held }]);
    expect(recorded.held.pictures).toMatchObject({
      endDiastole: { size },
      endSystole: { size },
    });
    expect(recorded.echo.picture(1, 'end-systole').byteLength).toBeGreaterThan(100);
  });

  it('keeps what was measured where the recording was cut by a kill', async () => {
    const cut = join(folder, 'cut.mcap');
    await recordLive(cut, 64 * 1024);
    truncateSync(cut, Math.floor(statSync(cut).size * 0.6));
    const left = (await messagesOf(cut)).map((data) => measurementOf(decodeMeasurement(data)));
    expect(left).toEqual(whole.flat().slice(0, left.length));
    expect(left.length).toBeGreaterThan(100);
  });
});
