import { beforeEach, describe, expect, it } from 'vitest';
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { PromptStep } from '../vocabulary/prompt-script.js';
import type { Engine, EngineInfo, FrameResult, TrackerCommand } from '../engine/engine.js';
import type { Prompter } from '../prompters/prompter.js';
import { trackingError } from '../tracking/errors.js';
import { HeldFrames } from './held-frames.js';
import { RoomEngine } from './room-engine.js';

const frame = (sourceFrame: number, discontinuity = 0): AnalysisFrame => ({
  streamId: 's',
  ptsNs: (discontinuity * 100 + sourceFrame) * 40e6,
  captureNs: 0,
  mediaNs: sourceFrame * 40e6,
  sourceFrame,
  discontinuity,
  decodedNs: 0,
  size: { width: 1, height: 1 },
  data: new Uint8Array(3),
});

/** Keeps a list of objects and every command. */
class ListEngine implements Engine {
  readonly info = { provider: 'cpu' } as EngineInfo;
  readonly commands: (TrackerCommand & { readonly kind: 'prompt' })[] = [];
  readonly objects = new Set<number>();
  #nextId = 1;
  command(command: TrackerCommand) {
    if (command.kind === 'reset') this.objects.clear();
    if (command.kind !== 'prompt') return Promise.resolve({ objectId: null, result: null });
    if (command.objectId !== null && !this.objects.has(command.objectId))
      return Promise.reject(trackingError('SONO_OBJECT_UNKNOWN', { objectId: command.objectId }));
    if (command.prompts.length === 0) return Promise.reject(trackingError('SONO_PROMPT_EMPTY'));
    this.commands.push(command);
    const objectId = command.objectId ?? this.#nextId++;
    this.objects.add(objectId);
    return Promise.resolve({ objectId, result: null });
  }
  track({ ptsNs }: AnalysisFrame): Promise<FrameResult> {
    return Promise.resolve({ frame: { ptsNs } } as FrameResult);
  }
  setSourceSize = () => Promise.resolve();
  snapshot = () => Promise.resolve(null);
  restore = () => Promise.resolve();
  close = () => Promise.resolve();
}

/** A network that finds things on the frames that it is told: what a new prompter has to be, and no more. */
class Detector implements Prompter {
  readonly author = 'detector';
  readonly pending = [];
  constructor(readonly found: Readonly<Record<number, string>>) {}
  async due({ sourceFrame }: AnalysisFrame): Promise<PromptStep[]> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const label = this.found[sourceFrame];
    if (label === undefined) return [];
    const prompts = label === 'nothing' ? [] : [{ type: 'box', box: [1, 2, 3, 4] } as const];
    return [{ label, prompts, moment: { kind: 'frame', frame: sourceFrame } }];
  }
}

let engine: ListEngine;
const notes: string[] = [];
beforeEach(() => {
  engine = new ListEngine();
  notes.length = 0;
});

const start = (...prompters: Prompter[]) =>
  RoomEngine.start({
    createEngine: () => Promise.resolve(engine),
    engine: { modelDir: '', provider: 'cpu', policy: null, threads: 1 },
    prompters,
    held: new HeldFrames(),
    onLost: () => expect.unreachable(),
    onPrompted: () => undefined,
    onChange: () => undefined,
    note: (text) => notes.push(text),
  });
const given = () =>
  engine.commands.map(({ objectId, label, fresh, author }) => [objectId, label, fresh, author]);

describe('a prompter of a room', () => {
  it('starts its objects anew at each turn of the source, refines them within one, and signs its marks', async () => {
    const room = await start(new Detector({ 1: 'polyp', 3: 'polyp' }));
    for (const pass of [0, 1]) for (let index = 0; index < 5; index++) await room.analyse(frame(index, pass));
    expect(given()).toEqual([
      [null, 'polyp', undefined, 'detector'],
      [1, null, false, 'detector'],
      [1, null, true, 'detector'],
      [1, null, false, 'detector'],
    ]);
    expect(notes).toEqual([]);
  });

  it('brings a removed object back at the next turn of the source only', async () => {
    const room = await start(new Detector({ 1: 'polyp', 3: 'polyp' }));
    await room.analyse(frame(1));
    engine.objects.clear();
    await room.analyse(frame(3));
    expect(engine.objects.size).toBe(0);
    await room.analyse(frame(1, 1));
    expect([...engine.objects]).toEqual([2]);
    expect(notes).toEqual([]);
  });

  it('that finds things by itself goes on with another source, a prompt file does not', async () => {
    const plan: Prompter = {
      author: 'plan',
      pending: [],
      due: () => [
        {
          label: 'planned',
          moment: { kind: 'frame', frame: 0 },
          prompts: [{ type: 'click', point: [1, 1], positive: true }],
        },
      ],
    };
    const room = await start(plan, new Detector({ 0: 'polyp' }));
    await room.analyse(frame(0));
    expect(engine.objects.size).toBe(2);
    await room.reset();
    await room.analyse(frame(0, 1));
    expect(given().slice(2)).toEqual([[null, 'polyp', undefined, 'detector']]);
  });

  it('whose mark is refused costs a note, not the frame', async () => {
    const room = await start(new Detector({ 2: 'nothing' }));
    expect(await room.analyse(frame(2))).toMatchObject({ frame: { ptsNs: 80e6 } });
    expect(notes).toEqual([expect.stringMatching(/^the prompt for "nothing" at frame 2 was left out\. /)]);
  });

  it('refines what an interrupted run had begun', async () => {
    const { PlannedPrompts } = await import('../prompters/planned-prompts.js');
    engine.objects.add(7);
    const prompts = [{ type: 'click', point: [1, 1], positive: true } as const];
    await new PlannedPrompts('plan', [['tool', 7]]).apply({ label: 'tool', prompts }, frame(5), engine);
    expect(given()).toEqual([[7, null, false, 'plan']]);
  });
});
