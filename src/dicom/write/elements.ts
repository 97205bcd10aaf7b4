/**
 * Elements of a DICOM data set as bytes: explicit VR little endian, sequences of undefined length (their size need not be
 * known before), Part 10 preamble. Pure; runs in any Node thread. PS3.5 sections 7.1, 7.5 and A.4, PS3.10 section 7.1.
 *
 * Own code: what is written here has a description per frame and pixels behind it, and is written piece by piece while it is
 * read from a spool. dcmjs builds the whole data set as objects and then as one buffer (docs/decisions/0106).
 */
import { fittedValue, type TextVr } from './values.js';

/** VRs whose length field has four bytes behind two reserved ones. */
const longForm = new Set<string>('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));

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
export function elementHeader(tag: number, vr: 'OB' | 'OV' | 'OW', length: number): Buffer {
  return header(tag, vr, length);
}

/** What a 16-bit length field can say, with an even number of bytes. */
const longestShortForm = 0xfffe;

/**
 * An element with text. Each value is made to fit its VR (see `fittedValue`), several are joined by backslashes; the length
 * is padded to even (UI with 0, else space). Text too long for the length field of its VR goes out as UN, as PS3.5 6.2.2 has it.
 */
export function text(tag: number, vr: TextVr, value: string | readonly string[]): Buffer {
  const values = typeof value === 'string' ? [value] : value;
  let bytes = Buffer.from(values.map((one) => fittedValue(vr, one)).join('\\'), 'utf8');
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  const tooLong = !longForm.has(vr) && bytes.length > longestShortForm;
  return Buffer.concat([header(tag, tooLong ? 'UN' : vr, bytes.length), bytes]);
}

/** VRs that are padded with a space. */
const spaced = new Set<string>('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT'.split(' '));

/** An element with a value that is stored already; padded to even, and UN where it is too long for the length field of its VR. */
export function elementOf(tag: number, vr: string, value: Uint8Array): Buffer {
  const padding = value.length % 2 === 1 ? [Buffer.from(spaced.has(vr) ? ' ' : '\0')] : [];
  const length = value.length + padding.length;
  const tooLong = !longForm.has(vr) && length > longestShortForm;
  return Buffer.concat([header(tag, tooLong ? 'UN' : vr, length), value, ...padding]);
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

/** A number of the VR FD. */
export function double(tag: number, number: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeDoubleLE(number);
  return Buffer.concat([header(tag, 'FD', 8), value]);
}

/** Tags as values: pointers of dimensions and of the frame increment. */
export function attributeTag(tag: number, value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt16LE(value >>> 16, 0);
  buffer.writeUInt16LE(value & 0xffff, 2);
  return Buffer.concat([header(tag, 'AT', 4), buffer]);
}

/** Elements in ascending order of their tags, as a data set must have them. */
export function dataSet(...elements: readonly Buffer[]): Buffer {
  const tagOf = (element: Buffer): number => element.readUInt16LE(0) * 0x10000 + element.readUInt16LE(2);
  return Buffer.concat(elements.toSorted((a, b) => tagOf(a) - tagOf(b)));
}

const undefinedLength = 0xffffffff;

function delimiter(element: number, length: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeUInt16LE(0xfffe, 0);
  buffer.writeUInt16LE(element, 2);
  buffer.writeUInt32LE(length, 4);
  return buffer;
}

/** First and last bytes of an item whose elements the caller writes, in ascending order of their tags. */
export const itemStart = delimiter(0xe000, undefinedLength);
export const itemEnd = delimiter(0xe00d, 0);
export const sequenceEnd = delimiter(0xe0dd, 0);

export function sequenceStart(tag: number): Buffer {
  return header(tag, 'SQ', undefinedLength);
}

/** Start of encapsulated pixel data; fragments and `sequenceEnd` follow. */
export function encapsulatedStart(): Buffer {
  return header(0x7fe00010, 'OB', undefinedLength);
}

/** Header of a fragment or of an offset table of `length` bytes (even). */
export function fragmentHeader(length: number): Buffer {
  return delimiter(0xe000, length);
}

/** One item; elements in any order. */
export function item(...elements: readonly Buffer[]): Buffer {
  return Buffer.concat([itemStart, dataSet(...elements), itemEnd]);
}

export function sequence(tag: number, ...items: readonly Buffer[]): Buffer {
  return Buffer.concat([sequenceStart(tag), ...items, sequenceEnd]);
}

/** Preamble and file meta information; all is in explicit VR little endian. */
export function fileStart(
  sopClassUid: string,
  sopInstanceUid: string,
  transferSyntaxUid = '1.2.840.10008.1.2.1',
): Buffer {
  const meta = Buffer.concat([
    elementOf(0x00020001, 'OB', Uint8Array.of(0, 1)),
    text(0x00020002, 'UI', sopClassUid),
    text(0x00020003, 'UI', sopInstanceUid),
    text(0x00020010, 'UI', transferSyntaxUid),
    text(0x00020012, 'UI', '2.25.179383402137563263513961829302870513257'),
    text(0x00020013, 'SH', 'SONOSCOPE'),
  ]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), unsignedLong(0x00020000, meta.length), meta]);
}

/** A code of SNOMED CT, DICOM, LOINC, UCUM or (for the language of a report) IETF. */
export interface Code {
  readonly value: string;
  readonly scheme: 'SCT' | 'DCM' | 'LN' | 'UCUM' | 'RFC5646';
  readonly meaning: string;
}

/** A code as the only item of a sequence. */
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
