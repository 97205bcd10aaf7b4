/** What a data set is to the evaluation: clips with pictures and label maps. One reader per published layout stands behind it. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PictureSize } from '../../vocabulary/frame.js';
import { byFrameName, pictureNames } from '../../ingest/picture-order.js';
import { evaluateError } from '../errors.js';

export const datasetKinds = [
  'folder',
  'davis2016',
  'davis2017',
  'endovis2017',
  'endovis2018',
  'vocalfolds',
  'echonet',
  'camus',
  'synthetic-echo',
  'cholecseg8k',
  'json',
] as const;
export type DatasetKind = (typeof datasetKinds)[number];

/** Pixels with this label are left out of every score: in maps of eight bits, and in maps of sixteen bits. */
export const voidLabel = 255;
export const voidLabel16 = 65535;

export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /**
   * Row-major, one number per pixel: 0 background, else an object (or class) of the clip. 255 is void; in sixteen bits, for
   * clips with labels beyond 255, 65535 is.
   */
  readonly data: Uint8Array | Uint16Array;
}

export interface ClipFrame {
  readonly index: number;
  /** uint8, height × width × 3 at the size asked for. */
  readonly rgb: Uint8Array;
  /** Null where the frame was not annotated. */
  readonly truth: LabelMap | null;
}

/** What a data set of echocardiograms knows of the heart on a clip; frames are those of the clip. */
export interface HeartReference {
  /** `beats`: a video with whole beats; `systole`: from end-diastole to end-systole; `stills`: pictures that do not follow each other. */
  readonly course: 'beats' | 'systole' | 'stills';
  readonly endDiastoles: readonly number[];
  readonly endSystoles: readonly number[];
  /** Every end-diastole and end-systole of the clip is in these lists, so what is found beside them is wrong. */
  readonly complete: boolean;
  /** As the data set gives it; null: to be measured on the annotated masks of the first mark of each kind. */
  readonly ejectionFractionPercent: number | null;
  readonly endDiastolicVolumeMl: number | null;
  readonly endSystolicVolumeMl: number | null;
}

export interface Clip {
  readonly name: string;
  readonly frameCount: number;
  /** Size of the source pictures and of the label maps. */
  readonly size: PictureSize;
  /** Null where the data set does not say. */
  readonly framesPerSecond: number | null;
  readonly spacingMm: { readonly x: number; readonly y: number } | null;
  /** Name of a label. */
  label(value: number): string;
  /** Frames in order; pictures stretched to `size`. Decoding runs ahead of the reader by a few frames. */
  frames(size: PictureSize): AsyncIterable<ClipFrame>;
  /** Paths of the source pictures in order where there are such (for tools outside); null for videos and volumes. */
  readonly picturePaths: readonly string[] | null;
  /** How masks were turned into labels, one sentence, where the numbers in them are not simply the labels. */
  readonly maskWords: string | null;
  /** Colour (0xRRGGBB) → label where the masks tell objects apart by colour: masks made elsewhere may do the same. */
  readonly colours: ReadonlyMap<number, number> | null;
  /** Absent where the data set does not know of a heart. */
  readonly heart?: HeartReference;
}

export interface Dataset {
  readonly kind: DatasetKind;
  /** How official scores of this data set leave out frames; the prompt's own frame is always left out. */
  readonly skipLastFrame: boolean;
  /** All labels that the data set defines, in order; null where labels are only numbers within a clip. */
  readonly labels: ReadonlyMap<number, string> | null;
  /** Opened one after the other; reading a clip's header is deferred until here. */
  readonly clips: readonly ClipHandle[];
}

export interface ClipHandle {
  readonly name: string;
  open(): Promise<Clip>;
}

export interface DatasetOptions {
  /** EndoVis: which annotation. */
  readonly task: 'binary' | 'parts' | 'type';
  /** Subset named in the data set's own lists (DAVIS val/train, EchoNet TEST …); null: its validation or test part, else all. */
  readonly subset: string | null;
  /** `synthetic-echo`: how many scenes, and which. Left out: twenty, the first ones. */
  readonly scenes?: { readonly count: number; readonly seed: number };
}

/** Folder that macOS adds to ZIP files, with a shadow of every file. */
const shadows = '__MACOSX';

/** Entries of a folder in the order of frames (frame9 before frame10), hidden ones left out; empty where there is no such folder. */
export function list(folder: string): string[] {
  try {
    return byFrameName(readdirSync(folder).filter((name) => !name.startsWith('.') && name !== shadows));
  } catch {
    return [];
  }
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Folders of clips, `root` itself or at most `deepest` levels below it; none is looked for inside of a clip. */
export function clipFolders(root: string, isClip: (folder: string) => boolean, deepest: number): string[] {
  if (isClip(root)) return [root];
  if (deepest === 0) return [];
  return list(root)
    .map((name) => join(root, name))
    .filter(isFolder)
    .flatMap((folder) => clipFolders(folder, isClip, deepest - 1));
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Names of the pictures in a folder, in the order of frames. */
export function pictures(folder: string): string[] {
  return pictureNames(list(folder));
}

export function stem(name: string): string {
  return name.replace(/\.[^.]+$/, '');
}

/** The error for a wrong root: what the layout should be and what is there. */
export function wrongLayout(kind: DatasetKind, root: string, expected: string): Error {
  const entries = list(root);
  const found = !isFolder(root)
    ? isFile(root)
      ? 'a file'
      : 'nothing'
    : entries.length === 0
      ? 'an empty folder'
      : entries
          .slice(0, 6)
          .map((name) => (isFolder(join(root, name)) ? `${name}/` : name))
          .join(', ') + (entries.length > 6 ? ` and ${entries.length - 6} more` : '');
  return evaluateError('SONO_DATASET_ROOT', { path: root, kind, expected, found });
}
