/**
 * The measured process: the live session of `sonoscope run` in a separate process that the bench steers over IPC. Only the engine
 * may be replaced (by one without a model, or by a slowed one).
 */
import type { StreamConfig } from '../src/config/pipeline-file.js';
import { SourcePolicy } from '../src/ingest/source-policy.js';
import type { RoomHealth } from '../src/pipeline/room.js';
import type { RoomReport } from '../src/pipeline/room.js';
import { createNoopEngine, createWorkerEngine } from '../src/engine/worker-engine.js';
import { exitProcess } from '../src/node/process-exit.js';
import { createLogger } from '../src/app/logger.js';
import { startLive } from '../src/app/live-session.js';
import type { CreateEngine, Engine } from '../src/engine/engine.js';

export interface LiveProcessConfig {
  readonly streams: readonly StreamConfig[];
  readonly engine: 'real' | 'noop';
  /** Milliseconds added to every analysed frame. */
  readonly slowedByMs: number;
}

export type ToLive =
  | { readonly kind: 'start'; readonly config: LiveProcessConfig }
  | { readonly kind: 'read' }
  | { readonly kind: 'close' };

export type FromLive =
  | { readonly kind: 'ready'; readonly url: string }
  | {
      readonly kind: 'state';
      readonly reports: readonly RoomReport[];
      readonly health: readonly PlainHealth[];
    }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'closed' };

/** The part of a room's health that is sent to the bench. */
export type PlainHealth = Pick<
  RoomHealth,
  'latencyMs' | 'capturedFps' | 'displayedFps' | 'analysedFps' | 'degraded'
>;

const send = (message: FromLive): void => {
  process.send?.(message);
};

function engineOf({ engine, slowedByMs }: LiveProcessConfig): CreateEngine {
  const create: CreateEngine =
    engine === 'noop' ? createNoopEngine : (options, hooks) => createWorkerEngine(options, hooks);
  if (slowedByMs === 0) return create;
  return async (options, hooks) => slowed(await create(options, hooks), slowedByMs);
}

function slowed(engine: Engine, milliseconds: number): Engine {
  return {
    get info() {
      return engine.info;
    },
    setSourceSize: (size) => engine.setSourceSize(size),
    track: async (frame) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return engine.track(frame);
    },
    command: (command, frame) => engine.command(command, frame),
    snapshot: () => engine.snapshot(),
    restore: (snapshot) => engine.restore(snapshot),
    close: () => engine.close(),
  };
}

async function start(config: LiveProcessConfig): Promise<void> {
  const session = await startLive({
    server: {
      host: '127.0.0.1',
      port: 0,
      token: null,
      allowedOrigins: [],
      policy: new SourcePolicy({ mediaRoots: null, hosts: null }),
    },
    streams: config.streams,
    recordingModelDir: config.streams[0]?.modelDir ?? null,
    reportFile: null,
    recordFile: null,
    log: createLogger({ level: 'error', format: 'json' }),
    createEngine: engineOf(config),
  });
  process.on('message', (message: ToLive) => {
    if (message.kind === 'read')
      send({
        kind: 'state',
        reports: session.rooms.map((room) => room.report()),
        health: session.rooms.map(({ health }) => ({
          latencyMs: health.latencyMs,
          capturedFps: health.capturedFps,
          displayedFps: health.displayedFps,
          analysedFps: health.analysedFps,
          degraded: health.degraded,
        })),
      });
    else if (message.kind === 'close')
      void session.close().then(
        () => exitProcess(0),
        () => exitProcess(1),
      );
  });
  send({ kind: 'ready', url: session.server.url });
}

process.once('message', (message: ToLive) => {
  if (message.kind !== 'start') return;
  start(message.config).catch((error: unknown) => {
    send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    void exitProcess(1);
  });
});
// The bench has ended, so this process ends too.
process.on('disconnect', () => void exitProcess(1));
