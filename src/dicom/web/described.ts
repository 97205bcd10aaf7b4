/**
 * DICOM JSON (PS3.18 annex F) as the elements of a file, for archives that describe an object and hand out its frames, but not the
 * object. The one reader of files then reads it, so nothing is read in two ways. Pure.
 *
 * Own code: dcmjs, which could do it, writes a data set as a whole with its pixels, wants a VR for each element, and refuses what many
 * archives answer (numbers as text, values without VR).
 */
import { z } from 'zod';
import { dataSet, elementOf, item, sequence, text } from '../write/elements.js';

/** Values of elements by tag, eight hexadecimal digits in capitals. */
export type Described = ReadonlyMap<string, Attribute>;

interface Attribute {
  /** '' where the archive does not say it. */
  readonly vr: string;
  readonly values: readonly unknown[];
  readonly inline: string | null;
  /** Where the value lies in the archive, as it says it. */
  readonly bulk: string | null;
}

/** Sequences in sequences; what lies deeper is of no picture. */
const deepest = 16;

const attributeSchema = z.object({
  vr: z.string().optional().catch(undefined),
  Value: z.unknown().optional(),
  InlineBinary: z.string().optional().catch(undefined),
  BulkDataURI: z.string().optional().catch(undefined),
});

/** null where it is no object of attributes. */
export function described(json: unknown): Described | null {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  const attributes = new Map<string, Attribute>();
  for (const [key, value] of Object.entries(json)) {
    const parsed = attributeSchema.safeParse(value);
    if (!/^[0-9a-f]{8}$/i.test(key) || !parsed.success) continue;
    const { vr = '', Value: values, InlineBinary: inline = null, BulkDataURI: bulk = null } = parsed.data;
    const list = Array.isArray(values) ? values : values === undefined || values === null ? [] : [values];
    attributes.set(key.toUpperCase(), { vr: vr.toUpperCase(), values: list, inline, bulk });
  }
  return attributes;
}

