/**
 * A room on the real chain: GStreamer in its child process, ONNX Runtime in its thread. The counter scene burns its frame
 * number into the picture and shows a disc; the tiny model follows its colour.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import type { DisplayFrame } from '../../../src/vocabulary/frame.js';
import { createWorkerEngine } from '../../../src/engine/worker-engine.js';
import type { Engine, FrameResult } from '../../../src/engine/engine.js';
import { inferenceError } from '../../../src/onnx/errors.js';
import { unixNsOfMonotonic } from '../../../src/node/clock.js';
import { createSource } from '../../../src/ingest/index.js';
import { counterDisc } from '../../../src/ingest/synthetic/counter.js';
import { syntheticScene } from '../../../src/ingest/synthetic/index.js';
import { openRoom, type RoomOptions } from '../../../src/pipeline/open-room.js';
import type { LiveRoom } from '../../../src/pipeline/room.js';
import type { PromptScript } from '../../../src/vocabulary/prompt-script.js';
import { tinyModelDir, tinySemanticDir } from '../../tiny-scene.js';

const rooms: LiveRoom[] = [];
afterEach(async () => {
  await Promise.all(rooms.splice(0).map((room) => room.close()));
});
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pipeline-room-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Watched {
  readonly room: LiveRoom;
  readonly displays: DisplayFrame[];
  readonly results: FrameResult[];
}

async function open(
  sourceUri: string,
  options: Partial<RoomOptions> & { readonly plan?: PromptScript } = {},
): Promise<Watched> {
  const displays: DisplayFrame[] = [];
  const results: FrameResult[] = [];
  const room = await openRoom({
    id: 'room',
    label: 'Room',
    sourceUri,
    createSource: (uri) => createSource(uri, { firstBackoffMs: 100 }),
    analysis: {
      createEngine: (engine, hooks) => createWorkerEngine(engine, hooks),
      engine: { modelDir: tinyModelDir, provider: 'cpu', policy: null, threads: 1 },
      plan: options.plan ?? null,
    },
    loop: false,
    displayQuality: 85,
    overlayLimitMs: 100,
    overlayVisible: true,
    log: { info: () => undefined, warn: () => undefined },
    beforeStart: (early) => {
      rooms.push(early);
      early.events$.subscribe((event) => {
        if (event.kind === 'display') displays.push(event.frame);
        else if (event.kind === 'result') results.push(event.result);
      });
    },
    ...options,
  });
  return { room, displays, results };
}

const patient = { timeout: 45_000, interval: 50 };
/** The scene's own first prompt: a box around its disc. */
const plan = syntheticScene('counter').defaultPrompts();

