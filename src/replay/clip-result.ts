/** Result of one frame of a clip as kept between the passes of a run. Pure. */
import { maskFromCocoString, maskToCocoString } from '../mask/rle.js';
import type { ExportedObject } from '../export/exporter.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { ObjectState } from '../vocabulary/prompt.js';

/** JSON form; masks at source size as COCO run lengths. */
export interface StoredFrame {
  readonly sourceFrame: number;
  readonly objects: readonly {
    readonly label: string;
    readonly state: ObjectState;
    readonly score: number;
    readonly confidence: number;
    readonly counts: string;
  }[];
}

export type LabelledObject = Omit<ExportedObject, 'id'> & { readonly label: string };

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
