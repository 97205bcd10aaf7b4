/**
 * Masks in PNG files: palette, grey (also of 16 bits) or colours, one file per picture. What the numbers mean is decided as for annotated data
 * sets (src/evaluate/datasets/mask-labels.ts): once for all files of a folder, and refused where it is not clear.
 */
import { basename, dirname } from 'node:path';
import { voidLabel, voidLabel16 } from '../../evaluate/datasets/dataset.js';
import { colourName, readingOf, readMask } from '../../evaluate/datasets/mask-labels.js';
import { maskFromBitmap } from '../../mask/rle.js';
import { referenceByName, type FoundMask, type PictureReference } from './found-mask.js';

interface PngOptions {
  /** Name of the one object, or the word before the numbers of several; null: the folder's name, or "object". */
  readonly label: string | null;
  /** Of the one file; null: what its name says. */
  readonly picture: PictureReference | null;
  /** As the person called the file, where it lies under another name. */
  readonly named?: string;
}

/** Folders of pictures that are not called after an object. */
const plainFolder = /^(indexed|masks?|labels?|annotations?|\d+p?|\.|)$/i;

/** Masks of the files of one folder. Throws SONO_DATASET_FILE, SONO_DATASET_MASK_UNCLEAR. */
export async function* readPngMasks(
  paths: readonly string[],
  { label, picture, named }: PngOptions,
): AsyncGenerator<FoundMask> {
  const [first] = paths;
  if (first === undefined) return;
  const folder = basename(dirname(first));
  // Those of DAVIS are called after the clip.
  const isPlain = named !== undefined || plainFolder.test(folder) || first.includes('/Annotations/');
  const word = label ?? (isPlain ? null : folder);
  const reading = await readingOf(named ?? folder, paths);
  const colours = new Map([...(reading.colours ?? [])].map(([colour, number]) => [number, colour]));
  // One object has the name as it stands, whatever its number is.
  const numbers = new Set<number>();
  const files: { readonly path: string; readonly present: readonly number[] }[] = [];
  for (const path of paths) {
    const values = reading.read(await readMask(path), path);
    const present = [...new Set(values)].filter((value) => value !== 0 && !isVoid(value, values));
    for (const value of present) numbers.add(value);
    files.push({ path, present });
  }
  const nameOf = (number: number): string =>
    numbers.size === 1 && (word !== null || number === 1)
      ? (word ?? 'object 1')
      : `${word ?? 'object'} ${number}`;
  for (const { path, present } of files) {
    const picture_ = picture ?? referenceByName(named ?? path);
    const source = await readMask(path);
    const values = reading.read(source, path);
    const { width, height, palette } = source;
    // An empty file counts as a mask that marks nothing, so that it is said.
    for (const number of present.length === 0 ? [0] : present) {
      const colour = colours.get(number) ?? (reading.words === null ? paletteColour(palette, number) : null);
      yield {
        label: nameOf(number),
        color: colour === null || number === 0 ? null : colourName(colour),
        picture: picture_,
        mask: maskFromBitmap(
          Uint8Array.from(values, (value) => (number !== 0 && value === number ? 1 : 0)),
          width,
          height,
        ),
      };
    }
  }
}

const isVoid = (value: number, values: Uint8Array | Uint16Array): boolean =>
  value === (values instanceof Uint16Array ? voidLabel16 : voidLabel);

/** null: the file has no palette, or black there. */
function paletteColour(palette: Uint8Array | null, index: number): number | null {
  const [red, green, blue] = palette?.subarray(3 * index, 3 * index + 3) ?? [];
  if (red === undefined || green === undefined || blue === undefined) return null;
  return (red << 16) | (green << 8) | blue || null;
}
