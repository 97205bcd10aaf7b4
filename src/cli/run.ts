/** `sonoscope run PIPELINE.yaml`: opens the streams of a pipeline file and serves them until told to stop. */
import { Option, type Command } from 'commander';
import {
  autoModel,
  noModel,
  findModel,
  providerChoices,
  readPipelineFile,
  resolveSource,
} from '../config/pipeline-file.js';
import type { PipelineConfig, StreamConfig } from '../config/pipeline-file.js';
import type { SonoError } from '../vocabulary/errors.js';
import { readPromptFile } from '../config/prompt-file.js';
import { accessToken, shownAddress } from '../app/access-token.js';
import type { MeasuredEdition } from '../app/choose-model.js';
import { cliError } from '../app/errors.js';
import { keepServing } from '../app/last-resort.js';
import { startLive, type LiveSession } from '../app/live-session.js';
import { createLogger, logLevels, type LogFormat, type LogLevel } from '../app/logger.js';
import { positiveNumber, wholeNumber } from './option-values.js';
import { pageSources } from '../app/page-sources.js';
import { fromInvocation, invocationFolder } from '../app/paths.js';
import { keepFilesPrivate } from '../app/private-files.js';
import { listenForStop } from '../app/signals.js';

export interface RunFlags {
  readonly source: readonly string[];
  readonly prompt: readonly string[];
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly allowOrigin: readonly string[];
  readonly mediaRoot: readonly string[];
  readonly allowHost: readonly string[];
  readonly diskReserve?: number;
  readonly duration?: number;
  readonly model?: string;
  readonly provider?: (typeof providerChoices)[number];
  readonly policy?: string;
  readonly threads?: number;
  readonly loop?: boolean;
  readonly report?: string;
  readonly record?: string;
  readonly log?: LogFormat;
  readonly logLevel?: LogLevel;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Who may look, and at what: the same for `run`, `demo` and `play`. */
export function accessOptions(command: Command): Command {
  return command
    .option(
      '--token-file <file>',
      'file with the access token for viewers, 16 characters or more; also SONO_TOKEN. Made up and printed where one is needed and none is given',
    )
    .option('--token <text>', 'the access token itself; others on this computer may see it for a moment')
    .option(
      '--media-root <dir>',
      'folder whose files may be opened from the page (may be repeated); with a token, the data folder alone otherwise',
      collect,
      [],
    )
    .option(
      '--allow-host <name>',
      'camera or sender that may be opened from the page (may be repeated; "*": any); with a token, those of the pipeline alone otherwise',
      collect,
      [],
    )
    .option(
      '--disk-reserve <GB>',
      'space that uploads leave free for recordings (default: a tenth of the disk, 10 at most)',
      positiveNumber,
    );
}

/** Options that `run` and `demo` share. */
export function liveOptions(command: Command): Command {
  return accessOptions(
    command
      .option('--host <address>', 'address to listen on (default 127.0.0.1; others need a token)')
      .option('--port <n>', 'port to listen on (default 8080; 0: any free one)', wholeNumber(0, 65535)),
  )
    .option(
      '--allow-origin <url>',
      'another site whose pages may connect, for example a Foxglove web app',
      collect,
      [],
    )
    .option('--duration <time>', 'end after this time, for example 20s, 5m, 1h', durationMs)
    .option(
      '--model <name|dir>',
      `model to use for every stream; "${autoModel}": the most accurate that keeps up here; "${noModel}": the picture only`,
    )
    .addOption(new Option('--provider <name>', 'what the model runs on').choices(providerChoices))
    .option('--policy <name>', 'memory policy of the tracker')
    .option('--threads <n>', 'processor threads per model', wholeNumber(1, 64))
    .option('--report <file>', 'write what every stream did as JSON at the end')
    .option('--record <file>', 'record every stream into an MCAP file')
    .addOption(new Option('--log <format>', 'log lines for programs or for people').choices(['json', 'text']))
    .addOption(new Option('--log-level <level>', 'how much to log').choices(logLevels));
}

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
  ).action(async (file: string | undefined, flags: RunFlags) => {
    await serve(await pipelineOf(file, flags), flags);
  });
}

async function pipelineOf(file: string | undefined, flags: RunFlags): Promise<PipelineConfig> {
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
  loop: false,
  overlayVisible: true,
  overlayLimitMs: 100,
  displayQuality: 85,
};

