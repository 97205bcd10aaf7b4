/** The core of a stream whose objects are marked: tracker and runner together. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import { monotonicNs } from '../node/clock.js';
import type { SonoError } from '../vocabulary/errors.js';
import { Tracker, type TrackerSnapshot } from '../tracking/tracker.js';
import type { ProviderWish } from '../onnx/choose-provider.js';
import { inferenceError } from '../onnx/errors.js';
import type { ModelFolder } from '../onnx/manifest.js';
import type { ModelRunner } from '../onnx/session.js';
import type { CoreState, StreamCore } from './stream-core.js';
import type { CommandResult, EngineInfo, EngineOptions, FrameResult, TrackerCommand } from './engine.js';
import { OpenModel, type OpenRunner } from './open-model.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';

/** Newest entries of the network's own memory that go along, per object. More would cost megabytes each time, and the prompts alone bring an object back. */
const stateRecent = 2;

export class TrackerCore implements StreamCore {
  private constructor(
    private readonly folder: ModelFolder,
    private readonly tracker: Tracker,
    private readonly model: OpenModel<ModelRunner>,
  ) {}

  static async open(
    folder: ModelFolder,
    options: EngineOptions,
    choose: OpenRunner<ModelRunner>,
    failed: ProviderWish['failed'],
  ): Promise<TrackerCore> {
    const tracker = new Tracker(folder.tracker, options);
    const model = await OpenModel.open(folder, folder.tracker.inputSize, choose, failed);
    return new TrackerCore(folder, tracker, model);
  }

  get info(): EngineInfo {
    return { ...this.model.info, policy: this.tracker.policy };
  }

  setSourceSize(size: PictureSize): void {
    this.tracker.setSourceSize(size);
  }

  async track(frame: AnalysisFrame): Promise<FrameResult> {
    const startedNs = monotonicNs();
    this.model.checkFrame(frame);
    const plan = this.tracker.planTrack();
    const { output, inferenceNs } =
      plan === null
        ? { output: null, inferenceNs: 0 }
        : await this.model.run((runner) => runner.track(frame.data, plan));
    const objects = this.tracker.commitTrack(frame, output);
    return this.model.result(frame, objects, this.folder.tracker.logitsSize, { startedNs, inferenceNs });
  }

  /** Throws the tracker's SONO_PROMPT_…, SONO_OBJECT_… errors, SONO_FRAME_MISSING, and those of `track`. */
  async command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    const result = await this.#apply(command, frame);
    return { ...result, undoable: this.tracker.undoable };
  }

  async #apply(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    switch (command.kind) {
      case 'prompt': {
        const startedNs = monotonicNs();
        if (frame === null) throw inferenceError('SONO_FRAME_MISSING');
        this.model.checkFrame(frame);
        const plan = this.tracker.planPrompt(command, frame);
        const { output, inferenceNs } = await this.model.run((runner) =>
          runner.prompt(frame.data, plan.planes, plan.maskGiven),
        );
        const { objectId, objects } = this.tracker.commitPrompt(plan, output);
        const { logitsSize } = this.folder.tracker;
        return {
          objectId,
          result: this.model.result(frame, objects, logitsSize, { startedNs, inferenceNs }),
        };
      }
      case 'rename':
        this.tracker.rename(command.objectId, command.label);
        return { objectId: command.objectId, result: null };
      case 'remove':
        this.tracker.remove(command.objectId, command.restorable);
        return { objectId: command.objectId, result: null };
      case 'undo':
        return { objectId: this.tracker.undo(command.objectId), result: null };
      case 'policy':
        this.tracker.setPolicy(command.policy);
        return { objectId: null, result: null };
      case 'keep':
        this.tracker.keep(command.ptsNs);
        return { objectId: null, result: null };
      case 'reset':
        this.tracker.reset();
        return { objectId: null, result: null };
    }
  }

  snapshot(): unknown {
    return encodeSnapshot(this.tracker.snapshot(), this.folder.sha256);
  }

  restore(snapshot: unknown): void {
    this.tracker.restore(decodeSnapshot(snapshot, this.folder.tracker, this.folder.sha256));
  }

  state(whole: boolean): CoreState {
    return this.tracker.snapshot(whole ? {} : { recent: stateRecent, history: false });
  }

  takeOver(state: CoreState): void {
    // Both cores have the same folder, so the state is a tracker's.
    this.tracker.restore(state as TrackerSnapshot);
  }

  reopen(failure: SonoError): Promise<void> {
    return this.model.reopen(failure);
  }

  close(): Promise<void> {
    return this.model.close();
  }
}
