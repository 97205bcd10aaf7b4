/**
 * A DICOM image as a source of frames: what the header says of its pictures, how many there really are, when each is shown, and each
 * one's stored bytes, read when they are asked for. Child process of a source. DICOM PS3.3 C.7.6.3 (image pixel), C.7.6.5 (cine).
 */
import type { Calibration } from '../vocabulary/calibration.js';
import { SonoError } from '../vocabulary/errors.js';
import type { ByteSource } from './byte-source.js';
import type { DataSet } from './data-set.js';
import { openDicom, type DicomFile } from './data-set-file.js';
import { dicomError } from './errors.js';
import { readStoredPixels, type StoredPixels } from './image.js';
import { indexPixels, type PixelIndex } from './pixel-index.js';
import { isVideo } from './pixels/coding.js';
import { readCalibration } from './spacing.js';
import { assumedFramesPerSecond, readFrameTimes, type FrameTimes } from './times.js';
import { findVideoStream, type VideoStream } from './video-stream.js';
import { withoutPictures } from './without-pictures.js';

/** More frames than any cine has; what claims more is damaged. */
const mostFrames = 1_000_000;

export interface DicomCine {
  /** The header. */
  readonly set: DataSet;
  readonly pixels: StoredPixels;
  readonly index: PixelIndex;
  /** Frames that the header speaks of; at least as many as there are. */
  readonly promisedFrames: number;
  /** Start of each frame that is there and, last, the end; nanoseconds. */
  readonly mediaNs: readonly number[];
  /** null where frames follow at unequal distances, and where the file gives no timing and `mediaNs` is a guess. */
  readonly framesPerSecond: number | null;
  readonly calibration: Calibration;
  /** Modality and maker, and what was assumed. */
  readonly description: readonly string[];
  close(): Promise<void>;
}

/** An image whose frames are one stream of video, which only a decoder of video can take apart. */
export interface DicomVideo {
  /** Size and shape as the header says them, which may not be those of the stream. */
  readonly pixels: StoredPixels;
  readonly source: ByteSource;
  readonly stream: VideoStream;
  /** Frames that the header speaks of; null where it does not. How many there are shows only when they are decoded. */
  readonly promisedFrames: number | null;
  /** Two views of each moment, of which a decoder may know one only (PS3.5 section 8.2.9). */
  readonly isStereo: boolean;
  /** Of the promised frames; null where the header gives no timing. */
  readonly times: FrameTimes | null;
  /** Of a picture of the size that the header says. */
  readonly calibration: Calibration;
  /** Modality and maker. */
  readonly description: string;
  close(): Promise<void>;
}

/**
 * @param from a path, or the bytes themselves
 * @param path for the sentences
 * @param mostBytes that a deflated file may unpack to
 * @throws SONO_DICOM_DAMAGED, SONO_DICOM_NO_PIXELS, SONO_DICOM_ENCRYPTED, SONO_DICOM_PHOTOMETRIC, SONO_SOURCE_SIZE,
 *   SONO_SOURCE_MEMORY, and the error of the file system where the file cannot be opened
 */
export function openCine(from: string | ByteSource, path?: string, mostBytes?: number): Promise<DicomCine> {
  return opened(from, path, mostBytes, cineOf);
}

/** As openCine, for what may be a stream of video too. */
export function openImage(from: string | ByteSource, path?: string): Promise<DicomCine | DicomVideo> {
  return opened<DicomCine | DicomVideo>(from, path, undefined, (file) =>
    isVideo(file.transferSyntaxUid) ? videoOf(file) : cineOf(file),
  );
}

async function opened<Image>(
  from: string | ByteSource,
  path: string | undefined,
  mostBytes: number | undefined,
  read: (file: DicomFile) => Promise<Image>,
): Promise<Image> {
  const file = await openDicom(from, path, mostBytes);
  try {
    return await read(file);
  } catch (error) {
    await file.close();
    throw error instanceof SonoError ? error : dicomError('SONO_DICOM_DAMAGED', { path: file.path }, error);
  }
}

/**
 * @param indexOf finds the frames; given where not all of the file is there yet
 * @throws what openCine throws, and any Error for damage
 */
export async function cineOf(
  file: DicomFile,
  indexOf?: (pixels: StoredPixels) => Promise<PixelIndex>,
): Promise<DicomCine> {
  const { path, set } = file;
  const { pixels, promised } = readHead(file);
  const index = await (indexOf?.(pixels) ?? indexPixels(file, pixels, promised));
  if (index.frameCount === 0) throw dicomError('SONO_DICOM_DAMAGED', { path }, 'no frame is whole');
  const promisedFrames = Math.max(promised ?? 0, index.frameCount);
  const { mediaNs, framesPerSecond, origin } = readFrameTimes(set, promisedFrames, index.frameCount);
  return {
    set,
    pixels,
    index,
    promisedFrames,
    mediaNs,
    framesPerSecond,
    calibration: readCalibration(set, pixels.size),
    description: [
      madeBy(file),
      ...(origin === null && index.frameCount > 1
        ? [`no frame time in the file, ${assumedFramesPerSecond} pictures per second assumed`]
        : []),
    ],
    close: () => file.close(),
  };
}

async function videoOf(file: DicomFile): Promise<DicomVideo> {
  const { set, source, transferSyntaxUid } = file;
  const { pixels, promised } = readHead(file);
  const times = readFrameTimes(set, promised ?? 1, promised ?? 1);
  return {
    pixels,
    source,
    stream: await findVideoStream(file),
    promisedFrames: promised,
    isStereo: transferSyntaxUid.startsWith('1.2.840.10008.1.2.4.106'),
    times: times.origin === null ? null : times,
    calibration: readCalibration(set, pixels.size),
    description: madeBy(file),
    close: () => file.close(),
  };
}

function readHead(file: DicomFile): { readonly pixels: StoredPixels; readonly promised: number | null } {
  const said = file.set.number(0x00280008, 'DS');
  if (file.pixels === null || file.pixels.length === 0 || said === 0) throw withoutPictures(file);
  const pixels = readStoredPixels(file);
  if (said !== undefined && (said < 0 || said > mostFrames || !Number.isInteger(said)))
    throw dicomError('SONO_DICOM_DAMAGED', { path: file.path }, `${said} frames`);
  return { pixels, promised: said ?? null };
}

const madeBy = ({ set }: DicomFile): string =>
  `DICOM, ${[set.ascii(0x00080060), set.text(0x00080070)].filter((part) => part).join(' ')}`;
