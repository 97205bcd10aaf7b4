/** Writes small DICOM files for tests: explicit little-endian elements, nothing more than the test names. */

type Value = string | number | readonly number[] | Uint8Array;
export type Fields = Readonly<Record<string, readonly [vr: string, value: Value]>>;

const longVrs = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

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
  const size = { US: 2, UL: 4, FD: 8 }[vr] ?? 2;
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

function elements(fields: Fields): Buffer {
  return Buffer.concat(
    Object.keys(fields)
      .sort()
      .map((tag) => {
        const [vr, value] = fields[tag] as readonly [string, Value];
        return element(tag, vr, encode(vr, value));
      }),
  );
}

/** Pixel data as one compressed fragment per frame. */
export function encapsulated(frames: readonly Uint8Array[]): Buffer {
  const fragments = frames.map((frame) => item(Buffer.concat([frame, Buffer.alloc(frame.length % 2)])));
  const end = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
  return element('7fe00010', 'OB', Buffer.concat([item(Buffer.alloc(0)), ...fragments, end]), true);
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
