/**
 * A DICOM file up to its pixel data (PS3.10 section 7, PS3.5 annex A): with or without preamble and meta header, in any byte order,
 * deflated or not. The pixel data are not read, so a file of any size opens in little memory. Any Node thread.
 */
import { constants, inflateRaw } from 'node:zlib';
import { promisify } from 'node:util';
import { SonoError } from '../vocabulary/errors.js';
import { fileSource, memorySource, type ByteSource } from './byte-source.js';
import { DataSet } from './data-set.js';
import {
  elementHeader,
  explicitLittle,
  isVrName,
  letters,
  scanElements,
  Window,
  type ElementHeader,
  type Encoding,
  type StoredElement,
  type Work,
} from './data-set-scan.js';
import { dicomError } from './errors.js';
import { checkFileBytes, memoryError, mostFileBytes, mostHeaderBytes } from './memory-limits.js';

export interface DicomFile {
  /** For sentences. */
  readonly path: string;
  /** Holds the pixel data: the file, or what was deflated in it. */
  readonly source: ByteSource;
  /** Group 0002; empty where the file has none. */
  readonly meta: DataSet;
  /** Everything before the pixel data. */
  readonly set: DataSet;
  /** As the file says it, unless its elements prove that wrong. */
  readonly transferSyntaxUid: string;
  readonly bigEndian: boolean;
  /** null: there are none. */
  readonly pixels: ElementHeader | null;
  close(): Promise<void>;
}

const implicitSyntax = '1.2.840.10008.1.2';
const explicitSyntax = '1.2.840.10008.1.2.1';
const bigEndianSyntax = '1.2.840.10008.1.2.2';
const deflatedSyntax = '1.2.840.10008.1.2.1.99';
const nativeSyntaxes = new Set([implicitSyntax, explicitSyntax, bigEndianSyntax, deflatedSyntax]);

const windowBytes = 64 * 1024;
/** Private values that are longer are of no picture of ours. */
const mostPrivateBytes = 64 * 1024;
/** Bytes that tell whether a file is DICOM. */
export const tellingBytes = 132;

/** Whether a file is DICOM, by its first bytes: the letters behind the preamble, or the first elements where there is none. */
export function looksLikeDicom(head: Uint8Array): boolean {
  if (Buffer.from(head.subarray(128, 132)).toString('latin1') === 'DICM') return true;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 24) return false;
  const bigEndian = head[0] === 0;
  const group = view.getUint16(0, !bigEndian);
  if (group !== 2 && group !== 8) return false;
  if (isVrName(Buffer.from(head.subarray(4, 6)).toString('latin1'))) return true;
  // Implicit: one of the group's first elements with a short value, and behind it another one of a header.
  const length = view.getUint32(4, true);
  if (bigEndian || view.getUint16(2, true) > 0x60 || length % 2 === 1 || length + 10 > head.length)
    return false;
  const next = view.getUint16(8 + length, true);
  return next >= 8 && next <= 0x28 && next % 2 === 0;
}

/**
 * @param from a path, or the bytes themselves
 * @param path for the sentences
 * @param mostBytes that a deflated file may unpack to
 * @throws SONO_DICOM_DAMAGED, SONO_SOURCE_MEMORY, and the error of the file system where the file cannot be opened
 */
export async function openDicom(
  from: string | ByteSource,
  path: string = typeof from === 'string' ? from : 'a DICOM object',
  mostBytes = mostFileBytes,
): Promise<DicomFile> {
  const source = typeof from === 'string' ? await fileSource(from) : from;
  try {
    return await readHeader(source, path, mostBytes);
  } catch (error) {
    await source.close();
    throw error instanceof SonoError ? error : dicomError('SONO_DICOM_DAMAGED', { path }, error);
  }
}

async function readHeader(file: ByteSource, path: string, mostBytes: number): Promise<DicomFile> {
  const head = await file.read(0, tellingBytes);
  if (!looksLikeDicom(head)) throw new Error('no data set begins here');
  const start = Buffer.from(head.subarray(128)).toString('latin1') === 'DICM' ? tellingBytes : 0;
  const keeps = headerBudget(path);
  const { meta, setAt } = await drive(file, (window) => scanMeta(window, start, keeps));
  const said = meta.ascii(0x00020010);
  let source = file;
  let at = setAt;
  let isCut = false;
  if (said === deflatedSyntax) {
    const unpacked = await inflated(file, setAt, path, mostBytes);
    source = memorySource(unpacked.bytes);
    isCut = unpacked.isCut;
    at = 0;
  }
  const scanned = await drive(source, function* (window) {
    const encoding = yield* tellEncoding(window, at, said);
    return { encoding, ...(yield* scanElements(window, at, window.size, encoding, isPixelData, keeps)) };
  });
  const { encoding, elements, last } = scanned;
  if (isCut && last === null) throw new Error('cut off before the pixel data');
  return {
    path,
    source,
    meta,
    set: new DataSet(elements),
    transferSyntaxUid: said === undefined || nativeSyntaxes.has(said) ? nativeSyntax(encoding) : said,
    bigEndian: encoding.bigEndian,
    pixels: last,
    close: () => file.close(),
  };
}

