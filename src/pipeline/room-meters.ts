/** Everything a room counts: frames, drops, rates, and the latency of each stage, live (10 s) and over the whole run. */
import type { AnalysisFrame, DisplayFrame, DropStage, FrameIdentity } from '../vocabulary/frame.js';
import { monotonicNs } from '../node/clock.js';
import type { FrameResult } from '../engine/engine.js';
import { LogHistogram, RateMeter, SlidingWindow } from './meters.js';
import {
  latencyStages,
  type LatencyStage,
  type Quantiles,
  type RoomHealth,
  type RoomReport,
} from './room.js';

const windowMs = 10_000;
/** 10 s at 60 frames per second, with room to spare. */
const windowCapacity = 1024;
const nsPerMs = 1e6;

type StageQuantiles = Readonly<Record<LatencyStage, Quantiles>>;

/** Called with every latency sample, in seconds: the socket moment of a frame is over. */
export type LatencyListener = (stage: LatencyStage | 'display', seconds: number) => void;

const forStages = <T>(make: (stage: LatencyStage) => T): Record<LatencyStage, T> =>
  Object.fromEntries(latencyStages.map((stage) => [stage, make(stage)])) as Record<LatencyStage, T>;

export class RoomMeters {
  readonly #windows = forStages(() => new SlidingWindow(windowMs, windowCapacity));
  readonly #histograms = forStages(() => new LogHistogram());
  /** From capture to the socket of the raw picture. */
  readonly #display = new LogHistogram();
  readonly #captured = new RateMeter(3000);
  readonly #displayed = new RateMeter(3000);
  readonly #analysed = new RateMeter(3000);
  readonly #drops: Record<DropStage, number> = {
    source: 0,
    'analysis-queue': 0,
    'display-queue': 0,
    inference: 0,
    client: 0,
  };
  #frames = { captured: 0, displayed: 0, analysed: 0 };
  #discontinuity: number | null = null;
  #lastSourceFrame = -1;
  /** When the analysed picture entered the process; bounded by the frames in flight. */
  #decodedNs = new Map<number, number>();

  constructor(private readonly onLatency: LatencyListener = () => undefined) {}

  /** Counts capture by the source's own frame numbers, whichever branch shows a frame first. */
  seen({ discontinuity, sourceFrame }: FrameIdentity): void {
    if (this.#discontinuity === null || discontinuity > this.#discontinuity) {
      this.#discontinuity = discontinuity;
      this.#lastSourceFrame = -1;
    }
    if (discontinuity !== this.#discontinuity || sourceFrame <= this.#lastSourceFrame) return;
    const count = sourceFrame - this.#lastSourceFrame;
    this.#lastSourceFrame = sourceFrame;
    this.#frames.captured += count;
    this.#captured.add(this.#nowMs(), count);
  }

  /** A display frame has been handed to every client's outbox. */
  displayed(frame: DisplayFrame): void {
    this.#frames.displayed += 1;
    this.#displayed.add(this.#nowMs());
    this.#add('decode', frame.decodedNs - frame.captureNs);
    this.#add('encode', frame.encodedNs - frame.decodedNs);
    const totalMs = (monotonicNs() - frame.captureNs) / nsPerMs;
    this.#display.add(totalMs);
    this.onLatency('display', totalMs / 1000);
  }

  /** An analysis frame has arrived and waits for the engine. */
  waiting(frame: AnalysisFrame): void {
    this.#decodedNs.set(frame.ptsNs, frame.decodedNs);
    if (this.#decodedNs.size > 64) {
      const oldest = this.#decodedNs.keys().next();
      if (!oldest.done) this.#decodedNs.delete(oldest.value);
    }
  }

  /** A result has been handed to every client's outbox: the socket moment. */
  analysed({ frame, timing }: FrameResult): void {
    this.#frames.analysed += 1;
    this.#analysed.add(this.#nowMs());
    const totalNs = monotonicNs() - frame.captureNs;
    const decodedNs = this.#decodedNs.get(frame.ptsNs);
    this.#decodedNs.delete(frame.ptsNs);
    if (decodedNs !== undefined) this.#add('queue', timing.startedNs - decodedNs);
    this.#add('inference', timing.inferenceNs);
    this.#add('tracking', timing.trackingNs);
    this.#add('overhead', totalNs - timing.inferenceNs);
    this.#add('total', totalNs);
  }

  drop(stage: DropStage, count = 1): void {
    this.#drops[stage] += count;
  }

  /** After a gap (source lost or replaced) rates start anew. */
  gap(): void {
    for (const meter of [this.#captured, this.#displayed, this.#analysed]) meter.reset();
  }

  get frames(): RoomHealth['frames'] {
    return { ...this.#frames };
  }

  get drops(): RoomHealth['drops'] {
    return { ...this.#drops };
  }

  rates(): Pick<RoomHealth, 'capturedFps' | 'displayedFps' | 'analysedFps'> {
    const nowMs = this.#nowMs();
    return {
      capturedFps: this.#captured.perSecond(nowMs),
      displayedFps: this.#displayed.perSecond(nowMs),
      analysedFps: this.#analysed.perSecond(nowMs),
    };
  }

  /** Milliseconds over the last ten seconds, null before the first analysed frame. */
  recentLatencyMs(): StageQuantiles | null {
    const nowMs = this.#nowMs();
    if (this.#histograms.total.count === 0) return null;
    const none: Quantiles = { p50: 0, p95: 0, p99: 0, max: 0 };
    return forStages((stage) => this.#windows[stage].quantiles(nowMs) ?? none);
  }

  /** Milliseconds over the whole run; null for a stage that never ran. */
  totalLatencyMs(): RoomReport['latencyMs'] {
    return {
      ...forStages((stage) => this.#histograms[stage].quantiles()),
      display: this.#display.quantiles(),
    };
  }

  #nowMs(): number {
    return monotonicNs() / nsPerMs;
  }

  #add(stage: LatencyStage, durationNs: number): void {
    const durationMs = Math.max(0, durationNs) / nsPerMs;
    this.#windows[stage].add(this.#nowMs(), durationMs);
    this.#histograms[stage].add(durationMs);
    this.onLatency(stage, durationMs / 1000);
  }
}
