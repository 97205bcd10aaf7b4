/** What the program knows of a network that says what each pixel is. Filled from model.json by src/onnx. */
import type { PictureSize } from '../vocabulary/frame.js';

/** probability = activation((logit + bias) / temperature). */
export interface Temperature {
  readonly temperature: number;
  readonly bias: number;
}

/** A number about the whole picture: a `probability` comes as a calibrated logit, a `value` as it is. */
type Scalar =
  | { readonly name: string; readonly as: 'probability'; readonly calibration: Temperature }
  | { readonly name: string; readonly as: 'value' };

/** How what was found becomes a state that people see. */
interface Verdict {
  /** Scalar that says how likely it is that the picture shows what the network knows; null: always. */
  readonly view: string | null;
  /** Scalar that says how good the outlines of this picture are, 0..1; null: nobody says. */
  readonly quality: string | null;
  readonly least: {
    /** Below this `view` nothing is shown: every structure is searched for. */
    readonly view: number;
    /** Below this `quality` what is shown is marked as uncertain. */
    readonly quality: number;
    /** Below this mean probability of its pixels a structure is marked as uncertain. */
    readonly probability: number;
  };
}

/** How the logits of a picture are blended with those before it; see temporal-filter.ts. */
export interface TemporalSettings {
  /** Where nothing changes, what was said before counts half after this time. */
  readonly halfLifeMs: number;
  /** A pixel in which the lead of one class over another has changed by this much (logits) is taken as it is. */
  readonly change: number;
  /** A cell in which it has changed by this much on average, all in one direction, is taken as it is. */
  readonly drift: number;
  /** Edge of a cell, pixels of the logits. */
  readonly cell: number;
  /** After a longer pause between pictures it begins anew. */
  readonly gapMs: number;
  /** It begins anew where the brightness of the pictures differs by more than this on average, 0..1. */
  readonly scene: number;
}

/** How a network that has found something looks closer at it on the next picture; see look.ts. */
interface CloserLook {
  /** Length of what it looks at, as a multiple of what it has found. */
  readonly margin: number;
  /** It moves where its centre is off by more than this share of its length … */
  readonly shift: number;
  /** … or its length by more than this factor. */
  readonly zoom: number;
  /** Names of the classes that must all be found; it looks at them. */
  readonly classes: readonly string[];
}

/** A class that is no background: an object of the stream. */
export interface Structure {
  /** From 1, in the order of the classes. */
  readonly id: number;
  readonly label: string;
  readonly classIndex: number;
}

export interface SemanticModel {
  /** What the network is fed. */
  readonly inputSize: PictureSize;
  /** The analysis picture of the stream, and the masks. */
  readonly pictureSize: PictureSize;
  readonly logitsSize: PictureSize;
  /** `letterbox`: the network wants the picture at its true shape, in the middle of black borders. */
  readonly fit: 'stretch' | 'letterbox';
  /** In the order of the logits. */
  readonly classes: readonly { readonly name: string; readonly color: string }[];
  readonly structures: readonly Structure[];
  /** `softmax`: each pixel is of one class; `sigmoid`: of any number of them. */
  readonly activation: 'softmax' | 'sigmoid';
  /** Of the class logits, before the activation. */
  readonly calibration: Temperature;
  readonly scalars: readonly Scalar[];
  readonly verdict: Verdict;
  readonly temporal: TemporalSettings | null;
  /** null: it looks at the whole picture always. */
  readonly closer: CloserLook | null;
}

/** Outputs of the graph by name: `logits` [C, h, w], and one number for each scalar. */
export type SemanticOutputs = Readonly<Record<string, Float32Array>>;

/** Every class that is not called so is a structure. */
export const backgroundName = 'background';

export const structuresOf = (classes: SemanticModel['classes']): readonly Structure[] =>
  classes
    .map(({ name }, classIndex) => ({ label: name, classIndex }))
    .filter(({ label }) => label !== backgroundName)
    .map((structure, index) => ({ id: index + 1, ...structure }));
