/**
 * Limits the connections per address and in total. When there are too many, the connection that was idle for longest is closed, so
 * that somebody who holds connections without using them cannot keep others out. Runs in the main process.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { addressKey } from './rate-limits.js';

interface SocketLimitOptions {
  readonly total: number;
  readonly perAddress: number;
  readonly onDropped: (reason: 'address' | 'total') => void;
}

interface Held {
  readonly socket: Socket;
  readonly key: string;
  /** Requests that are being answered. */
  busy: number;
  isViewer: boolean;
}

export class SocketLimits {
  /** In the order of their last activity, the oldest first. */
  readonly #held = new Map<Socket, Held>();
  readonly #perAddress = new Map<string, number>();

  constructor(private readonly options: SocketLimitOptions) {}

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#take(socket));
    server.on('request', (request: { readonly socket: Socket }, response: ServerResponse) => {
      const held = this.#held.get(request.socket);
      if (!held) return;
      held.busy += 1;
      response.once('close', () => {
        held.busy -= 1;
        this.#touch(held);
      });
    });
    server.on('upgrade', (_request, socket) => {
      const held = this.#held.get(socket as Socket);
      if (held) held.isViewer = true;
    });
  }

  #take(socket: Socket): void {
    const key = addressKey(socket.remoteAddress);
    this.#held.set(socket, { socket, key, busy: 0, isViewer: false });
    this.#perAddress.set(key, (this.#perAddress.get(key) ?? 0) + 1);
    socket.once('close', () => this.#forget(socket));
    if ((this.#perAddress.get(key) ?? 0) > this.options.perAddress) this.#makeRoom(key, socket, 'address');
    else if (this.#held.size > this.options.total) this.#makeRoom(this.#largestHolder(), socket, 'total');
  }

  /** Ends the idlest connection of `key`, else the new one. */
  #makeRoom(key: string, fresh: Socket, reason: 'address' | 'total'): void {
    let victim = fresh;
    for (const held of this.#held.values())
      if (held.key === key && held.busy === 0 && !held.isViewer && held.socket !== fresh) {
        victim = held.socket;
        break;
      }
    this.options.onDropped(reason);
    this.#forget(victim);
    victim.destroy();
  }

  #largestHolder(): string {
    let largest = '';
    let most = 0;
    for (const [key, count] of this.#perAddress)
      if (count > most) {
        largest = key;
        most = count;
      }
    return largest;
  }

  #touch(held: Held): void {
    if (this.#held.delete(held.socket)) this.#held.set(held.socket, held);
  }

  #forget(socket: Socket): void {
    const held = this.#held.get(socket);
    if (!held) return;
    this.#held.delete(socket);
    const left = (this.#perAddress.get(held.key) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(held.key, left);
    else this.#perAddress.delete(held.key);
  }
}
