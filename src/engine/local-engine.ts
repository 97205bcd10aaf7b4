/** The engine in the calling thread, for `verify` and tests. A frame blocks the thread while the model runs. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
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
import { insist } from './engine-gate.js';
import type {
  CommandResult,
  Engine,
  EngineHooks,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from './engine.js';
import { inferenceError } from '../onnx/errors.js';
import type { ProviderName } from '../onnx/provider.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';

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
  /** Settled when the call under way has ended: the runner must not be closed under it. */
  #running: Promise<unknown> = Promise.resolve();

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
    return this.#call(() => this.#core.tracker.setSourceSize(size));
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#call(() => insist(() => this.#orNextProvider(() => this.#core.track(frame))));
  }

  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    return this.#call(() => insist(() => this.#orNextProvider(() => this.#core.command(command, frame))));
  }

  snapshot(): Promise<unknown> {
    return this.#call(() => encodeSnapshot(this.#core.tracker.snapshot(), this.model.folder.sha256));
  }

  restore(snapshot: unknown): Promise<void> {
    const { tracker, sha256 } = this.model.folder;
    return this.#call(() => this.#core.tracker.restore(decodeSnapshot(snapshot, tracker, sha256)));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running;
    await this.#core.runner.close();
  }

  async #call<Result>(call: () => Result | Promise<Result>): Promise<Result> {
    if (this.#closed) throw inferenceError('SONO_ENGINE_CLOSED');
    const result = (async () => call())();
    this.#running = result.catch(() => undefined);
    return result;
  }

  /**
   * A device that fails is replaced by the next provider, a CPU that fails is opened again; the call is rejected. The
   * tracker has not moved, so that the same call can be made again.
   */
  async #orNextProvider<Result>(call: () => Promise<Result>): Promise<Result> {
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
      await runner.close().catch(() => undefined);
      const { provider, threads } = this.options;
      const chosen = await this.choose(this.model, { provider, threads, failed: this.#failed });
      this.#core.runner = chosen.runner;
      this.#rejected = chosen.rejected;
      this.hooks.onRecovered?.(this.info);
      throw error;
    }
  }
}
