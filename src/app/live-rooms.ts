/**
 * The live rooms of a run: those of its start, and those that somebody adds while it runs. Both are composed here and opened by
 * src/pipeline/open-room.ts; this is the one place where a stream's settings become a room. Main process.
 */
import { availableParallelism, freemem } from 'node:os';
import type { Logger } from 'pino';
import {
  autoModel,
  findModel,
  installedModels,
  noModel,
  plainStream,
  type StreamConfig,
} from '../config/pipeline-file.js';
import type { ArchiveAccess } from '../dicom/web/access.js';
import type { CreateEngine } from '../engine/engine.js';
import { createSource } from '../ingest/index.js';
import { nameOfSource } from '../ingest/source-uri.js';
import { packageRoot } from '../node/built-module.js';
import type { RoomFeed, RoomOutput } from '../outputs/output.js';
import { BiplaneStudy } from '../pipeline/biplane-study.js';
import { openRoom } from '../pipeline/open-room.js';
import type { LiveRoom, RoomReport } from '../pipeline/room.js';
import type { RoomRegistry } from '../server/index.js';
import {
  editionForAnother,
  editionWords,
  measureEditions,
  threadsPerStream,
  type MeasuredEdition,
} from './choose-model.js';
import { cliError } from './errors.js';
import { roomRefusal, type RoomCapacity } from './room-limit.js';

/** Picture rate of most cameras and towers. */
export const usualFramesPerSecond = 25;

/** Reports of rooms that were closed before the run ended; of more than these the oldest are let go. */
const keptReports = 256;

/** Settings of every room of which somebody else says the source. */
export type RoomDefaults = Omit<StreamConfig, 'id' | 'source' | 'label' | 'prompts' | 'echo'>;

interface LiveRoomsOptions {
  readonly registry: RoomRegistry;
  /** They get each room from its first frame on. */
  readonly outputs: readonly RoomOutput<LiveRoom>[];
  /** The engine of a room, so that its calls can be recorded. */
  readonly engineOf: (stream: string) => CreateEngine;
  readonly archives?: ArchiveAccess | undefined;
  readonly log: Logger;
  /** How added rooms are; left out: like a stream of which nothing is said. */
  readonly defaults?: RoomDefaults | undefined;
  /** What is known of the editions when the run begins. */
  readonly measured: readonly MeasuredEdition[];
  readonly framesPerSecond?: number | undefined;
  /** Left out: this machine. For tests. */
  readonly capacity?: (() => RoomCapacity) | undefined;
}

interface OpenRoom {
  readonly room: LiveRoom;
  readonly stream: StreamConfig;
  readonly threads: number | null;
  /** Why this model. */
  readonly reason: string;
  readonly feeds: readonly RoomFeed[];
}

export class LiveRooms {
  readonly #open: OpenRoom[] = [];
  /** Ids that are taken: of rooms that are open or being opened. */
  readonly #ids = new Set<string>();
  readonly #reports: RoomReport[] = [];
  readonly #ending = new AbortController();
  /** Rooms of the start, for the processor's share of each. */
  #planned = 0;

  constructor(private readonly options: LiveRoomsOptions) {}

  /** In the order in which they were listed or added. */
  get rooms(): readonly LiveRoom[] {
    return this.#open.map(({ room }) => room);
  }

  /** Of rooms that have been closed. */
  get closedReports(): readonly RoomReport[] {
    return this.#reports;
  }

  find(id: string): LiveRoom | null {
    return this.#open.find(({ room }) => room.id === id)?.room ?? null;
  }

  /** Why a room has its model, and how many threads that has. */
  choiceOf(id: string): { readonly reason: string; readonly threads: number | null } | null {
    const found = this.#open.find(({ room }) => room.id === id);
    return found ? { reason: found.reason, threads: found.threads } : null;
  }

  get most(): number {
    return this.#capacity().most;
  }

