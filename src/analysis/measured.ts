/** What a measurement sees of a frame. Types only. */
import type { FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import type { Glance } from '../vocabulary/glance.js';
import type { Mask } from '../vocabulary/mask.js';
import type { ObjectId, ObjectState } from '../vocabulary/prompt.js';

/** The part of a result that is measured. */
export interface MeasuredResult {
  /** Times rise within a source; another `discontinuity` begins it anew, and with it everything that is measured over time. */
  readonly frame: Pick<FrameIdentity, 'ptsNs' | 'discontinuity'>;
  readonly maskSize: PictureSize;
  /** To know the picture again; absent where nobody has kept any. */
  readonly glance?: Glance | undefined;
  /** What should be there once is there more than once. */
  readonly several?: boolean | undefined;
  readonly objects: readonly {
    readonly id: ObjectId;
    readonly label: string;
    readonly state: ObjectState;
    /** How good the model expects the mask to be, 0..1, as it gave it. */
    readonly score: number;
    /** Calibrated confidence, 0..1. */
    readonly confidence: number;
    readonly mask: Mask;
    /** Mask pixels. */
    readonly areaPx: number;
  }[];
}

export type { MeasuredSource } from '../vocabulary/frame.js';
