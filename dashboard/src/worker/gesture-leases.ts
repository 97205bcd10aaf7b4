/**
 * Holds pictures on the server while somebody draws on them. The server forgets a picture after two seconds by itself, so a gesture that is
 * over sooner asks for nothing. Runs in the painting worker.
 */
import type { SonoscopeClient } from '../../../src/protocol/client.js';

/** A gesture that lasts longer than this is a slow one; well within the two seconds. */
const askAfterMs = 300;

interface Lease {
  readonly stream: string;
  readonly timer: ReturnType<typeof setTimeout>;
  /** Number of the gesture on the server, null: not asked yet, or refused. */
  held: Promise<number | null> | null;
}

interface Ask {
  readonly stream: string;
  /** ptsNs of the picture as text, null: not known. */
  readonly ptsNs: () => Promise<string | null>;
  readonly onRefused: (error: unknown) => void;
}

export class GestureLeases {
  readonly #leases = new Map<number, Lease>();

  constructor(private readonly client: () => SonoscopeClient | null) {}

  begin(gesture: number, { stream, ptsNs, onRefused }: Ask): void {
    const ask = async (): Promise<number | null> => {
      try {
        const seen = await ptsNs();
        const answer =
          seen === null ? null : await this.client()?.call('gesture.begin', { stream, ptsNs: seen });
        return answer?.gesture ?? null;
      } catch (error) {
        if (this.#leases.has(gesture)) onRefused(error);
        return null;
      }
    };
    const timer = setTimeout(() => {
      const lease = this.#leases.get(gesture);
      if (lease) lease.held = ask();
    }, askAfterMs);
    this.#leases.set(gesture, { stream, timer, held: null });
  }

  /** Resolves when the server has been asked for the picture, where it is. */
  async settled(gesture: number): Promise<void> {
    await this.#leases.get(gesture)?.held;
  }

  end(gesture: number): void {
    const lease = this.#leases.get(gesture);
    if (!lease) return;
    this.#leases.delete(gesture);
    clearTimeout(lease.timer);
    void lease.held?.then((held) => {
      if (held === null) return;
      // Where the connection has broken, the server has let it go by itself.
      this.client()
        ?.call('gesture.end', { stream: lease.stream, gesture: held })
        .catch(() => undefined);
    });
  }
}