  /**
   * Opens the streams of the start, all at once, and lists them in their order. The promises are those of the single streams.
   * `reasonOf`: why each has its model.
   */
  openAll(
    streams: readonly StreamConfig[],
    reasonOf: (stream: StreamConfig) => string,
    signal: AbortSignal | undefined,
  ): readonly Promise<void>[] {
    this.#planned = streams.length;
    const studyOf = studiesOf(streams);
    const threads = threadsPerStream(streams.length);
    let listed: Promise<unknown> = Promise.resolve();
    return streams.map((stream) => {
      this.#ids.add(stream.id);
      const opening = this.#openStream(stream, threads, reasonOf(stream), studyOf(stream.id), signal);
      opening.catch(() => undefined);
      const added = listed.then(async () => {
        const room = await opening;
        if (!signal?.aborted) this.#list(room);
      });
      listed = added.catch(() => undefined);
      return added;
    });
  }

  /**
   * Adds a room and lists it once its source has shown its format. Rejects with SONO_ROOMS_FULL, SONO_ROOMS_MEMORY, SONO_ROOM_MODEL and
   * with the coded error of model or source; nothing is left of it then. `asker`: aborted when whoever asked has left.
   */
  async add(
    wish: {
      readonly uri: string;
      readonly label: string | null;
      readonly model: string | null;
      readonly loop: boolean;
    },
    asker: AbortSignal,
  ): Promise<LiveRoom> {
    const refusal = roomRefusal(this.#ids.size, this.#capacity());
    if (refusal !== null) throw refusal;
    const id = freeId(wish.label ?? nameOfSource(wish.uri), this.#ids);
    this.#ids.add(id);
    try {
      const signal = AbortSignal.any([asker, this.#ending.signal]);
      const model = await this.#modelFor(wish.model, signal);
      const stream: StreamConfig = {
        ...{ ...plainStream, ...this.options.defaults },
        ...{ id, label: wish.label, source: wish.uri, loop: wish.loop, modelDir: model.modelDir },
      };
      const room = await this.#openStream(stream, model.threads, model.reason, new BiplaneStudy(), signal);
      this.#list(room);
      return room;
    } catch (error) {
      await this.#drop(id);
      throw error;
    }
  }

  /** Throws SONO_STREAM_UNKNOWN. */
  rename(id: string, label: string): void {
    this.#get(id).room.rename(label);
  }

  /**
   * Completes what is recorded of the room, takes it off every list, and ends source and engine. Throws SONO_STREAM_UNKNOWN, and the first
   * failure of a recording, when all the rest has ended.
   */
  async close(id: string): Promise<void> {
    const { room } = this.#get(id);
    this.#reports.push(room.report());
    if (this.#reports.length > keptReports) this.#reports.shift();
    this.options.registry.remove(id);
    const failure = await this.#drop(id);
    this.options.log.info({ stream: id }, `"${room.label}" is closed`);
    if (failure !== null) throw failure.reason;
  }

  /** Ends every room. Outputs are closed before, by whoever has made them. */
  async closeAll(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.rooms.map((room) => room.close()));
  }

  #get(id: string): OpenRoom {
    // The registry knows the error.
    this.options.registry.get(id);
    const found = this.#open.find(({ room }) => room.id === id);
    if (!found) throw new Error(`room ${id} is not one of this run`);
    return found;
  }

  #list(room: LiveRoom): void {
    this.options.registry.add(room);
    this.options.log.info(
      { stream: room.id, provider: room.health.engine?.provider },
      `"${room.label}" is open`,
    );
  }

  /** Lets go of a room, listed or not; answers the first failure of an output. */
  async #drop(id: string): Promise<PromiseRejectedResult | null> {
    const index = this.#open.findIndex(({ room }) => room.id === id);
    const [found] = index < 0 ? [] : this.#open.slice(index, index + 1);
    // Outputs first: they take what the room has sent so far.
    const outcomes = await Promise.allSettled((found?.feeds ?? []).map(async (feed) => feed.close()));
    await found?.room.close();
    if (found) this.#open.splice(this.#open.indexOf(found), 1);
    this.#ids.delete(id);
    return outcomes.find((outcome) => outcome.status === 'rejected') ?? null;
  }

  #openStream(
    stream: StreamConfig,
    usualThreads: number,
    reason: string,
    study: BiplaneStudy,
    signal: AbortSignal | undefined,
  ): Promise<LiveRoom> {
    const { id, modelDir } = stream;
    const threads = stream.threads ?? usualThreads;
    return openRoom({
      id,
      label: stream.label,
      sourceUri: stream.source,
      createSource: (uri) => createSource(uri, {}, this.options.archives),
      analysis:
        modelDir === null
          ? null
          : {
              createEngine: this.options.engineOf(id),
              engine: { modelDir, provider: stream.provider, policy: stream.policy, threads },
              plan: stream.prompts,
            },
      echo: { view: stream.echo?.view ?? null, study },
      loop: stream.loop,
      displayQuality: stream.displayQuality,
      overlayLimitMs: stream.overlayLimitMs,
      overlayVisible: stream.overlayVisible,
      log: this.options.log,
      ...(signal && { signal }),
      beforeStart: (room) => {
        const feeds = this.options.outputs.map((output) => output.open(room));
        this.#open.push({ room, stream, threads: modelDir === null ? null : threads, reason, feeds });
      },
    });
  }

