/** Engines whose model finds its structures by itself, on real ONNX Runtime: tests/golden/tiny-semantic tells colours apart. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { builtModule } from '../../../src/node/built-module.js';
import type { SonoError } from '../../../src/vocabulary/errors.js';
import { chooseSegmenter } from '../../../src/onnx/choose-provider.js';
import type {
  Engine,
  EngineHooks,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from '../../../src/engine/engine.js';
import { EngineGate } from '../../../src/engine/engine-gate.js';
import { createLocalEngine } from '../../../src/engine/local-engine.js';
import { createNoopEngine, createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { resizeMask } from '../../../src/mask/resize.js';
import { maskIou } from '../../../src/mask/rle.js';
import {
  diskMask,
  moving,
  movingFrame,
  tinyFrame,
  tinyOptions,
  tinySemanticDir,
  tinySize,
} from '../../tiny-scene.js';

const modelDir = tinySemanticDir;
const options = { ...tinyOptions, modelDir };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Create = (options: EngineOptions, hooks?: EngineHooks) => Promise<Engine>;
const kinds: [string, Create][] = [
  ['local', (options, hooks) => createLocalEngine(options, hooks)],
  ['worker', (options, hooks) => createWorkerEngine(options, hooks)],
];

async function open(create: Create, more: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = new EngineGate(await create({ ...options, ...more }));
  closing.push(() => engine.close());
  return engine;
}

/** The model with a verdict, a filter and the like in its model.json. */
async function changedModel(change: Record<string, unknown>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sono-semantic-engine-'));
  closing.push(() => rm(directory, { recursive: true, force: true }));
  await cp(modelDir, directory, { recursive: true });
  const file = join(directory, 'model.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...manifest, ...change }));
  return directory;
}

/** The input of the tiny model, at the true shape of the source. */
const letterbox = {
  input: { ...tinySize, dtype: 'uint8', layout: 'NHWC', color: 'RGB', fit: 'letterbox' },
};

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: SonoError) => error.code,
  );
/** Each pixel twice in both directions. */
function enlarged(data: Uint8Array): Uint8Array {
  const { width, height } = tinySize;
  const large = new Uint8Array(data.length * 4);
  for (let y = 0; y < 2 * height; y++)
    for (let x = 0; x < 2 * width; x++) {
      const from = ((y >> 1) * width + (x >> 1)) * 3;
      large.set(data.subarray(from, from + 3), (y * 2 * width + x) * 3);
    }
  return large;
}
function fail(): never {
  throw new Error('there is no object');
}
const comparable = ({ timing: _timing, ...result }: FrameResult): unknown => result;

