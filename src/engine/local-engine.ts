/** The engine in the calling thread, for `verify` and tests. A frame blocks the thread while the model runs. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import { openCore, type Choosers } from './engine-core.js';
import type { StreamCore } from './stream-core.js';
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
import { isInferenceFailure } from './open-model.js';

/** Loads the model and chooses the provider. Rejects as `openCore`. */
export async function createLocalEngine(
  options: EngineOptions,
  hooks: EngineHooks = {},
  choosers: Partial<Choosers> = {},
): Promise<Engine> {
  const core = await openCore(options, {}, choosers);
  if (hooks.signal?.aborted) {
    await core.close();
    throw inferenceError('SONO_ENGINE_CLOSED');
  }
  return new LocalEngine(core, hooks);
}

class LocalEngine implements Engine {
  #closed = false;
  /** Settled when the call under way has ended: the runner must not be closed under it. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly core: StreamCore,
    private readonly hooks: EngineHooks,
  ) {}

  get info(): EngineInfo {
    return this.core.info;
  }

  setSourceSize(size: PictureSize): Promise<void> {
    return this.#call(() => this.core.setSourceSize(size));
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#call(() => insist(() => this.#orNextProvider(() => this.core.track(frame))));
  }

  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    return this.#call(() => insist(() => this.#orNextProvider(() => this.core.command(command, frame))));
  }

  snapshot(): Promise<unknown> {
    return this.#call(() => this.core.snapshot());
  }

  restore(snapshot: unknown): Promise<void> {
    return this.#call(() => this.core.restore(snapshot));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running;
    await this.core.close();
  }

  async #call<Result>(call: () => Result | Promise<Result>): Promise<Result> {
    if (this.#closed) throw inferenceError('SONO_ENGINE_CLOSED');
    const result = (async () => call())();
    this.#running = result.catch(() => undefined);
    return result;
  }

  /**
   * A device that fails is replaced by the next provider, a CPU that fails is opened again; the call is rejected. The
   * core has not moved, so that the same call can be made again.
   */
  async #orNextProvider<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await call();
    } catch (error) {
      if (!isInferenceFailure(error)) throw error;
      this.hooks.onFailure?.(error);
      await this.core.reopen(error);
      this.hooks.onRecovered?.(this.info);
      throw error;
    }
  }
}
