/** Look-up tables of DICOM as numbers. Pure. PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6 (palettes), C.7.9.2 (segmented), C.11.1.1. */
import type { StoredLut, StoredPalette } from '../image.js';

interface Table {
  /** Value that the first entry is for. */
  readonly first: number;
  readonly entries: Uint16Array;
  /** Bits that the entries really use. */
  readonly bits: number;
}

export interface Palette {
  readonly first: number;
  readonly red: Uint8Array;
  readonly green: Uint8Array;
  readonly blue: Uint8Array;
}

/** @returns null for a table without entries */
export function readTable(lut: StoredLut, segmented = false): Table | null {
  const { bits, first } = lut;
  // Eight bits are stored in words by some writers, and in bytes by others.
  const isWide = bits > 8 || (!segmented && lut.data.length >= 2 * lut.entries);
  const stored = isWide ? words(lut.data) : Uint16Array.from(lut.data);
  const entries = segmented ? expanded(stored, lut.entries, isWide) : stored.subarray(0, lut.entries);
  if (entries.length === 0) return null;
  const highest = entries.reduce((a, b) => Math.max(a, b), 0);
  // Sixteen bits are claimed for values of eight by some writers.
  return { first, entries, bits: highest > 255 ? Math.max(bits, 32 - Math.clz32(highest)) : 8 };
}

/** @returns null where a table is missing or none of them has entries */
export function readPalette({ red, green, blue, segmented }: StoredPalette): Palette | null {
  const tables = [red, green, blue].map((lut) => readTable(lut, segmented));
  const [r, g, b] = tables;
  if (!r || !g || !b) return null;
  // One table of a palette may have only small values: what one uses, all use.
  const shift = tables.some((table) => (table?.bits ?? 8) > 8) ? 8 : 0;
  const eight = ({ entries }: Table): Uint8Array => Uint8Array.from(entries, (value) => value >> shift);
  return { first: r.first, red: eight(r), green: eight(g), blue: eight(b) };
}

function words(bytes: Uint8Array): Uint16Array {
  return Uint16Array.from(
    { length: bytes.length >> 1 },
    (_, i) => (bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8),
  );
}

/** Segments: 0 discrete, 1 linear up to a value, 2 a repetition of earlier ones. At most `most` entries, whatever they claim. */
function expanded(segments: Uint16Array, most: number, isWide: boolean): Uint16Array {
  const out: number[] = [];
  const run = (from: number, segmentCount: number, depth: number): void => {
    let at = from;
    for (let n = 0; n < segmentCount && at + 2 < segments.length && out.length < most; n += 1) {
      const [kind = 0, length = 0] = segments.subarray(at, at + 2);
      at += 2;
      if (kind === 0) {
        out.push(...segments.subarray(at, Math.min(at + length, at + most - out.length)));
        at += length;
      } else if (kind === 1) {
        const y0 = out.at(-1) ?? 0;
        const y1 = segments[at] ?? 0;
        at += 1;
        for (let i = 1; i <= length && out.length < most; i += 1)
          out.push(Math.round(y0 + ((y1 - y0) * i) / length));
      } else if (kind === 2 && depth === 0) {
        const parts = [...segments.subarray(at, at + (isWide ? 2 : 4))];
        at += parts.length;
        const byteOffset = parts.reduceRight((sum, part) => sum * (isWide ? 65_536 : 256) + part, 0);
        run(isWide ? byteOffset / 2 : byteOffset, length, 1);
      } else return;
    }
  };
  run(0, Infinity, 0);
  return Uint16Array.from(out);
}
