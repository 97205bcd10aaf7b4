/**
 * The stream of video in a DICOM image as a source. FFmpeg decodes it as it does any recorded file; what the header knows better is
 * taken from there: times, scale, how many pictures there should be. Child process. DICOM PS3.5 sections 8.2.5 to 8.2.13.
 */
import type { DicomVideo } from '../dicom/cine.js';
import { dicomError } from '../dicom/errors.js';
import { checkPictureSize } from '../dicom/memory-limits.js';
import { squareSize } from '../dicom/pixels/square.js';
import type { FrameTimes } from '../dicom/times.js';
import { isCalibrated, stretched, uncalibrated, type Calibration } from '../vocabulary/calibration.js';
import { SonoError } from '../vocabulary/errors.js';
import { videoFile, type VideoFile } from './dicom-video-file.js';
import type { FedPicture, FeedFormat, FrameFeed } from './feed.js';
import type { Damage, ResumePoint } from './messages.js';
import type { RecordedPicture } from './recorded/about.js';
import { openRecordedFile, type RecordedFeed } from './recorded/feed.js';

/** What FFmpeg assumes of a stream without a rate. */
const assumedFramesPerSecond = 25;
/** Header and stream give the same rate where they differ by less: 29.97 is written as 30 and as 33.3 ms. */
const sameRate = 0.01;

/**
 * @param path for the sentences
 * @param onProgress called while the fragments are put together, and for pictures that an earlier process has delivered
 * @throws SONO_DICOM_DAMAGED, SONO_DICOM_DISK, SONO_SOURCE_*
 */
export async function openVideoFeed(
  video: DicomVideo,
  path: string,
  resume: ResumePoint | null,
  onProgress: () => void,
): Promise<FrameFeed> {
  const file = await videoFile(video, path, onProgress);
  try {
    // A bare stream cannot be sought in: after a crash its pictures are counted from the first one.
    const again = resume && { ...resume, seekSeconds: 0, seen: [] };
    const source = { path, file: file.part, deinterlacing: 'auto' } as const;
    const feed = await openRecordedFile(source, again, (picture) => shownAs(picture, video, path));
    feed.onPassedOver = onProgress;
    return new DicomVideoFeed(feed, video, file);
  } catch (error) {
    await file.close();
    throw error instanceof SonoError && error.code === 'SONO_SOURCE_NOT_VIDEO'
      ? dicomError('SONO_DICOM_DAMAGED', { path }, error)
      : error;
  }
}

/** The header's shape of a pixel counts where the stream has none (PS3.5 section 8.2.7: what a stream says goes before the header). */
function shownAs(picture: RecordedPicture, { pixels }: DicomVideo, path: string): RecordedPicture {
  const { size, pixelAspect, isTurned } = picture.coded;
  if (pixelAspect !== null || pixels.pixelAspect === null || isTurned) return picture;
  const square = squareSize({ ...pixels, size });
  checkPictureSize(path, square);
  const { horizontal, vertical } = pixels.pixelAspect;
  const isOblong = square.width !== size.width || square.height !== size.height;
  const words = isOblong ? `; pixels of ${vertical}/${horizontal} made square` : '';
  return { ...picture, size: square, description: picture.description + words };
}

class DicomVideoFeed implements FrameFeed {
  readonly size;
  readonly pixelFormat;
  readonly layout;
  readonly colorimetry;
  onNews = (): void => undefined;
  readonly #feed: RecordedFeed;
  readonly #video: DicomVideo;
  readonly #file: VideoFile;

  constructor(feed: RecordedFeed, video: DicomVideo, file: VideoFile) {
    this.#feed = feed;
    this.#video = video;
    this.#file = file;
    this.size = feed.size;
    this.pixelFormat = feed.pixelFormat;
    this.layout = feed.layout;
    this.colorimetry = feed.colorimetry;
    feed.onNews = () => this.onNews();
  }

