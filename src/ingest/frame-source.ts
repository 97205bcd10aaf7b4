/** The one interface behind which every source stands: file, RTSP, SRT, V4L2, DeckLink, DICOM, image folder, synthetic. */
import type { Observable } from 'rxjs';
import type {
  AnalysisFrame,
  DisplayFrame,
  DropStage,
  PictureSize,
  SourceFormat,
} from '../vocabulary/frame.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { StreamClock } from './stream-clock.js';

export type SourceState =
  /** `phase` starting: first frame not seen yet; playing; lost: no signal, being restarted; ended: a finite source is over. */
  | { readonly phase: 'starting' | 'playing' | 'ended' }
  | {
      readonly phase: 'lost';
      readonly reason: SonoError;
      readonly sinceNs: number;
      readonly attempt: number;
    };

export type SourceEvent =
  | { readonly kind: 'format'; readonly format: SourceFormat }
  | { readonly kind: 'display'; readonly frame: DisplayFrame }
  | { readonly kind: 'analysis'; readonly frame: AnalysisFrame }
  | { readonly kind: 'dropped'; readonly stage: DropStage; readonly count: number }
  | { readonly kind: 'state'; readonly state: SourceState };

export interface SourceOptions {
  readonly streamId: string;
  /** Size of the analysis picture (the model's input); null: no analysis branch. */
  readonly analysisSize: PictureSize | null;
  /** JPEG quality of the display branch, 1..100; null: no display branch (replay without preview). */
  readonly displayQuality: number | null;
  /**
   * live: paced by the source's clock, newest frame wins, drops are counted.
   * replay: every frame is delivered in order, as fast as the consumer takes them (see `pause`), nothing drops.
   */
  readonly mode: 'live' | 'replay';
  /** Repeat a finite source; each repetition is a discontinuity. Live mode only. */
  readonly loop: boolean;
  /** Of a stream in which sources follow each other; absent: this source is all of its stream. */
  readonly clock?: StreamClock;
}

export interface FrameSource {
  /** URI or path as the person wrote it. */
  readonly uri: string;
  /** Numbers of the processes that read it now; a source that reads in its own process has none. */
  readonly processes?: readonly number[];
  /**
   * Cold: subscribing starts the source (a supervised child process), unsubscribing ends it. A finite source
   * completes after `ended`. A source that can never work (missing file, not a video) errors with a
   * SonoError; a live source that fails later emits `lost` and is restarted with back-off, for ever.
   */
  open(options: SourceOptions): Observable<SourceEvent>;
  /** Replay mode back-pressure: hold (true) or resume (false) delivery. No effect in live mode. */
  pause(hold: boolean): void;
}
