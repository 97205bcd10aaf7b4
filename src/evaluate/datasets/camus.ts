/**
 * Kind `camus` (Leclerc et al. 2019, NIfTI release): `patient0001/patient0001_4CH_half_sequence.nii.gz` with
 * `…_half_sequence_gt.nii.gz` (1 left ventricle, 2 myocardium, 3 left atrium on every frame), spacing from the
 * header in mm, frame rate from `Info_4CH.cfg`. One clip per view. Or the two moments as pictures, one clip per patient:
 * `patient0001/frames/{ED,ES}.*` with `masks/{ED,ES}.png`, the same numbers in a palette; then nothing is in mm.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { evaluateError } from '../errors.js';
import { readNifti, type NiftiVolume } from '../../formats/nifti-reader.js';
import {
  type Clip,
  type ClipHandle,
  type Dataset,
  type HeartReference,
  type LabelMap,
  isFile,
  isFolder,
  list,
  pictures,
  stem,
  wrongLayout,
} from './dataset.js';
import { fileError, readMask } from './mask-labels.js';
import { inOrder, pictureClip } from './pictures.js';

const labels = new Map([
  [1, 'left ventricle'],
  [2, 'myocardium'],
  [3, 'left atrium'],
]);

const sequencePattern = /^(patient\d+_[24]CH)_half_sequence\.nii(\.gz)?$/;

async function volume(path: string): Promise<NiftiVolume> {
  try {
    return readNifti(await readFile(path));
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Time runs along the third axis, or the fourth where the third is 1. */
function frameCount({ size }: NiftiVolume): number {
  return size[2] * size[3];
}

async function openSequence(name: string, path: string, truthPath: string, infoPath: string): Promise<Clip> {
  if (!isFile(truthPath))
    throw evaluateError('SONO_DATASET_MASKS_MISSING', { clip: name, count: 1, total: 1, first: truthPath });
  const [picture, truth] = await Promise.all([volume(path), volume(truthPath)]);
  const [width, height] = picture.size;
  const frames = frameCount(picture);
  if (truth.size[0] !== width || truth.size[1] !== height || frameCount(truth) !== frames)
    throw evaluateError('SONO_DATASET_SIZE', {
      clip: name,
      path: truthPath,
      found: truth.size.join('×'),
      expected: picture.size.join('×'),
    });
  const pixels = width * height;
  const info = isFile(infoPath) ? readFileSync(infoPath, 'utf8') : '';
  const rate = Number(/^FrameRate\s*:\s*([\d.]+)/m.exec(info)?.[1]);
  /** Frames count from 1 there. Without a word of it the sequence runs from end-diastole to end-systole. */
  const moment = (key: 'ED' | 'ES', otherwise: number): number => {
    const frame = Number(new RegExp(`^${key}\\s*:\\s*(\\d+)`, 'm').exec(info)?.[1]) - 1;
    return frame >= 0 && frame < frames ? frame : otherwise;
  };
  return {
    name,
    frameCount: frames,
    size: { width, height },
    framesPerSecond: rate > 0 ? rate : null,
    spacingMm: { x: picture.spacing[0], y: picture.spacing[1] },
    label: (value) => labels.get(value) ?? `object ${value}`,
    picturePaths: null,
    maskWords: null,
    colours: null,
    heart: twoMoments('systole', moment('ED', 0), moment('ES', frames - 1)),
    frames: (size) =>
      inOrder(frames, async (index) => {
        const samples = picture.samples.subarray(index * pixels, (index + 1) * pixels);
        const classes = truth.samples.subarray(index * pixels, (index + 1) * pixels);
        // Looked at before they become bytes, which would fold 256 to 0.
        for (const value of samples)
          if (!(value >= 0 && value <= 255))
            throw fileError(path, new Error(`it holds the grey level ${value}, and 0 to 255 are known`));
        for (const value of classes)
          if (value !== 0 && !labels.has(value))
            throw evaluateError('SONO_DATASET_LABEL', {
              clip: name,
              path: truthPath,
              value,
              known: '1, 2, 3',
            });
        const grey = Uint8Array.from(samples);
        const data = Uint8Array.from(classes);
        const rgb = await sharp(grey, { raw: { width, height, channels: 1 } })
          .resize(size.width, size.height, { fit: 'fill', kernel: 'linear' })
          .toColourspace('srgb')
          .raw({ depth: 'uchar' })
          .toBuffer();
        return { index, rgb, truth: { width, height, data } };
      }),
  };
}

const twoMoments = (
  course: HeartReference['course'],
  endDiastole: number,
  endSystole: number,
): HeartReference => ({
  course,
  endDiastoles: [endDiastole],
  endSystoles: [endSystole],
  complete: false,
  ejectionFractionPercent: null,
  endDiastolicVolumeMl: null,
  endSystolicVolumeMl: null,
});

