/**
 * Recordings of live rooms: of all rooms into one file from the first frame on (`--record`), and of one room while somebody
 * in the browser asks for it. A recording that fails ends loudly and the room says so; the room itself goes on.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { SonoError } from '../vocabulary/errors.js';
import type { CreateEngine } from '../engine/engine.js';
import type { LiveRoom, Room } from '../pipeline/room.js';
import { JournaledEngine } from '../record/engine-journal.js';
import { Recorder } from '../record/recorder.js';
import type { RoomFeed, RoomOutput } from '../outputs/output.js';
import type { RecordingControl } from '../server/index.js';

/** The first seconds of a file hold its head and a first chunk, and say little of the rate. */
const shortestRateSeconds = 5;

/** How fast recordings fill the disk. */
export interface RecordingRate {
  /** Of what is recorded now, or of what was recorded last. */
  readonly basis: 'now' | 'last';
  /** Of all these recordings together. */
  readonly bytesPerSecond: number;
  /** How long it was measured. */
  readonly seconds: number;
  readonly recordings: number;
}

type StreamRecorder = ReturnType<Recorder['open']>;

export class Recordings implements RecordingControl, RoomOutput<LiveRoom> {
  readonly name = 'recording';
  readonly #engines = new Map<string, JournaledEngine>();
  /** The last start or stop of each room; the next one waits for it. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** What is being recorded now, by room. */
  readonly #running = new Map<string, { recorder: Recorder; stream: StreamRecorder; room: LiveRoom }>();
  /** When the file of each recorder was begun, milliseconds. */
  readonly #begunMs = new Map<Recorder, number>();
  /** What the recordings that ended last wrote. */
  #lastRate: RecordingRate | null = null;
  /** The file of `--record`, with all rooms in it. */
  #whole: Recorder | null = null;

  constructor(
    private readonly options: {
      readonly folder: string;
      readonly version: string;
      readonly log: Logger;
      readonly roomById: (id: string) => LiveRoom | null;
    },
  ) {}

  /** Wraps every engine of a room, also the replacement of a failed one, so that its calls are written down. */
  journaled(roomId: string, createEngine: CreateEngine): CreateEngine {
    return async (options, hooks) => {
      const journaled = await JournaledEngine.create(createEngine, options, hooks);
      this.#engines.set(roomId, journaled);
      const running = this.#running.get(roomId);
      if (running) journaled.attach(running.stream);
      return journaled;
    };
  }

  /** Opens the file of `--record`. Throws SONO_RECORD_*. */
  async openWhole(path: string): Promise<void> {
    this.#whole = await this.#create(path);
  }

  /** Adds a room to the file of `--record`, where there is one. Call before its first frame. */
  open(room: LiveRoom): RoomFeed {
    if (this.#whole) this.#attach(room, this.#whole);
    return { close: async () => void (await this.stop(room)) };
  }

  start(room: Room): Promise<{ path: string }> {
    return this.#inTurn(room.id, () => this.#start(room));
  }

  stop(room: Room): Promise<{ path: string; bytes: number }> {
    return this.#inTurn(room.id, () => this.#stop(room));
  }

  /** Runs one piece of work per room at a time: if two people press the button at once, the second call sees what the first has done. */
  #inTurn<Result>(roomId: string, work: () => Promise<Result>): Promise<Result> {
    const done = (this.#turns.get(roomId) ?? Promise.resolve()).then(work);
    this.#turns.set(
      roomId,
      done.catch(() => undefined),
    );
    return done;
  }

