/**
 * Where each frame's bytes lie in the pixel data of a DICOM image (PS3.5 section 8.2 and annex A.4), without reading them. What is there
 * counts, not what the header says: tables of offsets are believed only where fragments begin, a file that is cut has fewer frames.
 * Child process of a source: thousands of fragments are looked at, a few bytes each.
 */
import type { ByteRange, ByteSource } from './byte-source.js';
import type { DicomFile } from './data-set-file.js';
import type { StoredPixels } from './image.js';
import { memoryError } from './memory-limits.js';
import { framesByTheirEnds } from './shared-fragments.js';

export interface PixelIndex {
  /** Frames that are there as a whole. */
  readonly frameCount: number;
  /** Frames behind the last one that the header speaks of; they are not among the others. */
  readonly extraFrames: number;
  /** All fragments in order; null for pixel data that are not encapsulated. */
  readonly fragments: readonly ByteRange[] | null;
  /** Stored bytes of one frame: samples, or what its fragments hold together. */
  read(index: number): Promise<Uint8Array>;
}

/** Eight bytes each, in a file of gigabytes. */
export const mostFragments = 2_000_000;
/** Stored bytes of one compressed frame. */
const mostFrameBytes = 1024 * 1024 * 1024;
/** Fragments that are looked at before others may do something. */
export const fragmentsAtOnce = 4096;

/**
 * @param promised number of frames that the header gives; null: none
 * @param isWhole false: more of the file is still coming
 * @throws SONO_SOURCE_MEMORY; an Error where nothing of the pixel data can be used, or where fragments hold several frames whose
 *   number is not the promised one
 */
export async function indexPixels(
  file: DicomFile,
  pixels: StoredPixels,
  promised: number | null,
  isWhole = true,
): Promise<PixelIndex> {
  const element = file.pixels;
  if (element === null) throw new Error('no pixel data');
  const { source, path } = file;
  if (element.length !== 'undefined' && !beginsWithItem(source, element.valueAt))
    return nativeIndex(source, element.valueAt, element.length, pixels, promised);
  const end =
    element.length === 'undefined' ? source.size : Math.min(source.size, element.valueAt + element.length);
  const found = await findFragments(source, element.valueAt, end, path);
  const { fragments } = found;
  if (fragments.length === 0) throw new Error('no fragment is whole');
  const starts =
    byTable(found, extendedTable(file), promised) ??
    byTable(found, found.table, promised) ??
    byCount(fragments, promised);
  const shared = starts === null ? await sharing(source, fragments, pixels, promised, isWhole) : null;
  const { frames, extraFrames } =
    shared === null
      ? framesOf(source, fragments, starts ?? byMarkers(source, fragments, promised), promised)
      : { frames: shared, extraFrames: 0 };
  return {
    frameCount: frames.length,
    extraFrames,
    fragments,
    read: async (index) => joined(source, frames[index] ?? [], path),
  };
}

type Frames = readonly (readonly ByteRange[])[];

/**
 * Frames of which several share a fragment; null where each has one, or more, of its own.
 * @throws Error where they are not as many as promised, or cannot be told before the whole file is there
 */
async function sharing(
  source: ByteSource,
  fragments: readonly ByteRange[],
  pixels: StoredPixels,
  promised: number | null,
  isWhole: boolean,
): Promise<Frames | null> {
  if (promised === null || fragments.length >= promised) return null;
  const looked = isWhole ? fragments : fragments.slice(0, 1);
  const frames = await framesByTheirEnds(source, looked, pixels);
  if (frames === null || frames.length <= looked.length) return null;
  if (frames.length !== promised || !isWhole)
    throw new Error(`${looked.length} fragments hold ${frames.length} frames of ${promised}`);
  return frames;
}

/** What follows in the last frame's fragments and begins a picture of its own is more than was promised. */
function framesOf(
  source: ByteSource,
  fragments: readonly ByteRange[],
  starts: readonly (number | null)[],
  promised: number | null,
): { readonly frames: Frames; readonly extraFrames: number } {
  const known = promised === null ? starts : starts.slice(0, promised);
  const last = known.length - 1;
  let extraFrames = 0;
  const frames = known.map((start, i) => {
    if (start === null) return [];
    const end = known.slice(i + 1).find((next) => next !== null) ?? fragments.length;
    const own = fragments.slice(start, end);
    if (i !== last || promised === null || known.length < promised) return own;
    const begin = own.map((fragment, number) => number > 0 && begins(source, fragment));
    extraFrames = begin.filter((isBegin) => isBegin).length;
    return extraFrames === 0 ? own : own.slice(0, begin.indexOf(true));
  });
  return { frames, extraFrames };
}

