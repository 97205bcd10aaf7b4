/** `sonoscope replay`: analyse recorded material, every frame of it; with --verify: run a recording again and compare. */
import { basename, dirname } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { findModel, installedModels } from '../config/pipeline-file.js';
import { providerChoices } from '../config/pipeline-file.js';
import { readPromptFile } from '../config/prompt-file.js';
import { exportFormats } from '../export/exporter.js';
import type { ExportFormat } from '../export/exporter.js';
import { pairings, type Pairing } from '../replay/biplane-pairs.js';
import { oneLine } from '../vocabulary/one-line.js';
import { echoViews, type EchoView } from '../vocabulary/echo.js';
import { replayError } from '../replay/errors.js';
import type { ItemSummary } from '../replay/item-summary.js';
import { readModelFacts } from '../replay/model-facts.js';
import { jsonProgress, quietProgress, terminalProgress } from '../replay/progress.js';
import { isEmptyRange, parseMoment } from '../replay/range.js';
import { replayDefaults, runReplay } from '../replay/run-batch.js';
import { defaultThreads, directions } from '../replay/run-options.js';
import type { Direction } from '../replay/run-options.js';
import type { RecordedModel, VerifyReport } from '../verify/verify.js';
import { cliError } from '../app/errors.js';
import { fromInvocation, invocationFolder } from '../app/paths.js';
import { archiveOptions } from './live-options.js';
import { positiveNumber, wholeNumber } from './option-values.js';
import { archivesOf, type ArchiveFlags } from '../app/archives.js';
import { listenForStop } from '../app/signals.js';
import { checkStore, sourceArchive, storeResults } from '../app/store-results.js';
import { programVersion } from '../app/versions.js';

const defaultModel = 'compact';
/** Formats of DICOM files. */
const storable: readonly ExportFormat[] = exportFormats.filter((format) => format.startsWith('dicom'));

interface Flags extends ArchiveFlags {
  readonly prompt?: string;
  readonly out?: string;
  readonly format: ExportFormat[];
  readonly direction: Direction;
  readonly from?: string;
  readonly to?: string;
  readonly stride: number;
  readonly model?: string;
  readonly provider: (typeof providerChoices)[number];
  readonly policy?: string;
  readonly view: EchoView;
  readonly pair?: Pairing;
  readonly jobs: number;
  readonly threads: number;
  readonly chunkFrames: number;
  readonly spoolGb: number;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly verify: boolean;
  readonly store?: string;
  readonly progress: 'auto' | 'json' | 'none';
  readonly quiet: boolean;
}

export function configure(command: Command): void {
  archiveOptions(command)
    .argument(
      '[input...]',
      'videos, folders of pictures, DICOM cines, MCAP recordings; folders and globs of these; dicomweb:// and orthanc:// addresses',
    )
    .option(
      '--prompt <file>',
      'what to follow (JSON, source pixels; the same file as in live mode); none with a model that finds its structures itself',
    )
    .option('--out <dir>', 'folder for the results')
    .option('--format <list>', `comma-separated: ${exportFormats.join(', ')}`, formatList, [
      ...replayDefaults.formats,
    ])
    .addOption(
      new Option('--direction <direction>', 'in which direction prompts spread')
        .choices(directions)
        .default(replayDefaults.direction),
    )
    .option('--from <moment>', 'first frame (120) or time (12.5s, 800ms); with --verify: the recording')
    .option('--to <moment>', 'last frame or time, included')
    .option('--stride <n>', 'analyse every n-th frame', wholeNumber(1, 100_000), 1)
    .option(
      '--model <name>',
      `name or folder of the model (default: ${defaultModel}; with --verify: the one of the recording)`,
    )
    .addOption(new Option('--provider <name>', 'execution provider').choices(providerChoices).default('auto'))
    .option('--policy <name>', 'memory policy (default: the one of the model)')
    .addOption(
      new Option('--view <view>', 'apical view of a heart: four-chamber or two-chamber')
        .choices(echoViews)
        .default(replayDefaults.view),
    )
    .addOption(
      new Option(
        '--pair <how>',
        'two views of one heart give a biplane ejection fraction; names: files whose names differ in A4C and A2C (or 4CH and 2CH); order: four-chamber, two-chamber, four-chamber, …',
      ).choices(pairings),
    )
    .option('--jobs <n>', 'clips side by side', wholeNumber(1, 64), replayDefaults.jobs)
    .option('--threads <n>', 'threads of the model, per clip', wholeNumber(1, 64), defaultThreads)
    .option(
      '--store <url>',
      `DICOM archive in which the DICOM files of the results are stored; "${sourceArchive}": where the cine came from`,
    )
    .option('--resume', 'go on with an unfinished run in the same folder', false)
    .option('--overwrite', 'replace the results of an earlier run', false)
    .option(
      '--verify',
      'run a recording made with "run --record" again and report the first difference',
      false,
    )
    .addOption(
      new Option('--progress <kind>', 'json: one object per line on standard output')
        .choices(['auto', 'json', 'none'])
        .default('auto'),
    )
    .option('--quiet', 'without the last line, which says what was written', false)
    .option(
      '--chunk-frames <n>',
      'frames between two states from which a killed run goes on',
      wholeNumber(1, 100_000),
      replayDefaults.chunkFrames,
    )
    .option(
      '--spool-gb <n>',
      'disk space for tracking backwards, per clip, in gigabytes',
      positiveNumber,
      replayDefaults.spoolBytes / 1024 ** 3,
    )
    .action(async (inputs: string[], flags: Flags) => {
      await (flags.verify ? verify(inputs, flags) : replay(inputs, flags));
    });
}

