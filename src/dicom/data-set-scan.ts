/**
 * Where the elements of a DICOM data set lie (PS3.5 sections 7.1 to 7.5). Nothing is believed and nothing recurses: sequences of unknown
 * length are walked with a bounded stack, values are taken only as far as they are there. Pure: bytes that are not in memory are asked
 * for by `yield`, so the same code reads a file bit by bit and an item that is in memory at once. Own code, because no library kept
 * does this; what dcmjs and dicom-parser do instead stands in docs/decisions/0100.
 */

export interface Encoding {
  readonly implicit: boolean;
  readonly bigEndian: boolean;
}

export interface ElementHeader {
  /** Group in the upper, element in the lower 16 bits. */
  readonly tag: number;
  /** Where the element begins in the source. */
  readonly at: number;
  /** '' where the file does not say it. */
  readonly vr: string;
  /** Where the value begins in the source. */
  readonly valueAt: number;
  readonly length: number | 'undefined';
}

export interface StoredElement {
  readonly vr: string;
  readonly encoding: Encoding;
  /** The value; null where it was passed over. */
  readonly bytes: Uint8Array | null;
}

/** Bytes that have to be in the window before the work can go on. */
interface Need {
  readonly at: number;
  readonly length: number;
}
export type Work<T> = Generator<Need, T, undefined>;

/** The bytes are no data set, or end too early. */
class DataSetError extends Error {}

export const implicitLittle: Encoding = { implicit: true, bigEndian: false };
export const explicitLittle: Encoding = { implicit: false, bigEndian: false };

const itemTag = 0xfffee000;
const itemEndTag = 0xfffee00d;
const sequenceEndTag = 0xfffee0dd;
/** Every nested sequence takes two places of the stack. */
const mostNested = 8192;
/** More elements than this are no header of an image. */
const mostElements = 4_000_000;

/** VRs whose length has four bytes behind two reserved ones. */
const longVrs = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));
const shortVrs = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));
/** Undefined length of these means fragments, of all others items. */
const fragmentVrs = new Set('OB OD OF OL OV OW'.split(' '));

/** The part of a source that is in memory. */
export class Window {
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #start = 0;

  /** @param size of the whole source */
  constructor(readonly size: number) {}

