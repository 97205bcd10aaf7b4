/**
 * A multi-frame DICOM object: what it says about its pictures, and each frame's stored bytes. Pure (bytes in, values
 * out); parsing by dicom-parser. DICOM PS3.3 C.7.6.3 (image pixel), C.7.6.5 (cine), C.8.5.5 (ultrasound regions),
 * PS3.5 annex A (transfer syntaxes).
 */
import { inflateRawSync } from 'node:zlib';
import dicomParser, { type DataSet, type Element } from 'dicom-parser';
import { SonoError } from '../../vocabulary/errors.js';
import type { PictureSize } from '../../vocabulary/frame.js';
import { ingestError } from '../errors.js';
import { checkPictureSize, memoryError, mostFileBytes } from '../memory-limits.js';

type PixelCoding = 'native' | 'jpeg' | 'rle';

/** How stored samples become RGB. */
export interface PixelFormat {
  readonly size: PictureSize;
  readonly photometric: Photometric;
  readonly samplesPerPixel: 1 | 3;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly signed: boolean;
  /** Samples of one pixel side by side (false) or in three planes (true). */
  readonly planar: boolean;
  readonly bigEndian: boolean;
  /** Grey window in stored values after rescale: lowest and highest shown value; null: find it in the data. */
  readonly window: { readonly low: number; readonly high: number } | null;
  readonly rescale: { readonly slope: number; readonly intercept: number };
  readonly palette: Palette | null;
}

const photometrics = [
  'MONOCHROME1',
  'MONOCHROME2',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'PALETTE COLOR',
] as const;
type Photometric = (typeof photometrics)[number];

interface Palette {
  readonly first: number;
  /** Eight-bit entries. */
  readonly red: Uint8Array;
  readonly green: Uint8Array;
  readonly blue: Uint8Array;
}

export interface DicomCine {
  readonly format: PixelFormat;
  readonly coding: PixelCoding;
  readonly frameCount: number;
  /** Start of each frame and, last, the end; nanoseconds. */
  readonly mediaNs: readonly number[];
  /** null where the file gives no timing and `mediaNs` is a guess. */
  readonly framesPerSecond: number | null;
  readonly pixelSpacingMm: { readonly x: number; readonly y: number } | null;
  readonly description: string;
  /** Stored bytes of one frame: samples, one JPEG file, or RLE segments. */
  frameBytes(index: number): Uint8Array;
}

const codings: Readonly<Record<string, PixelCoding>> = {
  '1.2.840.10008.1.2': 'native',
  '1.2.840.10008.1.2.1': 'native',
  '1.2.840.10008.1.2.1.99': 'native',
  '1.2.840.10008.1.2.2': 'native',
  '1.2.840.10008.1.2.4.50': 'jpeg',
  '1.2.840.10008.1.2.4.51': 'jpeg',
  '1.2.840.10008.1.2.5': 'rle',
};
const bigEndianSyntax = '1.2.840.10008.1.2.2';
/** Where the file gives no timing: a usual cine rate, said in the description. */
const assumedFramesPerSecond = 25;

/**
 * @param bytes the whole file
 * @param path for the sentences
 * @param mostBytes that a deflated file may unpack to
 * @throws SONO_DICOM_DAMAGED, SONO_DICOM_NO_PIXELS, SONO_DICOM_SYNTAX, SONO_DICOM_PHOTOMETRIC, SONO_SOURCE_SIZE,
 *   SONO_SOURCE_MEMORY
 */
export function parseCine(bytes: Uint8Array, path: string, mostBytes = mostFileBytes): DicomCine {
  const damaged = (cause: unknown): SonoError => ingestError('SONO_DICOM_DAMAGED', { path }, cause);
  let set: DataSet;
  try {
    set = dicomParser.parseDicom(bytes, {
      inflater: (packed, position) => inflate(packed, position, path, mostBytes),
    });
  } catch (error) {
    if (error instanceof SonoError) throw error;
    // dicom-parser throws objects with the message in `exception`.
    throw damaged(
      error instanceof Error ? error : JSON.stringify((error as { exception?: unknown }).exception ?? error),
    );
  }
  try {
    return readCine(set, path, damaged);
  } catch (error) {
    throw error instanceof SonoError ? error : damaged(error);
  }
}

