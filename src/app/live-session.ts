/**
 * A live run: model and source of every stream, the server, the report, and a clean end. Used by `run`, `demo` and the
 * benchmarks. Main process; streams are decoded in child processes, networks run in worker threads.
 */
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { unixNowMs } from '../node/clock.js';
import { autoModel, type StreamConfig } from '../config/pipeline-file.js';
import { createWorkerEngine } from '../engine/worker-engine.js';
import { listFolder, probeSource, sourceTrials } from '../ingest/index.js';
import type { SourcePolicy } from '../ingest/source-policy.js';
import { noArchiveAccess, type ArchiveAccess } from '../dicom/web/access.js';
import type { CreateEngine } from '../engine/engine.js';
import { projectServices, projectsTopicOf } from '../projects/project-services.js';
import { nameOfSource, redact } from '../ingest/source-uri.js';
import { latencyStages, type LiveRoom, type RoomReport } from '../pipeline/room.js';
import { RoomRegistry, startServer, type RunningServer } from '../server/index.js';
import { archiveServices } from './archive-services.js';
import { editionWords, measureEditions, withEdition, type MeasuredEdition } from './choose-model.js';
import { chosenFor, LiveRooms, usualFramesPerSecond, type RoomDefaults } from './live-rooms.js';
import { dashboardFolder, dataFolder } from './paths.js';
import { projectFiles, recordingProjects } from './project-control.js';
import { Recordings } from './recording-control.js';
import { roomServices } from './room-services.js';
import { SystemFacts, systemServices } from './system-facts.js';
import { checkReportPlace, makeReport, writeReport } from './report.js';
import { programVersion } from './versions.js';
import { join } from 'node:path';

interface LiveOptions {
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly token: string | null;
    readonly allowedOrigins: readonly string[];
    /** What the page may open. */
    readonly policy: SourcePolicy;
    readonly diskReserveBytes?: number;
    /** DICOM archives that the page may search, without logins. */
    readonly archives?: readonly string[];
  };
  /** What the operator gave for DICOM archives; absent: nothing. */
  readonly archives?: ArchiveAccess;
  readonly streams: readonly StreamConfig[];
  /** How rooms are that somebody adds; left out: like a stream of which nothing is said. */
  readonly newRooms?: RoomDefaults;
  /** Picture rate assumed when a model is chosen, because the sources are not open yet. */
  readonly framesPerSecond?: number;
  /** Editions already measured for these streams. */
  readonly measured?: readonly MeasuredEdition[];
  /** What opened recordings are analysed with; null: the most accurate edition, because a recording can wait. */
  readonly recordingModelDir: string | null;
  readonly reportFile: string | null;
  readonly recordFile: string | null;
  readonly log: Logger;
  /** Aborted when the run should end while models load and sources open: the session then has the rooms that are open so far. */
  readonly signal?: AbortSignal;
  /** For benchmarks: another engine in the same place. */
  readonly createEngine?: CreateEngine;
}

export interface LiveSession {
  /** The rooms that are open. */
  readonly rooms: readonly LiveRoom[];
  readonly server: RunningServer;
  /** Resolves when every source has come to its end (never for cameras and loops). */
  readonly allEnded: Promise<void>;
  /** Writes the report, closes rooms, recordings and server. Throws the first failure that a person must know. */
  close(): Promise<void>;
}

/** What still runs this long after the request to end is left to die with the process. */
const closeLimitMs = 1500;

/**
 * How far the heap may grow before it is collected, in percent of the live bytes. V8 also counts the bytes of pictures: 20 MB of new
 * ones per second beside 25 MB that stay alive. With its default it would mark the whole heap about every second, on the cores
 * that the network needs. Costs about 40 MB (decision 0052).
 */
const heapGrowthPercent = 150;

