/** `sonoscope evaluate`: exact numbers for the tracker on annotated clips; --compare: two such results. */
import { basename, join, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { unixNowMs } from '../node/clock.js';
import { findModel, providerChoices } from '../config/pipeline-file.js';
import { compareResults } from '../evaluate/compare.js';
import { datasetKinds, type DatasetKind, type DatasetOptions } from '../evaluate/datasets/dataset.js';
import { calibrate, calibrationText, leastPatients } from '../evaluate/ejection/calibrate.js';
import { evaluateEjectionOfModel } from '../evaluate/ejection/evaluate-ejection.js';
import { ejectionReport } from '../evaluate/ejection/report.js';
import { ejectionSchema, type EjectionFile } from '../evaluate/ejection/result.js';
import type { ResultHead } from '../evaluate/result-head.js';
import { ejectionTable } from '../evaluate/ejection/tables.js';
import { evaluateError } from '../evaluate/errors.js';
import { evaluate, type Progress } from '../evaluate/evaluate.js';
import { groupResults, readGroups } from '../evaluate/groups.js';
import { htmlReport } from '../evaluate/report/report.js';
import {
  checkResultPlace,
  readEjectionResult,
  readResult,
  resultSchema,
  writeResult,
  type ResultFile,
} from '../evaluate/result-file.js';
import type { RunResult } from '../evaluate/result.js';
import { comparisonTable, groupTable, namesText, policyTable, runTable } from '../evaluate/tables.js';
import { defaultThreads } from '../replay/run-options.js';
import { cliError } from '../app/errors.js';
import { positiveNumber, wholeNumber } from './option-values.js';
import { fromInvocation, invocationFolder } from '../app/paths.js';
import { machine, programVersion } from '../app/versions.js';

interface Flags {
  readonly dataset?: DatasetKind;
  readonly root?: string;
  readonly prompt: string;
  readonly json?: string;
  readonly html?: string;
  readonly groups?: string;
  readonly policy: string[];
  readonly model?: string;
  readonly provider: (typeof providerChoices)[number];
  readonly threads: number;
  readonly compare?: readonly string[];
  readonly calibrate?: string;
  readonly baseline?: 'copy' | 'flow';
  readonly predictions?: string;
  readonly labels: string[];
  readonly clips: string[];
  readonly task: 'binary' | 'parts' | 'type' | 'ef';
  readonly subset?: string;
  readonly fps?: number;
  readonly tolerance: number;
  readonly flicker: boolean;
  readonly seed: number;
  readonly scenes: number;
  readonly progress: 'auto' | 'json' | 'none';
}

export function configure(command: Command): void {
  command
    .addOption(new Option('--dataset <kind>', 'layout of the data').choices(datasetKinds))
    .option('--root <dir>', 'folder of the data (kind json: the file)')
    .option('--prompt <style>', 'mask, box, click, clicks:N or rounds:N (interactive)', 'mask')
    .option('--json <file>', 'write all figures')
    .option('--html <dir>', 'write a report to read and print: DIR/index.html')
    .option('--groups <file>', 'CSV with the columns clip and one per attribute: figures per group')
    .option('--policy <names>', 'memory policies to compare, separated by commas', words, [])
    .option('--model <name>', 'name or folder of the model (compact; with --task ef: echo-lv)')
    .addOption(new Option('--provider <name>', 'execution provider').choices(providerChoices).default('auto'))
    .option('--threads <n>', 'threads of the model', wholeNumber(1, 64), defaultThreads)
    .option('--compare <files...>', 'two results: paired differences, what became worse first')
    .option('--calibrate <file>', 'constants of the interval from a result of --task ef (docs/echo.md)')
    .addOption(new Option('--baseline <name>', 'instead of the model').choices(['copy', 'flow']))
    .option('--predictions <dir>', 'instead of the model: masks made elsewhere, <dir>/<clip>/<picture>.png')
    .option('--labels <names>', 'follow only these labels (names or numbers), separated by commas', words, [])
    .option('--clips <names>', 'only these clips, separated by commas', words, [])
    .addOption(
      new Option('--task <name>', 'endovis: which annotation; ef: ejection fractions, without a prompt')
        .choices(['binary', 'parts', 'type', 'ef'])
        .default('binary'),
    )
    .option('--subset <name>', "list or part of the data set (default: val, EchoNet's TEST)")
    .option('--scenes <n>', 'synthetic-echo: how many', wholeNumber(1, 10_000), 20)
    .option('--fps <n>', 'frame rate where the data does not say', positiveNumber)
    .option('--tolerance <n>', 'for NSD: mm, px where not calibrated', positiveNumber, 2)
    .option('--no-flicker', 'leave out flicker and its optical flow')
    .option('--seed <n>', 'of the bootstrap, and of synthetic scenes', wholeNumber(0, 4_294_967_295), 1)
    .addOption(
      new Option('--progress <kind>', 'json: one object per line on standard error')
        .choices(['auto', 'json', 'none'])
        .default('auto'),
    )
    .action(async (flags: Flags) => {
      if (flags.calibrate !== undefined) calibration(flags.calibrate);
      else await (flags.compare === undefined ? run(flags) : compare(flags, flags.compare));
    });
}

function words(text: string): string[] {
  const list = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (list.length === 0) throw new InvalidArgumentError('It is empty.');
  return list;
}

const usage = (problem: string): Error => cliError('SONO_USAGE', { problem, command: 'evaluate' });

async function run(flags: Flags): Promise<void> {
  if (flags.dataset === undefined)
    throw usage(`Say how the data is laid out, with --dataset ${datasetKinds.join('|')}`);
  if (flags.root === undefined && flags.dataset !== 'synthetic-echo')
    throw usage('Say where the data is, with --root DIR');
  if (flags.task === 'ef') return runEjection(flags, flags.dataset);
  if (flags.baseline !== undefined && flags.predictions !== undefined)
    throw usage('--baseline and --predictions exclude each other');
  if ((flags.baseline ?? flags.predictions) !== undefined && flags.policy.length > 0)
    throw usage('--policy is for the model, not for baselines and masks made elsewhere');
  const root = rootOf(flags);
  const groups = flags.groups === undefined ? null : readGroups(fromInvocation(flags.groups));
  const model = flags.model ?? 'compact';
  const modelDir = findModel(model, invocationFolder());
  if (modelDir === null && flags.baseline === undefined && flags.predictions === undefined)
    throw usage(`There is no model "${model}"`);
  const { jsonFile, htmlFile } = await resultFiles(flags);
  const progress = progressWriter(flags.progress);
  const { results, worst, engine } = await evaluate({
    kind: flags.dataset,
    root,
    dataset: datasetOptions(flags),
    prompt: flags.prompt,
    model: { dir: modelDir ?? '', provider: flags.provider, threads: flags.threads },
    policies: flags.policy,
    baseline: flags.baseline ?? null,
    predictions: flags.predictions === undefined ? null : fromInvocation(flags.predictions),
    labels: flags.labels,
    clips: flags.clips,
    framesPerSecond: flags.fps ?? null,
    tolerance: flags.tolerance,
    flicker: flags.flicker,
    seed: flags.seed,
    onProgress: progress.show,
  });
  progress.end();
  const first = results[0] as RunResult;
  const davis = flags.dataset === 'davis2016' || flags.dataset === 'davis2017';
  const file: ResultFile = {
    schema: resultSchema,
    ...resultHead(flags, flags.dataset, engine, first.clips.length, davis),
    prompt: flags.prompt,
    tolerance: flags.tolerance,
    ...first,
    groups: groups && groupResults(first.clips, groups, flags.seed),
    ...(results.length > 1 ? { policies: results } : {}),
  };
  const out = [
    runTable(first),
    ...(results.length > 1 ? ['', policyTable(results)] : []),
    ...(file.groups ?? []).flatMap((group) => ['', groupTable(group)]),
    '',
    `${first.fps.toFixed(1)} frames per second; ${first.predictor}`,
  ];
  // Print the table before the files are written: a full disk must not cost the figures.
  process.stdout.write(`${out.join('\n')}\n`);
  if (jsonFile !== null) await writeResult(jsonFile, `${JSON.stringify(file)}\n`);
  if (htmlFile !== null) await writeResult(htmlFile, await htmlReport(file, worst.list()));
  failForClips(first);
}

/** Ejection fractions: no prompt, no tracker, and a table and a report of their own. */
async function runEjection(flags: Flags, kind: DatasetKind): Promise<void> {
  if ((flags.baseline ?? flags.predictions ?? flags.groups) !== undefined || flags.policy.length > 0)
    throw usage('--task ef has no use for --baseline, --predictions, --groups and --policy');
  const model = flags.model ?? 'echo-lv';
  const dir = findModel(model, invocationFolder());
  if (dir === null) throw usage(`There is no model "${model}"`);
  const { jsonFile, htmlFile } = await resultFiles(flags);
  const progress = progressWriter(flags.progress);
  const { run: result, engine } = await evaluateEjectionOfModel(
    {
      kind,
      root: rootOf(flags),
      dataset: datasetOptions(flags),
      clips: flags.clips,
      framesPerSecond: flags.fps ?? null,
      seed: flags.seed,
      onProgress: progress.show,
    },
    { dir, provider: flags.provider, threads: flags.threads },
  );
  progress.end();
  const file: EjectionFile = {
    schema: ejectionSchema,
    ...resultHead(flags, kind, engine, result.clips.length, false),
    ...result,
  };
  process.stdout.write(`${ejectionTable(result)}\n`);
  if (jsonFile !== null) await writeResult(jsonFile, `${JSON.stringify(file)}\n`);
  if (htmlFile !== null) await writeResult(htmlFile, ejectionReport(file));
  failForClips(result);
}

/** Where there are no files, the working folder stands for nothing. */
const rootOf = (flags: Flags): string => fromInvocation(flags.root ?? '.');

const datasetOptions = (flags: Flags): DatasetOptions => ({
  task: flags.task === 'ef' ? 'binary' : flags.task,
  subset: flags.subset ?? null,
  scenes: { count: flags.scenes, seed: flags.seed },
});

/** Checked before the run: a place that cannot be written must not cost the figures. */
async function resultFiles(
  flags: Flags,
): Promise<{ readonly jsonFile: string | null; readonly htmlFile: string | null }> {
  const jsonFile = flags.json === undefined ? null : fromInvocation(flags.json);
  const htmlFile = flags.html === undefined ? null : join(fromInvocation(flags.html), 'index.html');
  for (const path of [jsonFile, htmlFile]) if (path !== null) await checkResultPlace(path);
  return { jsonFile, htmlFile };
}

function resultHead(
  flags: Flags,
  kind: DatasetKind,
  engine: Awaited<ReturnType<typeof evaluateEjectionOfModel>>['engine'] | null,
  clips: number,
  davis: boolean,
): ResultHead {
  const { cpu, cores, system } = machine();
  return {
    createdAt: new Date().toISOString(),
    sonoscope: programVersion(),
    machine: { cpu, cores, system },
    model: engine && {
      name: engine.modelName,
      version: engine.modelVersion,
      sha256: engine.modelSha256,
      provider: engine.provider,
    },
    dataset: {
      kind,
      name: kind === 'synthetic-echo' ? kind : basename(resolve(rootOf(flags))),
      clips,
      leftOut: davis ? 'first and last frame' : 'none',
    },
    seed: flags.seed,
  };
}

/** SONO_EVALUATE_CLIPS where a clip is in no figure: last, when everything is written. */
function failForClips({
  clips,
  unscored,
}: Pick<RunResult, 'unscored'> & { readonly clips: readonly unknown[] }): void {
  const left = unscored.filter(({ object }) => object === null).map(({ clip }) => clip);
  if (left.length > 0)
    throw evaluateError('SONO_EVALUATE_CLIPS', {
      failed: left.length,
      total: left.length + clips.length,
      names: namesText(left),
    });
}

async function compare(flags: Flags, paths: readonly string[]): Promise<void> {
  const [a, b, more] = paths;
  if (a === undefined || b === undefined || more !== undefined) throw usage('--compare needs two results');
  const [before, after] = [a, b].map((path) => readResult(fromInvocation(path))) as [
    ReturnType<typeof readResult>,
    ReturnType<typeof readResult>,
  ];
  const comparison = compareResults(before, after, flags.seed);
  if (comparison.differences.length === 0)
    throw evaluateError('SONO_EVALUATE_RESULT', { path: b, reason: `it has no clip in common with ${a}` });
  if (flags.json !== undefined)
    await writeResult(fromInvocation(flags.json), `${JSON.stringify(comparison)}\n`);
  process.stdout.write(`${comparisonTable(comparison)}\n`);
}

/** Prints what stands in the source afterwards: a person decides whether it does. */
function calibration(path: string): void {
  const found = calibrate(readEjectionResult(fromInvocation(path)).clips);
  if (found === null)
    throw evaluateError('SONO_EVALUATE_RESULT', {
      path,
      reason: `it has fewer than ${leastPatients} patients with an ejection fraction and its interval`,
    });
  process.stdout.write(`${calibrationText(found)}\n`);
}

interface ProgressWriter {
  readonly show: (progress: Progress) => void;
  readonly end: () => void;
}

function progressWriter(kind: Flags['progress']): ProgressWriter {
  const { stderr } = process;
  if (kind === 'json')
    return { show: (progress) => void stderr.write(`${JSON.stringify(progress)}\n`), end: () => undefined };
  if (kind === 'none' || !stderr.isTTY) return { show: () => undefined, end: () => undefined };
  let last = 0;
  return {
    show: ({ policy, clip, clipIndex, clipCount, frame, frameCount }) => {
      if (unixNowMs() - last < 100) return;
      last = unixNowMs();
      const name = policy === null ? clip : `${policy}: ${clip}`;
      stderr.write(`\r\u001b[K${name} (${clipIndex + 1}/${clipCount})  ${frame}/${frameCount} frames`);
    },
    end: () => void stderr.write('\r\u001b[K'),
  };
}
