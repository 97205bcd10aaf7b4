/** A live room made by hand and recorded: the real engine and recorder, the scene of replay-fixture.ts. */
import { uniformCalibration } from '../../../src/vocabulary/calibration.js';
import { Subject } from 'rxjs';
import { expect } from 'vitest';
import type { AnalysisFrame } from '../../../src/vocabulary/frame.js';
import type { Engine, EngineHooks, EngineOptions, TrackerCommand } from '../../../src/engine/engine.js';
import { createLocalEngine } from '../../../src/engine/local-engine.js';
import { JournaledEngine } from '../../../src/record/engine-journal.js';
import { Recorder } from '../../../src/record/recorder.js';
import { createMeasurer } from '../../../src/analysis/measure.js';
import type { RoomEvent } from '../../../src/pipeline/room.js';
import { analysisFrame, clipSize, sceneJpeg, squareBox, tinyModel } from '../replay/fixture.js';

export const frames = 40;
/** Frames that live mode dropped: gaps in time. */
export const dropped = new Set([7, 8, 21]);

const prompt = (index: number, objectId: number | null = null): TrackerCommand => ({
  kind: 'prompt',
  objectId,
  label: 'square',
  prompts: [{ type: 'box', box: squareBox(index) }],
});

/** What a person does at a frame. */
async function command(engine: Engine, index: number, frame: AnalysisFrame): Promise<void> {
  if (index === 3) await engine.command(prompt(3), frame);
  // A correction on an earlier frame, and one on a frame that was dropped.
  if (index === 12) await engine.command(prompt(10, 1), analysisFrame(frame.streamId, 10));
  if (index === 23) await engine.command(prompt(21, 1), analysisFrame(frame.streamId, 21));
  if (index === 25) await engine.command({ kind: 'rename', objectId: 1, label: 'red square' }, null);
  if (index === 26) await expect(engine.command(prompt(26, 99), frame)).rejects.toThrow();
}

/** 40 frames at 25 per second, a prompt, corrections, a command that fails; the journal from frame `attachAt` on. */
export async function recordRoom(
  path: string,
  options: {
    readonly attachAt?: number;
    /** Instead of the tiny tracker: a model that finds its structures by itself, so that nothing is marked. */
    readonly semanticModel?: string;
    readonly change?: (engine: Engine) => Engine;
    /** As if another processor had recorded. */
    readonly processor?: string;
    /** Instead of an engine in this thread that never fails. */
    readonly createEngine?: (options: EngineOptions, hooks: EngineHooks) => Promise<Engine>;
    /** Recordings of earlier versions hold none. */
    readonly measured?: boolean;
    /** Frames that get no result because the engine broke while it had them: their number is added here. */
    readonly lost?: number[];
  } = {},
): Promise<Recorder> {
  const id = 'theatre';
  const events = new Subject<RoomEvent>();
  const room = {
    id,
    label: 'Theatre 1',
    epochUnixNs: 1_700_000_000_000_000_000n,
    sourceUri: 'scene',
    format: {
      size: clipSize,
      framesPerSecond: 25,
      calibration: uniformCalibration({ x: 0.5, y: 0.5 }),
      frameCount: null,
      description: 'scene',
    },
    events$: events.asObservable(),
    countClientDrop: () => undefined,
  };
  const threads = 1;
  const engine = await JournaledEngine.create(
    async (engineOptions, hooks) => {
      const inner = await (options.createEngine ?? createLocalEngine)(engineOptions, hooks);
      return options.change?.(inner) ?? inner;
    },
    {
      modelDir: options.semanticModel ?? tinyModel,
      provider: 'cpu',
      policy: null,
      threads,
      sourceSize: clipSize,
      keepLogits: false,
    } satisfies EngineOptions,
    {},
    options.processor,
  );
  const recorder = await Recorder.create(path, {
    version: '0.0.0-test',
    // Small chunks, so that a cut finds many.
    chunkBytes: 8_000,
    onFailure: (error) => {
      throw error;
    },
  });
  const attach = () => engine.attach(recorder.open(room));
  if (options.attachAt === undefined) attach();
  const measure = createMeasurer();
  for (let index = 0; index < frames; index++) {
    if (index === options.attachAt) attach();
    const frame = analysisFrame(id, index);
    events.next({
      kind: 'display',
      frame: {
        ...frame,
        encoding: 'jpeg',
        size: clipSize,
        data: await sceneJpeg(index),
        encodedNs: frame.captureNs,
      },
    });
    if (options.semanticModel === undefined) await command(engine, index, frame);
    else if (index === 18) await engine.command({ kind: 'reset' }, null);
    if (dropped.has(index)) continue;
    try {
      const result = await engine.track(frame);
      events.next({ kind: 'result', result });
      const measurements = measure(result, room.format);
      if (measurements.length > 0 && options.measured !== false)
        events.next({ kind: 'measurement', frame: result.frame, measurements });
    } catch (error) {
      if (!options.lost) throw error;
      options.lost.push(index);
    }
  }
  await engine.close();
  await recorder.close();
  return recorder;
}
