/**
 * Stored bytes of a DICOM frame to the picture that a reader sees. Child process of a source. A codec is loaded when a frame first needs
 * it. DICOM PS3.3 C.7.6.3 (image pixel), C.11 (look-up tables), PS3.5 annex A (transfer syntaxes).
 */
import type { SonoError } from '../../vocabulary/errors.js';
import type { PictureSize } from '../../vocabulary/frame.js';
import { dicomError } from '../errors.js';
import type { StoredPixels } from '../image.js';
import { checkPictureSize } from '../memory-limits.js';
import { syntaxInWords } from '../transfer-syntaxes.js';
import { codingOf } from './coding.js';
import { colourSpaceOf, colourToRgb } from './colour.js';
import { findGreyRange } from './grey-range.js';
import { greyToRgb, type GreyToRgb } from './grey.js';
import { SampleDecoder, type DecodedFrame } from './sample-decoder.js';
import type { SampleLayout } from './samples.js';
import { resized, squareSize } from './square.js';

export interface FrameDecoder {
  /** Of the pictures; other than the stored size where pixels are oblong. */
  readonly size: PictureSize;
  /** Words for the description. */
  readonly coding: string;
  /**
   * @param stored bytes of one frame; not changed
   * @returns uint8 RGB, height × width × 3
   * @throws DamagedFrame, for this frame alone
   */
  decode(stored: Uint8Array): Promise<Uint8Array>;
  /** Ends the codec's thread. */
  close(): void;
}

interface FrameDecoderContext {
  /** For the sentences. */
  readonly path: string;
  /** For one grey range over a whole cine where no window is given. */
  readonly readFrame: (index: number) => Promise<Uint8Array>;
  readonly frameCount: number;
}

const words = {
  native: 'uncompressed',
  deflated: 'deflated',
  rle: 'RLE',
  jpeg: 'JPEG',
  'jpeg-ls': 'JPEG-LS',
  'jpeg-2000': 'JPEG 2000',
} as const;

/** @throws SONO_DICOM_SYNTAX, SONO_DICOM_PHOTOMETRIC, SONO_SOURCE_SIZE, SONO_SOURCE_MEMORY */
export async function createFrameDecoder(
  pixels: StoredPixels,
  { path, readFrame, frameCount }: FrameDecoderContext,
): Promise<FrameDecoder> {
  const coding = codingOf(pixels.transferSyntaxUid);
  if (coding === null || coding === 'video')
    throw dicomError('SONO_DICOM_SYNTAX', { path, syntax: syntaxInWords(pixels.transferSyntaxUid) });
  const unsupported = unsupportedPixels(pixels);
  if (unsupported !== null) throw dicomError('SONO_DICOM_PHOTOMETRIC', { path, photometric: unsupported });
  const size = squareSize(pixels);
  checkPictureSize(path, size);
  const samples = new SampleDecoder(pixels, coding);
  const isNative = coding === 'native';
  const found = await findGreyRange(pixels, frameCount, isNative, async (index) =>
    samples.decode(await readFrame(index)),
  );
  let grey: { readonly layout: SampleLayout; readonly toRgb: GreyToRgb } | null = null;
  const greyFor = (layout: SampleLayout): GreyToRgb => {
    if (grey === null || !isSame(grey.layout, layout)) {
      const toRgb = greyToRgb(pixels, layout, found.range);
      if (toRgb === null) throw paletteError(path);
      grey = { layout, toRgb };
    }
    return grey.toRgb;
  };
  const toRgb = (frame: DecodedFrame): Uint8Array =>
    frame.samples.perPixel === 3
      ? colourToRgb(frame.samples, frame.space, isNative)
      : greyFor(frame.samples.layout)(frame.samples);
  const isOblong = size.width !== pixels.size.width || size.height !== pixels.size.height;
  return {
    size,
    coding: [
      words[coding],
      pixels.photometric,
      ...(found.words === null ? [] : [found.words]),
      ...(isOblong
        ? [`pixels of ${pixels.pixelAspect?.horizontal}/${pixels.pixelAspect?.vertical} made square`]
        : []),
    ].join('; '),
    decode: async (stored) => resized(toRgb(await samples.decode(stored)), pixels.size, size),
    close: () => samples.close(),
  };
}

const isSame = (a: SampleLayout, b: SampleLayout): boolean =>
  a.bitsStored === b.bitsStored && a.shift === b.shift && a.signed === b.signed;

function paletteError(path: string): SonoError {
  return dicomError('SONO_DICOM_PHOTOMETRIC', { path, photometric: 'PALETTE COLOR without a palette' });
}

/** What no frame of the file can be shown for, in words; null: nothing. */
function unsupportedPixels(pixels: StoredPixels): string | null {
  const { photometric, samplesPerPixel, bitsAllocated, pixelVr, palette } = pixels;
  const named = `${photometric || 'unnamed'}, ${samplesPerPixel} samples of ${bitsAllocated} bits`;
  if (pixelVr === 'OF' || pixelVr === 'OD') return `${named}, as floating-point numbers`;
  if (samplesPerPixel === 3)
    return colourSpaceOf(photometric) === null || (bitsAllocated !== 8 && bitsAllocated !== 16)
      ? named
      : null;
  if (photometric === 'PALETTE COLOR') return palette === null ? 'PALETTE COLOR without a palette' : null;
  return photometric === 'MONOCHROME1' || photometric === 'MONOCHROME2' ? null : named;
}
