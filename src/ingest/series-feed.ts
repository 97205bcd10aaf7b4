/** Single pictures of a DICOM series as a source: each file is opened when its picture is wanted. Child process. */
import { join } from 'node:path';
import { openCine } from '../dicom/cine.js';
import type { StoredPixels } from '../dicom/image.js';
import { DamagedFrame } from '../dicom/pixels/damaged-frame.js';
import { createFrameDecoder, type FrameDecoder } from '../dicom/pixels/frame-decoder.js';
import type { SeriesClip } from '../dicom/series.js';
import { findSeries, type SeriesAddress } from '../dicom/series-folder.js';
import { assumedFramesPerSecond } from '../dicom/times.js';
import { stretched, type Calibration } from '../vocabulary/calibration.js';
import { SonoError } from '../vocabulary/errors.js';
import type { PictureSize } from '../vocabulary/frame.js';
import { openDicomFeed } from './dicom-feed.js';
import { lenient } from './dicom-producer.js';
import { ingestError } from './errors.js';
import { ProducerFeed, type FrameFeed } from './feed.js';
import type { ResumePoint } from './messages.js';
import type { FrameProducer } from './producer.js';

/** Ways of storing for which a decoder is kept: a window of its own for each picture is one for each. */
const mostDecoders = 4;

/**
 * @param onProgress called now and then while headers are read
 * @throws SONO_SOURCE_MISSING, SONO_DICOM_SERIES, SONO_DICOM_CHOOSE, and the codes of openDicomFeed
 */
export async function openSeriesFeed(
  address: SeriesAddress,
  resume: ResumePoint | null,
  onProgress: () => void,
): Promise<FrameFeed> {
  const { path } = address;
  const clip = await findSeries(address, onProgress).catch((error: unknown) => {
    throw error instanceof SonoError ? error : ingestError('SONO_SOURCE_MISSING', { path }, error);
  });
  return typeof clip === 'string'
    ? openDicomFeed(clip, resume, onProgress)
    : new ProducerFeed(await producerOf(clip, path), resume?.nextSourceFrame ?? 0);
}

async function producerOf(clip: SeriesClip, path: string): Promise<FrameProducer> {
  const { members, times } = clip;
  const pictures = new SeriesPictures(members.map(({ name }) => join(path, name)));
  const frame = await lenient((index) => pictures.decode(index), members.length, path).catch(
    (error: unknown) => {
      pictures.close();
      throw error;
    },
  );
  const { known } = pictures;
  if (known === null) throw new Error('no picture was decoded');
  const { size, stored, calibration, about, coding } = known;
  return {
    size,
    pixelFormat: 'RGB',
    framesPerSecond: times.framesPerSecond,
    calibration: stretched(calibration, size.width / stored.width, size.height / stored.height),
    frameCount: members.length,
    description: [about, ...inWords(clip), coding].join('; '),
    mediaNs: (index) => times.mediaNs[index] ?? 0,
    frame,
    close: () => pictures.close(),
  };
}

function inWords({ members, order, times, missingNumbers }: SeriesClip): readonly string[] {
  return [
    `${members.length} single pictures of a series, ${order}`,
    ...(missingNumbers > 0 ? [`${missingNumbers} numbers in between are missing`] : []),
    ...(members.length === 1
      ? []
      : [
          times.origin === null
            ? `no times in the files, ${assumedFramesPerSecond} pictures per second assumed`
            : `times by ${times.origin}`,
        ]),
  ];
}

/** What the first picture that could be decoded says of all. */
interface Known {
  /** Of the picture as it is shown, and as it is stored. */
  readonly size: PictureSize;
  readonly stored: PictureSize;
  readonly calibration: Calibration;
  readonly about: string;
  readonly coding: string;
}

/** Reads and decodes; asked for one picture at a time. */
class SeriesPictures {
  /** By how their pictures are stored, the one used last at the end. */
  readonly #decoders = new Map<string, FrameDecoder>();
  known: Known | null = null;

  constructor(private readonly files: readonly string[]) {}

  /** @throws DamagedFrame, SONO_DICOM_*, and the error of the file system */
  async decode(index: number): Promise<Uint8Array> {
    const { pixels, stored, calibration, about } = await this.#read(index);
    const decoder = await this.#decoderOf(pixels);
    const picture = await decoder.decode(stored);
    const { size, coding } = decoder;
    this.known ??= { size, stored: pixels.size, calibration, about, coding };
    // The file may have been replaced since its header was read.
    if (size.width !== this.known.size.width || size.height !== this.known.size.height)
      throw new DamagedFrame(`${size.width} × ${size.height}`);
    return picture;
  }

  close(): void {
    for (const decoder of this.#decoders.values()) decoder.close();
    this.#decoders.clear();
  }

  async #read(index: number) {
    const cine = await openCine(this.files[index] ?? '');
    try {
      const { pixels, calibration, description } = cine;
      return { pixels, calibration, about: description[0] ?? '', stored: await cine.index.read(0) };
    } finally {
      await cine.close();
    }
  }

  async #decoderOf(pixels: StoredPixels): Promise<FrameDecoder> {
    const key = JSON.stringify({ ...pixels, extremes: null });
    const known = this.#decoders.get(key);
    const decoder =
      known ??
      (await createFrameDecoder(pixels, {
        path: this.files[0] ?? '',
        frameCount: this.files.length,
        readFrame: async (frame) => (await this.#read(frame)).stored,
      }));
    this.#decoders.delete(key);
    this.#decoders.set(key, decoder);
    const [oldest] = this.#decoders;
    if (this.#decoders.size > mostDecoders && oldest !== undefined) {
      oldest[1].close();
      this.#decoders.delete(oldest[0]);
    }
    return decoder;
  }
}
