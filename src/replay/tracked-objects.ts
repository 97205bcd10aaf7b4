/**
 * Applies planned prompts to an engine and names what comes back: objects have labels in a prompt file and numbers in an
 * engine, and the numbers of two passes differ. The same order as live: prompts of a frame first, then the frame itself.
 */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { Engine, FrameResult } from '../engine/engine.js';
import type { ObjectId } from '../vocabulary/prompt.js';
import type { PromptStep } from '../vocabulary/prompt-plan.js';
import { objectMaskAtSourceSize } from '../export/resample.js';
import type { LabelledObject } from './clip-result.js';

export class TrackedObjects {
  readonly #engine: Engine;
  readonly #ids = new Map<string, ObjectId>();

  /** `known`: object numbers by label, from `ids` of an interrupted run whose engine state has been restored. */
  constructor(engine: Engine, known: Readonly<Record<string, ObjectId>> = {}) {
    this.#engine = engine;
    for (const [label, id] of Object.entries(known)) this.#ids.set(label, id);
  }

  get ids(): Readonly<Record<string, ObjectId>> {
    return Object.fromEntries(this.#ids);
  }

  get empty(): boolean {
    return this.#ids.size === 0;
  }

  has(label: string): boolean {
    return this.#ids.has(label);
  }

  async prompt(steps: readonly PromptStep[], frame: AnalysisFrame): Promise<void> {
    for (const step of steps) {
      const { objectId } = await this.#engine.command(
        {
          kind: 'prompt',
          objectId: this.#ids.get(step.label) ?? null,
          label: step.label,
          prompts: step.prompts,
        },
        frame,
      );
      if (objectId !== null) this.#ids.set(step.label, objectId);
    }
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#engine.track(frame);
  }

  /** The objects of a result under their labels, masks at source size. */
  label(result: FrameResult, sourceSize: PictureSize): LabelledObject[] {
    const labels = new Map([...this.#ids].map(([label, id]) => [id, label]));
    return result.objects.flatMap((object) => {
      const label = labels.get(object.id);
      if (label === undefined) return [];
      const { state, score, confidence } = object;
      return [{ label, state, score, confidence, mask: objectMaskAtSourceSize(object, result, sourceSize) }];
    });
  }
}
