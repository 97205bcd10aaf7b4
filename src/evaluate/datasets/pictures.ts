/** Clips made of picture files: decoding to the network's input, label maps from masks, a few frames ahead of the reader. */
import { readFileSync } from 'node:fs';
import type { PictureSize } from '../../vocabulary/frame.js';
import { stillInfo, stillPixels, type StillInfo } from '../../ingest/still-picture.js';
import { readLabelColours } from '../../formats/label-picture.js';
import { evaluateError } from '../errors.js';
import type { Clip, ClipFrame, LabelMap } from './dataset.js';
import { fileError, readMask, type LabelReader, type MaskReading } from './mask-labels.js';

/** Colour-coded mask: 24-bit colour → label; colours that the table does not know are passed to `unknown`. */
export async function readColourMask(
  path: string,
  table: ReadonlyMap<number, number>,
  unknown: (colour: number) => number,
): Promise<LabelMap> {
  try {
    const { width, height, values, lossy } = await readLabelColours(readFileSync(path));
    if (lossy) throw new RangeError('JPEG and its like do not keep the colours of labels');
    const data = Uint8Array.from(
      values,
      (colour) => table.get(colour) ?? (colour === 0 ? 0 : unknown(colour)),
    );
    return { width, height, data };
  } catch (error) {
    throw fileError(path, error);
  }
}

interface PictureClipOptions {
  readonly name: string;
  readonly pictures: readonly string[];
  /** One per picture; null where not annotated. */
  readonly masks: readonly (string | null)[];
  readonly readTruth: (path: string) => Promise<LabelMap>;
  readonly label: (value: number) => string;
  /** Where the masks' meaning was decided from the masks themselves. */
  readonly reading?: MaskReading;
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

/** The header of a picture that is a frame. Throws SONO_DATASET_FILE. */
async function frameInfo(path: string): Promise<StillInfo> {
  try {
    const info = await stillInfo(path);
    if (info.pictures > 1)
      throw new RangeError(`it holds ${info.pictures} pictures, and each frame needs a file of its own`);
    return info;
  } catch (error) {
    throw fileError(path, error);
  }
}

const sizeText = ({ width, height }: PictureSize): string => `${width}×${height}`;

/** Opens the first picture only. Its frames throw SONO_DATASET_FILE, SONO_DATASET_SIZE and what `readTruth` throws. */
export async function pictureClip(options: PictureClipOptions): Promise<Clip> {
  const { name, pictures, masks, readTruth, reading } = options;
  const { size } = await frameInfo(pictures[0] as string);
  const read = async (index: number, target: PictureSize): Promise<ClipFrame> => {
    const picture = pictures[index] as string;
    const mask = masks[index] ?? null;
    const [info, rgb, truth] = await Promise.all([
      frameInfo(picture),
      stillPixels(picture, target).catch((error: unknown) => {
        throw fileError(picture, error);
      }),
      mask === null ? null : readTruth(mask),
    ]);
    const wrongSize = (path: string, found: PictureSize): Error =>
      evaluateError('SONO_DATASET_SIZE', {
        clip: name,
        path,
        found: sizeText(found),
        expected: `${sizeText(size)}${info.turned && found.width === size.height ? ' (turned as its EXIF orientation says)' : ''}`,
      });
    if (info.size.width !== size.width || info.size.height !== size.height)
      throw wrongSize(picture, info.size);
    if (truth !== null && (truth.width !== size.width || truth.height !== size.height))
      throw wrongSize(mask as string, truth);
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
    maskWords: reading?.words ?? null,
    colours: reading?.colours ?? null,
  };
}
