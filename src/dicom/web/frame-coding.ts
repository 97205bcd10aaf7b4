/**
 * How a frame is coded that came alone, by what the archive calls it and by what it is: PS3.18 section 8.7.3 gives each media type a
 * default transfer syntax, and many archives name neither or a wrong one. Pure.
 */
import { readJpegHeader } from '../pixels/codestream.js';
import { DamagedFrame } from '../pixels/damaged-frame.js';

/** Uncompressed, little endian. */
export const nativeCoding = '1.2.840.10008.1.2.1';
const nativeSyntaxes = new Set(['1.2.840.10008.1.2', nativeCoding, '1.2.840.10008.1.2.1.99']);

/** Defaults of PS3.18 tables 8.7.3-2 to 8.7.3-5, with names of earlier editions. */
const byMediaType: Readonly<Record<string, string>> = {
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/x-dicom-rle': '1.2.840.10008.1.2.5',
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/x-jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/j2c': '1.2.840.10008.1.2.4.90',
  'image/jpx': '1.2.840.10008.1.2.4.92',
  'image/jphc': '1.2.840.10008.1.2.4.201',
  'image/jxl': '1.2.840.10008.1.2.4.110',
};

/**
 * @param mediaType in small letters, '' where it is not said
 * @param named transfer syntax beside it, '' where it is not said
 * @param nativeBytes of an uncompressed frame, as the description has it
 * @returns a transfer syntax UID, `nativeCoding` for every uncompressed one; null for what is no frame of an object
 */
export function frameCoding(
  mediaType: string,
  named: string,
  bytes: Uint8Array,
  nativeBytes: readonly number[],
): string | null {
  const isOpaque = mediaType === '' || mediaType === 'application/octet-stream';
  if (!isOpaque && mediaType !== 'image/jpeg' && !Object.hasOwn(byMediaType, mediaType)) return null;
  const seen = byBytes(bytes);
  const said = /^[0-9.]+$/.test(named) ? named : (byMediaType[mediaType] ?? '');
  // Samples that look like the beginning of a picture are told by how many they are.
  const isNative = nativeBytes.includes(bytes.length) && (isOpaque || seen === null);
  if (said === '' || nativeSyntaxes.has(said)) return isNative ? nativeCoding : seen;
  // What was stored, said of what was unpacked.
  if (isNative && seen === null && said.startsWith('1.2.840.10008.1.2.4.')) return nativeCoding;
  // Big endian would need another header.
  if (said === '1.2.840.10008.1.2.2') return null;
  return said;
}

/** By the bytes that compressed pictures begin with; null where they say nothing. */
function byBytes(bytes: Uint8Array): string | null {
  const begins = (...head: readonly number[]): boolean => head.every((byte, i) => bytes[i] === byte);
  if (begins(0xff, 0x4f, 0xff, 0x51) || begins(0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20))
    return '1.2.840.10008.1.2.4.90';
  if (begins(bytes[0] ?? 0, 0, 0, 0, 64, 0, 0, 0) && bytes[0] !== 0 && (bytes[0] ?? 0) <= 15)
    return '1.2.840.10008.1.2.5';
  if (!begins(0xff, 0xd8, 0xff)) return null;
  try {
    const { isLossless, isJpegLs, bits } = readJpegHeader(bytes);
    if (isJpegLs) return '1.2.840.10008.1.2.4.80';
    if (isLossless) return '1.2.840.10008.1.2.4.70';
    return bits === 8 ? '1.2.840.10008.1.2.4.50' : '1.2.840.10008.1.2.4.51';
  } catch (error) {
    if (error instanceof DamagedFrame) return '1.2.840.10008.1.2.4.50';
    throw error;
  }
}

/** Share of the points by which colours are told, at least. */
const fewestTelling = 0.02;
/** So many times more points must speak for one than for the other. */
const clearly = 8;

/**
 * Colours of an uncompressed frame that was a JPEG in the archive: unpacking makes RGB of it, or leaves it as it is, and no answer says
 * which. Most of an ultrasound or endoscopy picture's surroundings have no colour, and where that lies differs: at three equal samples,
 * or at two of 128.
 * @param samples three of each point, eight bits
 * @returns null where the picture does not tell
 */
export function coloursOf(samples: Uint8Array): 'RGB' | 'YBR_FULL' | null {
  let rgb = 0;
  let ybr = 0;
  const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= 3;
  for (let at = 0; at + 2 < samples.length; at += 3) {
    const [a = 0, b = 0, c = 0] = [samples[at], samples[at + 1], samples[at + 2]];
    const isRgbGrey = isNear(a, b) && isNear(b, c);
    const isYbrGrey = isNear(b, 128) && isNear(c, 128);
    if (isRgbGrey && !isYbrGrey) rgb += 1;
    if (isYbrGrey && !isRgbGrey) ybr += 1;
  }
  const points = samples.length / 3;
  if (rgb > fewestTelling * points && rgb > clearly * ybr) return 'RGB';
  if (ybr > fewestTelling * points && ybr > clearly * rgb) return 'YBR_FULL';
  return null;
}
