/**
 * A whole replay run: inputs, output folder with its lock, one process per clip (`jobs` side by side), manifest. Main process.
 *
 * While a run is unfinished, `<out>/.replay/` holds its state; it goes when everything is complete.
 */
import { createHash } from 'node:crypto';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { unixNowMs } from '../node/clock.js';
import { builtModule } from '../node/built-module.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { ExportFormat } from '../export/exporter.js';
import type { ProviderName } from '../onnx/provider.js';
import { redact } from '../ingest/source-uri.js';
import { makeFolder } from '../node/make-folder.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import { promptToWire } from '../protocol/requests.js';
import { replayError } from './errors.js';
import { FolderLock } from './folder-lock.js';
import { expandInputs } from './input-item.js';
import type { InputItem } from './input-item.js';
import { errorFromWire } from './item-messages.js';
import type { FromItem, ToItem } from './item-messages.js';
import type { FrameRange } from './range.js';
import type { ItemOptions, ItemProgress, ItemSummary } from './run-item.js';
import type { Direction } from './run-options.js';
import { WorkFolder, writeFileAtomically, writeProblem } from './work-folder.js';

export interface ReplayOptions {
  /** As written by the person; see expandInputs. */
  readonly inputs: readonly string[];
  readonly plan: PromptScript;
  readonly outDirectory: string;
  readonly formats: readonly ExportFormat[];
  readonly direction: Direction;
  readonly range: FrameRange;
  readonly modelDir: string;
  readonly provider: ProviderName | 'auto';
  readonly policy: string | null;
  readonly threads: number;
  readonly jobs: number;
  readonly resume: boolean;
  readonly overwrite: boolean;
  /** Frames between two states from which a killed run goes on. */
  readonly chunkFrames: number;
  /** Disk space that a backward pass may take per clip. */
  readonly spoolBytes: number;
  readonly version: string;
}

export const replayDefaults = {
  formats: ['png', 'csv'],
  direction: 'forward',
  jobs: 1,
  chunkFrames: 100,
  spoolBytes: 4 * 1024 ** 3,
} as const satisfies Partial<ReplayOptions>;

export type ReplayEvent =
  | { readonly kind: 'start'; readonly items: readonly InputItem[] }
  | { readonly kind: 'progress'; readonly item: InputItem; readonly progress: ItemProgress }
  | { readonly kind: 'done'; readonly item: InputItem; readonly summary: ItemSummary }
  | { readonly kind: 'failed'; readonly item: InputItem; readonly error: Error };

/** A finished clip as manifest.json lists it. */
export type CompletedItem = Pick<
  ItemSummary,
  'clip' | 'input' | 'source' | 'frames' | 'cutShort' | 'timings' | 'files'
>;

export interface ReplaySummary {
  readonly completed: readonly CompletedItem[];
  readonly failed: readonly { readonly item: InputItem; readonly error: Error }[];
}

const workName = '.replay';
const runName = 'run.json';
const manifestName = 'manifest.json';

/**
 * Throws what concerns the whole run (SONO_REPLAY_OUT_*, _RESUME_*, _INPUT_MISSING, _DISK_FULL); a bad item is an event and
 * an entry of the summary.
 */
export async function runReplay(
  options: ReplayOptions,
  signal: AbortSignal,
  onEvent: (event: ReplayEvent) => void,
): Promise<ReplaySummary> {
  const startedUnixMs = unixNowMs();
  const out = resolve(options.outDirectory);
  const items = await expandInputs(options.inputs);
  const identity = runIdentity(options, items);
  const { lock, finished, made } = await prepareFolder(out, options, items, identity);
  try {
    onEvent({ kind: 'start', items });
    if (finished) return { completed: finished, failed: [] };
    const outcomes = await runItems(out, items, options, signal, onEvent);
    const completed = outcomes.flatMap((outcome) => (outcome.summary ? [outcome.summary] : []));
    const failed = outcomes.flatMap(({ item, error }) => (error ? [{ item, error }] : []));
    if (completed.length === 0 && !(await hasState(out, items))) {
      // Nothing was made: after the mistake is mended the same command works.
      await rm(join(out, workName), { recursive: true, force: true });
      for (const { clip } of items) await removePartials(join(out, clip));
      return { completed, failed };
    }
    await writeFileAtomically(join(out, manifestName), manifest(options, identity, outcomes, startedUnixMs));
    if (failed.length === 0) await rm(join(out, workName), { recursive: true, force: true });
    return { completed, failed };
  } finally {
    await lock.release();
    // Where nothing was begun nothing is left.
    await removeEmpty(out, made);
  }
}

/** Whether any item came so far that `--resume` would find something. */
async function hasState(out: string, items: readonly InputItem[]): Promise<boolean> {
  for (const { clip } of items) {
    const names = await readdir(join(out, workName, clip)).catch(() => []);
    if (names.some((name) => name.endsWith('.json'))) return true;
  }
  return false;
}

async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name.endsWith('.partial')) await rm(join(folder, name), { recursive: true, force: true });
  await rmdir(folder).catch(() => undefined);
}

