/**
 * Stands around an engine and writes its journal while a recording runs; hands everything through unchanged. Runs in the
 * thread of the caller. Without a recording it costs nothing.
 */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type {
  CommandResult,
  Engine,
  EngineInfo,
  EngineOptions,
  FrameResult,
  TrackerCommand,
} from '../engine/engine.js';
import type { EngineHooks } from '../engine/local-engine.js';
import { SonoError } from '../vocabulary/errors.js';
import { engineEntry, journalCommand, journalObjects } from './journal.js';
import type { JournalEntry, JournalFrame } from './journal.js';

/** Where the entries go: one stream of a recorder. */
export interface JournalSink {
  /** Keep the entry behind all earlier ones, with the frame's pixels where it has any. Never blocks, never drops. */
  entry(entry: JournalEntry, frame: AnalysisFrame | null): void;
}

/** What a call leaves behind that was made on a state which nobody knows: the engine before it died meanwhile. */
const lostCode = 'SONO_ENGINE_LOST';

export class JournaledEngine implements Engine {
  readonly #engine: Engine;
  readonly #threads: number;
  #sourceSize: PictureSize | null;
  #sink: JournalSink | null = null;
  /** Takes over at the next call: only between two calls is a snapshot exact. */
  #next: JournalSink | null = null;
  #used = false;
  /** The engine was replaced: its state is no longer what the entries so far arrive at. */
  #lost = false;

  private constructor(engine: Engine, options: Pick<EngineOptions, 'threads' | 'sourceSize'>) {
    this.#engine = engine;
    this.#threads = options.threads;
    this.#sourceSize = options.sourceSize;
  }

  /** Makes the engine with `create` and stands around it. `options` and `hooks` are those of the engine. */
  static async create<Options extends Pick<EngineOptions, 'threads' | 'sourceSize'>>(
    create: (options: Options, hooks: EngineHooks) => Promise<Engine>,
    options: Options,
    hooks: EngineHooks = {},
  ): Promise<JournaledEngine> {
    let journaled: JournaledEngine | null = null;
    const engine = await create(options, {
      ...hooks,
      // Also between two calls, when no call is there to be rejected.
      onFailure: (error) => {
        if (journaled) journaled.#lost = true;
        hooks.onFailure?.(error);
      },
    });
    journaled = new JournaledEngine(engine, options);
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

  async track(frame: AnalysisFrame): Promise<FrameResult> {
    await this.#begin();
    const sink = this.#sink;
    const kept = sink ? copyOf(frame) : null;
    this.#used = true;
    let result: FrameResult;
    try {
      result = await this.#engine.track(frame);
    } catch (error) {
      if (kept) sink?.entry({ op: 'track', frame: identity(kept), objects: [], error: codeOf(error) }, kept);
      throw error;
    }
    if (kept)
      sink?.entry(
        { op: 'track', frame: identity(kept), objects: journalObjects(result), error: this.#doubt() },
        kept,
      );
    return result;
  }

  async command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    await this.#begin();
    const sink = this.#sink;
    const kept = sink && frame ? copyOf(frame) : null;
    this.#used = true;
    const call = { op: 'command', command: journalCommand(command), frame: kept && identity(kept) } as const;
    let result: CommandResult;
    try {
      result = await this.#engine.command(command, frame);
    } catch (error) {
      sink?.entry({ ...call, objectId: null, objects: null, error: codeOf(error) }, kept);
      throw error;
    }
    sink?.entry(
      {
        ...call,
        objectId: result.objectId,
        objects: result.result && journalObjects(result.result),
        error: this.#doubt(),
      },
      kept,
    );
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
      // Died again, or another recording began or this one ended, while the state was on its way.
      if (this.#lost || (this.#next ?? this.#sink) !== sink) continue;
      const size = this.#sourceSize && { ...this.#sourceSize };
      sink.entry(engineEntry(this.#engine.info, this.#threads, size, snapshot), null);
      this.#sink = sink;
      this.#next = null;
    }
    // Without a recording nobody needs to know; the next one begins with the state anyway.
    this.#lost = false;
  }

  /** The sink that needs the engine's state before the next entry. */
  #due(): JournalSink | null {
    return this.#next ?? (this.#lost ? this.#sink : null);
  }

  /** Code for the entry of a call that succeeded, but after the engine had been replaced on the way to it. */
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
