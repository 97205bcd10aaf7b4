/** Stored DICOM samples to RGB. Pure. DICOM PS3.3 C.7.6.3.1.2 (colour spaces), PS3.5 annex G (RLE). */
import { nativeFrameBytes, type PixelFormat } from './cine.js';

/** Thrown when a frame's bytes do not hold what the header promises. */
class PixelDataError extends Error {}

/**
 * @param stored samples as the format describes them
 * @returns uint8 RGB, height × width × 3
 */
export function toRgb(stored: Uint8Array, format: PixelFormat): Uint8Array {
  if (stored.length < nativeFrameBytes(format))
    throw new PixelDataError(`${stored.length} bytes, ${nativeFrameBytes(format)} needed`);
  switch (format.photometric) {
    case 'MONOCHROME1':
    case 'MONOCHROME2':
      return greyToRgb(stored, format);
    case 'PALETTE COLOR':
      return paletteToRgb(stored, format);
    case 'RGB':
      return interleave(stored, format);
    case 'YBR_FULL':
      return ybrToRgb(interleave(stored, format));
    case 'YBR_FULL_422':
      return ybrToRgb(spread422(stored, format));
  }
}

function samples(stored: Uint8Array, format: PixelFormat): (index: number) => number {
  const mask = 2 ** format.bitsStored - 1;
  const sign = 2 ** (format.bitsStored - 1);
  const plain = (index: number): number => {
    if (format.bitsAllocated === 8) return stored[index] ?? 0;
    const a = stored[2 * index] ?? 0;
    const b = stored[2 * index + 1] ?? 0;
    return format.bigEndian ? (a << 8) | b : (b << 8) | a;
  };
  if (!format.signed) return (index) => plain(index) & mask;
  return (index) => {
    const value = plain(index) & mask;
    return value >= sign ? value - 2 * sign : value;
  };
}

