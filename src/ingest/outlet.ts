/**
 * The child's end of the record pipe. Live: at most two frames of a kind are on their way; a third waits, and
 * a newer one takes its place (counted). Replay: `frame` resolves when there is room again.
 */
import type { Writable } from 'node:stream';
import { encodeHeader, encodeMessage, type RecordHeader } from './records.js';

type FrameType = 'display' | 'analysis';
interface Waiting {
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
}

const framesOnTheWay = 2;

export class Outlet {
  readonly #pipe: Writable;
  readonly #mode: 'live' | 'replay';
  readonly #onDrop: (type: FrameType) => void;
  readonly #onTheWay = { display: 0, analysis: 0 };
  readonly #waiting: { display: Waiting | null; analysis: Waiting | null } = {
    display: null,
    analysis: null,
  };
  readonly #room = { display: new Set<() => void>(), analysis: new Set<() => void>() };

  constructor(pipe: Writable, mode: 'live' | 'replay', onDrop: (type: FrameType) => void) {
    this.#pipe = pipe;
    this.#mode = mode;
    this.#onDrop = onDrop;
  }

  message(message: unknown): void {
    this.#pipe.write(encodeMessage(message));
  }

  async frame(type: FrameType, header: RecordHeader, payload: Uint8Array): Promise<void> {
    if (this.#mode === 'replay') {
      while (this.#onTheWay[type] >= framesOnTheWay)
        await new Promise<void>((resolve) => this.#room[type].add(resolve));
      this.#send(type, header, payload);
      return;
    }
    if (this.#onTheWay[type] < framesOnTheWay) {
      this.#send(type, header, payload);
      return;
    }
    if (this.#waiting[type] !== null) this.#onDrop(type);
    this.#waiting[type] = { header, payload };
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

  #send(type: FrameType, header: RecordHeader, payload: Uint8Array): void {
    this.#onTheWay[type] += 1;
    this.#pipe.cork();
    this.#pipe.write(encodeHeader(header, payload.length));
    this.#pipe.write(payload, () => {
      this.#onTheWay[type] -= 1;
      const next = this.#waiting[type];
      if (next !== null) {
        this.#waiting[type] = null;
        this.#send(type, next.header, next.payload);
      }
      const waiters = [...this.#room[type]];
      this.#room[type].clear();
      for (const resolve of waiters) resolve();
    });
    this.#pipe.uncork();
  }
}