  get format(): FeedFormat {
    const { framesPerSecond, frameCount, description } = this.#feed.format;
    const { times } = this.#video;
    const rate =
      times === null ? ownRate(this.#feed) : { framesPerSecond: times.framesPerSecond, words: null };
    const scale = this.#scale();
    const told = times?.framesPerSecond ?? null;
    const isDoubtful =
      told !== null &&
      framesPerSecond !== null &&
      ownRate(this.#feed).words === null &&
      Math.abs(told / framesPerSecond - 1) > sameRate;
    return {
      framesPerSecond: rate.framesPerSecond,
      calibration: scale.calibration,
      frameCount,
      description: [
        this.#video.description,
        description,
        ...(rate.words === null ? [] : [rate.words]),
        ...(isDoubtful
          ? [`${told} pictures per second by its header, ${framesPerSecond} by its stream`]
          : []),
        ...(scale.words === null ? [] : [scale.words]),
      ].join('; '),
    };
  }

  get zeroPtsNs(): number {
    return this.#feed.zeroPtsNs;
  }

  get endNs(): number {
    const { times } = this.#video;
    return times === null ? this.#feed.endNs : timeOf(times, this.#feed.readCount);
  }

  async next(): Promise<FedPicture | null> {
    const picture = await this.#feed.next();
    if (picture === null) return null;
    const { times } = this.#video;
    return times === null ? picture : { ...picture, mediaNs: timeOf(times, picture.index) };
  }

  rewind(): void {
    this.#feed.rewind();
  }

  /** By the number of pictures, where the header gives it: containers know less, and bare streams nothing. */
  damage(): Damage | null {
    const { promisedFrames, isStereo, stream } = this.#video;
    const atS = this.endNs / 1e9;
    if (promisedFrames !== null && promisedFrames > 1) {
      const due = isStereo ? promisedFrames / 2 : promisedFrames;
      return this.#feed.readCount < due ? { kind: 'broke-off', atS } : null;
    }
    if (stream.isCut) return { kind: 'broke-off', atS };
    return this.#feed.damage() && { kind: 'broke-off', atS };
  }

  close(): void {
    this.#feed.close();
    void this.#file.close();
    void this.#video.close();
  }

  /** The header's scale, where its pictures are those of the stream. */
  #scale(): { readonly calibration: Calibration; readonly words: string | null } {
    const { calibration, pixels } = this.#video;
    const { size: coded, isTurned } = this.#feed.picture.coded;
    const { width, height } = pixels.size;
    const isOther = coded.width !== width || coded.height !== height;
    if (isOther || isTurned || this.#feed.changedTo !== null) {
      const why = isOther
        ? `its header speaks of ${width} × ${height}, its stream of ${coded.width} × ${coded.height}`
        : 'its pictures are not as its header says';
      return {
        calibration: uncalibrated,
        words: isCalibrated(calibration) ? `not calibrated: ${why}` : null,
      };
    }
    const { size } = this;
    return { calibration: stretched(calibration, size.width / width, size.height / height), words: null };
  }
}

/** Of a stream whose header gives no times; words where it may be a guess. */
function ownRate(feed: RecordedFeed): {
  readonly framesPerSecond: number | null;
  readonly words: string | null;
} {
  const { framesPerSecond } = feed.format;
  return feed.picture.coded.isBare && framesPerSecond === assumedFramesPerSecond
    ? {
        framesPerSecond: null,
        words: `${assumedFramesPerSecond} pictures per second, of its stream or assumed`,
      }
    : { framesPerSecond, words: null };
}

/** Start of a picture, also behind those that the header speaks of: as far apart as those are on the mean. */
function timeOf({ mediaNs }: FrameTimes, index: number): number {
  const last = mediaNs.length - 1;
  const end = mediaNs[last] ?? 0;
  return mediaNs[index] ?? end + Math.round(((index - last) * end) / last);
}
