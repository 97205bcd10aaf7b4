/**
 * What was changed in a project, to be taken back and done again: the whole document before (or after) each change. Documents are
 * never changed in place, so that they share all that they have in common, in memory and on disk. Pure.
 */
import { z } from 'zod';
import { changeKinds, mostUndo, type ChangeKind } from '../protocol/project-requests.js';
import { withoutMark } from './plan-edits.js';
import {
  storedCorrectionSchema,
  storedMarkSchema,
  traitSchema,
  type ProjectDocument,
} from './project-document.js';

export interface Change {
  readonly kind: ChangeKind;
  /** Of the object concerned; null: of several, or of none. */
  readonly label: string | null;
  /** Changes that follow each other with the same batch are taken back together. */
  readonly batch?: string | undefined;
}

interface Step {
  readonly change: Change;
  /** Before the change in the past, after it in the future. */
  readonly document: ProjectDocument;
}

export interface ChangeHistory {
  /** Oldest first, `mostUndo` at most: the oldest are forgotten. */
  readonly past: readonly Step[];
  /** Taken back; the next to be done again last. */
  readonly future: readonly Step[];
}

export const noHistory: ChangeHistory = { past: [], future: [] };

/** What can be done again is forgotten. */
export function changed({ past }: ChangeHistory, change: Change, before: ProjectDocument): ChangeHistory {
  const last = past.at(-1)?.change;
  const joined = change.batch !== undefined && last?.kind === change.kind && last.batch === change.batch;
  if (!joined) return { past: [...past, { change, document: before }].slice(-mostUndo), future: [] };
  const label = last.label === change.label ? change.label : null;
  return {
    past: past.map((step, index) =>
      index === past.length - 1 ? { ...step, change: { ...change, label } } : step,
    ),
    future: [],
  };
}

interface Moved {
  readonly document: ProjectDocument;
  readonly history: ChangeHistory;
}

/** null: nothing can be taken back. */
export function undone({ past, future }: ChangeHistory, now: ProjectDocument): Moved | null {
  const step = past.at(-1);
  return (
    (step && {
      document: step.document,
      history: { past: past.slice(0, -1), future: [...future, { change: step.change, document: now }] },
    }) ??
    null
  );
}

/** null: nothing can be done again. */
export function redone({ past, future }: ChangeHistory, now: ProjectDocument): Moved | null {
  const step = future.at(-1);
  return (
    (step && {
      document: step.document,
      history: { past: [...past, { change: step.change, document: now }], future: future.slice(0, -1) },
    }) ??
    null
  );
}

/** Of a project of an earlier version, which kept the labels in the order in which their marks were given. */
export function historyOfOrder(document: ProjectDocument, order: readonly string[]): ChangeHistory {
  const past: Step[] = [];
  let now = document;
  const back = (change: Change, before: ProjectDocument): void => {
    past.unshift({ change, document: before });
    now = before;
  };
  for (let left = document.corrections.length; left > 0; left -= 1)
    back({ kind: 'correct', label: null }, { ...now, corrections: now.corrections.slice(0, -1) });
  for (const label of order.toReversed()) {
    const last = now.plan.find((object) => object.label === label)?.prompts.at(-1);
    if (last) back({ kind: 'add', label }, withoutMark(now, last.id));
  }
  return { past: past.slice(-mostUndo), future: [] };
}

// ------------------------------------------------------------------------------------------- on disk

const place = z.int().min(0);
const stepsSchema = z.array(
  z.object({
    kind: z.enum(changeKinds),
    label: z.string().nullable(),
    batch: z.string().optional(),
    objects: z.array(place),
    traits: z.array(traitSchema),
    corrections: z.array(place),
  }),
);

/**
 * Marks and corrections once each: by their place in the present document where they stand there, else in full; steps refer to
 * them by their place in these lists.
 */
export const historySchema = z.object({
  marks: z.array(z.union([place, storedMarkSchema])),
  objects: z.array(z.object({ label: z.string(), prompts: z.array(place).min(1) })),
  corrections: z.array(z.union([place, storedCorrectionSchema])),
  past: stepsSchema,
  future: stepsSchema,
});
type StoredHistory = z.infer<typeof historySchema>;

/** A list in which each thing stands once. */
class Once<Thing extends object, Kept> {
  readonly list: Kept[] = [];
  readonly #places = new Map<Thing, number>();
  constructor(private readonly keep: (thing: Thing) => Kept) {}

  place(thing: Thing): number {
    const known = this.#places.get(thing);
    if (known !== undefined) return known;
    const kept = this.keep(thing);
    this.#places.set(thing, this.list.length);
    this.list.push(kept);
    return this.list.length - 1;
  }
}

export function historyToStore({ past, future }: ChangeHistory, present: ProjectDocument): StoredHistory {
  const byPlace = <Thing>(things: readonly Thing[]): ((thing: Thing) => number | Thing) => {
    const places = new Map(things.map((thing, index) => [thing, index]));
    return (thing) => places.get(thing) ?? thing;
  };
  const marks = new Once(byPlace(present.plan.flatMap(({ prompts }) => prompts)));
  const corrections = new Once(byPlace(present.corrections));
  const objects = new Once(({ label, prompts }: ProjectDocument['plan'][number]) => ({
    label,
    prompts: prompts.map((mark) => marks.place(mark)),
  }));
  const steps = (list: readonly Step[]): StoredHistory['past'] =>
    list.map(({ change, document }) => ({
      ...change,
      objects: document.plan.map((object) => objects.place(object)),
      traits: [...document.traits],
      corrections: document.corrections.map((correction) => corrections.place(correction)),
    }));
  const stored = { past: steps(past), future: steps(future) };
  return { marks: marks.list, objects: objects.list, corrections: corrections.list, ...stored };
}

/** Nothing can be taken back where what is stored does not fit together. */
export function historyFrom(stored: StoredHistory, present: ProjectDocument): ChangeHistory {
  const known = present.plan.flatMap(({ prompts }) => prompts);
  try {
    const at = <Thing>(list: readonly Thing[], index: number): Thing => {
      const thing = list[index];
      if (thing === undefined) throw new RangeError('it is damaged');
      return thing;
    };
    const marks = stored.marks.map((mark) => (typeof mark === 'number' ? at(known, mark) : mark));
    const corrections = stored.corrections.map((entry) =>
      typeof entry === 'number' ? at(present.corrections, entry) : entry,
    );
    const objects = stored.objects.map(({ label, prompts }) => ({
      label,
      prompts: prompts.map((index) => at(marks, index)),
    }));
    const steps = (list: StoredHistory['past']): Step[] =>
      list.map(({ kind, label, batch, ...document }) => ({
        change: { kind, label, ...(batch !== undefined && { batch }) },
        document: {
          plan: document.objects.map((index) => at(objects, index)),
          traits: document.traits,
          corrections: document.corrections.map((index) => at(corrections, index)),
        },
      }));
    return { past: steps(stored.past), future: steps(stored.future) };
  } catch (error) {
    if (error instanceof RangeError) return noHistory;
    throw error;
  }
}
