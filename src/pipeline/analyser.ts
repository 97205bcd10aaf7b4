/**
 * The engine of a room as the stream sees it: frames in, results out, commands first, planned prompts at their frame, and
 * an engine that fails is replaced while the picture goes on. Main thread; the engine itself lives in a worker.
 */
import type { AnalysisFrame, PictureSize, SourceFormat } from '../frame.js';
import type { SonoError } from '../errors.js';
import type {
  CommandResult,
  Engine,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from '../inference/engine.js';
import type { ObjectId } from '../prompt.js';
import {
  PromptSchedule,
  momentReached,
  promptProblem,
  type PromptMoment,
  type PromptPlan,
  type PromptStep,
} from '../prompt-plan.js';
import { promptRefusal } from '../tracking/prompt-check.js';
import { pipelineError } from './errors.js';
import type { HeldFrames } from './held-frames.js';
import { Turnstile } from './turnstile.js';

export type CreateEngine = (options: EngineOptions) => Promise<Engine>;

export interface AnalyserOptions {
  readonly createEngine: CreateEngine;
  readonly engine: Omit<EngineOptions, 'sourceSize' | 'keepLogits'>;
  readonly plan: PromptPlan | null;
  readonly held: HeldFrames;
  /** A frame that was taken but has no result. */
  readonly onLost: () => void;
  /** The provider, or whether analysis works at all, has changed. */
  readonly onChange: () => void;
  /** Something a person should know: shown in the report and the log. */
  readonly note: (text: string) => void;
}

/** Failures in a row after which the engine is replaced; a single one may be the frame's fault. */
const failuresBeforeRestart = 3;
const restartDelaysMs = [0, 500, 1000, 2000, 5000, 10_000];

export class Analyser {
  readonly #turnstile = new Turnstile();
  #engine: Engine | null;
  #sourceSize: PictureSize | null = null;
  #schedule: PromptSchedule | null;
  /** Object that a planned label stands for in the present pass. */
  readonly #planned = new Map<string, ObjectId>();
  #plannedPass: number | null = null;
  #failures = 0;
  #trouble: SonoError | null = null;
  #closed = false;
  #closing = new AbortController();
  readonly #firstProvider: EngineInfo['provider'];
  #provider: EngineInfo['provider'];

  private constructor(
    private readonly options: AnalyserOptions,
    engine: Engine,
  ) {
    this.#engine = engine;
    this.#firstProvider = engine.info.provider;
    this.#provider = this.#firstProvider;
    this.#schedule = options.plan === null ? null : new PromptSchedule(options.plan);
  }

  /** Loads the model. Rejects with the engine's coded error: a room never opens on a model that cannot run. */
  static async start(options: AnalyserOptions): Promise<Analyser> {
    return new Analyser(options, await options.createEngine(startOptions(options, null)));
  }

  /** Null while the engine is being replaced. */
  get info(): EngineInfo | null {
    return this.#engine?.info ?? null;
  }

  /** Why there is no analysis at present, else null. */
  get trouble(): SonoError | null {
    return this.#trouble;
  }

  /** Sentence when analysis runs on another provider than it started on or was asked for, else null. */
  get fallback(): string | null {
    const info = this.info;
    if (info === null) return null;
    const wanted = this.options.engine.provider;
    const expected = wanted === 'auto' ? this.#firstProvider : wanted;
    if (info.provider === expected) return null;
    const reason = info.rejected[expected];
    return `Outlines are computed on "${info.provider}" instead of "${expected}"${reason === undefined ? '' : ` (${reason})`}.`;
  }

  async setSourceSize(size: PictureSize): Promise<void> {
    this.#sourceSize = size;
    const engine = this.#engine;
    if (engine) await this.#turnstile.run(() => engine.setSourceSize(size), { urgent: true });
  }

  /** A new scene from another source: its objects and planned prompts are gone. */
  async reset(): Promise<void> {
    this.#schedule = null;
    this.#planned.clear();
    const engine = this.#engine;
    if (engine) await this.#turnstile.run(() => engine.command({ kind: 'reset' }, null), { urgent: true });
  }

  /** Result of one frame, null (and `onLost`) when there is none. Never rejects: the stream goes on. */
  async analyse(frame: AnalysisFrame): Promise<FrameResult | null> {
    const engine = this.#engine;
    if (engine === null || this.#closed) {
      this.options.onLost();
      return null;
    }
    try {
      const result = await this.#turnstile.run(async () => {
        await this.#applyPlan(engine, frame);
        return engine.track(frame);
      });
      this.#failures = 0;
      this.#noticeProvider(engine.info.provider);
      return result;
    } catch (error) {
      this.options.onLost();
      this.#failed(engine, error);
      return null;
    }
  }

  async command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    const engine = this.#engine;
    if (engine === null)
      throw this.#trouble ?? pipelineError('SONO_ANALYSIS_OFF', { reason: 'the model is being started' });
    return this.#turnstile.run(() => engine.command(command, frame), { urgent: true });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort();
    await this.#engine?.close();
  }

  /** Planned prompts whose moment has come, each on its own frame where that is still held. */
  async #applyPlan(engine: Engine, frame: AnalysisFrame): Promise<void> {
    if (this.#schedule === null) return;
    const due = this.#schedule.due(frame);
    if (frame.pass !== this.#plannedPass) {
      this.#plannedPass = frame.pass;
      await this.#forgetPlanned(engine);
    }
    for (const step of due) {
      const own = this.options.held.find(
        (held) => held.pass === frame.pass && momentReached(step.moment, held),
      );
      await this.#applyStep(engine, step, own ?? frame);
    }
  }

  /** A new pass shows the scene from its start: what was followed at the end of the last one is not there. */
  async #forgetPlanned(engine: Engine): Promise<void> {
    const ids = [...this.#planned.values()];
    this.#planned.clear();
    for (const objectId of ids) {
      // A person may have removed it in the browser.
      await engine.command({ kind: 'remove', objectId }, null).catch(() => undefined);
    }
  }

  async #applyStep(engine: Engine, step: PromptStep, frame: AnalysisFrame): Promise<void> {
    const words = `the prompt for "${step.label}" at ${momentWords(step.moment)}`;
    const size = this.#sourceSize;
    if (size !== null) {
      const problem = step.prompts
        .map((prompt) => promptProblem(prompt, size))
        .find((found) => found !== null);
      if (problem !== undefined) {
        this.options.note(`${words} was left out. ${promptRefusal(problem, size).message}`);
        return;
      }
    }
    if (step.moment.kind === 'frame' && frame.sourceFrame !== step.moment.frame)
      this.options.note(
        `${words} was applied at frame ${frame.sourceFrame}: frame ${step.moment.frame} was not received.`,
      );
    try {
      const { objectId } = await engine.command(
        {
          kind: 'prompt',
          objectId: this.#planned.get(step.label) ?? null,
          label: step.label,
          prompts: step.prompts,
        },
        frame,
      );
      if (objectId !== null) this.#planned.set(step.label, objectId);
    } catch (error) {
      this.options.note(`${words} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #noticeProvider(provider: EngineInfo['provider']): void {
    if (provider === this.#provider) return;
    this.options.note(`Analysis moved from "${this.#provider}" to "${provider}".`);
    this.#provider = provider;
    this.options.onChange();
  }

  #failed(engine: Engine, error: unknown): void {
    if (this.#closed || engine !== this.#engine) return;
    this.#failures += 1;
    this.options.note(
      `Analysis of a picture failed: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (this.#failures < failuresBeforeRestart) return;
    this.#engine = null;
    this.#trouble = pipelineError('SONO_ANALYSIS_FAILED', { reason: reasonWords(error) }, error);
    this.options.onChange();
    void this.#replace(engine);
  }

  async #replace(failed: Engine): Promise<void> {
    await failed.close().catch(() => undefined);
    this.#planned.clear();
    for (let attempt = 0; !this.#closed; attempt += 1) {
      await this.#pause(restartDelaysMs[Math.min(attempt, restartDelaysMs.length - 1)] ?? 0);
      if (this.#closed) return;
      try {
        const engine = await this.options.createEngine(startOptions(this.options, this.#sourceSize));
        if (this.#closed) {
          await engine.close();
          return;
        }
        this.#engine = engine;
        this.#failures = 0;
        this.#trouble = null;
        this.options.note('Analysis works again; objects must be pointed at anew.');
        this.#noticeProvider(engine.info.provider);
        this.options.onChange();
        return;
      } catch (error) {
        this.#trouble = pipelineError('SONO_ANALYSIS_FAILED', { reason: reasonWords(error) }, error);
        this.options.onChange();
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#closing.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Before the first frame nobody knows the source's size; prompts wait until it has been set. */
function startOptions({ engine }: AnalyserOptions, sourceSize: PictureSize | null): EngineOptions {
  return { ...engine, sourceSize: sourceSize ?? { width: 1, height: 1 }, keepLogits: false };
}

const reasonWords = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');

export function momentWords(moment: PromptMoment): string {
  return moment.kind === 'frame' ? `frame ${moment.frame}` : `${moment.timeMs} ms`;
}

/** The first planned prompt that cannot fit this source, as a coded error; null when all can. */
export function planProblem(plan: PromptPlan, format: SourceFormat): SonoError | null {
  for (const object of plan.objects) {
    for (const { moment, prompt } of object.prompts) {
      if (moment.kind === 'frame' && format.frameCount !== null && moment.frame >= format.frameCount)
        return pipelineError('SONO_PROMPT_FRAME_UNKNOWN', {
          label: object.label,
          moment: momentWords(moment),
          frames: format.frameCount,
        });
      const problem = promptProblem(prompt, format.size);
      if (problem !== null) return promptRefusal(problem, format.size);
    }
  }
  return null;
}
