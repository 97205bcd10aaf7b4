/**
 * What waits for one receiver of an output (a viewer, a broker). Capacity: the newest message of each key (channel, or channel
 * and slot), and `inFlightBytes` in the socket. Drop policy: a newer message takes the place of the older one, which
 * is counted in `dropped`. Control messages (answers, advertisements) are never dropped but bounded: a receiver that lets
 * too many pile up is too slow to serve. No I/O here: the socket is a function, so the policy can be tested alone.
 */

/** Text, or bytes in pieces that stand one behind the other. */
export type Outgoing = string | readonly Uint8Array[];

const sizeOf = (data: Outgoing): number =>
  typeof data === 'string' ? data.length : data.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** The part of a socket that the outbox needs. */
interface OutboxSocket {
  /** `done` is called when the bytes have left the process (or the socket is closed). */
  send(data: Outgoing, done: () => void): void;
}

export interface OutboxLimits {
  /** Channel messages wait here while more than this is on its way in the socket. */
  readonly inFlightBytes: number;
  /** Control messages beyond either limit end the connection. */
  readonly controlBytes: number;
  readonly controlMessages: number;
}

export const defaultOutboxLimits: OutboxLimits = {
  // About two 1080p pictures: one leaves while the next is ready, and nothing grows old in here.
  inFlightBytes: 512 * 1024,
  controlBytes: 8 * 1024 * 1024,
  controlMessages: 2048,
};

/** A channel message: `parts()` is called only when it is really sent. */
interface WaitingMessage {
  /** Channel, or channel and slot: messages with the same key replace each other. */
  readonly key: string;
  /** Null: the message turned out to be none and is left out. */
  readonly parts: () => readonly Uint8Array[] | null;
  readonly onSent: (byteLength: number) => void;
  readonly onDropped: () => void;
}

export class Outbox {
  readonly #socket: OutboxSocket;
  readonly #limits: OutboxLimits;
  readonly #overflow: () => void;
  // A Map keeps the place of a replaced key, so a fast channel cannot delay a slow one for ever.
  readonly #waiting = new Map<string, WaitingMessage>();
  #control: Outgoing[] = [];
  #controlBytes = 0;
  #inFlightBytes = 0;
  #closed = false;
  #dropped = 0;
  #progressMs: number;

  constructor(
    socket: OutboxSocket,
    overflow: () => void,
    limits: OutboxLimits = defaultOutboxLimits,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#socket = socket;
    this.#overflow = overflow;
    this.#limits = limits;
    this.#progressMs = nowMs();
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** For how long bytes have been on their way without any of them leaving; 0 when nothing is on its way. */
  get stalledMs(): number {
    return this.#inFlightBytes === 0 ? 0 : this.nowMs() - this.#progressMs;
  }

  /** Channel messages that were replaced before they could be sent. */
  get dropped(): number {
    return this.#dropped;
  }

  get waiting(): number {
    return this.#waiting.size + this.#control.length;
  }

  pushControl(data: Outgoing): void {
    if (this.#closed) return;
    this.#control.push(data);
    this.#controlBytes += sizeOf(data);
    this.#flush();
    if (
      this.#control.length > this.#limits.controlMessages ||
      this.#controlBytes > this.#limits.controlBytes
    ) {
      this.close();
      this.#overflow();
    }
  }

  push(message: WaitingMessage): void {
    if (this.#closed) return;
    const older = this.#waiting.get(message.key);
    if (older) {
      this.#dropped += 1;
      older.onDropped();
    }
    this.#waiting.set(message.key, message);
    this.#flush();
  }

  /** Takes back what waits for keys of a channel that ended or was unsubscribed; not counted as dropped. */
  forget(matches: (key: string) => boolean): void {
    for (const key of this.#waiting.keys()) if (matches(key)) this.#waiting.delete(key);
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#control = [];
    this.#controlBytes = 0;
  }

  #flush(): void {
    while (!this.#closed && this.#inFlightBytes < this.#limits.inFlightBytes) {
      const control = this.#control.shift();
      if (control !== undefined) {
        this.#controlBytes -= sizeOf(control);
        this.#send(control);
        continue;
      }
      const next = this.#waiting.values().next();
      if (next.done) return;
      this.#waiting.delete(next.value.key);
      const parts = next.value.parts();
      if (parts) next.value.onSent(this.#send(parts));
    }
  }

  #send(data: Outgoing): number {
    const byteLength = sizeOf(data);
    if (this.#inFlightBytes === 0) this.#progressMs = this.nowMs();
    this.#inFlightBytes += byteLength;
    this.#socket.send(data, () => {
      this.#inFlightBytes -= byteLength;
      this.#progressMs = this.nowMs();
      this.#flush();
    });
    return byteLength;
  }
}
