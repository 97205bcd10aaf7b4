/** Masks at the size of the source picture, as every export and every score wants them. Pure. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import { maskFromScaledLogits, resizeMask } from '../mask/resize.js';
import { emptyMask } from '../mask/rle.js';

/** The part of an engine's result that matters here. */
interface SizedObject {
  /** Empty where the object is not shown (lost, searching): then it stays empty, whatever the logits say. */
  readonly mask: Mask;
  readonly logits?: Float32Array;
}

/**
 * From the network's logits where they were kept (bilinear, then the threshold 0: smooth outlines at any size), else
 * from the mask by nearest neighbour.
 */
export function objectMaskAtSourceSize(
  object: SizedObject,
  result: { readonly logitsSize: PictureSize },
  sourceSize: PictureSize,
): Mask {
  if (object.mask.counts.length <= 1) return emptyMask(sourceSize.width, sourceSize.height);
  return object.logits === undefined
    ? resizeMask(object.mask, sourceSize)
    : maskFromScaledLogits(object.logits, result.logitsSize, sourceSize);
}
