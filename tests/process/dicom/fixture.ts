/** Writes small DICOM files for tests: explicit little-endian elements, nothing more than the test names; and shows their frames. */
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openCine } from '../../../src/dicom/cine.js';
import { producerOf } from '../../../src/ingest/dicom-producer.js';
import type { FrameProducer } from '../../../src/ingest/producer.js';
import { createFrameDecoder } from '../../../src/dicom/pixels/frame-decoder.js';

type Value = string | number | readonly number[] | Uint8Array;
export type Fields = Readonly<Record<string, readonly [vr: string, value: Value]>>;

const longVrs = new Set(['OB', 'OV', 'OW', 'SQ', 'UN', 'UT']);

function element(tag: string, vr: string, data: Buffer, undefinedLength = false): Buffer {
  const head = Buffer.alloc(longVrs.has(vr) ? 12 : 8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, 'latin1');
  const padded = data.length % 2 === 0 ? data : Buffer.concat([data, Buffer.from(vr === 'OB' ? [0] : ' ')]);
  if (longVrs.has(vr)) head.writeUInt32LE(undefinedLength ? 0xffffffff : padded.length, 8);
  else head.writeUInt16LE(padded.length, 6);
  return Buffer.concat([head, padded]);
}

function encode(vr: string, value: Value): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === 'string') return Buffer.from(value, 'latin1');
  const numbers = typeof value === 'number' ? [value] : value;
  const size = { US: 2, AT: 2, UL: 4, FD: 8 }[vr] ?? 2;
  const out = Buffer.alloc(size * numbers.length);
  numbers.forEach((number, i) => {
    if (vr === 'FD') out.writeDoubleLE(number, 8 * i);
    else if (vr === 'UL') out.writeUInt32LE(number, 4 * i);
    else out.writeUInt16LE(number, 2 * i);
  });
  return out;
}

function item(data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(0xfffe, 0);
  head.writeUInt16LE(0xe000, 2);
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data]);
}

/** A sequence with one item. */
export function sequence(fields: Fields): Uint8Array {
  return item(elements(fields));
}

export function elements(fields: Fields): Buffer {
  return Buffer.concat(
    Object.keys(fields)
      .sort()
      .map((tag) => {
        const [vr, value] = fields[tag] as readonly [string, Value];
        return element(tag, vr, encode(vr, value));
      }),
  );
}

/**
 * Encapsulated pixel data, one item for each of the fragments; a single one is a whole frame.
 * @param table the basic offset table; empty unless given
 */
export function encapsulated(frames: readonly Uint8Array[], table: readonly number[] = []): Buffer {
  const fragments = frames.map((frame) => item(Buffer.concat([frame, Buffer.alloc(frame.length % 2)])));
  const offsets = item(encode('UL', table));
  const end = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
  return element('7fe00010', 'OB', Buffer.concat([offsets, ...fragments, end]), true);
}

/** A sequence of undefined length, as an element; its items too. */
export function openSequence(tag: string, vr: 'SQ' | 'UN', items: readonly Uint8Array[]): Buffer {
  const delimiter = (element: number): Buffer => Buffer.from([0xfe, 0xff, element, 0xe0, 0, 0, 0, 0]);
  const begins = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]);
  const all = items.flatMap((content) => [begins, Buffer.from(content), delimiter(0x0d)]);
  return element(tag, vr, Buffer.concat([...all, delimiter(0xdd)]), true);
}

/** Elements without VRs, little-endian, as in implicit data sets and in UN. */
export function implicitElements(fields: Fields): Buffer {
  return Buffer.concat(
    Object.keys(fields)
      .sort()
      .map((tag) => {
        const [vr, value] = fields[tag] as readonly [string, Value];
        const explicit = element(tag, vr, encode(vr, value));
        const data = explicit.subarray(longVrs.has(vr) ? 12 : 8);
        const length = Buffer.alloc(4);
        length.writeUInt32LE(data.length);
        return Buffer.concat([explicit.subarray(0, 4), length, data]);
      }),
  );
}

/** Elements with all numbers the other way round. */
export function bigEndianElements(fields: Fields): Buffer {
  return Buffer.concat(
    Object.keys(fields)
      .sort()
      .map((tag) => {
        const [vr, value] = fields[tag] as readonly [string, Value];
        const bytes = element(tag, vr, encode(vr, value));
        bytes.subarray(0, 4).swap16();
        if (longVrs.has(vr)) bytes.subarray(8, 12).swap32();
        else bytes.subarray(6, 8).swap16();
        if (vr === 'US' || vr === 'OW') bytes.subarray(vr === 'US' ? 8 : 12).swap16();
        return bytes;
      }),
  );
}

/**
 * @param syntax transfer syntax UID
 * @param fields by tag "ggggeeee"
 * @param pixels the pixel data element, or raw samples
 */
export function dicomFile(syntax: string, fields: Fields, pixels: Buffer | null): Buffer {
  const meta = element(
    '00020010',
    'UI',
    Buffer.from(syntax + (syntax.length % 2 === 0 ? '' : '\0'), 'latin1'),
  );
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element('00020000', 'UL', encode('UL', meta.length)),
    meta,
    elements(fields),
    pixels ?? Buffer.alloc(0),
  ]);
}

/** Uncompressed pixel data. */
export function native(samples: Uint8Array): Buffer {
  return element('7fe00010', 'OB', Buffer.from(samples));
}

/** The elements of a picture; more override. */
export function picture(width: number, height: number, photometric: string, more: Fields = {}): Fields {
  return {
    '00280002': ['US', photometric.startsWith('MONO') || photometric.startsWith('PAL') ? 1 : 3],
    '00280004': ['CS', photometric],
    '00280006': ['US', 0],
    '00280010': ['US', height],
    '00280011': ['US', width],
    '00280100': ['US', 8],
    '00280101': ['US', 8],
    '00280103': ['US', 0],
    ...more,
  };
}

export const explicitLittleEndian = '1.2.840.10008.1.2.1';
export const jpegBaseline = '1.2.840.10008.1.2.4.50';
export const rleLossless = '1.2.840.10008.1.2.5';

/** A cine as a source of pictures. */
export async function producerAt(path: string): Promise<FrameProducer> {
  const cine = await openCine(path);
  return producerOf(cine, path).catch(async (error: unknown) => {
    await cine.close();
    throw error;
  });
}

/** RGB of one frame. */
export async function decoded(file: Uint8Array, index: number): Promise<Uint8Array> {
  const { pixels, index: frames } = await openCine(memorySource(file), 'x');
  const decoder = await createFrameDecoder(pixels, {
    path: 'x',
    frameCount: frames.frameCount,
    readFrame: (frame) => frames.read(frame),
  });
  try {
    return await decoder.decode(await frames.read(index));
  } finally {
    decoder.close();
  }
}
