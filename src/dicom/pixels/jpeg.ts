/** JPEG: which colours it really has, and the 8-bit lossy kind by libjpeg-turbo in sharp. DICOM PS3.5 A.4.1, ITU-T T.871. */
import sharp from 'sharp';
import { colourSpaceOf, type ColourSpace } from './colour.js';
import { withJpegEnd, type JpegStream } from './codestream.js';
import { DamagedFrame } from './damaged-frame.js';

/**
 * Colours by what the bytes are, the header last: subsampled components are never RGB; then the markers of Adobe and JFIF; then
 * components named R, G, B; then the photometric interpretation. Lossless writers add a JFIF marker to anything, so it does not count there.
 */
export function jpegColours(stream: JpegStream, photometric: string): 'rgb' | 'ybr-full' {
  if (stream.isSubsampled) return 'ybr-full';
  if (stream.adobeTransform !== null) return stream.adobeTransform === 0 ? 'rgb' : 'ybr-full';
  if (stream.hasJfif && !stream.isLossless) return 'ybr-full';
  if (String.fromCharCode(...stream.componentIds) === 'RGB') return 'rgb';
  const named: ColourSpace | null = colourSpaceOf(photometric);
  if (named !== null) return named === 'rgb' ? 'rgb' : 'ybr-full';
  return stream.isLossless ? 'rgb' : 'ybr-full';
}

/**
 * @param colours of three components
 * @returns 8-bit samples, RGB or grey, pixel by pixel
 * @throws DamagedFrame
 */
export async function decodeLossyJpeg(
  jpeg: Uint8Array,
  stream: JpegStream,
  colours: 'rgb' | 'ybr-full',
): Promise<Uint8Array> {
  const isColour = stream.components === 3;
  const { data, info } = await sharp(withJpegEnd(isColour ? withColours(jpeg, stream, colours) : jpeg), {
    failOn: 'error',
    limitInputPixels: stream.size.width * stream.size.height,
  })
    .toColourspace(isColour ? 'srgb' : 'b-w')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw new DamagedFrame(String(error));
    });
  if (info.channels !== stream.components) throw new DamagedFrame(`${info.channels} components decoded`);
  return data;
}

/** libjpeg goes by markers alone: where they do not say what the colours are, they are replaced by one that does. */
function withColours(jpeg: Uint8Array, stream: JpegStream, colours: 'rgb' | 'ybr-full'): Uint8Array {
  const ids = String.fromCharCode(...stream.componentIds);
  const libjpegs = stream.hasJfif
    ? 'ybr-full'
    : stream.adobeTransform === null
      ? ids === 'RGB'
        ? 'rgb'
        : 'ybr-full'
      : stream.adobeTransform === 0
        ? 'rgb'
        : 'ybr-full';
  if (libjpegs === colours) return jpeg;
  const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0];
  const parts: Uint8Array[] = [jpeg.subarray(0, 2), Uint8Array.of(...adobe, colours === 'rgb' ? 0 : 1)];
  let at = 2;
  for (const [start, end] of stream.colourMarkers) {
    parts.push(jpeg.subarray(at, start));
    at = end;
  }
  return Buffer.concat([...parts, jpeg.subarray(at)]);
}
