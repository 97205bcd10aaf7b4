/** What turns the frames of one stream into results: the same for every kind of model. Types only. */
import type { SonoError } from '../vocabulary/errors.js';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { SegmenterSnapshot } from '../semantic/segmenter.js';
import type { TrackerSnapshot } from '../tracking/tracker.js';
import type { CommandResult, EngineInfo, FrameResult, TrackerCommand } from './engine.js';

/** A core's state as it goes from one thread to the next: never stored. */
export type CoreState = TrackerSnapshot | SegmenterSnapshot;

export interface StreamCore {
  readonly info: EngineInfo;
  setSourceSize(size: PictureSize): void;
  /** Throws SONO_FRAME_SIZE, SONO_INFERENCE_FAILED (then nothing has changed: the frame may be tried again). */
  track(frame: AnalysisFrame): Promise<FrameResult>;
  /** Throws what is wrong with the command, and the errors of `track`. */
  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult>;
  /** JSON value. */
  snapshot(): unknown;
  /** Throws SONO_SNAPSHOT_INVALID. */
  restore(snapshot: unknown): void;
  /** What another core of the same model goes on from. `whole`: identically; else as little as brings the objects back. */
  state(whole: boolean): CoreState;
  takeOver(state: CoreState): void;
  /** Opens the model anew after SONO_INFERENCE_FAILED, on the next provider. Throws SONO_PROVIDER_NONE. */
  reopen(failure: SonoError): Promise<void>;
  close(): Promise<void>;
}
