/**
 * What one picture of a model that finds its structures by itself costs, step by step: the network, everything beside it in the
 * engine's thread, and what is measured on the outlines. Pictures of the procedural heart, which need no file.
 *
 *   node dist/bench/echo-cost.js [MODEL] [--rounds 20] [--json FILE]
 *
 * Each picture is taken at its best round, and then the mean over the pictures: other work on the machine only ever adds. Fails
 * where the model did not find all of its structures on most pictures: then there was less to do than there is.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createMeasurer } from '../src/analysis/measure.js';
import { machine, versions } from '../src/app/versions.js';
import { syntheticScene } from '../src/ingest/synthetic/index.js';
import { LargestComponents } from '../src/mask/components.js';
import { packageRoot } from '../src/node/built-module.js';
import { readFolderOf } from '../src/onnx/manifest.js';
import { openGraphs, readGraphs, type GraphRunner } from '../src/onnx/session.js';
import { calibrateLogits, checkFinite, ClassPicture } from '../src/semantic/class-picture.js';
import { wholeLook, within } from '../src/semantic/look.js';
import type { SemanticModel } from '../src/semantic/model.js';
import { Segmenter } from '../src/semantic/segmenter.js';
import { TemporalFilter } from '../src/semantic/temporal-filter.js';
import { uncalibrated } from '../src/vocabulary/calibration.js';
import { presentCommit } from './results.js';

const framesPerSecond = 30;
const pictures = 60;
const threads = 2;
/** Share of the pictures on which everything must have been found. */
const leastFound = 0.5;

/** In the order in which they happen; `commit` is everything that the engine does with the outputs. */
const steps = [
  ...(['sample', 'network', 'finite', 'commit', 'measure'] as const),
  ...(['calibrate', 'blend', 'classes', 'components'] as const),
] as const;
type Times = Record<(typeof steps)[number], number>;

/** The pictures once, as a room sees them. Gives the milliseconds of each and the share on which everything was found. */
async function round(model: SemanticModel, runner: GraphRunner, frames: readonly Uint8Array[]) {
  const { pictureSize, logitsSize, classes } = model;
  const whole = { left: 0, top: 0, ...pictureSize };
  const segmenter = new Segmenter(model, { sourceSize: pictureSize, keepLogits: false });
  const measure = createMeasurer();
  // The steps of `commit` once more by themselves.
  const filter = model.temporal && new TemporalFilter(model, model.temporal);
  const classPicture = new ClassPicture(model, pictureSize);
  const components = new LargestComponents(pictureSize, classes.length);
  const calibrated = new Float32Array(classes.length * logitsSize.width * logitsSize.height);

  const times: Times[] = [];
  let found = 0;
  let lookShare = 1;
  for (const [index, data] of frames.entries()) {
    const ptsNs = Math.round((index * 1e9) / framesPerSecond);
    const frame = { ptsNs, discontinuity: 0, size: pictureSize, data };
    const look = segmenter.snapshot().closer?.look ?? wholeLook(model, pictureSize);
    const part = within(look, whole, pictureSize);
    classPicture.lookAt(part);
    lookShare = look.width / pictureSize.width;

    let mark = performance.now();
    const lap = (): number => -(mark - (mark = performance.now()));
    const fed = segmenter.picture(frame);
    const sample = lap();
    const outputs = await runner.run('segment', { frame: fed }, 1);
    const network = lap();
    checkFinite(outputs);
    const finite = lap();
    const objects = segmenter.commit(frame, outputs);
    const commit = lap();
    measure({ frame, maskSize: pictureSize, objects }, { size: pictureSize, calibration: uncalibrated });
    const measured = lap();
    if (objects.every(({ areaPx }) => areaPx > 0)) found += 1;

    mark = performance.now();
    calibrateLogits(model, outputs, calibrated);
    const calibrate = lap();
    filter?.blend(calibrated, { ...frame, look });
    const blend = lap();
    classPicture.read(calibrated);
    const classesMs = lap();
    components.find(classPicture.labels, classPicture.seen);
    const componentsMs = lap();
    times.push({
      ...{ sample, network, finite, commit, measure: measured },
      ...{ calibrate, blend, classes: classesMs, components: componentsMs },
    });
  }
  return { times, foundShare: found / frames.length, lookShare };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'string' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 on');
const folder = await readFolderOf(positionals[0] ?? join(packageRoot, 'models', 'echo-lv'), 'semantic');
const model = folder.semantic;
const scene = syntheticScene('echo', { ...model.pictureSize, framesPerSecond });
const frames = Array.from({ length: pictures }, (_, index) => scene.frame(index).rgb);
const runner = await openGraphs(folder, await readGraphs(folder), { provider: 'cpu', threads });
const [loadBefore = 0] = loadavg();

let best: Times[] = [];
let seen = { foundShare: 0, lookShare: 1 };
for (let done = 0; done < rounds; done += 1) {
  const { times, ...rest } = await round(model, runner, frames);
  seen = rest;
  best = times.map((now, index) => {
    const before = best[index] ?? now;
    return Object.fromEntries(steps.map((step) => [step, Math.min(now[step], before[step])])) as Times;
  });
}
await runner.close();
if (seen.foundShare < leastFound)
  throw new Error(`everything was found on ${Math.round(seen.foundShare * 100)} % of the pictures only`);

const meanMs = Object.fromEntries(
  steps.map((step) => [step, best.reduce((sum, times) => sum + times[step], 0) / best.length]),
) as Times;
const { sample, network, finite, commit, measure, calibrate, blend, classes, components } = meanMs;
/** Milliseconds by what they are spent on; the last part of `commit` is what the others leave of it. */
const costs = [
  ['network', `network, ${threads} threads`, network],
  ['beside', 'everything beside the network', sample + finite + commit],
  ['sample', '  the part that the network looks at', sample],
  ['check', '  outputs checked and calibrated', finite + calibrate],
  ['blend', '  blended with the pictures before', blend],
  ['classes', '  class of each pixel', classes],
  ['components', '  connected parts', components],
  ['rest', '  masks, confidence, next look', commit - calibrate - blend - classes - components],
  ['measure', 'measurements', measure],
] as const;
const { pictureSize } = model;
process.stdout.write(
  `${folder.manifest.name} ${folder.manifest.version}, pictures of ${pictureSize.width} × ${pictureSize.height}, look ${Math.round(seen.lookShare * 100)} %\n`,
);
for (const [, words, ms] of costs) process.stdout.write(`${ms.toFixed(3).padStart(8)} ms  ${words}\n`);
if (values.json !== undefined) {
  const result = {
    what: 'milliseconds per picture of a model that finds its structures by itself, best of the rounds (bench/echo-cost.ts)',
    ...{ date: new Date().toISOString(), commit: await presentCommit(), machine: machine() },
    ...{ versions: await versions(), loadBefore, rounds, pictures, threads },
    model: { name: folder.manifest.name, version: folder.manifest.version, sha256: folder.sha256 },
    ...{ pictureSize, ...seen, meanMs: Object.fromEntries(costs.map(([name, , ms]) => [name, ms])) },
  };
  await writeFile(values.json, `${JSON.stringify(result, null, 1)}\n`);
}
