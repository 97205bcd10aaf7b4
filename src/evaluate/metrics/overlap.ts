/**
 * Area overlap of prediction and truth. Pure.
 *
 * J: intersection over union, 1 where the union is empty (davis2017-evaluation, db_eval_iou).
 * Dice: 2·intersection / sum of areas, 1 where both are empty.
 */
import { type Bitmap, intersectionArea } from './bitmap.js';

/** Areas in pixels; everything that overlap metrics need of one frame. */
export interface Overlap {
  readonly intersection: number;
  readonly prediction: number;
  readonly truth: number;
}

/** Void pixels must have been taken out of both sides before (`withoutVoid`). */
export function overlap(prediction: Bitmap, truth: Bitmap): Overlap {
  return {
    intersection: intersectionArea(prediction, truth),
    prediction: prediction.area,
    truth: truth.area,
  };
}

export function jaccard({ intersection, prediction, truth }: Overlap): number {
  const union = prediction + truth - intersection;
  return union === 0 ? 1 : intersection / union;
}

export function dice({ intersection, prediction, truth }: Overlap): number {
  const sum = prediction + truth;
  return sum === 0 ? 1 : (2 * intersection) / sum;
}

/** IoU figures over several classes, as the EndoVis challenges and ISINet define them. */
interface ClassScores {
  /** Per frame the mean IoU over the classes present in the truth; frames without truth are not counted; mean over frames. */
  readonly challengeIoU: number | null;
  /** Per frame the mean over the classes in truth or prediction; frames without either are not counted. */
  readonly isiIoU: number | null;
  /** Per class the mean over the frames where it is in truth or prediction, then the mean over classes. */
  readonly mcIoU: number | null;
  /** Per class that mean, null where the class never occurs. */
  readonly perClass: readonly (number | null)[];
}

/** Collects frames one by one; no picture is kept. */
export class ClassOverlap {
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  #challenge = 0;
  #challengeFrames = 0;
  #isi = 0;
  #isiFrames = 0;

  constructor(readonly classes: number) {
    this.#sums = new Float64Array(classes);
    this.#counts = new Float64Array(classes);
  }

  /** One entry per class, in a fixed order. */
  add(frame: readonly Overlap[]): void {
    if (frame.length !== this.classes)
      throw new RangeError(`${frame.length} classes given, not ${this.classes}`);
    let truthSum = 0;
    let truthClasses = 0;
    let anySum = 0;
    let anyClasses = 0;
    frame.forEach((entry, index) => {
      if (entry.truth === 0 && entry.prediction === 0) return;
      const iou = jaccard(entry);
      anySum += iou;
      anyClasses++;
      if (entry.truth > 0) {
        truthSum += iou;
        truthClasses++;
      }
      this.#sums[index] = (this.#sums[index] as number) + iou;
      this.#counts[index] = (this.#counts[index] as number) + 1;
    });
    if (truthClasses > 0) {
      this.#challenge += truthSum / truthClasses;
      this.#challengeFrames++;
    }
    if (anyClasses > 0) {
      this.#isi += anySum / anyClasses;
      this.#isiFrames++;
    }
  }

  scores(): ClassScores {
    const perClass = Array.from(this.#sums, (sum, index) => {
      const count = this.#counts[index] as number;
      return count === 0 ? null : sum / count;
    });
    const present = perClass.filter((value) => value !== null);
    return {
      challengeIoU: this.#challengeFrames === 0 ? null : this.#challenge / this.#challengeFrames,
      isiIoU: this.#isiFrames === 0 ? null : this.#isi / this.#isiFrames,
      mcIoU: present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length,
      perClass,
    };
  }
}
