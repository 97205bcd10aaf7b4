/**
 * Kinds `endovis2017` and `endovis2018` (robotic instruments, sampled at 2 frames per second).
 *
 * 2017, training part: `instrument_dataset_N/left_frames/frame000.png` and one folder per instrument in
 * `ground_truth/` (`Left_Prograsp_Forceps_labels/frame000.png`; grey 10 shaft, 20 wrist, 30 claspers, 40 other).
 * 2017, test part: `instrument_dataset_N/left_frames/` and `gt/{Binary,Parts,Type}Segmentation/frame225.png`.
 * 2018, scene segmentation: `seq_N/left_frames/` and colour-coded `seq_N/labels/`, classes in `labels.json`.
 * 2018, instrument types of ISINet: `{train,val}/images/seq_1_frame000.png` with `annotations/` (types 1 … 7) and
 * `binary_annotations/`.
 * Instruments of one class count as one object, as in the challenges' per-class scores.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { evaluateError } from '../errors.js';
import {
  type ClipHandle,
  type Dataset,
  type DatasetOptions,
  type LabelMap,
  isFile,
  isFolder,
  list,
  pictures,
  stem,
  wrongLayout,
} from './dataset.js';
import { pairByName } from './folder.js';
import { fileError, nonZeroLabels, readMask, tableLabels } from './mask-labels.js';
import { pictureClip, readColourMask, truthReader } from './pictures.js';

const framesPerSecond = 2;

const binary = new Map([[1, 'instrument']]);
const parts = new Map([
  [1, 'shaft'],
  [2, 'wrist'],
  [3, 'claspers'],
  [4, 'other'],
]);
const types2017 = new Map([
  [1, 'bipolar forceps'],
  [2, 'prograsp forceps'],
  [3, 'large needle driver'],
  [4, 'vessel sealer'],
  [5, 'grasping retractor'],
  [6, 'monopolar curved scissors'],
  [7, 'other'],
]);
const types2018 = new Map([
  [1, 'bipolar forceps'],
  [2, 'prograsp forceps'],
  [3, 'large needle driver'],
  [4, 'monopolar curved scissors'],
  [5, 'ultrasound probe'],
  [6, 'suction instrument'],
  [7, 'clip applier'],
]);
const partGreys = new Map([
  [10, 1],
  [20, 2],
  [30, 3],
  [40, 4],
]);

function foldersWith(root: string, wanted: readonly string[], depth = 0): string[] {
  if (wanted.every((name) => isFolder(join(root, name)))) return [root];
  if (depth === 4) return [];
  return list(root)
    .map((name) => join(root, name))
    .filter(isFolder)
    .flatMap((folder) => foldersWith(folder, wanted, depth + 1));
}

/** Sequences that have pictures but none of the folders with masks: named, not left out. */
function unlabelled(root: string, labelled: readonly string[]): ClipHandle[] {
  return foldersWith(root, ['left_frames'])
    .filter((folder) => !labelled.includes(folder))
    .map((folder) => {
      const clip = relative(root, folder).replaceAll('\\', '/') || basename(folder);
      const frames = pictures(join(folder, 'left_frames'));
      return {
        name: clip,
        open: () =>
          Promise.reject(
            evaluateError('SONO_DATASET_MASKS_MISSING', {
              clip,
              count: frames.length,
              total: frames.length,
              first: frames[0] ?? 'none (the folder of frames is empty)',
            }),
          ),
      };
    });
}

const identity = (labels: ReadonlyMap<number, string>): Map<number, number> =>
  new Map([...labels.keys()].map((value) => [value, value]));

