/**
 * Process of one clip: native code that dies, or a library that leaks, ends with it. Started by run-batch.ts over IPC; ends at
 * once when its parent is gone, so that a run that is resumed finds nobody else writing.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unixNowMs } from '../node/clock.js';
import { SonoError } from '../vocabulary/errors.js';
import { toPlainError } from '../vocabulary/plain-error.js';
import { createWorkerEngine } from '../engine/worker-engine.js';
import { exitProcess } from '../node/process-exit.js';
import { FolderLock } from './folder-lock.js';
import type { FromItem, ToItem } from './item-messages.js';
import { doneName } from './item-summary.js';
import type { ItemSummary } from './item-summary.js';
import { readModelFacts } from './model-facts.js';
import type { ItemOptions, ItemProgress } from './run-item.js';
import { WorkFolder } from './work-folder.js';

const progressEveryMs = 200;
/** A killed run's item notices the loss of its parent within moments. */
const orphanWaitMs = 20_000;

const abort = new AbortController();

const send = (message: FromItem): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, {}, () => resolve());
    else resolve();
  });

async function lockItem(options: ItemOptions): Promise<FolderLock> {
  const deadline = unixNowMs() + orphanWaitMs;
  for (;;) {
    try {
      return await FolderLock.acquire(join(options.workDirectory, 'lock'), options.outDirectory);
    } catch (error) {
      const busy = error instanceof SonoError && error.code === 'SONO_REPLAY_OUT_BUSY';
      if (!busy || unixNowMs() > deadline) throw error;
      await delay(50);
    }
  }
}

/** The network loads in its thread while this one loads everything around it. */
async function trackClip(
  options: ItemOptions,
  onProgress: (progress: ItemProgress) => void,
): Promise<ItemSummary> {
  const { modelDir, provider, policy, threads } = options;
  // The size of the pictures is said when the source has said it.
  const sourceSize = { width: 1, height: 1 };
  const engine = createWorkerEngine({ modelDir, provider, policy, threads, sourceSize, keepLogits: true });
  const facts = readModelFacts(modelDir);
  // Both are awaited by the run.
  engine.catch(() => undefined);
  facts.catch(() => undefined);
  const [{ runItem }, { replayToolsFor }] = await Promise.all([
    import('./run-item.js'),
    import('./replay-tools.js'),
  ]);
  return runItem(options, { engine, facts }, replayToolsFor(options.archives), abort.signal, onProgress);
}

async function run(options: ItemOptions): Promise<void> {
  let code = 0;
  try {
    const lock = await lockItem(options);
    try {
      let lastSent = 0;
      const summary = await trackClip(options, (progress) => {
        const now = unixNowMs();
        if (now - lastSent < progressEveryMs) return;
        lastSent = now;
        void send({ kind: 'progress', progress });
      });
      const work = await WorkFolder.open(options.workDirectory);
      await work.write(doneName, summary);
      await send({ kind: 'done', summary });
    } finally {
      await lock.release();
    }
  } catch (error) {
    code = 1;
    await send({ kind: 'failed', error: toPlainError(error) });
  }
  await exitProcess(code);
}

process.on('message', (message: ToItem) => {
  switch (message.kind) {
    case 'start':
      void run(message.options);
      return;
    case 'cancel':
      abort.abort();
      return;
  }
});
// Whatever is on disk is consistent at any moment; anything written from now on would only disturb the next run.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches the whole process group; the parent decides.
process.on('SIGINT', () => undefined);
