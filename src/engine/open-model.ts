/** A model on the provider that was chosen for it, as the core of a stream has it. Any thread. */
import type { AnalysisFrame, FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import { monotonicNs } from '../node/clock.js';
import { SonoError } from '../vocabulary/errors.js';
import { firstLine, type ChosenProvider, type ProviderWish } from '../onnx/choose-provider.js';
import { inferenceError } from '../onnx/errors.js';
import type { ModelFolder, ModelKind } from '../onnx/manifest.js';
import type { GraphRunner } from '../onnx/session.js';
import type { EngineInfo, FrameResult } from './engine.js';

/** Chooses a provider and opens the model on it; again whenever one has failed. */
export type OpenRunner<Runner extends GraphRunner> = (
  failed: ProviderWish['failed'],
) => Promise<ChosenProvider<Runner>>;

export class OpenModel<Runner extends GraphRunner> {
  #chosen: ChosenProvider<Runner>;
  #failed: ProviderWish['failed'];

  private constructor(
    private readonly folder: ModelFolder<ModelKind>,
    readonly inputSize: PictureSize,
    private readonly choose: OpenRunner<Runner>,
    chosen: ChosenProvider<Runner>,
    failed: ProviderWish['failed'],
  ) {
    this.#chosen = chosen;
    this.#failed = failed;
  }

  /** Throws what `choose` throws. */
  static async open<Runner extends GraphRunner>(
    folder: ModelFolder<ModelKind>,
    inputSize: PictureSize,
    choose: OpenRunner<Runner>,
    failed: ProviderWish['failed'],
  ): Promise<OpenModel<Runner>> {
    return new OpenModel(folder, inputSize, choose, await choose(failed), failed);
  }

  get info(): Omit<EngineInfo, 'policy'> {
    const { kind, manifest, sha256 } = this.folder;
    const { runner, rejected } = this.#chosen;
    return {
      kind,
      modelName: runner.standIn ?? manifest.name,
      modelVersion: manifest.version,
      modelSha256: sha256,
      licence: manifest.licence,
      provider: runner.provider,
      rejected,
      inputSize: this.inputSize,
    };
  }

  /** Throws SONO_INFERENCE_FAILED whatever `call` rejects with, and tells how long it took. */
  async run<Output>(
    call: (runner: Runner) => Promise<Output>,
  ): Promise<{ readonly output: Output; readonly inferenceNs: number }> {
    const { runner } = this.#chosen;
    const startedNs = monotonicNs();
    try {
      const output = await call(runner);
      return { output, inferenceNs: monotonicNs() - startedNs };
    } catch (cause) {
      throw inferenceError('SONO_INFERENCE_FAILED', { provider: runner.provider }, cause);
    }
  }

  /** Leaves the provider that has failed (a CPU is opened again) and opens the model on the next one. */
  async reopen(failure: SonoError): Promise<void> {
    const { runner } = this.#chosen;
    if (runner.provider !== 'cpu')
      this.#failed = {
        ...this.#failed,
        [runner.provider]: `it stopped working: ${firstLine(failure.cause)}`,
      };
    await runner.close().catch(() => undefined);
    this.#chosen = await this.choose(this.#failed);
  }

  close(): Promise<void> {
    return this.#chosen.runner.close();
  }

  /** Throws SONO_FRAME_SIZE. */
  checkFrame({ size, data }: AnalysisFrame): void {
    const { width, height } = this.inputSize;
    if (size.width === width && size.height === height && data.length === width * height * 3) return;
    throw inferenceError('SONO_FRAME_SIZE', {
      actual: `${size.width} × ${size.height} (${data.length} bytes)`,
      expected: `${width} × ${height} (${width * height * 3} bytes)`,
    });
  }

  result(
    frame: AnalysisFrame,
    objects: FrameResult['objects'],
    logitsSize: PictureSize,
    { startedNs, inferenceNs }: { readonly startedNs: number; readonly inferenceNs: number },
  ): FrameResult {
    return {
      frame: identity(frame),
      maskSize: this.inputSize,
      logitsSize,
      objects,
      timing: { startedNs, inferenceNs, trackingNs: monotonicNs() - startedNs - inferenceNs },
    };
  }
}

/** Only the identity: results must not hold on to pixels. */
function identity(frame: AnalysisFrame): FrameIdentity {
  const { streamId, ptsNs, captureNs, mediaNs, sourceFrame, discontinuity } = frame;
  return { streamId, ptsNs, captureNs, mediaNs, sourceFrame, discontinuity };
}

/** The provider broke (as opposed to a command that was wrong). */
export function isInferenceFailure(error: unknown): error is SonoError {
  return error instanceof SonoError && error.code === 'SONO_INFERENCE_FAILED';
}
