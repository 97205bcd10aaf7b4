/**
 * How many frames per second one stream could have: the live chain without a clock. Every frame of a clip is decoded, encoded for
 * display, tracked and packed for the wire, as fast as it goes; nothing is dropped. A process of its own; prints one JSON object.
 */
import { mergeMap, type Observable } from 'rxjs';
import { uncalibrated } from '../src/vocabulary/calibration.js';
import type { AnalysisFrame } from '../src/vocabulary/frame.js';
import { EngineGate } from '../src/engine/engine-gate.js';
import { createWorkerEngine } from '../src/engine/worker-engine.js';
import { createSource, type SourceEvent } from '../src/ingest/index.js';
import { encodeSegmentation, encodeVideo, describeSegmentation } from '../src/protocol/messages.js';
import type { FrameResult } from '../src/engine/engine.js';
import type { Box } from './media.js';
import { usageOf } from './process-usage.js';

export interface ThroughputConfig {
  readonly clip: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly boxes: readonly Box[];
  readonly modelDir: string;
  readonly threads: number;
  readonly displayQuality: number;
}

export interface ThroughputResult {
  readonly frames: number;
  readonly seconds: number;
  readonly framesPerSecond: number;
  readonly wireBytes: number;
  /** Processor time of this process and its source, without the start. */
  readonly cpuSeconds: number;
}

/** Linux adds the time of an ended child process to its parent, so the sum never falls. */
function cpuSeconds(): number {
  const { own, descendants } = usageOf(process.pid);
  return own.cpuSeconds + descendants.cpuSeconds;
}

async function run(config: ThroughputConfig): Promise<ThroughputResult> {
  // Frames come faster than they are analysed: they wait at the gate.
  const engine = new EngineGate(
    await createWorkerEngine({
      modelDir: config.modelDir,
      provider: 'cpu',
      policy: null,
      threads: config.threads,
      sourceSize: config.size,
      keepLogits: false,
    }),
  );
  const source = createSource(config.clip);
  let waiting = 0;
  let frames = 0;
  let wireBytes = 0;
  let startedMs = 0;
  let cpuBefore = 0;
  const analyse = async (frame: AnalysisFrame): Promise<FrameResult> => {
    if (frame.sourceFrame === 0) {
      startedMs = performance.now();
      cpuBefore = cpuSeconds();
      for (const [index, box] of config.boxes.entries())
        await engine.command(
          { kind: 'prompt', objectId: null, label: `object ${index + 1}`, prompts: [{ type: 'box', box }] },
          frame,
        );
    }
    const result = await engine.track(frame);
    waiting -= 1;
    // Four frames ahead are enough for decoding and inference to overlap.
    if (waiting < 4) source.pause(false);
    return result;
  };
  const events: Observable<SourceEvent> = source.open({
    streamId: 'bench',
    analysisSize: engine.info.inputSize,
    displayQuality: config.displayQuality,
    mode: 'replay',
    loop: false,
  });
  await new Promise<void>((resolve, reject) => {
    events
      .pipe(
        mergeMap(async (event) => {
          if (event.kind === 'display') wireBytes += encodeVideo(event.frame, 0n).length;
          if (event.kind !== 'analysis') return;
          waiting += 1;
          if (waiting >= 8) source.pause(true);
          const result = await analyse(event.frame);
          wireBytes += encodeSegmentation(
            describeSegmentation(result, 0n, { size: config.size, calibration: uncalibrated }),
          ).length;
          frames += 1;
        }),
      )
      .subscribe({ error: reject, complete: resolve });
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const cpu = cpuSeconds() - cpuBefore;
  await engine.close();
  return { frames, seconds, framesPerSecond: frames / seconds, wireBytes, cpuSeconds: cpu };
}

run(JSON.parse(process.argv[2] ?? '{}') as ThroughputConfig).then(
  (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    process.exit(0);
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
