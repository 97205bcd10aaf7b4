/** `sonoscope run PIPELINE.yaml`: opens the streams of a pipeline file and serves them until told to stop. */
import type { Command } from 'commander';
import { cliError } from '../app/errors.js';
import { fromInvocation } from '../app/paths.js';
import { serve, type LiveFlags } from '../app/serve-pipeline.js';
import { autoModel, readPipelineFile } from '../config/pipeline-file.js';
import type { PipelineConfig, StreamConfig } from '../config/pipeline-file.js';
import { collect, liveOptions } from './live-options.js';

export function configure(command: Command): void {
  liveOptions(
    command
      .argument('[PIPELINE.yaml]', 'the streams to open; without it, one stream from --source')
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
      .option('--loop', 'repeat sources that come to an end')
      .option('--no-loop', 'do not repeat them, whatever the pipeline file says'),
  ).action(async (file: string | undefined, flags: LiveFlags) => {
    await serve(await pipelineOf(file, flags), flags);
  });
}

async function pipelineOf(file: string | undefined, flags: LiveFlags): Promise<PipelineConfig> {
  if (file !== undefined) return readPipelineFile(fromInvocation(file));
  if (flags.source.length === 0)
    throw cliError('SONO_USAGE', { problem: 'Give a pipeline file or a --source', command: 'run' });
  return { server: { host: '127.0.0.1', port: 8080 }, streams: [plainStream] };
}

/** What a stream without a pipeline file is like. Its source always comes from the command line. */
const plainStream: StreamConfig = {
  id: 'room',
  label: 'Room',
  source: '',
  prompts: null,
  modelDir: autoModel,
  provider: 'auto',
  policy: null,
  threads: null,
  echo: null,
  loop: false,
  overlayVisible: true,
  overlayLimitMs: 100,
  displayQuality: 85,
};