/** First value as text; '' where there is none. */
export function firstText(of: Described, tag: string): string {
  const [value] = of.get(tag)?.values ?? [];
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** First value as a whole number that is not negative, also where the archive writes it as text; null where it is none. */
export function firstCount(of: Described, tag: string): number | null {
  const value = firstText(of, tag);
  return /^\d{1,9}(\.0*)?$/.test(value) ? Number(value) : null;
}

/**
 * Where values lie that are needed and that the archive keeps out of its description: tables of colours, of grey values, of times.
 * @returns as the archive wrote them, at most `most`
 */
export function bulkAddresses(of: Described, most: number): readonly string[] {
  const found = new Set<string>();
  const look = (attributes: Described, depth: number): void => {
    for (const [tag, { bulk, values }] of attributes) {
      if (isLeftOut(tag)) continue;
      if (bulk !== null && found.size < most) found.add(bulk);
      if (depth < deepest) for (const value of values) look(described(value) ?? new Map(), depth + 1);
    }
  };
  look(of, 0);
  return [...found];
}

/** Pixels, documents, overlays, curves, small pictures for lists, private elements, and those of the file's meta header. */
function isLeftOut(tag: string): boolean {
  const group = Number.parseInt(tag.slice(0, 4), 16);
  return (
    group % 2 === 1 ||
    group < 8 ||
    group > 0x7fe0 ||
    tag.endsWith('0000') ||
    /^(50|54|56|60)..|^0400/.test(tag) ||
    ['7FE00001', '7FE00002', '7FE00008', '7FE00009', '7FE00010', '00880200', '00420011'].includes(tag)
  );
}

/**
 * The elements before the pixel data, in explicit VR little endian and Unicode.
 * @param bulk values that lie elsewhere, by the address that the archive wrote
 * @param instead elements that take the place of those described
 */
export function elementsOf(
  of: Described,
  bulk: ReadonlyMap<string, Uint8Array>,
  instead: readonly Buffer[] = [],
): Buffer {
  const own = [text(0x00080005, 'CS', 'ISO_IR 192'), ...instead];
  const replaced = new Set(own.map((element) => element.readUInt32LE(0)));
  const read = (attributes: Described, depth: number): Buffer[] =>
    [...attributes].flatMap(([tag, attribute]) => {
      if (isLeftOut(tag) || tag === '00080005') return [];
      const number = Number.parseInt(tag, 16);
      const items = attribute.values.map(described).filter((one) => one !== null);
      if (attribute.vr === 'SQ' || (attribute.vr === '' && items.length > 0 && !isName(attribute.values[0])))
        return depth >= deepest
          ? []
          : [sequence(number, ...items.map((one) => item(...read(one, depth + 1))))];
      const value = attribute.bulk === null ? undefined : bulk.get(attribute.bulk);
      const bytes =
        value ?? (attribute.inline === null ? undefined : Buffer.from(attribute.inline, 'base64'));
      if (bytes !== undefined) return [elementOf(number, attribute.vr || 'UN', bytes)];
      return attribute.values.length === 0 ? [] : written(number, attribute);
    });
  const elements = read(of, 0).filter((element) => !replaced.has(element.readUInt32LE(0)));
  return dataSet(...own, ...elements);
}

const names = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;
const isName = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && names.some((name) => name in value);

type Put = (buffer: Buffer, value: number, at: number) => void;
/** Numbers in bytes: how many each has. Larger ones than a double holds are rounded, as JSON itself has it. */
const binary: Readonly<Record<string, readonly [bytes: number, put: Put]>> = {
  US: [2, (buffer, value, at) => buffer.writeUInt16LE(value & 0xffff, at)],
  SS: [2, (buffer, value, at) => buffer.writeUInt16LE(value & 0xffff, at)],
  UL: [4, (buffer, value, at) => buffer.writeUInt32LE(value >>> 0, at)],
  SL: [4, (buffer, value, at) => buffer.writeInt32LE(value | 0, at)],
  FL: [4, (buffer, value, at) => buffer.writeFloatLE(value, at)],
  FD: [8, (buffer, value, at) => buffer.writeDoubleLE(value, at)],
  UV: [8, (buffer, value, at) => buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(Math.trunc(value))), at)],
  SV: [8, (buffer, value, at) => buffer.writeBigInt64LE(BigInt.asIntN(64, BigInt(Math.trunc(value))), at)],
};

/** An element with these values; none where one of them is not of its kind. */
function written(tag: number, { vr, values }: Attribute): readonly Buffer[] {
  const numbers = binary[vr];
  if (numbers !== undefined) {
    const [bytes, put] = numbers;
    const all = values.map((value) => (value === null || value === '' ? NaN : Number(value)));
    if (!all.every(Number.isFinite)) return [];
    const buffer = Buffer.alloc(bytes * all.length);
    all.forEach((value, index) => put(buffer, value, index * bytes));
    return [elementOf(tag, vr, buffer)];
  }
  if (vr === 'AT') {
    if (!values.every((value) => typeof value === 'string' && /^[0-9a-f]{8}$/i.test(value))) return [];
    const words = values.flatMap((value) => [String(value).slice(0, 4), String(value).slice(4)]);
    const buffer = Buffer.alloc(2 * words.length);
    words.forEach((word, index) => buffer.writeUInt16LE(Number.parseInt(word, 16), 2 * index));
    return [elementOf(tag, vr, buffer)];
  }
  const texts = values.map(textOf);
  if (texts.includes(undefined)) return [];
  // Without a VR: numbers are read as text, and who reads text names its kind.
  const kind = vr !== '' ? vr : typeof values[0] === 'number' ? 'DS' : isName(values[0]) ? 'PN' : 'UT';
  if (!textKinds.has(kind)) return [];
  return [elementOf(tag, kind, Buffer.from(texts.join('\\'), 'utf8'))];
}

const textKinds = new Set('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT'.split(' '));

function textOf(value: unknown): string | undefined {
  if (value === null) return '';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (!isName(value)) return undefined;
  const groups = names.map((name) => (value as Record<string, unknown>)[name]);
  const said = groups.map((group) => (typeof group === 'string' ? group : ''));
  return said.join('=').replace(/=+$/, '');
}
