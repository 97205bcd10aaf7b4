/** Clips made of picture files: decoding to the network's input, label maps from masks, a few frames ahead of the reader. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { decodeLabelPng } from '../../export/png-codec.js';
import type { PictureSize } from '../../frame.js';
import { evaluateError } from '../errors.js';
import { wordsOf } from '../metrics/bitmap.js';
import { voidLabel, type Clip, type ClipFrame, type LabelMap } from './dataset.js';

/** A mask as it stands in its file. `values` are palette indices or grey levels. */
export interface RawMask {
  readonly width: number;
  readonly height: number;
  readonly values: Uint8Array;
  readonly indexed: boolean;
}

/** Turns the values of a mask file into labels, in place or anew. `path` is for messages. */
export type LabelReader = (mask: RawMask, path: string) => Uint8Array;

/** Mask file → values. Pictures with colours are read as grey: label maps are grey or have a palette. */
export async function readMask(path: string): Promise<RawMask> {
  try {
    // Small and mostly in the cache: four trips through the thread pool cost more than the reading.
    const file = readFileSync(path);
    if (file[0] === 0x89) {
      const own = await decodeLabelPng(file);
      if (own !== null)
        return { width: own.width, height: own.height, values: own.data, indexed: own.indexed };
    }
    const { data, info } = await sharp(file)
      .flatten()
      .toColourspace('b-w')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, values: plane(data, info.channels), indexed: false };
  } catch (error) {
    throw fileError(path, error);
  }
}

function plane(data: Uint8Array, channels: number): Uint8Array {
  return channels === 1 ? data : data.filter((_, index) => index % channels === 0);
}

export function fileError(path: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
  return evaluateError('SONO_DATASET_FILE', { path, reason: reason ?? 'unknown' }, error);
}

/** Colour-coded mask: 24-bit colour → label; colours that the table does not know are passed to `unknown`. */
export async function readColourMask(
  path: string,
  table: ReadonlyMap<number, number>,
  unknown: (colour: number) => number,
): Promise<LabelMap> {
  try {
    const { data, info } = await sharp(path)
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const labels = new Uint8Array(info.width * info.height);
    for (let pixel = 0, at = 0; pixel < labels.length; pixel++, at += 3) {
      const colour =
        ((data[at] as number) << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number);
      labels[pixel] = colour === 0 ? (table.get(0) ?? 0) : (table.get(colour) ?? unknown(colour));
    }
    return { width: info.width, height: info.height, data: labels };
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SONO_')) throw error;
    throw fileError(path, error);
  }
}

/** Anything above half is the one object. */
export const binaryLabels: LabelReader = ({ values }) => {
  const words = wordsOf(values);
  for (let index = 0; index < words.length; index++)
    words[index] = ((words[index] as number) >>> 7) & 0x01010101;
  for (let index = words.length * 4; index < values.length; index++)
    values[index] = (values[index] as number) >> 7;
  return values;
};

/** Anything but 0 is the one object. */
export const nonZeroLabels: LabelReader = ({ values }) => {
  for (let index = 0; index < values.length; index++) if (values[index] !== 0) values[index] = 1;
  return values;
};

/** Values are labels, 255 is void. */
export const plainLabels: LabelReader = ({ values }) => values;

/** Values through a table; 255 stays void; others are an error. */
export function tableLabels(clip: string, table: ReadonlyMap<number, number>): LabelReader {
  const lookup = new Int16Array(256).fill(-1);
  lookup[0] = 0;
  lookup[voidLabel] = voidLabel;
  for (const [value, label] of table) lookup[value] = label;
  return ({ values }, path) =>
    values.map((value) => {
      const label = lookup[value] as number;
      if (label < 0)
        throw evaluateError('SONO_DATASET_LABEL', { clip, path, value, known: [...table.keys()].join(', ') });
      return label;
    });
}

