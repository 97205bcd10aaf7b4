/** Which clips of a data set are run, and which faults are those of one clip. Pure. */
import { SonoError } from '../../vocabulary/errors.js';
import { evaluateError } from '../errors.js';
import type { ClipHandle, Dataset } from './dataset.js';

/** By name; no names: all. Throws SONO_DATASET_CLIP for a name that is not there, and where nothing is left. */
export function chosenClips(dataset: Dataset, names: readonly string[]): ClipHandle[] {
  const clips = dataset.clips.filter(({ name }) => names.length === 0 || names.includes(name));
  const unknown = names.find((name) => !dataset.clips.some((clip) => clip.name === name));
  if (unknown !== undefined || clips.length === 0)
    throw evaluateError('SONO_DATASET_CLIP', {
      clip: unknown ?? '(any)',
      known: dataset.clips
        .slice(0, 20)
        .map(({ name }) => name)
        .join(', '),
    });
  return clips;
}

/** Faults of one clip, which say nothing about the others; anything else (model, disk, a bug) ends the run. */
export function isOfClip(error: unknown): error is SonoError {
  return (
    error instanceof SonoError &&
    /^SONO_(DATASET|SOURCE|FOLDER|DICOM)_|^SONO_EVALUATE_PREDICTIONS$/.test(String(error.code))
  );
}
