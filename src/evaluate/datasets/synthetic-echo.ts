/**
 * Kind `synthetic-echo`: procedural scenes of a beating heart (`synthetic:echo`), whose end-diastoles, end-systoles, outlines and
 * volumes are known exactly. Ejection fraction, rate, rhythm, window, side and pictures per second come from the scene's number.
 * No files. The seeds begin where those of training end.
 */
import sharp from 'sharp';
import { echoScene, packRgb, type EchoParameters, type SceneOptions } from '../../ingest/synthetic/index.js';
import { chambers } from '../../vocabulary/echo.js';
import type { PictureSize } from '../../vocabulary/frame.js';
import { seededRandom } from '../../vocabulary/random.js';
import { median } from '../metrics/agreement.js';
import type { Clip, Dataset, DatasetOptions } from './dataset.js';
import { inOrder } from './pictures.js';

const labels = new Map<number, string>([
  [1, chambers.ventricle],
  [2, chambers.wall],
  [3, chambers.atrium],
]);

const nameOf = (value: number): string => labels.get(value) ?? `object ${value}`;

/** Training draws its scenes below it. */
const firstSeed = 1_000_000;
const size: PictureSize = { width: 400, height: 300 };
const lengthS = 6;
/** Outlines cost as much as pictures: those of the moments, and one in so many of the others. */
const outlinedEvery = 5;

/** What a scene is, by its seed. */
export function sceneOptions(seed: number): SceneOptions & { readonly echo: EchoParameters } {
  const random = seededRandom(seed);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const tenth = (value: number): number => Math.round(10 * value) / 10;
  return {
    seed,
    ...size,
    framesPerSecond: tenth(between(15, 60)),
    echo: {
      ejectionFractionPercent: tenth(between(15, 75)),
      heartRateBpm: tenth(between(45, 150)),
      rhythm: random() < 0.2 ? 'fibrillation' : 'sinus',
      dropout: Math.round(100 * random()) / 100,
      mirrored: random() < 0.5,
      view: 'a4c',
    },
  };
}

/** The seed that a clip of this kind is named after. */
export const sceneSeed = (clipName: string): number => Number(clipName.replace('scene ', ''));

/** What is drawn on each picture of a clip of this kind: row-major labels, and what they stand for. */
export function trueOutlines(clipName: string): {
  readonly size: PictureSize;
  readonly at: (frame: number) => Uint8Array;
  readonly label: (value: number) => string;
} {
  const scene = echoScene(sceneOptions(sceneSeed(clipName)));
  return { size, at: (frame) => scene.chambers(frame), label: nameOf };
}

export function openSyntheticEcho(scenes: DatasetOptions['scenes']): Dataset {
  const { count, seed } = scenes ?? { count: 20, seed: 1 };
  return {
    kind: 'synthetic-echo',
    skipLastFrame: false,
    labels,
    clips: Array.from({ length: count }, (_, index) => {
      const own = firstSeed + ((seed * 10_000 + index) % 4_000_000_000);
      return { name: `scene ${own}`, open: () => Promise.resolve(openScene(`scene ${own}`, own)) };
    }),
  };
}

function openScene(name: string, seed: number): Clip {
  const options = sceneOptions(seed);
  const scene = echoScene(options);
  const frameCount = Math.round(lengthS * options.framesPerSecond);
  const { endDiastoles, endSystoles, beats } = scene.heart(frameCount);
  const moments = new Set([...endDiastoles, ...endSystoles]);
  return {
    name,
    frameCount,
    size,
    framesPerSecond: options.framesPerSecond,
    spacingMm: scene.pixelSpacingMm,
    label: nameOf,
    picturePaths: null,
    maskWords: null,
    colours: null,
    heart: {
      course: 'beats',
      endDiastoles,
      endSystoles,
      complete: true,
      ejectionFractionPercent: median(beats.map((beat) => beat.ejectionFractionPercent)),
      endDiastolicVolumeMl: median(beats.map((beat) => beat.endDiastolicVolumeMl)),
      endSystolicVolumeMl: median(beats.map((beat) => beat.endSystolicVolumeMl)),
    },
    frames: (wanted) =>
      inOrder(frameCount, async (index) => {
        const pixels = new Uint32Array(size.width * size.height);
        scene.render(index, pixels);
        const rgb = await sharp(packRgb(pixels), { raw: { ...size, channels: 3 } })
          .resize(wanted.width, wanted.height, { fit: 'fill', kernel: 'linear' })
          .raw({ depth: 'uchar' })
          .toBuffer();
        const outlined = index % outlinedEvery === 0 || moments.has(index);
        return { index, rgb, truth: outlined ? { ...size, data: scene.chambers(index) } : null };
      }),
  };
}
