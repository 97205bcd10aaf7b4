/**
 * The elements of a DICOM data set as values (PS3.5 section 6.2). Whoever asks names the tag and so knows what kind of value it is, which
 * is why elements without a VR need no dictionary; a VR that the file names is obeyed. Sequences are looked into when they are asked for.
 * Text becomes Unicode by dicom-character-set (ISO 2022 with all its escapes). Pure; bytes of the header are in memory.
 */
import { convertBytes } from 'dicom-character-set';
import {
  explicitLittle,
  implicitLittle,
  inMemory,
  isVrName,
  scanElements,
  scanItems,
  type Encoding,
  type StoredElement,
} from './data-set-scan.js';

/** How numbers are stored where the file does not say it. */
type NumberVr = 'US' | 'SS' | 'UL' | 'SL' | 'FL' | 'FD' | 'OV';
type TextVr = 'LO' | 'SH' | 'PN' | 'LT';

const numberBytes: Readonly<Record<string, number>> = {
  US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, OV: 8, UV: 8, SV: 8, OW: 2, OL: 4, OF: 4, OD: 8,
}; // prettier-ignore

/** Sequences within sequences that are looked into; what lies deeper is of no picture. */
const deepest = 16;

export class DataSet {
  readonly #elements: ReadonlyMap<number, StoredElement>;
  readonly #characterSet: string;
  readonly #depth: number;
  readonly #items = new Map<number, readonly DataSet[]>();

  /** @param around the data set that this is an item of */
  constructor(elements: ReadonlyMap<number, StoredElement>, around: DataSet | null = null) {
    this.#elements = elements;
    this.#depth = around === null ? 0 : around.#depth + 1;
    this.#characterSet = this.ascii(0x00080005) ?? (around === null ? '' : around.#characterSet);
  }

  /** Whether the element is there, also without a value. */
  has(tag: number): boolean {
    return this.#elements.has(tag);
  }

  /** As the file says it; null where it does not. */
  vr(tag: number): string | null {
    return this.#elements.get(tag)?.vr || null;
  }

  /** The value as it is stored; undefined where there is none, or where it was too long to be kept. */
  bytes(tag: number): Uint8Array | undefined {
    const bytes = this.#elements.get(tag)?.bytes;
    return bytes && bytes.length > 0 ? bytes : undefined;
  }

  /** The value with its 16-bit words in little-endian order, where the file says that it consists of such. */
  littleEndianWords(tag: number): Uint8Array | undefined {
    const bytes = this.bytes(tag);
    const element = this.#elements.get(tag);
    if (bytes === undefined || element?.encoding.bigEndian !== true || element.vr === 'OB') return bytes;
    return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16();
  }

  /** Text in the basic set (UI, CS, DA, TM …), values parted by backslashes, without padding; undefined where it is empty. */
  ascii(tag: number): string | undefined {
    const bytes = this.bytes(tag);
    return bytes && (trimmed(Buffer.from(bytes).toString('latin1')) || undefined);
  }

