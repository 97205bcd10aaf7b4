/**
 * The engine of a room as the stream sees it: frames in, results out, commands first, marks of prompters at their frame, and
 * failures told while the picture goes on. Main thread; the engine lives in a worker and brings itself up again.
 */
import type { AnalysisFrame, PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type { SonoError } from '../vocabulary/errors.js';
import { reasonOf } from '../vocabulary/faults.js';
import type { ObjectId } from '../vocabulary/prompt.js';
import type { Undoable } from '../vocabulary/undoable.js';
import {
  momentReached,
  momentWords,
  scriptProblem,
  type PromptScript,
  type PromptStep,
} from '../vocabulary/prompt-script.js';
import { EngineGate } from '../engine/engine-gate.js';
import type {
  CommandResult,
  CreateEngine,
  Engine,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from '../engine/engine.js';
import { PlannedPrompts } from '../prompters/planned-prompts.js';
import type { Prompter } from '../prompters/prompter.js';
import { pipelineError } from './errors.js';
import { promptToleranceNs, type HeldFrames } from './held-frames.js';
import { gestureSeconds, HeldGestures } from './held-gestures.js';

interface RoomEngineOptions {
  readonly createEngine: CreateEngine;
  readonly engine: Omit<EngineOptions, 'sourceSize' | 'keepLogits'>;
  readonly prompters: readonly Prompter[];
  /** Gives up loading the model. */
  readonly signal?: AbortSignal | undefined;
  readonly held: HeldFrames;
  /** A frame that was taken but has no result. */
  readonly onLost: () => void;
  /** A person has marked an object on this frame. */
  readonly onPrompted: (objectId: ObjectId | null, frame: AnalysisFrame) => void;
  /** The provider, or whether analysis works at all, has changed. */
  readonly onChange: () => void;
  /** Something a person should know: shown in the report and the log. */
  readonly note: (text: string) => void;
}

export class RoomEngine {
  readonly #gate: EngineGate;
  /** Pictures that are held while somebody draws on them. */
  readonly gestures: HeldGestures;
  #prompters: readonly ReturnType<typeof withObjects>[];
  #undoable: readonly Undoable[] = [];
  #trouble: SonoError | null = null;
  #closed = false;
  readonly #firstProvider: EngineInfo['provider'];
  #provider: EngineInfo['provider'];

  private constructor(
    private readonly options: RoomEngineOptions,
    engine: Engine,
  ) {
    this.#gate = new EngineGate(engine);
    this.#firstProvider = engine.info.provider;
    this.#provider = this.#firstProvider;
    this.#prompters = options.prompters.map(withObjects);
    this.gestures = new HeldGestures({
      held: options.held,
      // Without it a correction is drawn without the mask that the person saw.
      keepMasks: (ptsNs) => void this.#gate.command({ kind: 'keep', ptsNs }, null).catch(() => undefined),
      onChange: () => options.onChange(),
    });
  }

  /** Loads the model. Rejects with the engine's coded error: a room never opens on a model that cannot run. */
  static async start(options: RoomEngineOptions): Promise<RoomEngine> {
    let started: RoomEngine | null = null;
    const engine = await options.createEngine(
      // Before the first frame nobody knows the source's size; prompts wait until it has been set.
      { ...options.engine, sourceSize: { width: 1, height: 1 }, keepLogits: false },
      {
        ...(options.signal && { signal: options.signal }),
        onFailure: (error) => {
          if (started) started.#stopped(error);
        },
        onRecovered: () => {
          if (started) started.#recovered();
        },
      },
    );
    started = new RoomEngine(options, engine);
    return started;
  }

  get info(): EngineInfo {
    return this.#gate.info;
  }

  /** What people can take back, the last step of each object; the newest last. */
  get undoable(): readonly Undoable[] {
    return this.#undoable;
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
    return this.#prompters.flatMap(({ prompter }) =>
      prompter.pending.map((step) => `${stepWords(step)} was never reached.`),
    );
  }

  /** Size of the source picture. */
  setSourceSize(size: PictureSize): Promise<void> {
    return this.#gate.setSourceSize(size);
  }

  /** Planned prompts that have not been applied never are. */
  dropPlan(): void {
    this.#prompters = this.#prompters.filter(({ prompter }) => prompter.author !== 'plan');
  }

  /** A new scene from another source: its objects and planned prompts are gone. */
  async reset(): Promise<void> {
    this.dropPlan();
    this.#prompters = this.#prompters.map(({ prompter }) => withObjects(prompter));
    this.gestures.clear();
    this.#noticeUndoable(await this.#gate.command({ kind: 'reset' }, null));
  }

  /** Result of one frame, null (and `onLost`) when there is none. Never rejects: the stream goes on. */
  async analyse(frame: AnalysisFrame): Promise<FrameResult | null> {
    try {
      const result = await this.#gate.track(frame, (engine) => this.#giveDue(frame, engine));
      this.#noticeProvider();
      return result;
    } catch (error) {
      this.options.onLost();
      // A stopped engine has been told of by its hook, a closed one is no news.
      if (this.#trouble === null && !this.#closed)
        this.options.note(`A picture could not be analysed: ${reasonOf(error)}`);
      return null;
    }
  }

  /**
   * Applies a person's command. A prompt goes to the held frame that the person saw, `ptsNs` (null: the newest). Throws what
   * the engine throws, and SONO_PROMPT_FRAME_GONE.
   */
  async command(command: TrackerCommand, ptsNs: number | null): Promise<CommandResult> {
    if (command.kind !== 'prompt') return this.#noticeUndoable(await this.#gate.command(command, null));
    const { held } = this.options;
    const frame =
      ptsNs === null ? held.newest() : (this.gestures.find(ptsNs) ?? held.closest(ptsNs, promptToleranceNs));
    if (frame === null) throw pipelineError('SONO_PROMPT_FRAME_GONE', { seconds: gestureSeconds });
    const result = this.#noticeUndoable(await this.#gate.command(command, frame));
    this.options.onPrompted(result.objectId, frame);
    return result;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.gestures.clear();
    await this.#gate.close();
  }

  /** Marks that fall due with this frame, each on its own frame where that is still held. What fails becomes a note. */
  async #giveDue(frame: AnalysisFrame, inTurn: Pick<Engine, 'command'>): Promise<void> {
    const engine: Pick<Engine, 'command'> = {
      command: async (command, on) => this.#noticeUndoable(await inTurn.command(command, on)),
    };
    for (const { prompter, objects } of this.#prompters)
      for (const step of await prompter.due(frame)) {
        const own = this.options.held.find(
          (held) => held.discontinuity === frame.discontinuity && momentReached(step.moment, held),
        );
        await this.#apply(step, own ?? frame, objects, engine);
      }
  }

  async #apply(
    step: PromptStep,
    frame: AnalysisFrame,
    objects: PlannedPrompts,
    engine: Pick<Engine, 'command'>,
  ): Promise<void> {
    try {
      const applied = await objects.apply(step, frame, engine);
      if (applied && step.moment.kind === 'frame' && frame.sourceFrame !== step.moment.frame)
        this.options.note(
          `${stepWords(step)} was applied at frame ${frame.sourceFrame}: frame ${step.moment.frame} was not received.`,
        );
    } catch (error) {
      if (this.#closed) return;
      this.options.note(`${stepWords(step)} was left out. ${reasonOf(error)}`);
    }
  }

  #noticeUndoable(result: CommandResult): CommandResult {
    if (result.undoable) {
      this.#undoable = result.undoable;
      this.options.onChange();
    }
    return result;
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
    // An engine that was brought up again has its objects, but not the steps that led to them.
    this.#undoable = [];
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

const withObjects = (prompter: Prompter) => ({ prompter, objects: new PlannedPrompts(prompter.author) });

const stepWords = ({ label, moment }: PromptStep): string =>
  `the prompt for "${label}" at ${momentWords(moment)}`;

/** The first planned prompt that cannot fit this source, as a coded error; null when all can. */
export function planProblem(plan: PromptScript, format: SourceFormat): SonoError | null {
  const problem = scriptProblem(plan, format);
  if (problem === null) return null;
  const { kind, ...details } = problem;
  return pipelineError(kind === 'no-frame' ? 'SONO_PROMPT_FRAME_UNKNOWN' : 'SONO_PROMPT_UNFIT', details);
}
