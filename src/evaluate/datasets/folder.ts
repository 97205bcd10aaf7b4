/**
 * Kind `folder`: `<clip>/frames/*` and `<clip>/masks/*` with equal names, at any depth below the root (or the root
 * itself). Kind `vocalfolds`: the same layout with the seven classes of Laves et al. 2019.
 */
import { basename, join, relative, resolve } from 'node:path';
import { evaluateError } from '../errors.js';
import { type ClipHandle, type Dataset, isFolder, list, pictures, stem, wrongLayout } from './dataset.js';
import { detectLabels, pictureClip, tableLabels, truthReader, type LabelReader } from './pictures.js';

const deepest = 5;

function clipFolders(folder: string, depth = 0): string[] {
  if (isFolder(join(folder, 'frames')) && isFolder(join(folder, 'masks'))) return [folder];
  if (depth === deepest) return [];
  return list(folder)
    .map((name) => join(folder, name))
    .filter(isFolder)
    .flatMap((child) => clipFolders(child, depth + 1));
}

/** Pairs pictures and masks by name; every picture must have its mask. */
export function pairByName(
  clip: string,
  frames: string,
  masks: string,
): { pictures: string[]; masks: string[] } {
  const byStem = new Map(pictures(masks).map((name) => [stem(name), join(masks, name)]));
  const names = pictures(frames);
  const missing = names.filter((name) => !byStem.has(stem(name)));
  if (missing.length > 0 || names.length === 0)
    throw evaluateError('SONO_DATASET_MASKS_MISSING', {
      clip,
      count: missing.length,
      total: names.length,
      first: missing[0] ?? 'none (the folder of frames is empty)',
    });
  return {
    pictures: names.map((name) => join(frames, name)),
    masks: names.map((name) => byStem.get(stem(name)) as string),
  };
}

function open(
  kind: 'folder' | 'vocalfolds',
  root: string,
  labels: ReadonlyMap<number, string> | null,
  reader: (clip: string, masks: readonly string[]) => LabelReader | Promise<LabelReader>,
): Dataset {
  const folders = clipFolders(root);
  if (folders.length === 0)
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
        return pictureClip({
          name,
          ...files,
          readTruth: truthReader(await reader(name, files.masks)),
          label: (value) => labels?.get(value) ?? `object ${value}`,
        });
      },
    };
  });
  return { kind, skipLastFrame: false, labels, clips };
}

export function openFolder(root: string): Dataset {
  return open('folder', root, null, (_, masks) => detectLabels(masks));
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
  return open('vocalfolds', root, vocalFoldClasses, (clip) => tableLabels(clip, table));
}