function greyToRgb(stored: Uint8Array, format: PixelFormat): Uint8Array {
  const count = format.size.width * format.size.height;
  const sample = samples(stored, format);
  const { slope, intercept } = format.rescale;
  let { low, high } = format.window ?? { low: 0, high: 255 };
  if (format.window === null && (format.bitsAllocated === 16 || format.signed)) {
    low = Infinity;
    high = -Infinity;
    for (let i = 0; i < count; i += 1) {
      const value = sample(i) * slope + intercept;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  const span = high > low ? 255 / (high - low) : 255;
  const invert = format.photometric === 'MONOCHROME1';
  const rgb = new Uint8Array(count * 3);
  for (let i = 0; i < count; i += 1) {
    const shown = Math.max(0, Math.min(255, Math.round((sample(i) * slope + intercept - low) * span)));
    rgb.fill(invert ? 255 - shown : shown, 3 * i, 3 * i + 3);
  }
  return rgb;
}

function paletteToRgb(stored: Uint8Array, format: PixelFormat): Uint8Array {
  const { palette } = format;
  if (palette === null) throw new PixelDataError('no palette');
  const count = format.size.width * format.size.height;
  const sample = samples(stored, format);
  const rgb = new Uint8Array(count * 3);
  for (let i = 0; i < count; i += 1) {
    const entry = Math.max(0, Math.min(palette.red.length - 1, sample(i) - palette.first));
    rgb[3 * i] = palette.red[entry] ?? 0;
    rgb[3 * i + 1] = palette.green[entry] ?? 0;
    rgb[3 * i + 2] = palette.blue[entry] ?? 0;
  }
  return rgb;
}

/** Planes become pixels; what is pixels already is returned as it is. */
function interleave(stored: Uint8Array, format: PixelFormat): Uint8Array {
  const count = format.size.width * format.size.height;
  if (!format.planar) return stored.slice(0, count * 3);
  const out = new Uint8Array(count * 3);
  for (let plane = 0; plane < 3; plane += 1)
    for (let i = 0; i < count; i += 1) out[3 * i + plane] = stored[plane * count + i] ?? 0;
  return out;
}

/** Y Y Cb Cr per pair of pixels. */
function spread422(stored: Uint8Array, format: PixelFormat): Uint8Array {
  const count = format.size.width * format.size.height;
  const out = new Uint8Array(count * 3);
  for (let i = 0; i < count; i += 1) {
    const pair = (i >> 1) * 4;
    out[3 * i] = stored[pair + (i & 1)] ?? 0;
    out[3 * i + 1] = stored[pair + 2] ?? 0;
    out[3 * i + 2] = stored[pair + 3] ?? 0;
  }
  return out;
}

/** Full-range BT.601, in place. */
function ybrToRgb(pixels: Uint8Array): Uint8Array {
  const clamp = (value: number): number => Math.max(0, Math.min(255, Math.round(value)));
  for (let i = 0; i < pixels.length; i += 3) {
    const y = pixels[i] ?? 0;
    const cb = (pixels[i + 1] ?? 0) - 128;
    const cr = (pixels[i + 2] ?? 0) - 128;
    pixels[i] = clamp(y + 1.402 * cr);
    pixels[i + 1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
    pixels[i + 2] = clamp(y + 1.772 * cb);
  }
  return pixels;
}

/**
 * RLE: up to 15 PackBits segments, one per byte plane, most significant first, colour planes one after the other.
 * @returns samples in planes as `format` with `planar` true and little-endian would hold them
 */
export function decodeRle(frame: Uint8Array, format: PixelFormat): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const bytesPerSample = format.bitsAllocated / 8;
  const wanted = format.samplesPerPixel * bytesPerSample;
  const count = format.size.width * format.size.height;
  if (frame.length < 64 || view.getUint32(0, true) !== wanted)
    throw new PixelDataError(`RLE frame without ${wanted} segments`);
  const out = new Uint8Array(count * wanted);
  for (let segment = 0; segment < wanted; segment += 1) {
    const start = view.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < wanted ? view.getUint32(8 + 4 * segment, true) : frame.length;
    const plane = unpackBits(frame.subarray(start, end), count);
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    for (let i = 0; i < count; i += 1) out[(sample * count + i) * bytesPerSample + byte] = plane[i] ?? 0;
  }
  return out;
}

function unpackBits(packed: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count);
  let at = 0;
  let filled = 0;
  while (filled < count && at < packed.length) {
    const head = packed[at] ?? 0;
    at += 1;
    if (head < 128) {
      const run = packed.subarray(at, at + head + 1);
      out.set(run.subarray(0, count - filled), filled);
      at += head + 1;
      filled += run.length;
    } else if (head > 128) {
      out.fill(packed[at] ?? 0, filled, filled + 257 - head);
      at += 1;
      filled += 257 - head;
    }
  }
  if (filled < count) throw new PixelDataError('RLE segment too short');
  return out;
}

/**
 * A JPEG that says its colour space: without a JFIF or Adobe marker decoders guess, while DICOM knows. Adds an
 * Adobe marker (transform 0 for RGB, 1 for YBR) to a three-component file that has neither.
 */
export function withColourMarker(jpeg: Uint8Array, photometric: PixelFormat['photometric']): Uint8Array {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return jpeg;
  let at = 2;
  while (at + 4 <= jpeg.length && jpeg[at] === 0xff) {
    const marker = jpeg[at + 1];
    const length = ((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 0);
    const name = String.fromCharCode(...jpeg.subarray(at + 4, at + 9));
    if ((marker === 0xe0 && name.startsWith('JFIF')) || (marker === 0xee && name === 'Adobe')) return jpeg;
    if (marker === 0xda) break;
    at += 2 + length;
  }
  const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0];
  const out = new Uint8Array(jpeg.length + 16);
  out.set(jpeg.subarray(0, 2));
  out.set([...adobe, photometric === 'RGB' ? 0 : 1], 2);
  out.set(jpeg.subarray(2), 18);
  return out;
}
