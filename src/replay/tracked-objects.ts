/**
 * The objects of a run: those that planned prompts have marked, under their labels, with masks at source size. The order is
 * that of live mode: the prompts of a frame first, then the frame itself.
 */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { ObjectId } from '../vocabulary/prompt.js';
import type { PromptStep } from '../vocabulary/prompt-script.js';
import type { Engine, FrameResult } from '../engine/engine.js';
import { PlannedPrompts } from '../prompters/planned-prompts.js';
import { objectMaskAtSourceSize } from '../export/resample.js';
import type { LabelledObject } from './clip-result.js';

export class TrackedObjects {
  readonly #engine: Engine;
  readonly #planned: PlannedPrompts;

  /** `known`: object numbers by label, from `ids` of an interrupted run whose engine state has been restored. */
  constructor(engine: Engine, known: Readonly<Record<string, ObjectId>> = {}) {
    this.#engine = engine;
    this.#planned = new PlannedPrompts('plan', known);
  }

  get ids(): Readonly<Record<string, ObjectId>> {
    return this.#planned.ids;
  }

  get empty(): boolean {
    return this.#planned.labels().size === 0;
  }

  async prompt(steps: readonly PromptStep[], frame: AnalysisFrame): Promise<void> {
    for (const step of steps) await this.#planned.apply(step, frame, this.#engine);
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#engine.track(frame);
  }

  /** The objects of a result under their labels, masks at source size. */
  label(result: FrameResult, sourceSize: PictureSize): LabelledObject[] {
    const labels = this.#planned.labels();
    return result.objects.flatMap((object) => {
      const label = labels.get(object.id);
      if (label === undefined) return [];
      const { state, score, confidence } = object;
      return [{ label, state, score, confidence, mask: objectMaskAtSourceSize(object, result, sourceSize) }];
    });
  }
}
