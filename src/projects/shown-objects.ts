/** The objects of a picture as they are told: tracked ones, those that a person has drawn, those that marks outline. Pure. */
import { maskArea, maskToCocoString } from '../mask/rle.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import type { ResponseOf } from '../protocol/operations.js';
import type { WirePrompt } from '../protocol/prompt-schema.js';
import type { LabelledObject } from '../replay/clip-result.js';
import { objectsOf, type DrawnOutlines } from '../replay/corrected-clip.js';

export type ShownObject = ResponseOf<'projects.masks'>['objects'][number];

/** Nothing but masks was given: a person has drawn it. */
export function givesMask(prompts: readonly WirePrompt[]): boolean {
  return prompts.length > 0 && prompts.every(({ type }) => type === 'mask');
}

export function shownObject(
  { mask, ...object }: LabelledObject,
  { corrected, marked }: Pick<ShownObject, 'corrected' | 'marked'>,
): ShownObject {
  return { ...object, areaPx: maskArea(mask), counts: maskToCocoString(mask), corrected, marked };
}

/** The objects of a tracked picture; those that a person has drawn in place of the network's. */
export function trackedObjects(
  message: SegmentationMessage,
  drawn: DrawnOutlines | undefined,
): ShownObject[] {
  if (drawn !== undefined)
    return objectsOf(message, drawn).map((object) =>
      shownObject(object, { corrected: drawn.has(object.label), marked: false }),
    );
  return message.objects.map(({ label, state, score, confidence, areaPx, counts }) => ({
    ...{ label, state, score, confidence, areaPx, counts: Buffer.from(counts).toString('latin1') },
    ...{ corrected: false, marked: false },
  }));
}
