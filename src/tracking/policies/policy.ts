/**
 * What a memory policy is: which of the network's masks of a frame is taken, which frames an object remembers, and which
 * memories the network reads. Pure and deterministic: everything a policy decides on is in the bank, where it may keep a
 * plain state of its own (`MemoryBank.own`), so a snapshot of the bank is enough to go on.
 *
 * A policy is one file of this folder and one line of `registry.ts`.
 */
import type { MemoryBank, MemoryEntry, RecentEntry } from '../memory-bank.js';
import type { Plain, Shape } from '../shape.js';

/** A number that a model gives a policy in model.json. */
interface Setting {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
  /** Where model.json says nothing; without it model.json must say something. */
  readonly default?: number;
}

export type Settings = Readonly<Record<string, number>>;

export interface PolicyContext<Named extends Settings = Settings> {
  /** Memory entries that one call of the network reads per object. */
  readonly slots: number;
  readonly settings: Named;
}

/** One of the masks that the network offers for an object. */
export interface Candidate {
  /** Place among the candidates of the object. */
  readonly index: number;
  /** Predicted IoU, uncalibrated. */
  readonly iou: number;
  /** [h, w] row-major; a view of the network's output, so a policy copies what it wants to keep. */
  readonly logits: Float32Array;
}

/** What the network says about one object on one frame. */
interface Observation {
  readonly ptsNs: number;
  /** Logit: is the object in the picture? */
  readonly presence: number;
  /** At least one, in the network's order. */
  readonly candidates: readonly Candidate[];
  /** [E], the whole frame's. */
  readonly embedding: Float32Array;
}

/** The same after `choose`. */
interface Chosen extends Observation {
  readonly candidate: Candidate;
  /** The memory of a candidate (default: the chosen one); copies tensors, so it is called only for what is kept. */
  readonly remember: (candidate?: Candidate) => RecentEntry;
}

export interface MemoryPolicy<
  Name extends string = string,
  Named extends Settings = Settings,
  Own extends Plain = Plain,
> {
  readonly name: Name;
  readonly settings: Readonly<Record<keyof Named, Setting>>;
  /**
   * Description of `MemoryBank.own`; a stored snapshot is checked against it. No object in it may have `array` as its only
   * field: that is how a snapshot writes a tensor.
   */
  readonly state: Shape;
  /** The state of a new object, and of one that a person has just marked again. */
  initial(): Own;
  /** One of `seen.candidates`. Asked on tracked frames; on a marked frame the best predicted one is taken. */
  choose(bank: MemoryBank<Own>, seen: Observation, context: PolicyContext<Named>): Candidate;
  /** The bank after this frame. */
  admit(bank: MemoryBank<Own>, chosen: Chosen, context: PolicyContext<Named>): MemoryBank<Own>;
  /**
   * Entries for the network's slots, at most `slots`: a prompt entry first, the newest entry last (the network also reads
   * that one where it stands, decision 0077). Empty only for a bank without prompts.
   */
  select(bank: MemoryBank<Own>, context: PolicyContext<Named>): readonly MemoryEntry[];
}

/**
 * Types the functions of a policy by the settings it declares and by the state that `initial` gives, which a policy with a
 * state types as `Described<typeof state>`.
 */
export const definePolicy = <
  const Name extends string,
  const Declared extends Readonly<Record<string, Setting>>,
  Own extends Plain,
>(
  policy: { readonly settings: Declared } & MemoryPolicy<
    Name,
    { readonly [Key in keyof Declared]: number },
    Own
  >,
): MemoryPolicy<Name, { readonly [Key in keyof Declared]: number }, Own> => policy;

/** SAM 2's choice: the candidate with the highest predicted IoU, the first of equals. */
export const bestPredicted = (candidates: readonly Candidate[]): Candidate =>
  candidates.reduce((best, other) => (other.iou > best.iou || Number.isNaN(best.iou) ? other : best));

/** How many prompts are read beside the newest, which has slot 0: the first one, then the newest of the others. */
const otherPromptsRead = 2;

/** The newest prompt, up to two others, then the newest of the network's own memories, oldest first. */
export function promptsThenNewest(bank: MemoryBank, slots: number): readonly MemoryEntry[] {
  const newest = bank.prompts.at(-1);
  if (newest === undefined) return [];
  const earlier = bank.prompts.slice(0, -1);
  const others = [...earlier.slice(0, 1), ...earlier.slice(1).slice(1 - otherPromptsRead)];
  const prompts = [newest, ...others].slice(0, slots);
  const room = slots - prompts.length;
  return room === 0 ? prompts : [...prompts, ...bank.recent.slice(-room)];
}
