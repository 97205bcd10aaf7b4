/** The prompt file as a prompter: hands out each of its steps once per turn of the source. Pure. */
import type { FrameIdentity } from '../vocabulary/frame.js';
import { momentReached, planSteps, type PromptScript, type PromptStep } from '../vocabulary/prompt-script.js';

export class PromptSchedule {
  readonly author = 'plan';
  readonly #steps: readonly PromptStep[];
  #open: PromptStep[];
  #discontinuity: number | null = null;

  constructor(script: PromptScript) {
    this.#steps = planSteps(script);
    this.#open = [];
  }

  /** Steps whose moment `frame` is the first to reach, in file order. Frames come in order; a new `discontinuity` opens every step again. */
  due(frame: Pick<FrameIdentity, 'sourceFrame' | 'mediaNs' | 'discontinuity'>): PromptStep[] {
    if (frame.discontinuity !== this.#discontinuity) {
      this.#discontinuity = frame.discontinuity;
      this.#open = [...this.#steps];
    }
    if (this.#open.length === 0) return [];
    const due = this.#open.filter((step) => momentReached(step.moment, frame));
    if (due.length > 0) this.#open = this.#open.filter((step) => !due.includes(step));
    return due;
  }

  /** Steps since the last discontinuity that have not come yet. */
  get pending(): readonly PromptStep[] {
    return this.#open;
  }
}
