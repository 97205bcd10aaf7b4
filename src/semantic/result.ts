/** What a semantic model says of one single picture, in memory of its own. Pure. */
import type { PictureSize } from '../vocabulary/frame.js';
import { calibrateLogits, checkFinite, ClassPicture, readScalars } from './class-picture.js';
import type { SemanticModel, SemanticOutputs } from './model.js';

export interface SemanticResult {
  /** The model's input size. */
  readonly size: PictureSize;
  /** [H, W], the likeliest class of each pixel, or `noClass` where none is likelier than not. */
  readonly labels: Uint8Array;
  /** [H, W] calibrated probability of a class, 0..1. Throws RangeError for a class that does not exist. */
  probability(classIndex: number): Float32Array;
  /** By the names in model.json. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The picture as it was given to the network, black borders and all. Throws RangeError as `checkFinite`. */
export function semanticResult(
  model: Pick<
    SemanticModel,
    'inputSize' | 'logitsSize' | 'classes' | 'activation' | 'calibration' | 'scalars'
  >,
  outputs: SemanticOutputs,
): SemanticResult {
  checkFinite(outputs);
  const logits = new Float32Array(model.classes.length * model.logitsSize.width * model.logitsSize.height);
  calibrateLogits(model, outputs, logits);
  const picture = new ClassPicture(model, model.inputSize);
  picture.read(logits);
  return {
    size: picture.size,
    labels: picture.labels,
    probability: (classIndex) => picture.probability(classIndex),
    scalars: readScalars(model, outputs),
  };
}