/** Runs a pipeline with the command line's changes until a signal, the duration, or (for a report) the end of all sources. */
export async function serve(
  pipeline: PipelineConfig,
  flags: RunFlags,
  choice: { readonly framesPerSecond?: number; readonly measured?: readonly MeasuredEdition[] } = {},
): Promise<void> {
  const log = createLogger({ format: flags.log, level: flags.logLevel });
  const host = flags.host ?? pipeline.server.host;
  const token = await accessToken(host, flags, 'run');
  keepFilesPrivate();
  const stop = listenForStop();
  const abort = new AbortController();
  void stop.asked.then(() => abort.abort());
  const wished = await withOverrides(pipeline.streams, flags);
  const session = await startLive({
    server: {
      host,
      port: flags.port ?? pipeline.server.port,
      token: token.text,
      allowedOrigins: flags.allowOrigin,
      policy: pageSources(
        flags,
        token.text !== null,
        wished.map(({ source }) => source),
      ),
      ...(flags.diskReserve !== undefined && { diskReserveBytes: flags.diskReserve * 1024 ** 3 }),
    },
    streams: wished,
    ...choice,
    // A model named on the command line is used for recordings too.
    recordingModelDir:
      wished.find(({ modelDir }) => modelDir !== null && modelDir !== autoModel)?.modelDir ?? null,
    reportFile: flags.report === undefined ? null : fromInvocation(flags.report),
    recordFile: flags.record === undefined ? null : fromInvocation(flags.record),
    log,
    signal: abort.signal,
  });
  const { rooms, server } = session;
  if (!abort.signal.aborted)
    process.stdout.write(
      `sonoscope shows ${rooms.map(({ label }) => `"${label}"`).join(' and ')} at ${shownAddress(server.url, token)}\n` +
        `Research use only. Not a medical device. Ctrl-C ends it.\n`,
    );

  const lastResort = keepServing();
  let broken: SonoError | null = null;
  const reasons: Promise<string>[] = [
    stop.asked,
    lastResort.hopeless.then((error) => {
      broken = error;
      return error.message;
    }),
  ];
  if (flags.duration !== undefined) reasons.push(after(flags.duration).then(() => 'the time is over'));
  // Without a report the run goes on, because somebody may still be looking at the last picture.
  else if (flags.report !== undefined) reasons.push(session.allEnded.then(() => 'all sources have ended'));
  const reason = await Promise.race(reasons);
  log.info({ reason }, 'ending');
  const blind = abort.signal.aborted ? null : withoutPicture(session);
  await session.close();
  lastResort.dispose();
  stop.dispose();
  const failure = broken ?? blind;
  if (failure !== null) throw failure;
}

/**
 * The reason why a stream never showed a picture; null when every stream showed one. Not asked after a signal, because then the
 * sources may not have had enough time.
 */
function withoutPicture({ rooms }: LiveSession): SonoError | null {
  const room = rooms.find(({ health }) => health.frames.captured === 0);
  if (!room) return null;
  const { source } = room.health;
  return cliError('SONO_RUN_NO_PICTURE', {
    stream: room.label,
    uri: room.sourceUri,
    reason: source.phase === 'lost' ? source.reason.message : 'It had only begun to open.',
  });
}

async function withOverrides(streams: readonly StreamConfig[], flags: RunFlags): Promise<StreamConfig[]> {
  const sources = perStream(flags.source, streams, '--source');
  const promptFiles = perStream(flags.prompt, streams, '--prompt');
  const folder = invocationFolder();
  const modelDir =
    flags.model === undefined
      ? undefined
      : flags.model === noModel
        ? null
        : flags.model === autoModel
          ? autoModel
          : (findModel(flags.model, folder) ?? fromInvocation(flags.model));
  const changed: StreamConfig[] = [];
  for (const stream of streams) {
    const source = sources.get(stream.id);
    const promptFile = promptFiles.get(stream.id);
    changed.push({
      ...stream,
      // Prompts belong to the source they were made on.
      ...(source !== undefined && { source: resolveSource(source, folder), prompts: null }),
      ...(promptFile !== undefined && { prompts: await readPromptFile(fromInvocation(promptFile)) }),
      ...(modelDir !== undefined && { modelDir }),
      ...(flags.provider !== undefined && { provider: flags.provider }),
      ...(flags.policy !== undefined && { policy: flags.policy }),
      ...(flags.threads !== undefined && { threads: flags.threads }),
      ...(flags.loop !== undefined && { loop: flags.loop }),
    });
  }
  return changed;
}

/** `ID=VALUE` for a known stream, else the value of the first stream. */
export function perStream(
  values: readonly string[],
  streams: readonly Pick<StreamConfig, 'id'>[],
  option: string,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const value of values) {
    const [, id, rest] = /^([a-z0-9_-]+)=(.+)$/s.exec(value) ?? [];
    const named = streams.some((stream) => stream.id === id);
    const stream = named ? (id as string) : (streams[0]?.id ?? '');
    if (found.has(stream))
      throw cliError('SONO_USAGE', { problem: `${option} was given twice for "${stream}"`, command: 'run' });
    found.set(stream, named ? (rest as string) : value);
  }
  return found;
}

/** `20s`, `1500ms`, `5m`, `1h`, or seconds as a plain number → milliseconds. */
export function durationMs(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim()) ?? [];
  const factor = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[unit];
  const duration = Number(amount) * (factor ?? Number.NaN);
  // Node's timers hold 2^31 ms, 24 days.
  if (!(duration > 0 && duration < 2 ** 31))
    throw cliError('SONO_USAGE', {
      problem: `"${text}" is not a duration; write for example 20s, 5m or 1h`,
      command: 'run',
    });
  return duration;
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
