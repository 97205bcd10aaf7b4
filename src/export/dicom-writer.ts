/**
 * The part of DICOM that a segmentation needs: explicit VR little endian elements, sequences of undefined length (their
 * size need not be known before), Part 10 preamble. Pure. PS3.5 sections 7.1 and 7.5, PS3.10 section 7.1.
 */

type Vr =
  | 'AE' | 'AS' | 'AT' | 'CS' | 'DA' | 'DS' | 'DT' | 'FD' | 'FL' | 'IS' | 'LO' | 'LT' | 'OB' | 'OW' | 'PN' | 'SH' | 'SL'
  | 'SS' | 'ST' | 'TM' | 'UI' | 'UL' | 'US' | 'UT'; // prettier-ignore

/** VRs whose length field has four bytes behind two reserved ones. */
const longForm = new Set<string>(['OB', 'OW', 'SQ', 'UT', 'UN']);

function header(tag: number, vr: string, length: number): Buffer {
  const long = longForm.has(vr);
  const buffer = Buffer.alloc(long ? 12 : 8);
  buffer.writeUInt16LE(tag >>> 16, 0);
  buffer.writeUInt16LE(tag & 0xffff, 2);
  buffer.write(vr, 4, 'latin1');
  if (long) buffer.writeUInt32LE(length, 8);
  else buffer.writeUInt16LE(length, 6);
  return buffer;
}

/** Header of an element whose value is written by the caller (pixel data). */
export function elementHeader(tag: number, vr: 'OB' | 'OW', length: number): Buffer {
  return header(tag, vr, length);
}

/** An element with text; several values are joined by backslashes, the length is padded to even (UI with 0, else space). */
export function text(tag: number, vr: Vr, value: string | readonly string[]): Buffer {
  const joined = typeof value === 'string' ? value : value.join('\\');
  let bytes = Buffer.from(joined, 'utf8');
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  return Buffer.concat([header(tag, vr, bytes.length), bytes]);
}

function bytes(tag: number, vr: 'OB', value: Uint8Array): Buffer {
  const padded = value.length % 2 === 1 ? Buffer.concat([value, Buffer.alloc(1)]) : value;
  return Buffer.concat([header(tag, vr, padded.length), padded]);
}

export function unsignedShort(tag: number, ...values: readonly number[]): Buffer {
  const value = Buffer.alloc(2 * values.length);
  values.forEach((number, index) => value.writeUInt16LE(number, 2 * index));
  return Buffer.concat([header(tag, 'US', value.length), value]);
}

export function unsignedLong(tag: number, ...values: readonly number[]): Buffer {
  const value = Buffer.alloc(4 * values.length);
  values.forEach((number, index) => value.writeUInt32LE(number, 4 * index));
  return Buffer.concat([header(tag, 'UL', value.length), value]);
}

/** A tag as value, for dimension pointers. */
export function attributeTag(tag: number, value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt16LE(value >>> 16, 0);
  buffer.writeUInt16LE(value & 0xffff, 2);
  return Buffer.concat([header(tag, 'AT', 4), buffer]);
}

const undefinedLength = 0xffffffff;

function delimiter(element: number, length: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeUInt16LE(0xfffe, 0);
  buffer.writeUInt16LE(element, 2);
  buffer.writeUInt32LE(length, 4);
  return buffer;
}

const itemEnd = delimiter(0xe00d, 0);
const sequenceEnd = delimiter(0xe0dd, 0);

export function sequenceStart(tag: number): Buffer {
  return header(tag, 'SQ', undefinedLength);
}

/** One item; elements in ascending order of their tags. */
export function item(...elements: readonly Buffer[]): Buffer {
  return Buffer.concat([delimiter(0xe000, undefinedLength), ...elements, itemEnd]);
}

export { sequenceEnd };

export function sequence(tag: number, ...items: readonly Buffer[]): Buffer {
  return Buffer.concat([sequenceStart(tag), ...items, sequenceEnd]);
}

/** Preamble and file meta information for explicit VR little endian. */
export function fileStart(sopClassUid: string, sopInstanceUid: string): Buffer {
  const meta = Buffer.concat([
    bytes(0x00020001, 'OB', Uint8Array.of(0, 1)),
    text(0x00020002, 'UI', sopClassUid),
    text(0x00020003, 'UI', sopInstanceUid),
    text(0x00020010, 'UI', '1.2.840.10008.1.2.1'),
    text(0x00020012, 'UI', '2.25.179383402137563263513961829302870513257'),
    text(0x00020013, 'SH', 'SONOSCOPE'),
  ]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), unsignedLong(0x00020000, meta.length), meta]);
}

/** A SNOMED CT or DICOM code as the only item of a sequence. */
export interface Code {
  readonly value: string;
  readonly scheme: 'SCT' | 'DCM';
  readonly meaning: string;
}

export function codeSequence(tag: number, code: Code): Buffer {
  return sequence(
    tag,
    item(
      text(0x00080100, 'SH', code.value),
      text(0x00080102, 'SH', code.scheme),
      text(0x00080104, 'LO', code.meaning),
    ),
  );
}
