/** `sonoscope demo`: two procedurally generated rooms, tracked, in the browser. Nothing is downloaded. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../node/built-module.js';
import { autoModel, noModel, readPipelineFile } from '../config/pipeline-file.js';
import { atRate, editions, measureEditions, type MeasuredEdition } from '../app/choose-model.js';
import { modelFolder, serve, type LiveFlags } from '../app/serve-pipeline.js';
import { liveOptions } from './live-options.js';

/** Pictures per second that the scenes may have: first the rate written in demo.yaml, then slower ones. */
const rates = [20, 16, 12] as const;
const [usualRate] = rates;

/**
 * Unlike a camera, a scene can be slowed, so that its outlines are seen in motion and sit well. The highest rate that some edition
 * better than `lastEdition` can keep; else the highest that `lastEdition` keeps; else the lowest. Pure.
 */
export function chooseRate(measured: readonly MeasuredEdition[], lastEdition: string): number {
  const choices = rates.map((rate) => ({ rate, edition: atRate(measured, rate).at(-1) }));
  const fitting = choices.filter(({ edition }) => edition?.keepsUp);
  const choice = fitting.find(({ edition }) => edition?.name !== lastEdition) ?? fitting[0] ?? choices.at(-1);
  return choice?.rate ?? usualRate;
}

export function configure(command: Command): void {
  liveOptions(command).action(async ({ model, ...flags }: Omit<LiveFlags, 'source' | 'prompt'>) => {
    const { streams, ...pipeline } = await readPipelineFile(join(packageRoot, 'pipelines', 'demo.yaml'));
    // A model that is named is a tracker's place: the echo scene keeps the one that finds its chambers by itself.
    const named =
      model === undefined || model === autoModel ? autoModel : model === noModel ? null : modelFolder(model);
    const chooses = named === autoModel;
    const wished = streams.map((stream) => ({
      ...stream,
      modelDir: stream.modelDir === autoModel || named === null ? named : stream.modelDir,
      provider: flags.provider ?? stream.provider,
      threads: flags.threads ?? stream.threads,
    }));
    const measured = chooses ? await measureEditions(wished, usualRate) : [];
    const framesPerSecond = measured.length === 0 ? usualRate : chooseRate(measured, editions.at(-1) ?? '');
    if (framesPerSecond < usualRate)
      process.stderr.write(
        `sonoscope: this machine is slow for two scenes: they run at ${framesPerSecond} pictures per second instead of ${usualRate}, so that outlines keep up\n`,
      );
    await serve(
      {
        ...pipeline,
        streams: wished.map((stream) => ({
          ...stream,
          source: stream.source.replace(`fps=${usualRate}`, `fps=${framesPerSecond}`),
        })),
      },
      { source: [], prompt: [], ...flags },
      { framesPerSecond, ...(chooses && { measured: atRate(measured, framesPerSecond) }) },
    );
  });
}
