/**
 * One message of one channel on its way to many viewers. Its bytes are shared by all; viewers that chose the same
 * subscription number share the header too.
 */
import { encodeMessageData } from '../protocol/foxglove-codec.js';
import type { RoomMessage } from '../protocol/room-messages.js';

export class SharedMessage {
  readonly #framed = new Map<number, readonly Uint8Array[]>();

  /** `logTimeNs`: capture in Unix nanoseconds. */
  constructor(
    readonly channelId: number,
    readonly logTimeNs: bigint,
    readonly message: Pick<RoomMessage, 'slot' | 'parts'>,
  ) {}

  /** What to send to a viewer that subscribed under this number. The first piece begins with Foxglove's header; the others are as they were. */
  framed(subscriptionId: number): readonly Uint8Array[] {
    let pieces = this.#framed.get(subscriptionId);
    if (!pieces) {
      const [first = new Uint8Array(0), ...rest] = this.message.parts;
      pieces = [encodeMessageData(subscriptionId, this.logTimeNs, first), ...rest];
      this.#framed.set(subscriptionId, pieces);
    }
    return pieces;
  }
}