export async function startLive(options: LiveOptions): Promise<LiveSession> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`);
  const { log, reportFile } = options;
  if (reportFile !== null) await checkReportPlace(reportFile);
  const startedAt = new Date(unixNowMs());
  const registry = new RoomRegistry();
  const recordings: Recordings = new Recordings({
    folder: join(dataFolder(), 'recordings'),
    version: programVersion(),
    log,
    roomById: (id) => rooms.find(id),
  });
  if (options.recordFile !== null) await recordings.openWhole(options.recordFile);
  // The viewers' sockets are an output too: the server's, for rooms that are listed.
  const outputs = [recordings] as const;
  const measured: MeasuredEdition[] = [];
  const rooms: LiveRooms = new LiveRooms({
    registry,
    outputs,
    engineOf: (stream) =>
      recordings.journaled(
        stream,
        options.createEngine ?? ((engine, hooks) => createWorkerEngine(engine, hooks)),
      ),
    archives: options.archives,
    log,
    defaults: options.newRooms,
    measured,
    framesPerSecond: options.framesPerSecond,
  });
  const system = new SystemFacts({
    folder: dataFolder(),
    rooms: () => rooms.rooms,
    choiceOf: (id) => rooms.choiceOf(id),
    mostRooms: () => rooms.most,
    recordingRate: () => recordings.rate,
    ...(options.server.diskReserveBytes !== undefined && {
      reserveBytes: options.server.diskReserveBytes,
    }),
  });

  const { policy, diskReserveBytes } = options.server;
  const projects = recordingProjects(
    {
      modelDir: options.recordingModelDir,
      given: options.streams.flatMap(({ modelDir }) => (modelDir === autoModel ? [] : (modelDir ?? []))),
    },
    policy,
    diskReserveBytes,
    options.archives,
  );

  // The server starts before the models load, so that a taken port is reported at once.
  const server = await startServer({
    host: options.server.host,
    port: options.server.port,
    token: options.server.token,
    allowedOrigins: options.server.allowedOrigins,
    rooms: registry,
    logger: log.child({ part: 'server' }, { level: 'warn' }),
    // Lines about who did what are written at the run's own level, not only as warnings.
    auditLog: log.child({ part: 'audit' }),
    checkSource: (uri) => policy.check(uri),
    usedFiles: () => projectFiles(projects),
    ...(diskReserveBytes !== undefined && { diskReserveBytes }),
    version: programVersion(),
    staticDir: dashboardFolder(),
    dataDir: dataFolder(),
    probeSource: (uri, asker) => probeSource(uri, asker, {}, sourceTrials, options.archives),
    listFolder: (uri, asker) => listFolder(uri, asker),
    recording: recordings,
    extraServices: [
      ...projectServices(projects),
      ...roomServices(rooms, (uri) => policy.check(uri)),
      ...systemServices(system),
      ...archiveServices({
        archives: options.server.archives ?? [],
        access: options.archives ?? noArchiveAccess,
        checkHost: (host, uri) => policy.checkHost(host, uri),
        projects,
      }),
    ],
    topics: [projectsTopicOf(projects)],
  });

  const closeAll = async (): Promise<void> => {
    const ending = (async () => {
      // Outputs first: they take what the rooms have sent so far.
      await Promise.all(outputs.map((output) => output.close()));
      await Promise.all([server.close(), projects.close(), rooms.closeAll()]);
    })();
    await Promise.race([ending, pause(closeLimitMs)]);
  };

  const { signal } = options;
  measured.push(
    ...(await measuredFor(options).catch(async (error: unknown) => {
      await closeAll().catch(() => undefined);
      throw error;
    })),
  );
  const streams = withEdition(options.streams, measured);
  const wanted = new Map(options.streams.map(({ id, modelDir }) => [id, modelDir]));
  const openings = rooms.openAll(
    streams,
    ({ id, modelDir }) =>
      wanted.get(id) === autoModel
        ? editionWords(measured, options.framesPerSecond ?? usualFramesPerSecond)
        : chosenFor(modelDir),
    signal,
  );
  const opened = await Promise.race([Promise.allSettled(openings), aborted(signal)]);
  const first = [...rooms.rooms];
  rooms.sortBy(streams.map(({ id }) => id));
  const failed = opened?.find((outcome) => outcome.status === 'rejected');
  if (failed && !signal?.aborted) {
    await closeAll().catch(() => undefined);
    throw failed.reason;
  }

  let closing: Promise<void> | null = null;
  return {
    get rooms() {
      return rooms.rooms;
    },
    server,
    // A house that began empty goes on until somebody ends it.
    allEnded:
      streams.length === 0
        ? new Promise(() => undefined)
        : Promise.all(first.map(ended)).then(() => undefined),
    close: () => {
      closing ??= (async () => {
        // The report before everything else: it must not be lost to a part that does not end.
        const report = makeReport(startedAt, reportsOf(streams, rooms));
        const written = report.then((value) =>
          reportFile === null ? undefined : writeReport(reportFile, value),
        );
        const outcomes = await Promise.allSettled([written, closeAll()]);
        const failure = outcomes.find((outcome) => outcome.status === 'rejected');
        if (failure) throw failure.reason;
      })();
      return closing;
    },
  };
}

/** What is known of the editions of the tracker; nothing where no stream asks for one. Says so in the log. */
async function measuredFor(options: LiveOptions): Promise<readonly MeasuredEdition[]> {
  const { streams, framesPerSecond = usualFramesPerSecond, log, signal } = options;
  if (!streams.some(({ modelDir }) => modelDir === autoModel)) return [];
  const measured = options.measured ?? (await measureEditions(streams, framesPerSecond, signal));
  if (!signal?.aborted) log.info({ editions: measured }, `model ${editionWords(measured, framesPerSecond)}`);
  return measured;
}

/** Those of the start in their order, then those that were added; also of rooms that have been closed. */
function reportsOf(streams: readonly StreamConfig[], rooms: LiveRooms): readonly RoomReport[] {
  const reports = [...rooms.closedReports, ...rooms.rooms.map((room) => room.report())];
  const planned = streams.map((stream) => reports.find(({ id }) => id === stream.id) ?? notBegun(stream));
  return [...planned, ...reports.filter((report) => !planned.includes(report))];
}

/** Report of a stream that was not open yet when the run was told to end. */
function notBegun(stream: StreamConfig): RoomReport {
  const none = { source: 0, 'analysis-queue': 0, 'display-queue': 0, inference: 0, client: 0 };
  const stages = [...latencyStages, 'display'] as const;
  return {
    id: stream.id,
    label: stream.label ?? nameOfSource(stream.source),
    source: redact(stream.source),
    format: null,
    state: 'starting',
    frames: { captured: 0, displayed: 0, analysed: 0, dropped: none },
    latencyMs: Object.fromEntries(stages.map((stage) => [stage, null])) as RoomReport['latencyMs'],
    engine: null,
    echo: null,
    notes: ['The run was ended before this stream was open.'],
  };
}

/** Resolves with null when the signal is aborted; never without a signal. */
function aborted(signal: AbortSignal | undefined): Promise<null> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve(null);
    else signal?.addEventListener('abort', () => resolve(null), { once: true });
  });
}

/** Resolves when the source has ended and its last frames have been analysed, at the latest one second after its end. */
function ended(room: LiveRoom): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | null = null;
    const check = (): void => {
      if (room.health.source.phase !== 'ended') return;
      const { frames, drops, engine } = room.health;
      const open =
        frames.captured - frames.analysed - drops.inference - drops['analysis-queue'] - drops.source;
      if (engine === null || open <= 0) resolve();
      else timer ??= setTimeout(resolve, 1000);
    };
    check();
    // One microtask later, so that the room has counted the event first.
    // A room that somebody closes has ended too.
    room.events$.subscribe({ next: () => queueMicrotask(check), complete: resolve });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
