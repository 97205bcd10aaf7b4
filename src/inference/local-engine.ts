/** The engine in the calling thread: replay, evaluation, tests. A frame blocks the thread while the model runs. */
import type { AnalysisFrame, PictureSize } from '../frame.js';
import type { SonoError } from '../errors.js';
import { Tracker } from '../tracking/tracker.js';
import {
  chooseProvider,
  firstLine,
  loadModel,
  type ChosenProvider,
  type LoadedModel,
  type OpenRunner,
} from './choose-provider.js';
import { EngineCore, isInferenceFailure } from './engine-core.js';
import type {
  CommandResult,
  Engine,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from './engine.js';
import { inferenceError } from './errors.js';
import type { ProviderName } from './provider.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';

export interface EngineHooks {
  /** The model or its thread stopped; the engine is being brought up again. The failed call has been rejected. */
  readonly onFailure?: (error: SonoError) => void;
  /** It works again, perhaps on another provider (`info.provider`, and why in `info.rejected`). */
  readonly onRecovered?: (info: EngineInfo) => void;
}

/**
 * Loads the model and chooses the provider. Rejects with SONO_MODEL_…, SONO_PROVIDER_NONE, SONO_POLICY_UNKNOWN.
 * `open` stands in for ONNX Runtime in tests of a device that is lost.
 */
export async function createLocalEngine(
  options: EngineOptions,
  hooks: EngineHooks = {},
  open?: OpenRunner,
): Promise<Engine> {
  const model = await loadModel(options.modelDir);
  const tracker = new Tracker(model.folder.tracker, options);
  const wish = { provider: options.provider, threads: options.threads, failed: {} };
  const chosen = await chooseProvider(model, wish, open);
  return new LocalEngine(model, options, tracker, chosen, hooks, open);
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
    private readonly open: OpenRunner | undefined,
  ) {
    this.#core = new EngineCore(tracker, chosen.runner, model.folder.tracker);
    this.#rejected = chosen.rejected;
  }

  get info(): EngineInfo {
    const { folder } = this.model;
    return {
      modelName: folder.manifest.name,
      modelVersion: folder.manifest.version,
      modelSha256: folder.sha256,
      provider: this.#core.runner.provider,
      rejected: this.#rejected,
      inputSize: folder.tracker.inputSize,
      policy: this.#core.tracker.policy,
    };
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

  /** A device that fails is replaced by the next provider, and the same call is made again: the tracker has not moved. */
  async #withFallback<Result>(call: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isInferenceFailure(error)) throw error;
        this.hooks.onFailure?.(error);
        const { runner } = this.#core;
        this.#failed = {
          ...this.#failed,
          [runner.provider]: `it stopped working: ${firstLine(error.cause)}`,
        };
        await runner.close().catch(() => undefined);
        const wish = { provider: this.options.provider, threads: this.options.threads, failed: this.#failed };
        const chosen = await chooseProvider(this.model, wish, this.open);
        this.#core.runner = chosen.runner;
        this.#rejected = chosen.rejected;
        this.hooks.onRecovered?.(this.info);
      }
    }
  }
}
