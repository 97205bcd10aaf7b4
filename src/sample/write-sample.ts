/**
 * A small data set to try every example of the documents on, drawn by the synthetic scenes: a video with its prompts, annotated
 * clips, and two views of one heart as DICOM cines, with what is true of them. The same on every machine. Main process.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import {
  echoScene,
  plainEcho,
  syntheticScene,
  type EchoScene,
  type SyntheticScene,
} from '../ingest/synthetic/index.js';
import { paintMask } from '../mask/rle.js';
import { errnoOf, writeReason } from '../node/files.js';
import { makeFolder } from '../node/make-folder.js';
import type { EchoView } from '../vocabulary/echo.js';
import { SonoError } from '../vocabulary/errors.js';
import { dicomCine } from './cine.js';
import { sampleError } from './errors.js';
import { writeVideo } from './video.js';

const video = { width: 640, height: 360, framesPerSecond: 25, frames: 50 } as const;
const clips = { width: 320, height: 180, framesPerSecond: 25, frames: 10, seeds: [1, 2] } as const;
const heart = { seed: 7, width: 480, height: 360, framesPerSecond: 25, frames: 100 } as const;
/** Of a beat that filled completely. */
const ejectionFractionPercent = 60;
const heartRateBpm = 75;
const views: readonly EchoView[] = ['a4c', 'a2c'];

/** One thing that was written, for people. */
interface SamplePart {
  /** In the folder. */
  readonly path: string;
  readonly about: string;
}

/** Throws SONO_SAMPLE_NOT_EMPTY, SONO_SAMPLE_UNWRITABLE, SONO_SAMPLE_ENCODER. */
export async function writeSample(folder: string): Promise<readonly SamplePart[]> {
  try {
    await makeFolder(folder);
    if ((await readdir(folder)).length > 0) throw sampleError('SONO_SAMPLE_NOT_EMPTY', { path: folder });
    return [...(await writeCase(folder)), await writeClips(folder), ...(await writeCines(folder))];
  } catch (error) {
    if (error instanceof SonoError || errnoOf(error) === '') throw error;
    throw sampleError('SONO_SAMPLE_UNWRITABLE', { path: folder, reason: writeReason(error) }, error);
  }
}

async function writeCase(folder: string): Promise<readonly SamplePart[]> {
  const { frames, ...options } = video;
  const scene = syntheticScene('laparoscopy', options);
  await writeVideo(join(folder, 'case.mp4'), scene, frames);
  const objects = scene.defaultPrompts().objects.flatMap(({ label, prompts }) => {
    // What comes into the picture later is not in this video.
    const seen = prompts.flatMap(({ moment, prompt }) =>
      moment.kind === 'frame' && moment.frame < frames ? [{ frame: moment.frame, ...prompt }] : [],
    );
    return seen.length === 0 ? [] : [{ label, prompts: seen }];
  });
  await writeFile(join(folder, 'prompts.json'), `${JSON.stringify({ objects }, null, 2)}\n`);
  const labels = objects.map(({ label }) => label).join(' and ');
  return [
    { path: 'case.mp4', about: `laparoscopy, ${frames} pictures` },
    { path: 'prompts.json', about: `boxes around ${labels} on its first picture` },
  ];
}

async function writeClips(folder: string): Promise<SamplePart> {
  const { frames, seeds, ...options } = clips;
  for (const [place, seed] of seeds.entries()) {
    const scene = syntheticScene('laparoscopy', { ...options, seed });
    const clip = join(folder, 'clips', `laparoscopy-${place + 1}`);
    for (const part of ['frames', 'masks']) await mkdir(join(clip, part), { recursive: true });
    for (let index = 0; index < frames; index += 1) {
      const name = String(index).padStart(5, '0');
      const { rgb, truth } = scene.frame(index);
      await writeFile(join(clip, 'frames', `${name}.jpg`), await jpegOf(scene, rgb));
      const { width, height } = scene.size;
      const numbers = new Uint8Array(width * height);
      truth.forEach((mask, object) => paintMask(numbers, mask, object + 1));
      await writeFile(join(clip, 'masks', `${name}.png`), await labelPng(scene, numbers));
    }
  }
  return {
    path: 'clips/',
    about: `${seeds.length} annotated clips of ${frames} pictures, as "evaluate --dataset folder" reads them`,
  };
}

function jpegOf({ size }: SyntheticScene, rgb: Uint8Array): Promise<Buffer> {
  return sharp(rgb, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 92 })
    .toBuffer();
}

/** One number per object: 1, 2 … in the order of `scene.objects`. */
function labelPng({ size }: SyntheticScene, numbers: Uint8Array): Promise<Buffer> {
  return sharp(numbers, { raw: { ...size, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

async function writeCines(folder: string): Promise<readonly SamplePart[]> {
  const { frames, ...options } = heart;
  await mkdir(join(folder, 'cines'));
  const truth: Record<string, ReturnType<EchoScene['heart']>> = {};
  for (const [index, view] of views.entries()) {
    const scene = echoScene({
      ...options,
      echo: { ...plainEcho, view, ejectionFractionPercent, heartRateBpm, rhythm: 'sinus' },
    });
    const name = `heart-${view.toUpperCase()}.dcm`;
    const about = { name: view.toUpperCase(), number: index + 1, study: 'sonoscope sample heart' };
    await writeFile(join(folder, 'cines', name), await dicomCine(scene, frames, about));
    truth[name] = scene.heart(frames);
  }
  await writeFile(join(folder, 'truth.json'), `${JSON.stringify(truth, null, 2)}\n`);
  return [
    { path: 'cines/', about: `one heart in two apical views, calibrated DICOM, ${frames} pictures each` },
    {
      path: 'truth.json',
      about:
        'its true end-diastoles, end-systoles, volumes and ejection fractions, of which echo-lv reads some ten points less (docs/echo.md)',
    },
  ];
}
