/**
 * What the numbers of masks mean. Data sets with a table of classes say it (`tableLabels` …); for masks of unknown making it
 * is decided once per clip, from all of its masks, and said in words. What cannot be decided is refused, never guessed.
 */
import { readFileSync } from 'node:fs';
import { readLabelPicture, type LabelPicture } from '../../formats/label-picture.js';
import { SonoError } from '../../vocabulary/errors.js';
import { evaluateError } from '../errors.js';
import { voidLabel, voidLabel16, type LabelMap } from './dataset.js';

/** 0 background, 255 (in sixteen bits 65535) void, else labels. */
type Labels = LabelMap['data'];

/** Turns the numbers of a mask file into labels, in place or anew. `path` is for messages. */
export type LabelReader = (mask: LabelPicture, path: string) => Labels;

/** How the masks of a clip are read. */
export interface MaskReading {
  readonly read: LabelReader;
  /** One sentence for people, null where the numbers are simply the labels. */
  readonly words: string | null;
  /** Colour → label where objects are told apart by colour. */
  readonly colours: ReadonlyMap<number, number> | null;
}

/** Mask file → numbers. Throws SONO_DATASET_FILE. */
export async function readMask(path: string): Promise<LabelPicture> {
  try {
    // Small and mostly in the cache: four trips through the thread pool cost more than the reading.
    return await readLabelPicture(readFileSync(path));
  } catch (error) {
    throw fileError(path, error);
  }
}

/** SONO_DATASET_FILE with the reason in words; an error that has a code already stays what it is. */
export function fileError(path: string, error: unknown): Error {
  if (error instanceof SonoError) return error;
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return evaluateError('SONO_DATASET_FILE', { path, reason: reason ?? 'unknown' }, error);
}

const unclear = (clip: string, path: string, reason: string): Error =>
  evaluateError('SONO_DATASET_MASK_UNCLEAR', { clip, path, reason });

export const colourName = (colour: number): string => `#${colour.toString(16).padStart(6, '0')}`;

/** Numbers that are labels as they stand: no colours, nothing that a lossy file has changed. */
function exact(clip: string, { values, kind, lossy }: LabelPicture, path: string): Uint8Array | Uint16Array {
  if (lossy) throw unclear(clip, path, 'JPEG and its like do not keep the numbers of labels');
  if (kind === 'colour' || values instanceof Uint32Array)
    throw unclear(clip, path, 'it has colours where numbers of labels were expected');
  return values;
}

/** A new map from a number at a time; a loop, because `from` with a function takes several times as long. */
function mapped(values: LabelPicture['values'], label: (value: number) => number): Uint8Array {
  const labels = new Uint8Array(values.length);
  for (let index = 0; index < values.length; index++) labels[index] = label(values[index] as number);
  return labels;
}

/** The value from which on a pixel is bright. */
const halfOf = ({ white }: LabelPicture): number => (white + 1) / 2;

/** Anything from half the brightness on is the one object; sixteen-bit files that use eight bits only count as such. */
export function binaryLabels(clip: string): LabelReader {
  return (mask, path) => {
    const { values, kind } = mask;
    if (kind === 'colour') throw unclear(clip, path, 'it has colours; one object is white on black');
    const half = values instanceof Uint16Array && values.every((value) => value <= 255) ? 128 : halfOf(mask);
    return mapped(values, (value) => (value >= half ? 1 : 0));
  };
}

/** Anything but 0 is the one object; in a lossy file, where 0 is not kept, anything bright. */
export function nonZeroLabels(clip: string): LabelReader {
  const binary = binaryLabels(clip);
  return (mask, path) =>
    mask.lossy ? binary(mask, path) : mapped(mask.values, (value) => (value === 0 ? 0 : 1));
}

/** Numbers are labels, 255 is void; in a mask with numbers beyond 255, 65535 is. */
export function plainLabels(clip: string): LabelReader {
  return (mask, path) => {
    const values = exact(clip, mask, path);
    return values instanceof Uint16Array && values.every((value) => value <= 255)
      ? Uint8Array.from(values)
      : values;
  };
}

/** The same for a clip that has labels beyond 255: 255 is one of them, also in the masks that have no larger one. */
function wideLabels(clip: string): LabelReader {
  return (mask, path) => Uint16Array.from(exact(clip, mask, path));
}

