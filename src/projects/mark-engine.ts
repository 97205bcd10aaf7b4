/**
 * The one engine that answers marks in all projects of a server, open while they are worked on: a mark asks about one picture and
 * nothing else, so that recordings share it. One mark at a time, behind the gate that live rooms have, so that a lost
 * engine is asked again. Runs in the main process; the network in its thread.
 */
import { createWorkerEngine } from '../engine/worker-engine.js';
import { EngineGate } from '../engine/engine-gate.js';
import type { EngineOptions } from '../engine/engine.js';
import { replayError } from '../replay/errors.js';
import { markedObject, type MarkedObject } from '../replay/marked-object.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { Prompt } from '../vocabulary/prompt.js';

/** Closed when it has not been used for so long. */
const idleMs = 5 * 60_000;
/** Marks that wait for their turn, of all people together: more are refused. */
const mostWaiting = 16;

interface MarkedPicture {
  /** uint8 RGB at the size that the model takes. */
  readonly data: Uint8Array;
  readonly size: PictureSize;
  /** Of the recording: what marks and masks count in. */
  readonly sourceSize: PictureSize;
}

export class MarkEngine {
  #engine: Promise<EngineGate> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #refused = 0;
  #idle: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    private readonly options: Pick<EngineOptions, 'modelDir' | 'provider' | 'threads'>,
    private readonly create = createWorkerEngine,
  ) {}

  /** Marks that were refused because too many waited. */
  get refused(): number {
    return this.#refused;
  }

  get isOpen(): boolean {
    return this.#engine !== null;
  }

  /** Begins to load the model: somebody is going to mark. What is wrong with it is told with the first mark. */
  warm(): void {
    if (!this.#closed) this.#open().catch(() => undefined);
  }

  /**
   * The outline of an object on one picture from all its marks there, the very one that tracking gives on that picture. Throws SONO_PROJECT_MARKS_BUSY,
   * and what engines throw.
   */
  outline(prompts: readonly Prompt[], picture: MarkedPicture): Promise<MarkedObject | null> {
    if (this.#waiting >= mostWaiting) {
      this.#refused += 1;
      return Promise.reject(replayError('SONO_PROJECT_MARKS_BUSY', { refused: this.#refused }));
    }
    this.#waiting += 1;
    const outlined = this.#turn.then(() => this.#outline(prompts, picture));
    this.#turn = outlined.catch(() => undefined).finally(() => (this.#waiting -= 1));
    return outlined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#shut();
    await this.#turn;
  }

  async #outline(
    prompts: readonly Prompt[],
    { data, size, sourceSize }: MarkedPicture,
  ): Promise<MarkedObject | null> {
    const engine = await this.#open();
    await engine.setSourceSize(sourceSize);
    await engine.command({ kind: 'reset' }, null);
    const frame = { streamId: 'marks', ...noTime, size, data };
    // As a plan gives them in a run: a call whose engine was replaced is made again.
    const answer = await engine.command(
      { kind: 'prompt', objectId: null, label: null, prompts, author: 'plan' },
      frame,
    );
    return markedObject(prompts, answer, sourceSize);
  }

  #open(): Promise<EngineGate> {
    if (this.#closed) return Promise.reject(replayError('SONO_PROJECT_UNKNOWN'));
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#shut(), idleMs);
    this.#idle.unref();
    const opened = (this.#engine ??= this.create(
      { ...this.options, policy: null, sourceSize: { width: 1, height: 1 }, keepLogits: true },
      {},
    ).then((engine) => new EngineGate(engine)));
    // One that could not be opened is tried again with the next mark.
    opened.catch(() => {
      if (this.#engine === opened) this.#engine = null;
    });
    return opened;
  }

  async #shut(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const opened = this.#engine;
    this.#engine = null;
    await (await opened?.catch(() => null))?.close();
  }
}

/** A mark asks about a picture by itself: nothing lies before it. */
const noTime = { ptsNs: 0, captureNs: 0, mediaNs: 0, sourceFrame: 0, discontinuity: 0, decodedNs: 0 };
