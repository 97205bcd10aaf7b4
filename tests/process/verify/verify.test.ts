/** Live = replay: a recording of a room runs again with identical results, or says where not. Real engine, real files. */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtModule } from '../../../src/node/built-module.js';
import { chooseProvider, type ChooseProvider } from '../../../src/onnx/choose-provider.js';
import type { Engine, FrameResult } from '../../../src/engine/engine.js';
import { createLocalEngine } from '../../../src/engine/local-engine.js';
import type { ModelRunner } from '../../../src/onnx/session.js';
import { createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { recordingMetadataName } from '../../../src/record/journal.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { McapFileWriter } from '../../../src/record/mcap-writer.js';
import { verifyRecording } from '../../../src/verify/verify.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import { runPython } from '../../python-env.js';
import { dropped, frames, recordRoom } from '../record/fixture.js';
import { clipSize, tinyInput, tinyModel } from '../replay/fixture.js';
import { tinySemanticDir } from '../../tiny-scene.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-record-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const recording = join(folder, 'case.mcap');
beforeAll(async () => {
  await recordRoom(recording);
});

/** Entry of an inference thread that fails, or ends, at the given calls of the model (counted over all threads). */
function faultyWorker(faults: Readonly<Record<number, 'throws' | 'exits'>>): URL {
  const file = join(folder, 'faulty-worker.mjs');
  const counter = join(folder, 'calls');
  writeFileSync(counter, '');
  const module = (name: string): string => JSON.stringify(builtModule(`src/${name}`).href);
  writeFileSync(
    file,
    `import { appendFileSync, statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { chooseProvider } from ${module('onnx/choose-provider')};
import { serveEngine } from ${module('engine/worker-server')};
const faults = ${JSON.stringify(faults)};
const counter = ${JSON.stringify(counter)};
await serveEngine(parentPort, workerData, { tracker: async (model, wish) => {
  const { runner, rejected } = await chooseProvider(model, wish);
  return { rejected, runner: { ...runner, track: (frame, bank) => {
    appendFileSync(counter, '.');
    const fault = faults[statSync(counter).size];
    if (fault === 'exits') process.exit(1);
    if (fault === 'throws') throw new Error('device lost');
    return runner.track(frame, bank);
  } } };
} });
`,
  );
  return pathToFileURL(file);
}

describe('a recorded room', () => {
  it('runs again with identical results', async () => {
    const report = await verifyRecording({ path: recording, modelDir: tinyModel });
    expect(report.firstDifference).toBeNull();
    expect(report.streams).toEqual([
      {
        stream: 'theatre',
        frames: frames - dropped.size,
        commands: 5,
        restarts: 0,
        sameProcessor: true,
        largestRounding: 0,
      },
    ]);
    expect(report.complete).toBe(true);
  });

  it.each([undefined, 15])(
    'of a model that finds its structures itself runs again identically, journal from %s',
    async (attachAt) => {
      const semanticModel = join(folder, `semantic-${attachAt ?? 0}`);
      cpSync(tinySemanticDir, semanticModel, { recursive: true });
      const file = join(semanticModel, 'model.json');
      // With a filter, whose memory must go along where the recording begins in the middle.
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      writeFileSync(file, JSON.stringify({ ...manifest, temporal: { halfLifeMs: 80 } }));
      const path = `${semanticModel}.mcap`;
      await recordRoom(path, { semanticModel, ...(attachAt !== undefined && { attachAt }) });
      const { firstDifference, streams } = await verifyRecording({ path, modelDir: semanticModel });
      expect(firstDifference).toBeNull();
      const left = attachAt === undefined ? frames - dropped.size : frames - attachAt - 1;
      expect(streams).toEqual([
        {
          stream: 'theatre',
          frames: left,
          commands: 1,
          restarts: 0,
          sameProcessor: true,
          largestRounding: 0,
        },
      ]);
      // The same pictures without the filter are something else.
      const other = verifyRecording({ path, modelDir: tinySemanticDir });
      await expect(other).rejects.toMatchObject({ code: 'SONO_VERIFY_MODEL' });
    },
  );

  it('that began in the middle goes on from the state of that moment', async () => {
    const path = join(folder, 'middle.mcap');
    await recordRoom(path, { attachAt: 15 });
    const report = await verifyRecording({ path, modelDir: tinyModel });
    expect(report.firstDifference).toBeNull();
    expect(report.streams[0]?.frames).toBe(frames - 15 - 1);
  });

  it('whose inference thread failed and ended on the way goes on from the state of the new one', async () => {
    const path = join(folder, 'threads.mcap');
    const workerUrl = faultyWorker({ 9: 'throws', 15: 'exits', 22: 'throws' });
    const lost: number[] = [];
    await recordRoom(path, {
      createEngine: (options, hooks) => createWorkerEngine(options, hooks, { workerUrl }),
      lost,
    });
    expect(lost).toHaveLength(3);
    const { firstDifference, streams } = await verifyRecording({ path, modelDir: tinyModel });
    expect(firstDifference).toBeNull();
    expect(streams).toEqual([
      {
        stream: 'theatre',
        frames: frames - dropped.size - 3,
        commands: 5,
        restarts: 3,
        sameProcessor: true,
        largestRounding: 0,
      },
    ]);
  });

  it('whose engine changed its device in the middle of a call is followed behind that call', async () => {
    const path = join(folder, 'device.mcap');
    let calls = 0;
    const choose: ChooseProvider = async (model, wish) => {
      const { runner, rejected } = await chooseProvider(model, wish);
      const track: ModelRunner['track'] = async (frame, bank) => {
        if (++calls === 9) throw new Error('device lost');
        return runner.track(frame, bank);
      };
      return { runner: { ...runner, track }, rejected };
    };
    await recordRoom(path, {
      createEngine: (options, hooks) => createLocalEngine(options, hooks, { tracker: choose }),
    });
    const { firstDifference, streams } = await verifyRecording({ path, modelDir: tinyModel });
    expect(firstDifference).toBeNull();
    // The frame of that call has a result, but on which state it was made nobody can say.
    expect(streams).toEqual([
      {
        stream: 'theatre',
        frames: frames - dropped.size - 1,
        commands: 5,
        restarts: 1,
        sameProcessor: true,
        largestRounding: 0,
      },
    ]);
  });

  /** An engine whose results at `sourceFrame` 20 are changed. */
  const changedAt20 =
    (change: (object: FrameResult['objects'][number]) => FrameResult['objects'][number]) =>
    (engine: Engine): Engine => ({
      info: engine.info,
      setSourceSize: (size) => engine.setSourceSize(size),
      track: async (frame) => {
        const result = await engine.track(frame);
        return frame.sourceFrame === 20 ? { ...result, objects: result.objects.map(change) } : result;
      },
      command: (command, frame) => engine.command(command, frame),
      snapshot: () => engine.snapshot(),
      restore: (snapshot) => engine.restore(snapshot),
      close: () => engine.close(),
    });

  it('whose engine worked otherwise is found out, at the first frame that differs', async () => {
    const path = join(folder, 'other.mcap');
    await recordRoom(path, { change: changedAt20((object) => ({ ...object, score: 0.123 })) });
    const { firstDifference } = await verifyRecording({ path, modelDir: tinyModel });
    expect(firstDifference).toMatchObject({ stream: 'theatre', sourceFrame: 20 });
    expect(firstDifference?.what).toContain('score was 0.123');
  });

  const fourPixels = ({ width, height }: Mask): Mask => ({
    width,
    height,
    counts: Uint32Array.of(width * height - 4, 4),
  });
  let recordings = 0;
  describe.each([
    ['on this processor', undefined, true],
    ['on another processor', 'arm64, Another: asimd', false],
  ])('%s', (_, processor, same) => {
    const difference = async (
      change: (object: FrameResult['objects'][number]) => FrameResult['objects'][number],
    ): Promise<Awaited<ReturnType<typeof verifyRecording>>> => {
      const path = join(folder, `processor-${(recordings += 1)}.mcap`);
      await recordRoom(path, {
        ...(processor === undefined ? {} : { processor }),
        change: changedAt20(change),
      });
      return verifyRecording({ path, modelDir: tinyModel });
    };

    it(`a score that is rounded otherwise is ${same ? 'a difference' : 'said, and no difference'}`, async () => {
      const report = await difference((object) => ({ ...object, score: object.score - 2 ** -23 }));
      if (same) expect(report.firstDifference).toMatchObject({ sourceFrame: 20 });
      else {
        expect(report.firstDifference).toBeNull();
        expect(report.streams[0]?.largestRounding).toBeCloseTo(2 ** -23, 12);
      }
      expect(report.streams[0]?.sameProcessor).toBe(same);
    });

    it.each<[string, (object: FrameResult['objects'][number]) => FrameResult['objects'][number]]>([
      ['a score that differs by more', (object) => ({ ...object, score: object.score - 2e-5 })],
      ['an area of one pixel more', (object) => ({ ...object, areaPx: object.areaPx + 1 })],
      ['another mask', (object) => ({ ...object, mask: fourPixels(object.mask) })],
    ])('%s is a difference', async (__, change) => {
      const { firstDifference } = await difference(change);
      expect(firstDifference).toMatchObject({ sourceFrame: 20 });
    });
  });

  it('cut at every chunk, and in the middle of every chunk, verifies up to the last complete one', async () => {
    const whole = await McapFileReader.open(recording);
    const { chunks } = whole;
    await whole.close();
    expect(chunks.length).toBeGreaterThan(8);
    const cut = join(folder, 'cut.mcap');
    let frameCounts: number[] = [];
    for (const chunk of chunks.slice(1)) {
      for (const size of [chunk.offset + chunk.length, chunk.offset + Math.floor(chunk.length / 2)]) {
        copyFileSync(recording, cut);
        truncateSync(cut, size);
        const report = await verifyRecording({ path: cut, modelDir: tinyModel }).catch((error: unknown) => {
          // The first chunks may hold pictures only.
          expect(error).toMatchObject({ code: 'SONO_VERIFY_NO_JOURNAL' });
          return null;
        });
        if (!report) continue;
        expect(report.complete).toBe(false);
        expect(report.firstDifference).toBeNull();
        if (size === chunk.offset + chunk.length) frameCounts.push(report.streams[0]?.frames ?? 0);
      }
    }
    expect(frameCounts).toEqual([...frameCounts].sort((a, b) => a - b));
    expect(frameCounts.at(-1)).toBe(frames - dropped.size);
    frameCounts = [];
  });

  it('with zeros where a chunk was is not called identical', async () => {
    const whole = await McapFileReader.open(recording);
    const chunk = whole.chunks[Math.floor(whole.chunks.length / 2)];
    const end = whole.chunks.at(-1);
    await whole.close();
    const holed = join(folder, 'holed.mcap');
    const bytes = readFileSync(recording);
    // The chunk with the head of its record, as a lost block of a disk leaves it.
    const from = (chunk?.offset ?? 0) - 60;
    bytes.fill(0, from, (chunk?.offset ?? 0) + (chunk?.length ?? 0));
    for (const content of [bytes, bytes.subarray(0, (end?.offset ?? 0) + (end?.length ?? 0))]) {
      writeFileSync(holed, content);
      await expect(verifyRecording({ path: holed, modelDir: tinyModel })).rejects.toMatchObject({
        code: 'SONO_RECORDING_DAMAGED',
      });
    }
  });

  it('of a newer format is refused by name', async () => {
    const path = join(folder, 'newer.mcap');
    const writer = await McapFileWriter.create(path, {}, (error) => expect.unreachable(error.message));
    writer.addMetadata(recordingMetadataName, { format: '99', version: '9.0.0' });
    await writer.close();
    await expect(verifyRecording({ path, modelDir: tinyModel })).rejects.toMatchObject({
      code: 'SONO_RECORDING_NEWER',
    });
  });

  it('without a journal cannot be verified, and says so', async () => {
    const path = join(folder, 'plain.mcap');
    const writer = await McapFileWriter.create(path, {}, (error) => expect.unreachable(error.message));
    await writer.close();
    await expect(verifyRecording({ path, modelDir: tinyModel })).rejects.toMatchObject({
      code: 'SONO_VERIFY_NO_JOURNAL',
    });
  });

  it('is read by the Python mcap reader, every record checked', async () => {
    const found = (await runPython('check_recording.py', { path: recording })) as Record<string, unknown>;
    expect(found).toMatchObject({
      problems: [],
      summary: true,
      counts: {
        '/theatre/video': frames,
        '/theatre/segmentation': frames - dropped.size,
        '/theatre/outlines': frames - dropped.size,
        // Those that were tracked, and the dropped one that a correction lies on.
        '/theatre/analysis': frames - dropped.size + 1,
      },
      jpegSize: [clipSize.width, clipSize.height],
      analysisSize: [tinyInput.width, tinyInput.height],
      joined: frames - dropped.size,
    });
    const cut = join(folder, 'cut-python.mcap');
    copyFileSync(recording, cut);
    truncateSync(cut, Math.floor(statSync(recording).size * 0.7));
    const partial = (await runPython('check_recording.py', { path: cut })) as {
      summary: boolean;
      messages: number;
    };
    expect(partial.summary).toBe(false);
    expect(partial.messages).toBeGreaterThan(20);
  });
});
