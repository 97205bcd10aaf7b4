/** Changes of a project's prompts, and what a change leaves valid of the masks that were tracked before. Pure. */
import { freeLabel } from '../vocabulary/free-label.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { promptFromWire, promptToWire } from '../protocol/prompt-schema.js';
import { replayError } from '../replay/errors.js';
import type { StoredPlan, StoredProject } from './stored-project.js';

type Edited = Pick<StoredProject, 'plan' | 'order'>;

/** `label` null makes a new object. */
export function addPrompts(
  { plan, order }: Edited,
  frame: number,
  label: string | null,
  prompts: readonly Prompt[],
): Edited & { readonly label: string } {
  const name = label ?? freeLabel('object', plan.length + 1, plan);
  const added = prompts.map((prompt) => ({ frame, prompt: promptToWire(prompt) }));
  const known = plan.some((object) => object.label === name);
  return {
    label: name,
    plan: known
      ? plan.map((object) =>
          object.label === name ? { ...object, prompts: [...object.prompts, ...added] } : object,
        )
      : [...plan, { label: name, prompts: added }],
    order: [...order, ...added.map(() => name)],
  };
}

/** Without the last prompt that was given; null where there is none. */
export function withoutLastPrompt({ plan, order }: Edited): Edited | null {
  const label = order.at(-1);
  if (label === undefined) return null;
  return {
    order: order.slice(0, -1),
    plan: plan.flatMap((object) => {
      if (object.label !== label) return [object];
      const prompts = object.prompts.slice(0, -1);
      return prompts.length === 0 ? [] : [{ ...object, prompts }];
    }),
  };
}

/** Throws SONO_PROJECT_REQUEST where the object does not exist, or the name is empty or taken. */
export function renamed({ plan, order }: Edited, label: string, name: string): Edited {
  const trimmed = name.trim();
  if (!plan.some((object) => object.label === label) || trimmed === '')
    throw replayError('SONO_PROJECT_REQUEST', { problem: 'there is no such object, or no name' });
  if (trimmed !== label && plan.some((object) => object.label === trimmed))
    throw replayError('SONO_PROJECT_REQUEST', { problem: `another object is called "${trimmed}"` });
  return {
    plan: plan.map((object) => (object.label === label ? { ...object, label: trimmed } : object)),
    order: order.map((entry) => (entry === label ? trimmed : entry)),
  };
}

export function withoutObject({ plan, order }: Edited, label: string): Edited {
  return {
    plan: plan.filter((object) => object.label !== label),
    order: order.filter((entry) => entry !== label),
  };
}

/**
 * Labels of `now` whose masks, tracked with the prompts `before`, still belong to them: objects that kept at least one prompt.
 * Of an object that was removed nothing may be shown under the name that another one has got since.
 */
export function stillTracked(before: StoredPlan, now: StoredPlan): ReadonlySet<string> {
  const marks = new Set(
    before.flatMap(({ label, prompts }) => prompts.map((prompt) => markOf(label, prompt))),
  );
  return new Set(
    now
      .filter(({ label, prompts }) => prompts.some((prompt) => marks.has(markOf(label, prompt))))
      .map(({ label }) => label),
  );
}

const markOf = (label: string, prompt: StoredPlan[number]['prompts'][number]): string =>
  JSON.stringify([label, prompt]);

/** As the analysis takes it. */
export function planOf(plan: StoredPlan): PromptScript {
  return {
    objects: plan.map(({ label, prompts }) => ({
      label,
      prompts: prompts.map(({ frame, prompt }) => ({
        moment: { kind: 'frame', frame },
        prompt: promptFromWire(prompt),
      })),
    })),
  };
}

export function samePlan(a: StoredPlan, b: StoredPlan): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The first frame from which tracking differs between two plans: Infinity where nothing does, null where what lies before
 * the prompts differs too (another set of objects, another first prompt).
 */
export function firstChange(before: StoredPlan, after: StoredPlan): number | null {
  const first = (object: StoredPlan[number]): string => {
    const frame = Math.min(...object.prompts.map((prompt) => prompt.frame));
    return JSON.stringify(object.prompts.filter((prompt) => prompt.frame === frame));
  };
  if (before.length !== after.length) return null;
  let change = Infinity;
  for (const [index, object] of after.entries()) {
    const old = before[index];
    if (!old || old.label !== object.label || first(old) !== first(object)) return null;
    const texts = (prompts: StoredPlan[number]['prompts']) => prompts.map((prompt) => JSON.stringify(prompt));
    const olds = texts(old.prompts);
    const news = texts(object.prompts);
    for (const [list, other] of [
      [old.prompts, news],
      [object.prompts, olds],
    ] as const)
      for (const prompt of list)
        if (!other.includes(JSON.stringify(prompt))) change = Math.min(change, prompt.frame);
  }
  return change;
}
