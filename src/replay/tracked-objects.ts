/**
 * The objects of a run: those that planned prompts have marked, under their labels, with masks at source size. The order is
 * that of live mode: the prompts of a frame first, then the frame itself. On a frame with prompts an object has the mask that they gave.
 */
import { z } from 'zod';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { ObjectId } from '../vocabulary/prompt.js';
import type { PromptStep } from '../vocabulary/prompt-script.js';
import type { Engine, FrameResult } from '../engine/engine.js';
import { PlannedPrompts, type ObjectIds } from '../prompters/planned-prompts.js';
import { objectMaskAtSourceSize } from '../export/resample.js';
import type { LabelledObject } from './clip-result.js';
import { markedObject, type MarkedObject } from './marked-object.js';

/** As kept in the state of an unfinished run; that of a version before is an object. */
export const objectIdsSchema = z.preprocess(
  (kept) => (typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? Object.entries(kept) : kept),
  z.array(z.tuple([z.string(), z.int()])),
);

/** What a run follows, on one engine. */
export interface RunObjects {
  /** Object numbers by label, for a run that goes on with this one. */
  readonly ids: ObjectIds;
  /** There is nothing to compute yet. */
  readonly empty: boolean;
  /** Marks that fall due on a frame. */
  prompt(steps: readonly PromptStep[], frame: AnalysisFrame): Promise<void>;
  track(frame: AnalysisFrame): Promise<FrameResult>;
  /** The objects of a result under their labels, masks at source size. */
  label(result: FrameResult, sourceSize: PictureSize): LabelledObject[];
}

type Marked = (sourceSize: PictureSize) => MarkedObject | null;

/** A result is labelled while the next frame is already in the engine; a frame that the stride leaves out never is. */
const mostMarkedFrames = 4;

export class TrackedObjects implements RunObjects {
  readonly #engine: Engine;
  readonly #planned: PlannedPrompts;
  /** By the PTS of their frame, then by the number of the object. */
  readonly #marked = new Map<number, Map<ObjectId, Marked>>();

  /** `known`: object numbers by label, from `ids` of an interrupted run whose engine state has been restored. */
  constructor(engine: Engine, known: ObjectIds = []) {
    this.#engine = engine;
    this.#planned = new PlannedPrompts('plan', known);
  }

  get ids(): ObjectIds {
    return this.#planned.ids;
  }

  get empty(): boolean {
    return this.#planned.labels().size === 0;
  }

  async prompt(steps: readonly PromptStep[], frame: AnalysisFrame): Promise<void> {
    for (const step of steps) {
      const answer = await this.#planned.apply(step, frame, this.#engine);
      if (answer === null || answer.objectId === null) continue;
      const marked = this.#marked.get(frame.ptsNs) ?? new Map<ObjectId, Marked>();
      marked.set(answer.objectId, (sourceSize) => markedObject(step.prompts, answer, sourceSize));
      this.#marked.set(frame.ptsNs, marked);
    }
    for (const ptsNs of this.#marked.keys())
      if (this.#marked.size > mostMarkedFrames) this.#marked.delete(ptsNs);
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.#engine.track(frame);
  }

  label(result: FrameResult, sourceSize: PictureSize): LabelledObject[] {
    const labels = this.#planned.labels();
    const marked = this.#marked.get(result.frame.ptsNs);
    this.#marked.delete(result.frame.ptsNs);
    return result.objects.flatMap((object) => {
      const label = labels.get(object.id);
      if (label === undefined) return [];
      const own = marked?.get(object.id)?.(sourceSize);
      if (own) return [{ label, ...own }];
      const { state, score, confidence } = object;
      return [{ label, state, score, confidence, mask: objectMaskAtSourceSize(object, result, sourceSize) }];
    });
  }
}
