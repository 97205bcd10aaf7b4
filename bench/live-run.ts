/** One measured live run: starts the process, waits until it is warm, measures a window, closes it. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtModule } from '../src/node/built-module.js';
import type { StreamConfig } from '../src/config/pipeline-file.js';
import type { RoomReport } from '../src/pipeline/room.js';
import type { LatencyStage, Quantiles } from '../src/pipeline/room.js';
import type { FromLive, LiveProcessConfig, PlainHealth, ToLive } from './live-process.js';
import type { Clip } from './media.js';
import { usageOf } from './process-usage.js';
import { openViewer } from './viewer.js';

interface LiveRunOptions {
  readonly streams: readonly StreamConfig[];
  readonly engine?: LiveProcessConfig['engine'];
  readonly slowedByMs?: number;
  /** Before the measured window: models are warm, objects are followed. */
  readonly warmUpSeconds?: number;
  readonly seconds: number;
  /** Connect a viewer that receives everything, as a browser does; otherwise nobody is connected. */
  readonly viewer?: boolean;
  /** Runs inside the window, which then lasts as long as this does. */
  readonly during?: (url: string) => Promise<void>;
  /** Called every five seconds of the window with the main process's memory. */
  readonly onMemory?: (seconds: number, rssBytes: number) => void;
}

interface StreamMeasurement {
  readonly id: string;
  readonly seconds: number;
  readonly captured: number;
  readonly displayed: number;
  readonly analysed: number;
  readonly latencyMs: Readonly<Record<LatencyStage, Quantiles>> | null;
}

export interface LiveMeasurement {
  readonly streams: readonly StreamMeasurement[];
  /** Cores kept busy over the window: 1 is one core. */
  readonly cpuCores: { readonly main: number; readonly sources: number };
  readonly rssBytes: { readonly main: number; readonly sources: number };
  readonly viewerFrames: number;
  readonly model: { readonly name: string; readonly version: string; readonly sha256: string } | null;
}

export function streamOf(
  id: string,
  clip: Clip,
  modelDir: string | null,
  { objects = 1, threads = null }: { readonly objects?: number; readonly threads?: number | null } = {},
): StreamConfig {
  return {
    id,
    label: clip.name,
    source: clip.path,
    prompts: {
      objects: clip.boxes.slice(0, objects).map((box, index) => ({
        label: `object ${index + 1}`,
        prompts: [{ moment: { kind: 'frame', frame: 0 } as const, prompt: { type: 'box', box } as const }],
      })),
    },
    modelDir,
    provider: 'cpu',
    policy: null,
    threads,
    loop: true,
    overlayVisible: true,
    overlayLimitMs: 100,
    echo: null,
    displayQuality: 85,
  };
}

export async function liveRun(options: LiveRunOptions): Promise<LiveMeasurement> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sonoscope-bench-'));
  const child = fork(builtModule('bench/live-process'), [], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '32', SONO_DATA_DIR: dataDir },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    return await measure(child, options);
  } finally {
    if (child.exitCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      tell(child, { kind: 'close' });
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measure(child: ChildProcess, options: LiveRunOptions): Promise<LiveMeasurement> {
  tell(child, {
    kind: 'start',
    config: {
      streams: options.streams,
      engine: options.engine ?? 'real',
      slowedByMs: options.slowedByMs ?? 0,
    },
  });
  const { url } = await answer(child, 'ready');
  const viewer = options.viewer === false ? null : await openViewer(url);
  await pause((options.warmUpSeconds ?? 4) * 1000);

  const pid = child.pid as number;
  const before = await read(child);
  const usageBefore = usageOf(pid);
  const framesBefore = viewer?.frames ?? 0;
  const startMs = performance.now();
  const during = options.during?.(url) ?? pause(options.seconds * 1000);
  const memory = setInterval(
    () => options.onMemory?.((performance.now() - startMs) / 1000, usageOf(pid).own.rssBytes),
    5000,
  );
  try {
    await during;
  } finally {
    clearInterval(memory);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const after = await read(child);
  const usageAfter = usageOf(pid);
  const viewerFrames = (viewer?.frames ?? 0) - framesBefore;
  viewer?.close();

  const model = after.reports[0]?.engine ?? null;
  return {
    streams: after.reports.map((report, index) =>
      streamMeasurement(report, before.reports[index], after.health[index], seconds),
    ),
    cpuCores: {
      main: (usageAfter.own.cpuSeconds - usageBefore.own.cpuSeconds) / seconds,
      sources: (usageAfter.descendants.cpuSeconds - usageBefore.descendants.cpuSeconds) / seconds,
    },
    rssBytes: { main: usageAfter.own.rssBytes, sources: usageAfter.descendants.rssBytes },
    viewerFrames,
    model: model && { name: model.modelName, version: model.modelVersion, sha256: model.modelSha256 },
  };
}

function streamMeasurement(
  after: RoomReport,
  before: RoomReport | undefined,
  health: PlainHealth | undefined,
  seconds: number,
): StreamMeasurement {
  const count = (kind: keyof RoomReport['frames'] & ('captured' | 'displayed' | 'analysed')): number =>
    after.frames[kind] - (before?.frames[kind] ?? 0);
  return {
    id: after.id,
    seconds,
    captured: count('captured'),
    displayed: count('displayed'),
    analysed: count('analysed'),
    // Health covers the last ten seconds, so the start of the run is not in it.
    latencyMs: health?.latencyMs ?? null,
  };
}

function tell(child: ChildProcess, message: ToLive): void {
  if (child.connected) child.send(message);
}

async function read(child: ChildProcess): Promise<Extract<FromLive, { kind: 'state' }>> {
  const state = answer(child, 'state');
  tell(child, { kind: 'read' });
  return state;
}

function answer<Kind extends FromLive['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<FromLive, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (message: FromLive): void => {
      if (message.kind === 'failed') {
        done();
        reject(new Error(message.message));
      } else if (message.kind === kind) {
        done();
        resolve(message as Extract<FromLive, { kind: Kind }>);
      }
    };
    const onExit = (): void => {
      done();
      reject(new Error('the measured process ended'));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
