/** The page's side of the painting worker: state as signals, operations as promises. Nothing else talks to the worker. */
import type { HealthMessage } from '../../../src/protocol/messages.js';
import type { OperationName, RequestOf, ResponseOf } from '../../../src/protocol/operations.js';
import { errorBodySchema } from '../../../src/protocol/requests.js';
import type { StreamInfo } from '../../../src/protocol/requests.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import type { FromWorker, LinkState, ToWorker } from '../worker/messages.js';
import { Signal } from './signal.js';
import { StreamMeasurements } from './stream-measurements.js';
import { t } from '../core/texts.js';

/** A refused request: `message` is a sentence for people. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** What the worker says about one surface. */
export type SurfaceEvent = Extract<FromWorker, { readonly surface: number }>;

interface Pending {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Refusal) => void;
}

export class PaintingWorker {
  readonly link = new Signal<LinkState>({ phase: 'connecting', attempt: 1 });
  readonly streams = new Signal<readonly string[]>([]);
  readonly infos = new Signal<ReadonlyMap<string, StreamInfo>>(new Map());
  readonly remark = new Signal<{ readonly message: string; readonly code: string } | null>(null);
  /** Why the server refuses this page (wrong or missing token, foreign address), null: it does not, or does not answer. */
  readonly refused = new Signal<string | null>(null);
  /** True as soon as the server has told its streams once: from then on an empty list means that there are none. */
  readonly everConnected = new Signal(false);
  readonly #health = new Map<string, Signal<HealthMessage | null>>();
  readonly #measured = new Map<string, StreamMeasurements>();
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #surfaces = new Map<number, (event: SurfaceEvent) => void>();
  readonly #topics = new Map<string, Set<(value: unknown) => void>>();
  #next = 1;

  constructor(url: string) {
    this.#worker = new Worker(new URL('../worker/worker.ts', import.meta.url), {
      type: 'module',
      name: 'sonoscope painting',
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      this.remark.value = {
        message: t('Nothing is painted any more: {reason}. Load the page again.', { reason: event.message }),
        code: '',
      };
    };
    this.send({ type: 'connect', url });
  }

  send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  health(stream: string): Signal<HealthMessage | null> {
    let signal = this.#health.get(stream);
    if (!signal) {
      signal = new Signal<HealthMessage | null>(null);
      this.#health.set(stream, signal);
    }
    return signal;
  }

  measured(stream: string): StreamMeasurements {
    let measured = this.#measured.get(stream);
    if (!measured) {
      measured = new StreamMeasurements();
      this.#measured.set(stream, measured);
    }
    return measured;
  }

  /** A number for a new surface; `listener` hears what the worker says about it until `detach`. */
  newSurface(listener: (event: SurfaceEvent) => void): number {
    const surface = this.#next++;
    this.#surfaces.set(surface, listener);
    return surface;
  }

  detach(surface: number): void {
    this.#surfaces.delete(surface);
    this.send({ type: 'detach', surface });
  }

  newGesture(surface: number, atEpochMs: number, stillAfterMs: number): number {
    const gesture = this.#next++;
    this.send({ type: 'gesture', surface, gesture, atEpochMs, stillAfterMs });
    return gesture;
  }

  /** Values of a topic that carries JSON, again after each reconnect. Returns how to end it. */
  watchTopic(topic: string, listener: (value: unknown) => void): () => void {
    const listeners = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, listeners.add(listener));
    if (listeners.size === 1) this.send({ type: 'watch-topic', topic });
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#topics.delete(topic);
      this.send({ type: 'unwatch-topic', topic });
    };
  }

  /** Rejects with a Refusal. */
  call<Name extends OperationName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    return this.#ask((call) => ({ type: 'call', call, name, request })) as Promise<ResponseOf<Name>>;
  }

  /** Rejects with a Refusal. */
  prompt(ask: {
    readonly surface: number;
    readonly gesture: number;
    readonly objectId: number | null;
    readonly label: string | null;
    readonly prompts: readonly Prompt[];
  }): Promise<ResponseOf<'prompt'>> {
    return this.#ask((call) => ({ type: 'prompt', call, ...ask })) as Promise<ResponseOf<'prompt'>>;
  }

  /** A browser does not say why a socket was refused. A request over HTTP is refused for the same reason, with a sentence. */
  async #askWhy(): Promise<void> {
    try {
      const answer = await fetch('api/time');
      const refusal = answer.ok ? null : errorBodySchema.safeParse(await answer.json());
      this.refused.value = refusal?.success === true ? refusal.data.message : null;
    } catch {
      this.refused.value = null;
    }
  }

  #ask(message: (call: number) => ToWorker): Promise<unknown> {
    const call = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(call, { resolve, reject });
      this.send(message(call));
    });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'link':
        this.link.value = message.state;
        if (message.state.phase === 'open') {
          this.refused.value = null;
          // The server may be another one, whose clock begins anew.
          for (const { newest } of this.#measured.values()) newest.clear();
        } else if (message.state.phase === 'waiting') void this.#askWhy();
        return;
      case 'streams':
        if (message.streams.length > 0) this.everConnected.value = true;
        // While there is no connection, rooms stay on screen and say that there is none.
        if (message.streams.length > 0 || this.link.value.phase === 'open')
          this.streams.value = message.streams;
        return;
      case 'infos':
        this.everConnected.value = true;
        this.infos.value = new Map(message.infos.map((info) => [info.id, info]));
        return;
      case 'health':
        this.health(message.stream).value = message.health;
        return;
      case 'topic':
        for (const listener of this.#topics.get(message.topic) ?? []) listener(message.value);
        return;
      case 'measurements':
        this.measured(message.stream).add(message.measurements);
        return;
      case 'began-anew':
        this.measured(message.stream).echo.beginAnew(message.ptsNs);
        return;
      case 'answer':
        this.#pending.get(message.call)?.resolve(message.body);
        this.#pending.delete(message.call);
        return;
      case 'refusal':
        this.#pending.get(message.call)?.reject(new Refusal(message.code, message.message));
        this.#pending.delete(message.call);
        return;
      case 'remark':
        if (message.level >= 1) this.remark.value = { message: message.message, code: message.code };
        return;
      case 'objects':
      case 'picture-size':
      case 'painted':
      case 'held':
      case 'stats':
      case 'first-mask':
      case 'picked':
      case 'still':
      case 'measure-progress':
      case 'measured':
        this.#surfaces.get(message.surface)?.(message);
        return;
    }
  }
}
