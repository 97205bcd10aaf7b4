/** What is measured. Every scenario asserts that it did its work: a run without frames fails, it does not count as fast. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { builtModule, packageRoot } from '../src/node/built-module.js';
import { launchChromium, measurePaint } from './browser.js';
import { measureFirstMask } from './first-mask.js';
import { liveRun, streamOf, type LiveMeasurement } from './live-run.js';
import type { Clip } from './media.js';
import { measureRecording, withHourOf, type RecordingMeasurement } from './recording.js';
import { slope } from './process-usage.js';
import type { ThroughputConfig, ThroughputResult } from './throughput-process.js';
import { fileURLToPath } from 'node:url';

export type Metrics = Readonly<Record<string, number>>;

interface Scenario {
  readonly id: string;
  readonly title: string;
  run(): Promise<Metrics>;
}

export interface BenchContext {
  readonly clips: { readonly p720: Clip; readonly p1080: Clip; readonly echo: Clip };
  readonly modelDir: string;
  readonly cores: number;
  readonly quick: boolean;
  /** null: no browser, no capture-to-paint. */
  readonly chromium: string | null;
  /** Minutes of the memory run, null: left out. */
  readonly memoryMinutes: number | null;
  readonly onModel: (model: NonNullable<LiveMeasurement['model']>) => void;
  readonly onPeer: (versions: Readonly<Record<string, string>>) => void;
}

const peerPython = join(packageRoot, '.sonoscope', 'venv-bench', 'bin', 'python');

export function scenarios(context: BenchContext): Scenario[] {
  const { quick, clips } = context;
  const streamCounts = quick ? [1, 2] : [1, 2, 3, 4];
  const seconds = quick ? 10 : 20;
  return [
    ...(context.chromium === null
      ? []
      : [clips.p720, ...(quick ? [] : [clips.p1080])].flatMap((clip) =>
          (quick ? [1] : streamCounts).map((streams) => paint(context, clip, streams)),
        )),
    overhead(context, 'noop', seconds),
    overhead(context, 'real', seconds),
    firstMask(context),
    ...streamCounts.map((count) => manyStreams(context, count, seconds)),
    mixed(context, seconds),
    ...(quick ? [1, 8] : [1, 2, 4, 8]).map((objects) => manyObjects(context, objects, seconds)),
    ...(context.chromium === null ? [] : [recording(context)]),
    ownThroughput(context),
    ...(existsSync(peerPython)
      ? [peer(context, 'throughput', 1), peer(context, 'live', 1), peer(context, 'live', 8)]
      : []),
    ...(context.memoryMinutes === null ? [] : [memory(context, context.memoryMinutes)]),
  ];
}

/** (a) Age of what the browser paints, with 1 to 4 streams on the server and one of them on the screen. */
function paint(context: BenchContext, clip: Clip, streams: number): Scenario {
  // On an overloaded machine outlines are rare, and a thousand of them take five minutes.
  const frames = context.quick || streams > 1 ? 200 : 1000;
  const key = clip.size.height === 1080 ? '1080p30' : '720p25';
  return {
    id: `paint-${key}-${streams}`,
    title: `capture to paint, ${clip.name}, ${streams} stream${streams > 1 ? 's' : ''}`,
    run: async () => {
      const browser = await launchChromium(context.chromium as string);
      try {
        let painted: Awaited<ReturnType<typeof measurePaint>> | null = null;
        const measurement = await liveRun({
          streams: copies(clip, context.modelDir, streams),
          viewer: false,
          seconds: 0,
          during: async (url) => {
            painted = await measurePaint(browser, url, 's1', frames, clip.framesPerSecond);
          },
        });
        const { overlay, picture } = painted as unknown as Awaited<ReturnType<typeof measurePaint>>;
        return {
          ...liveMetrics(context, measurement),
          ...(overlay && {
            overlayP50Ms: overlay.p50Ms,
            overlayP95Ms: overlay.p95Ms,
            overlayP99Ms: overlay.p99Ms,
            overlayMaxMs: overlay.maxMs,
            overlayPainted: overlay.frames,
            overlay100MissRate:
              overlay.deadlines.find(({ limitMs }) => limitMs === 100)?.missRate ?? Number.NaN,
          }),
          ...(picture && {
            pictureP50Ms: picture.p50Ms,
            pictureP95Ms: picture.p95Ms,
            pictureP99Ms: picture.p99Ms,
            pictureMaxMs: picture.maxMs,
            picturePainted: picture.frames,
          }),
        };
      } finally {
        await browser.close();
      }
    },
  };
}