describe('a room on real GStreamer and ONNX Runtime', () => {
  it('carries picture and mask of every frame under one time, from the first frame on', async () => {
    const { room, displays, results } = await open('synthetic:counter?duration=3', { plan });
    await expect.poll(() => room.health.source.phase, patient).toBe('ended');
    expect(displays.length).toBeGreaterThan(0);
    const times = displays.map(({ ptsNs }) => ptsNs);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] as number))).toBe(true);
    // The time on the wire is the Unix time of the capture, to the nanosecond.
    const { ptsNs, captureNs } = displays[0] as DisplayFrame;
    expect(room.epochUnixNs + BigInt(ptsNs)).toBe(unixNsOfMonotonic(captureNs));
    const byTime = new Map(displays.map((frame) => [frame.ptsNs, frame]));
    for (const { frame } of results) {
      const picture = byTime.get(frame.ptsNs);
      // On a loaded machine a picture may have been dropped before it was encoded, never mixed up.
      if (picture)
        expect([picture.sourceFrame, picture.captureNs]).toEqual([frame.sourceFrame, frame.captureNs]);
    }
    // The prompt of frame 0 holds from the first result on.
    expect(results[0]?.objects.map(({ label }) => label)).toEqual([plan.objects[0]?.label]);
    expect(results.some(({ objects }) => (objects[0]?.areaPx ?? 0) > 0)).toBe(true);
    expect(room.report().frames.displayed).toBe(displays.length);
    expect(room.report().frames.analysed).toBe(results.length);
  });

  it('shows what a model finds by itself, without a mark, and refuses marks in words', async () => {
    const { room, results } = await open('synthetic:counter?duration=3', {
      analysis: {
        createEngine: (engine, hooks) => createWorkerEngine(engine, hooks),
        engine: { modelDir: tinySemanticDir, provider: 'cpu', policy: null, threads: 1 },
        plan: null,
      },
    });
    await expect.poll(() => results.length, patient).toBeGreaterThan(5);
    await expect(room.command({ kind: 'rename', objectId: 1, label: 'x' }, null)).rejects.toMatchObject({
      code: 'SONO_MODEL_FINDS',
    });
    expect(room.health.engine).toMatchObject({ kind: 'semantic', modelName: 'tiny-semantic', policy: '' });
    await expect.poll(() => room.health.source.phase, patient).toBe('ended');
    for (const { objects } of results)
      expect(objects.map(({ id, label }) => [id, label])).toEqual([
        [1, 'red tool'],
        [2, 'blue tool'],
      ]);
    expect(results.some(({ objects }) => objects.some(({ areaPx }) => areaPx > 0))).toBe(true);
    expect(room.report().frames.analysed).toBe(results.length);
  });

  it('applies a mark to the picture that the person saw, though later ones have been analysed', async () => {
    const { room, displays, results } = await open('synthetic:counter');
    await expect.poll(() => results.length, patient).toBeGreaterThan(20);
    const analysed = new Set(results.map(({ frame }) => frame.ptsNs));
    // Half a second back: well within the two seconds that are held.
    const seen = displays.filter(({ ptsNs }) => analysed.has(ptsNs)).at(-10) as DisplayFrame;
    const step = plan.objects[0]?.prompts[0];
    const { objectId, result } = await room.command(
      { kind: 'prompt', objectId: null, label: 'disc', prompts: step ? [step.prompt] : [] },
      seen.ptsNs,
    );
    expect(objectId).toBe(1);
    expect(result?.frame.ptsNs).toBe(seen.ptsNs);
    expect(result?.frame.sourceFrame).toBe(seen.sourceFrame);
    await expect.poll(() => results.at(-1)?.objects.length, patient).toBe(1);
    await expect(room.command({ kind: 'rename', objectId: 99, label: 'x' }, null)).rejects.toMatchObject({
      code: 'SONO_OBJECT_UNKNOWN',
    });
  });

  it('gives a box that took ten seconds, and a correction that took four, the mask of the picture on which they began', async () => {
    const { room, displays, results } = await open('synthetic:counter');
    await expect.poll(() => results.length, patient).toBeGreaterThan(20);
    const size = room.format?.size ?? { width: 1, height: 1 };
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    /** A picture that was analysed, as a person sees it, and where the disc is on it. */
    const begin = () => {
      const analysed = new Set(results.map(({ frame }) => frame.ptsNs));
      const seen = displays.filter(({ ptsNs }) => analysed.has(ptsNs)).at(-2) as DisplayFrame;
      const begun = room.gestures?.begin(seen.ptsNs, 'a hand');
      expect(begun?.ptsNs).toBe(seen.ptsNs);
      return {
        seen,
        gesture: begun?.gesture ?? 0,
        disc: counterDisc(seen.sourceFrame, size.width, size.height),
      };
    };
    const box = begin();
    await pause(10_000);
    const { x, y, radius } = box.disc;
    const made = await room.command(
      {
        ...{ kind: 'prompt', objectId: null, label: 'disc' },
        prompts: [{ type: 'box', box: [x - radius, y - radius, x + radius, y + radius] }],
      },
      box.seen.ptsNs,
    );
    room.gestures?.end(box.gesture, 'a hand');
    expect(made.result?.frame.sourceFrame).toBe(box.seen.sourceFrame);
    const [object] = made.result?.objects ?? [];
    const { maskSize = size } = made.result ?? {};
    const [scaleX, scaleY] = [size.width / maskSize.width, size.height / maskSize.height];
    const [left, top, width, height] = object?.box ?? [0, 0, 0, 0];
    expect(object?.areaPx).toBeGreaterThan(0);
    expect(Math.abs((left + width / 2) * scaleX - x)).toBeLessThan(radius);
    expect(Math.abs((top + height / 2) * scaleY - y)).toBeLessThan(radius);
    // By now the disc is somewhere else.
    const now = counterDisc(results.at(-1)?.frame.sourceFrame ?? 0, size.width, size.height);
    expect(Math.hypot(now.x - x, now.y - y)).toBeGreaterThan(radius);

    await expect.poll(() => results.at(-1)?.objects[0]?.state, patient).toBe('tracking');
    const correction = begin();
    await pause(4000);
    const corrected = await room.command(
      {
        ...{ kind: 'prompt', objectId: made.objectId, label: null },
        prompts: [{ type: 'click', point: [correction.disc.x, correction.disc.y], positive: true }],
      },
      correction.seen.ptsNs,
    );
    expect(corrected.result?.frame.sourceFrame).toBe(correction.seen.sourceFrame);
    expect(room.health.gestures).toMatchObject({ begun: 2, refused: 0 });
    expect(room.health.undoable).toEqual([{ objectId: 1, label: 'disc', kind: 'click', made: false }]);
    // Without a gesture the same picture is gone.
    room.gestures?.end(correction.gesture, 'a hand');
    await expect(
      room.command({ kind: 'prompt', objectId: null, label: 'x', prompts: [] }, box.seen.ptsNs),
    ).rejects.toMatchObject({ code: 'SONO_PROMPT_FRAME_GONE' });
  });

  it('brings a removed object back as it was', async () => {
    const { room, results } = await open('synthetic:counter', { plan });
    await expect.poll(() => results.at(-1)?.objects[0]?.state, patient).toBe('tracking');
    await room.command({ kind: 'remove', objectId: 1, restorable: true }, null);
    await expect.poll(() => results.at(-1)?.objects.length, patient).toBe(0);
    expect(room.health.undoable?.at(-1)).toEqual({ objectId: 1, label: 'disc', kind: 'remove', made: false });
    await room.command({ kind: 'undo', objectId: 1 }, null);
    await expect.poll(() => results.at(-1)?.objects[0]?.state, patient).toBe('tracking');
    expect(results.at(-1)?.objects[0]).toMatchObject({ id: 1, label: 'disc' });
  });

  it('outlives the death of its source process: same room, same clock, same objects', async () => {
    const { room, displays, results } = await open('synthetic:counter', { plan });
    await expect.poll(() => results.length, patient).toBeGreaterThan(5);
    const [child] = children();
    process.kill(child as number, 'SIGKILL');
    await expect.poll(() => room.report().notes.join(), patient).toContain('Signal lost');
    const before = displays.length;
    await expect.poll(() => displays.length, patient).toBeGreaterThan(before + 5);
    const last = displays.at(-1) as DisplayFrame;
    await expect.poll(() => results.at(-1)?.frame.ptsNs, patient).toBeGreaterThan(last.ptsNs);
    expect(room.health.source.phase).toBe('playing');
    const times = displays.map(({ ptsNs }) => ptsNs);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] as number))).toBe(true);
    expect(results.at(-1)?.objects).toHaveLength(1);
  });

  it('changes its source in place, and keeps it when the new one is no video', async () => {
    const { room, displays, results } = await open('synthetic:counter', { plan });
    await expect.poll(() => results.length, patient).toBeGreaterThan(3);
    const text = join(folder, 'text.mp4');
    writeFileSync(text, 'not a video '.repeat(1000));
    await expect(room.openSource(text)).rejects.toMatchObject({
      code: expect.stringMatching(/^SONO_SOURCE_/) as string,
    });
    await expect(room.openSource(join(folder, 'absent.mp4'))).rejects.toMatchObject({
      code: 'SONO_SOURCE_MISSING',
    });
    expect(room.sourceUri).toBe('synthetic:counter');
    const before = displays.length;
    await expect.poll(() => displays.length, patient).toBeGreaterThan(before);

    await room.openSource('synthetic:counter?width=320&height=240&seed=2');
    await expect.poll(() => displays.at(-1)?.size, patient).toEqual({ width: 320, height: 240 });
    await expect.poll(() => results.at(-1)?.objects.length, patient).toBe(0);
    expect(room.format?.size).toEqual({ width: 320, height: 240 });
    const times = displays.map(({ ptsNs }) => ptsNs);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] as number))).toBe(true);
    expect(children()).toHaveLength(1);
  });

  it('keeps the size, the prompts and the emptying of a room although its engine dies under each of them', async () => {
    const died: string[] = [];
    /** The first call of each kind is lost with the engine that had it. */
    const mortal = (engine: Engine): Engine => {
      const once = <Result>(kind: string, call: () => Promise<Result>): Promise<Result> => {
        if (died.includes(kind)) return call();
        died.push(kind);
        return Promise.reject(inferenceError('SONO_ENGINE_LOST'));
      };
      return {
        info: engine.info,
        setSourceSize: (size) => once('size', () => engine.setSourceSize(size)),
        track: (frame) => engine.track(frame),
        command: (command, frame) => once(command.kind, () => engine.command(command, frame)),
        snapshot: () => engine.snapshot(),
        restore: (snapshot) => engine.restore(snapshot),
        close: () => engine.close(),
      };
    };
    const { room, results } = await open('synthetic:counter', {
      analysis: {
        createEngine: async (engine, hooks) => mortal(await createWorkerEngine(engine, hooks)),
        engine: { modelDir: tinyModelDir, provider: 'cpu', policy: null, threads: 1 },
        plan,
      },
    });
    await expect.poll(() => results.at(-1)?.objects.length, patient).toBe(1);
    await room.openSource('synthetic:counter?seed=2');
    await expect.poll(() => results.at(-1)?.objects.length, patient).toBe(0);
    expect(died).toEqual(['size', 'prompt', 'reset']);
    expect(room.report().notes.filter((note) => note.includes('stopped'))).toEqual([]);
  });

  it('never lets the age of results grow behind an engine slowed to 200 ms', async () => {
    const { room, displays, results } = await open('synthetic:counter', {
      analysis: {
        createEngine: async (engine, hooks) => slowed(await createWorkerEngine(engine, hooks), 200),
        engine: { modelDir: tinyModelDir, provider: 'cpu', policy: null, threads: 1 },
        plan,
      },
    });
    await expect.poll(() => results.length, { ...patient, timeout: 55_000 }).toBeGreaterThan(40);
    // Frames between a result and the newest picture at its time: what waits is one frame, so this has no way to grow.
    const lag = results.map(
      ({ frame }, index) => (results[index + 1]?.frame.sourceFrame ?? frame.sourceFrame) - frame.sourceFrame,
    );
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(lag.slice(25, 39))).toBeLessThan(mean(lag.slice(5, 20)) * 3 + 5);
    const { dropped, ...frames } = room.report().frames;
    expect(dropped.inference + dropped['analysis-queue']).toBeGreaterThan(frames.analysed);
    expect(
      frames.captured - frames.analysed - dropped.inference - dropped['analysis-queue'],
    ).toBeLessThanOrEqual(8);
    expect(displays.length).toBeGreaterThan(results.length);
  });
});

function slowed(engine: Engine, milliseconds: number): Engine {
  return new Proxy(engine, {
    get(target, key) {
      if (key === 'track')
        return async (frame: Parameters<Engine['track']>[0]) => {
          await new Promise((resolve) => setTimeout(resolve, milliseconds));
          return target.track(frame);
        };
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Source processes of this test process. */
function children(): number[] {
  return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('ingest/child'))
    .map((line) => Number(line.trim().split(' ')[0]));
}
