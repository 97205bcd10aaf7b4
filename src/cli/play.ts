/** `sonoscope play FILE.mcap`: serves a recording to the dashboard, with pause, seek and speed. */
import type { Command } from 'commander';
import { PlaybackRoom } from '../playback/playback-room.js';
import { playbackServices, playbackTopics } from '../playback/playback-services.js';
import { projectServices, projectsTopicOf } from '../projects/project-services.js';
import { recordedStreams } from '../record/recording-streams.js';
import { RoomRegistry, startServer } from '../server/index.js';
import { recordError } from '../record/errors.js';
import { accessToken, shownAddress } from '../app/access-token.js';
import { createLogger } from '../app/logger.js';
import { archiveServices } from '../app/archive-services.js';
import { pageOf, type PageFlags } from '../app/page-sources.js';
import { keepFilesPrivate } from '../app/private-files.js';
import { dashboardFolder, dataFolder, fromInvocation } from '../app/paths.js';
import { durationMs, positiveNumber, wholeNumber } from './option-values.js';
import { SystemFacts, systemServices } from '../app/system-facts.js';
import { projectFiles, recordingProjects } from '../app/project-control.js';
import { accessOptions } from './live-options.js';
import { keepServing } from '../app/last-resort.js';
import { listenForStop } from '../app/signals.js';
import { programVersion } from '../app/versions.js';

interface Flags extends PageFlags {
  readonly host: string;
  readonly port: number;
  readonly paused: boolean;
  readonly speed?: number;
  readonly duration?: number;
}

export function configure(command: Command): void {
  accessOptions(
    command
      .argument(
        '<recording.mcap...>',
        'recordings made with "run --record" or exported with "replay --format mcap"',
      )
      .option('--host <address>', 'address to listen on (others than 127.0.0.1 need a token)', '127.0.0.1')
      .option('--port <n>', 'port to listen on (0: any free one)', wholeNumber(0, 65535), 8080),
  )
    .option('--paused', 'begin with the first picture standing', false)
    .option('--speed <x>', '2 is twice as fast as recorded', positiveNumber)
    .option('--duration <time>', 'end after this time, for example 20s, 5m, 1h', durationMs)
    .action(play);
}

async function play(files: readonly string[], flags: Flags): Promise<void> {
  const log = createLogger({ level: 'warn' });
  const stop = listenForStop();
  const registry = new RoomRegistry();
  const rooms: PlaybackRoom[] = [];
  const token = await accessToken(flags.host, flags, 'play');
  keepFilesPrivate();
  const { options, access } = await pageOf(flags, token.text !== null, []);
  const { policy, archives, allowedOrigins, diskReserveBytes } = options;
  const projects = recordingProjects({ modelDir: null, given: [] }, policy, diskReserveBytes, access);
  try {
    for (const file of files.map(fromInvocation))
      for (const stream of await streamsToPlay(file))
        rooms.push(
          await PlaybackRoom.open(file, stream, { id: freeId(stream, rooms), paused: flags.paused }),
        );
    if (flags.speed !== undefined) for (const room of rooms) await room.control({ speed: flags.speed });
    rooms.forEach((room) => registry.add(room));
    const system = new SystemFacts({
      folder: dataFolder(),
      rooms: () => rooms,
      choiceOf: () => null,
      ...{ mostRooms: () => null, recordingRate: () => null },
    });
    const server = await startServer({
      host: flags.host,
      port: flags.port,
      token: token.text,
      allowedOrigins,
      rooms: registry,
      logger: log,
      // The player logs nothing else, but who did what must be on record.
      auditLog: log.child({ part: 'audit' }, { level: 'info' }),
      checkSource: (uri) => policy.check(uri),
      usedFiles: () => projectFiles(projects),
      ...(diskReserveBytes !== undefined && { diskReserveBytes }),
      live: false,
      version: programVersion(),
      staticDir: dashboardFolder(),
      dataDir: dataFolder(),
      extraServices: [
        ...playbackServices(rooms),
        ...projectServices(projects),
        ...systemServices(system),
        ...archiveServices({
          archives,
          access,
          checkHost: (host, uri) => policy.checkHost(host, uri),
          projects,
        }),
      ],
      topics: [...playbackTopics(rooms), projectsTopicOf(projects)],
    });
    process.stdout.write(
      `sonoscope plays ${files.join(', ')} at ${shownAddress(server.url, token)}\nResearch use only. Not a medical device. Ctrl-C ends it.\n`,
    );
    const lastResort = keepServing();
    const broken = await Promise.race([
      stop.asked.then(() => null),
      lastResort.hopeless,
      ...(flags.duration === undefined
        ? []
        : [new Promise<null>((resolve) => setTimeout(() => resolve(null), flags.duration))]),
    ]);
    lastResort.dispose();
    await server.close();
    if (broken) throw broken;
  } finally {
    await Promise.all([projects.close(), ...rooms.map((room) => room.close())]);
    stop.dispose();
  }
}

/** Names of the recorded streams. Throws SONO_RECORDING_EMPTY for a recording without streams. */
async function streamsToPlay(file: string): Promise<readonly string[]> {
  const streams = await recordedStreams(file);
  if (streams.length === 0) throw recordError('SONO_RECORDING_EMPTY', { path: file, stream: '' });
  return streams;
}

/** Streams of several recordings may have the same name. */
function freeId(stream: string, rooms: readonly PlaybackRoom[]): string {
  const taken = new Set(rooms.map(({ id }) => id));
  let id = stream;
  for (let number = 2; taken.has(id); number++) id = `${stream}-${number}`;
  return id;
}
