/** The core of a stream whose model finds its structures by itself: segmenter and runner together. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import { monotonicNs } from '../node/clock.js';
import type { SonoError } from '../vocabulary/errors.js';
import { glanceOf } from '../vocabulary/glance.js';
import { checkFinite } from '../semantic/class-picture.js';
import { Segmenter, type SegmenterSnapshot } from '../semantic/segmenter.js';
import type { ProviderWish } from '../onnx/choose-provider.js';
import { inferenceError } from '../onnx/errors.js';
import type { ModelFolder } from '../onnx/manifest.js';
import type { GraphRunner } from '../onnx/session.js';
import type { CoreState, StreamCore } from './stream-core.js';
import type { CommandResult, EngineInfo, EngineOptions, FrameResult, TrackerCommand } from './engine.js';
import { OpenModel, type OpenRunner } from './open-model.js';
import { decodeSegmenterSnapshot, encodeSnapshot } from './snapshot.js';

/** What cannot be done with such a model, in words for the middle of a sentence. */
const refusals = {
  prompt: 'marking',
  rename: 'renaming',
  remove: 'removing',
  undo: 'undoing',
  policy: 'a memory policy',
} as const;

export class SemanticCore implements StreamCore {
  private constructor(
    private readonly folder: ModelFolder<'semantic'>,
    private readonly segmenter: Segmenter,
    private readonly model: OpenModel<GraphRunner>,
  ) {}

  static async open(
    folder: ModelFolder<'semantic'>,
    options: EngineOptions,
    choose: OpenRunner<GraphRunner>,
    failed: ProviderWish['failed'],
  ): Promise<SemanticCore> {
    // Recordings hold the policy that was in use, which is none.
    if (options.policy !== null && options.policy !== '')
      throw inferenceError('SONO_MODEL_FINDS', { what: refusals.policy });
    const segmenter = new Segmenter(folder.semantic, options);
    const model = await OpenModel.open(folder, folder.semantic.pictureSize, choose, failed);
    return new SemanticCore(folder, segmenter, model);
  }

  get info(): EngineInfo {
    return { ...this.model.info, policy: '' };
  }

  setSourceSize(size: PictureSize): void {
    this.segmenter.setSourceSize(size);
  }

  async track(frame: AnalysisFrame): Promise<FrameResult> {
    const startedNs = monotonicNs();
    this.model.checkFrame(frame);
    let seen = await this.#look(frame);
    let { inferenceNs } = seen;
    while (this.segmenter.looksAgain) {
      try {
        seen = await this.#look(frame);
      } catch (error) {
        // The frame may be tried again, and then from the beginning.
        this.segmenter.reset();
        throw error;
      }
      inferenceNs += seen.inferenceNs;
    }
    // The logits of the objects are at the size of their masks.
    const result = this.model.result(frame, seen.objects, this.model.inputSize, { startedNs, inferenceNs });
    const glance = glanceOf(frame.data, frame.size.width, frame.size.height);
    return { ...result, glance, several: this.segmenter.several };
  }

  async #look(frame: AnalysisFrame) {
    const picture = this.segmenter.picture(frame);
    const { output, inferenceNs } = await this.model.run(async (runner) => {
      const outputs = await runner.run('segment', { frame: picture }, 1);
      checkFinite(outputs);
      return outputs;
    });
    return { objects: this.segmenter.commit(frame, output), inferenceNs };
  }

  /** Throws SONO_MODEL_FINDS for everything but `reset`. */
  command(command: TrackerCommand): Promise<CommandResult> {
    switch (command.kind) {
      case 'prompt':
      case 'rename':
      case 'remove':
      case 'undo':
      case 'policy':
        return Promise.reject(inferenceError('SONO_MODEL_FINDS', { what: refusals[command.kind] }));
      // There are no marks that it could be kept for.
      case 'keep':
        return Promise.resolve({ objectId: null, result: null });
      case 'reset':
        this.segmenter.reset();
        return Promise.resolve({ objectId: null, result: null });
    }
  }

  snapshot(): unknown {
    return encodeSnapshot(this.segmenter.snapshot(), this.folder.sha256);
  }

  restore(snapshot: unknown): void {
    this.segmenter.restore(decodeSegmenterSnapshot(snapshot, this.folder.semantic, this.folder.sha256));
  }

  state(whole: boolean): CoreState {
    return this.segmenter.snapshot(whole);
  }

  takeOver(state: CoreState): void {
    // Both cores have the same folder, so the state is a segmenter's.
    this.segmenter.restore(state as SegmenterSnapshot);
  }

  reopen(failure: SonoError): Promise<void> {
    return this.model.reopen(failure);
  }

  close(): Promise<void> {
    return this.model.close();
  }
}
