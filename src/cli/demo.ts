/** `sonoscope demo`: two procedurally generated rooms, tracked, in the browser. Nothing is downloaded. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../built-module.js';
import { autoModel, readPipelineFile } from '../config/pipeline-file.js';
import { atRate, measureEditions } from './choose-model.js';
import { liveOptions, serve, type RunFlags } from './run.js';

/** Pictures per second of the scenes, as written in demo.yaml, and on a machine on which no edition of the model keeps up with that. */
const rate = { usual: 20, slow: 12 };

export function configure(command: Command): void {
  liveOptions(command).action(async (flags: Omit<RunFlags, 'source' | 'prompt'>) => {
    const { streams, ...pipeline } = await readPipelineFile(join(packageRoot, 'pipelines', 'demo.yaml'));
    const chooses = (flags.model ?? autoModel) === autoModel;
    const wished = streams.map((stream) => ({
      ...stream,
      provider: flags.provider ?? stream.provider,
      threads: flags.threads ?? stream.threads,
    }));
    const usual = chooses ? await measureEditions(wished, rate.usual) : [];
    // Unlike a camera, a scene can be slowed: the outlines of a demonstration should be seen in motion.
    const slow = usual.at(-1)?.keepsUp === false;
    if (slow)
      process.stderr.write(
        `sonoscope: this machine is slow for two scenes: they run at ${rate.slow} pictures per second instead of ${rate.usual}, so that outlines keep up\n`,
      );
    const framesPerSecond = slow ? rate.slow : rate.usual;
    await serve(
      {
        ...pipeline,
        streams: streams.map((stream) => ({
          ...stream,
          source: stream.source.replace(`fps=${rate.usual}`, `fps=${framesPerSecond}`),
        })),
      },
      { source: [], prompt: [], ...flags },
      { framesPerSecond, ...(chooses && { measured: atRate(usual, framesPerSecond) }) },
    );
  });
}
