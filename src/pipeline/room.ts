/** A room: one live stream with its source, engine and objects. Built by open-room.ts, served by src/server. */
import type { Observable } from 'rxjs';
import type { EchoView } from '../vocabulary/echo.js';
import type { DisplayFrame, DropStage, FrameIdentity, SourceFormat } from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { Undoable } from '../vocabulary/undoable.js';
import type { CommandResult, EngineInfo, FrameResult, TrackerCommand } from '../engine/engine.js';
import type { HeldMeasurement } from '../protocol/hold-requests.js';
import type { SourceState } from '../ingest/frame-source.js';
import type { GestureCounts, HeldGestures } from './held-gestures.js';
import type { EchoReport, RoomEcho } from './room-echo.js';

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export const latencyStages = [
  'decode',
  'queue',
  'inference',
  'tracking',
  'encode',
  'overhead',
  'total',
] as const;
export type LatencyStage = (typeof latencyStages)[number];

export interface RoomHealth {
  readonly source: SourceState;
  /** Unix milliseconds since when `source.phase` holds. */
  readonly sinceUnixMs: number;
  readonly capturedFps: number;
  readonly displayedFps: number;
  readonly analysedFps: number;
  /** Over the last ten seconds, milliseconds; null before the first analysed frame. */
  readonly latencyMs: Readonly<Record<LatencyStage, Quantiles>> | null;
  /** Totals since the room opened. */
  readonly frames: { readonly captured: number; readonly displayed: number; readonly analysed: number };
  readonly drops: Readonly<Record<DropStage, number>>;
  readonly engine: EngineInfo | null;
  /** A sentence when the room runs below its source's rate or on a fallback provider, else null. */
  readonly degraded: string | null;
  readonly overlayVisible: boolean;
  readonly overlayLimitMs: number;
  readonly recording: boolean;
  /** The apical view that was marked and the stream with the other one; absent or null: none. */
  readonly echoView?: EchoView | null;
  readonly echoPartner?: string | null;
  /** How many sources the room has shown; absent: it has one for good. */
  readonly sources?: number;
  /** What people can take back: the last step of each object, the newest last; absent: nothing. */
  readonly undoable?: readonly Undoable[];
  readonly gestures?: GestureCounts;
}

export type RoomEvent =
  | { readonly kind: 'display'; readonly frame: DisplayFrame }
  | { readonly kind: 'result'; readonly result: FrameResult }
  /** Behind each result of a frame on which something is measured, or is not measured any more. */
  | {
      readonly kind: 'measurement';
      readonly frame: FrameIdentity;
      readonly measurements: readonly Measurement[];
      /** No frame of its own: numbers end here, because pictures do. */
      readonly withdraws?: true;
    }
  | { readonly kind: 'health'; readonly health: RoomHealth }
  | { readonly kind: 'held'; readonly held: HeldMeasurement };

export interface Room {
  readonly id: string;
  readonly label: string;
  /** Unix nanoseconds of the stream's clock at ptsNs 0: wire timestamp = epochUnixNs + ptsNs. */
  readonly epochUnixNs: bigint;
  /** Hot; completes when the room closes. Subscribers must not buffer. */
  readonly events$: Observable<RoomEvent>;
  readonly format: SourceFormat | null;
  readonly health: RoomHealth;
  readonly sourceUri: string;
  /**
   * Apply a command. `ptsNs` names the frame that the person saw (prompt commands; null: the newest).
   * Throws SONO_PROMPT_FRAME_GONE when that frame is no longer held (2 s, or as long as a gesture on it lasts), SONO_PROMPT_OUTSIDE,
   * SONO_OBJECT_UNKNOWN, SONO_ANALYSIS_OFF.
   */
  command(command: TrackerCommand, ptsNs: number | null): Promise<CommandResult>;
  /** Pictures that are held while somebody draws on them; absent or null: nothing is pointed at here. */
  readonly gestures?: HeldGestures | null;
  setOverlayVisible(visible: boolean): void;
  /**
   * Replace the source; the room, its id and its clients stay. Rejects with the source's coded error and keeps the old one.
   * `asker`: aborted when whoever asked has left; the new source is then given up.
   */
  openSource(uri: string, asker?: AbortSignal): Promise<void>;
  /** What the room knows of the heart that it shows; absent: it keeps nothing of it. */
  readonly echo?: RoomEcho;
  /** Counts messages that a slow receiver of an output (a viewer, a broker) never got. */
  countClientDrop(count: number): void;
  close(): Promise<void>;
}

/** A room whose source is read now, as the program that opened it sees it. */
export interface LiveRoom extends Room {
  report(): RoomReport;
  /** It is called so from now on, for everybody, whatever it shows. */
  rename(label: string): void;
  /** Numbers of the processes that read its source now. */
  readonly processes: readonly number[];
  /** Set by a recorder; a recorder that fails says so with `problem`, which the room shows until it is set again. */
  setRecording(recording: boolean, problem?: string): void;
}

/** What a room did since it opened, for the report of a run. */
export interface RoomReport {
  readonly id: string;
  readonly label: string;
  readonly source: string;
  readonly format: SourceFormat | null;
  readonly state: SourceState['phase'];
  readonly frames: RoomHealth['frames'] & { readonly dropped: RoomHealth['drops'] };
  /** Over the whole run; null for a stage that never ran. `display`: from capture to the socket of the raw picture. */
  readonly latencyMs: Readonly<Record<LatencyStage | 'display', Quantiles | null>>;
  readonly engine: EngineInfo | null;
  /** null: nothing was measured on a heart. */
  readonly echo: EchoReport | null;
  /** What a person should know about this run, oldest first: prompts moved to another frame, provider changes, losses. */
  readonly notes: readonly string[];
}