// ---------------------------------------------------------------- uncompressed

/** Bytes of one uncompressed frame; a fraction where frames of single bits follow each other without padding. */
function nativeFrameBytes(pixels: StoredPixels, bytesPerFrame: number): number {
  const points = pixels.size.width * pixels.size.height;
  const full = (points * pixels.samplesPerPixel * pixels.bitsAllocated) / 8;
  // Two pixels share their chroma, unless there are three bytes for each in spite of the name.
  const isShared = /^YBR_(FULL|PARTIAL)_422$/.test(pixels.photometric) && pixels.bitsAllocated === 8;
  return isShared && bytesPerFrame < full ? points * 2 : full;
}

function nativeIndex(
  source: ByteSource,
  at: number,
  claimedLength: number,
  pixels: StoredPixels,
  promised: number | null,
): PixelIndex {
  const frameBytes = nativeFrameBytes(pixels, claimedLength / (promised ?? 1));
  const needed = Math.ceil(frameBytes * (promised ?? 0));
  const there = source.size - at;
  // Lengths have 32 bits: what is larger has wrapped around.
  const hasWrapped = needed > claimedLength && needed % 2 ** 32 === claimedLength && there >= needed;
  const length = Math.min(hasWrapped ? needed : claimedLength, there);
  const whole = Math.floor(length / frameBytes);
  // Big endian: OW is words, whose bytes are exchanged; a frame may begin or end within one.
  const isWords = pixels.bigEndian && pixels.bitsAllocated <= 8 && pixels.pixelVr === 'OW';
  const readSamples = async (from: number, to: number): Promise<Uint8Array> => {
    if (!isWords) return source.read(at + from, to - from);
    const wordsFrom = from - (from % 2);
    const bytes = Buffer.from(await source.read(at + wordsFrom, to + (to % 2) - wordsFrom));
    bytes.subarray(0, bytes.length - (bytes.length % 2)).swap16();
    return bytes.subarray(from - wordsFrom, to - wordsFrom);
  };
  // The value is padded to an even length.
  const extra = promised === null ? 0 : Math.floor((length - needed - (needed % 2)) / frameBytes);
  return {
    frameCount: promised === null ? whole : Math.min(whole, promised),
    extraFrames: Math.max(0, extra),
    fragments: null,
    read: async (index) => {
      const start = index * frameBytes;
      const first = Math.floor(start);
      const bytes = await readSamples(first, Math.ceil(start + frameBytes));
      const shift = Math.round((start - first) * 8);
      return shift === 0 ? bytes : shifted(bytes, shift, Math.ceil(frameBytes));
    },
  };
}

/** Single bits, the first in the lowest bit of a byte, brought to begin with a byte. */
function shifted(bytes: Uint8Array, shift: number, length: number): Uint8Array {
  return Uint8Array.from(
    { length },
    (_, i) => ((bytes[i] ?? 0) >> shift) | ((bytes[i + 1] ?? 0) << (8 - shift)),
  );
}

// ---------------------------------------------------------------- fragments

export const itemBytes = 8;

/** The item's length; null where no item begins. */
export function itemLength(bytes: Uint8Array): number | null {
  if (bytes.length < itemBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(0, true) === 0xe000fffe ? view.getUint32(4, true) : null;
}

/** Some writers give encapsulated pixel data a length. */
export function beginsWithItem(source: ByteSource, at: number): boolean {
  return itemLength(source.readNow(at, itemBytes)) !== null;
}

interface Fragments {
  /** Where the first item behind the table begins: offsets count from there. */
  readonly firstAt: number;
  /** The basic offset table. */
  readonly table: readonly number[];
  /** Every fragment that is whole. */
  readonly fragments: readonly ByteRange[];
  /** Fragments are missing in between. */
  readonly hasHoles: boolean;
}

async function findFragments(
  source: ByteSource,
  start: number,
  end: number,
  path: string,
): Promise<Fragments> {
  const fragments: ByteRange[] = [];
  const tableBytes = itemLength(source.readNow(start, itemBytes)) ?? 0;
  const table = words(await source.read(start + itemBytes, Math.min(tableBytes, mostFragments * 4)), 4);
  const firstAt = start + itemBytes + tableBytes;
  let at = firstAt;
  let next = 0;
  let hasHoles = false;
  while (at + itemBytes <= end) {
    const head = source.readNow(at, itemBytes);
    const length = itemLength(head);
    if (length !== null && at + itemBytes + length <= end) {
      fragments.push({ at: at + itemBytes, length });
      at += itemBytes + length;
    } else {
      // The end of all, or a length that is wrong: the table may know where it goes on.
      if (length === null && head[0] === 0xfe && head[2] === 0xdd) break;
      while (next < table.length && firstAt + (table[next] ?? 0) <= at) next += 1;
      const resumed = table[next];
      if (resumed === undefined) break;
      at = firstAt + resumed;
      hasHoles = true;
    }
    if (fragments.length === mostFragments)
      throw memoryError(path, 'its fragments', mostFragments * 64, mostFragments * 64);
    if (fragments.length % fragmentsAtOnce === 0) await new Promise(setImmediate);
  }
  return { firstAt, table, fragments, hasHoles };
}

function words(bytes: Uint8Array, size: 4 | 8): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
    size === 4 ? view.getUint32(4 * i, true) : Number(view.getBigUint64(8 * i, true)),
  );
}

