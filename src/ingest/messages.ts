/** What parent and child of a source tell each other besides frames, one JSON text each. Types only. */
import type { DropStage, PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type { SourceCode } from './source-codes.js';
import type { SourceAddress } from './source-uri.js';
import type { ClockPlace } from './stream-clock.js';

/** A line of the child's standard input. */
export type ParentMessage =
  /** The first line: what to read. */
  | { readonly kind: 'open'; readonly request: ChildRequest }
  /** The answer to the child's first `format`: the source is in charge of its stream, and no frame is sent before. */
  | { readonly kind: 'join'; readonly place: ClockPlace };

export interface ChildRequest {
  readonly address: SourceAddress;
  readonly mode: 'live' | 'replay';
  readonly loop: boolean;
  readonly analysisSize: PictureSize | null;
  readonly displayQuality: number | null;
  /** Where a finite source goes on after its child died; null: from the beginning. */
  readonly resume: ResumePoint | null;
}

export interface ResumePoint {
  /** Where to begin reading: some frames before the first new one. */
  readonly seekSeconds: number;
  /** Time of the source's very first frame on its own clock, mediaNs 0. */
  readonly zeroPtsNs: number;
  /** mediaNs and sourceFrame of frames seen before the place, to number the frames again exactly. */
  readonly seen: readonly (readonly [mediaNs: number, sourceFrame: number])[];
  /** The next to deliver. */
  readonly nextSourceFrame: number;
}

/** In what a recording is not as it says, known once all of it has been read. */
export type Damage =
  /** It broke off there. */
  | { readonly kind: 'broke-off'; readonly atS: number }
  /** Single pictures cannot be shown, and were left out; the others keep their numbers and times. */
  | { readonly kind: 'left-out'; readonly pictures: number; readonly firstAtS: number }
  /** It holds more than it says; those behind the last one are left out. */
  | { readonly kind: 'unspoken'; readonly pictures: number };

export type ChildMessage =
  | { readonly kind: 'format'; readonly format: SourceFormat; readonly zeroPtsNs: number }
  | { readonly kind: 'dropped'; readonly stage: DropStage; readonly count: number }
  /** A camera was joined between two key pictures: what it sends until the next cannot be decoded and is left out. */
  | { readonly kind: 'key-awaited' }
  /** Much has to be looked at before the first frame, and it goes on. */
  | { readonly kind: 'opening' }
  /** All is well although nothing comes: the next frame of a file is due then, on the monotonic clock. */
  | { readonly kind: 'waiting'; readonly untilNs: number }
  /** The last frame has been sent. */
  | { readonly kind: 'ended'; readonly damage: Damage | null }
  | {
      readonly kind: 'failed';
      readonly code: SourceCode;
      readonly details: Readonly<Record<string, string | number>>;
      readonly cause: string;
    };