  /** The order of the start, once its rooms have opened at their own pace. */
  sortBy(ids: readonly string[]): void {
    this.#open.sort((a, b) => ids.indexOf(a.room.id) - ids.indexOf(b.room.id));
  }

  #capacity(): RoomCapacity {
    const known = this.options.capacity?.();
    const cores = availableParallelism();
    return known ?? { cores, freeMemoryBytes: freemem(), most: mostFor(cores, this.#planned) };
  }

  async #modelFor(
    wish: string | null,
    signal: AbortSignal,
  ): Promise<{ readonly modelDir: string | null; readonly threads: number; readonly reason: string }> {
    const { defaults, framesPerSecond = usualFramesPerSecond, measured } = this.options;
    const streams = this.#ids.size;
    const threads = defaults?.threads ?? threadsPerStream(streams);
    const usual = defaults?.modelDir === undefined ? autoModel : (defaults.modelDir ?? noModel);
    if (wish === null && usual !== autoModel)
      return {
        ...{ modelDir: defaults?.modelDir ?? null, threads },
        reason: 'as the server was started with',
      };
    if (wish === noModel) return { modelDir: null, threads, reason: chosenFor(null) };
    if (wish !== null && wish !== autoModel) {
      const modelDir = installedModels().includes(wish) ? findModel(wish, packageRoot) : null;
      if (modelDir === null)
        throw cliError('SONO_ROOM_MODEL', { model: wish, valid: installedModels().join(', ') });
      return { modelDir, threads, reason: 'chosen by whoever added the room' };
    }
    const others = this.#open.map(({ stream }) => stream);
    const known =
      measured.length > 0
        ? editionForAnother(measured, { streams, analysed: countAnalysed(others) + 1, threads })
        : await measureEditions(
            [...others, { ...plainStream, modelDir: autoModel }],
            framesPerSecond,
            signal,
          );
    return {
      ...{ modelDir: known.at(-1)?.modelDir ?? null, threads },
      reason: editionWords(known, framesPerSecond),
    };
  }
}

/** Why a stream of the start has its model. */
export function chosenFor(modelDir: string | null): string {
  return modelDir === null ? 'no model was wanted: the picture alone' : 'named when the server was started';
}

/** More than the machine can analyse, because a room may be idle; the operator may have asked for more still. */
export function mostFor(cores: number, planned: number): number {
  return Math.min(16, Math.max(2, 2 * cores, planned));
}

const countAnalysed = (streams: readonly StreamConfig[]): number =>
  streams.filter(({ modelDir }) => modelDir !== null).length;

/** An id in the alphabet of pipeline files, which no other room has. */
export function freeId(label: string, taken: ReadonlySet<string>): string {
  const plain = label
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48)
    .replace(/-+$/, '');
  const stem = plain === '' ? 'room' : plain;
  let id = stem;
  for (let number = 2; taken.has(id); number++) id = `${stem}-${number}`;
  return id;
}

/** One study for two streams of which one names the other, one for each of the rest. */
function studiesOf(streams: readonly StreamConfig[]): (id: string) => BiplaneStudy {
  const studies = new Map(streams.map(({ id }) => [id, new BiplaneStudy()]));
  for (const { id, echo } of streams) {
    const shared = studies.get(id);
    if (echo !== null && echo.pair !== null && shared) studies.set(echo.pair, shared);
  }
  return (id) => studies.get(id) ?? new BiplaneStudy();
}