describe.each(kinds)('%s engine of a model that finds by itself', (_, create) => {
  it('shows its structures on every frame, without a mark', async () => {
    const engine = await open(create);
    expect(engine.info).toMatchObject({
      kind: 'semantic',
      modelName: 'tiny-semantic',
      policy: '',
      inputSize: tinySize,
    });
    for (let index = 0; index < 10; index++) {
      const { objects, maskSize, frame } = await engine.track(movingFrame(index));
      expect(frame.sourceFrame).toBe(index);
      expect(maskSize).toEqual(tinySize);
      expect(objects.map(({ id, label, state }) => [id, label, state])).toEqual([
        [1, 'red tool', 'tracking'],
        [2, 'blue tool', 'tracking'],
      ]);
      const { red, blue } = moving(index);
      for (const [at, disk] of [red, blue].entries())
        expect(maskIou(objects[at]?.mask ?? diskMask(red), diskMask(disk))).toBeGreaterThan(0.6);
    }
    const nothing = await engine.track(tinyFrame(11, []));
    expect(nothing.objects.map(({ state, areaPx }) => [state, areaPx])).toEqual([
      ['searching', 0],
      ['searching', 0],
    ]);
  });

  it('refuses what only a tracker can do, in words, and goes on', async () => {
    const engine = await open(create);
    const commands: TrackerCommand[] = [
      {
        kind: 'prompt',
        objectId: null,
        label: null,
        prompts: [{ type: 'click', point: [5, 5], positive: true }],
      },
      { kind: 'rename', objectId: 1, label: 'tool' },
      { kind: 'remove', objectId: 1 },
      { kind: 'undo', objectId: null },
      { kind: 'policy', policy: 'gated' },
    ];
    for (const command of commands)
      expect(await codeOf(engine.command(command, movingFrame(0)))).toBe('SONO_MODEL_FINDS');
    await expect(engine.command({ kind: 'rename', objectId: 1, label: 'x' }, null)).rejects.toThrow(
      'finds its structures by itself, so renaming is not possible',
    );
    expect(await engine.command({ kind: 'reset' }, null)).toEqual({ objectId: null, result: null });
    expect((await engine.track(movingFrame(0))).objects).toHaveLength(2);
    expect(await codeOf(engine.track({ ...movingFrame(1), size: { width: 9, height: 9 } }))).toBe(
      'SONO_FRAME_SIZE',
    );
  });

  it('is not opened with a memory policy', async () => {
    expect(await codeOf(open(create, { policy: 'gated' }))).toBe('SONO_MODEL_FINDS');
    // As a recording says it.
    expect((await open(create, { policy: '' })).info.policy).toBe('');
  });

  it('goes on from a snapshot identically, through JSON, and refuses one that does not fit', async () => {
    const steady = await changedModel({ temporal: { halfLifeMs: 80 } });
    const one = await open(create, { modelDir: steady });
    for (let index = 0; index < 4; index++) await one.track(movingFrame(index));
    const snapshot = JSON.parse(JSON.stringify(await one.snapshot())) as { state: Record<string, unknown> };
    const two = await open(create, { modelDir: steady });
    await two.restore(snapshot);
    for (let index = 4; index < 8; index++)
      expect(comparable(await two.track(movingFrame(index)))).toEqual(
        comparable(await one.track(movingFrame(index))),
      );
    for (const broken of [
      { ...snapshot, modelSha256: 'another' },
      { ...snapshot, state: { ...snapshot.state, temporal: { ptsNs: 1 } } },
      { ...snapshot, state: { ...snapshot.state, kind: 'tracker' } },
      { ...snapshot, arrays: [] },
    ])
      expect(await codeOf(two.restore(broken))).toBe('SONO_SNAPSHOT_INVALID');
  });

  it('takes pictures larger than what its network is fed, and looks closer at what it has found', async () => {
    const picture = { width: 128, height: 96 };
    const large = (index: number, discontinuity = 0) => ({
      ...tinyFrame(index, [], discontinuity),
      size: picture,
      data: enlarged(movingFrame(index).data),
    });
    const temporal = { halfLifeMs: 80 };
    const whole = await open(create, { modelDir: await changedModel({ ...letterbox, picture, temporal }) });
    const closer = { classes: ['red tool'] };
    const modelDir = await changedModel({ ...letterbox, picture, temporal, closer });
    const one = await open(create, { modelDir });
    expect(one.info.inputSize).toEqual(picture);
    expect(await codeOf(one.track(movingFrame(0)))).toBe('SONO_FRAME_SIZE');
    const ious = { whole: 0, closer: 0 };
    const add = async (engine: Engine, name: keyof typeof ious, index: number) => {
      const { objects, maskSize, logitsSize } = await engine.track(large(index));
      expect([maskSize, logitsSize]).toEqual([picture, picture]);
      const truth = resizeMask(diskMask(moving(index).red), picture);
      ious[name] += maskIou(objects[0]?.mask ?? fail(), truth) / 6;
      return objects.map(({ state }) => state);
    };
    for (let index = 0; index < 6; index++) {
      expect(await add(whole, 'whole', index)).toEqual(['tracking', 'tracking']);
      // The first picture is looked at twice, and what it has no eye for is out of sight at once.
      expect(await add(one, 'closer', index)).toEqual(['tracking', 'searching']);
    }
    expect(ious.closer).toBeGreaterThan(ious.whole + 0.02);
    // The same from what was stored, look and all.
    const snapshot = JSON.parse(JSON.stringify(await one.snapshot())) as { state: Record<string, unknown> };
    const two = await open(create, { modelDir });
    await two.restore(snapshot);
    for (let index = 6; index < 9; index++)
      expect(comparable(await two.track(large(index)))).toEqual(comparable(await one.track(large(index))));
    const look = { left: 0, top: 0, width: 10, height: 10 };
    for (const broken of [{ look }, { look: { ...look, width: 0 }, discontinuity: 0 }, undefined])
      expect(await codeOf(two.restore({ ...snapshot, state: { ...snapshot.state, closer: broken } }))).toBe(
        'SONO_SNAPSHOT_INVALID',
      );
    expect(await codeOf(whole.restore(snapshot))).toBe('SONO_SNAPSHOT_INVALID');
  });

  it('obeys the verdict of its model.json', async () => {
    // "quality" is the brightness of the picture: the scene has it, black has not.
    const judged = await changedModel({ verdict: { view: 'quality', least: { view: 0.5 } } });
    const engine = await open(create, { modelDir: judged });
    expect((await engine.track(movingFrame(0))).objects.map(({ state }) => state)).toEqual([
      'tracking',
      'tracking',
    ]);
    const dark = movingFrame(1);
    const { objects } = await engine.track({ ...dark, data: dark.data.map((value) => value >> 4) });
    expect(objects.map(({ state }) => state)).toEqual(['searching', 'searching']);
  });
});

