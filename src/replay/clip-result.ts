/** Result of one frame of a clip as kept between the passes of a run. Pure. */
import { z } from 'zod';
import { maskFromCocoString, maskToCocoString } from '../mask/rle.js';
import type { ExportedObject } from '../export/exporter.js';
import type { PictureSize } from '../vocabulary/frame.js';
import { objectStateSchema } from '../record/journal.js';

/** JSON form; masks at source size as COCO run lengths. */
export const storedFrameSchema = z.object({
  sourceFrame: z.int(),
  objects: z.array(
    z.object({
      label: z.string(),
      state: objectStateSchema,
      score: z.number(),
      confidence: z.number(),
      counts: z.string(),
    }),
  ),
});
export type StoredFrame = z.infer<typeof storedFrameSchema>;

export type LabelledObject = Omit<ExportedObject, 'id'> & { readonly label: string };

/** What progress tells of a frame. */
export interface FrameSummary {
  readonly sourceFrame: number;
  readonly objects: readonly Omit<LabelledObject, 'mask'>[];
}

export function storeFrame(sourceFrame: number, objects: readonly LabelledObject[]): StoredFrame {
  return {
    sourceFrame,
    objects: objects.map(({ label, state, score, confidence, mask }) => ({
      label,
      state,
      score,
      confidence,
      counts: maskToCocoString(mask),
    })),
  };
}

export function restoreObjects(frame: StoredFrame, size: PictureSize): LabelledObject[] {
  return frame.objects.map(({ counts, ...object }) => ({
    ...object,
    mask: maskFromCocoString(counts, size.width, size.height),
  }));
}
