/**
 * Several compressed frames in one fragment, or frames divided between fragments anywhere (against PS3.5 annex A.4, but written): where
 * each frame ends is what its own markers say. Child process of a source: the bytes are looked through, a window at a time.
 * ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS), T.800 annex A (JPEG 2000, HTJ2K), PS3.5 annex G (RLE).
 */
import type { ByteRange, ByteSource } from './byte-source.js';
import type { StoredPixels } from './image.js';
import { codingOf } from './pixels/coding.js';

const windowBytes = 1024 * 1024;
/** Bytes that are looked through before others may do something. */
const bytesAtOnce = 8 * windowBytes;

/** The bytes of fragments one after the other; 0 behind the end. */
class Joined {
  readonly length: number;
  /** Where each fragment begins among these bytes. */
  readonly #starts: number[] = [];
  #window: Uint8Array = new Uint8Array(0);
  #from = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly fragments: readonly ByteRange[],
  ) {
    let length = 0;
    for (const fragment of fragments) {
      this.#starts.push(length);
      length += fragment.length;
    }
    this.length = length;
  }

  byte(at: number): number {
    const inside = at - this.#from;
    if (inside >= 0 && inside < this.#window.length) return this.#window[inside] ?? 0;
    if (at < 0 || at >= this.length) return 0;
    const [range] = this.ranges(at, Math.min(this.length, at + windowBytes));
    if (range === undefined) return 0;
    this.#window = this.source.readNow(range.at, range.length);
    this.#from = at;
    return this.#window[0] ?? 0;
  }

  /** Where a value is next, looked for from a place on; the end where it is nowhere. */
  find(value: number, from: number): number {
    for (let at = from; at < this.length;) {
      if (this.byte(at) === value) return at;
      const found = this.#window.indexOf(value, at - this.#from);
      if (found >= 0) return this.#from + found;
      at = this.#from + this.#window.length;
      if (this.#window.length === 0) break;
    }
    return this.length;
  }

  uint16(at: number): number {
    return (this.byte(at) << 8) | this.byte(at + 1);
  }

  uint32(at: number): number {
    return this.uint16(at) * 65_536 + this.uint16(at + 2);
  }

  littleUint32(at: number): number {
    return this.byte(at) + this.byte(at + 1) * 256 + this.byte(at + 2) * 65_536 + this.byte(at + 3) * 2 ** 24;
  }

  /** Where these bytes lie in the source. */
  ranges(start: number, end: number): ByteRange[] {
    // The last fragment that begins at or before `start`.
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= start) low = middle;
      else high = middle;
    }
    const ranges: ByteRange[] = [];
    for (let number = low; number < this.fragments.length; number += 1) {
      const begins = this.#starts[number] ?? 0;
      const fragment = this.fragments[number];
      if (fragment === undefined || begins >= end) break;
      const from = Math.max(start, begins);
      const to = Math.min(end, begins + fragment.length);
      if (to > from) ranges.push({ at: fragment.at + from - begins, length: to - from });
    }
    return ranges;
  }
}

/** The end of the frame that begins at a place; null where none begins, or it does not end. */
type FrameEnd = (bytes: Joined, at: number) => number | null;

const startOfImage = 0xffd8;
const endOfImage = 0xffd9;

/** JPEG and JPEG-LS: segments, and coded data in which FF is followed by what is no marker. */
function jpegEnd(bytes: Joined, start: number): number | null {
  if (bytes.uint16(start) !== startOfImage) return null;
  let at = start + 2;
  while (at + 2 <= bytes.length) {
    const marker = bytes.byte(at + 1);
    if (bytes.byte(at) !== 0xff || marker < 0xc0) at = bytes.find(0xff, at + 1);
    else if (bytes.uint16(at) === endOfImage) return at + 2;
    else if (bytes.uint16(at) === startOfImage) return null;
    // Fill bytes, restart markers in coded data.
    else if (marker === 0xff) at += 1;
    else if (marker >= 0xd0 && marker <= 0xd7) at += 2;
    else at += 2 + Math.max(2, bytes.uint16(at + 2));
  }
  return null;
}

/** JPEG 2000 and HTJ2K: tile parts that say how long they are, or coded data in which FF is never followed by more than 8F. */
function jpeg2000End(bytes: Joined, start: number): number | null {
  if (bytes.uint32(start) !== 0xff4fff51) return null;
  let at = start + 2;
  let isData = false;
  while (at + 2 <= bytes.length) {
    const marker = bytes.uint16(at);
    if (marker === endOfImage) return at + 2;
    if (marker === 0xff90) {
      const partBytes = bytes.uint32(at + 6);
      isData = partBytes === 0;
      at += partBytes >= 12 ? partBytes : 12;
    } else if (isData || marker < 0xff00) {
      if (!isData) return null;
      at += 1;
    } else at += 2 + Math.max(2, bytes.uint16(at + 2));
  }
  return null;
}

/** RLE: the last segment is unpacked as far as its samples go; it is padded to even. */
function rleEnd({ size, samplesPerPixel, bitsAllocated }: StoredPixels): FrameEnd {
  const wanted = (samplesPerPixel * bitsAllocated) / 8;
  const count = size.width * size.height;
  return (bytes, start) => {
    if (bytes.littleUint32(start) !== wanted || bytes.littleUint32(start + 4) !== 64) return null;
    let at = start + bytes.littleUint32(start + 4 * wanted);
    for (let left = count; left > 0;) {
      if (at >= bytes.length) return null;
      const head = bytes.byte(at);
      left -= head < 128 ? head + 1 : head > 128 ? 257 - head : 0;
      at += head < 128 ? head + 2 : head > 128 ? 2 : 1;
    }
    return Math.min(bytes.length, at + ((at - start) % 2));
  };
}

function sizeEnd({ size, samplesPerPixel, bitsAllocated }: StoredPixels): FrameEnd {
  const frameBytes = Math.ceil((size.width * size.height * samplesPerPixel * bitsAllocated) / 8);
  return (bytes, start) =>
    start + frameBytes > bytes.length ? null : Math.min(bytes.length, start + frameBytes + (frameBytes % 2));
}

function endOf(pixels: StoredPixels): FrameEnd | null {
  switch (codingOf(pixels.transferSyntaxUid)) {
    case 'jpeg':
    case 'jpeg-ls':
      return jpegEnd;
    case 'jpeg-2000':
      return jpeg2000End;
    case 'rle':
      return rleEnd(pixels);
    case 'native':
      return sizeEnd(pixels);
    default:
      return null;
  }
}

/** Fill bytes and padding between two frames. */
const mostPadding = 16;

/**
 * @returns the ranges of each frame; null where the bytes are not frame upon frame to their end
 */
export async function framesByTheirEnds(
  source: ByteSource,
  fragments: readonly ByteRange[],
  pixels: StoredPixels,
): Promise<(readonly ByteRange[])[] | null> {
  const end = endOf(pixels);
  if (end === null) return null;
  const bytes = new Joined(source, fragments);
  const frames: (readonly ByteRange[])[] = [];
  let paused = 0;
  for (let at = 0; at < bytes.length;) {
    const next = end(bytes, at);
    if (next === null || next <= at) return null;
    frames.push(bytes.ranges(at, next));
    at = next;
    for (let i = 0; i < mostPadding && at < bytes.length && bytes.byte(at) === 0; i += 1) at += 1;
    if (at - paused < bytesAtOnce) continue;
    paused = at;
    await new Promise(setImmediate);
  }
  return frames;
}
