/** What a measurement sees of a frame. Types only. */
import type { PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import type { ObjectId, ObjectState } from '../vocabulary/prompt.js';

/** The part of a result that is measured. */
export interface MeasuredResult {
  readonly maskSize: PictureSize;
  readonly objects: readonly {
    readonly id: ObjectId;
    readonly state: ObjectState;
    readonly mask: Mask;
    /** Mask pixels. */
    readonly areaPx: number;
  }[];
}

/** Size in source pixels, and millimetres per source pixel where the source is calibrated. */
export type MeasuredSource = Pick<SourceFormat, 'size' | 'pixelSpacingMm'>;
