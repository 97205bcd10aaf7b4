/**
 * Ejection fraction on procedural hearts that no training has seen, twice: by their true masks, which shows what the measuring itself
 * is off by, and by a model's. Both go through the measurer of live rooms; the true masks have the size of the model's.
 *
 *   node dist/bench/echo-scenes.js [MODEL] [--scenes 200] [--seed 1] [--true-only] [--minutes N --keep FILE] [--drawn FOLDER] [--json FILE]
 *
 * `--minutes`: stop after so many with what was done; the next run with the same `--keep` file goes on from there, and only a run of the
 * same program should. `--drawn`: keeps the drawn scenes (some 10 MB each), for the next model or the next way of measuring.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../src/app/versions.js';
import { createWorkerEngine } from '../src/engine/worker-engine.js';
import type { Clip } from '../src/evaluate/datasets/dataset.js';
import { openSyntheticEcho, sceneOptions, sceneSeed } from '../src/evaluate/datasets/synthetic-echo.js';
import { clipFigures, ejectionRun } from '../src/evaluate/ejection/figures.js';
import { EngineHeartPredictor, type HeartPredictor } from '../src/evaluate/ejection/predictor.js';
import type { EjectionClip, EjectionSummary } from '../src/evaluate/ejection/result.js';
import { runHeartClip, type HeartRun } from '../src/evaluate/ejection/run-clip.js';
import { median } from '../src/evaluate/metrics/agreement.js';
import { maskFromBitmap } from '../src/mask/rle.js';
import { resizeMask } from '../src/mask/resize.js';
import { packageRoot } from '../src/node/built-module.js';
import { readFolderOf } from '../src/onnx/manifest.js';
import type { PictureSize } from '../src/vocabulary/frame.js';
import { drawnClip, drawScene, outlineOf, type DrawnScene } from './drawn-scenes.js';
import { presentCommit } from './results.js';

/** Gives the truth instead of finding it. */
function truePredictor(maskSize: PictureSize): HeartPredictor & { drawn: DrawnScene | null } {
  let clip: Clip | null = null;
  return {
    name: 'true masks',
    drawn: null,
    // Nobody looks at the pictures.
    inputSize: { width: 8, height: 8 },
    modelMs: 0,
    start(next) {
      clip = next;
      return Promise.resolve();
    },
    see(frame) {
      if (clip === null || this.drawn === null) throw new Error('no scene was begun');
      const { size } = clip;
      const labels = outlineOf(this.drawn, frame.sourceFrame);
      const objects = [1, 2, 3].map((id) => {
        const own = new Uint8Array(labels.length);
        let areaPx = 0;
        for (let pixel = 0; pixel < own.length; pixel++)
          if (labels[pixel] === id) {
            own[pixel] = 1;
            areaPx++;
          }
        const mask = resizeMask(maskFromBitmap(own, size.width, size.height), maskSize);
        const label = clip?.label(id) ?? '';
        return { id, label, state: 'tracking', score: 1, confidence: 1, mask, areaPx } as const;
      });
      return Promise.resolve({ frame, maskSize, objects });
    },
    close: () => Promise.resolve(),
  };
}

/** The scene without its pictures. */
const unseen = (clip: Clip): Clip => ({
  ...clip,
  // eslint-disable-next-line @typescript-eslint/require-await -- the frames of a clip come asynchronously, these need not
  async *frames({ width, height }) {
    const rgb = new Uint8Array(3 * width * height);
    for (let index = 0; index < clip.frameCount; index++) yield { index, rgb, truth: null };
  },
});

interface Scene {
  readonly truth: EjectionClip;
  readonly model: EjectionClip | null;
  /** The model's over the true one, medians over the moments of the truth. */
  readonly areaRatio: { readonly endDiastole: number | null; readonly endSystole: number | null } | null;
  readonly volumeRatio: Scene['areaRatio'];
}

function ratios(of: 'area' | 'volume', model: HeartRun, truth: HeartRun): NonNullable<Scene['areaRatio']> {
  const at = (frames: readonly number[]): number | null =>
    median(
      frames.flatMap((frame) => {
        const [own, real] = [model[of][frame] ?? null, truth[of][frame] ?? null];
        return own === null || real === null ? [] : [own / real];
      }),
    );
  return { endDiastole: at(truth.heart.endDiastoles), endSystole: at(truth.heart.endSystoles) };
}

const figures = (run: HeartRun): EjectionClip => {
  const clip = clipFigures(run);
  if (clip === null) throw new Error(`${run.name} has no reference`);
  return { ...clip, curve: { unit: clip.curve.unit, volume: [] } };
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenes: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    'true-only': { type: 'boolean', default: false },
    minutes: { type: 'string', default: '1000000' },
    keep: { type: 'string' },
    drawn: { type: 'string' },
    json: { type: 'string' },
  },
});
const [count, seed, minutes] = [Number(values.scenes), Number(values.seed), Number(values.minutes)];
if (!Number.isInteger(count) || count < 1) throw new Error('--scenes must be a whole number from 1 on');
if (!Number.isInteger(seed) || seed < 0) throw new Error('--seed must be a whole number');
if (!(minutes > 0)) throw new Error('--minutes must be above 0');