/** The numbers of the masks are the labels, whatever they look like. */
async function readIndexMask(clip: string, path: string): Promise<LabelMap> {
  const { width, height, values, kind, lossy } = await readMask(path);
  const strange = values.find((value) => value !== 0 && !labels.has(value));
  if (kind === 'colour' || lossy)
    throw evaluateError('SONO_DATASET_MASK_UNCLEAR', {
      clip,
      path,
      reason: 'numbers 0 to 3 are expected, in a palette or as greys of a picture without loss',
    });
  if (strange !== undefined)
    throw evaluateError('SONO_DATASET_LABEL', { clip, path, value: strange, known: '1, 2, 3' });
  return { width, height, data: Uint8Array.from(values) };
}

async function openStills(folder: string, patient: string): Promise<Clip> {
  const find = (part: 'frames' | 'masks', moment: 'ED' | 'ES'): string | null => {
    const name = pictures(join(folder, part)).find((file) => stem(file) === moment);
    return name === undefined ? null : join(folder, part, name);
  };
  const moments = ['ED', 'ES'] as const;
  const frames = moments.map((moment) => find('frames', moment));
  const masks = moments.map((moment) => find('masks', moment));
  const absent = frames.indexOf(null);
  if (absent >= 0)
    throw fileError(join(folder, 'frames'), new Error(`it has no picture ${moments[absent] ?? ''}`));
  if (masks.includes(null))
    throw evaluateError('SONO_DATASET_MASKS_MISSING', {
      clip: patient,
      count: masks.filter((path) => path === null).length,
      total: 2,
      first: `masks/${moments[masks.indexOf(null)] ?? ''}.png`,
    });
  return {
    ...(await pictureClip({
      name: patient,
      pictures: frames.filter((path) => path !== null),
      masks,
      readTruth: (path) => readIndexMask(patient, path),
      label: (value) => labels.get(value) ?? `object ${value}`,
    })),
    heart: twoMoments('stills', 0, 1),
  };
}

/** Patients 1 to 40 validate; what a model saw in training must not be its examination. */
const validationPatients = 40;

function openStillsSet(root: string, patients: readonly string[], subset: string | null): Dataset {
  const wanted = (subset ?? 'val').toLowerCase();
  const chosen = patients.filter((name) => {
    const validates = Number(name.slice('patient'.length)) <= validationPatients;
    return wanted === 'all' || (wanted === 'val' && validates) || (wanted === 'train' && !validates);
  });
  if (chosen.length === 0)
    throw wrongLayout(
      'camus',
      root,
      `patients of the part "${wanted}" (val: 1 to 40, train: the others, all)`,
    );
  return {
    kind: 'camus',
    skipLastFrame: false,
    labels,
    clips: chosen.map((name) => ({ name, open: () => openStills(join(root, name), name) })),
  };
}

const patientPattern = /^patient\d+$/;

const absentSequence = (root: string, patient: string): ClipHandle => ({
  name: patient,
  open: () =>
    Promise.reject(fileError(join(root, patient), new Error(`it has no ${patient}_…_half_sequence.nii.gz`))),
});

/** `subset` is for the pictures: val (patients 1 to 40), train (the others) or all. */
export function openCamus(root: string, subset: string | null): Dataset {
  const patients = list(root).filter((name) => patientPattern.test(name));
  if (patients.some((name) => isFolder(join(root, name, 'frames'))))
    return openStillsSet(root, patients, subset);
  const clips = list(root).flatMap((patient): ClipHandle[] => {
    const sequences = list(join(root, patient)).flatMap((file): ClipHandle[] => {
      const match = sequencePattern.exec(file);
      if (match === null) return [];
      const [, name = file, packed = ''] = match;
      const folder = join(root, patient);
      return [
        {
          name,
          open: () =>
            openSequence(
              name,
              join(folder, file),
              join(folder, `${name}_half_sequence_gt.nii${packed}`),
              join(folder, `Info_${name.slice(-3)}.cfg`),
            ),
        },
      ];
    });
    // A patient's folder without a sequence is named, not left out.
    return sequences.length > 0 || !patientPattern.test(patient)
      ? sequences
      : [absentSequence(root, patient)];
  });
  if (!clips.some(({ name }) => !patientPattern.test(name)))
    throw wrongLayout(
      'camus',
      root,
      'patientNNNN/patientNNNN_4CH_half_sequence.nii.gz with …_half_sequence_gt.nii.gz, or patientNNNN/frames/ED and ES with masks/ED.png and ES.png',
    );
  return { kind: 'camus', skipLastFrame: false, labels, clips };
}