function nativeSyntax({ implicit, bigEndian }: Encoding): string {
  return bigEndian ? bigEndianSyntax : implicit ? implicitSyntax : explicitSyntax;
}

/** Pixel Data, Float Pixel Data, Double Float Pixel Data. */
const isPixelData = (tag: number): boolean => tag === 0x7fe00010 || tag === 0x7fe00008 || tag === 0x7fe00009;

async function drive<T>(source: ByteSource, work: (window: Window) => Work<T>): Promise<T> {
  const window = new Window(source.size);
  const steps = work(window);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const { at, length } = step.value;
    window.load(at, await source.read(at, Math.max(length, windowBytes)));
    if (!window.covers(at, length)) throw new Error('the file has become shorter');
  }
}

/** What is kept of a header. Whatever it claims, it is kept only as far as there is room, and left out only where nobody asks. */
function headerBudget(path: string): (tag: number, bytes: number) => boolean {
  let left = mostHeaderBytes;
  return (tag, bytes) => {
    const group = tag >>> 16;
    const isUnread =
      (group % 2 === 1 && bytes > mostPrivateBytes) ||
      // Overlays, curves, waveforms, spectra, signatures.
      [0x5000, 0x5400, 0x5600, 0x6000].includes(group & 0xff00) ||
      group === 0x0400 ||
      // The small picture for lists, and documents.
      tag === 0x00880200 ||
      tag === 0x00420011;
    if (isUnread) return false;
    left -= bytes;
    if (left < 0) throw memoryError(path, 'its header', mostHeaderBytes - left, mostHeaderBytes);
    return true;
  };
}

function* scanMeta(
  window: Window,
  start: number,
  keeps: (tag: number, bytes: number) => boolean,
): Work<{ meta: DataSet; setAt: number }> {
  const elements = new Map<number, StoredElement>();
  let at = start;
  const first = yield* elementHeader(window, at, window.size, explicitLittle);
  if (first === null || first.tag >>> 16 !== 2) return { meta: new DataSet(elements), setAt: at };
  const encoding: Encoding = { implicit: first.vr === '', bigEndian: false };
  if (first.tag === 0x00020000 && first.length === 4) {
    // Behind a deflated file's meta header there are no elements by which its end could be told.
    const end = first.valueAt + 4 + window.uint32(first.valueAt, false);
    if (end <= window.size) {
      const scan = yield* scanElements(window, at, end, encoding, isBehindMeta, keeps);
      for (const [tag, element] of scan.elements) elements.set(tag, element);
      at = scan.last?.at ?? end;
    }
  }
  // The length is absent, or too small.
  if (!window.covers(at, 8)) yield { at, length: 8 };
  if (window.size - at >= 8 && window.uint16(at, false) === 2) {
    const scan = yield* scanElements(window, at, window.size, encoding, isBehindMeta, keeps);
    for (const [tag, element] of scan.elements) elements.set(tag, element);
    at = scan.last?.at ?? window.size;
  }
  return { meta: new DataSet(elements), setAt: at };
}

const isBehindMeta = (tag: number): boolean => tag >= 0x00030000;

/** By the first element rather than by what the meta header says, because some files contradict theirs. */
function* tellEncoding(window: Window, at: number, said: string | undefined): Work<Encoding> {
  if (!window.covers(at, 12)) yield { at, length: 12 };
  if (window.size - at < 8) throw new Error('there is no data set');
  const group = window.uint16(at, false);
  const bigEndian = group === 0 ? said === bigEndianSyntax : (group & 0xff) === 0;
  return { implicit: !isVrName(letters(window, at + 4)), bigEndian };
}

const inflate = promisify(inflateRaw);

/** Unpacks what is deflated up to a limit, because a few kilobytes may become gigabytes; of a file that is cut, what there is. */
async function inflated(
  file: ByteSource,
  at: number,
  path: string,
  mostBytes: number,
): Promise<{ bytes: Uint8Array; isCut: boolean }> {
  checkFileBytes(path, file.size);
  const packed = await file.read(at, file.size - at);
  for (const isCut of [false, true]) {
    try {
      const finishFlush = isCut ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
      return { bytes: await inflate(packed, { maxOutputLength: mostBytes, finishFlush }), isCut };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ERR_BUFFER_TOO_LARGE')
        throw memoryError(path, 'what is packed in it', mostBytes + 1, mostBytes);
      if (code !== 'Z_BUF_ERROR') throw error;
    }
  }
  throw new Error('what is deflated ends too early');
}