/** Folders of ours in which nothing was left; the output folder itself only where this run has made it. */
async function removeEmpty(out: string, made: boolean): Promise<void> {
  await rmdir(join(out, workName)).catch(() => undefined);
  if (made) await rmdir(out).catch(() => undefined);
}

/** What must be equal for a run to be continued. */
function runIdentity(options: ReplayOptions, items: readonly InputItem[]): Record<string, unknown> {
  return {
    inputs: items.map(({ clip, uri, stream }) => ({ clip, uri: resolve(uri), stream })),
    prompts: createHash('sha256')
      .update(JSON.stringify(planJson(options.plan)))
      .digest('hex'),
    formats: [...options.formats],
    direction: options.direction,
    range: options.range,
    model: resolve(options.modelDir),
    provider: options.provider,
    policy: options.policy,
    threads: options.threads,
    chunkFrames: options.chunkFrames,
    version: options.version,
  };
}

function planJson(plan: PromptScript): unknown {
  return plan.objects.map(({ label, prompts }) => ({
    label,
    prompts: prompts.map(({ moment, prompt }) => ({
      ...(moment.kind === 'frame' ? { frame: moment.frame } : { timeMs: moment.timeMs }),
      ...promptToWire(prompt),
    })),
  }));
}

interface Prepared {
  /** The output folder was not there before. */
  readonly made: boolean;
  readonly lock: FolderLock;
  /** Items of a run that was already complete; null: there is work to do. */
  readonly finished: readonly CompletedItem[] | null;
}

async function prepareFolder(
  out: string,
  options: ReplayOptions,
  items: readonly InputItem[],
  identity: Record<string, unknown>,
): Promise<Prepared> {
  let made: boolean;
  try {
    made = await makeFolder(out);
  } catch (error) {
    throw writeProblem(out, error);
  }
  // The lock first: what is in a folder that another run is filling says nothing.
  const lock = await FolderLock.acquire(join(out, workName, 'lock'), options.outDirectory);
  try {
    const work = await WorkFolder.open(join(out, workName));
    const others = (await readdir(out)).filter((name) => name !== workName);
    const unfinished = ((await work.read(runName)) as { identity: Record<string, unknown> } | null)?.identity;
    const begun = unfinished !== undefined;
    if (options.overwrite) {
      await removeResults(out, items, options);
    } else if (options.resume) {
      const complete = begun ? null : await readManifest(out);
      if (!begun && !complete && others.length > 0)
        throw replayError('SONO_REPLAY_RESUME_NOTHING', { path: options.outDirectory });
      const before = unfinished ?? complete?.run;
      if (before) {
        const what = Object.keys(identity).filter(
          (key) => JSON.stringify(identity[key]) !== JSON.stringify(before[key]),
        );
        if (what.length > 0)
          throw replayError('SONO_REPLAY_RESUME_OTHER', {
            path: options.outDirectory,
            what: what.join(', '),
          });
      }
      if (complete) return { lock, made, finished: complete.items };
    } else if (others.length > 0 || begun) {
      throw replayError('SONO_REPLAY_OUT_NOT_EMPTY', { path: options.outDirectory });
    }
    await work.write(runName, { identity });
    return { lock, made, finished: null };
  } catch (error) {
    await lock.release();
    await removeEmpty(out, made);
    throw error;
  }
}

interface Manifest {
  readonly run: Record<string, unknown>;
  readonly items: readonly CompletedItem[];
}

async function readManifest(out: string): Promise<Manifest | null> {
  const folder = await WorkFolder.open(out);
  const found = (await folder.read(manifestName)) as Partial<Manifest> | null;
  return found?.run && Array.isArray(found.items) ? (found as Manifest) : null;
}

/** What an earlier run made, as far as it is known, and what this one will make. Nothing else in the folder is touched. */
async function removeResults(
  out: string,
  items: readonly InputItem[],
  options: ReplayOptions,
): Promise<void> {
  const earlier = await readManifest(out);
  const inside = (path: string): boolean => {
    const below = relative(out, path);
    return below !== '' && !below.startsWith('..') && resolve(out, below) === path;
  };
  const paths = [
    ...(earlier?.items ?? []).flatMap((item) => (item.files ?? []).map((file) => resolve(out, file))),
    ...items.map(({ clip }) => join(out, clip)),
    ...(options.formats.includes('davis') ? [join(out, 'davis')] : []),
    join(out, manifestName),
  ];
  try {
    for (const path of paths) if (inside(path)) await rm(path, { recursive: true, force: true });
    for (const name of await readdir(join(out, workName)))
      if (name !== 'lock') await rm(join(out, workName, name), { recursive: true, force: true });
  } catch (error) {
    throw writeProblem(options.outDirectory, error);
  }
}

interface Outcome {
  readonly item: InputItem;
  readonly summary: ItemSummary | null;
  readonly error: Error | null;
}