/** Unpacks a deflated file up to a limit, because a few kilobytes may become gigabytes. */
function inflate(bytes: Uint8Array, position: number, path: string, mostBytes: number): Uint8Array {
  const most = mostBytes - position;
  try {
    const unpacked = inflateRawSync(bytes.subarray(position), { maxOutputLength: most });
    return Buffer.concat([bytes.subarray(0, position), unpacked]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw memoryError(path, 'what is packed in it', most, most);
  }
}

function readCine(set: DataSet, path: string, damaged: (cause: unknown) => SonoError): DicomCine {
  const pixels = set.elements['x7fe00010'];
  if (pixels === undefined || (pixels.length === 0 && pixels.fragments === undefined))
    throw ingestError('SONO_DICOM_NO_PIXELS', { path });
  const syntax = set.string('x00020010')?.trim() ?? '1.2.840.10008.1.2';
  const coding = codings[syntax];
  if (coding === undefined) throw ingestError('SONO_DICOM_SYNTAX', { path, syntax });
  const format = readFormat(set, path, syntax === bigEndianSyntax);
  const frameCount = Math.max(1, set.intString('x00280008') ?? 1);
  if (frameCount > 1_000_000) throw damaged(`${frameCount} frames`);
  const { mediaNs, framesPerSecond } = readTiming(set, frameCount);
  const spacing = readSpacing(set);
  return {
    format,
    coding,
    frameCount,
    mediaNs,
    framesPerSecond,
    pixelSpacingMm: spacing,
    description: [
      `DICOM, ${[set.string('x00080060'), set.string('x00080070')].filter((part) => part).join(' ')}`,
      coding === 'native' ? 'uncompressed' : coding.toUpperCase(),
      format.photometric,
      ...(framesPerSecond === null && frameCount > 1
        ? [`no frame time in the file, ${assumedFramesPerSecond} pictures per second assumed`]
        : []),
    ].join('; '),
    frameBytes: frameReader(set, pixels, coding, format, frameCount, damaged),
  };
}

function readFormat(set: DataSet, path: string, bigEndian: boolean): PixelFormat {
  const height = set.uint16('x00280010') ?? 0;
  const width = set.uint16('x00280011') ?? 0;
  checkPictureSize(path, { width, height });
  const name = set.string('x00280004')?.trim() ?? '';
  const photometric = photometrics.find((known) => known === name);
  const samples = set.uint16('x00280002') ?? 1;
  const bits = set.uint16('x00280100') ?? 8;
  const unsupported = (): SonoError =>
    ingestError('SONO_DICOM_PHOTOMETRIC', {
      path,
      photometric: `${name || 'unnamed'}, ${samples} samples of ${bits} bits`,
    });
  if (photometric === undefined || (samples !== 1 && samples !== 3) || (bits !== 8 && bits !== 16))
    throw unsupported();
  const colour = photometric === 'RGB' || photometric.startsWith('YBR');
  if (colour !== (samples === 3) || (colour && bits !== 8)) throw unsupported();
  const center = set.floatString('x00281050');
  const span = set.floatString('x00281051');
  return {
    size: { width, height },
    photometric,
    samplesPerPixel: samples,
    bitsAllocated: bits,
    bitsStored: set.uint16('x00280101') ?? bits,
    signed: set.uint16('x00280103') === 1,
    planar: set.uint16('x00280006') === 1,
    bigEndian,
    window:
      center === undefined || span === undefined || !(span >= 1)
        ? null
        : { low: center - 0.5 - (span - 1) / 2, high: center - 0.5 + (span - 1) / 2 },
    rescale: { slope: set.floatString('x00281053') || 1, intercept: set.floatString('x00281052') ?? 0 },
    palette: photometric === 'PALETTE COLOR' ? readPalette(set, unsupported) : null,
  };
}

function readPalette(set: DataSet, unsupported: () => SonoError): Palette {
  const table = (descriptor: string, data: string): { first: number; entries: Uint8Array } => {
    const element = set.elements[data];
    const count = set.uint16(descriptor, 0) ?? 0;
    const first = set.uint16(descriptor, 1) ?? 0;
    const bits = set.uint16(descriptor, 2) ?? 8;
    if (element === undefined) throw unsupported();
    const entries = new Uint8Array(count === 0 ? 65536 : count);
    const wide = bits > 8;
    for (let i = 0; i < entries.length; i += 1) {
      // Sixteen-bit entries: the high byte is what eight bits can show.
      const at = element.dataOffset + (wide ? 2 * i + 1 : i);
      entries[i] = set.byteArray[at] ?? 0;
    }
    return { first, entries };
  };
  const red = table('x00281101', 'x00281201');
  const green = table('x00281102', 'x00281202');
  const blue = table('x00281103', 'x00281203');
  return { first: red.first, red: red.entries, green: green.entries, blue: blue.entries };
}

function readTiming(
  set: DataSet,
  frameCount: number,
): { mediaNs: readonly number[]; framesPerSecond: number | null } {
  const vector = set.elements['x00181065'] === undefined ? 0 : (set.numStringValues('x00181065') ?? 0);
  if (vector >= frameCount && frameCount > 1) {
    // Increments in milliseconds; the first is 0.
    const steps = Array.from({ length: frameCount }, (_, i) => set.floatString('x00181065', i) ?? 0);
    if (steps.slice(1).every((ms) => ms > 0)) {
      const mediaNs = [0];
      for (const ms of steps.slice(1)) mediaNs.push((mediaNs.at(-1) ?? 0) + Math.round(ms * 1e6));
      const mean = (mediaNs.at(-1) ?? 0) / (frameCount - 1);
      mediaNs.push((mediaNs.at(-1) ?? 0) + Math.round(mean));
      return { mediaNs, framesPerSecond: rounded(1e9 / mean) };
    }
  }
  const frameTimeMs = set.floatString('x00181063');
  const cineRate = set.intString('x00180040') ?? set.intString('x00082144');
  const known =
    frameTimeMs !== undefined && frameTimeMs > 0
      ? 1000 / frameTimeMs
      : cineRate !== undefined && cineRate > 0
        ? cineRate
        : null;
  const stepNs = 1e9 / (known ?? assumedFramesPerSecond);
  return {
    mediaNs: Array.from({ length: frameCount + 1 }, (_, i) => Math.round(i * stepNs)),
    framesPerSecond: known === null ? null : rounded(known),
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** Millimetres per pixel from the largest calibrated two-dimensional region, else from PixelSpacing. */
function readSpacing(set: DataSet): { x: number; y: number } | null {
  let best: { x: number; y: number; area: number } | null = null;
  for (const item of set.elements['x00186011']?.items ?? []) {
    const region = item.dataSet;
    if (region === undefined || region.uint16('x00186012') !== 1) continue;
    // Unit code 3 is centimetres, PS3.3 C.8.5.5.1.
    if (region.uint16('x00186024') !== 3 || region.uint16('x00186026') !== 3) continue;
    const x = Math.abs(region.double('x0018602c') ?? 0) * 10;
    const y = Math.abs(region.double('x0018602e') ?? 0) * 10;
    const area =
      ((region.uint32('x0018601c') ?? 0) - (region.uint32('x00186018') ?? 0)) *
      ((region.uint32('x0018601e') ?? 0) - (region.uint32('x0018601a') ?? 0));
    if (x > 0 && y > 0 && (best === null || area > best.area)) best = { x, y, area };
  }
  if (best !== null) return { x: best.x, y: best.y };
  // PixelSpacing: distance between rows first, between columns second.
  const rows = set.floatString('x00280030', 0);
  const columns = set.floatString('x00280030', 1);
  return rows !== undefined && columns !== undefined && rows > 0 && columns > 0
    ? { x: columns, y: rows }
    : null;
}

/** Bytes of one uncompressed frame. YBR_FULL_422 shares each pair's chroma. */
export function nativeFrameBytes(format: PixelFormat): number {
  const pixels = format.size.width * format.size.height;
  if (format.photometric === 'YBR_FULL_422') return pixels * 2;
  return pixels * format.samplesPerPixel * (format.bitsAllocated / 8);
}

function frameReader(
  set: DataSet,
  pixels: Element,
  coding: PixelCoding,
  format: PixelFormat,
  frameCount: number,
  damaged: (cause: unknown) => SonoError,
): (index: number) => Uint8Array {
  if (coding === 'native') {
    const frameBytes = nativeFrameBytes(format);
    if (pixels.length < frameBytes * frameCount)
      throw damaged(`${pixels.length} bytes of pixels, ${frameBytes * frameCount} needed`);
    return (index) => {
      const start = pixels.dataOffset + index * frameBytes;
      return set.byteArray.subarray(start, start + frameBytes);
    };
  }
  const fragments = pixels.fragments ?? [];
  if (fragments.length < frameCount) throw damaged(`${fragments.length} fragments for ${frameCount} frames`);
  if (fragments.length === frameCount)
    return (index) => dicomParser.readEncapsulatedPixelDataFromFragments(set, pixels, index);
  const table = pixels.basicOffsetTable ?? [];
  const offsets = table.length === frameCount ? table : dicomParser.createJPEGBasicOffsetTable(set, pixels);
  return (index) => dicomParser.readEncapsulatedImageFrame(set, pixels, index, offsets);
}
