/**
 * The child's end of the record pipe. Live: at most two frames of a kind are on their way; a third waits, and
 * a newer one takes its place (counted). Replay: `frame` resolves when there is room again.
 */
import type { Writable } from 'node:stream';
import type { DropStage } from '../vocabulary/frame.js';
import type { ChildMessage } from './messages.js';
import { encodeHeader, encodeMessage, type SentFrame } from './records.js';

const framesOnTheWay = 2;
const dropStages: Record<SentFrame['kind'], DropStage> = {
  display: 'display-queue',
  analysis: 'analysis-queue',
};

export class FrameWriter {
  readonly #pipe: Writable;
  readonly #mode: 'live' | 'replay';
  readonly #onTheWay = { display: 0, analysis: 0 };
  readonly #waiting: Record<SentFrame['kind'], SentFrame | null> = { display: null, analysis: null };
  readonly #room = { display: new Set<() => void>(), analysis: new Set<() => void>() };

  constructor(pipe: Writable, mode: 'live' | 'replay') {
    this.#pipe = pipe;
    this.#mode = mode;
  }

  message(message: ChildMessage): void {
    this.#pipe.write(encodeMessage(message));
  }

  /** Says that frames of a branch are missing. */
  dropped(kind: SentFrame['kind'], count: number): void {
    if (count > 0) this.message({ kind: 'dropped', stage: dropStages[kind], count });
  }

  async frame(sent: SentFrame): Promise<void> {
    const { kind } = sent;
    if (this.#mode === 'replay') {
      while (this.#onTheWay[kind] >= framesOnTheWay)
        await new Promise<void>((resolve) => this.#room[kind].add(resolve));
      this.#send(sent);
      return;
    }
    if (this.#onTheWay[kind] < framesOnTheWay) {
      this.#send(sent);
      return;
    }
    if (this.#waiting[kind] !== null) this.dropped(kind, 1);
    this.#waiting[kind] = sent;
  }

  /** Resolves when everything written has left this process. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        if (this.#waiting.display !== null || this.#waiting.analysis !== null) setTimeout(finish, 5);
        else this.#pipe.end(() => resolve());
      };
      finish();
    });
  }

  #send(sent: SentFrame): void {
    const { kind, frame } = sent;
    this.#onTheWay[kind] += 1;
    this.#pipe.cork();
    this.#pipe.write(encodeHeader(sent));
    this.#pipe.write(frame.data, () => {
      this.#onTheWay[kind] -= 1;
      const next = this.#waiting[kind];
      if (next !== null) {
        this.#waiting[kind] = null;
        this.#send(next);
      }
      const waiters = [...this.#room[kind]];
      this.#room[kind].clear();
      for (const resolve of waiters) resolve();
    });
    this.#pipe.uncork();
  }
}
