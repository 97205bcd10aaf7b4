/**
 * The engine in a worker thread: live rooms, replay, evaluation. Main thread; nothing here blocks. A worker that dies or
 * whose provider breaks is replaced: the call it had is rejected (SONO_ENGINE_LOST, SONO_INFERENCE_FAILED) and never made
 * again here, the next call waits for the new worker, objects go on from the last state that the old one sent.
 */
import { Worker } from 'node:worker_threads';
import { builtModule } from '../node/built-module.js';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { SonoError } from '../vocabulary/errors.js';
import { holdExit } from '../node/process-exit.js';
import type { CoreState } from './stream-core.js';
import type {
  CommandResult,
  Engine,
  EngineHooks,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from './engine.js';
import { inferenceError } from '../onnx/errors.js';
import type { ProviderName } from '../onnx/provider.js';
import { fromPlainError } from '../vocabulary/plain-error.js';
import type { FromWorker, ToWorker, WorkerStart, WorkerTask } from './worker-protocol.js';

/** Pauses before each new worker; the first at once. Starts again when a worker has lived for `stableMs`. */
const restartDelaysMs = [0, 250, 1_000, 3_000, 10_000] as const;
const stableMs = 30_000;
/** A provider other than the CPU is given up when its worker has died this often and was never stable in between. */
const deathsForProvider = 2;
/** A call that takes longer than this is stuck in a driver, and only a new thread helps. No CPU is as slow as this. */
const stuckAfterMs = 30_000;
/** How long `close` waits for the worker. One that takes longer is in native code and ends when it comes out of it. */
const closeMs = 1_000;

interface WorkerParts {
  readonly workerUrl?: URL;
  readonly stuckAfterMs?: number;
}

/** The call under way. */
interface Call {
  readonly id: number;
  readonly task: WorkerTask;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** null: it waits for a worker. */
  watchdog: NodeJS.Timeout | null;
}

/**
 * Resolves when the model is loaded. Rejects as `openCore`. `parts` are for
 * the engine without a model and for tests of a lost device: another entry of the thread, another patience.
 */
export async function createWorkerEngine(
  options: EngineOptions,
  hooks: EngineHooks = {},
  parts: WorkerParts = {},
): Promise<Engine> {
  const engine = new WorkerEngine(options, hooks, {
    workerUrl: parts.workerUrl ?? builtModule('src/engine/worker'),
    stuckAfterMs: parts.stuckAfterMs ?? stuckAfterMs,
  });
  const giveUp = (): void => void engine.close();
  if (hooks.signal?.aborted) throw inferenceError('SONO_ENGINE_CLOSED');
  hooks.signal?.addEventListener('abort', giveUp);
  try {
    await engine.start();
  } finally {
    hooks.signal?.removeEventListener('abort', giveUp);
  }
  return engine;
}

class WorkerEngine implements Engine {
  #options: EngineOptions;
  #info: EngineInfo | null = null;
  #worker: Worker | null = null;
  #ready = false;
  #closed = false;
  #call: Call | null = null;
  #nextId = 1;
  #state: CoreState | null = null;
  /** Memory of a frame that has been tracked, for the next one. */
  #spare: ArrayBuffer | null = null;
  #failed: Partial<Record<ProviderName, string>> = {};
  /** Starts in a row that did not become stable. */
  #attempts = 0;
  #deaths = 0;
  #readyAtMs = 0;
  #restartTimer: NodeJS.Timeout | null = null;

  constructor(
    options: EngineOptions,
    private readonly hooks: EngineHooks,
    private readonly parts: Required<WorkerParts>,
  ) {
    this.#options = options;
  }

  /** The first worker: a model that cannot be loaded is the caller's news, not something to try again. */
  async start(): Promise<void> {
    await this.#launch();
  }

  get info(): EngineInfo {
    if (this.#info === null) throw new Error('the engine has not been started');
    return this.#info;
  }

  async setSourceSize(size: PictureSize): Promise<void> {
    this.#options = { ...this.#options, sourceSize: size };
    await this.#ask({ kind: 'sourceSize', size });
  }

  async track(frame: AnalysisFrame): Promise<FrameResult> {
    return (await this.#ask({ kind: 'track', frame: this.#ownCopy(frame) })) as FrameResult;
  }

  async command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    const copy = frame === null ? null : this.#ownCopy(frame);
    return (await this.#ask({ kind: 'command', command, frame: copy })) as CommandResult;
  }

  snapshot(): Promise<unknown> {
    return this.#ask({ kind: 'snapshot' });
  }

  async restore(snapshot: unknown): Promise<void> {
    await this.#ask({ kind: 'restore', snapshot });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#endCall()?.reject(inferenceError('SONO_ENGINE_CLOSED'));
    const worker = this.#worker;
    this.#worker = null;
    if (worker === null) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    this.#post(worker, { kind: 'close' });
    worker.unref();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([ended, new Promise((resolve) => (timer = setTimeout(resolve, closeMs)))]);
    clearTimeout(timer);
  }

  // -------------------------------------------------------------------------------------------- calls

  /**
   * The caller keeps its pixels (rooms hold frames for prompts); the copy is handed over to the worker, which gives its
   * memory back: a fresh array for each frame would keep the garbage collectors of both threads busy.
   */
  #ownCopy(frame: AnalysisFrame): AnalysisFrame {
    const spare = this.#spare;
    this.#spare = null;
    const data =
      spare?.byteLength === frame.data.byteLength ? new Uint8Array(spare) : new Uint8Array(frame.data.length);
    data.set(frame.data);
    return { ...frame, data };
  }

  async #ask(task: WorkerTask): Promise<unknown> {
    if (this.#closed) throw inferenceError('SONO_ENGINE_CLOSED');
    if (this.#call !== null) throw new Error('an engine takes one call at a time');
    return new Promise((resolve, reject) => {
      this.#call = { id: this.#nextId++, task, resolve, reject, watchdog: null };
      this.#send();
    });
  }

  /** Hands the call to the worker, as soon as there is one. */
  #send(): void {
    const [call, worker] = [this.#call, this.#worker];
    if (!this.#ready || worker === null || call === null) return;
    call.watchdog = setTimeout(() => this.#stuck(worker), this.parts.stuckAfterMs);
    const pixels = 'frame' in call.task ? call.task.frame?.data.buffer : undefined;
    this.#post(worker, { ...call.task, id: call.id }, pixels instanceof ArrayBuffer ? [pixels] : []);
  }

  #post(worker: Worker, message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    worker.postMessage(message, transfer);
  }

  /** Takes the call away; whoever takes it settles it. With `id` only that call. */
  #endCall(id = this.#call?.id): Call | null {
    const call = this.#call;
    if (call === null || call.id !== id) return null;
    this.#call = null;
    if (call.watchdog !== null) clearTimeout(call.watchdog);
    return call;
  }

  // ------------------------------------------------------------------------------------ worker's life

  /**
   * Starts a worker; resolves when it is ready, rejects when its model cannot be loaded or it dies before. `async`, so that
   * it also rejects where no thread can be made: `new Worker` throws that, and nobody would catch it in a timer.
   */
  async #launch(): Promise<void> {
    const start: WorkerStart = { options: this.#options, failed: this.#failed, state: this.#state };
    const worker = new Worker(this.parts.workerUrl, { workerData: start, name: 'inference', execArgv: [] });
    this.#worker = worker;
    holdExit(
      () => this.#post(worker, { kind: 'close' }),
      new Promise((resolve) => worker.once('exit', resolve)),
    );
    return new Promise((resolve, reject) => {
      let refusal: Error | null = null;
      let fault: unknown = null;
      worker.on('message', (message: FromWorker) => {
        if (this.#worker !== worker) return;
        switch (message.kind) {
          case 'ready':
            this.#info = message.info;
            this.#ready = true;
            this.#readyAtMs = performance.now();
            resolve();
            this.#send();
            return;
          case 'refused':
            refusal = fromPlainError(message.error);
            return;
          case 'done':
            this.#info = message.info;
            this.#spare = message.pixels ?? this.#spare;
            this.#endCall(message.id)?.resolve(message.value);
            return;
          case 'failed':
            this.#endCall(message.id)?.reject(fromPlainError(message.error));
            return;
          case 'state':
            this.#state = message.state;
            return;
          case 'broken':
            this.#providerBroke(worker, message.provider, message.reason);
            return;
        }
      });
      worker.on('error', (error) => {
        fault = error;
      });
      // An answer that cannot be read: without this its call would wait for ever.
      worker.on('messageerror', (error) => void this.#endCall()?.reject(error));
      worker.on('exit', () => {
        const wasReady = this.#ready;
        if (this.#worker === worker) {
          this.#worker = null;
          this.#ready = false;
          if (wasReady && !this.#closed) this.#workerDied(fault);
        }
        // Before it was ready: the start itself has failed.
        reject(
          this.#closed
            ? inferenceError('SONO_ENGINE_CLOSED')
            : (refusal ?? inferenceError('SONO_ENGINE_LOST', {}, fault)),
        );
      });
    });
  }

  #providerBroke(worker: Worker, provider: ProviderName, reason: string): void {
    this.#giveUp(`it stopped working: ${reason}`, provider);
    this.#retire(worker);
    this.#lose(inferenceError('SONO_INFERENCE_FAILED', { provider }, new Error(reason)));
  }

  #workerDied(fault: unknown): void {
    if (performance.now() - this.#readyAtMs >= stableMs) this.#deaths = 0;
    this.#deaths += 1;
    if (this.#deaths >= deathsForProvider) {
      this.#giveUp('its thread stopped several times');
      this.#deaths = 0;
    }
    this.#lose(inferenceError('SONO_ENGINE_LOST', {}, fault));
  }

  #stuck(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#giveUp('it did not answer any more');
    this.#retire(worker);
    this.#lose(inferenceError('SONO_ENGINE_LOST', {}, new Error('the inference thread did not answer')));
  }

  /** There is nothing below the CPU: it is tried again. */
  #giveUp(reason: string, provider = this.info.provider): void {
    if (provider !== 'cpu') this.#failed = { ...this.#failed, [provider]: reason };
  }

  /** The call that the worker had is lost; one that still waits goes to the new worker. */
  #lose(error: SonoError): void {
    if (performance.now() - this.#readyAtMs >= stableMs) this.#attempts = 0;
    const lost = this.#call?.watchdog === null ? null : this.#endCall();
    this.hooks.onFailure?.(error);
    lost?.reject(error);
    this.#scheduleRestart();
  }

  #scheduleRestart(): void {
    if (this.#closed) return;
    const delay = restartDelaysMs[Math.min(this.#attempts, restartDelaysMs.length - 1)] ?? 0;
    this.#attempts += 1;
    this.#restartTimer = setTimeout(() => {
      this.#restartTimer = null;
      this.#launch().then(
        () => this.hooks.onRecovered?.(this.info),
        (error: unknown) => {
          if (this.#closed) return;
          this.#endCall()?.reject(error instanceof Error ? error : new Error(String(error)));
          this.#scheduleRestart();
        },
      );
    }, delay);
  }

  /**
   * Lets a worker go whose messages no longer count. It is asked to end, never ended: inside ONNX Runtime that would
   * abort the whole process.
   */
  #retire(worker: Worker): void {
    this.#worker = null;
    this.#ready = false;
    this.#post(worker, { kind: 'close' });
    worker.unref();
  }
}

/**
 * The same engine, thread and core with a runner that computes nothing (see noop-runner.ts): the bench's measure of
 * what everything around the model costs. `info.modelName` says so.
 */
export function createNoopEngine(options: EngineOptions, hooks: EngineHooks = {}): Promise<Engine> {
  return createWorkerEngine(options, hooks, { workerUrl: builtModule('src/engine/noop-worker') });
}
