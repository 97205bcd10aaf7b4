/** The engine on real ONNX Runtime with the tiny tracker: local and in its worker, failures included. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { builtModule, packageRoot } from '../../../src/node/built-module.js';
import { installedModels } from '../../../src/config/pipeline-file.js';
import type { SonoError } from '../../../src/vocabulary/errors.js';
import { chooseProvider, listProviders, loadModel } from '../../../src/onnx/choose-provider.js';
import type {
  CommandResult,
  Engine,
  EngineHooks,
  EngineOptions,
  FrameResult,
} from '../../../src/engine/engine.js';
import { EngineGate } from '../../../src/engine/engine-gate.js';
import { createLocalEngine } from '../../../src/engine/local-engine.js';
import type { TrackedObject } from '../../../src/tracking/tracker.js';
import { openRunner } from '../../../src/onnx/session.js';
import { createNoopEngine, createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { maskArea, maskIou } from '../../../src/mask/rle.js';
import {
  centre,
  diskMask,
  moving,
  movingFrame,
  tinyFrame,
  tinyModelDir,
  tinyOptions,
  tinySize,
  type Disk,
} from '../../tiny-scene.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Create = (options: EngineOptions, hooks?: EngineHooks) => Promise<Engine>;
const kinds: [string, Create][] = [
  ['local', (options, hooks) => createLocalEngine(options, hooks)],
  ['worker', (options, hooks) => createWorkerEngine(options, hooks)],
];

async function open(
  create: Create,
  options: Partial<EngineOptions> = {},
  hooks?: EngineHooks,
): Promise<Engine> {
  const engine = new EngineGate(await create({ ...tinyOptions, ...options }, hooks));
  closing.push(() => engine.close());
  return engine;
}

function click(
  engine: Engine,
  disk: Disk,
  index: number,
  label: string | null = null,
): Promise<CommandResult> {
  return engine.command(
    {
      kind: 'prompt',
      objectId: null,
      label,
      prompts: [{ type: 'click', point: centre(disk), positive: true }],
    },
    movingFrame(index),
  );
}

async function temporaryModel(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sono-model-'));
  closing.push(() => rm(directory, { recursive: true, force: true }));
  await cp(tinyModelDir, directory, { recursive: true });
  return directory;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: SonoError) => error.code,
  );
}

/** IoU of an object's mask with the disk it should be; 0 without an object. */
const iouWith = (object: TrackedObject | undefined, disk: Disk): number =>
  object === undefined ? 0 : maskIou(object.mask, diskMask(disk));

/** What must be the same on two runs: everything but the clock. */
const comparable = ({ timing: _timing, ...result }: FrameResult): unknown => result;

