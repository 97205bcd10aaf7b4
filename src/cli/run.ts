/** `sonoscope run PIPELINE.yaml`: opens the streams of a pipeline file and serves them until told to stop. */
import type { Command } from 'commander';
import { fromInvocation } from '../app/paths.js';
import { serve, type LiveFlags } from '../app/serve-pipeline.js';
import { plainStream, readPipelineFile } from '../config/pipeline-file.js';
import type { PipelineConfig } from '../config/pipeline-file.js';
import { collect, liveOptions } from './live-options.js';

export function configure(command: Command): void {
  liveOptions(
    command
      .argument(
        '[PIPELINE.yaml]',
        'the streams to open; without it, one stream from --source, or none: rooms are then added in the browser',
      )
      .option(
        '--source <uri>',
        'source of the first stream; ID=URI: of stream ID (may be repeated)',
        collect,
        [],
      )
      .option(
        '--prompt <file>',
        'prompt file of the first stream; ID=FILE: of stream ID (may be repeated)',
        collect,
        [],
      )
      .option(
        '--label <name>',
        'name of the first room; ID=NAME: of stream ID (may be repeated). A room without one is called like what it shows',
        collect,
        [],
      )
      .option('--loop', 'repeat sources that come to an end')
      .option('--no-loop', 'do not repeat them, whatever the pipeline file says'),
  ).action(async (file: string | undefined, flags: LiveFlags) => {
    await serve(await pipelineOf(file, flags), flags);
  });
}

async function pipelineOf(file: string | undefined, flags: LiveFlags): Promise<PipelineConfig> {
  if (file !== undefined) return readPipelineFile(fromInvocation(file));
  const streams = flags.source.length === 0 ? [] : [{ ...plainStream, id: 'room', source: '' }];
  return { server: { host: '127.0.0.1', port: 8080 }, streams };
}
