/** What parent and child of a source tell each other besides frames. Types only. */
import type { DropStage, PictureSize, SourceFormat } from '../frame.js';
import type { IngestCode } from './errors.js';
import type { SourceAddress } from './source-uri.js';

/** Given to the child at its start (JSON, the first line of its standard input). */
export interface ChildRequest {
  readonly address: SourceAddress;
  readonly mode: 'live' | 'replay';
  readonly loop: boolean;
  readonly analysisSize: PictureSize | null;
  readonly displayQuality: number | null;
  readonly openedNs: number;
  readonly lastPtsNs: number;
  readonly pass: number;
  /** Where a finite source goes on after its child died; null: from the beginning. */
  readonly resume: ResumePoint | null;
  /** false once a seek in this file has failed. */
  readonly seekable: boolean;
}

export interface ResumePoint {
  /** Whole seconds: the addon cannot seek finer. */
  readonly seekSeconds: number;
  /** GStreamer PTS of the source's very first frame, mediaNs 0. */
  readonly zeroPtsNs: number;
  /** mediaNs and sourceFrame of frames seen around the place, to number the frames again exactly. */
  readonly seen: readonly (readonly [mediaNs: number, sourceFrame: number])[];
  /** For sources that count frames: the next to deliver. */
  readonly nextSourceFrame: number;
}

export type ChildMessage =
  | { readonly kind: 'format'; readonly format: SourceFormat; readonly zeroPtsNs: number }
  | { readonly kind: 'dropped'; readonly stage: DropStage; readonly count: number }
  /** All is well although nothing comes: the next frame of a file is due then, on the monotonic clock. */
  | { readonly kind: 'waiting'; readonly untilNs: number }
  /** The last frame has been sent. `damagedAtS`: the recording broke off there. */
  | { readonly kind: 'ended'; readonly damagedAtS: number | null }
  /** A source that repeats but cannot seek asks to be started again for the next pass. */
  | { readonly kind: 'again' }
  /** A seek had no effect: start again without. */
  | { readonly kind: 'unseekable' }
  | {
      readonly kind: 'failed';
      readonly code: IngestCode;
      readonly details: Readonly<Record<string, string | number>>;
      readonly cause: string;
    };
