/**
 * The outline of an object on a picture with marks: what the marks of that picture gave, not what tracking makes of it afterwards, so
 * that a person keeps what they saw when they marked. A mask that was given alone is taken as it is, pixel by pixel. Pure.
 */
import type { CommandResult } from '../engine/engine.js';
import { objectMaskAtSourceSize } from '../export/resample.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Prompt } from '../vocabulary/prompt.js';
import type { LabelledObject } from './clip-result.js';

export type MarkedObject = Omit<LabelledObject, 'label'>;

/** The mask where nothing but masks was given: the last one; null: the network makes one. */
export function givenMask(prompts: readonly Prompt[]): Mask | null {
  let given: Mask | null = null;
  for (const prompt of prompts) {
    if (prompt.type !== 'mask') return null;
    given = prompt.mask;
  }
  return given;
}

/** Nothing is estimated of a mask that was given. */
export function objectOfMask(mask: Mask): MarkedObject {
  return { state: 'tracking', score: 1, confidence: 1, mask };
}

/** @param answer of the command that had these prompts; null where it has none of the object */
export function markedObject(
  prompts: readonly Prompt[],
  { objectId, result }: CommandResult,
  sourceSize: PictureSize,
): MarkedObject | null {
  const given = givenMask(prompts);
  if (given !== null) return objectOfMask(given);
  const object = result?.objects.find(({ id }) => id === objectId);
  if (!object || !result) return null;
  const { state, score, confidence } = object;
  return { state, score, confidence, mask: objectMaskAtSourceSize(object, result, sourceSize) };
}
