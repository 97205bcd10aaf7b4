/**
 * The engine of a room as the stream sees it: frames in, results out, commands first, planned prompts at their frame, and
 * failures told while the picture goes on. Main thread; the engine lives in a worker and brings itself up again.
 */
import type { AnalysisFrame, PictureSize, SourceFormat } from '../vocabulary/frame.js';
import { SonoError } from '../vocabulary/errors.js';
import type {
  CommandResult,
  Engine,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from '../engine/engine.js';
import type { EngineHooks } from '../engine/local-engine.js';
import type { ObjectId } from '../vocabulary/prompt.js';
import {
  PromptSchedule,
  momentReached,
  promptProblem,
  type PromptMoment,
  type PromptPlan,
  type PromptStep,
} from '../vocabulary/prompt-plan.js';
import { problemWords, promptRefusal } from '../tracking/prompt-check.js';
import { pipelineError } from './errors.js';
import type { HeldFrames } from './held-frames.js';
import { Turnstile } from './turnstile.js';

export type CreateEngine = (options: EngineOptions, hooks: EngineHooks) => Promise<Engine>;

export interface AnalyserOptions {
  readonly createEngine: CreateEngine;
  readonly engine: Omit<EngineOptions, 'sourceSize' | 'keepLogits'>;
  readonly plan: PromptPlan | null;
  /** Gives up loading the model. */
  readonly signal?: AbortSignal | undefined;
  readonly held: HeldFrames;
  /** A frame that was taken but has no result. */
  readonly onLost: () => void;
  /** The provider, or whether analysis works at all, has changed. */
  readonly onChange: () => void;
  /** Something a person should know: shown in the report and the log. */
  readonly note: (text: string) => void;
}

export class Analyser {
  readonly #turnstile = new Turnstile();
  #sourceSize: PictureSize | null = null;
  #schedule: PromptSchedule | null;
  /** Object that a planned label stands for. It keeps its number over discontinuities. */
  readonly #planned = new Map<string, ObjectId>();
  /** Labels whose first step of the present run of the source has been applied. */
  readonly #startedAnew = new Set<string>();
  #plannedDiscontinuity: number | null = null;
  #trouble: SonoError | null = null;
  #closed = false;
  readonly #firstProvider: EngineInfo['provider'];
  #provider: EngineInfo['provider'];

  private constructor(
    private readonly options: AnalyserOptions,
    private readonly engine: Engine,
  ) {
    this.#firstProvider = engine.info.provider;
    this.#provider = this.#firstProvider;
    this.#schedule = options.plan === null ? null : new PromptSchedule(options.plan);
  }

  /** Loads the model. Rejects with the engine's coded error: a room never opens on a model that cannot run. */
  static async start(options: AnalyserOptions): Promise<Analyser> {
    let analyser: Analyser | null = null;
    const engine = await options.createEngine(
      // Before the first frame nobody knows the source's size; prompts wait until it has been set.
      { ...options.engine, sourceSize: { width: 1, height: 1 }, keepLogits: false },
      {
        ...(options.signal && { signal: options.signal }),
        onFailure: (error) => {
          if (analyser) analyser.#stopped(error);
        },
        onRecovered: () => {
          if (analyser) analyser.#recovered();
        },
      },
    );
    analyser = new Analyser(options, engine);
    return analyser;
  }

  get info(): EngineInfo {
    return this.engine.info;
  }

  /** Why there is no analysis at present, else null. */
  get trouble(): SonoError | null {
    return this.#trouble;
  }

  /** Sentence when analysis runs on another provider than it started on or was asked for, else null. */
  get fallback(): string | null {
    const { info } = this;
    const wanted = this.options.engine.provider;
    const expected = wanted === 'auto' ? this.#firstProvider : wanted;
    if (info.provider === expected) return null;
    const reason = info.rejected[expected];
    return `Outlines are computed on "${info.provider}" instead of "${expected}"${reason === undefined ? '' : ` (${reason})`}.`;
  }

  /** Planned prompts since the last discontinuity whose moment has not come: once the source is over, it never will. */
  unreached(): string[] {
    return (this.#schedule?.pending ?? []).map(
      ({ label, moment }) => `the prompt for "${label}" at ${momentWords(moment)} was never reached.`,
    );
  }

  async setSourceSize(size: PictureSize): Promise<void> {
    this.#sourceSize = size;
    await this.#turnstile.run(() => insist(() => this.engine.setSourceSize(size)), { urgent: true });
  }

  /** Planned prompts that have not been applied never are. */
  dropPlan(): void {
    this.#schedule = null;
  }

  /** A new scene from another source: its objects and planned prompts are gone. */
  async reset(): Promise<void> {
    this.#schedule = null;
    this.#planned.clear();
    await this.#turnstile.run(() => insist(() => this.engine.command({ kind: 'reset' }, null)), {
      urgent: true,
    });
  }

  /** Result of one frame, null (and `onLost`) when there is none. Never rejects: the stream goes on. */
  async analyse(frame: AnalysisFrame): Promise<FrameResult | null> {
    try {
      const result = await this.#turnstile.run(async () => {
        await this.#applyPlan(frame);
        return this.engine.track(frame);
      });
      this.#noticeProvider();
      return result;
    } catch (error) {
      this.options.onLost();
      // A stopped engine has been told of by its hook, a closed one is no news.
      if (this.#trouble === null && !this.#closed)
        this.options.note(
          `A picture could not be analysed: ${error instanceof Error ? error.message : String(error)}`,
        );
      return null;
    }
  }

  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    return this.#turnstile.run(() => this.engine.command(command, frame), { urgent: true });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.engine.close();
  }

  /** Planned prompts whose moment has come, each on its own frame where that is still held. */
  async #applyPlan(frame: AnalysisFrame): Promise<void> {
    if (this.#schedule === null) return;
    const due = this.#schedule.due(frame);
    if (frame.discontinuity !== this.#plannedDiscontinuity) {
      this.#plannedDiscontinuity = frame.discontinuity;
      this.#startedAnew.clear();
    }
    for (const step of due) {
      const own = this.options.held.find(
        (held) => held.discontinuity === frame.discontinuity && momentReached(step.moment, held),
      );
      await this.#applyStep(step, own ?? frame);
    }
  }

  async #applyStep(step: PromptStep, frame: AnalysisFrame): Promise<void> {
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
      await this.#promptPlanned(step, frame);
    } catch (error) {
      if (this.#closed) return;
      this.options.note(`${words} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The first step after a discontinuity starts its object anew, later ones refine it. */
  async #promptPlanned({ label, prompts }: PromptStep, frame: AnalysisFrame): Promise<void> {
    const known = this.#planned.get(label);
    const fresh = !this.#startedAnew.has(label);
    this.#startedAnew.add(label);
    if (known !== undefined) {
      try {
        // Without the label: somebody may have given it a better one.
        await insist(() =>
          this.engine.command({ kind: 'prompt', objectId: known, label: null, prompts, fresh }, frame),
        );
        return;
      } catch (error) {
        if (!(error instanceof SonoError && error.code === 'SONO_OBJECT_UNKNOWN')) throw error;
        // Removed by a person: until the next discontinuity, not longer.
        if (!fresh) return;
      }
    }
    const { objectId } = await insist(() =>
      this.engine.command({ kind: 'prompt', objectId: null, label, prompts }, frame),
    );
    if (objectId !== null) this.#planned.set(label, objectId);
  }

  #stopped(error: SonoError): void {
    if (this.#closed) return;
    this.#trouble = pipelineError('SONO_ANALYSIS_FAILED', { reason: error.message }, error);
    this.options.note(error.message);
    this.options.onChange();
  }

  #recovered(): void {
    if (this.#closed) return;
    this.#trouble = null;
    this.options.note('Outlining works again.');
    this.#noticeProvider();
    this.options.onChange();
  }

  #noticeProvider(): void {
    const { provider } = this.info;
    if (provider === this.#provider) return;
    this.options.note(`Outlines are computed on "${provider}" now, before on "${this.#provider}".`);
    this.#provider = provider;
    this.options.onChange();
  }
}

/**
 * Repeats a call that nobody else would repeat when the engine was replaced under it; the next try waits for the new
 * engine. Such a call is the same the second time: it has not changed anything, or the engine has forgotten it.
 */
async function insist<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof SonoError) || !engineReplaced.has(String(error.code)) || tries === mostTries)
        throw error;
    }
  }
}
const engineReplaced: ReadonlySet<string> = new Set(['SONO_ENGINE_LOST', 'SONO_INFERENCE_FAILED']);
const mostTries = 5;

export function momentWords(moment: PromptMoment): string {
  return moment.kind === 'frame' ? `frame ${moment.frame}` : `${moment.timeMs} ms`;
}

/** Frame on which a moment falls, as far as the rate is known. */
function firstFrame(moment: PromptMoment, { framesPerSecond }: SourceFormat): number {
  if (moment.kind === 'frame') return moment.frame;
  return framesPerSecond === null ? 0 : Math.floor((moment.timeMs * framesPerSecond) / 1000);
}

/** The first planned prompt that cannot fit this source, as a coded error; null when all can. */
export function planProblem(plan: PromptPlan, format: SourceFormat): SonoError | null {
  for (const object of plan.objects) {
    for (const { moment, prompt } of object.prompts) {
      if (format.frameCount !== null && firstFrame(moment, format) >= format.frameCount)
        return pipelineError('SONO_PROMPT_FRAME_UNKNOWN', {
          label: object.label,
          moment: momentWords(moment),
          frames: format.frameCount,
        });
      const problem = promptProblem(prompt, format.size);
      if (problem !== null)
        return pipelineError('SONO_PROMPT_UNFIT', {
          label: object.label,
          moment: momentWords(moment),
          problem: problemWords[problem],
          ...format.size,
        });
    }
  }
  return null;
}
