/** The engine in the calling thread: replay, evaluation, tests. A frame blocks the thread while the model runs. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { SonoError } from '../vocabulary/errors.js';
import { Tracker } from '../tracking/tracker.js';
import {
  chooseProvider,
  firstLine,
  loadModel,
  type ChooseProvider,
  type ChosenProvider,
  type LoadedModel,
} from '../onnx/choose-provider.js';
import { EngineCore, engineInfo, isInferenceFailure } from './engine-core.js';
import type {
  CommandResult,
  Engine,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from './engine.js';
import { inferenceError } from '../onnx/errors.js';
import type { ProviderName } from '../onnx/provider.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';

export interface EngineHooks {
  /** The model or its thread stopped; the engine is being brought up again. The failed call has been rejected. */
  readonly onFailure?: (error: SonoError) => void;
  /** Gives up an engine that is still loading: its promise rejects with SONO_ENGINE_CLOSED. */
  readonly signal?: AbortSignal;
  /** It works again, perhaps on another provider (`info.provider`, and why in `info.rejected`). */
  readonly onRecovered?: (info: EngineInfo) => void;
}

/**
 * Loads the model and chooses the provider. Rejects with SONO_MODEL_…, SONO_PROVIDER_NONE, SONO_POLICY_UNKNOWN.
 */
export async function createLocalEngine(
  options: EngineOptions,
  hooks: EngineHooks = {},
  choose: ChooseProvider = chooseProvider,
): Promise<Engine> {
  const model = await loadModel(options.modelDir);
  const tracker = new Tracker(model.folder.tracker, options);
  const wish = { provider: options.provider, threads: options.threads, failed: {} };
  const chosen = await choose(model, wish);
  if (hooks.signal?.aborted) {
    await chosen.runner.close();
    throw inferenceError('SONO_ENGINE_CLOSED');
  }
  return new LocalEngine(model, options, tracker, chosen, hooks, choose);
}

class LocalEngine implements Engine {
  readonly #core: EngineCore;
  #rejected: ChosenProvider['rejected'];
  #failed: Partial<Record<ProviderName, string>> = {};
  #closed = false;
  /** Calls run one after the other, in the order in which they came. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: LoadedModel,
    private readonly options: EngineOptions,
    tracker: Tracker,
    chosen: ChosenProvider,
    private readonly hooks: EngineHooks,
    private readonly choose: ChooseProvider,
  ) {
    this.#core = new EngineCore(tracker, chosen.runner, model.folder.tracker);
    this.#rejected = chosen.rejected;
  }

  get info(): EngineInfo {
    return engineInfo(this.model.folder, this.#core.runner, this.#rejected, this.#core.tracker);
  }

  setSourceSize(size: PictureSize): Promise<void> {
    return this.#next(() => {
      this.#core.tracker.setSourceSize(size);
      return Promise.resolve();
    });
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#next(() => this.#withFallback(() => this.#core.track(frame)));
  }

  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    return this.#next(() => this.#withFallback(() => this.#core.command(command, frame)));
  }

  snapshot(): Promise<unknown> {
    return this.#next(() =>
      Promise.resolve(encodeSnapshot(this.#core.tracker.snapshot(), this.model.folder.sha256)),
    );
  }

  restore(snapshot: unknown): Promise<void> {
    return this.#next(() => {
      const { tracker, sha256 } = this.model.folder;
      this.#core.tracker.restore(decodeSnapshot(snapshot, tracker, sha256));
      return Promise.resolve();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#next(() => this.#core.runner.close());
    this.#closed = true;
    await closing;
  }

  #next<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#closed) return Promise.reject(inferenceError('SONO_ENGINE_CLOSED'));
    const result = this.#last.then(call);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /**
   * A device that fails is replaced by the next provider, and the same call is made again: the tracker has not moved.
   * There is nothing below the CPU, so it is opened once more; a call that fails there again is the caller's news.
   */
  async #withFallback<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let cpuFailures = 0; ;) {
      try {
        return await call();
      } catch (error) {
        if (!isInferenceFailure(error)) throw error;
        this.hooks.onFailure?.(error);
        const { runner } = this.#core;
        if (runner.provider !== 'cpu')
          this.#failed = {
            ...this.#failed,
            [runner.provider]: `it stopped working: ${firstLine(error.cause)}`,
          };
        else if (++cpuFailures > 1) throw error;
        await runner.close().catch(() => undefined);
        const { provider, threads } = this.options;
        const chosen = await this.choose(this.model, { provider, threads, failed: this.#failed });
        this.#core.runner = chosen.runner;
        this.#rejected = chosen.rejected;
        this.hooks.onRecovered?.(this.info);
      }
    }
  }
}
