import { describe, expect, it } from 'vitest';
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { PromptAuthor } from '../vocabulary/prompt.js';
import { inferenceError } from '../onnx/errors.js';
import { EngineGate } from './engine-gate.js';
import type { CommandResult, Engine, EngineInfo, FrameResult, TrackerCommand } from './engine.js';

const frame = (ptsNs: number): AnalysisFrame => ({
  streamId: 's',
  ptsNs,
  captureNs: 0,
  mediaNs: 0,
  sourceFrame: 0,
  discontinuity: 0,
  decodedNs: 0,
  size: { width: 1, height: 1 },
  data: new Uint8Array(3),
});
const rename = (label: string): TrackerCommand => ({ kind: 'rename', objectId: 1, label });
const prompt = (label: string, author?: PromptAuthor): TrackerCommand => ({
  kind: 'prompt',
  objectId: null,
  label,
  prompts: [],
  author,
});

/** Takes a millisecond for a call and remembers it; the calls that `fails` names reject. */
class SlowEngine implements Engine {
  readonly calls: string[] = [];
  readonly info = { modelName: 'slow' } as EngineInfo;
  #inside = 0;
  constructor(readonly fails: (call: string, count: number) => Error | null = () => null) {}
  async #call<Result>(name: string, result: Result): Promise<Result> {
    this.#inside += 1;
    expect(this.#inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.calls.push(name);
    this.#inside -= 1;
    const error = this.fails(name, this.calls.filter((call) => call === name).length);
    if (error) throw error;
    return result;
  }
  track({ ptsNs }: AnalysisFrame): Promise<FrameResult> {
    return this.#call(`frame ${ptsNs}`, {} as FrameResult);
  }
  command(command: TrackerCommand): Promise<CommandResult> {
    const name = 'label' in command ? `${command.kind} ${command.label}` : command.kind;
    return this.#call(name, { objectId: 1, result: null });
  }
  setSourceSize(): Promise<void> {
    return this.#call('size', undefined);
  }
  snapshot(): Promise<unknown> {
    return this.#call('snapshot', null);
  }
  restore(): Promise<void> {
    return this.#call('restore', undefined);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('the gate of an engine', () => {
  it('lets one call in at a time, commands first', async () => {
    const engine = new SlowEngine();
    const gate = new EngineGate(engine);
    await Promise.all([
      gate.track(frame(1)),
      gate.track(frame(2)),
      gate.command(rename('a'), null),
      gate.setSourceSize({ width: 1, height: 1 }),
      gate.snapshot(),
    ]);
    expect(engine.calls).toEqual(['frame 1', 'rename a', 'size', 'snapshot', 'frame 2']);
  });

  it('goes on after a call that failed', async () => {
    const engine = new SlowEngine((call) => (call === 'rename no' ? new Error('no') : null));
    const gate = new EngineGate(engine);
    const failed = gate.command(rename('no'), null);
    const next = gate.command(rename('yes'), null);
    await expect(failed).rejects.toThrow('no');
    await expect(next).resolves.toMatchObject({ objectId: 1 });
  });

  it('makes a frame and the marks that fall due with it one turn', async () => {
    const engine = new SlowEngine();
    const gate = new EngineGate(engine);
    const tracked = gate.track(frame(1), async (turn) => {
      await turn.command(prompt('a', 'plan'), frame(1));
      await turn.command(prompt('b', 'plan'), frame(1));
    });
    await Promise.all([tracked, gate.command(rename('x'), null)]);
    expect(engine.calls).toEqual(['prompt a', 'prompt b', 'frame 1', 'rename x']);
  });

  it.each([
    ['SONO_ENGINE_LOST', inferenceError('SONO_ENGINE_LOST')],
    ['SONO_INFERENCE_FAILED', inferenceError('SONO_INFERENCE_FAILED', { provider: 'cpu' })],
  ])('repeats after %s what nobody else would repeat, and only that', async (code, error) => {
    const engine = new SlowEngine((_, count) => (count === 1 ? error : null));
    const gate = new EngineGate(engine);
    await gate.setSourceSize({ width: 1, height: 1 });
    await gate.command({ kind: 'reset' }, null);
    await gate.command(prompt('planned', 'plan'), frame(1));
    await gate.command(prompt('found', 'detector'), frame(1));
    await expect(gate.command(prompt('clicked', 'person'), frame(1))).rejects.toMatchObject({ code });
    await expect(gate.command(prompt('pointed'), frame(1))).rejects.toMatchObject({ code });
    await expect(gate.track(frame(1))).rejects.toMatchObject({ code });
    expect(engine.calls).toEqual([
      ...['size', 'size', 'reset', 'reset', 'prompt planned', 'prompt planned'],
      ...['prompt found', 'prompt found', 'prompt clicked', 'prompt pointed', 'frame 1'],
    ]);
  });

  it('gives up what fails again and again, and what was refused for another reason at once', async () => {
    const lost = new SlowEngine(() => inferenceError('SONO_ENGINE_LOST'));
    await expect(new EngineGate(lost).command({ kind: 'reset' }, null)).rejects.toMatchObject({
      code: 'SONO_ENGINE_LOST',
    });
    expect(lost.calls).toHaveLength(5);
    const closed = new SlowEngine(() => inferenceError('SONO_ENGINE_CLOSED'));
    await expect(new EngineGate(closed).command({ kind: 'reset' }, null)).rejects.toThrow();
    expect(closed.calls).toHaveLength(1);
  });
});