  load(start: number, bytes: Uint8Array): void {
    this.#start = start;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether as much of these bytes is here as the source has. */
  covers(at: number, length: number): boolean {
    const end = Math.min(at + length, this.size);
    return at >= end || (at >= this.#start && end <= this.#start + this.#bytes.length);
  }

  uint8(at: number): number {
    return this.#bytes[at - this.#start] ?? 0;
  }

  uint16(at: number, bigEndian: boolean): number {
    return this.#view.getUint16(at - this.#start, !bigEndian);
  }

  uint32(at: number, bigEndian: boolean): number {
    return this.#view.getUint32(at - this.#start, !bigEndian);
  }

  slice(at: number, end: number): Uint8Array {
    return this.#bytes.subarray(at - this.#start, end - this.#start);
  }
}

/** Does work on bytes that are all in memory. */
export function inMemory<T>(bytes: Uint8Array, work: (window: Window) => Work<T>): T {
  const window = new Window(bytes.length);
  window.load(0, bytes);
  const step = work(window).next();
  if (step.done !== true) throw new DataSetError('ends too early');
  return step.value;
}

export function isVrName(letters: string): boolean {
  return longVrs.has(letters) || shortVrs.has(letters);
}

/** The two letters where a VR may be. */
export function letters(window: Window, at: number): string {
  return String.fromCharCode(window.uint8(at), window.uint8(at + 1));
}

/**
 * @param end of the data set
 * @returns null where too little is left for an element
 * @throws DataSetError
 */
export function* elementHeader(
  window: Window,
  at: number,
  end: number,
  { implicit, bigEndian }: Encoding,
): Work<ElementHeader | null> {
  if (!window.covers(at, 12)) yield { at, length: 12 };
  if (end - at < 8) return null;
  const group = window.uint16(at, bigEndian);
  const tag = ((group << 16) | window.uint16(at + 2, bigEndian)) >>> 0;
  const plain = (): ElementHeader => {
    const length = window.uint32(at + 4, bigEndian);
    return { tag, at, vr: '', valueAt: at + 8, length: length === 0xffffffff ? 'undefined' : length };
  };
  if (group === 0xfffe || implicit) return plain();
  const vr = letters(window, at + 4);
  // Some writers put elements without a VR among others; a VR of two capitals that nobody knows yet has the long form.
  if (!/^[A-Z]{2}$/.test(vr)) return plain();
  if (shortVrs.has(vr)) return { tag, at, vr, valueAt: at + 8, length: window.uint16(at + 6, bigEndian) };
  if (end - at < 12) throw new DataSetError('ends within an element');
  const length = window.uint32(at + 8, bigEndian);
  return { tag, at, vr, valueAt: at + 12, length: length === 0xffffffff ? 'undefined' : length };
}

type Nesting = { readonly kind: 'items' | 'item' | 'fragments'; readonly encoding: Encoding };

function* nestingOf(window: Window, { vr, valueAt }: ElementHeader, encoding: Encoding): Work<Nesting> {
  if (fragmentVrs.has(vr)) return { kind: 'fragments', encoding };
  if (vr !== 'UN') return { kind: 'items', encoding };
  // PS3.5 section 6.2.2: what is inside UN has no VRs. Some writers leave them.
  if (!window.covers(valueAt, 16)) yield { at: valueAt, length: 16 };
  const explicit = window.size - valueAt >= 16 && isVrName(letters(window, valueAt + 12));
  return { kind: 'items', encoding: explicit ? encoding : implicitLittle };
}

/**
 * Finds the end of something that does not say how long it is.
 * @returns where its content and its end marker end
 * @throws DataSetError
 */
function* findEnd(
  window: Window,
  start: number,
  end: number,
  outermost: Nesting,
): Work<{ readonly contentEnd: number; readonly next: number }> {
  const stack: Nesting[] = [outermost];
  let at = start;
  for (;;) {
    const top = stack.at(-1);
    if (top === undefined || stack.length > mostNested) throw new DataSetError('nested too deep');
    const inner = yield* elementHeader(window, at, end, top.encoding);
    if (inner === null) throw new DataSetError('ends within a sequence');
    const { tag, valueAt, length } = inner;
    if (tag === sequenceEndTag || tag === itemEndTag) {
      // The end of a sequence ends its item too, where that was forgotten.
      if (tag === sequenceEndTag && top.kind === 'item' && stack.length > 1) stack.pop();
      if (tag === itemEndTag && top.kind !== 'item')
        throw new DataSetError('an item ends that has not begun');
      stack.pop();
      if (stack.length === 0) return { contentEnd: at, next: valueAt };
      at = valueAt;
      continue;
    }
    if (top.kind !== 'item' && tag !== itemTag) throw new DataSetError('no item where one should be');
    if (length !== 'undefined') at = valueAt + length;
    else {
      at = valueAt;
      if (top.kind === 'item') stack.push(yield* nestingOf(window, inner, top.encoding));
      else if (top.kind === 'items') stack.push({ kind: 'item', encoding: top.encoding });
      else throw new DataSetError('a fragment without length');
    }
    if (at > end) throw new DataSetError('ends within a sequence');
  }
}

interface Scan {
  readonly elements: Map<number, StoredElement>;
  /** The element that `isLast` stopped at; its value has not been looked at. */
  readonly last: ElementHeader | null;
}

/**
 * Looks through one level of a data set.
 * @param isLast the tag before whose value to stop
 * @param keeps whether a value of so many bytes is wanted
 * @throws DataSetError
 */
export function* scanElements(
  window: Window,
  start: number,
  end: number,
  encoding: Encoding,
  isLast: (tag: number) => boolean,
  keeps: (tag: number, bytes: number) => boolean,
): Work<Scan> {
  const elements = new Map<number, StoredElement>();
  let at = start;
  for (let count = 0; ; count += 1) {
    const header = yield* elementHeader(window, at, end, encoding);
    // Zeros behind the last element, or the end of an item.
    if (header === null || header.tag < 0x10000 || header.tag >= itemTag) return { elements, last: null };
    if (isLast(header.tag)) return { elements, last: header };
    if (count === mostElements) throw new DataSetError('too many elements');
    const { tag, vr, valueAt, length } = header;
    let contentEnd: number;
    let inner = encoding;
    if (length === 'undefined') {
      const nesting = yield* nestingOf(window, header, encoding);
      inner = nesting.encoding;
      ({ contentEnd, next: at } = yield* findEnd(window, valueAt, end, nesting));
    } else at = contentEnd = valueAt + length;
    if (at > end) throw new DataSetError('ends within an element');
    const bytes = contentEnd - valueAt;
    if (!keeps(tag, bytes)) elements.set(tag, { vr, encoding: inner, bytes: null });
    else {
      if (!window.covers(valueAt, bytes)) yield { at: valueAt, length: bytes };
      elements.set(tag, { vr, encoding: inner, bytes: window.slice(valueAt, contentEnd) });
    }
  }
}

/**
 * The items of a sequence whose bytes are in memory.
 * @throws DataSetError
 */
export function* scanItems(
  window: Window,
  encoding: Encoding,
): Work<readonly (readonly [at: number, end: number])[]> {
  const items: (readonly [number, number])[] = [];
  let at = 0;
  for (;;) {
    const header = yield* elementHeader(window, at, window.size, encoding);
    if (header === null || header.tag !== itemTag) return items;
    const { valueAt, length } = header;
    if (length === 'undefined') {
      const found = yield* findEnd(window, valueAt, window.size, { kind: 'item', encoding });
      items.push([valueAt, found.contentEnd]);
      at = found.next;
    } else {
      at = Math.min(valueAt + length, window.size);
      items.push([valueAt, at]);
    }
  }
}