it.each([
  ['verdict.view', { verdict: { view: 'brightness' } }],
  ['verdict.quality', { verdict: { quality: 'beauty' } }],
  ['verdict.least.view', { verdict: { view: 'quality', least: { view: 2 } } }],
  ['temporal.halfLifeMs', { temporal: { halfLifeMs: 0 } }],
  ['temporal.cell', { temporal: { cell: 0.5 } }],
  ['picture.width', { picture: { width: 0, height: 9 } }],
  ['closer', { closer: { classes: ['red tool'] } }],
  ['closer.classes', { ...letterbox, closer: { classes: ['background'] } }],
  ['closer.classes', { ...letterbox, closer: { classes: [] } }],
  ['closer.margin', { ...letterbox, closer: { classes: ['red tool'], margin: 0.9 } }],
])('names the field of model.json that is wrong: %s', async (field, change) => {
  const failure = createLocalEngine({ ...options, modelDir: await changedModel(change) });
  await expect(failure).rejects.toMatchObject({ code: 'SONO_MODEL_MANIFEST' });
  await expect(failure).rejects.toThrow(`"${field}"`);
});

describe('a lost device', () => {
  it('is replaced by the next provider without losing a frame (local)', async () => {
    const failures: string[] = [];
    let runs = 0;
    const engine = await createLocalEngine(
      { ...options, modelDir: await changedModel({ temporal: {} }) },
      { onFailure: ({ code }) => failures.push(code) },
      {
        semantic: async (model, wish) => {
          const { runner, rejected } = await chooseSegmenter(model, wish);
          const run: typeof runner.run = async (graph, feeds, objects) => {
            if (++runs === 4) throw new Error('device lost');
            const outputs = await runner.run(graph, feeds, objects);
            // An answer that is no number counts as a failure as well.
            return runs === 7 ? { ...outputs, quality: Float32Array.of(NaN) } : outputs;
          };
          return { runner: { ...runner, run }, rejected };
        },
      },
    );
    closing.push(() => engine.close());
    const steady = await open(createLocalEngine, { modelDir: await changedModel({ temporal: {} }) });
    for (let index = 0; index < 9; index++) {
      const frame = movingFrame(index);
      expect(comparable(await engine.track(frame))).toEqual(comparable(await steady.track(frame)));
    }
    expect(failures).toEqual(['SONO_INFERENCE_FAILED', 'SONO_INFERENCE_FAILED']);
  });

  it.each(['throws', 'exits', 'hangs'])(
    'is replaced in a new worker when it %s; the structures stay',
    async (fault) => {
      const directory = await mkdtemp(join(tmpdir(), 'sono-worker-'));
      closing.push(() => rm(directory, { recursive: true, force: true }));
      const file = join(directory, 'faulty-worker.mjs');
      const module = (name: string): string => JSON.stringify(builtModule(`src/${name}`).href);
      await writeFile(
        file,
        `import { parentPort, workerData } from 'node:worker_threads';
import { existsSync, writeFileSync } from 'node:fs';
import { chooseSegmenter } from ${module('onnx/choose-provider')};
import { serveEngine } from ${module('engine/worker-server')};
let calls = 0;
const once = ${JSON.stringify(join(directory, 'once'))};
await serveEngine(parentPort, workerData, { semantic: async (model, wish) => {
  const { runner, rejected } = await chooseSegmenter(model, wish);
  return { rejected, runner: { ...runner, run: (graph, feeds, objects) => {
    if (++calls === 4 && !existsSync(once)) {
      writeFileSync(once, '');
      if (${JSON.stringify(fault)} === 'exits') process.exit(1);
      if (${JSON.stringify(fault)} === 'hangs') return new Promise(() => {});
      throw new Error('device lost');
    }
    return runner.run(graph, feeds, objects);
  } } };
} });
`,
      );
      const recoveries: string[] = [];
      const engine = await createWorkerEngine(
        options,
        { onRecovered: ({ kind }) => recoveries.push(kind) },
        { workerUrl: pathToFileURL(file), stuckAfterMs: fault === 'hangs' ? 8_000 : 60_000 },
      );
      closing.push(() => engine.close());
      const codes: string[] = [];
      for (let index = 0; index < 8; index++) {
        const outcome = await engine.track(movingFrame(index)).catch((error: SonoError) => error.code);
        if (typeof outcome === 'string') codes.push(outcome);
        else expect(outcome.objects.map(({ state }) => state)).toEqual(['tracking', 'tracking']);
      }
      expect(codes).toEqual([fault === 'throws' ? 'SONO_INFERENCE_FAILED' : 'SONO_ENGINE_LOST']);
      expect(recoveries).toEqual(['semantic']);
    },
  );
});

it('has a stand-in for the bench that says that it is none', async () => {
  const engine = await createNoopEngine(options);
  closing.push(() => engine.close());
  expect(engine.info).toMatchObject({ kind: 'semantic', modelName: 'no model (bench)' });
  const { objects } = await engine.track(movingFrame(0));
  expect(objects.map(({ state }) => state)).toEqual(['tracking', 'tracking']);
});
