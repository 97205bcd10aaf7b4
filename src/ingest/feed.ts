/**
 * Pictures that enter GStreamer through appsrc, one after the other: recorded files read by FFmpeg, and pictures made by our own code
 * (scenes, DICOM, folders). Child process.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import type { FedShape } from './launch.js';
import type { FrameProducer } from './producer.js';
import { layoutOf, padPicture, type PixelFormat, type SampleLayout } from './sample-layout.js';

export interface FedPicture {
  /** Number within the source, 0-based. */
  readonly index: number;
  /** Nanoseconds since the source's first picture; later than the picture before. */
  readonly mediaNs: number;
  /** Laid out as `layout` says. */
  readonly data: Buffer;
}

/** The source as far as it is known; a feed may learn more while it runs (`onNews`). */
export interface FeedFormat {
  readonly framesPerSecond: number | null;
  readonly pixelSpacingMm: { readonly x: number; readonly y: number } | null;
  /** Exact, or null: an estimate is never given as a number of frames. */
  readonly frameCount: number | null;
  readonly description: string;
}

export interface FrameFeed {
  readonly size: PictureSize;
  readonly pixelFormat: PixelFormat;
  readonly layout: SampleLayout;
  /** GStreamer's name of what the samples mean. */
  readonly colorimetry: string;
  readonly format: FeedFormat;
  /** Media time of the first picture on the source's own clock, for finding a place again; 0 where there is no such clock. */
  readonly zeroPtsNs: number;
  /** Nanoseconds from the first picture to the end of the last one given so far. */
  readonly endNs: number;
  /** Called when `format` has changed. */
  onNews: () => void;
  /** The next picture; null at the end, after which `rewind` begins again. */
  next(): Promise<FedPicture | null>;
  rewind(): void;
  /** Seconds read of a recording that promised clearly more, else null; asked at its end. */
  missingTail(): number | null;
  close(): void;
}

/** What GStreamer has to know of a feed before its first picture. */
export function fedShapeOf({ size, layout, pixelFormat, colorimetry, format }: FrameFeed): FedShape {
  const { paddedWidth } = layout;
  return { size, paddedWidth, pixelFormat, colorimetry, framesPerSecond: format.framesPerSecond };
}

/** Pictures made one by one at our own pace. */
export class ProducerFeed implements FrameFeed {
  readonly size: PictureSize;
  readonly pixelFormat: PixelFormat;
  readonly layout: SampleLayout;
  readonly colorimetry = 'sRGB';
  readonly format: FeedFormat;
  readonly zeroPtsNs = 0;
  onNews = (): void => undefined;
  readonly #producer: FrameProducer;
  #index: number;

  constructor(producer: FrameProducer, firstIndex: number) {
    this.#producer = producer;
    this.#index = firstIndex;
    this.size = producer.size;
    this.pixelFormat = producer.pixelFormat;
    this.layout = layoutOf(producer.size, producer.pixelFormat);
    const { framesPerSecond, pixelSpacingMm, frameCount, description } = producer;
    this.format = { framesPerSecond, pixelSpacingMm, frameCount, description };
  }

  get endNs(): number {
    return this.#producer.mediaNs(this.#index);
  }

  async next(): Promise<FedPicture | null> {
    const { frameCount } = this.#producer;
    if (frameCount !== null && this.#index >= frameCount) return null;
    const index = this.#index;
    const packed = await this.#producer.frame(index);
    this.#index += 1;
    return { index, mediaNs: this.#producer.mediaNs(index), data: padPicture(packed, this.layout) };
  }

  rewind(): void {
    this.#index = 0;
  }

  missingTail(): null {
    return null;
  }

  close(): void {
    // Nothing is held.
  }
}
