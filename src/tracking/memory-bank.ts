/**
 * Memory of one object: what the network wrote about it on earlier frames. An immutable value: adding gives a new
 * bank that shares the entries, so undo and snapshots cost nothing.
 */
import type { Described, Plain, Shape } from './shape.js';

const head = {
  ptsNs: 'number',
  /** Trust the network gives the entry: predicted IoU, 1 for prompts. */
  score: 'number',
} as const;

/** Tensors are written once and never changed, so banks, history and snapshots may share them. */
const tensors = { key: 'key', value: 'value', embedding: 'embedding' } as const;

/** Made from what a person marked. Never evicted by the network's own memories. */
const promptEntryShape = {
  fields: {
    kind: { oneOf: ['prompt'] },
    ...head,
    /** Everything marked on this frame, in order. */
    prompts: { list: 'prompt' },
    ...tensors,
  },
} as const satisfies Shape;

/** Made from the network's own mask. */
export const recentEntryShape = {
  fields: { kind: { oneOf: ['recent'] }, ...head, ...tensors },
} as const satisfies Shape;

export const bankShape = {
  fields: {
    /** Oldest prompt first (by the order in which they were given). */
    prompts: { list: promptEntryShape },
    /** Oldest first. */
    recent: { list: recentEntryShape },
    /** What the policy itself keeps about the object. */
    own: 'own',
  },
} as const satisfies Shape;

export type PromptEntry = Described<typeof promptEntryShape>;
export type RecentEntry = Described<typeof recentEntryShape>;
export type MemoryEntry = PromptEntry | RecentEntry;
export type MemoryBank<Own extends Plain = Plain> = Described<typeof bankShape> & { readonly own: Own };

/** Prompt entries kept per object: the first and the newest ones. */
export const maxPromptEntries = 5;

export const emptyBank: MemoryBank = { prompts: [], recent: [], own: undefined };

/** The bank without what the network and the policy (which begins with `own` again) have gathered by themselves. */
export const promptsOnly = (bank: MemoryBank, own: Plain): MemoryBank => ({
  prompts: bank.prompts,
  recent: [],
  own,
});

/**
 * A new mark. It replaces the entry of the same frame (a refinement of it), and it ends the network's own memories and
 * the policy's state, which begins with `own` again: a person corrects an object because they went wrong.
 */
export function withPrompt(bank: MemoryBank, entry: PromptEntry, own: Plain): MemoryBank {
  const others = bank.prompts.filter((other) => other.ptsNs !== entry.ptsNs);
  const newest = others.slice(1).slice(-(maxPromptEntries - 2));
  return { prompts: [...others.slice(0, 1), ...newest, entry], recent: [], own };
}

/** First in, first out beyond `capacity`. */
export function withRecent<Own extends Plain>(
  bank: MemoryBank<Own>,
  entry: RecentEntry,
  capacity: number,
): MemoryBank<Own> {
  if (capacity <= 0) return bank;
  return { ...bank, recent: [...bank.recent, entry].slice(-capacity) };
}
