/**
 * The analysis engine of one stream: a model, and what makes objects of its answers. Live rooms, replay and evaluation use the one in a worker thread
 * (worker-engine.ts), `verify` and tests the one in their own thread (local-engine.ts). Both run the very same core.
 */
import type { AnalysisFrame, FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import type { Glance } from '../vocabulary/glance.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { ObjectId, Prompt, PromptAuthor } from '../vocabulary/prompt.js';
import type { Undoable } from '../vocabulary/undoable.js';
import type { TrackedObject } from '../tracking/tracker.js';
import type { ModelKind } from '../onnx/manifest.js';
import type { ProviderName } from '../onnx/provider.js';

/** One analysed frame; also sent when no object exists (objects empty). */
export interface FrameResult {
  readonly frame: FrameIdentity;
  readonly maskSize: PictureSize;
  readonly logitsSize: PictureSize;
  readonly objects: readonly TrackedObject[];
  /** Of a model that finds its structures by itself: what the picture looked like, to know it again. */
  readonly glance?: Glance | undefined;
  /** What such a model looks closer at is there more than once: a dual screen. */
  readonly several?: boolean | undefined;
  readonly timing: {
    /** Monotonic moment at which the frame was taken from the queue. */
    readonly startedNs: number;
    /** Duration inside the model (all its calls for this frame). */
    readonly inferenceNs: number;
    /** Duration of everything else the engine did for this frame: bank, states, masks. */
    readonly trackingNs: number;
  };
}

/** What people and prompters ask for; coordinates in source pixels. */
export type TrackerCommand =
  | {
      readonly kind: 'prompt';
      /** null creates a new object, else refines the existing one. */
      readonly objectId: ObjectId | null;
      readonly label: string | null;
      readonly prompts: readonly Prompt[];
      /** An existing object starts anew from these marks: what it remembers is forgotten, id and label stay. */
      readonly fresh?: boolean | undefined;
      /** Kept in the journal of a recording. Left out: a person. */
      readonly author?: PromptAuthor | undefined;
    }
  | { readonly kind: 'rename'; readonly objectId: ObjectId; readonly label: string }
  /** `restorable`: for half a minute it can be taken back with everything that the object remembers, else with its marks. */
  | { readonly kind: 'remove'; readonly objectId: ObjectId; readonly restorable?: boolean | undefined }
  | { readonly kind: 'undo'; readonly objectId: ObjectId | null }
  | { readonly kind: 'policy'; readonly policy: string }
  /** Somebody is drawing on this frame: its masks are kept for half a minute, for the mark that will come. */
  | { readonly kind: 'keep'; readonly ptsNs: number }
  | { readonly kind: 'reset' };

export interface CommandResult {
  /** The object the command was about (the new one for a creating prompt), null for policy and reset. */
  readonly objectId: ObjectId | null;
  /** Result on the prompted frame (prompt commands only), so that the first mask is shown at once. */
  readonly result: FrameResult | null;
  /** What can be taken back now, the last step of each object, the newest last; absent: nothing has changed about it. */
  readonly undoable?: readonly Undoable[] | undefined;
}

export interface EngineOptions {
  readonly modelDir: string;
  readonly provider: ProviderName | 'auto';
  readonly policy: string | null;
  readonly threads: number;
  /** Size of the source picture: coordinate system of prompts. */
  readonly sourceSize: PictureSize;
  readonly keepLogits: boolean;
}

export interface EngineInfo {
  /** `tracker`: follows what is marked; `semantic`: finds its structures by itself, and takes no command but `reset`. */
  readonly kind: ModelKind;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly modelSha256: string;
  /** Of the model's folder; recordings of before do not say. */
  readonly licence?: string | undefined;
  readonly provider: ProviderName;
  /** Why better providers were not taken, in words, by provider. */
  readonly rejected: Readonly<Record<string, string>>;
  readonly inputSize: PictureSize;
  /** Memory policy; empty where the model has no memory. */
  readonly policy: string;
}

/** One call at a time: the next one begins when the one before has ended. EngineGate orders the calls of a live room. */
export interface Engine {
  readonly info: EngineInfo;
  /**
   * Size of the source picture, the coordinate system of the prompts that follow. An engine is made (model loaded,
   * provider chosen) before its source delivers the first frame, and outlives a source that is replaced by another.
   */
  setSourceSize(size: PictureSize): Promise<void>;
  /** Analyse the next frame. `frame.data` still belongs to the caller: copy it before a transfer. */
  track(frame: AnalysisFrame): Promise<FrameResult>;
  /** Apply a command; prompts refer to `frame`, which may be older than the last tracked one. */
  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult>;
  /** JSON snapshot of objects, prompts, memory (base64 tensors) and counters; `restore` continues identically. */
  snapshot(): Promise<unknown>;
  restore(snapshot: unknown): Promise<void>;
  close(): Promise<void>;
}

export interface EngineHooks {
  /** The model or its thread stopped; the engine is being brought up again. The failed call has been rejected. */
  readonly onFailure?: (error: SonoError) => void;
  /** Gives up an engine that is still loading: its promise rejects with SONO_ENGINE_CLOSED. */
  readonly signal?: AbortSignal;
  /** It works again, perhaps on another provider (`info.provider`, and why in `info.rejected`). */
  readonly onRecovered?: (info: EngineInfo) => void;
}

export type CreateEngine = (options: EngineOptions, hooks: EngineHooks) => Promise<Engine>;