/** (b) What everything around the model costs, with the model and with one that computes nothing. */
function overhead(context: BenchContext, engine: 'noop' | 'real', seconds: number): Scenario {
  return {
    id: `overhead-${engine}`,
    title: engine === 'noop' ? 'own overhead, model replaced by nothing' : 'own overhead, real model',
    run: async () =>
      liveMetrics(
        context,
        await liveRun({ streams: copies(context.clips.p720, context.modelDir, 1), engine, seconds }),
        engine === 'real',
      ),
  };
}

/** (b) How long a person waits for the outline of what they clicked, while the stream runs and one object is followed. */
function firstMask(context: BenchContext): Scenario {
  const clip = context.clips.p720;
  // Centres of all marked objects except the followed one.
  const points = clip.boxes.slice(1).map(([x0, y0, x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2] as const);
  return {
    id: 'first-mask',
    title: `first mask after a click, ${clip.name}`,
    run: async () => {
      let waits: readonly number[] = [];
      const measurement = await liveRun({
        streams: copies(clip, context.modelDir, 1),
        seconds: 0,
        during: async (url) => {
          waits = await measureFirstMask(url, 's1', points, context.quick ? 20 : 60);
        },
      });
      return {
        ...liveMetrics(context, measurement),
        firstMaskP50Ms: quantile(waits, 0.5),
        firstMaskP95Ms: quantile(waits, 0.95),
        firstMaskMaxMs: quantile(waits, 1),
      };
    },
  };
}

/** A recording of an hour in the dashboard, on a server without streams. */
function recording(context: BenchContext): Scenario {
  const clip = context.clips.p720;
  return {
    id: 'recording',
    title: `an hour of ${clip.name} opened and scrubbed in the dashboard`,
    run: async () => {
      const browser = await launchChromium(context.chromium as string);
      try {
        let measured: RecordingMeasurement | null = null;
        await withHourOf(clip, (path) =>
          liveRun({
            ...{ streams: [], viewer: false, warmUpSeconds: 0, seconds: 0 },
            during: async (url) => {
              measured = await measureRecording(browser, url, path, context.quick ? 20 : 60);
            },
          }),
        );
        const { openMs, jumpsMs } = measured as unknown as RecordingMeasurement;
        return {
          openMs,
          scrubP50Ms: quantile(jumpsMs, 0.5),
          scrubP95Ms: quantile(jumpsMs, 0.95),
          scrubMaxMs: quantile(jumpsMs, 1),
        };
      } finally {
        await browser.close();
      }
    },
  };
}

/** (c), (e) One to four streams of the same clip. */
function manyStreams(context: BenchContext, count: number, seconds: number): Scenario {
  return {
    id: `streams-${count}`,
    title: `${count} stream${count > 1 ? 's' : ''} of ${context.clips.p720.name}`,
    run: async () =>
      liveMetrics(
        context,
        await liveRun({ streams: copies(context.clips.p720, context.modelDir, count), seconds }),
      ),
  };
}

/** The room that the targets speak of: a laparoscopic and an echo stream together. */
function mixed(context: BenchContext, seconds: number): Scenario {
  return {
    id: 'mixed',
    title: `${context.clips.p720.name} and ${context.clips.echo.name} together`,
    run: async () =>
      liveMetrics(
        context,
        await liveRun({
          streams: [
            streamOf('s1', context.clips.p720, context.modelDir),
            streamOf('s2', context.clips.echo, context.modelDir),
          ],
          seconds,
        }),
      ),
  };
}

/** (e) Cost as objects grow. */
function manyObjects(context: BenchContext, objects: number, seconds: number): Scenario {
  return {
    id: `objects-${objects}`,
    title: `${objects} object${objects > 1 ? 's' : ''}, ${context.clips.p720.name}`,
    run: async () =>
      liveMetrics(
        context,
        await liveRun({
          streams: [streamOf('s1', context.clips.p720, context.modelDir, { objects })],
          seconds,
        }),
      ),
  };
}

/** (c), (d) Every frame, as fast as it goes. */
function ownThroughput(context: BenchContext): Scenario {
  const { p720 } = context.clips;
  return {
    id: 'throughput-own',
    title: 'every frame as fast as it goes, sonoscope',
    run: async () => {
      const config: ThroughputConfig = {
        clip: p720.path,
        size: p720.size,
        boxes: p720.boxes.slice(0, 1),
        modelDir: context.modelDir,
        threads: Math.min(4, context.cores),
        displayQuality: 85,
      };
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [fileURLToPath(builtModule('bench/throughput-process')), JSON.stringify(config)],
        { env: { ...process.env, UV_THREADPOOL_SIZE: '32' }, timeout: 600_000 },
      );
      const result = JSON.parse(stdout) as ThroughputResult;
      assertWork(result.frames > 100 && result.wireBytes > 0, 'no frames');
      return {
        framesPerSecond: result.framesPerSecond,
        frameCpuMsPerFrame: (result.cpuSeconds * 1000) / result.frames,
        frames: result.frames,
      };
    },
  };
}

