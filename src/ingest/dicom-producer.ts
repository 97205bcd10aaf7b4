/** A DICOM cine of pictures: frames read and decoded on demand. Child process. */
import type { DicomCine } from '../dicom/cine.js';
import { dicomError } from '../dicom/errors.js';
import { createFrameDecoder } from '../dicom/pixels/frame-decoder.js';
import { isLostTransfer } from '../dicom/web/lost-transfer.js';
import { stretched } from '../vocabulary/calibration.js';
import { SonoError } from '../vocabulary/errors.js';
import type { FrameProducer } from './producer.js';

/**
 * @param path for the sentences
 * @throws SONO_DICOM_SYNTAX, SONO_DICOM_PHOTOMETRIC, and SONO_DICOM_DAMAGED when no frame can be decoded
 */
export async function producerOf(cine: DicomCine, path: string): Promise<FrameProducer> {
  const { pixels, index, promisedFrames, mediaNs } = cine;
  const decoder = await createFrameDecoder(pixels, {
    path,
    frameCount: index.frameCount,
    readFrame: (frame) => index.read(frame),
  });
  const decode = async (frame: number): Promise<Uint8Array> => decoder.decode(await index.read(frame));
  const picture = await lenient(decode, index.frameCount, path).catch((error: unknown) => {
    decoder.close();
    throw error;
  });
  const { size, coding } = decoder;
  return {
    size,
    pixelFormat: 'RGB',
    framesPerSecond: cine.framesPerSecond,
    // Oblong pixels are made square, and the places of the regions with them.
    calibration: stretched(
      cine.calibration,
      size.width / pixels.size.width,
      size.height / pixels.size.height,
    ),
    frameCount: index.frameCount,
    missingFrames: promisedFrames - index.frameCount,
    extraFrames: () => index.extraFrames,
    description: [...cine.description, coding].join('; '),
    mediaNs: (frame) => mediaNs[frame] ?? 0,
    frame: picture,
    close: () => {
      decoder.close();
      void cine.close();
    },
  };
}

/**
 * Makes pictures of which some may be damaged.
 * @param decode throws for a damaged one
 * @returns null for a damaged one
 * @throws its error where none of the first can be decoded
 */
export async function lenient(
  decode: (frame: number) => Promise<Uint8Array>,
  frameCount: number,
  path: string,
): Promise<(frame: number) => Promise<Uint8Array | null>> {
  const first = await firstPicture(decode, frameCount, path);
  return async (frame) => {
    if (frame < first.index) return null;
    const picture = frame === first.index ? first.take() : null;
    return picture ?? decode(frame).catch(damaged);
  };
}

/** A damaged picture is left out. One that has not come is no damage: its archive has failed. */
function damaged(error: unknown): null {
  if (isLostTransfer(error)) throw error;
  return null;
}

/** A cine whose first frames are damaged is tried this far. */
const mostTried = 32;

/** The first picture that can be decoded: it has been, to know that there is one, and is not decoded again. */
async function firstPicture(
  decode: (frame: number) => Promise<Uint8Array>,
  frameCount: number,
  path: string,
): Promise<{ index: number; take: () => Uint8Array | null }> {
  let cause: unknown;
  for (let index = 0; index < Math.min(frameCount, mostTried); index += 1) {
    try {
      let picture: Uint8Array | null = await decode(index);
      const take = (): Uint8Array | null => {
        const taken = picture;
        picture = null;
        return taken;
      };
      return { index, take };
    } catch (error) {
      cause ??= error;
    }
  }
  throw cause instanceof SonoError ? cause : dicomError('SONO_DICOM_DAMAGED', { path }, cause);
}
