/**
 * What a compressed picture says of itself, read before a codec sees it: nothing larger than the header promises is decoded. Pure.
 * ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annex A (JPEG 2000 and, the same, HTJ2K).
 */
import type { PictureSize } from '../../vocabulary/frame.js';
import { DamagedFrame } from './damaged-frame.js';

export interface Codestream {
  readonly size: PictureSize;
  readonly components: number;
  /** Bits of one sample. */
  readonly bits: number;
}

export interface JpegStream extends Codestream {
  /** Without loss (SOF3) or JPEG-LS (SOF55). */
  readonly isLossless: boolean;
  readonly isJpegLs: boolean;
  readonly isSubsampled: boolean;
  readonly componentIds: readonly number[];
  readonly hasJfif: boolean;
  /** Colour transform of an Adobe marker: 0 none, 1 YCbCr, 2 YCCK; null: no such marker. */
  readonly adobeTransform: number | null;
  /** Colour markers, as [start, end). */
  readonly colourMarkers: readonly (readonly [number, number])[];
}

const startOfImage = 0xffd8;
const startOfScan = 0xda;
/** SOF0 to SOF15 without DHT, JPG and DAC, and SOF55 of JPEG-LS. */
const isFrameHeader = (marker: number): boolean =>
  (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) ||
  marker === 0xf7;

/** @throws DamagedFrame where there is no frame header */
export function readJpegHeader(jpeg: Uint8Array): JpegStream {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  if (jpeg.length < 4 || view.getUint16(0) !== startOfImage) throw new DamagedFrame('not a JPEG');
  const colourMarkers: [number, number][] = [];
  let frame: Pick<
    JpegStream,
    'size' | 'components' | 'bits' | 'isLossless' | 'isJpegLs' | 'isSubsampled' | 'componentIds'
  > | null = null;
  let hasJfif = false;
  let adobeTransform: number | null = null;
  let at = 2;
  while (at + 4 <= jpeg.length) {
    const marker = jpeg[at + 1] ?? 0;
    if (jpeg[at] !== 0xff) throw new DamagedFrame(`no marker at byte ${at}`);
    // Fill bytes.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === startOfScan) break;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > jpeg.length) break;
    const name = String.fromCharCode(...jpeg.subarray(at + 4, at + 9));
    if (marker === 0xe0 && name.startsWith('JFIF')) {
      hasJfif = true;
      colourMarkers.push([at, end]);
    } else if (marker === 0xee && name === 'Adobe' && end - at >= 16) {
      adobeTransform = jpeg[at + 15] ?? null;
      colourMarkers.push([at, end]);
    } else if (isFrameHeader(marker)) frame = readFrameHeader(jpeg.subarray(at + 4, end), marker);
    at = end;
  }
  if (frame === null) throw new DamagedFrame('a JPEG without frame header');
  return { ...frame, hasJfif, adobeTransform, colourMarkers };
}

function readFrameHeader(
  header: Uint8Array,
  marker: number,
): Pick<
  JpegStream,
  'size' | 'components' | 'bits' | 'isLossless' | 'isJpegLs' | 'isSubsampled' | 'componentIds'
> {
  const components = header[5] ?? 0;
  if (header.length < 6 + 3 * components) throw new DamagedFrame('a JPEG frame header that is cut off');
  const each = Array.from({ length: components }, (_, i) => ({
    id: header[6 + 3 * i] ?? 0,
    sampling: header[7 + 3 * i] ?? 0,
  }));
  return {
    bits: header[0] ?? 0,
    size: {
      height: ((header[1] ?? 0) << 8) | (header[2] ?? 0),
      width: ((header[3] ?? 0) << 8) | (header[4] ?? 0),
    },
    components,
    isLossless: marker === 0xc3 || marker === 0xf7,
    isJpegLs: marker === 0xf7,
    isSubsampled: each.some(({ sampling }) => sampling !== each[0]?.sampling),
    componentIds: each.map(({ id }) => id),
  };
}

/** Some writers leave the end marker out, without which decoders take a picture for cut off. */
export function withJpegEnd(jpeg: Uint8Array): Uint8Array {
  const end = jpeg.subarray(-4);
  const isThere = [0, 1, 2].some((i) => end[i] === 0xff && end[i + 1] === 0xd9);
  return isThere ? jpeg : Buffer.concat([jpeg, Uint8Array.of(0xff, 0xd9)]);
}

export function hasJpegEnd(jpeg: Uint8Array): boolean {
  return withJpegEnd(jpeg) === jpeg;
}

interface Jpeg2000Stream extends Codestream {
  readonly signed: boolean;
  /** The components are transformed (RCT or ICT): what the codec puts out is RGB. */
  readonly isTransformed: boolean;
}

const startOfCodestream = [0xff, 0x4f, 0xff, 0x51] as const;

/**
 * The codestream may be bare or, against the rules, in the boxes of a JP2 file.
 * @throws DamagedFrame where there is none, or its components differ from each other
 */
export function readJpeg2000Header(stream: Uint8Array): Jpeg2000Stream {
  const at = Buffer.from(stream.buffer, stream.byteOffset, Math.min(stream.length, 65_536)).indexOf(
    Buffer.from(startOfCodestream),
  );
  if (at < 0 || at + 42 > stream.length) throw new DamagedFrame('not a JPEG 2000 codestream');
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const siz = at + 4;
  const components = view.getUint16(siz + 36);
  const next = siz + view.getUint16(siz);
  if (next > stream.length || next < siz + 38 + 3 * components)
    throw new DamagedFrame('a JPEG 2000 header that is cut off');
  const precision = stream[siz + 38] ?? 0;
  for (let i = 0; i < components; i += 1) {
    const [ssiz, x, y] = stream.subarray(siz + 38 + 3 * i, siz + 41 + 3 * i);
    if (ssiz !== precision || x !== 1 || y !== 1)
      throw new DamagedFrame('JPEG 2000 components of different kinds');
  }
  return {
    size: {
      width: view.getUint32(siz + 4) - view.getUint32(siz + 12),
      height: view.getUint32(siz + 8) - view.getUint32(siz + 16),
    },
    components,
    bits: (precision & 127) + 1,
    signed: precision > 127,
    isTransformed: readTransform(stream, view, next),
  };
}

/** The multiple component transformation of the first COD marker segment. */
function readTransform(stream: Uint8Array, view: DataView, from: number): boolean {
  let at = from;
  while (at + 9 <= stream.length && stream[at] === 0xff && stream[at + 1] !== 0x90) {
    if (stream[at + 1] === 0x52) return stream[at + 8] === 1;
    at += 2 + view.getUint16(at + 2);
  }
  return false;
}
