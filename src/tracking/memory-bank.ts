/**
 * Memory of one object: what the network wrote about it on earlier frames. An immutable value: adding gives a new
 * bank that shares the entries, so undo and snapshots cost nothing.
 */
import type { Prompt } from '../vocabulary/prompt.js';

interface EntryBase {
  readonly ptsNs: number;
  /** Trust the network gives the entry: predicted IoU, 1 for prompts. */
  readonly score: number;
  /** Tensors are written once and never changed, so banks, history and snapshots may share them. */
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly embedding: Float32Array;
}

/** Made from what a person marked. Never evicted by the network's own memories. */
export interface PromptEntry extends EntryBase {
  readonly kind: 'prompt';
  /** Everything marked on this frame, in order. */
  readonly prompts: readonly Prompt[];
}

/** Made from the network's own mask. */
export interface RecentEntry extends EntryBase {
  readonly kind: 'recent';
}

export type MemoryEntry = PromptEntry | RecentEntry;

/** Prompt entries kept per object: the first and the newest ones. */
export const maxPromptEntries = 5;

export interface MemoryBank {
  /** Oldest prompt first (by the order in which they were given). */
  readonly prompts: readonly PromptEntry[];
  /** Oldest first. */
  readonly recent: readonly RecentEntry[];
}

export const emptyBank: MemoryBank = { prompts: [], recent: [] };

/**
 * A new mark. It replaces the entry of the same frame (a refinement of it), and it ends the network's own memories:
 * a person corrects an object because they went wrong.
 */
export function withPrompt(bank: MemoryBank, entry: PromptEntry): MemoryBank {
  const others = bank.prompts.filter((other) => other.ptsNs !== entry.ptsNs);
  const newest = others.slice(1).slice(-(maxPromptEntries - 2));
  return { prompts: [...others.slice(0, 1), ...newest, entry], recent: [] };
}

/** First in, first out beyond `capacity`. */
export function withRecent(bank: MemoryBank, entry: RecentEntry, capacity: number): MemoryBank {
  if (capacity <= 0) return bank;
  return { prompts: bank.prompts, recent: [...bank.recent, entry].slice(-capacity) };
}