/** Extended Offset Table, from the first byte behind the (empty) basic one. */
function extendedTable({ set }: DicomFile): readonly number[] {
  const bytes = set.bytes(0x7fe00001);
  return bytes === undefined ? [] : words(bytes, 8);
}

/** Numbers of the fragments that frames begin with, null for a frame that is missing; null where the table is not of these fragments. */
function byTable(
  { fragments, firstAt, hasHoles }: Fragments,
  table: readonly number[],
  promised: number | null,
): (number | null)[] | null {
  if (table.length === 0 || table[0] !== 0 || (promised !== null && table.length !== promised)) return null;
  const numbers = new Map(fragments.map(({ at }, number) => [at - itemBytes - firstAt, number]));
  const last = fragments.at(-1);
  const endOffset = last === undefined ? 0 : last.at + last.length - firstAt;
  const starts: (number | null)[] = [];
  let before = -1;
  for (const offset of table) {
    const number = numbers.get(offset);
    // Those behind the last fragment are of frames that are missing.
    if (number === undefined && offset >= endOffset) break;
    if (number === undefined ? !hasHoles : number <= before) return null;
    starts.push(number ?? null);
    before = number ?? before;
  }
  return starts;
}

function byCount(fragments: readonly ByteRange[], promised: number | null): number[] | null {
  if (promised === 1) return [0];
  return promised === fragments.length ? fragments.map((_, number) => number) : null;
}

/** By the bytes that a compressed picture begins with. */
function byMarkers(source: ByteSource, fragments: readonly ByteRange[], promised: number | null): number[] {
  const starts = fragments.flatMap((fragment, number) =>
    number === 0 || begins(source, fragment) ? [number] : [],
  );
  // Without the bytes that are known nothing divides the fragments, except that frames have equally many.
  if (starts.length === 1 && promised !== null && fragments.length % promised === 0)
    return Array.from({ length: promised }, (_, i) => (i * fragments.length) / promised);
  return starts;
}

function begins(source: ByteSource, { at, length }: ByteRange): boolean {
  return beginsPicture(source.readNow(at, Math.min(length, 16)));
}

/** JPEG and JPEG-LS (FF D8 FF), JPEG 2000 and HTJ2K (FF 4F FF 51, or boxed), RLE (number of segments, first at 64). */
function beginsPicture(head: Uint8Array): boolean {
  const begins = (...bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (begins(0xff, 0xd8, 0xff) || begins(0xff, 0x4f, 0xff, 0x51)) return true;
  if (begins(0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20)) return true;
  const segments = head[0] ?? 0;
  return segments >= 1 && segments <= 15 && begins(segments, 0, 0, 0, 64, 0, 0, 0);
}

/** Fragments follow each other, so that one reading fetches all. */
async function joined(
  source: ByteSource,
  fragments: readonly ByteRange[],
  path: string,
): Promise<Uint8Array> {
  const [first] = fragments;
  const last = fragments.at(-1);
  if (first === undefined || last === undefined) return new Uint8Array(0);
  const span = last.at + last.length - first.at;
  if (span > mostFrameBytes) throw memoryError(path, 'one picture', span, mostFrameBytes);
  const bytes = await source.read(first.at, span);
  if (fragments.length === 1) return bytes;
  return Buffer.concat(
    fragments.map(({ at, length }) => bytes.subarray(at - first.at, at - first.at + length)),
  );
}
