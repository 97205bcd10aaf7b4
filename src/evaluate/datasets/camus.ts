/**
 * Kind `camus` (Leclerc et al. 2019, NIfTI release): `patient0001/patient0001_4CH_half_sequence.nii.gz` with
 * `…_half_sequence_gt.nii.gz` (1 left ventricle, 2 myocardium, 3 left atrium on every frame), spacing from the
 * header in mm, frame rate from `Info_4CH.cfg`. One clip per view.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { evaluateError } from '../errors.js';
import { readNifti, type NiftiVolume } from '../../formats/nifti-reader.js';
import { type Clip, type ClipHandle, type Dataset, isFile, list, wrongLayout } from './dataset.js';
import { fileError } from './mask-labels.js';
import { inOrder } from './pictures.js';

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
  const rate = isFile(infoPath)
    ? Number(/^FrameRate\s*:\s*([\d.]+)/m.exec(readFileSync(infoPath, 'utf8'))?.[1])
    : NaN;
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

const patientPattern = /^patient\d+$/;

const absentSequence = (root: string, patient: string): ClipHandle => ({
  name: patient,
  open: () =>
    Promise.reject(fileError(join(root, patient), new Error(`it has no ${patient}_…_half_sequence.nii.gz`))),
});

export function openCamus(root: string): Dataset {
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
      'patientNNNN/patientNNNN_4CH_half_sequence.nii.gz with …_half_sequence_gt.nii.gz',
    );
  return { kind: 'camus', skipLastFrame: false, labels, clips };
}