interface PeerResult {
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly cpuSeconds: number;
  readonly jpegBytes: number;
  /** Frames that the clip's clock reached, live mode only. */
  readonly captured?: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly ageMs?: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
}

/** (d) The same clip, boxes and ONNX files in a plain Python loop. */
function peer(context: BenchContext, mode: 'throughput' | 'live', objects: number): Scenario {
  const { p720 } = context.clips;
  return {
    id: mode === 'throughput' ? 'throughput-peer' : `live-peer-${objects}`,
    title:
      mode === 'throughput'
        ? 'every frame as fast as it goes, Python peer'
        : `live, ${objects} object${objects > 1 ? 's' : ''}, Python peer`,
    run: async () => {
      const { stdout } = await promisify(execFile)(
        peerPython,
        [
          join(packageRoot, 'bench', 'peer', 'peer.py'),
          ...['--model', context.modelDir, '--clip', p720.path, '--mode', mode],
          ...['--boxes', JSON.stringify(p720.boxes.slice(0, objects))],
          ...['--size', JSON.stringify([p720.size.width, p720.size.height])],
          ...['--threads', String(Math.min(4, context.cores)), '--quality', '85'],
        ],
        { timeout: 600_000 },
      );
      const result = JSON.parse(stdout) as PeerResult;
      context.onPeer(result.versions);
      assertWork(result.frames > 1 && result.jpegBytes > 0, 'no frames');
      return {
        framesPerSecond: result.framesPerSecond,
        frameCpuMsPerFrame: (result.cpuSeconds * 1000) / result.frames,
        frames: result.frames,
        ...(result.captured !== undefined && { analysedShare: result.frames / result.captured }),
        ...(result.ageMs && {
          ageP50Ms: result.ageMs.p50,
          ageP95Ms: result.ageMs.p95,
          ageMaxMs: result.ageMs.max,
        }),
      };
    },
  };
}

/** Does memory grow? One stream with its viewer over minutes; the slope after the first quarter. */
function memory(context: BenchContext, minutes: number): Scenario {
  return {
    id: 'memory',
    title: `memory over ${minutes} minutes`,
    run: async () => {
      const points: [number, number][] = [];
      const measurement = await liveRun({
        streams: copies(context.clips.p720, context.modelDir, 1),
        seconds: minutes * 60,
        onMemory: (seconds, rssBytes) => points.push([seconds / 60, rssBytes / 1024 ** 2]),
      });
      const settled = points.slice(Math.floor(points.length / 4));
      assertWork(settled.length >= 4, 'too short to measure a slope');
      return { ...liveMetrics(context, measurement), memorySlopeMbPerMinute: slope(settled) };
    },
  };
}

function copies(clip: Clip, modelDir: string, count: number) {
  return Array.from({ length: count }, (_, index) => streamOf(`s${index + 1}`, clip, modelDir));
}

function liveMetrics(context: BenchContext, measurement: LiveMeasurement, real = true): Metrics {
  const { streams, cpuCores, rssBytes } = measurement;
  if (measurement.model && real) context.onModel(measurement.model);
  for (const stream of streams)
    assertWork(stream.captured > 0 && stream.displayed > 0, `no frames on ${stream.id}`);
  const worst = (figure: (stream: LiveMeasurement['streams'][number]) => number): number =>
    Math.min(...streams.map(figure));
  const [first] = streams;
  const latency = first?.latencyMs;
  return {
    capturedFps: worst(({ captured, seconds }) => captured / seconds),
    displayedFps: worst(({ displayed, seconds }) => displayed / seconds),
    analysedFps: worst(({ analysed, seconds }) => analysed / seconds),
    // Counts may differ by one frame at each end of the window.
    displayedShare: worst(({ displayed, captured }) => Math.min(1, (displayed + 1) / captured)),
    analysedShare: worst(({ analysed, captured }) => Math.min(1, (analysed + 1) / captured)),
    mainCpuCores: cpuCores.main,
    sourcesCpuCores: cpuCores.sources,
    cpuPerStreamCores: (cpuCores.main + cpuCores.sources) / streams.length,
    mainRssMb: rssBytes.main / 1024 ** 2,
    ...(latency && {
      decodeP50Ms: latency.decode.p50,
      encodeP50Ms: latency.encode.p50,
      queueP50Ms: latency.queue.p50,
      inferenceP50Ms: latency.inference.p50,
      trackingP50Ms: latency.tracking.p50,
      overheadP50Ms: latency.overhead.p50,
      overheadP95Ms: latency.overhead.p95,
      totalP50Ms: latency.total.p50,
      totalP95Ms: latency.total.p95,
    }),
  };
}

/** Quantile by nearest rank, as in the rest of the program. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
}

function assertWork(done: boolean, problem: string): void {
  if (!done) throw new Error(problem);
}
