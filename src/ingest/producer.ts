/** Frames made by our own code (scenes, DICOM, picture folders) that enter GStreamer through appsrc. Child process. */
import type { PictureSize } from '../vocabulary/frame.js';

/** A finite or endless series of RGB pictures of one size, any of which can be made at any time. */
export interface FrameProducer {
  readonly size: PictureSize;
  /** RGB: three bytes per pixel; RGBx: four, the last unused. */
  readonly pixelFormat: 'RGB' | 'RGBx';
  readonly framesPerSecond: number | null;
  readonly pixelSpacingMm: { readonly x: number; readonly y: number } | null;
  /** null: endless. */
  readonly frameCount: number | null;
  readonly description: string;
  /** Start of frame `index` in nanoseconds, strictly increasing, 0 for the first; `frameCount` gives the end. */
  mediaNs(index: number): number;
  /** uint8, height × width × 3 or 4, tightly packed. */
  frame(index: number): Promise<Uint8Array>;
}
