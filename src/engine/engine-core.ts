/**
 * One stream's engine on one open model: tracker and runner together. Used by the local engine (calling thread) and by
 * the worker's server; neither adds anything to what happens to a frame.
 */
import type { AnalysisFrame, FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import { monotonicNs } from '../node/clock.js';
import { SonoError } from '../vocabulary/errors.js';
import type { TrackedObject, Tracker } from '../tracking/tracker.js';
import { inferenceError } from '../onnx/errors.js';
import type { CommandResult, EngineInfo, FrameResult, TrackerCommand } from './engine.js';
import type { ChosenProvider } from '../onnx/choose-provider.js';
import type { ModelFolder } from '../onnx/manifest.js';
import type { ModelRunner } from '../onnx/session.js';

export class EngineCore {
  readonly tracker: Tracker;
  readonly #inputSize: PictureSize;
  readonly #logitsSize: PictureSize;
  runner: ModelRunner;

  constructor(
    tracker: Tracker,
    runner: ModelRunner,
    sizes: { readonly inputSize: PictureSize; readonly logitsSize: PictureSize },
  ) {
    this.tracker = tracker;
    this.runner = runner;
    this.#inputSize = sizes.inputSize;
    this.#logitsSize = sizes.logitsSize;
  }

  /** Throws SONO_FRAME_SIZE, SONO_INFERENCE_FAILED (then nothing has changed: the frame may be tried again). */
  async track(frame: AnalysisFrame): Promise<FrameResult> {
    const startedNs = monotonicNs();
    this.#checkFrame(frame);
    const plan = this.tracker.planTrack();
    const modelStartedNs = monotonicNs();
    const outputs = plan === null ? null : await this.#inModel((runner) => runner.track(frame.data, plan));
    const modelEndedNs = monotonicNs();
    const objects = this.tracker.commitTrack(frame, outputs);
    return this.#result(frame, objects, startedNs, modelEndedNs - modelStartedNs);
  }

  /** Throws the tracker's SONO_PROMPT_…, SONO_OBJECT_… errors, SONO_FRAME_MISSING, and those of `track`. */
  async command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    switch (command.kind) {
      case 'prompt': {
        const startedNs = monotonicNs();
        if (frame === null) throw inferenceError('SONO_FRAME_MISSING');
        this.#checkFrame(frame);
        const plan = this.tracker.planPrompt(command, frame);
        const modelStartedNs = monotonicNs();
        const outputs = await this.#inModel((runner) =>
          runner.prompt(frame.data, plan.planes, plan.maskGiven),
        );
        const modelEndedNs = monotonicNs();
        const { objectId, objects } = this.tracker.commitPrompt(plan, outputs);
        return {
          objectId,
          result: this.#result(frame, objects, startedNs, modelEndedNs - modelStartedNs),
        };
      }
      case 'rename':
        this.tracker.rename(command.objectId, command.label);
        return { objectId: command.objectId, result: null };
      case 'remove':
        this.tracker.remove(command.objectId);
        return { objectId: command.objectId, result: null };
      case 'undo':
        return { objectId: this.tracker.undo(command.objectId), result: null };
      case 'policy':
        this.tracker.setPolicy(command.policy);
        return { objectId: null, result: null };
      case 'reset':
        this.tracker.reset();
        return { objectId: null, result: null };
    }
  }

  async #inModel<Output>(call: (runner: ModelRunner) => Promise<Output>): Promise<Output> {
    const { runner } = this;
    try {
      return await call(runner);
    } catch (cause) {
      throw inferenceError('SONO_INFERENCE_FAILED', { provider: runner.provider }, cause);
    }
  }

  #checkFrame({ size, data }: AnalysisFrame): void {
    const { width, height } = this.#inputSize;
    if (size.width === width && size.height === height && data.length === width * height * 3) return;
    throw inferenceError('SONO_FRAME_SIZE', {
      actual: `${size.width} × ${size.height} (${data.length} bytes)`,
      expected: `${width} × ${height} (${width * height * 3} bytes)`,
    });
  }

  #result(
    frame: AnalysisFrame,
    objects: readonly TrackedObject[],
    startedNs: number,
    inferenceNs: number,
  ): FrameResult {
    return {
      frame: identity(frame),
      maskSize: this.#inputSize,
      logitsSize: this.#logitsSize,
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

export function engineInfo(
  folder: ModelFolder,
  runner: ModelRunner,
  rejected: ChosenProvider['rejected'],
  tracker: Tracker,
): EngineInfo {
  return {
    modelName: runner.standIn ?? folder.manifest.name,
    modelVersion: folder.manifest.version,
    modelSha256: folder.sha256,
    provider: runner.provider,
    rejected,
    inputSize: folder.tracker.inputSize,
    policy: tracker.policy,
  };
}
