/**
 * One message of one channel on its way to many viewers: encoded when the first one needs it, then shared. Viewers that
 * chose the same subscription number share the whole frame, header included.
 */
import { encodeMessageData } from '../protocol/foxglove-codec.js';

export class SharedMessage {
  #encode: (() => Uint8Array) | null;
  #payload: Uint8Array | null = null;
  readonly #framed = new Map<number, Uint8Array>();

  /**
   * `slot`: messages of the same channel and slot replace each other while they wait; one channel usually has one.
   * `logTimeNs`: capture in Unix nanoseconds.
   */
  constructor(
    readonly channelId: number,
    readonly slot: string,
    readonly logTimeNs: bigint,
    encode: () => Uint8Array,
  ) {
    this.#encode = encode;
  }

  get payload(): Uint8Array {
    if (this.#encode) {
      this.#payload = this.#encode();
      // The encoder holds the frame; let it go.
      this.#encode = null;
    }
    return this.#payload as Uint8Array;
  }

  /** The bytes to send to a viewer that subscribed under this number. */
  framed(subscriptionId: number): Uint8Array {
    let bytes = this.#framed.get(subscriptionId);
    if (!bytes) {
      bytes = encodeMessageData(subscriptionId, this.logTimeNs, this.payload);
      this.#framed.set(subscriptionId, bytes);
    }
    return bytes;
  }
}
