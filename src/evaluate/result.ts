/** What `sonoscope evaluate --json` writes; run-result.ts makes it. Pure types. */
import type { ObjectState } from '../vocabulary/prompt.js';
import type { AbstentionPoint, ReliabilityBin } from './metrics/calibration.js';
import type { Interval } from './metrics/statistics.js';

/** Figures of an object, of a clip (mean over its objects) or of the whole (mean over all objects). */
export interface Figures {
  readonly J: number;
  readonly F: number;
  /** (J + F) / 2, DAVIS' J&F. */
  readonly JF: number;
  readonly jRecall: number;
  readonly jDecay: number;
  readonly fRecall: number;
  readonly fDecay: number;
  readonly dice: number;
  /** mm where calibrated, else px; mean over the frames where both sides show something, null if there are none. */
  readonly hd95: number | null;
  readonly assd: number | null;
  readonly nsd: number;
  /** J of what the network drew, frames included on which the object was hidden as lost. */
  readonly drawnJ: number;
  readonly flicker: number | null;
  readonly truthFlicker: number | null;
  readonly promptIoU: number;
  readonly timeToFirstMaskMs: number | null;
  readonly reacquisitionMs: number | null;
  /** Share of returns after an absence that were found again; null where nothing returned. */
  readonly reacquired: number | null;
  /** Share of counted frames on which a mask was shown. */
  readonly shown: number;
}

export interface ClassFigures {
  readonly challengeIoU: number | null;
  readonly isiIoU: number | null;
  readonly mcIoU: number | null;
}

export interface ObjectResult extends Figures {
  readonly label: number;
  readonly name: string;
  readonly promptFrame: number;
  /** Counted frames. */
  readonly frames: number;
  /** IoU on the prompted frame after each mark. */
  readonly promptIoUs: readonly number[];
  /** Columns of equal length, one entry per annotated frame; `counted` says which enter the figures. */
  readonly perFrame: {
    readonly frame: readonly number[];
    readonly counted: readonly boolean[];
    readonly J: readonly number[];
    readonly F: readonly number[];
    readonly confidence: readonly (number | null)[];
    readonly state: readonly ObjectState[];
  };
}

export interface ClipResult extends Figures, ClassFigures {
  readonly name: string;
  /** Counted frames (over all objects: the largest number). */
  readonly frames: number;
  readonly totalFrames: number;
  readonly width: number;
  readonly height: number;
  /** Unit of hd95 and assd. */
  readonly unit: 'mm' | 'px';
  readonly fps: number;
  /** How its masks were turned into labels, null where the numbers in them are simply the labels. */
  readonly masks: string | null;
  readonly objects: readonly ObjectResult[];
  /** J&F after each round of the interactive protocol. */
  readonly rounds?: readonly number[];
}

/** A clip, or an object of a clip, that is in no figure. */
export interface Unscored {
  readonly clip: string;
  /** Null: the whole clip. */
  readonly object: string | null;
  readonly code: string;
  /** The sentence of the code. */
  readonly reason: string;
}

export interface RunResult {
  readonly policy: string | null;
  readonly predictor: string;
  readonly mean: Figures & ClassFigures & { readonly ece: number | null; readonly pixelEce: number | null };
  /** 95 % bootstrap intervals of J, F, JF and dice; clips are drawn, or blocks of frames where there is one clip. */
  readonly intervals: Readonly<Record<'J' | 'F' | 'JF' | 'dice', Interval | null>>;
  readonly intervalUnit: 'clip' | 'frame';
  /** J by number of frames since the prompt. */
  readonly drift: readonly { readonly from: number; readonly to: number | null; readonly J: number | null }[];
  /** Confidence against J, over the frames on which a mask was shown. */
  readonly reliability: readonly ReliabilityBin[];
  /** J against the share of frames shown, surest first. */
  readonly abstention: readonly AbstentionPoint[];
  /** Frames per second of the whole evaluation, decoding and scoring included. */
  readonly fps: number;
  readonly timing: {
    readonly wallMs: number;
    readonly modelMs: number;
    readonly trackerMs: number;
    /** (wall − model − tracker) / model: how long the network stood still, as a share of its own time. */
    readonly overhead: number | null;
  };
  readonly clips: readonly ClipResult[];
  /** What was asked for and is in no figure, with the reason. */
  readonly unscored: readonly Unscored[];
}
