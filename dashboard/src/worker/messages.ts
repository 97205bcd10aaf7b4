/** What the page and its painting worker say to each other: one union per direction. Types only. */
import type { HexColour } from '../../../src/vocabulary/hex-colour.js';
import type { Tone } from '../core/tone.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { ObjectState, Prompt } from '../../../src/vocabulary/prompt.js';
import type { HealthMessage, MeasurementMessage } from '../../../src/protocol/messages.js';
import type { OperationName } from '../../../src/protocol/operations.js';
import type { StreamInfo } from '../../../src/protocol/requests.js';
import type { PresentationCounts, Regime, SlowAnalysisChoice } from '../core/presentation.js';
import type { Quantiles } from '../core/rates.js';
import type { ViewChoice } from '../core/viewport.js';

/** The two parts of an acceptance test: pictures with their outlines, pictures alone. */
export type MeasuredKind = 'overlay' | 'picture';

/** How a surface is drawn; chosen by the person. */
export interface Look {
  readonly overlayOn: boolean;
  /** 0: outline only … 1: opaque. */
  readonly fillOpacity: number;
  readonly labels: boolean;
  /** Outline width in CSS pixels. */
  readonly lineWidth: number;
  /** Milliseconds; past it an overlay is not painted. */
  readonly limitMs: number;
  readonly slow: SlowAnalysisChoice;
  readonly selectedObject: number | null;
  /** Of the picture alone, never of outlines. */
  readonly tone: Tone;
  /** Objects that are not drawn on this screen. */
  readonly hidden: readonly number[];
}

export type ToWorker =
  | { readonly type: 'connect'; readonly url: string }
  | {
      readonly type: 'attach';
      readonly surface: number;
      readonly stream: string;
      readonly canvas: OffscreenCanvas;
      readonly size: PictureSize;
      /** Device pixels per unit of drawing (line widths, text): grows with the page's text on large screens. */
      readonly unit: number;
      readonly look: Look;
      /** Clean feed: never anything but the picture, black once it is older than this many ms. */
      readonly blackAfterMs: number | null;
    }
  | { readonly type: 'resize'; readonly surface: number; readonly size: PictureSize; readonly unit: number }
  | { readonly type: 'view'; readonly surface: number; readonly view: ViewChoice }
  | { readonly type: 'look'; readonly surface: number; readonly look: Look }
  | { readonly type: 'detach'; readonly surface: number }
  /** A gesture begins: remember the picture that was on screen at that moment (performance.timeOrigin + event time). */
  | {
      readonly type: 'gesture';
      readonly surface: number;
      readonly gesture: number;
      readonly atEpochMs: number;
      /** When it has lasted this long, the picture stays on screen until it is over. */
      readonly stillAfterMs: number;
    }
  /** It was given up. A gesture that becomes a prompt ends with it. */
  | { readonly type: 'gesture-end'; readonly surface: number; readonly gesture: number }
  | {
      readonly type: 'prompt';
      readonly surface: number;
      readonly gesture: number;
      readonly call: number;
      readonly objectId: number | null;
      readonly label: string | null;
      readonly prompts: readonly Prompt[];
    }
  /** Which outlined object lies under a source pixel? Answered with `picked`. */
  /** The picture that is on screen stays there, with its outlines, until it is let go. */
  | { readonly type: 'hold'; readonly surface: number; readonly on: boolean }
  | { readonly type: 'pick'; readonly surface: number; readonly x: number; readonly y: number }
  | { readonly type: 'watch-topic'; readonly topic: string }
  | { readonly type: 'unwatch-topic'; readonly topic: string }
  | { readonly type: 'call'; readonly call: number; readonly name: OperationName; readonly request: unknown }
  /** Acceptance test: collect this many samples of a surface. */
  | {
      readonly type: 'measure';
      readonly surface: number;
      readonly kind: MeasuredKind;
      readonly frames: number;
    }
  | { readonly type: 'measure-stop'; readonly surface: number };

export type LinkState =
  | { readonly phase: 'connecting'; readonly attempt: number }
  | { readonly phase: 'open'; readonly serverName: string }
  | { readonly phase: 'waiting'; readonly attempt: number; readonly retryMs: number; readonly reason: string }
  | { readonly phase: 'closed' };

