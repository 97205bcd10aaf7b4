/** The worker's side of the worker engine: one model, one core, one task at a time. Runs in the inference thread. */
import type { MessagePort } from 'node:worker_threads';
import { firstLine } from '../onnx/choose-provider.js';
import { openCore, type Choosers } from './engine-core.js';
import type { StreamCore } from './stream-core.js';
import { isInferenceFailure } from './open-model.js';
import { toPlainError } from '../vocabulary/plain-error.js';
import type { FromWorker, ToWorker, WorkerStart, WorkerTask } from './worker-protocol.js';

/** While frames are analysed, the state from which a new worker would go on is sent this often; after a command always. */
const stateIntervalMs = 2_000;

/** Loads the model, then answers tasks until told to close. */
export async function serveEngine(
  port: MessagePort,
  start: WorkerStart,
  choosers: Partial<Choosers> = {},
): Promise<void> {
  // Results are not handed over: the core keeps what it answers with (earlier masks, memory).
  const post = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  let loaded = false;
  port.on('message', (message: ToWorker) => {
    if (message.kind !== 'close') void perform(message.id, message);
    // Ends this thread only, and here no native call is under way; what has been loaded so far goes with it.
    else if (!loaded) process.exit();
    else {
      port.close();
      void core.close();
    }
  });
  let core: StreamCore;
  try {
    const { options, failed, state } = start;
    core = await openCore(options, failed, choosers);
    if (state !== null) core.takeOver(state);
  } catch (error) {
    post({ kind: 'refused', error: toPlainError(error) });
    port.close();
    return;
  }

  const run = async (task: WorkerTask): Promise<unknown> => {
    switch (task.kind) {
      case 'track':
        return core.track(task.frame);
      case 'command':
        return core.command(task.command, task.frame);
      case 'sourceSize':
        return core.setSourceSize(task.size);
      case 'snapshot':
        return core.snapshot();
      case 'restore':
        return core.restore(task.snapshot);
    }
  };

  let stateSentMs = performance.now();
  const sendState = (whole: boolean): void => {
    stateSentMs = performance.now();
    post({ kind: 'state', state: core.state(whole) });
  };

  const perform = async (id: number, task: WorkerTask): Promise<void> => {
    try {
      const value = await run(task);
      const { info } = core;
      const pixels = task.kind === 'track' ? task.frame.data.buffer : null;
      if (pixels instanceof ArrayBuffer) post({ kind: 'done', id, value, info, pixels }, [pixels]);
      else post({ kind: 'done', id, value, info, pixels: null });
      const changed = task.kind === 'command' || task.kind === 'restore' || task.kind === 'sourceSize';
      if (changed || (task.kind === 'track' && performance.now() - stateSentMs >= stateIntervalMs))
        sendState(false);
    } catch (error) {
      if (isInferenceFailure(error)) {
        // The core is intact and has not moved: everything goes along.
        sendState(true);
        post({ kind: 'broken', provider: core.info.provider, reason: firstLine(error.cause) });
      }
      post({ kind: 'failed', id, error: toPlainError(error) });
    }
  };

  loaded = true;
  post({ kind: 'ready', info: core.info });
}
