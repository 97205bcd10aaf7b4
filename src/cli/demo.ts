/** `sonoscope demo`: two procedurally generated rooms, tracked, in the browser. Nothing is downloaded. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../built-module.js';
import { readPipelineFile } from '../config/pipeline-file.js';
import { liveOptions, serve, type RunFlags } from './run.js';

export function configure(command: Command): void {
  liveOptions(command).action(async (flags: Omit<RunFlags, 'source' | 'prompt'>) => {
    const pipeline = await readPipelineFile(join(packageRoot, 'pipelines', 'demo.yaml'));
    await serve(pipeline, { source: [], prompt: [], ...flags });
  });
}
