/** Messages between the worker engine (main thread) and its worker. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { PlainError } from '../vocabulary/plain-error.js';
import type { CoreState } from './stream-core.js';
import type { EngineInfo, EngineOptions, TrackerCommand } from './engine.js';
import type { ProviderName } from '../onnx/provider.js';

/** What a worker is started with. */
export interface WorkerStart {
  readonly options: EngineOptions;
  /** Providers that have failed before, with the reason. */
  readonly failed: Readonly<Partial<Record<ProviderName, string>>>;
  /** State to go on from, null at the first start. */
  readonly state: CoreState | null;
}

export type WorkerTask =
  | { readonly kind: 'track'; readonly frame: AnalysisFrame }
  | { readonly kind: 'command'; readonly command: TrackerCommand; readonly frame: AnalysisFrame | null }
  | { readonly kind: 'sourceSize'; readonly size: PictureSize }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'restore'; readonly snapshot: unknown };

export type ToWorker = (WorkerTask & { readonly id: number }) | { readonly kind: 'close' };

export type FromWorker =
  /** The model is loaded. */
  | { readonly kind: 'ready'; readonly info: EngineInfo }
  /** It cannot be; the worker ends. */
  | { readonly kind: 'refused'; readonly error: PlainError }
  /** `pixels`: the tracked frame's memory, given back for another frame. */
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly value: unknown;
      readonly info: EngineInfo;
      readonly pixels: ArrayBuffer | null;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError }
  /** The provider broke: this worker is of no more use. */
  | { readonly kind: 'broken'; readonly provider: ProviderName; readonly reason: string }
  /** What a new worker would go on from. */
  | { readonly kind: 'state'; readonly state: CoreState };
