/** Notices that a source says nothing for too long: the one place that decides it. Main process, and the process of a run. */
import { monotonicNs } from '../node/clock.js';

const longestTimerMs = 2 ** 31 - 1;
/** A timer that fires this much later than it should means that this process did not run itself. */
const lateMs = 1_000;

export class Watchdog {
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param isHeld nothing is expected while true
   * @param onSilence called once per arming with the time that was waited for a sign of life, `extraMs` not counted
   */
  constructor(
    private readonly isHeld: () => boolean,
    private readonly onSilence: (silenceMs: number) => void,
  ) {}

  /** Whatever shows that the source is alive arms it again. `extraMs`: nothing is expected before. */
  arm(silenceMs: number, extraMs = 0): void {
    this.stop();
    const waitMs = Math.min(silenceMs + extraMs, longestTimerMs);
    const startedNs = monotonicNs();
    const bite = (): void => {
      if (this.#timer !== timer) return;
      // Much too late: the machine stood still, and the source's process with it, so it gets the time once more.
      if (this.isHeld() || monotonicNs() - startedNs > (waitMs + lateMs) * 1e6) this.arm(silenceMs);
      else this.onSilence(silenceMs);
    };
    // If only this process slept, frames are waiting in the pipe. `setImmediate` lets them be read before we decide.
    const timer = setTimeout(() => setImmediate(bite), waitMs);
    this.#timer = timer;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