export interface ListedObject {
  readonly id: number;
  readonly label: string;
  readonly state: ObjectState;
  readonly confidence: number;
  readonly areaPx: number;
  readonly areaMm2: number | null;
  /** Around its outline, source pixels; null: it has none. */
  readonly box: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  } | null;
  readonly colour: HexColour;
}

/** One painted picture. */
export interface PaintedMessage {
  readonly type: 'painted';
  readonly surface: number;
  /** performance.timeOrigin + now of the worker. */
  readonly atEpochMs: number;
  /** null while the clocks are not joined. */
  readonly captureToPaintMs: number | null;
  readonly overlay: boolean;
  readonly fresh: boolean;
}

export interface SurfaceStats {
  readonly inFps: number;
  readonly shownFps: number;
  readonly analysedFps: number;
  readonly regime: Regime;
  readonly holdMs: number;
  readonly counts: PresentationCounts;
  /** Pictures dropped before decoding because two were being decoded. */
  readonly decodeDrops: number;
  readonly decodeFailures: number;
  /** Last two seconds, ms. */
  readonly paintedMs: Quantiles | null;
  readonly overlayMs: Quantiles | null;
  /** Age at which the analysis of the last pictures came, in time or not. */
  readonly maskAgeMs: Quantiles | null;
  /** Capture to decoded, before any waiting. */
  readonly readyMs: Quantiles | null;
  readonly decodeMs: number | null;
  readonly drawMs: number | null;
  /** Display refreshes that reached the worker. */
  readonly refreshPerSecond: number;
  readonly canvasPixels: number;
  readonly clock: { readonly uncertaintyMs: number; readonly roundTripMs: number } | null;
}

export interface Measured {
  readonly samplesMs: readonly number[];
  readonly neverPainted: number;
  /** Relative to the first sample. */
  readonly atMs: readonly number[];
  readonly durationMs: number;
  readonly decodeDrops: number;
  readonly lateOverlays: number;
}

export type FromWorker =
  | { readonly type: 'link'; readonly state: LinkState }
  | { readonly type: 'streams'; readonly streams: readonly string[] }
  | { readonly type: 'infos'; readonly infos: readonly StreamInfo[] }
  | { readonly type: 'health'; readonly stream: string; readonly health: HealthMessage }
  /** What has come since the last refresh of the screen, in its order. */
  | {
      readonly type: 'measurements';
      readonly stream: string;
      readonly measurements: readonly MeasurementMessage[];
    }
  /** The source of a stream begins anew with the picture of this moment. */
  | { readonly type: 'began-anew'; readonly stream: string; readonly ptsNs: number }
  | { readonly type: 'topic'; readonly topic: string; readonly value: unknown }
  | { readonly type: 'objects'; readonly surface: number; readonly objects: readonly ListedObject[] }
  | { readonly type: 'picture-size'; readonly surface: number; readonly size: PictureSize }
  | PaintedMessage
  | { readonly type: 'held'; readonly surface: number; readonly on: boolean }
  | { readonly type: 'stats'; readonly surface: number; readonly stats: SurfaceStats }
  | { readonly type: 'answer'; readonly call: number; readonly body: unknown }
  | {
      readonly type: 'refusal';
      readonly call: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: 'first-mask';
      readonly surface: number;
      readonly objectId: number;
      readonly label: string;
      readonly state: ObjectState;
      readonly confidence: number;
      readonly waitedMs: number;
      /** The prompted picture with its outline, cut around the object; null where that picture is not held any more. */
      readonly picture: ImageBitmap | null;
    }
  /** The picture of a gesture stays on screen while somebody draws on it. */
  | { readonly type: 'still'; readonly surface: number; readonly on: boolean }
  | { readonly type: 'picked'; readonly surface: number; readonly objectId: number | null }
  | {
      readonly type: 'measure-progress';
      readonly surface: number;
      readonly kind: MeasuredKind;
      readonly done: number;
    }
  | {
      readonly type: 'measured';
      readonly surface: number;
      readonly kind: MeasuredKind;
      readonly result: Measured;
    }
  | { readonly type: 'remark'; readonly level: number; readonly message: string; readonly code: string };

export type Post = (message: FromWorker, transfer?: Transferable[]) => void;
