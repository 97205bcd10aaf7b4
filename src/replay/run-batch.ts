/** A whole replay run: inputs, output folder (run-folder.ts), one process per clip (`jobs` side by side). Main process. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { unixNowMs } from '../node/clock.js';
import { builtModule } from '../node/built-module.js';
import type { EchoView } from '../vocabulary/echo.js';
import { fromPlainError } from '../vocabulary/plain-error.js';
import { redact } from '../ingest/source-uri.js';
import { replayError } from './errors.js';
import type { SkippedFile } from '../ingest/folder-contents.js';
import { expandInputs } from './input-item.js';
import type { InputItem } from './input-item.js';
import type { FromItem, ToItem } from './item-messages.js';
import { doneName, itemSummarySchema } from './item-summary.js';
import type { ItemSummary } from './item-summary.js';
import { checkModelCan, readModelFacts } from './model-facts.js';
import { RunFolder } from './run-folder.js';
import type { Outcome } from './outcome.js';
import type { CompletedItem } from './run-folder.js';
import { findPairs, viewsOf } from './biplane-pairs.js';
import { runIdentity } from './run-identity.js';
import type { ItemOptions, ItemProgress } from './run-item.js';
import type { ReplayOptions } from './run-options.js';
import { WorkFolder } from './work-folder.js';

export const replayDefaults = {
  formats: ['png', 'csv'],
  direction: 'forward',
  jobs: 1,
  chunkFrames: 100,
  spoolBytes: 4 * 1024 ** 3,
  view: 'a4c',
  pair: null,
} as const satisfies Partial<ReplayOptions>;

export type ReplayEvent =
  | { readonly kind: 'start'; readonly items: readonly InputItem[]; readonly skipped: readonly SkippedFile[] }
  | { readonly kind: 'progress'; readonly item: InputItem; readonly progress: ItemProgress }
  | { readonly kind: 'done'; readonly item: InputItem; readonly summary: ItemSummary }
  | { readonly kind: 'failed'; readonly item: InputItem; readonly error: Error };

interface ReplaySummary {
  readonly completed: readonly CompletedItem[];
  readonly failed: readonly { readonly item: InputItem; readonly error: Error }[];
}

/**
 * Throws what concerns the whole run (SONO_REPLAY_OUT_*, _RESUME_*, _INPUT_MISSING, _DISK_FULL, SONO_MODEL_*); a bad item is an
 * event and an entry of the summary.
 */
export async function runReplay(
  options: ReplayOptions,
  signal: AbortSignal,
  onEvent: (event: ReplayEvent) => void,
): Promise<ReplaySummary> {
  const startedUnixMs = unixNowMs();
  const skipped: SkippedFile[] = [];
  const items = await expandInputs(options.inputs, {
    archives: options.archives,
    onSkipped: (file) => skipped.push(file),
  });
  const pairs = options.pair === null ? [] : findPairs(items, options.pair);
  const views = viewsOf(pairs);
  const viewOf = (item: InputItem): EchoView => views.get(item.clip) ?? options.view;
  const facts = await readModelFacts(options.modelDir);
  checkModelCan(facts, options);
  const folder = await RunFolder.prepare(options, items, runIdentity(options, items, facts.sha256));
  try {
    onEvent({ kind: 'start', items, skipped });
    if (folder.finished) return { completed: folder.finished, failed: [] };
    const outcomes = await runItems(folder, items, options, viewOf, signal, onEvent);
    await folder.finish(outcomes, skipped, startedUnixMs, pairs);
    return {
      completed: outcomes.flatMap(({ summary }) => (summary ? [summary] : [])),
      failed: outcomes.flatMap(({ item, error }) => (error ? [{ item, error }] : [])),
    };
  } finally {
    await folder.release();
  }
}

async function runItems(
  folder: RunFolder,
  items: readonly InputItem[],
  options: ReplayOptions,
  viewOf: (item: InputItem) => EchoView,
  signal: AbortSignal,
  onEvent: (event: ReplayEvent) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as InputItem;
      const work = await WorkFolder.open(folder.workOf(item));
      try {
        const summary =
          (await work.read(doneName, itemSummarySchema)) ??
          (await runItemProcess(
            itemOptions({ ...options, view: viewOf(item) }, item, folder.path, work.path),
            signal,
            (progress) => onEvent({ kind: 'progress', item, progress }),
          ));
        outcomes[index] = { item, summary, error: null };
        onEvent({ kind: 'done', item, summary });
      } catch (error) {
        outcomes[index] = { item, summary: null, error: error as Error };
        onEvent({ kind: 'failed', item, error: error as Error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, items.length) }, worker));
  return outcomes;
}

function itemOptions(
  { plan, formats, direction, range, modelDir, provider, policy, ...more }: ReplayOptions,
  item: InputItem,
  outDirectory: string,
  workDirectory: string,
): ItemOptions {
  const { threads, chunkFrames, spoolBytes, view, version, archives } = more;
  const what = { item, plan, outDirectory, workDirectory, formats, direction, range };
  const how = { modelDir, provider, policy, threads, chunkFrames, spoolBytes, view, version };
  const access = archives === undefined ? {} : { archives };
  return {
    ...what,
    ...how,
    ...access,
    keepStates: false,
    mcapPictures: true,
    masksFrom: null,
    corrections: [],
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
      else if (outcome?.kind === 'failed') reject(fromPlainError(outcome.error));
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
