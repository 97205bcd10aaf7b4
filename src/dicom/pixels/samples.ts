/** A frame's samples as numbers, whatever bytes they came in. Pure. DICOM PS3.5 section 8.1, PS3.3 C.7.6.3.1. */
import type { StoredPixels } from '../image.js';
import { DamagedFrame } from './damaged-frame.js';

/** Containers of samples, pixel by pixel. */
export interface Samples {
  /** Unsigned: bits above and below the stored ones are still there. */
  readonly values: Uint8Array | Uint16Array | Uint32Array;
  readonly perPixel: 1 | 3;
  readonly layout: SampleLayout;
}

/** Where in a container the value lies. */
export interface SampleLayout {
  readonly bitsStored: number;
  /** Bits of the container below the value. */
  readonly shift: number;
  readonly signed: boolean;
}

export function layoutOf({ bitsStored, highBit, signed }: StoredPixels): SampleLayout {
  return { bitsStored, shift: highBit + 1 - bitsStored, signed };
}

/** The value in a container; overlays and other bits around it are left out. */
export function valueOf(container: number, { bitsStored, shift, signed }: SampleLayout): number {
  const size = 2 ** bitsStored;
  const value = Math.floor(container / 2 ** shift) % size;
  return signed && value >= size / 2 ? value - size : value;
}

/**
 * @param stored bytes of one uncompressed frame; not changed
 * @throws DamagedFrame when there are too few
 */
export function nativeSamples(stored: Uint8Array, pixels: StoredPixels): Samples {
  const { size, samplesPerPixel, bitsAllocated, planar, bigEndian } = pixels;
  const count = size.width * size.height;
  const bytes = Math.ceil((count * samplesPerPixel * bitsAllocated) / 8);
  const layout = layoutOf(pixels);
  if (isShared422(stored, pixels))
    return { values: spread422(stored, count, size.width), perPixel: 3, layout };
  if (stored.length < bytes) throw new DamagedFrame(`${stored.length} bytes, ${bytes} needed`);
  if (bitsAllocated === 1) return { values: singleBits(stored, count), perPixel: 1, layout };
  const bytesPerSample = bitsAllocated / 8;
  const whole = stored.subarray(0, bytes);
  const values = containers(
    bigEndian && bytesPerSample > 1 ? swapped(whole, bytesPerSample) : whole,
    bytesPerSample,
  );
  return {
    values: samplesPerPixel === 3 && planar ? interleaved(values, count) : values,
    perPixel: samplesPerPixel,
    layout,
  };
}

/** Little-endian bytes as numbers; a copy where they are not aligned. */
export function containers(bytes: Uint8Array, bytesPerSample: number): Samples['values'] {
  if (bytesPerSample === 1) return bytes;
  const aligned = bytes.byteOffset % bytesPerSample === 0 ? bytes : Uint8Array.from(bytes);
  const count = Math.floor(aligned.length / bytesPerSample);
  return bytesPerSample === 2
    ? new Uint16Array(aligned.buffer, aligned.byteOffset, count)
    : new Uint32Array(aligned.buffer, aligned.byteOffset, count);
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  for (let at = 0; at + width <= out.length; at += width) out.subarray(at, at + width).reverse();
  return out;
}

/** Planes become pixels, in memory of their own (a Buffer's `slice` would not be). */
export function interleaved(planes: Samples['values'], count: number): Samples['values'] {
  const out =
    planes instanceof Uint8Array
      ? new Uint8Array(3 * count)
      : planes instanceof Uint16Array
        ? new Uint16Array(3 * count)
        : new Uint32Array(3 * count);
  for (let plane = 0; plane < 3; plane += 1)
    for (let i = 0; i < count; i += 1) out[3 * i + plane] = planes[plane * count + i] ?? 0;
  return out;
}

/** Two pixels share their chroma, unless there are three bytes for each pixel in spite of the name. */
function isShared422(
  stored: Uint8Array,
  { size, photometric, bitsAllocated, samplesPerPixel }: StoredPixels,
): boolean {
  const pixels = size.width * size.height;
  return (
    samplesPerPixel === 3 &&
    bitsAllocated === 8 &&
    /^YBR_(FULL|PARTIAL)_422$/.test(photometric) &&
    stored.length >= pixels * 2 &&
    stored.length < pixels * 3
  );
}

/** Y Y Cb Cr per pair of pixels (PS3.3 C.7.6.3.1.2); a row of odd length ends in half a pair. */
function spread422(stored: Uint8Array, count: number, width: number): Uint8Array {
  const isRowwise = width % 2 === 1 && stored.length >= (count / width) * (width + 1) * 2;
  const out = new Uint8Array(count * 3);
  for (let i = 0; i < count; i += 1) {
    const row = Math.floor(i / width);
    const k = isRowwise ? row * (width + 1) + (i - row * width) : i;
    const pair = (k >> 1) * 4;
    out[3 * i] = stored[pair + (k & 1)] ?? 0;
    out[3 * i + 1] = stored[pair + 2] ?? 0;
    out[3 * i + 2] = stored[pair + 3] ?? 0;
  }
  return out;
}

/** One bit each, the first in the lowest bit of a byte (PS3.5 section 8.1.1). */
function singleBits(bytes: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1);
}
