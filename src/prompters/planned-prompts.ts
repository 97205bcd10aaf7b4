/**
 * Objects that a prompter has marked on an engine. A prompter calls its objects by labels, an engine by numbers; this joins
 * the two, for live rooms, replay and evaluation alike. Any thread; throws what the engine throws.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import { SonoError } from '../vocabulary/errors.js';
import type { ObjectId, PromptAuthor } from '../vocabulary/prompt.js';
import type { PromptStep } from '../vocabulary/prompt-script.js';
import type { CommandResult, Engine } from '../engine/engine.js';

/** Numbers of objects by their labels. Pairs, because a label may be any text, `__proto__` too. */
export type ObjectIds = readonly (readonly [label: string, id: ObjectId])[];

export class PlannedPrompts {
  /** An object keeps its number over discontinuities. */
  readonly #ids: Map<string, ObjectId>;
  /** Labels that have been marked since the last discontinuity. */
  readonly #marked: Set<string>;
  #discontinuity: number | null = null;

  /** `known`: object numbers by label, from `ids` of an interrupted run whose engine state has been restored. */
  constructor(
    private readonly author: Exclude<PromptAuthor, 'person'>,
    known: ObjectIds = [],
  ) {
    this.#ids = new Map(known);
    this.#marked = new Set(this.#ids.keys());
  }

  get ids(): ObjectIds {
    return [...this.#ids];
  }

  /** The labels of the engine's objects. */
  labels(): Map<ObjectId, string> {
    return new Map([...this.#ids].map(([label, id]) => [id, label]));
  }

  /**
   * Applies a step. The first one of an object since the last discontinuity starts the object anew, later ones refine it. An
   * object that a person has removed stays away until the next discontinuity: then nothing is done and the answer is null.
   */
  async apply(
    { label, prompts }: Pick<PromptStep, 'label' | 'prompts'>,
    frame: AnalysisFrame,
    engine: Pick<Engine, 'command'>,
  ): Promise<CommandResult | null> {
    if (this.#discontinuity !== null && this.#discontinuity !== frame.discontinuity) this.#marked.clear();
    this.#discontinuity = frame.discontinuity;
    const mark = { kind: 'prompt', prompts, author: this.author } as const;
    const known = this.#ids.get(label);
    const fresh = !this.#marked.has(label);
    if (known !== undefined) {
      try {
        // Without the label: somebody may have given it a better one.
        const result = await engine.command({ ...mark, objectId: known, label: null, fresh }, frame);
        this.#marked.add(label);
        return result;
      } catch (error) {
        if (!(error instanceof SonoError && error.code === 'SONO_OBJECT_UNKNOWN')) throw error;
        if (!fresh) return null;
      }
    }
    const result = await engine.command({ ...mark, objectId: null, label }, frame);
    if (result.objectId !== null) this.#ids.set(label, result.objectId);
    this.#marked.add(label);
    return result;
  }
}
