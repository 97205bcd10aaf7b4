/** Which picture of a project is shown: seeking, stepping, playing both ways at several speeds. The picture follows the wish. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import type { FrameCache, ShownFrame } from './frame-cache.js';

/** Each press of J or L takes the next one. */
const speeds = [1, 2, 4, 8] as const;
const prefetch = 6;
const retryMs = 400;
/** Where the source does not say. */
const usualFramesPerSecond = 25;

interface PlayerEvents {
  /** Another picture is shown. */
  readonly onShown: () => void;
  /** The speed has changed. */
  readonly onSpeed: (speed: number) => void;
}

export class FramePlayer {
  /** The frame that is wanted. */
  frame = 0;
  shown: ShownFrame | null = null;
  /** 0: paused; negative: backwards. */
  speed = 0;
  /** A person's choice for looking closer: multiplies the recording's own rate, and `speed` on top of it. */
  rate = 1;
  #fetching = false;
  #ended = false;
  #retry = 0;
  #clock = 0;
  #dueMs = 0;

  constructor(
    private readonly cache: FrameCache,
    private readonly project: () => ProjectState | null,
    private readonly events: PlayerEvents,
  ) {}

  get lastFrame(): number {
    return Math.max(0, (this.project()?.pictures.frames ?? 1) - 1);
  }

  seek(wanted: number): void {
    this.frame = Math.min(this.lastFrame, Math.max(0, Math.round(wanted)));
    void this.follow();
  }

  /** Shows the wanted picture. One is fetched at a time: while it comes, only the newest wish counts. */
  async follow(): Promise<void> {
    // A picture that has not been read yet is announced when it has.
    if (this.#fetching || (this.project()?.pictures.frames ?? 0) === 0) return;
    this.#fetching = true;
    clearTimeout(this.#retry);
    try {
      while (!this.#ended && this.shown?.frame !== this.frame) {
        const next = await this.cache.get(this.frame);
        if (this.#ended) return;
        this.shown = next;
        this.events.onShown();
      }
    } catch {
      if (!this.#ended) this.#retry = window.setTimeout(() => void this.follow(), retryMs);
    } finally {
      this.#fetching = false;
    }
  }

  toggle(): void {
    if (this.speed !== 0) {
      this.play(0);
      return;
    }
    if (this.frame >= this.lastFrame) this.seek(0);
    this.play(1);
  }

  faster(direction: 1 | -1): void {
    const now = Math.sign(this.speed) === direction ? Math.abs(this.speed) : 0;
    this.play(direction * (speeds.find((speed) => speed > now) ?? speeds.at(-1) ?? 1));
  }

  play(speed: number): void {
    this.speed = speed;
    cancelAnimationFrame(this.#clock);
    this.events.onSpeed(speed);
    if (speed === 0) return;
    this.#dueMs = performance.now();
    this.#clock = requestAnimationFrame((nowMs) => this.#tick(nowMs));
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    cancelAnimationFrame(this.#clock);
  }

  #tick(nowMs: number): void {
    if (this.#ended || this.speed === 0) return;
    const fps = this.project()?.format?.framesPerSecond ?? usualFramesPerSecond;
    const stepMs = 1000 / (fps * Math.abs(this.speed) * this.rate);
    if (nowMs - this.#dueMs > 500) this.#dueMs = nowMs;
    let steps = 0;
    while (this.#dueMs <= nowMs) {
      this.#dueMs += stepMs;
      steps += 1;
    }
    // The next picture waits for the one before: slower rather than with gaps.
    if (steps > 0 && this.shown?.frame === this.frame) this.#advance(steps);
    this.#clock = requestAnimationFrame((next) => this.#tick(next));
  }

  #advance(steps: number): void {
    const direction = Math.sign(this.speed);
    const wanted = this.frame + direction * (Math.abs(this.speed) * this.rate > 1 ? steps : 1);
    if (wanted < 0 || wanted > this.lastFrame) this.play(0);
    this.seek(wanted);
    this.cache.ahead(
      Array.from({ length: prefetch }, (_, index) => this.frame + direction * (index + 1)).filter(
        (candidate) => candidate >= 0 && candidate <= this.lastFrame,
      ),
    );
  }
}
