/** What `evaluate --task ef --json` writes; figures.ts makes it. Pure types. */
import type { Agreement, RiskPoint } from '../metrics/agreement.js';
import type { Interval } from '../metrics/statistics.js';
import type { ResultHead } from '../result-head.js';
import type { Unscored } from '../result.js';

export const ejectionSchema = 'sonoscope.evaluation.ef/1';

/** One kind of mark on one clip. */
export interface MarkFigures {
  /** Frames of the reference, and what was found, in order. */
  readonly reference: readonly number[];
  readonly found: readonly number[];
  /** Blind: found − reference of each match, in frames; how many stayed alone is the difference to the lists. */
  readonly errors: readonly number[];
  /** The extreme picture that the reference itself picks, minus the reference (EchoDFKD's aFD); one per reference that has one. */
  readonly guidedErrors: readonly number[];
}

export interface EjectionClip {
  readonly name: string;
  readonly frames: number;
  readonly fps: number;
  readonly course: 'beats' | 'systole' | 'stills';
  readonly referencePercent: number;
  /** Who says so. */
  readonly referenceOf: 'data set' | 'annotated outlines';
  /** Median of the accepted beats; without whole beats (`systole`, `stills`) that of the two marked pictures. */
  readonly measuredPercent: number | null;
  /** Why there is no figure; null where there is one. */
  readonly note: string | null;
  /** 90 % interval of the last reading. Only where beats are measured. */
  readonly interval: Interval | null;
  /** Of the predicted outlines on the first marked end-diastole and end-systole. */
  readonly atMarksPercent: number | null;
  /** mL, only where both sides have it. */
  readonly volumes: {
    readonly endDiastolic: { readonly measured: number; readonly reference: number } | null;
    readonly endSystolic: { readonly measured: number; readonly reference: number } | null;
  };
  /** Share of the frames on which the ventricle was outlined, and on which a number stood on the screen. */
  readonly shown: number;
  readonly readable: number;
  readonly endDiastole: MarkFigures;
  readonly endSystole: MarkFigures;
  /** From a moment to its decision, ms, one per decision. */
  readonly delaysMs: readonly number[];
  readonly beats: {
    /** Whole beats of the reference; null where the data set does not know all. */
    readonly reference: number | null;
    /** With both moments. */
    readonly found: number;
    readonly matched: number | null;
    /** Closed by the next end-diastole. */
    readonly accepted: number;
    /** By reason. */
    readonly rejected: Readonly<Record<string, number>>;
  };
  /** Mean over the annotated frames, by structure. */
  readonly dice: readonly DiceFigures[];
  /** Of the ventricle, one per frame, rounded to a hundredth. */
  readonly curve: { readonly unit: string; readonly volume: readonly (number | null)[] };
}

export interface DiceFigures {
  readonly label: string;
  /** On the marked end-diastoles and end-systoles, and on all annotated frames; null where there is none. */
  readonly endDiastole: number | null;
  readonly endSystole: number | null;
  readonly all: number | null;
}

export interface MomentSummary {
  /** Matched moments, of how many of the reference, and of how many that were found. */
  readonly matched: number;
  readonly reference: number;
  readonly found: number;
  readonly recall: number | null;
  /** Null where the data set does not know all moments: what was found beside them may be right. */
  readonly precision: number | null;
  /** Mean of the absolute distance, and with its sign (late: above 0). */
  readonly frames: number | null;
  readonly ms: number | null;
  readonly biasFrames: number | null;
  readonly biasMs: number | null;
  readonly guidedFrames: number | null;
  readonly guidedMs: number | null;
}

export interface EjectionSummary {
  /** Clips with a figure, of how many with a reference. */
  readonly measured: number;
  readonly clips: number;
  /** Points of the ejection fraction. */
  readonly ejectionFraction: Agreement | null;
  /** 95 % bootstrap interval of the mean absolute error, clips drawn. */
  readonly maeInterval: Interval | null;
  /** The mean of the references as the answer to everything: what the figures above must be better than. */
  readonly constantMae: number | null;
  /** From the two marked pictures instead of from beats. */
  readonly atMarks: Agreement | null;
  readonly endDiastolicVolume: Agreement | null;
  readonly endSystolicVolume: Agreement | null;
  /** The stated 90 % intervals. */
  readonly intervals: { readonly count: number; readonly covered: number; readonly width: number } | null;
  readonly risk: readonly RiskPoint[];
  readonly endDiastole: MomentSummary;
  readonly endSystole: MomentSummary;
  readonly delay: { readonly count: number; readonly meanMs: number; readonly p95Ms: number } | null;
  readonly beats: {
    /** Null where no data set knows all beats. */
    readonly recall: number | null;
    readonly precision: number | null;
    readonly closed: number;
    readonly rejected: number;
    readonly reasons: Readonly<Record<string, number>>;
  };
  readonly dice: readonly DiceFigures[];
  readonly shown: number;
  readonly readable: number;
  readonly fps: number;
  readonly timing: { readonly wallMs: number; readonly modelMs: number };
}

export interface EjectionRun {
  readonly predictor: string;
  readonly mean: EjectionSummary;
  readonly clips: readonly EjectionClip[];
  readonly unscored: readonly Unscored[];
}

export interface EjectionFile extends EjectionRun, ResultHead {
  readonly schema: typeof ejectionSchema;
}
