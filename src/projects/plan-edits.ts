/** Changes of a project's marks and objects, and what a change leaves valid of the masks that were tracked before. Pure. */
import { freeLabel } from '../vocabulary/free-label.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { promptFromWire, type WirePrompt } from '../protocol/prompt-schema.js';
import { replayError } from '../replay/errors.js';
import type {
  ProjectDocument,
  StoredMark,
  StoredPlan,
  StoredTrait,
  TrackedPlan,
} from './project-document.js';

/** Marks of one object on one picture. `label` null makes a new object; a mask replaces what the object had there. */
export function addMarks(
  document: ProjectDocument,
  label: string | null,
  marks: readonly StoredMark[],
): { readonly document: ProjectDocument; readonly label: string } {
  const { plan } = document;
  const name = label ?? freeLabel('object', plan.length + 1, plan);
  const replaced = new Set(marks.filter(({ prompt }) => prompt.type === 'mask').map(({ frame }) => frame));
  const known = plan.some((object) => object.label === name);
  const objects = known
    ? plan.map((object) =>
        object.label === name
          ? { ...object, prompts: [...object.prompts.filter(({ frame }) => !replaced.has(frame)), ...marks] }
          : object,
      )
    : [...plan, { label: name, prompts: marks }];
  return { label: name, document: { ...document, plan: objects } };
}

interface FoundMark {
  readonly label: string;
  readonly mark: StoredMark;
}

/** Throws SONO_PROJECT_MARK. */
export function findMark({ plan }: ProjectDocument, id: number): FoundMark {
  for (const { label, prompts } of plan) {
    const mark = prompts.find((one) => one.id === id);
    if (mark) return { label, mark };
  }
  throw replayError('SONO_PROJECT_MARK');
}

/** The mark keeps its number and its place among the others. Throws SONO_PROJECT_MARK, SONO_PROJECT_REQUEST. */
export function withMovedMark(
  document: ProjectDocument,
  id: number,
  prompt: WirePrompt,
  atUnixMs: number,
): ProjectDocument {
  const { mark } = findMark(document, id);
  if (mark.prompt.type !== prompt.type)
    throw replayError('SONO_PROJECT_REQUEST', {
      problem: `the mark is of the type ${mark.prompt.type}; remove it to give another one`,
    });
  const moved = { ...mark, prompt, atUnixMs };
  return {
    ...document,
    plan: document.plan.map((object) =>
      object.prompts.includes(mark)
        ? { ...object, prompts: object.prompts.map((one) => (one === mark ? moved : one)) }
        : object,
    ),
  };
}

/** An object without marks is gone. Throws SONO_PROJECT_MARK. */
export function withoutMark(document: ProjectDocument, id: number): ProjectDocument {
  const { label, mark } = findMark(document, id);
  const object = document.plan.find((one) => one.label === label);
  if (object?.prompts.length === 1) return withoutObject(document, label);
  return {
    ...document,
    plan: document.plan.map((one) =>
      one === object ? { ...one, prompts: one.prompts.filter((other) => other !== mark) } : one,
    ),
  };
}

/** Throws SONO_PROJECT_REQUEST where the object does not exist, or the name is empty or taken. */
export function renamed(document: ProjectDocument, label: string, name: string): ProjectDocument {
  const { plan, traits } = document;
  const trimmed = name.trim();
  if (!plan.some((object) => object.label === label) || trimmed === '')
    throw replayError('SONO_PROJECT_REQUEST', { problem: 'there is no such object, or no name' });
  if (trimmed !== label && plan.some((object) => object.label === trimmed))
    throw replayError('SONO_PROJECT_REQUEST', { problem: `another object is called "${trimmed}"` });
  const rename = <Named extends { readonly label: string }>(named: Named): Named =>
    named.label === label ? { ...named, label: trimmed } : named;
  return { ...document, plan: plan.map(rename), traits: traits.map(rename) };
}

export function withoutObject(document: ProjectDocument, label: string): ProjectDocument {
  const others = <Named extends { readonly label: string }>(all: readonly Named[]): Named[] =>
    all.filter((one) => one.label !== label);
  return { ...document, plan: others(document.plan), traits: others(document.traits) };
}

const plainTrait = { hidden: false, locked: false, color: null };

export function traitOf({ traits }: ProjectDocument, label: string): Omit<StoredTrait, 'label'> {
  return traits.find((trait) => trait.label === label) ?? plainTrait;
}

export function withTrait(
  document: ProjectDocument,
  label: string,
  trait: Partial<Omit<StoredTrait, 'label'>>,
): ProjectDocument {
  const own = { ...traitOf(document, label), ...trait, label };
  const { hidden, locked, color } = own;
  const others = document.traits.filter((one) => one.label !== label);
  return { ...document, traits: hidden || locked || color !== null ? [...others, own] : others };
}

