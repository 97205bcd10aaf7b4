/**
 * Kinds `davis2016` and `davis2017`: the official layout, `JPEGImages/<resolution>/<sequence>/00000.jpg`,
 * `Annotations/<resolution>/<sequence>/00000.png` (2016: 0/255, 2017: palette with one index per object, 255 void),
 * `ImageSets/`. Official scores of the semi-supervised task leave out the first and the last frame.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClipHandle, type Dataset, isFile, isFolder, list, wrongLayout } from './dataset.js';
import { pairByName } from './folder.js';
import { binaryLabels, plainLabels } from './mask-labels.js';
import { pictureClip, truthReader } from './pictures.js';

const resolutions = ['480p', 'Full-Resolution', '1080p'];

/** DAVIS was filmed and published at 24 frames per second. */
const framesPerSecond = 24;

function lines(path: string): string[] | null {
  return isFile(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
    : null;
}

export function openDavis(kind: 'davis2016' | 'davis2017', root: string, subset: string | null): Dataset {
  const resolution = resolutions.find(
    (name) => isFolder(join(root, 'JPEGImages', name)) && isFolder(join(root, 'Annotations', name)),
  );
  const expected =
    'JPEGImages/480p/<sequence>/, Annotations/480p/<sequence>/ and ImageSets/' +
    (kind === 'davis2016' ? '480p/val.txt' : '2017/val.txt');
  if (resolution === undefined) throw wrongLayout(kind, root, expected);
  const annotations = join(root, 'Annotations', resolution);
  const wanted = subset ?? 'val';
  // 2017 lists sequences, 2016 lists "/JPEGImages/480p/blackswan/00000.jpg /Annotations/480p/blackswan/00000.png".
  const listed =
    kind === 'davis2017'
      ? (lines(join(root, 'ImageSets', '2017', `${wanted}.txt`)) ??
        lines(join(root, 'ImageSets', '2016', `${wanted}.txt`)))
      : lines(join(root, 'ImageSets', resolution, `${wanted}.txt`))?.map((line) => line.split('/')[3] ?? '');
  if (!listed && subset !== null) throw wrongLayout(kind, root, `a list ImageSets/…/${subset}.txt`);
  const sequences = [
    ...new Set(listed ?? list(annotations).filter((name) => isFolder(join(annotations, name)))),
  ];
  if (sequences.length === 0) throw wrongLayout(kind, root, expected);
  const clips = sequences.map((name): ClipHandle => {
    return {
      name,
      open: () => {
        const files = pairByName(name, join(root, 'JPEGImages', resolution, name), join(annotations, name));
        return pictureClip({
          name,
          ...files,
          readTruth: truthReader((kind === 'davis2016' ? binaryLabels : plainLabels)(name)),
          label: (value) => `object ${value}`,
          framesPerSecond,
        });
      },
    };
  });
  return { kind, skipLastFrame: true, labels: null, clips };
}
