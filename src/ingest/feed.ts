/**
 * Pictures that enter GStreamer through appsrc, one after the other: recorded files read by FFmpeg, and pictures made by our own code
 * (scenes, DICOM, folders). Child process.
 */
import type { Calibration } from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { FedShape } from './launch.js';
import type { Damage } from './messages.js';
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
  readonly calibration: Calibration;
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
  /** What is missing of what the recording promised; asked at its end. */
  damage(): Damage | null;
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
  /** Numbers of the pictures that cannot be shown. */
  readonly #leftOut = new Set<number>();
  #index: number;

  constructor(producer: FrameProducer, firstIndex: number) {
    this.#producer = producer;
    this.#index = firstIndex;
    this.size = producer.size;
    this.pixelFormat = producer.pixelFormat;
    this.layout = layoutOf(producer.size, producer.pixelFormat);
    const { framesPerSecond, calibration, frameCount, description } = producer;
    this.format = { framesPerSecond, calibration, frameCount, description };
  }

  get endNs(): number {
    return this.#producer.mediaNs(this.#index);
  }

  async next(): Promise<FedPicture | null> {
    const { frameCount } = this.#producer;
    for (;;) {
      if (frameCount !== null && this.#index >= frameCount) return null;
      const index = this.#index;
      const packed = await this.#producer.frame(index);
      this.#index += 1;
      if (packed === null) this.#leftOut.add(index);
      else return { index, mediaNs: this.#producer.mediaNs(index), data: padPicture(packed, this.layout) };
    }
  }

  rewind(): void {
    this.#index = 0;
  }

  damage(): Damage | null {
    const { missingFrames = 0, frameCount } = this.#producer;
    if (missingFrames > 0 && frameCount !== null)
      return { kind: 'broke-off', atS: this.#producer.mediaNs(frameCount) / 1e9 };
    const [first] = [...this.#leftOut].sort((a, b) => a - b);
    if (first === undefined) {
      const pictures = this.#producer.extraFrames?.() ?? 0;
      return pictures > 0 ? { kind: 'unspoken', pictures } : null;
    }
    return {
      kind: 'left-out',
      pictures: this.#leftOut.size,
      firstAtS: this.#producer.mediaNs(first) / 1e9,
    };
  }

  close(): void {
    this.#producer.close?.();
  }
}