const dir = positionals[0] ?? join(packageRoot, 'models', 'echo-lv');
const folder = await readFolderOf(dir, 'semantic');
const kept: Record<string, Scene> =
  values.keep === undefined
    ? {}
    : (JSON.parse(await readFile(values.keep, 'utf8').catch(() => '{}')) as Record<string, Scene>);
const engine = values['true-only']
  ? null
  : await createWorkerEngine({
      modelDir: dir,
      provider: 'cpu',
      policy: null,
      threads: 1,
      sourceSize: { width: 160, height: 160 },
      keepLogits: true,
    });
const truth = truePredictor(folder.semantic.pictureSize);
const model = engine === null ? null : new EngineHeartPredictor(engine);
const until = performance.now() + 60_000 * minutes;
const scenes: Scene[] = [];
try {
  for (const handle of openSyntheticEcho({ count, seed }).clips) {
    const { name } = handle;
    const key = `${model === null ? 'truth' : folder.sha256} ${name}`;
    const known = kept[key];
    if (known === undefined && performance.now() > until) break;
    const clip = known === undefined ? await handle.open() : null;
    if (clip !== null) {
      const options = { framesPerSecond: null, onFrame: (): undefined => undefined };
      const drawnSize = model?.inputSize ?? folder.semantic.pictureSize;
      const drawn = await drawScene(clip, drawnSize, values.drawn ?? null);
      truth.drawn = drawn;
      const [real, own] = await Promise.all([
        runHeartClip(unseen(clip), truth, options),
        model && runHeartClip(drawnClip(clip, drawn, drawnSize), model, options),
      ]);
      kept[key] = {
        truth: figures(real),
        model: own && figures(own),
        areaRatio: own && ratios('area', own, real),
        volumeRatio: own && ratios('volume', own, real),
      };
      if (values.keep !== undefined) await writeFile(values.keep, JSON.stringify(kept));
    }
    scenes.push(kept[key] as Scene);
  }
} finally {
  await model?.close();
}

const summary = (predictor: string, clips: readonly EjectionClip[]): EjectionSummary =>
  ejectionRun(predictor, clips, [], [], seed).mean;
const both = {
  truth: summary(
    truth.name,
    scenes.map(({ truth: own }) => own),
  ),
  model:
    model &&
    summary(
      model.name,
      scenes.flatMap(({ model: own }) => own ?? []),
    ),
};
const show = (value: number | null | undefined, digits = 2): string => value?.toFixed(digits) ?? '–';
process.stdout.write(`${scenes.length} of ${count} scenes\n`);
for (const [words, mean] of [
  ['true masks', both.truth],
  [`${folder.manifest.name} ${folder.manifest.version}`, both.model],
] as const)
  if (mean !== null)
    process.stdout.write(
      `${words}: EF of ${mean.measured} scenes, MAE ${show(mean.ejectionFraction?.mae)}, bias ${show(mean.ejectionFraction?.bias)}; ` +
        `ED off by ${show(mean.endDiastole.frames)} pictures (${show(mean.endDiastole.ms, 0)} ms), ES ${show(mean.endSystole.frames)} (${show(mean.endSystole.ms, 0)} ms); ` +
        `beats: recall ${show(mean.beats.recall, 3)}, precision ${show(mean.beats.precision, 3)}; ` +
        `decided after ${show(mean.delay?.meanMs, 0)} ms, 95 % ${show(mean.delay?.p95Ms, 0)} ms\n`,
    );
for (const name of ['areaRatio', 'volumeRatio'] as const) {
  const of = (moment: 'endDiastole' | 'endSystole'): string =>
    show(median(scenes.flatMap((scene) => scene[name]?.[moment] ?? [])), 3);
  if (model !== null)
    process.stdout.write(
      `${name}, model over truth, median: ED ${of('endDiastole')}, ES ${of('endSystole')}\n`,
    );
}

const row = (clip: EjectionClip | null) =>
  clip && {
    ejectionFractionPercent: clip.measuredPercent,
    ...{ note: clip.note, interval: clip.interval, dice: clip.dice },
    ...{ endDiastoleFrames: clip.endDiastole.errors, endSystoleFrames: clip.endSystole.errors },
    beats: clip.beats,
  };
if (values.json !== undefined) {
  const result = {
    what: 'procedural hearts by their true masks and by a model (bench/echo-scenes.ts)',
    ...{ date: new Date().toISOString(), commit: await presentCommit(), machine: machine() },
    ...{ versions: await versions(), seed, scenes: scenes.length, summary: both },
    model: { name: folder.manifest.name, version: folder.manifest.version, sha256: folder.sha256 },
    clips: scenes.map(({ truth: real, model: own, areaRatio, volumeRatio }) => {
      const { framesPerSecond, echo } = sceneOptions(sceneSeed(real.name));
      return {
        ...{ name: real.name, framesPerSecond, ...echo, referencePercent: real.referencePercent },
        ...{ trueMasks: row(real), model: row(own), areaRatio, volumeRatio },
      };
    }),
  };
  await writeFile(values.json, `${JSON.stringify(result)}\n`);
}
