/**
 * Kind `folder`: `<clip>/frames/*` and `<clip>/masks/*` with equal names, at any depth below the root (or the root
 * itself). Kind `vocalfolds`: the same layout with the seven classes of Laves et al. 2019.
 */
import { basename, join, relative, resolve } from 'node:path';
import { evaluateError } from '../errors.js';
import {
  type ClipHandle,
  type Dataset,
  clipFolders,
  isFolder,
  pictures,
  stem,
  wrongLayout,
} from './dataset.js';
import { readingOf, tableLabels, type MaskReading } from './mask-labels.js';
import { pictureClip, truthReader } from './pictures.js';

const deepest = 5;

function isClip(folder: string): boolean {
  if (isFolder(join(folder, 'frames')) && isFolder(join(folder, 'masks'))) return true;
  // A clip whose masks (or pictures) were forgotten is a clip all the same: it is named, not left out.
  return ['frames', 'masks'].some((part) => pictures(join(folder, part)).length > 0);
}

/** Names without their endings → names. Throws SONO_DATASET_NAMES where two differ in the ending only. */
function byStem(clip: string, names: readonly string[]): ReadonlyMap<string, string> {
  const stems = new Map<string, string>();
  for (const name of names) {
    const first = stems.get(stem(name));
    if (first !== undefined) throw evaluateError('SONO_DATASET_NAMES', { clip, first, second: name });
    stems.set(stem(name), name);
  }
  return stems;
}

/**
 * Pairs pictures and masks by name; every picture must have its mask and every mask its picture. Throws
 * SONO_DATASET_MASKS_MISSING, SONO_DATASET_PICTURES_MISSING, SONO_DATASET_NAMES.
 */
export function pairByName(
  clip: string,
  frames: string,
  masks: string,
): { pictures: string[]; masks: string[] } {
  const maskNames = byStem(clip, pictures(masks));
  const frameNames = byStem(clip, pictures(frames));
  const names = [...frameNames.values()];
  const missing = names.filter((name) => !maskNames.has(stem(name)));
  if (missing.length > 0 || names.length === 0)
    throw evaluateError('SONO_DATASET_MASKS_MISSING', {
      clip,
      count: missing.length,
      total: names.length,
      first: missing[0] ?? 'none (the folder of frames is empty)',
    });
  const extra = [...maskNames].filter(([name]) => !frameNames.has(name));
  if (extra.length > 0)
    throw evaluateError('SONO_DATASET_PICTURES_MISSING', {
      clip,
      count: extra.length,
      first: extra[0]?.[1] ?? '',
    });
  return {
    pictures: names.map((name) => join(frames, name)),
    masks: names.map((name) => join(masks, maskNames.get(stem(name)) as string)),
  };
}

function open(
  kind: 'folder' | 'vocalfolds',
  root: string,
  labels: ReadonlyMap<number, string> | null,
  readingFor: (clip: string, masks: readonly string[]) => MaskReading | Promise<MaskReading>,
): Dataset {
  const folders = clipFolders(root, isClip, deepest);
  if (!folders.some((folder) => isFolder(join(folder, 'frames')) && isFolder(join(folder, 'masks'))))
    throw wrongLayout(
      kind,
      root,
      'folders with pictures in <clip>/frames/ and masks of the same names in <clip>/masks/',
    );
  const clips = folders.map((folder): ClipHandle => {
    const name = relative(root, folder).replaceAll('\\', '/') || basename(resolve(root));
    return {
      name,
      open: async () => {
        const files = pairByName(name, join(folder, 'frames'), join(folder, 'masks'));
        const reading = await readingFor(name, files.masks);
        return pictureClip({
          name,
          ...files,
          reading,
          readTruth: truthReader(reading.read),
          label: (value) => labels?.get(value) ?? `object ${value}`,
        });
      },
    };
  });
  return { kind, skipLastFrame: false, labels, clips };
}

export function openFolder(root: string): Dataset {
  return open('folder', root, null, readingOf);
}

/** 0 is void in the publication (unlabelled, dark); it is kept as background here, which is the stricter reading. */
const vocalFoldClasses = new Map([
  [1, 'vocal folds'],
  [2, 'other tissue'],
  [3, 'glottal space'],
  [4, 'pathology'],
  [5, 'surgical tool'],
  [6, 'intubation'],
]);

export function openVocalFolds(root: string): Dataset {
  const table = new Map([...vocalFoldClasses.keys()].map((value) => [value, value] as const));
  return open('vocalfolds', root, vocalFoldClasses, (clip) => ({
    read: tableLabels(clip, table),
    words: null,
    colours: null,
  }));
}
