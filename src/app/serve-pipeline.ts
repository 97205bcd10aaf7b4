/**
 * Serves the streams of a pipeline with the changes of the command line, prints where to look, and ends in order: what `run` and
 * `demo` do. Main process. Throws SONO_USAGE, SONO_RUN_NO_PICTURE and what opening a session throws.
 */
import {
  autoModel,
  findModel,
  noModel,
  plainStream,
  resolveSource,
  type providerChoices,
} from '../config/pipeline-file.js';
import type { PipelineConfig, StreamConfig } from '../config/pipeline-file.js';
import { readPromptFile } from '../config/prompt-file.js';
import { longestRoomName } from '../protocol/room-requests.js';
import { modelKinds, readFolderOf } from '../onnx/manifest.js';
import type { SonoError } from '../vocabulary/errors.js';
import { accessToken, shownAddress } from './access-token.js';
import type { MeasuredEdition } from './choose-model.js';
import { cliError } from './errors.js';
import { keepServing } from './last-resort.js';
import type { RoomDefaults } from './live-rooms.js';
import { startLive, type LiveSession } from './live-session.js';
import { createLogger, type LogFormat, type LogLevel } from './logger.js';
import { pageOf, type PageFlags } from './page-sources.js';
import { fromInvocation, invocationFolder } from './paths.js';
import { keepFilesPrivate } from './private-files.js';
import { listenForStop } from './signals.js';

export interface LiveFlags extends PageFlags {
  readonly source: readonly string[];
  readonly prompt: readonly string[];
  readonly label?: readonly string[];
  readonly host?: string;
  readonly port?: number;
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

/** Runs a pipeline with the command line's changes until a signal, the duration, or (for a report) the end of all sources. */
export async function serve(
  pipeline: PipelineConfig,
  flags: LiveFlags,
  choice: { readonly framesPerSecond?: number; readonly measured?: readonly MeasuredEdition[] } = {},
): Promise<void> {
  const log = createLogger({ format: flags.log, level: flags.logLevel });
  const host = flags.host ?? pipeline.server.host;
  const token = await accessToken(host, flags, 'run');
  keepFilesPrivate();
  const stop = listenForStop();
  const abort = new AbortController();
  void stop.asked.then(() => abort.abort());
  const asked = await withOverrides(pipeline.streams, flags);
  const page = await pageOf(
    flags,
    token.text !== null,
    asked.map(({ source }) => source),
  );
  const wished = asked.map((stream, index) => ({ ...stream, source: page.sources[index] ?? stream.source }));
  const session = await startLive({
    server: {
      host,
      port: flags.port ?? pipeline.server.port,
      token: token.text,
      ...page.options,
    },
    archives: page.access,
    streams: wished,
    newRooms: await newRooms(flags),
    ...choice,
    // A model named on the command line is used for recordings too, which people mark and correct.
    recordingModelDir: await firstTracker(wished),
    reportFile: flags.report === undefined ? null : fromInvocation(flags.report),
    recordFile: flags.record === undefined ? null : fromInvocation(flags.record),
    log,
    signal: abort.signal,
  });
  const { rooms, server } = session;
  if (!abort.signal.aborted)
    process.stdout.write(
      `sonoscope shows ${roomWords(rooms.map(({ label }) => label))} at ${shownAddress(server.url, token)}\n` +
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

function roomWords(labels: readonly string[]): string {
  return labels.length === 0
    ? 'no room yet, add one in the browser,'
    : labels.map((label) => `"${label}"`).join(' and ');
}

/** Rooms that are added in the browser get what the command line says for every stream. */
async function newRooms(flags: LiveFlags): Promise<RoomDefaults> {
  const [room] = await withOverrides([{ ...plainStream, id: '', source: '' }], {
    ...flags,
    ...{ source: [], prompt: [], label: [] },
  });
  return room ?? plainStream;
}

/** Recordings need a model that follows what is marked. What cannot be read is taken: the engine says what is wrong with it. */
async function firstTracker(streams: readonly StreamConfig[]): Promise<string | null> {
  for (const { modelDir } of streams) {
    if (modelDir === null || modelDir === autoModel) continue;
    const folder = await readFolderOf(modelDir, ...modelKinds).catch(() => null);
    if (folder === null || folder.kind === 'tracker') return modelDir;
  }
  return null;
}

/** A model named on the command line. What is not there is taken as a path: opening it says so. */
export const modelFolder = (model: string): string =>
  findModel(model, invocationFolder()) ?? fromInvocation(model);

async function withOverrides(streams: readonly StreamConfig[], flags: LiveFlags): Promise<StreamConfig[]> {
  const sources = perStream(flags.source, streams, '--source');
  const promptFiles = perStream(flags.prompt, streams, '--prompt');
  const labels = perStream(flags.label ?? [], streams, '--label');
  const folder = invocationFolder();
  const modelDir =
    flags.model === undefined
      ? undefined
      : flags.model === noModel
        ? null
        : flags.model === autoModel
          ? autoModel
          : modelFolder(flags.model);
  const changed: StreamConfig[] = [];
  for (const stream of streams) {
    const source = sources.get(stream.id);
    const promptFile = promptFiles.get(stream.id);
    const label = labels.get(stream.id);
    changed.push({
      ...stream,
      // Prompts belong to the source they were made on, and so does a name.
      ...(source !== undefined && { source: resolveSource(source, folder), prompts: null, label: null }),
      ...(label !== undefined && { label: roomLabel(label) }),
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

/** Throws SONO_USAGE. */
function roomLabel(text: string): string {
  const label = text.trim();
  if (label === '' || label.length > longestRoomName)
    throw cliError('SONO_USAGE', {
      ...{ problem: `A name of a room has 1 to ${longestRoomName} characters`, command: 'run' },
    });
  return label;
}

/** `ID=VALUE` for a known stream, else the value of the first stream. */
export function perStream(
  values: readonly string[],
  streams: readonly Pick<StreamConfig, 'id'>[],
  option: string,
): Map<string, string> {
  const found = new Map<string, string>();
  if (streams.length === 0 && values.length > 0)
    throw cliError('SONO_USAGE', {
      ...{ problem: `${option} needs a room: give a pipeline file or a --source`, command: 'run' },
    });
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

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
