/** `sonoscope demo`: two procedurally generated rooms, tracked, in the browser. Nothing is downloaded. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../built-module.js';
import { readPipelineFile } from '../config/pipeline-file.js';
import { loadModel } from '../inference/choose-provider.js';
import { compareGolden } from '../inference/golden.js';
import { openRunner } from '../inference/session.js';
import { liveOptions, serve, type RunFlags } from './run.js';

/** Pictures per second of the scenes, as written in demo.yaml, and on a slow machine. */
const rate = { usual: 20, slow: 12 };
/**
 * Golden test (one first mask and one frame, one thread) above which two cores do not carry two scenes, their analysis and a
 * browser at the usual rate: about 125 ms where each scene got 2 analysed pictures per second at 20, and 9 at 12.
 */
const slowFromMs = 90;

/** How long the golden test takes on one core, the best of three. */
async function goldenMs(modelDir: string): Promise<number> {
  const { folder, graphs, golden } = await loadModel(modelDir);
  const runner = await openRunner(folder, graphs, { provider: 'cpu', threads: 1 });
  try {
    let best = Infinity;
    for (let round = 0; round < 3; round += 1) {
      const startMs = performance.now();
      await compareGolden(runner, golden);
      best = Math.min(best, performance.now() - startMs);
    }
    return best;
  } finally {
    await runner.close();
  }
}

export function configure(command: Command): void {
  liveOptions(command).action(async (flags: Omit<RunFlags, 'source' | 'prompt'>) => {
    const pipeline = await readPipelineFile(join(packageRoot, 'pipelines', 'demo.yaml'));
    const modelDir = pipeline.streams[0]?.modelDir ?? null;
    const few = availableParallelism() <= 2;
    const measuredMs = few && modelDir !== null ? await goldenMs(modelDir) : 0;
    const slow = measuredMs > slowFromMs;
    if (slow)
      process.stderr.write(
        `sonoscope: two slow processor cores: the scenes run at ${rate.slow} pictures per second instead of ${rate.usual}, so that outlines keep up\n`,
      );
    const streams = pipeline.streams.map((stream) => ({
      ...stream,
      source: slow ? stream.source.replace(`fps=${rate.usual}`, `fps=${rate.slow}`) : stream.source,
    }));
    await serve({ ...pipeline, streams }, { source: [], prompt: [], ...flags });
  });
}
