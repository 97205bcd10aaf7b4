/**
 * The vocabulary of pictures and time. Pure types, shared by every layer.
 *
 * Time. `ptsNs` is the presentation time on the stream's own clock: integer nanoseconds since the stream
 * was opened, strictly increasing over loops of a file and restarts of a source. It identifies a frame
 * within its stream: display picture, mask and measurement of one frame carry the same `ptsNs`.
 * `captureNs` is the moment of capture on the machine's monotonic clock (process.hrtime), comparable
 * between the processes of one machine. `mediaNs` is the position inside the source (restarts at 0 at each
 * discontinuity). All are plain numbers: 2^53 ns are 104 days.
 *
 * A discontinuity is a place where the source begins anew and the picture jumps: a file that is repeated, a camera that was
 * lost and comes back, another source in the same stream. On the wire and in files the number of discontinuities is the field
 * `pass` (docs/protocol.md); in the code "pass" means only a forward or backward run over a clip in replay.
 */

import type { Calibration } from './calibration.js';
import type { PictureKind } from './picture-kind.js';

/** Identity of one captured frame; every message derived from it carries these fields unchanged. */
export interface FrameIdentity {
  readonly streamId: string;
  /** Nanoseconds on the stream's clock; the join key between picture and mask. */
  readonly ptsNs: number;
  /** Monotonic capture time of this machine in nanoseconds. */
  readonly captureNs: number;
  /** Position within the source in nanoseconds, 0 at its first frame. */
  readonly mediaNs: number;
  /** Index of the frame within the source, 0-based, counted over every captured frame, restarts at each discontinuity. */
  readonly sourceFrame: number;
  /** Number of discontinuities of the stream so far; 0 for its first source up to its first repetition or loss. */
  readonly discontinuity: number;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What a source delivers, known once its first frame has been seen. */
export interface SourceFormat {
  /** Size of the source picture in pixels: the coordinate system of prompts and exports. */
  readonly size: PictureSize;
  /** Nominal frame rate, null where the source does not say. */
  readonly framesPerSecond: number | null;
  /** Where a length can be told, and by which scale. */
  readonly calibration: Calibration;
  /** Number of frames, null for live or unknown. */
  readonly frameCount: number | null;
  /** Human-readable: container, codec, device. */
  readonly description: string;
  /** Seen in its first picture that is not dark; absent: not yet. */
  readonly pictureKind?: PictureKind | undefined;
}

/** What a measurement has to know of a source. */
export type MeasuredSource = Pick<SourceFormat, 'size' | 'calibration'> &
  Partial<Pick<SourceFormat, 'framesPerSecond' | 'pictureKind'>>;

/** Picture for people: encoded once, at source size, passed on untouched to browsers and recorders. */
export interface DisplayFrame extends FrameIdentity {
  readonly encoding: 'jpeg';
  readonly size: PictureSize;
  readonly data: Uint8Array;
  /** Monotonic time at which decoding finished / encoding finished, for the latency table. */
  readonly decodedNs: number;
  readonly encodedNs: number;
}

/** Picture for the network: uint8 RGB, height × width × 3, tightly packed, stretched to the model's input size. */
export interface AnalysisFrame extends FrameIdentity {
  readonly size: PictureSize;
  readonly data: Uint8Array;
  readonly decodedNs: number;
}

/** Where frames may be dropped, cheapest first. Used as metric label and in reports. */
export type DropStage = 'source' | 'analysis-queue' | 'display-queue' | 'inference' | 'client';