/** Throws SONO_PROJECT_LOCKED. */
export function checkUnlocked(document: ProjectDocument, label: string): void {
  if (traitOf(document, label).locked) throw replayError('SONO_PROJECT_LOCKED', { label });
}

/** The prompts of an object on a picture, in the order in which they were given. */
export function promptsOn(plan: StoredPlan | TrackedPlan, label: string, frame: number): WirePrompt[] {
  const marks = plan.find((object) => object.label === label)?.prompts ?? [];
  return marks.filter((mark) => mark.frame === frame).map(({ prompt }) => prompt);
}

// ------------------------------------------------------------------------------- what is tracked

const stripped = new WeakMap<StoredPlan, TrackedPlan>();

/** A plan as it is tracked: who gave the marks, and in which order those of different pictures, does not matter. */
export function trackedPlan(plan: StoredPlan): TrackedPlan {
  const known = stripped.get(plan);
  if (known) return known;
  const made = plan.map(({ label, prompts }) => ({
    label,
    prompts: inOrder(prompts).map(({ frame, prompt }) => ({ frame, prompt })),
  }));
  stripped.set(plan, made);
  return made;
}

const inOrder = <Mark extends { readonly frame: number }>(marks: readonly Mark[]): Mark[] =>
  marks.toSorted((a, b) => a.frame - b.frame);

/** All marks of an object on a picture, as one text. */
export const markGroup = (label: string, frame: number, prompts: readonly WirePrompt[]): string =>
  JSON.stringify([label, frame, prompts]);

const groups = new WeakMap<TrackedPlan, ReadonlySet<string>>();

/** The groups of marks of a plan, see `markGroup`. */
export function markGroups(plan: TrackedPlan): ReadonlySet<string> {
  const known = groups.get(plan);
  if (known) return known;
  const made = new Set(
    plan.flatMap(({ label, prompts }) =>
      [...new Set(prompts.map(({ frame }) => frame))].map((frame) =>
        markGroup(label, frame, promptsOn(plan, label, frame)),
      ),
    ),
  );
  groups.set(plan, made);
  return made;
}

/**
 * Labels of `now` whose masks, tracked with the prompts `before`, still belong to them: objects that kept at least one prompt.
 * Of an object that was removed nothing may be shown under the name that another one has got since.
 */
export function stillTracked(before: TrackedPlan, now: TrackedPlan): ReadonlySet<string> {
  const marks = new Set(
    before.flatMap(({ label, prompts }) => prompts.map((prompt) => markOf(label, prompt))),
  );
  return new Set(
    now
      .filter(({ label, prompts }) => prompts.some((prompt) => marks.has(markOf(label, prompt))))
      .map(({ label }) => label),
  );
}

const markOf = (label: string, { frame, prompt }: TrackedPlan[number]['prompts'][number]): string =>
  JSON.stringify([label, frame, prompt]);

/** As the analysis takes it. */
export function planOf(plan: TrackedPlan): PromptScript {
  return {
    objects: plan.map(({ label, prompts }) => ({
      label,
      prompts: prompts.map(({ frame, prompt }): PromptScript['objects'][number]['prompts'][number] => ({
        moment: { kind: 'frame', frame },
        prompt: promptFromWire(prompt) satisfies Prompt,
      })),
    })),
  };
}

const texts = new WeakMap<TrackedPlan, string>();
const textOf = (plan: TrackedPlan): string => {
  const known = texts.get(plan);
  if (known !== undefined) return known;
  const made = JSON.stringify(plan.map(({ label, prompts }) => [label, inOrder(prompts)]));
  texts.set(plan, made);
  return made;
};

export function samePlan(a: TrackedPlan, b: TrackedPlan): boolean {
  return textOf(a) === textOf(b);
}

/**
 * The first frame from which tracking differs between two plans: Infinity where nothing does, null where what lies before
 * the prompts differs too (another set of objects, another first prompt).
 */
export function firstChange(before: TrackedPlan, after: TrackedPlan): number | null {
  const first = (object: TrackedPlan[number]): string => {
    const frame = Math.min(...object.prompts.map((prompt) => prompt.frame));
    return JSON.stringify(object.prompts.filter((prompt) => prompt.frame === frame));
  };
  if (before.length !== after.length) return null;
  let change = Infinity;
  for (const [index, object] of after.entries()) {
    const old = before[index];
    if (!old || old.label !== object.label || first(old) !== first(object)) return null;
    const frames = new Set([...old.prompts, ...object.prompts].map(({ frame }) => frame));
    for (const frame of frames)
      if (
        JSON.stringify(promptsOn([old], old.label, frame)) !==
        JSON.stringify(promptsOn([object], object.label, frame))
      )
        change = Math.min(change, frame);
  }
  return change;
}
