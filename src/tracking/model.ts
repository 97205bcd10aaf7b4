/** What the tracker knows of a network: sizes, prompt drawing, memory, calibration. Filled from model.json by src/onnx. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { PolicyName } from './policies/index.js';
import type { Settings } from './policies/policy.js';

/** Order of the four planes of a drawn prompt. */
export const promptChannels = ['positive', 'negative', 'box', 'mask'] as const;
export type PromptChannel = (typeof promptChannels)[number];

interface Calibration {
  /** Isotonic fit of the measured IoU on the predicted one: knots, x ascending, linear in between, flat outside. */
  readonly confidence: { readonly x: readonly number[]; readonly y: readonly number[] };
  /** Probability that the object is in the picture = sigmoid((logit + bias) / temperature). */
  readonly presence: { readonly temperature: number; readonly bias: number };
}

export interface TrackerModel {
  /** Size of the analysed picture, of drawn prompts and of the masks in results. */
  readonly inputSize: PictureSize;
  /** Size of the network's logits. */
  readonly logitsSize: PictureSize;
  /** Masks that the network offers per object and frame (K); a memory policy chooses one. */
  readonly candidates: number;
  /** Memory entries that one call reads per object; slot 0 is always a prompt entry. */
  readonly slots: number;
  /** Floats of one entry: key (Ck·T, the same for all objects of a frame), value (Cv·T), embedding. */
  readonly keyLength: number;
  readonly valueLength: number;
  readonly embeddingLength: number;
  /** Plane index of each prompt channel. */
  readonly planes: Readonly<Record<PromptChannel, number>>;
  /** Radius of a click's disk and width of a stroke, in pixels of `inputSize`. */
  readonly clickRadius: number;
  readonly scribbleWidth: number;
  readonly maxObjects: number;
  /** The policy that suits this model best, and this model's settings of each policy. */
  readonly policy: { readonly name: PolicyName; readonly settings: Readonly<Record<PolicyName, Settings>> };
  readonly calibration: Calibration;
}

/**
 * Outputs of either graph for N objects with K candidate masks each, row-major float32:
 *
 * | logits | iou | presence | key | value | embedding |
 * | --- | --- | --- | --- | --- | --- |
 * | [N, K, h, w] | [N, K] predicted IoU, 0..1 | [N] logit | [Ck, T] | [N, K, Cv, T] | [E] |
 */
export type ModelOutputs = Readonly<
  Record<'logits' | 'iou' | 'presence' | 'key' | 'value' | 'embedding', Float32Array>
>;

/** Calibrated confidence of a predicted IoU, 0..1. */
export function calibratedConfidence(calibration: Calibration, iou: number): number {
  const { x, y } = calibration.confidence;
  const last = x.length - 1;
  if (!(iou > (x[0] as number))) return y[0] as number;
  if (iou >= (x[last] as number)) return y[last] as number;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) <= iou) low = middle;
    else high = middle;
  }
  const share = (iou - (x[low] as number)) / ((x[high] as number) - (x[low] as number));
  return (y[low] as number) + share * ((y[high] as number) - (y[low] as number));
}

/** Calibrated probability that the object is in the picture. */
export function presenceProbability(calibration: Calibration, logit: number): number {
  const { temperature, bias } = calibration.presence;
  return 1 / (1 + Math.exp(-(logit + bias) / temperature));
}