  async #start(room: Room): Promise<{ path: string }> {
    const live = this.#live(room);
    const running = this.#running.get(room.id);
    if (running) return { path: running.recorder.path };
    await mkdir(this.options.folder, { recursive: true, mode: 0o700 });
    const time = new Date()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replaceAll(':', '-');
    const recorder = await this.#createFree(join(this.options.folder, `${room.id}-${time}`));
    this.#attach(live, recorder);
    return { path: recorder.path };
  }

  async #stop(room: Room): Promise<{ path: string; bytes: number }> {
    const running = this.#running.get(room.id);
    if (!running) return { path: '', bytes: 0 };
    this.#detach(room.id);
    running.room.setRecording(false);
    // The file of --record goes on with the other rooms; it ends with the run.
    if (running.recorder === this.#whole) {
      running.stream.stop();
      return { path: running.recorder.path, bytes: running.recorder.bytes };
    }
    this.#keepRate(running.recorder);
    return running.recorder.close();
  }

  /** What is written now; where nothing is, what was written last. Null: nothing has been recorded for long enough to say. */
  get rate(): RecordingRate | null {
    const now = [...new Set([...this.#running.values()].map(({ recorder }) => recorder))].flatMap(
      (recorder) => this.#rateOf(recorder) ?? [],
    );
    if (now.length === 0) return this.#lastRate;
    return {
      basis: 'now',
      bytesPerSecond: now.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0),
      seconds: Math.min(...now.map(({ seconds }) => seconds)),
      recordings: now.length,
    };
  }

  #rateOf(recorder: Recorder): { readonly bytesPerSecond: number; readonly seconds: number } | null {
    const seconds = (performance.now() - (this.#begunMs.get(recorder) ?? Infinity)) / 1000;
    return seconds < shortestRateSeconds ? null : { bytesPerSecond: recorder.bytes / seconds, seconds };
  }

  #keepRate(recorder: Recorder): void {
    const rate = this.#rateOf(recorder);
    if (rate !== null) this.#lastRate = { basis: 'last', ...rate, recordings: 1 };
    this.#begunMs.delete(recorder);
  }

  get paths(): readonly string[] {
    return [...this.#running.values()].map(({ recorder }) => recorder.path);
  }

  /** Ends everything; throws the first failure. */
  async close(): Promise<void> {
    const recorders = new Set([...this.#running.values()].map(({ recorder }) => recorder));
    if (this.#whole) recorders.add(this.#whole);
    for (const id of [...this.#running.keys()]) this.#detach(id);
    const outcomes = await Promise.allSettled([...recorders].map((recorder) => recorder.close()));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** `….mcap`, else `…-1.mcap`, …: a recording may be ended and another begun within a second. */
  async #createFree(stem: string): Promise<Recorder> {
    for (let number = 0; ; number++) {
      try {
        return await this.#create(number === 0 ? `${stem}.mcap` : `${stem}-${number}.mcap`);
      } catch (error) {
        if (!(error instanceof SonoError && error.code === 'SONO_RECORD_EXISTS')) throw error;
      }
    }
  }

  async #create(path: string): Promise<Recorder> {
    const recorder: Recorder = await Recorder.create(path, {
      version: this.options.version,
      onFailure: (error) => this.#failed(recorder, error),
    });
    this.#begunMs.set(recorder, performance.now());
    return recorder;
  }

  #attach(room: LiveRoom, recorder: Recorder): void {
    const stream = recorder.open(room);
    this.#engines.get(room.id)?.attach(stream);
    this.#running.set(room.id, { recorder, stream, room });
    room.setRecording(true);
    this.options.log.info({ stream: room.id, path: recorder.path }, `recording to ${recorder.path}`);
  }

  #detach(roomId: string): void {
    this.#engines.get(roomId)?.detach();
    this.#running.delete(roomId);
  }

  #failed(recorder: Recorder, error: SonoError): void {
    this.options.log.error({ err: error, code: error.code }, 'a recording ended early');
    this.#keepRate(recorder);
    for (const [id, running] of [...this.#running]) {
      if (running.recorder !== recorder) continue;
      this.#detach(id);
      running.room.setRecording(false, error.message);
    }
  }

  #live(room: Room): LiveRoom {
    const live = this.options.roomById(room.id);
    if (live === null) throw new Error(`room ${room.id} is not one of this run`);
    return live;
  }
}
