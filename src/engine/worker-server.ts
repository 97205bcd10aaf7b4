/** The worker's side of the worker engine: one model, one tracker, one task at a time. Runs in the inference thread. */
import type { MessagePort } from 'node:worker_threads';
import { Tracker } from '../tracking/tracker.js';
import { chooseProvider, firstLine, loadModel, type ChooseProvider } from '../onnx/choose-provider.js';
import { EngineCore, engineInfo, isInferenceFailure } from './engine-core.js';
import type { EngineInfo } from './engine.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';
import { toPlainError } from '../vocabulary/plain-error.js';
import type { FromWorker, ToWorker, WorkerStart, WorkerTask } from './worker-protocol.js';

/** While frames are tracked, the state from which a new worker would go on is sent this often; after a command always. */
const stateIntervalMs = 2_000;
/** Newest entries of the network's own memory that are sent along, per object. More would cost megabytes each time, and the prompts alone bring an object back. */
const stateRecent = 2;

/** Loads the model, then answers tasks until told to close. */
export async function serveEngine(
  port: MessagePort,
  start: WorkerStart,
  choose: ChooseProvider = chooseProvider,
): Promise<void> {
  // Results are not handed over: the tracker keeps what it answers with (earlier masks, memory).
  const post = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  let loaded = false;
  port.on('message', (message: ToWorker) => {
    if (message.kind !== 'close') void perform(message.id, message);
    // Ends this thread only, and here no native call is under way; what has been loaded so far goes with it.
    else if (!loaded) process.exit();
    else {
      port.close();
      void core.runner.close();
    }
  });
  let core: EngineCore;
  let info: () => EngineInfo;
  let run: (task: WorkerTask) => Promise<unknown>;
  try {
    const { options, failed, state } = start;
    const model = await loadModel(options.modelDir);
    const { folder } = model;
    const tracker = new Tracker(folder.tracker, options);
    if (state !== null) tracker.restore(state);
    const wish = { provider: options.provider, threads: options.threads, failed };
    const { runner, rejected } = await choose(model, wish);
    core = new EngineCore(tracker, runner, folder.tracker);
    info = () => engineInfo(folder, runner, rejected, tracker);
    run = (task) => {
      switch (task.kind) {
        case 'track':
          return core.track(task.frame);
        case 'command':
          return core.command(task.command, task.frame);
        case 'sourceSize':
          return Promise.resolve(tracker.setSourceSize(task.size));
        case 'snapshot':
          return Promise.resolve(encodeSnapshot(tracker.snapshot(), folder.sha256));
        case 'restore':
          return Promise.resolve(
            tracker.restore(decodeSnapshot(task.snapshot, folder.tracker, folder.sha256)),
          );
      }
    };
  } catch (error) {
    post({ kind: 'refused', error: toPlainError(error) });
    port.close();
    return;
  }

  let stateSentMs = performance.now();
  const sendState = (recent: number, history: boolean): void => {
    stateSentMs = performance.now();
    post({ kind: 'state', state: core.tracker.snapshot({ recent, history }) });
  };

  const perform = async (id: number, task: WorkerTask): Promise<void> => {
    try {
      const value = await run(task);
      const pixels = task.kind === 'track' ? task.frame.data.buffer : null;
      if (pixels instanceof ArrayBuffer) post({ kind: 'done', id, value, info: info(), pixels }, [pixels]);
      else post({ kind: 'done', id, value, info: info(), pixels: null });
      const changed = task.kind === 'command' || task.kind === 'restore' || task.kind === 'sourceSize';
      if (changed || (task.kind === 'track' && performance.now() - stateSentMs >= stateIntervalMs))
        sendState(stateRecent, false);
    } catch (error) {
      if (isInferenceFailure(error)) {
        // The tracker is intact and has not moved: everything goes along.
        sendState(Infinity, true);
        post({ kind: 'broken', provider: core.runner.provider, reason: firstLine(error.cause) });
      }
      post({ kind: 'failed', id, error: toPlainError(error) });
    }
  };

  loaded = true;
  post({ kind: 'ready', info: info() });
}