  /** Text in the file's character sets, as Unicode; undefined where it is empty. */
  text(tag: number, vr: TextVr = 'LO'): string | undefined {
    const bytes = this.bytes(tag);
    return bytes && (trimmed(decoded(bytes, this.#characterSet, vr)) || undefined);
  }

  /**
   * Numbers, also those in text (DS, IS) and of 64 bits (as far as doubles are exact).
   * @param stored how, where the file does not say it
   * @returns NaN for what is no number; an empty list where there is no value
   */
  numbers(tag: number, stored: NumberVr | 'DS'): number[] {
    const bytes = this.bytes(tag);
    const element = this.#elements.get(tag);
    if (bytes === undefined || element === undefined) return [];
    const named =
      element.vr === 'DS' || element.vr === 'IS' || element.vr in numberBytes ? element.vr : stored;
    // 16-bit words are what any longer number may have been written as.
    const vr = named === 'OW' || named === 'OB' ? stored : named;
    const size = numberBytes[vr];
    if (size === undefined)
      return Buffer.from(bytes)
        .toString('latin1')
        .split('\\')
        .map((value) => (trimmed(value) === '' ? NaN : Number(trimmed(value))));
    // UN and what is in it is little-endian.
    const little = !element.encoding.bigEndian || element.vr === 'UN';
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
      number(view, i * size, vr, little),
    );
  }

  /** The first of the numbers; undefined where there is none. */
  number(tag: number, stored: NumberVr | 'DS'): number | undefined {
    const value = this.numbers(tag, stored)[0];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  /** Tags as values (AT). */
  tags(tag: number): number[] {
    const words = this.numbers(tag, 'US');
    const element = this.#elements.get(tag);
    const bytes = this.bytes(tag);
    if (element?.vr !== 'AT' || bytes === undefined) return pairs(words);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return pairs(
      Array.from({ length: bytes.length >> 1 }, (_, i) => view.getUint16(2 * i, !element.encoding.bigEndian)),
    );
  }

  /**
   * The items of a sequence, also of one in VR UN; an empty list where there are none.
   * @throws DataSetError where they are cut off or damaged
   */
  items(tag: number): readonly DataSet[] {
    const known = this.#items.get(tag);
    if (known !== undefined) return known;
    const bytes = this.bytes(tag);
    const element = this.#elements.get(tag);
    if (bytes === undefined || element === undefined || this.#depth >= deepest) return [];
    const encoding = itemEncoding(bytes, element);
    const items = inMemory(bytes, (window) => scanItems(window, encoding)).map(([at, end]) => {
      const { elements } = inMemory(bytes, (window) =>
        scanElements(window, at, end, encoding, never, always),
      );
      return new DataSet(elements, this);
    });
    this.#items.set(tag, items);
    return items;
  }

  /** The first item of a sequence. */
  item(tag: number): DataSet | undefined {
    return this.items(tag)[0];
  }
}

const never = (): boolean => false;
const always = (): boolean => true;
const pairs = (words: readonly number[]): number[] =>
  Array.from(
    { length: words.length >> 1 },
    (_, i) => (((words[2 * i] ?? 0) << 16) | (words[2 * i + 1] ?? 0)) >>> 0,
  );

/** Items in UN, and in elements without a VR among others, are implicit (PS3.5 section 6.2.2) unless their writer left the VRs. */
function itemEncoding(bytes: Uint8Array, { vr, encoding }: StoredElement): Encoding {
  if (vr === 'SQ' || encoding.implicit) return encoding;
  return isVrName(Buffer.from(bytes.subarray(12, 14)).toString('latin1')) ? explicitLittle : implicitLittle;
}

/** Padding is spaces behind text and zeros behind identifiers. */
function trimmed(text: string): string {
  return text.replace(/[\0 ]+$/, '').replace(/^ +/, '');
}

/** Sets that escapes may name although the file forgot to. */
const escapable = [6, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 13, 87, 159, 149, 58].map(
  (register) => `ISO 2022 IR ${register}`,
);

function decoded(bytes: Uint8Array, characterSet: string, vr: TextVr): string {
  const name = characterSet
    .toUpperCase()
    .replace(/ISO[-_ ]IR[-_ ]?/g, 'ISO_IR ')
    .replace(/ISO[-_ ]?2022[-_ ]IR[-_ ]?/g, 'ISO 2022 IR ')
    .replace(/^UTF-?8$/, 'ISO_IR 192');
  const withEscapes = [name.split('\\')[0] ?? '', ...escapable].join('\\');
  // Without a name only seven bits are allowed, and more are written.
  const names =
    name === '' || name === 'ISO_IR 6' ? (bytes.includes(0x1b) ? [withEscapes] : []) : [name, withEscapes];
  for (const attempt of names) {
    try {
      return convertBytes(attempt, bytes, { vr });
    } catch {
      // Not this one.
    }
  }
  // The library does not know Latin-9. Anything else is UTF-8 if it can be that, or the commonest.
  const last = name === 'ISO_IR 203' ? 'iso-8859-15' : 'windows-1252';
  try {
    return new TextDecoder(name === 'ISO_IR 203' ? last : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder(last).decode(bytes);
  }
}

function number(view: DataView, at: number, vr: string, little: boolean): number {
  switch (vr) {
    case 'US':
      return view.getUint16(at, little);
    case 'SS':
      return view.getInt16(at, little);
    case 'UL':
    case 'OL':
      return view.getUint32(at, little);
    case 'SL':
      return view.getInt32(at, little);
    case 'FL':
    case 'OF':
      return view.getFloat32(at, little);
    case 'FD':
    case 'OD':
      return view.getFloat64(at, little);
    case 'SV':
      return Number(view.getBigInt64(at, little));
    default:
      return Number(view.getBigUint64(at, little));
  }
}
