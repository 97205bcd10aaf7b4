/** A DICOM cine as a source: frames decoded on demand. Child process; JPEG by sharp. */
import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { SonoError } from '../../vocabulary/errors.js';
import { ingestError } from '../errors.js';
import { checkFileBytes } from '../memory-limits.js';
import type { FrameProducer } from '../producer.js';
import { parseCine, type DicomCine } from './cine.js';
import { decodeRle, toRgb, withColourMarker } from './pixels.js';

/** @throws the codes of parseCine, and SONO_DICOM_DAMAGED when the first frame cannot be decoded */
export async function createDicomProducer(path: string): Promise<FrameProducer> {
  const missing = (error: unknown): never => {
    throw ingestError('SONO_SOURCE_MISSING', { path }, error);
  };
  checkFileBytes(path, (await stat(path).catch(missing)).size);
  const bytes = await readFile(path).catch(missing);
  const cine = parseCine(bytes, path);
  const decode = (index: number): Promise<Uint8Array> =>
    decodeFrame(cine, index).catch((error: unknown) => {
      throw error instanceof SonoError ? error : ingestError('SONO_DICOM_DAMAGED', { path }, error);
    });
  await decode(0);
  return {
    size: cine.format.size,
    pixelFormat: 'RGB',
    framesPerSecond: cine.framesPerSecond,
    pixelSpacingMm: cine.pixelSpacingMm,
    frameCount: cine.frameCount,
    description: cine.description,
    mediaNs: (index) => cine.mediaNs[index] ?? 0,
    frame: decode,
  };
}

async function decodeFrame(cine: DicomCine, index: number): Promise<Uint8Array> {
  const { format } = cine;
  const stored = cine.frameBytes(index);
  switch (cine.coding) {
    case 'native':
      return toRgb(stored, format);
    case 'rle':
      return toRgb(decodeRle(stored, format), { ...format, planar: true, bigEndian: false });
    case 'jpeg':
      return decodeJpeg(stored, cine);
  }
}

async function decodeJpeg(stored: Uint8Array, { format }: DicomCine): Promise<Uint8Array> {
  const colour = format.samplesPerPixel === 3;
  const jpeg = colour ? withColourMarker(stored, format.photometric) : stored;
  const { data, info } = await sharp(jpeg, {
    failOn: 'error',
    // A picture larger than the header says would be refused below, after its memory had been taken.
    limitInputPixels: format.size.width * format.size.height,
  })
    .toColourspace(colour ? 'srgb' : 'b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== format.size.width || info.height !== format.size.height)
    throw new Error(`frame of ${info.width} × ${info.height}`);
  if (info.channels === 3) return data;
  // Grey: through the same window, inversion or palette as uncompressed samples.
  return toRgb(data, { ...format, bitsAllocated: 8, bitsStored: 8, signed: false, samplesPerPixel: 1 });
}