async function replay(inputs: readonly string[], flags: Flags): Promise<void> {
  const needed = (what: string) => cliError('SONO_USAGE', { problem: what, command: 'replay' });
  if (inputs.length === 0) throw needed('Say what to analyse');
  if (flags.out === undefined) throw needed('Say where the results go, with --out DIR');
  if (flags.resume && flags.overwrite) throw needed('--resume and --overwrite exclude each other');
  const range = {
    from: flags.from === undefined ? null : parseMoment(flags.from, '--from'),
    to: flags.to === undefined ? null : parseMoment(flags.to, '--to'),
    stride: flags.stride,
  };
  if (isEmptyRange(range))
    throw replayError('SONO_REPLAY_OPTION', {
      value: flags.to ?? '',
      option: '--to',
      expected: 'a moment that does not lie before --from',
    });
  const modelDir = modelFolder(flags.model ?? defaultModel);
  if (flags.prompt === undefined && (await readModelFacts(modelDir)).structures === null)
    throw needed('Say what to follow, with --prompt FILE');
  const plan =
    flags.prompt === undefined ? { objects: [] } : await readPromptFile(fromInvocation(flags.prompt));
  const { access, sources } = await archivesOf(flags, [
    ...inputs,
    ...(flags.store === undefined ? [] : [flags.store]),
  ]);
  const store = flags.store === undefined ? null : (sources.at(-1) ?? null);
  if (store !== null && !flags.format.some((format) => storable.includes(format)))
    throw needed(`--store needs a format that archives take, with --format ${storable.join(' or ')}`);
  const stop = listenForStop();
  const abort = new AbortController();
  void stop.asked.then(() => abort.abort());
  const inputUris = sources.slice(0, inputs.length);
  const onEvent =
    flags.progress === 'json'
      ? jsonProgress(process.stdout)
      : flags.progress === 'auto' && process.stderr.isTTY
        ? terminalProgress(process.stderr, () => process.stderr.columns)
        : quietProgress(process.stderr);
  try {
    if (store !== null) await checkStore(inputUris, store, access, abort.signal);
    const { completed, failed } = await runReplay(
      {
        inputs: inputUris.map((input) => (isAddress(input) ? input : fromInvocation(input))),
        plan,
        outDirectory: fromInvocation(flags.out),
        formats: flags.format,
        direction: flags.direction,
        range,
        modelDir,
        provider: flags.provider,
        policy: flags.policy ?? null,
        threads: flags.threads,
        jobs: flags.jobs,
        view: flags.view,
        pair: flags.pair ?? null,
        resume: flags.resume,
        overwrite: flags.overwrite,
        chunkFrames: flags.chunkFrames,
        spoolBytes: flags.spoolGb * 1024 ** 3,
        version: programVersion(),
        archives: access,
      },
      abort.signal,
      onEvent,
    );
    if (store !== null)
      await storeResults(completed, store, access, abort.signal, (file, archive) =>
        process.stderr.write(
          `${basename(dirname(file))}/${basename(file)} is in the archive at ${archive}\n`,
        ),
      );
    if (!flags.quiet && completed.length > 0) {
      const written = writtenFacts(completed, flags.out, flags.format);
      process.stdout.write(
        flags.progress === 'json'
          ? `${JSON.stringify({ event: 'written', ...written })}\n`
          : `sonoscope: ${oneLine(writtenText(written))}\n`,
      );
    }
    const first = failed[0];
    const total = completed.length + failed.length;
    if (first && total === 1) throw first.error;
    if (first) throw replayError('SONO_REPLAY_ITEMS_FAILED', { failed: failed.length, total });
    const cut = completed.filter(({ cutShort }) => cutShort);
    // The reason has been printed already. The results are kept, but they do not cover all of the material.
    if (cut.length > 0) process.exitCode = 3;
  } finally {
    stop.dispose();
  }
}