/** Numbers through a table; 255 stays void; others are an error. */
export function tableLabels(clip: string, table: ReadonlyMap<number, number>): LabelReader {
  const lookup = new Int16Array(65536).fill(-1);
  lookup[0] = 0;
  lookup[voidLabel] = voidLabel;
  for (const [value, label] of table) lookup[value] = label;
  return (mask, path) =>
    mapped(exact(clip, mask, path), (value) => {
      const label = lookup[value] as number;
      if (label < 0)
        throw evaluateError('SONO_DATASET_LABEL', { clip, path, value, known: [...table.keys()].join(', ') });
      return label;
    });
}

/** What all masks of a clip hold together. */
interface Survey {
  /** Pixels of each grey level or palette index. */
  readonly counts: Uint32Array;
  readonly colours: ReadonlyMap<number, number>;
  /** First mask of each kind that shows anything. */
  readonly lossy: string | null;
  readonly indexed: string | null;
  readonly coloured: string | null;
  readonly shown: string | null;
  readonly white: number;
}

async function survey(clip: string, masks: readonly (string | null)[]): Promise<Survey> {
  const counts = new Uint32Array(65536);
  const colours = new Map<number, number>();
  let lossy: string | null = null;
  let indexed: string | null = null;
  let coloured: string | null = null;
  let shown: string | null = null;
  let white = 0;
  for (const path of masks) {
    if (path === null) continue;
    const mask = await readMask(path);
    if (mask.lossy) lossy ??= path;
    if (hasBlackElsewhere(mask))
      throw unclear(
        clip,
        path,
        'black is not the first colour of its palette, so 0 may not be the background',
      );
    let any = false;
    if (mask.kind === 'colour') {
      coloured ??= path;
      for (const value of mask.values) {
        if (value === 0) continue;
        any = true;
        colours.set(value, (colours.get(value) ?? 0) + 1);
      }
      if (colours.size > 4096 && !mask.lossy) throw tooManyColours(clip, path);
    } else
      for (const value of mask.values) {
        if (value === 0) continue;
        any = true;
        counts[value] = (counts[value] as number) + 1;
      }
    if (!any) continue;
    shown ??= path;
    if (mask.kind === 'indexed') indexed ??= path;
    white = Math.max(white, mask.white);
  }
  return { counts, colours, lossy, indexed, coloured, shown, white };
}

/** Whether a mask uses a black that is not index 0, while 0 is another colour. */
function hasBlackElsewhere({ palette, values }: LabelPicture): boolean {
  if (palette === null) return false;
  const isBlack = (index: number): boolean =>
    3 * index < palette.length && [0, 1, 2].every((channel) => palette[3 * index + channel] === 0);
  if (isBlack(0)) return false;
  const blacks = new Set(Array.from({ length: palette.length / 3 }, (_, index) => index).filter(isBlack));
  return blacks.size > 0 && values.some((value) => blacks.has(value));
}

const tooManyColours = (clip: string, path: string): Error =>
  unclear(clip, path, `it has more than ${mostColours} colours, so they cannot each be an object`);

/** More colours than this come from blended edges. */
const mostColours = 32;

/** Greys up to here are numbers of labels, also beside 255 (void). */
const smallNumbers = 32;

/**
 * Decides how the masks of a clip are read. Throws SONO_DATASET_FILE, SONO_DATASET_MASK_UNCLEAR.
 *
 * - Only 0 and 255 (or 65535): one object.
 * - A palette or small numbers: labels, 255 void.
 * - JPEG and its like, or greys as soft edges have them: one object, from half the brightness on.
 * - Colours: one object each.
 */
