/** The addon's pipeline with what the addon leaves to its caller. Child process only: it loads native code. */
import { createRequire } from 'node:module';
import type { AppSink, AppSrc, BusMessage, Element, Pipeline } from 'gstreamer-superficial';
import { monotonicNs } from '../node/clock.js';
import { LaunchError } from './bus-errors.js';
import { parseGdp, type GdpPacket } from './gdp.js';

const filledPictures = 3;
const filledPatienceNs = 1e9;

export type SinkName = 'shape' | 'index' | 'display' | 'analysis';

export class NativePipeline {
  readonly #pipeline: Pipeline;
  readonly #elements = new Map<string, Element>();

  /** @throws LaunchError, or Error where the addon is missing or does not fit this machine */
  constructor(launch: string, onBus: (message: BusMessage) => void) {
    const addon = createRequire(import.meta.url)('gstreamer-superficial') as { Pipeline: typeof Pipeline };
    try {
      this.#pipeline = new addon.Pipeline(launch);
    } catch (error) {
      throw new LaunchError(error instanceof Error ? error.message : String(error));
    }
    this.#pipeline.pollBus(onBus);
  }

  play(): void {
    this.#pipeline.play();
  }

  pause(): void {
    this.#pipeline.pause();
  }

  stop(): void {
    this.#pipeline.stop();
  }

  /** Seconds; negative while unknown. */
  get positionS(): number {
    return this.#pipeline.queryPosition();
  }

  /** The next packet of a sink, once; null at its end. */
  pull(sink: SinkName, onPacket: (packet: GdpPacket | null) => void): void {
    (this.#element(sink) as AppSink).pull((buffer) => onPacket(buffer === null ? null : parseGdp(buffer)));
  }

  /** Pictures that wait in appsrc. */
  get fedWaiting(): number {
    return Number(this.#element('source')['current-level-buffers']);
  }

  feed(picture: Buffer, ptsNs: number): void {
    const pts = Buffer.alloc(8);
    pts.writeBigUInt64BE(BigInt(Math.round(ptsNs)));
    (this.#element('source') as AppSrc).push(picture, pts);
  }

  endFeed(): void {
    this.#pipeline.sendEOS();
  }

  /** Resolves with a few decoded pictures in hand, or a second later: the first ones are then on time when the clock starts. */
  async filled(isOver: () => boolean): Promise<void> {
    const decoded = this.#element('decoded');
    const endNs = monotonicNs() + filledPatienceNs;
    while (Number(decoded['current-level-buffers']) < filledPictures && !isOver() && monotonicNs() < endNs)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Lets one picture, and its caps, through to the shape branch; closed again by whoever receives it. */
  setGate(isOpen: boolean): void {
    this.#element('gate')['drop'] = !isOpen;
  }

  setCaps(filter: 'displaysize' | 'displaythrough' | 'displaycolour', caps: string): void {
    this.#element(filter)['caps'] = caps;
  }

  /** Each findChild makes a wrapper that is never freed (30 kB), so each element is looked up once. */
  #element(name: string): Element {
    const element = this.#elements.get(name) ?? this.#pipeline.findChild(name);
    if (element === undefined) throw new Error(`no element ${name}`);
    this.#elements.set(name, element);
    return element;
  }
}