export function openEndovis2017(root: string, { task }: DatasetOptions): Dataset {
  const labels = task === 'binary' ? binary : task === 'parts' ? parts : types2017;
  const training = foldersWith(root, ['left_frames', 'ground_truth']);
  const testing = foldersWith(root, ['left_frames', 'gt']);
  if (training.length + testing.length === 0)
    throw wrongLayout(
      'endovis2017',
      root,
      'instrument_dataset_N/left_frames/ with ground_truth/<instrument>_labels/ or gt/{Binary,Parts,Type}Segmentation/',
    );
  const named = (folder: string): string => relative(root, folder).replaceAll('\\', '/') || basename(folder);
  const clips = [
    ...training.map((folder): ClipHandle => ({
      name: named(folder),
      open: () => {
        const truth = join(folder, 'ground_truth');
        const instruments = list(truth)
          .filter((name) => name.endsWith('_labels') && isFolder(join(truth, name)))
          .map((name) => ({ folder: join(truth, name), type: typeOfFolder(name) }));
        if (instruments.length === 0)
          throw wrongLayout('endovis2017', truth, 'folders named <instrument>_labels/');
        const first = (instruments[0] as { readonly folder: string }).folder;
        const files = pairByName(named(folder), join(folder, 'left_frames'), first);
        return pictureClip({
          name: named(folder),
          ...files,
          label: (value) => labels.get(value) ?? `object ${value}`,
          framesPerSecond,
          readTruth: (path) => mergeInstruments(path, instruments, task, named(folder)),
        });
      },
    })),
    ...testing.map((folder): ClipHandle => ({
      name: named(folder),
      open: () => {
        const part = { binary: 'BinarySegmentation', parts: 'PartsSegmentation', type: 'TypeSegmentation' }[
          task
        ];
        return pictureClip({
          name: named(folder),
          ...pairByName(named(folder), join(folder, 'left_frames'), join(folder, 'gt', part)),
          label: (value) => labels.get(value) ?? `object ${value}`,
          framesPerSecond,
          readTruth: truthReader(
            task === 'binary'
              ? nonZeroLabels(named(folder))
              : tableLabels(named(folder), task === 'parts' ? partGreys : identity(types2017)),
          ),
        });
      },
    })),
    ...unlabelled(root, [...training, ...testing]),
  ];
  return { kind: 'endovis2017', skipLastFrame: false, labels, clips };
}

/** "Left_Prograsp_Forceps_labels" → 2; names that the challenge does not list are "other". */
function typeOfFolder(name: string): number {
  const words = name.toLowerCase().replaceAll('_', ' ');
  for (const [value, label] of types2017) {
    if (label !== 'other' && words.includes(label)) return value;
  }
  // The training part also says "Maryland Bipolar Forceps" (covered above), "Curved Scissors" and "Vessel Sealer".
  if (words.includes('curved scissors')) return 6;
  return 7;
}

async function mergeInstruments(
  path: string,
  instruments: readonly { readonly folder: string; readonly type: number }[],
  task: DatasetOptions['task'],
  clip: string,
): Promise<LabelMap> {
  const name = basename(path);
  let merged: LabelMap | null = null;
  for (const { folder, type } of instruments) {
    const file = join(folder, name);
    // An instrument that is out of view has an empty mask; without a mask nobody knows whether it is.
    if (!isFile(file))
      throw evaluateError('SONO_DATASET_MASKS_MISSING', { clip, count: 1, total: 1, first: file });
    const raw = await readMask(file);
    merged ??= { width: raw.width, height: raw.height, data: new Uint8Array(raw.values.length) };
    if (merged.data.length !== raw.values.length)
      throw evaluateError('SONO_DATASET_SIZE', {
        clip,
        path: file,
        found: `${raw.width}×${raw.height}`,
        expected: `${merged.width}×${merged.height}`,
      });
    const labels = (task === 'parts' ? tableLabels(clip, partGreys) : nonZeroLabels(clip))(raw, file);
    for (let pixel = 0; pixel < labels.length; pixel++) {
      const value = labels[pixel] as number;
      if (value !== 0) merged.data[pixel] = task === 'parts' ? value : task === 'type' ? type : 1;
    }
  }
  if (merged === null)
    throw evaluateError('SONO_DATASET_MASKS_MISSING', { clip, count: 1, total: 1, first: name });
  return merged;
}

const level = z.int().min(0).max(255);
const sceneClasses = z.array(z.looseObject({ name: z.string(), color: z.tuple([level, level, level]) }));
type SceneClass = z.infer<typeof sceneClasses>[number];

export function openEndovis2018(root: string, { task, subset }: DatasetOptions): Dataset {
  return task === 'type' || foldersWith(root, ['left_frames', 'labels']).length === 0
    ? openIsinet(root, task, subset)
    : openScenes(root, task);
}

