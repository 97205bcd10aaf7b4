/**
 * Prompts prepared before a run: what a prompt file says, and when each of its steps falls due. Pure; shared by the live
 * pipeline and by replay, so that both apply the same prompt at the same frame.
 */
import type { FrameIdentity, PictureSize } from './frame.js';
import type { Point, Prompt } from './prompt.js';

/** When a prompt applies: at a frame of the source, or at the first frame at or after a time within the source. */
export type PromptMoment =
  { readonly kind: 'frame'; readonly frame: number } | { readonly kind: 'time'; readonly timeMs: number };

export interface PlannedPrompt {
  readonly moment: PromptMoment;
  readonly prompt: Prompt;
}

export interface PlannedObject {
  readonly label: string;
  /** In the order of the file. */
  readonly prompts: readonly PlannedPrompt[];
}

export interface PromptPlan {
  readonly objects: readonly PlannedObject[];
}

/** All prompts that one object gets at one moment: applied as one command. */
export interface PromptStep {
  readonly label: string;
  readonly moment: PromptMoment;
  readonly prompts: readonly Prompt[];
}

/** Timestamps are rounded to milliseconds in prompt files: a frame this little before the time still counts. */
const timeToleranceNs = 500_000;

/** Steps of a plan in file order; an object's prompts with equal moments become one step. */
export function planSteps(plan: PromptPlan): PromptStep[] {
  return plan.objects.flatMap((object) => {
    const steps = new Map<string, PromptStep & { prompts: Prompt[] }>();
    for (const { moment, prompt } of object.prompts) {
      const key = moment.kind === 'frame' ? `frame ${moment.frame}` : `time ${moment.timeMs}`;
      const step = steps.get(key);
      if (step) step.prompts.push(prompt);
      else steps.set(key, { label: object.label, moment, prompts: [prompt] });
    }
    return [...steps.values()];
  });
}

/** True from the frame on to which the moment refers. */
export function momentReached(
  moment: PromptMoment,
  frame: Pick<FrameIdentity, 'sourceFrame' | 'mediaNs'>,
): boolean {
  switch (moment.kind) {
    case 'frame':
      return frame.sourceFrame >= moment.frame;
    case 'time':
      return frame.mediaNs + timeToleranceNs >= moment.timeMs * 1e6;
  }
}

/** Hands out each step once per discontinuity of the source, with the first frame that reaches it. */
export class PromptSchedule {
  readonly #steps: readonly PromptStep[];
  #open: PromptStep[];
  #discontinuity: number | null = null;

  constructor(plan: PromptPlan) {
    this.#steps = planSteps(plan);
    this.#open = [];
  }

  /** Steps that fall due with `frame`, in file order. Frames come in order; a new `discontinuity` opens every step again. */
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

/** Most points that one scribble may have: a hand draws a few hundred, a 10 MB request is an accident or an attack. */
export const maxScribblePoints = 10_000;

export type PromptProblem =
  | 'not-finite'
  | 'outside'
  | 'box-inside-out'
  | 'mask-size'
  | 'mask-empty'
  | 'scribble-empty'
  | 'too-many-points';

/**
 * What is wrong with a prompt for a picture of this size (source pixels), null when nothing is. A box may touch the
 * border; points lie inside the picture.
 */
export function promptProblem(prompt: Prompt, size: PictureSize): PromptProblem | null {
  const inside = ([x, y]: Point): boolean => x >= 0 && y >= 0 && x <= size.width && y <= size.height;
  const pointsProblem = (points: readonly Point[]): PromptProblem | null => {
    if (!points.flat().every(Number.isFinite)) return 'not-finite';
    return points.every(inside) ? null : 'outside';
  };
  switch (prompt.type) {
    case 'click':
      return pointsProblem([prompt.point]);
    case 'box': {
      const [x0, y0, x1, y1] = prompt.box;
      if (!prompt.box.every(Number.isFinite)) return 'not-finite';
      if (!(x0 < x1 && y0 < y1)) return 'box-inside-out';
      return inside([x0, y0]) && inside([x1, y1]) ? null : 'outside';
    }
    case 'scribble':
      if (prompt.points.length === 0) return 'scribble-empty';
      if (prompt.points.length > maxScribblePoints) return 'too-many-points';
      return pointsProblem(prompt.points);
    case 'mask':
      if (prompt.mask.width !== size.width || prompt.mask.height !== size.height) return 'mask-size';
      return prompt.mask.counts.length > 1 ? null : 'mask-empty';
  }
}
