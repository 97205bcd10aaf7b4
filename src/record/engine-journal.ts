/**
 * Stands around an engine and writes its journal while a recording runs; hands everything through unchanged. Runs in the
 * thread of the caller. Without a recording it costs nothing.
 */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type {
  CommandResult,
  Engine,
  EngineHooks,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from '../engine/engine.js';
import { processorName } from '../node/processor.js';
import { SonoError } from '../vocabulary/errors.js';
import { engineEntry, journalCommand, journalObjects } from './journal.js';
import type { JournalEntry, JournalFrame } from './journal.js';

/** Where the entries go: one stream of a recorder. */
export interface JournalSink {
  /** Keep the entry behind all earlier ones, with the frame's pixels where it has any. Never blocks, never drops. */
  entry(entry: JournalEntry, frame: AnalysisFrame | null): void;
}

/** Journal code for a call whose starting state is unknown, because the engine was restarted under it. */
const lostCode = 'SONO_ENGINE_LOST';

export class JournaledEngine implements Engine {
  readonly #engine: Engine;
  readonly #threads: number;
  #sourceSize: PictureSize | null;
  #sink: JournalSink | null = null;
  /** Takes over at the next call: only between two calls is a snapshot exact. */
  #next: JournalSink | null = null;
  #used = false;
  /** The engine was replaced: its state is no longer the one that the entries so far lead to. */
  #lost = false;

  private constructor(
    engine: Engine,
    options: Pick<EngineOptions, 'threads' | 'sourceSize'>,
    private readonly processor: string,
  ) {
    this.#engine = engine;
    this.#threads = options.threads;
    this.#sourceSize = options.sourceSize;
  }

  /** Makes the engine with `create` and stands around it. `options` and `hooks` are those of the engine, `processor` of what it computes on. */
  static async create<Options extends Pick<EngineOptions, 'threads' | 'sourceSize'>>(
    create: (options: Options, hooks: EngineHooks) => Promise<Engine>,
    options: Options,
    hooks: EngineHooks = {},
    processor = processorName(),
  ): Promise<JournaledEngine> {
    let journaled: JournaledEngine | null = null;
    const engine = await create(options, {
      ...hooks,
      // Also between two calls, when there is no call that could be rejected.
      onFailure: (error) => {
        if (journaled) journaled.#lost = true;
        hooks.onFailure?.(error);
      },
    });
    journaled = new JournaledEngine(engine, options, processor);
    return journaled;
  }

  get info(): EngineInfo {
    return this.#engine.info;
  }

  /** Write the journal to `sink` from the next call on; the engine's state at that moment is its first entry. */
  attach(sink: JournalSink): void {
    this.#next = sink;
  }

  detach(): void {
    this.#sink = null;
    this.#next = null;
  }

  async setSourceSize(size: PictureSize): Promise<void> {
    await this.#begin();
    await this.#engine.setSourceSize(size);
    this.#sourceSize = size;
    this.#sink?.entry({ op: 'sourceSize', size: { ...size } }, null);
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#kept(
      frame,
      () => this.#engine.track(frame),
      (result, error) => ({
        op: 'track',
        frame: identity(frame),
        objects: result ? journalObjects(result) : [],
        error,
      }),
    );
  }

  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    return this.#kept(
      frame,
      () => this.#engine.command(command, frame),
      (done, error) => ({
        op: 'command',
        command: journalCommand(command),
        frame: frame && identity(frame),
        objectId: done?.objectId ?? null,
        objects: done?.result ? journalObjects(done.result) : null,
        error,
      }),
    );
  }

  /** Makes a call on the engine and writes what became of it; `result` is null where it failed with the code `error`. */
  async #kept<Result>(
    frame: AnalysisFrame | null,
    call: () => Promise<Result>,
    entryOf: (result: Result | null, error: string | null) => JournalEntry,
  ): Promise<Result> {
    await this.#begin();
    const sink = this.#sink;
    const copy = sink && frame ? copyOf(frame) : null;
    this.#used = true;
    let result: Result;
    try {
      result = await call();
    } catch (error) {
      sink?.entry(entryOf(null, codeOf(error)), copy);
      throw error;
    }
    sink?.entry(entryOf(result, this.#doubt()), copy);
    return result;
  }

  snapshot(): Promise<unknown> {
    return this.#engine.snapshot();
  }

  async restore(snapshot: unknown): Promise<void> {
    await this.#begin();
    this.#used = true;
    await this.#engine.restore(snapshot);
    this.#sink?.entry({ op: 'restore', snapshot }, null);
  }

  async close(): Promise<void> {
    this.detach();
    await this.#engine.close();
  }

  /**
   * Before each call: a sink that is new, or an engine that was replaced, begins with an entry of provider and state. The
   * state comes from the engine that will make the call, which may be the next one again.
   */
  async #begin(): Promise<void> {
    for (let sink = this.#due(); sink !== null; sink = this.#due()) {
      this.#lost = false;
      let snapshot: unknown = null;
      try {
        if (this.#used) snapshot = await this.#engine.snapshot();
      } catch (error) {
        this.#lost = true;
        throw error;
      }
      // Meanwhile the engine died again, another recording began, or this one ended.
      if (this.#lost || (this.#next ?? this.#sink) !== sink) continue;
      const size = this.#sourceSize && { ...this.#sourceSize };
      sink.entry(engineEntry(this.#engine.info, this.#threads, size, snapshot, this.processor), null);
      this.#sink = sink;
      this.#next = null;
    }
    // Without a recording this does not matter: the next one begins with the engine's state.
    this.#lost = false;
  }

  /** The sink that needs the engine's state before the next entry. */
  #due(): JournalSink | null {
    return this.#next ?? (this.#lost ? this.#sink : null);
  }

  /** Code for the entry of a call that succeeded on an engine that was replaced just before it; null otherwise. */
  #doubt(): string | null {
    return this.#lost ? lostCode : null;
  }
}

/** The engine may transfer the pixels to its thread, and the caller may reuse them. */
function copyOf(frame: AnalysisFrame): AnalysisFrame {
  return { ...frame, data: Uint8Array.from(frame.data) };
}

function identity(frame: AnalysisFrame): JournalFrame {
  const { streamId, ptsNs, captureNs, mediaNs, sourceFrame, discontinuity, decodedNs } = frame;
  return { streamId, ptsNs, captureNs, mediaNs, sourceFrame, pass: discontinuity, decodedNs };
}

function codeOf(error: unknown): string {
  return error instanceof SonoError ? String(error.code) : 'unknown';
}