describe.each(kinds)('%s engine', (_, create) => {
  it('follows what was pointed at, each object on its own', async () => {
    const engine = await open(create);
    const first = moving(0);
    const one = await click(engine, first.red, 0, 'red');
    const two = await click(engine, first.blue, 0, 'blue');
    expect(two.result?.objects.map(({ label }) => label)).toEqual(['red', 'blue']);
    for (let index = 1; index <= 25; index++) {
      const { objects, frame, maskSize } = await engine.track(movingFrame(index));
      const truth = moving(index);
      expect(frame.sourceFrame).toBe(index);
      expect(maskSize).toEqual(tinySize);
      expect(objects.map(({ id, state }) => [id, state])).toEqual([
        [one.objectId, 'tracking'],
        [two.objectId, 'tracking'],
      ]);
      expect(iouWith(objects[0], truth.red)).toBeGreaterThan(0.6);
      expect(iouWith(objects[1], truth.blue)).toBeGreaterThan(0.6);
    }
  });

  it('gives a result without objects while there are none', async () => {
    const engine = await open(create);
    expect((await engine.track(movingFrame(0))).objects).toEqual([]);
    const { objectId } = await click(engine, moving(1).red, 1);
    expect((await engine.track(movingFrame(2))).objects).toHaveLength(1);
    await engine.command({ kind: 'remove', objectId: objectId ?? 0 }, null);
    expect((await engine.track(movingFrame(3))).objects).toEqual([]);
  });

  it('loses an object that leaves and finds it again, with the same id', async () => {
    const engine = await open(create);
    const { red } = moving(0);
    const { objectId } = await click(engine, red, 0);
    const states: string[] = [];
    for (let index = 1; index <= 60; index++) {
      const there = index < 10 || index >= 50;
      const [object] = (await engine.track(tinyFrame(index, there ? [{ ...red, y: 30 }] : []))).objects;
      expect(object?.id).toBe(objectId);
      states.push(object?.state ?? 'gone');
      if (object?.state === 'lost' || object?.state === 'searching') expect(maskArea(object.mask)).toBe(0);
    }
    expect(states.slice(0, 9)).toEqual(Array<string>(9).fill('tracking'));
    // Lost within five frames of leaving, tracked again within ten of coming back.
    expect(states.slice(14, 49).filter((state) => state !== 'lost' && state !== 'searching')).toEqual([]);
    expect(states.at(-1)).toBe('tracking');
  });

  it('goes on from a snapshot exactly as without it', async () => {
    const engine = await open(create, { keepLogits: true });
    await click(engine, moving(0).red, 0);
    const { result } = await click(engine, moving(0).blue, 0);
    expect(result?.objects.map(({ logits }) => logits?.length)).toEqual([192, 192]);
    for (let index = 1; index < 8; index++) await engine.track(movingFrame(index));
    const stored: unknown = JSON.parse(JSON.stringify(await engine.snapshot()));
    const other = await open(create, { keepLogits: true });
    await other.restore(stored);
    for (let index = 8; index < 16; index++) {
      const frame = movingFrame(index);
      expect(comparable(await other.track(frame))).toEqual(comparable(await engine.track(frame)));
    }
    expect((await other.command({ kind: 'undo', objectId: null }, null)).objectId).toBe(2);
  });

  it('is deterministic', async () => {
    const runs: unknown[][] = [];
    for (let run = 0; run < 2; run++) {
      const engine = await open(create, { keepLogits: true });
      const results: unknown[] = [];
      await click(engine, moving(0).red, 0);
      for (let index = 1; index < 12; index++)
        results.push(comparable(await engine.track(movingFrame(index))));
      runs.push(results);
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  it('takes a mark on an older picture and goes on from the next one', async () => {
    const engine = await open(create);
    await engine.track(movingFrame(9));
    const { objectId, result } = await click(engine, moving(4).red, 4);
    expect(result?.frame.ptsNs).toBe(movingFrame(4).ptsNs);
    expect(iouWith(result?.objects[0], moving(4).red)).toBeGreaterThan(0.6);
    const [object] = (await engine.track(movingFrame(10))).objects;
    expect(object?.id).toBe(objectId);
    expect(iouWith(object, moving(10).red)).toBeGreaterThan(0.6);
  });

  it('leaves the caller its pixels', async () => {
    const engine = await open(create);
    const frame = movingFrame(0);
    const before = Uint8Array.from(frame.data);
    await click(engine, moving(0).red, 0);
    await engine.track(frame);
    expect(frame.data).toEqual(before);
  });

  it('refuses wrong commands with their code and goes on', async () => {
    const engine = await open(create);
    const frame = movingFrame(0);
    const prompt = (prompts: Parameters<Engine['command']>[0] & { kind: 'prompt' }) =>
      codeOf(engine.command(prompts, frame));
    const mark = { kind: 'prompt', objectId: null, label: null } as const;
    const at = (x: number, y: number) => [{ type: 'click', point: [x, y], positive: true } as const];
    expect(await prompt({ ...mark, prompts: [] })).toBe('SONO_PROMPT_EMPTY');
    expect(await prompt({ ...mark, prompts: at(-1, 5) })).toBe('SONO_PROMPT_OUTSIDE');
    expect(await prompt({ ...mark, prompts: at(641, 5) })).toBe('SONO_PROMPT_OUTSIDE');
    expect(await prompt({ ...mark, prompts: at(NaN, 5) })).toBe('SONO_PROMPT_INVALID');
    expect(await prompt({ ...mark, prompts: [{ type: 'box', box: [9, 9, 3, 20] }] })).toBe(
      'SONO_PROMPT_INVALID',
    );
    // Ten megabytes of scribble.
    const points = Array.from({ length: 640_000 }, (_, index) => [index % 640, 7] as const);
    expect(await prompt({ ...mark, prompts: [{ type: 'scribble', points, positive: true }] })).toBe(
      'SONO_PROMPT_INVALID',
    );
    expect(await prompt({ ...mark, objectId: 99, prompts: at(5, 5) })).toBe('SONO_OBJECT_UNKNOWN');
    expect(await codeOf(engine.command({ ...mark, prompts: at(5, 5) }, null))).toBe('SONO_FRAME_MISSING');
    expect(await codeOf(engine.command({ kind: 'undo', objectId: null }, null))).toBe('SONO_NOTHING_TO_UNDO');
    expect(await codeOf(engine.command({ kind: 'policy', policy: 'sma2' }, null))).toBe(
      'SONO_POLICY_UNKNOWN',
    );
    expect(await codeOf(engine.restore({ format: 'other' }))).toBe('SONO_SNAPSHOT_INVALID');
    expect(await codeOf(engine.track({ ...frame, size: { width: 10, height: 10 } }))).toBe('SONO_FRAME_SIZE');
    expect((await click(engine, moving(0).red, 0)).result?.objects).toHaveLength(1);
    await engine.close();
    expect(await codeOf(engine.track(frame))).toBe('SONO_ENGINE_CLOSED');
  });

  it('tells its model, provider and policy', async () => {
    const engine = await open(create, { policy: 'first' });
    expect(engine.info).toMatchObject({
      kind: 'tracker',
      modelName: 'tiny-tracker',
      provider: 'cpu',
      policy: 'first',
      inputSize: tinySize,
      rejected: {},
    });
    await engine.command({ kind: 'policy', policy: 'sam2' }, null);
    expect(engine.info.policy).toBe('sam2');
  });

  it('refuses a bad model folder by name', async () => {
    const modelDir = await temporaryModel();
    await truncate(join(modelDir, 'track.onnx'), 900);
    expect(await codeOf(open(create, { modelDir }))).toBe('SONO_MODEL_TRUNCATED');
  });
});

describe('model checks', () => {
  it('name everything that can be wrong with a folder', async () => {
    const broken = async (change: (directory: string) => Promise<void>): Promise<string> => {
      const modelDir = await temporaryModel();
      await change(modelDir);
      return codeOf(open(createLocalEngine, { modelDir }));
    };
    const edit = (change: (manifest: Record<string, never>) => void) => async (directory: string) => {
      const file = join(directory, 'model.json');
      const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, never>;
      change(manifest);
      await writeFile(file, JSON.stringify(manifest));
    };
    expect(await broken((directory) => rm(directory, { recursive: true }))).toBe('SONO_MODEL_MISSING');
    expect(await broken((directory) => rm(join(directory, 'track.onnx')))).toBe('SONO_MODEL_MISSING');
    expect(await broken((directory) => truncate(join(directory, 'model.json'), 900))).toBe(
      'SONO_MODEL_MANIFEST',
    );
    expect(await broken((directory) => truncate(join(directory, 'track.onnx'), 900))).toBe(
      'SONO_MODEL_TRUNCATED',
    );
    expect(
      await broken(async (directory) => {
        const file = join(directory, 'prompt.onnx');
        const bytes = await readFile(file);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        await writeFile(file, bytes);
      }),
    ).toBe('SONO_MODEL_HASH');
    expect(await broken(edit((manifest) => Object.assign(manifest, { schemaVersion: 2 })))).toBe(
      'SONO_MODEL_NEWER',
    );
    expect(await broken(edit((manifest) => Object.assign(manifest, { kind: 'text' })))).toBe(
      'SONO_MODEL_KIND',
    );
    expect(await broken(edit((manifest) => Object.assign(manifest, { kind: 'semantic' })))).toBe(
      'SONO_MODEL_MANIFEST',
    );
    expect(await codeOf(open(createLocalEngine, { provider: 'tensorrt' }))).toBe('SONO_PROVIDER_NONE');
  });

  it('find a graph of another input size than described', async () => {
    const modelDir = await temporaryModel();
    const text = await readFile(join(modelDir, 'model.json'), 'utf8');
    const wider = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map((item) => (item === 64 ? 128 : wider(item)))
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, wider(inner)]))
          : value;
    const manifest = wider(JSON.parse(text)) as { input: { width: number } };
    manifest.input.width = 128;
    await writeFile(join(modelDir, 'model.json'), JSON.stringify(manifest));
    // The golden test has the old size too; the folder's own graphs are what is opened here.
    const model = await loadModel(tinyModelDir);
    const { readModelFolder } = await import('../../../src/onnx/manifest.js');
    const folder = await readModelFolder(modelDir);
    const failure = openRunner(folder, model.graphs, { provider: 'cpu', threads: 1 });
    await expect(failure).rejects.toMatchObject({ code: 'SONO_MODEL_SHAPE' });
    await expect(failure).rejects.toThrow(/input "frame" is uint8\[1, 48, 64, 3\]/);
  });

  it('reject a provider whose masks are not the reference ones', async () => {
    const modelDir = await temporaryModel();
    const file = join(modelDir, 'golden/track.logits.bin');
    const logits = await readFile(file);
    logits.writeFloatLE(logits.readFloatLE(40) + 0.5, 40);
    await writeFile(file, logits);
    const model = await loadModel(modelDir);
    const failure = chooseProvider(model, { provider: 'auto', threads: 1, failed: {} });
    await expect(failure).rejects.toMatchObject({ code: 'SONO_PROVIDER_NONE' });
    await expect(failure).rejects.toThrow(/cpu: its masks differ from the reference by 0\.50/);
  });

  it('refuse a golden file that points outside its folder', async () => {
    const modelDir = await temporaryModel();
    const file = join(modelDir, 'golden/golden.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('frame0.png', '../../frame0.png'));
    expect(await codeOf(loadModel(modelDir))).toBe('SONO_MODEL_GOLDEN');
  });

  it('tell for every provider whether it can be used, and why not', async () => {
    const statuses = await listProviders(tinyModelDir);
    expect(statuses.map(({ provider }) => provider)).toEqual(['cuda', 'tensorrt', 'webgpu', 'cpu']);
    for (const { usable, reason } of statuses) expect(reason === null).toBe(usable);
    expect(statuses.at(-1)).toEqual({ provider: 'cpu', usable: true, reason: null });
  });
});

describe('a lost device', () => {
  it('is replaced by the next provider without losing a frame (local)', async () => {
    const failures: string[] = [];
    let runs = 0;
    // Stands in for a GPU: the CPU under another name that stops after a while.
    const engine = await createLocalEngine(
      { ...tinyOptions, provider: 'auto' },
      { onFailure: ({ code }) => failures.push(code) },
      {
        tracker: (model, wish) =>
          chooseProvider(model, wish, async ({ folder, graphs }, provider, threads) => {
            if (provider === 'cuda' || provider === 'tensorrt') throw new Error('no such device');
            const runner = await openRunner(folder, graphs, { provider: 'cpu', threads });
            if (provider === 'cpu') return runner;
            return {
              ...runner,
              provider,
              track: (frame, bank) =>
                ++runs > 3 ? Promise.reject(new Error('device lost')) : runner.track(frame, bank),
            };
          }),
      },
    );
    closing.push(() => engine.close());
    const steady = await open(kinds[0]?.[1] ?? createLocalEngine);
    expect(engine.info.provider).toBe('webgpu');
    await click(engine, moving(0).red, 0);
    await click(steady, moving(0).red, 0);
    for (let index = 1; index < 9; index++) {
      const frame = movingFrame(index);
      expect(comparable(await engine.track(frame))).toEqual(comparable(await steady.track(frame)));
    }
    expect(failures).toEqual(['SONO_INFERENCE_FAILED']);
    expect(engine.info.provider).toBe('cpu');
    expect(engine.info.rejected.webgpu).toBe('it stopped working: device lost');
    expect(engine.info.rejected.cuda).toBe('no such device');
  });

  /** A worker whose "webgpu" is the CPU and fails, or whose thread ends, at the given call. */
  async function faultyWorker(fault: 'throws' | 'exits' | 'hangs', atCall: number): Promise<URL> {
    const directory = await mkdtemp(join(tmpdir(), 'sono-worker-'));
    closing.push(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, 'faulty-worker.mjs');
    const module = (name: string): string => JSON.stringify(builtModule(`src/${name}`).href);
    await writeFile(
      file,
      `import { parentPort, workerData } from 'node:worker_threads';
import { chooseProvider } from ${module('onnx/choose-provider')};
import { openRunner } from ${module('onnx/session')};
import { serveEngine } from ${module('engine/worker-server')};
let calls = 0;
await serveEngine(parentPort, workerData, { tracker: (model, wish) =>
  chooseProvider(model, wish, async ({ folder, graphs }, provider, threads) => {
    if (provider === 'cuda' || provider === 'tensorrt') throw new Error('no such device');
    const runner = await openRunner(folder, graphs, { provider: 'cpu', threads });
    if (provider === 'cpu') return runner;
    return { ...runner, provider, track: (frame, bank) => {
      if (++calls === ${atCall}) {
        if (${JSON.stringify(fault)} === 'exits') process.exit(1);
        if (${JSON.stringify(fault)} === 'hangs') return new Promise(() => {});
        throw new Error('device lost');
      }
      return runner.track(frame, bank);
    } };
  }) });
`,
    );
    return pathToFileURL(file);
  }

  async function playThrough(workerUrl: URL, frames: number, stuckAfterMs = 60_000) {
    const failures: string[] = [];
    const recoveries: string[] = [];
    const engine = await createWorkerEngine(
      { ...tinyOptions, provider: 'auto' },
      {
        onFailure: ({ code }) => failures.push(code),
        onRecovered: ({ provider }) => recoveries.push(provider),
      },
      { workerUrl, stuckAfterMs },
    );
    closing.push(() => engine.close());
    const { objectId } = await click(engine, moving(0).red, 0);
    const codes: string[] = [];
    for (let index = 1; index <= frames; index++) {
      const outcome = await engine.track(movingFrame(index)).catch((error: SonoError) => error.code);
      codes.push(typeof outcome === 'string' ? outcome : 'ok');
      if (typeof outcome === 'string') continue;
      expect(outcome.objects.map(({ id }) => id)).toEqual([objectId]);
      expect(iouWith(outcome.objects[0], moving(index).red)).toBeGreaterThan(0.6);
    }
    return { engine, failures, recoveries, codes };
  }

  it('is replaced although no new thread could be started at first', async () => {
    const uncaught: unknown[] = [];
    const take = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', take);
    try {
      const workerUrl = await faultyWorker('exits', 4);
      const { href } = workerUrl;
      let refused = 0;
      const onFailure = (): void => {
        // A worker cannot be started from there: it is thrown at once, as where no thread is left.
        workerUrl.href = 'http://nowhere/';
        const watch = setInterval(() => {
          if (++refused < 100) return;
          clearInterval(watch);
          workerUrl.href = href;
        }, 5);
      };
      const recoveries: string[] = [];
      const engine = await createWorkerEngine(
        { ...tinyOptions, provider: 'auto' },
        { onFailure, onRecovered: ({ provider }) => recoveries.push(provider) },
        { workerUrl, stuckAfterMs: 60_000 },
      );
      closing.push(() => engine.close());
      await click(engine, moving(0).red, 0);
      for (let index = 1; index < 4; index++) await engine.track(movingFrame(index));
      await expect(engine.track(movingFrame(4))).rejects.toMatchObject({ code: 'SONO_ENGINE_LOST' });
      await expect.poll(() => recoveries.length, { timeout: 30_000 }).toBe(1);
      await engine.track(movingFrame(5));
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', take);
    }
  });

  it('is replaced by the next provider in a new worker; objects stay', async () => {
    const { engine, failures, recoveries, codes } = await playThrough(await faultyWorker('throws', 4), 10);
    expect(codes.filter((code) => code !== 'ok')).toEqual(['SONO_INFERENCE_FAILED']);
    expect(failures).toEqual(['SONO_INFERENCE_FAILED']);
    expect(recoveries).toEqual(['cpu']);
    expect(engine.info.provider).toBe('cpu');
    expect(engine.info.rejected.webgpu).toContain('device lost');
  });

  it('may also end the thread: started again, and given up the second time', async () => {
    const { engine, failures, recoveries, codes } = await playThrough(await faultyWorker('exits', 4), 14);
    expect(codes.filter((code) => code !== 'ok')).toEqual(['SONO_ENGINE_LOST', 'SONO_ENGINE_LOST']);
    expect(failures).toEqual(['SONO_ENGINE_LOST', 'SONO_ENGINE_LOST']);
    expect(recoveries).toEqual(['webgpu', 'cpu']);
    expect(engine.info.rejected.webgpu).toBe('its thread stopped several times');
  });

  it('may also hang: its thread is left and the next provider goes on', async () => {
    const { engine, failures, codes } = await playThrough(await faultyWorker('hangs', 4), 8, 8_000);
    expect(codes.filter((code) => code !== 'ok')).toEqual(['SONO_ENGINE_LOST']);
    expect(failures).toEqual(['SONO_ENGINE_LOST']);
    expect(engine.info.provider).toBe('cpu');
    expect(engine.info.rejected.webgpu).toBe('it did not answer any more');
  });
});

describe('worker engine', () => {
  it.skipIf(!installedModels().includes('compact'))(
    'never ends a thread that is inside native code, which would end the whole program',
    async () => {
      const url = (name: string): string => JSON.stringify(builtModule(name).href);
      const options = JSON.stringify({ ...tinyOptions, modelDir: join(packageRoot, 'models/compact') });
      // Patience so short that the thread is given up in the middle of each call.
      const script = `
        const { createWorkerEngine } = await import(${url('src/engine/worker-engine')});
        const { exitProcess } = await import(${url('src/node/process-exit')});
        const engine = await createWorkerEngine(${options}, {}, { stuckAfterMs: 5 });
        const { width, height } = engine.info.inputSize;
        const frame = { streamId: 'x', ptsNs: 0, captureNs: 0, mediaNs: 0, sourceFrame: 0, discontinuity: 0, decodedNs: 0,
          size: { width, height }, data: new Uint8Array(width * height * 3) };
        const prompts = [{ type: 'box', box: [10, 10, 40, 40] }];
        for (let call = 0; call < 3; call += 1)
          await engine.command({ kind: 'prompt', objectId: null, label: 'a', prompts }, frame)
            .then(() => console.log('done'), ({ code }) => console.log(code));
        engine.close();
        await exitProcess(7);`;
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      child.stdout.on('data', (text: Buffer) => (output += text.toString()));
      child.stderr.on('data', (text: Buffer) => (output += text.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      expect(output.trim().split('\n')).toEqual(Array(3).fill('SONO_ENGINE_LOST'));
      expect(code).toBe(7);
    },
  );

  it('gives up loading when it is told to', async () => {
    const abort = new AbortController();
    const engine = createWorkerEngine(tinyOptions, { signal: abort.signal });
    abort.abort();
    await expect(engine).rejects.toMatchObject({ code: 'SONO_ENGINE_CLOSED' });
  });

  it('lets a command overtake waiting frames', async () => {
    const engine = await open(createWorkerEngine);
    await click(engine, moving(0).red, 0);
    const order: string[] = [];
    const frames = [1, 2, 3].map((index) =>
      engine.track(movingFrame(index)).then(() => order.push(`frame ${index}`)),
    );
    const mark = click(engine, moving(0).blue, 0).then(() => order.push('mark'));
    await Promise.all([...frames, mark]);
    // The first frame was already being computed.
    expect(order).toEqual(['frame 1', 'mark', 'frame 2', 'frame 3']);
  });

  it('rejects what waits when it is closed', async () => {
    const engine = await open(createWorkerEngine);
    const waiting = [1, 2].map((index) => codeOf(engine.track(movingFrame(index))));
    await engine.close();
    expect(await Promise.all(waiting)).toEqual(['SONO_ENGINE_CLOSED', 'SONO_ENGINE_CLOSED']);
  });

  it('without a model keeps the marks where they were drawn and says that it is none', async () => {
    const engine = await open(createNoopEngine);
    expect(engine.info.modelName).toBe('no model (bench)');
    await engine.command(
      { kind: 'prompt', objectId: null, label: null, prompts: [{ type: 'box', box: [80, 80, 320, 240] }] },
      movingFrame(0),
    );
    const [object] = (await engine.track(movingFrame(1))).objects;
    expect(object).toMatchObject({ state: 'tracking', box: [8, 8, 24, 16] });
  });
});
