/** Binary masks as run lengths. Pure; runs in any thread and in the browser. */

/**
 * A binary mask in COCO's run-length form: column-major (down each column, then the next column), counts
 * alternate background, foreground, starting with background (possibly 0).
 */
export interface Mask {
  readonly width: number;
  readonly height: number;
  /** Run lengths; they sum to width × height. */
  readonly counts: Uint32Array;
}

/** x, y of the top-left pixel and size, in mask pixels; [0,0,0,0] for an empty mask. */
export type Box = readonly [x: number, y: number, width: number, height: number];
