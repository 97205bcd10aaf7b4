/** Frames made by our own code (scenes, DICOM, picture folders) that enter GStreamer through appsrc. Child process. */
import type { Calibration } from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';

/** A finite or endless series of RGB pictures of one size, any of which can be made at any time. */
export interface FrameProducer {
  readonly size: PictureSize;
  /** RGB: three bytes per pixel; RGBx: four, the last unused. */
  readonly pixelFormat: 'RGB' | 'RGBx';
  readonly framesPerSecond: number | null;
  readonly calibration: Calibration;
  /** null: endless. */
  readonly frameCount: number | null;
  readonly description: string;
  /** Pictures that the source promised behind the last one it has. */
  readonly missingFrames?: number;
  /** Pictures behind those that the source speaks of; asked when the last one has been given. */
  extraFrames?(): number;
  /** Start of frame `index` in nanoseconds, strictly increasing, 0 for the first; `frameCount` gives the end. */
  mediaNs(index: number): number;
  /** uint8, height × width × 3 or 4, tightly packed; null for a picture that is damaged among others that are not. */
  frame(index: number): Promise<Uint8Array | null>;
  /** Gives back what is held. */
  close?(): void;
}