export async function readingOf(clip: string, masks: readonly (string | null)[]): Promise<MaskReading> {
  const found = await survey(clip, masks);
  const { shown, lossy, coloured, indexed, colours, counts } = found;
  const labels = (wide: boolean): MaskReading => ({
    read: wide ? wideLabels(clip) : plainLabels(clip),
    words: null,
    colours: null,
  });
  if (shown === null) return labels(false);
  if (lossy !== null) return lossyReading(clip, lossy, found);
  const values = [...counts.keys()].filter((value) => (counts[value] as number) > 0);
  if (coloured !== null) {
    if (indexed !== null) throw unclear(clip, indexed, 'it has a palette, while other masks have colours');
    for (const value of values) {
      if (value > 255) throw unclear(clip, shown, 'it has sixteen bits, while other masks have colours');
      colourOfGrey(colours as Map<number, number>, value, counts[value] as number);
    }
    return colourReading(clip, coloured, colours);
  }
  const last = values.at(-1) as number;
  const top = last > 255 ? voidLabel16 : voidLabel;
  if (values.length === 1 && last === top)
    return {
      read: (mask) => mapped(mask.values, (value) => (value === top ? 1 : 0)),
      words: null,
      colours: null,
    };
  const others = values.filter((value) => value !== top);
  const largest = others.at(-1) ?? 0;
  const numbered = largest <= 2 * others.length && largest <= 200;
  const soft: MaskReading = {
    read: softLabels(top),
    words: 'the masks have soft edges: every pixel from half the brightness on is the one object',
    colours: null,
  };
  if (indexed !== null || largest <= smallNumbers || (last > 255 && last !== voidLabel16))
    return labels(last > 255);
  if (last !== top) {
    if (others.length <= mostColours || numbered) return labels(last > 255);
    if (isSoft(counts, top)) return soft;
    throw unclear(
      clip,
      shown,
      `it has ${others.length} greys but no white, which may be labels or soft edges`,
    );
  }
  if (others.length >= 3 && isSoft(counts, top)) return soft;
  const white = counts[top] as number;
  const most = Math.max(...others.map((value) => counts[value] as number));
  // Parts to leave out are seams: a grey that covers more than white does is no edge of something white.
  const many = others.length > mostColours;
  if (many ? numbered : others.length >= 4 && most > white) return labels(last > 255);
  if (many) throw unclear(clip, shown, 'it has areas of grey between black and white besides soft edges');
  throw unclear(
    clip,
    shown,
    `it has the greys ${others.slice(0, 8).join(', ')} and ${top}, of which ${top} may be an object or a part to leave out`,
  );
}

function colourOfGrey(colours: Map<number, number>, grey: number, count: number): void {
  const colour = grey * 0x010101;
  colours.set(colour, (colours.get(colour) ?? 0) + count);
}

function softLabels(top: number): LabelReader {
  const half = (top + 1) / 2;
  return ({ values }) => mapped(values, (value) => (value >= half ? 1 : 0));
}

/** Whether greys between black and white are spread as at soft edges, instead of one level covering an area. */
function isSoft(counts: Uint32Array, top: number): boolean {
  return plateau(counts, top).grey === null && sum(counts, top, 224, 255) > 0;
}

function sum(counts: Uint32Array, top: number, from: number, to: number): number {
  const scale = top === voidLabel16 ? 257 : 1;
  let total = 0;
  for (let value = from * scale; value <= to * scale; value++) total += counts[value] as number;
  return total;
}

/** The grey that covers an area of its own between black and white, null where there is none: an edge has a little of each. */
function plateau(counts: Uint32Array, top: number): { readonly grey: number | null } {
  const least = Math.max(64, sum(counts, top, 128, 255) / 8);
  for (let centre = 36; centre <= 219; centre++)
    if (sum(counts, top, centre - 4, centre + 4) >= least) return { grey: centre };
  return { grey: null };
}

function lossyReading(clip: string, path: string, { counts, coloured, white }: Survey): MaskReading {
  if (coloured !== null)
    throw unclear(clip, coloured, 'JPEG and its like do not keep the colours of objects');
  if (white > 255) throw unclear(clip, path, 'some masks have eight and some have sixteen bits');
  if (sum(counts, voidLabel, 128, 255) === 0)
    throw unclear(clip, path, 'nothing in it is bright, and JPEG and its like do not keep numbers of labels');
  const { grey } = plateau(counts, voidLabel);
  if (grey !== null)
    throw unclear(
      clip,
      path,
      `it has areas of the grey ${grey} besides black and white, and JPEG and its like do not keep labels`,
    );
  return {
    read: softLabels(voidLabel),
    words: 'the masks are JPEG (or as lossy): every pixel from half the brightness on is the one object',
    colours: null,
  };
}

function colourReading(clip: string, path: string, found: ReadonlyMap<number, number>): MaskReading {
  if (found.size > mostColours) throw tooManyColours(clip, path);
  const colours = new Map(
    [...found.keys()].sort((a, b) => a - b).map((colour, index) => [colour, index + 1]),
  );
  return {
    read: ({ values, kind }) =>
      mapped(values, (value) => colours.get(kind === 'colour' ? value : value * 0x010101) ?? 0),
    words: `each colour of the masks is an object: ${[...colours].map(([colour, label]) => `${label} is ${colourName(colour)}`).join(', ')}`,
    colours,
  };
}
