/**
 * Kind `cholecseg8k` (Hong et al. 2020): `video01/video01_00080/frame_80_endo.png` with
 * `frame_80_endo_watershed_mask.png`, whose grey levels name the classes; 80 consecutive frames at 25 per second per
 * folder. Seams between classes are white (255) and therefore void; the black surround of the endoscope is background.
 */
import { basename, join, relative } from 'node:path';
import { evaluateError } from '../errors.js';
import { type ClipHandle, type Dataset, clipFolders, isFile, list, wrongLayout } from './dataset.js';
import { tableLabels } from './mask-labels.js';
import { pictureClip, truthReader } from './pictures.js';

const classes: readonly (readonly [grey: number, label: number, name: string])[] = [
  [50, 0, 'black background'],
  [11, 1, 'abdominal wall'],
  [21, 2, 'liver'],
  [13, 3, 'gastrointestinal tract'],
  [12, 4, 'fat'],
  [31, 5, 'grasper'],
  [23, 6, 'connective tissue'],
  [24, 7, 'blood'],
  [25, 8, 'cystic duct'],
  [32, 9, 'L-hook electrocautery'],
  [22, 10, 'gallbladder'],
  [33, 11, 'hepatic vein'],
  [5, 12, 'liver ligament'],
];

const framePattern = /^frame_\d+_endo\.png$/;

export function openCholecSeg8k(root: string): Dataset {
  const folders = clipFolders(root, (folder) => list(folder).some((name) => framePattern.test(name)), 3);
  if (folders.length === 0)
    throw wrongLayout(
      'cholecseg8k',
      root,
      'videoNN/videoNN_NNNNN/frame_N_endo.png with frame_N_endo_watershed_mask.png',
    );
  const table = new Map(classes.map(([grey, label]) => [grey, label]));
  const labels = new Map(classes.filter(([, label]) => label > 0).map(([, label, name]) => [label, name]));
  const clips = folders.map((folder): ClipHandle => {
    const name = relative(root, folder).replaceAll('\\', '/') || basename(folder);
    return {
      name,
      open: () => {
        const frames = list(folder).filter((file) => framePattern.test(file));
        const masks = frames.map((file) => join(folder, file.replace('.png', '_watershed_mask.png')));
        const missing = frames.filter((_, index) => !isFile(masks[index] as string));
        if (missing.length > 0)
          throw evaluateError('SONO_DATASET_MASKS_MISSING', {
            clip: name,
            count: missing.length,
            total: frames.length,
            first: missing[0] as string,
          });
        return pictureClip({
          name,
          pictures: frames.map((file) => join(folder, file)),
          masks,
          readTruth: truthReader(tableLabels(name, table)),
          label: (value) => labels.get(value) ?? `object ${value}`,
          framesPerSecond: 25,
        });
      },
    };
  });
  return { kind: 'cholecseg8k', skipLastFrame: false, labels, clips };
}