function openScenes(root: string, task: 'binary' | 'parts'): Dataset {
  const labels = task === 'binary' ? binary : parts;
  const folders = foldersWith(root, ['left_frames', 'labels']);
  const clips = folders.map((folder): ClipHandle => {
    const name = relative(root, folder).replaceAll('\\', '/') || basename(folder);
    return {
      name,
      open: () => {
        const table = sceneTable(root, folder, task);
        return pictureClip({
          name,
          ...pairByName(name, join(folder, 'left_frames'), join(folder, 'labels')),
          label: (value) => labels.get(value) ?? `object ${value}`,
          framesPerSecond,
          readTruth: (path) =>
            readColourMask(path, table, (colour) => {
              throw evaluateError('SONO_DATASET_LABEL', {
                clip: name,
                path,
                value: `#${colour.toString(16).padStart(6, '0')}`,
                known: 'the colours of labels.json',
              });
            }),
        });
      },
    };
  });
  clips.push(...unlabelled(root, folders));
  return { kind: 'endovis2018', skipLastFrame: false, labels, clips };
}

/** Colour → label of the task; other classes are background. */
function sceneTable(root: string, folder: string, task: 'binary' | 'parts'): Map<number, number> {
  const path = [folder, dirname(folder), root].map((place) => join(place, 'labels.json')).find(isFile);
  if (path === undefined) throw wrongLayout('endovis2018', root, 'labels.json beside the folders seq_N/');
  let classes: readonly SceneClass[];
  try {
    classes = sceneClasses.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw fileError(
      path,
      new Error('it is not a list of {"name", "color": [red, green, blue]}', { cause: error }),
    );
  }
  const label = (name: string): number => {
    const part = { 'instrument-shaft': 1, 'instrument-wrist': 2, 'instrument-clasper': 3 }[name];
    if (task === 'parts') return part ?? 0;
    return part !== undefined || name === 'suction-instrument' || name === 'ultrasound-probe' ? 1 : 0;
  };
  return new Map(classes.map(({ name, color: [r, g, b] }) => [(r << 16) | (g << 8) | b, label(name)]));
}

function openIsinet(root: string, task: DatasetOptions['task'], subset: string | null): Dataset {
  const expected =
    task === 'type'
      ? '{train,val}/images/seq_N_frameNNN.png with annotations/ (instrument types of ISINet)'
      : 'seq_N/left_frames/, seq_N/labels/ and labels.json, or {train,val}/images/ with binary_annotations/';
  const annotations = task === 'type' ? 'annotations' : 'binary_annotations';
  const folder = [join(root, subset ?? 'val'), root].find((place) => isFolder(join(place, 'images')));
  if (folder === undefined || task === 'parts' || !isFolder(join(folder, annotations)))
    throw wrongLayout('endovis2018', root, expected);
  const labels = task === 'type' ? types2018 : binary;
  const sequences = new Map<string, string[]>();
  for (const name of pictures(join(folder, 'images'))) {
    const sequence = /^(seq_\d+)_/.exec(name)?.[1] ?? 'all';
    sequences.set(sequence, [...(sequences.get(sequence) ?? []), name]);
  }
  const clips = [...sequences].map(([name, files]): ClipHandle => ({
    name,
    open: () => {
      const masks = new Map(pictures(join(folder, annotations)).map((file) => [stem(file), file]));
      const missing = files.filter((file) => !masks.has(stem(file)));
      if (missing.length > 0)
        throw evaluateError('SONO_DATASET_MASKS_MISSING', {
          clip: name,
          count: missing.length,
          total: files.length,
          first: missing[0] as string,
        });
      return pictureClip({
        name,
        pictures: files.map((file) => join(folder, 'images', file)),
        masks: files.map((file) => join(folder, annotations, masks.get(stem(file)) as string)),
        label: (value) => labels.get(value) ?? `object ${value}`,
        framesPerSecond,
        readTruth: truthReader(
          task === 'type' ? tableLabels(name, identity(types2018)) : nonZeroLabels(name),
        ),
      });
    },
  }));
  return { kind: 'endovis2018', skipLastFrame: false, labels, clips };
}