interface Written {
  readonly folder: string;
  readonly clips: number;
  readonly frames: number;
  readonly files: number;
  readonly formats: readonly string[];
}

function writtenFacts(
  completed: readonly Pick<ItemSummary, 'frames' | 'files'>[],
  folder: string,
  formats: readonly string[],
): Written {
  const frames = completed.reduce((sum, item) => sum + item.frames, 0);
  const files = completed.reduce((sum, item) => sum + item.files.length, 0);
  return { folder, clips: completed.length, frames, files, formats };
}

/** `written to out: 2 clips, 200 pictures, 8 files (png, csv) and manifest.json`. */
function writtenText({ folder, clips, frames, files, formats }: Written): string {
  const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;
  return `written to ${folder}: ${count(clips, 'clip')}, ${count(frames, 'picture')}, ${count(files, 'file')} (${formats.join(', ')}) and manifest.json`;
}

async function verify(inputs: readonly string[], flags: Flags): Promise<void> {
  // Imported only here: it loads ONNX Runtime into this process, while runs load it into processes of their own.
  const { verifyRecording } = await import('../verify/verify.js');
  const recordings = flags.from === undefined ? inputs : [flags.from, ...inputs];
  if (recordings.length === 0)
    throw cliError('SONO_USAGE', {
      problem: 'Say which recording to verify, with --from FILE.mcap',
      command: 'replay',
    });
  for (const recording of recordings) {
    const report = await verifyRecording({
      path: fromInvocation(recording),
      modelDir: flags.model === undefined ? recordedModel : modelFolder(flags.model),
    });
    process.stdout.write(
      flags.progress === 'json' ? `${JSON.stringify(report)}\n` : `${verifyText(report)}\n`,
    );
    const { firstDifference } = report;
    if (firstDifference)
      throw replayError('SONO_VERIFY_DIFFERENT', {
        path: recording,
        frame: firstDifference.sourceFrame ?? '–',
        difference: firstDifference.what,
      });
  }
}

function verifyText(report: VerifyReport): string {
  const cut = report.complete ? '' : ' (the recording was cut off; checked up to its last complete chunk)';
  const streams = report.streams
    .map(
      ({ stream, frames, commands, restarts }) =>
        `${stream}: ${frames} frames, ${commands} commands` +
        (restarts === 0 ? '' : `, ${restarts} ${restarts === 1 ? 'restart' : 'restarts'} of the engine`),
    )
    .join('; ');
  const rounding = Math.max(0, ...report.streams.map(({ largestRounding }) => largestRounding));
  const others =
    rounding === 0
      ? ''
      : ` (recorded on another processor: masks and states are identical, scores within ${rounding.toPrecision(2)})`;
  return `${report.path}: ${report.firstDifference ? 'different' : 'identical'} – ${streams}${others}${cut}`;
}

/** The installed model that made the recording; if it is not installed, one of the same name, which the comparison then refuses. */
async function recordedModel({ modelName, modelSha256 }: RecordedModel): Promise<string> {
  const { modelKinds, readFolderOf } = await import('../onnx/manifest.js');
  for (const name of installedModels()) {
    const folder = findModel(name, invocationFolder());
    // A model that cannot be read is passed over.
    const read = folder === null ? null : await readFolderOf(folder, ...modelKinds).catch(() => null);
    if (folder !== null && read?.sha256 === modelSha256) return folder;
  }
  return findModel(modelName, invocationFolder()) ?? modelFolder(defaultModel);
}

function modelFolder(model: string): string {
  const folder = findModel(model, invocationFolder());
  if (folder === null)
    throw replayError('SONO_REPLAY_OPTION', {
      value: model,
      option: '--model',
      expected: 'the name of an installed model, or a folder with model.json',
    });
  return folder;
}

const isAddress = (input: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(input);

function formatList(text: string): ExportFormat[] {
  const names = text.split(',').map((name) => name.trim());
  // A format that is named twice would be written twice, into the same files.
  return [...new Set(names)].map((name) => {
    const format = exportFormats.find((known) => known === name);
    if (!format) throw new InvalidArgumentError(`"${name}" is not one of ${exportFormats.join(', ')}.`);
    return format;
  });
}
