/**
 * A mask file as numbers, whatever wrote it: PNG, TIFF, JPEG, WebP, GIF; 1 to 32 bits; grey, palette or colours. What the
 * numbers mean is decided by who asks. Every place that reads a mask reads it here. Runs in any Node thread.
 */
import { decodeLabelPng, isPng } from './label-png.js';

/** Larger pictures are no masks: a header may claim more than the machine has. */
const mostPixels = 100_000_000;

/** How far apart red, green and blue of a grey pixel may be after JPEG. */
const jpegColourNoise = 40;

export interface LabelPicture {
  readonly width: number;
  readonly height: number;
  /**
   * - `indexed`: palette indices
   * - `grey`: grey levels as stored, never scaled (1-bit TIFFs have 0 and 255)
   * - `colour`: 0xRRGGBB; only where a pixel is not grey
   */
  readonly kind: 'indexed' | 'grey' | 'colour';
  /** Row-major, one number per pixel. Fully transparent pixels are 0. */
  readonly values: Uint8Array | Uint16Array | Uint32Array;
  /** The largest grey of the file's kind: 1, 3, 15, 255 or 65535. */
  readonly white: number;
  /** Red, green, blue of each index where there are indices, else null. */
  readonly palette: Uint8Array | null;
  /** JPEG and its like: the values are near those that were drawn, not the same. */
  readonly lossy: boolean;
}

/**
 * Reads the bytes of a mask file. Turned as its EXIF orientation says; colour profiles are not applied, because the values
 * are labels, not light. Throws RangeError, in words that complete "… cannot be read: ", and sharp's errors.
 */
export async function readLabelPicture(file: Uint8Array): Promise<LabelPicture> {
  if (isPng(file)) {
    const png = await decodeLabelPng(file);
    if (png !== null)
      return {
        width: png.width,
        height: png.height,
        kind: png.indexed ? 'indexed' : 'grey',
        values: png.data,
        palette: png.palette,
        white: 2 ** png.depth - 1,
        lossy: false,
      };
  }
  const { width, height, data, channels, white, lossy } = await decode(file);
  const values = new Uint32Array(width * height);
  const alpha = channels === 2 || channels === 4;
  const colours = channels - (alpha ? 1 : 0);
  // A grey picture stored as a colour JPEG has traces of colour.
  const tolerance = lossy ? jpegColourNoise : 0;
  let grey = true;
  for (let pixel = 0, at = 0; pixel < values.length; pixel++, at += channels) {
    if (alpha && data[at + colours] === 0) continue;
    const first = data[at] as number;
    if (colours === 3) {
      const [second, third] = [data[at + 1] as number, data[at + 2] as number];
      const most = Math.max(first, second, third);
      if (most - Math.min(first, second, third) > tolerance) grey = false;
      values[pixel] = tolerance === 0 ? first : second;
    } else values[pixel] = first;
  }
  if (grey) {
    const narrow = white === 255 ? Uint8Array.from(values) : Uint16Array.from(values);
    return { width, height, kind: 'grey', values: narrow, palette: null, white, lossy };
  }
  if (white !== 255) throw new RangeError('its colours have more than eight bits');
  for (let pixel = 0, at = 0; pixel < values.length; pixel++, at += channels)
    values[pixel] =
      alpha && data[at + colours] === 0
        ? 0
        : ((data[at] as number) << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number);
  return { width, height, kind: 'colour', values, palette: null, white, lossy };
}

/** The colours of a mask, 0xRRGGBB per pixel, those of a palette included. Throws like `readLabelPicture`. */
export async function readLabelColours(file: Uint8Array): Promise<LabelPicture> {
  const { width, height, data, channels, white, lossy } = await decode(file);
  if (white !== 255) throw new RangeError('its colours have more than eight bits');
  const values = new Uint32Array(width * height);
  for (let pixel = 0, at = 0; pixel < values.length; pixel++, at += channels) {
    if (channels % 2 === 0 && data[at + channels - 1] === 0) continue;
    const red = data[at] as number;
    values[pixel] =
      channels < 3
        ? red * 0x010101
        : (red << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number);
  }
  return { width, height, kind: 'colour', values, palette: null, white, lossy };
}

interface Decoded {
  readonly width: number;
  readonly height: number;
  /** Row-major, `channels` numbers per pixel; of four or two, the last is transparency. */
  readonly data: Uint8Array | Uint16Array | Float64Array;
  readonly channels: number;
  readonly white: number;
  readonly lossy: boolean;
}

async function decode(file: Uint8Array): Promise<Decoded> {
  const { default: sharp } = await import('sharp');
  const options = { limitInputPixels: mostPixels, ignoreIcc: true } as const;
  const { format, depth, pages = 1, space } = await sharp(file, options).metadata();
  if (pages > 1) throw new RangeError(`it holds ${pages} pictures`);
  const lossy = isLossy(file, format);
  const picture = sharp(file, options).autoOrient();
  switch (depth) {
    case 'uchar': {
      const { data, info } = await picture
        .toColourspace('srgb')
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      return { ...info, data, white: 255, lossy };
    }
    case 'ushort': {
      const { data, info } = await picture
        .toColourspace(space === 'grey16' ? 'grey16' : 'rgb16')
        .raw({ depth: 'ushort' })
        .toBuffer({ resolveWithObject: true });
      return {
        ...info,
        data: new Uint16Array(Uint8Array.from(data).buffer),
        white: 65535,
        lossy,
      };
    }
    default: {
      // TIFF of 32 bits or of fractions, as scikit-image and ITK write them: the numbers themselves, no colour space.
      const { data, info } = await picture.raw({ depth: 'double' }).toBuffer({ resolveWithObject: true });
      const numbers = new Float64Array(Uint8Array.from(data).buffer);
      const odd = numbers.find((value) => !Number.isInteger(value) || value < 0 || value > 65535);
      if (odd !== undefined)
        throw new RangeError(`it holds the value ${odd}; labels are whole numbers from 0 to 65535`);
      return { ...info, data: numbers, white: 65535, lossy };
    }
  }
}

function isLossy(file: Uint8Array, format: string): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  switch (format) {
    case 'jpeg':
    case 'heif':
      return true;
    case 'webp':
      return !isLosslessWebp(bytes);
    case 'tiff':
      return isJpegTiff(bytes);
    default:
      return false;
  }
}

/** A RIFF file whose picture is in the chunk "VP8L", alone or behind an extended header. */
function isLosslessWebp(bytes: Buffer): boolean {
  for (let at = 12; at + 8 <= bytes.length;) {
    const type = bytes.toString('latin1', at, at + 4);
    if (type === 'VP8L') return true;
    if (type === 'VP8 ') return false;
    const length = bytes.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
  }
  return false;
}

/** Values of a TIFF's tag 259 (compression): old and new JPEG, WebP. */
const lossyCompressions: readonly number[] = [6, 7, 50001];

function isJpegTiff(bytes: Buffer): boolean {
  const little = bytes[0] === 0x49;
  const number16 = (at: number): number =>
    at + 2 > bytes.length ? 0 : little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  if (bytes.length < 8 || number16(2) !== 42) return false;
  const directory = little ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
  for (let entry = 0; entry < number16(directory); entry++) {
    const at = directory + 2 + 12 * entry;
    if (number16(at) === 259) return lossyCompressions.includes(number16(at + 8));
  }
  return false;
}