async function runItems(
  out: string,
  items: readonly InputItem[],
  options: ReplayOptions,
  signal: AbortSignal,
  onEvent: (event: ReplayEvent) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as InputItem;
      const workDirectory = join(out, workName, item.clip);
      const work = await WorkFolder.open(workDirectory);
      let outcome: Outcome;
      try {
        const before = (await work.read('done.json')) as ItemSummary | null;
        const summary =
          before ??
          (await runItemProcess(itemOptions(options, item, out, workDirectory), signal, (progress) =>
            onEvent({ kind: 'progress', item, progress }),
          ));
        outcome = { item, summary, error: null };
        onEvent({ kind: 'done', item, summary });
      } catch (error) {
        outcome = { item, summary: null, error: error as Error };
        onEvent({ kind: 'failed', item, error: error as Error });
      }
      outcomes[index] = outcome;
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, items.length) }, worker));
  return outcomes;
}

function itemOptions(
  options: ReplayOptions,
  item: InputItem,
  outDirectory: string,
  workDirectory: string,
): ItemOptions {
  const { plan, formats, direction, range, modelDir, provider, policy } = options;
  const { threads, chunkFrames, spoolBytes, version } = options;
  return {
    ...{ item, plan, outDirectory, workDirectory, formats, direction, range, modelDir, provider, policy },
    ...{ threads, chunkFrames, spoolBytes, version },
    ...{ keepStates: false, mcapPictures: true, masksFrom: null },
  };
}

/** Run one clip in its own process. Rejects with the item's error, or SONO_REPLAY_STOPPED where the process died. */
export function runItemProcess(
  options: ItemOptions,
  signal: AbortSignal,
  onProgress: (progress: ItemProgress) => void,
): Promise<ItemSummary> {
  const input = options.item.uri;
  if (signal.aborted) return Promise.reject(replayError('SONO_REPLAY_CANCELLED', { input }));
  return new Promise((resolvePromise, reject) => {
    const notStarted = (cause: unknown): Error =>
      replayError('SONO_REPLAY_NO_PROCESS', { input: redact(input) }, cause);
    let child: ChildProcess;
    try {
      child = fork(builtModule('src/replay/item-process'), {
        serialization: 'advanced',
        // Decoding of pictures, packing and files share the pool; four threads would starve each other.
        env: { ...process.env, UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? '16' },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
    } catch (error) {
      reject(notStarted(error));
      return;
    }
    let tail = '';
    child.stderr?.on('data', (text: Buffer) => {
      tail = (tail + text.toString()).slice(-4000);
    });
    let outcome: FromItem | null = null;
    const cancel = (): void => {
      if (child.connected) child.send({ kind: 'cancel' } satisfies ToItem);
    };
    signal.addEventListener('abort', cancel, { once: true });
    child.on('message', (message: FromItem) => {
      if (message.kind === 'progress') onProgress(message.progress);
      else outcome = message;
    });
    child.on('error', (error) => {
      tail += error.message;
      // Without a number it never ran.
      if (child.pid === undefined) reject(notStarted(error));
    });
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', cancel);
      if (outcome?.kind === 'done') resolvePromise(outcome.summary);
      else if (signal.aborted) reject(replayError('SONO_REPLAY_CANCELLED', { input }));
      else if (outcome?.kind === 'failed') reject(errorFromWire(outcome.error));
      else
        reject(
          replayError(
            'SONO_REPLAY_STOPPED',
            { input, reason: killedBy ?? `exit code ${code ?? 'unknown'}` },
            new Error(tail),
          ),
        );
    });
    // Its pipe may break before it has read; then it is gone, which is seen above.
    if (child.pid !== undefined) child.send({ kind: 'start', options } satisfies ToItem, () => undefined);
  });
}

/**
 * manifest.json: how the results came about. It alone carries times of day and durations; every other file is the same,
 * byte for byte, in every run.
 */
function manifest(
  options: ReplayOptions,
  identity: Record<string, unknown>,
  outcomes: readonly Outcome[],
  startedUnixMs: number,
): string {
  const engine = outcomes.find(({ summary }) => summary)?.summary?.engine ?? null;
  return `${JSON.stringify(
    {
      software: { name: 'sonoscope', version: options.version, node: process.version },
      model: engine && {
        name: engine.modelName,
        version: engine.modelVersion,
        sha256: engine.modelSha256,
        inputSize: engine.inputSize,
      },
      provider: engine?.provider ?? null,
      options: {
        formats: options.formats,
        direction: options.direction,
        range: options.range,
        policy: engine?.policy ?? options.policy,
        threads: options.threads,
      },
      prompts: planJson(options.plan),
      items: outcomes.flatMap(({ summary }) => {
        if (!summary) return [];
        const { clip, input, source, frames, files, cutShort, timings } = summary;
        const made = files.map((file) => relative(resolve(options.outDirectory), resolve(file)));
        return [{ clip, input, source, frames, cutShort, timings, files: made }];
      }),
      failed: outcomes.flatMap(({ item, error }) =>
        error
          ? [
              {
                clip: item.clip,
                uri: item.uri,
                code: (error as SonoError).code ?? null,
                message: error.message,
              },
            ]
          : [],
      ),
      timings: { startedUnixMs, seconds: (unixNowMs() - startedUnixMs) / 1000, jobs: options.jobs },
      run: identity,
    },
    null,
    1,
  )}\n`;
}
