/**
 * Stands around an engine and writes its journal while a recording runs; hands everything through unchanged. Runs in the
 * thread of the caller. Without a recording it costs nothing.
 */
import type { AnalysisFrame, PictureSize } from '../frame.js';
import type { CommandResult, Engine, EngineInfo, FrameResult, TrackerCommand } from '../inference/engine.js';
import { SonoError } from '../errors.js';
import { engineEntry, journalCommand, journalObjects } from './journal.js';
import type { JournalEntry, JournalFrame } from './journal.js';

/** Where the entries go: one stream of a recorder. */
export interface JournalSink {
  /** Keep the entry behind all earlier ones, with the frame's pixels where it has any. Never blocks, never drops. */
  entry(entry: JournalEntry, frame: AnalysisFrame | null): void;
}

export class JournaledEngine implements Engine {
  readonly #engine: Engine;
  readonly #threads: number;
  #sourceSize: PictureSize | null;
  #sink: JournalSink | null = null;
  /** Takes over at the next call: only between two calls is a snapshot exact. */
  #next: JournalSink | null = null;
  #used = false;

  /** `threads`: as the engine was made with (part of what makes a run repeatable). */
  constructor(
    engine: Engine,
    options: { readonly threads: number; readonly sourceSize: PictureSize | null },
  ) {
    this.#engine = engine;
    this.#threads = options.threads;
    this.#sourceSize = options.sourceSize;
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
      sink?.entry({ op: 'track', frame: identity(kept), objects: journalObjects(result), error: null }, kept);
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
        error: null,
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

  async #begin(): Promise<void> {
    const next = this.#next;
    if (!next) return;
    this.#next = null;
    const snapshot = this.#used ? await this.#engine.snapshot() : null;
    next.entry(
      engineEntry(this.#engine.info, this.#threads, this.#sourceSize && { ...this.#sourceSize }, snapshot),
      null,
    );
    this.#sink = next;
  }
}

/** The engine may transfer the pixels to its thread, and the caller may reuse them. */
function copyOf(frame: AnalysisFrame): AnalysisFrame {
  return { ...frame, data: Uint8Array.from(frame.data) };
}

function identity(frame: AnalysisFrame): JournalFrame {
  const { streamId, ptsNs, captureNs, mediaNs, sourceFrame, pass, decodedNs } = frame;
  return { streamId, ptsNs, captureNs, mediaNs, sourceFrame, pass, decodedNs };
}

function codeOf(error: unknown): string {
  return error instanceof SonoError ? String(error.code) : 'unknown';
}