/**
 * Masks of unknown making, decided once per clip by the first mask that shows anything: a palette or small numbers are
 * labels (255 void); only 0 and 255, or many greys (blurred edges, JPEG), are one object.
 */
export async function detectLabels(masks: readonly (string | null)[]): Promise<LabelReader> {
  for (const path of masks) {
    if (path === null) continue;
    const { values, indexed } = await readMask(path);
    const seen = new Set(values);
    seen.delete(0);
    if (seen.size === 0) continue;
    if (indexed) return plainLabels;
    return (seen.size === 1 && seen.has(255)) || seen.size > 32 ? binaryLabels : plainLabels;
  }
  return plainLabels;
}

/**
 * Picture file → RGB at the network's size. Linear reduction with the support stretched to the step, as GStreamer's
 * videoscale does for live sources; JPEGs are already reduced by halves while decoding, which is most of the time.
 */
export async function decodePicture(path: string, size: PictureSize): Promise<Uint8Array> {
  try {
    return await sharp(path, { sequentialRead: true })
      .resize(size.width, size.height, { fit: 'fill', kernel: 'linear' })
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
  } catch (error) {
    throw fileError(path, error);
  }
}

export async function pictureSize(path: string): Promise<PictureSize> {
  try {
    const { width, height } = await sharp(path).metadata();
    return { width, height };
  } catch (error) {
    throw fileError(path, error);
  }
}

export interface PictureClipOptions {
  readonly name: string;
  readonly pictures: readonly string[];
  /** One per picture; null where not annotated. */
  readonly masks: readonly (string | null)[];
  readonly readTruth: (path: string) => Promise<LabelMap>;
  readonly label: (value: number) => string;
  readonly framesPerSecond?: number | null;
  readonly spacingMm?: { readonly x: number; readonly y: number } | null;
}

/** A reader that applies `labels` to grey or palette masks. */
export function truthReader(labels: LabelReader): (path: string) => Promise<LabelMap> {
  return async (path) => {
    const raw = await readMask(path);
    return { width: raw.width, height: raw.height, data: labels(raw, path) };
  };
}

/** Frames decoded ahead: enough to keep the other core busy while the network runs, few enough to stay small. */
const ahead = 3;

/** Maps 0 … count−1 through an asynchronous function in order, a few calls ahead. */
export async function* inOrder<Value>(
  count: number,
  make: (index: number) => Promise<Value>,
): AsyncGenerator<Value> {
  const waiting: Promise<Value>[] = [];
  let next = 0;
  while (next < count || waiting.length > 0) {
    while (next < count && waiting.length < ahead) {
      const made = make(next++);
      // It may fail while an earlier one is looked at, and its turn to say so comes, unless the reader stops before.
      made.catch(() => undefined);
      waiting.push(made);
    }
    yield await (waiting.shift() as Promise<Value>);
  }
}

export async function pictureClip(options: PictureClipOptions): Promise<Clip> {
  const { name, pictures, masks, readTruth } = options;
  const size = await pictureSize(pictures[0] as string);
  const read = async (index: number, target: PictureSize): Promise<ClipFrame> => {
    const mask = masks[index] ?? null;
    const [rgb, truth] = await Promise.all([
      decodePicture(pictures[index] as string, target),
      mask === null ? null : readTruth(mask),
    ]);
    if (truth !== null && (truth.width !== size.width || truth.height !== size.height))
      throw evaluateError('SONO_DATASET_SIZE', {
        clip: name,
        path: mask as string,
        found: `${truth.width}×${truth.height}`,
        expected: `${size.width}×${size.height}`,
      });
    return { index, rgb, truth };
  };
  return {
    name,
    frameCount: pictures.length,
    size,
    framesPerSecond: options.framesPerSecond ?? null,
    spacingMm: options.spacingMm ?? null,
    label: options.label,
    frames: (target) => inOrder(pictures.length, (index) => read(index, target)),
    picturePaths: pictures,
  };
}
