/**
 * Which frames an object remembers, and which memories the network reads. Pure and deterministic; the policies keep
 * no state of their own: everything they decide on is in the bank, so a snapshot of the bank is enough.
 *
 * | policy | admits | source |
 * | --- | --- | --- |
 * | `sam2` | every frame; reads prompts and the newest others | SAM 2 (Ravi et al. 2024, §4; `num_maskmem` = slots) |
 * | `gated` | frames with predicted IoU > minConfidence and the object present, at least `every` frames apart | stores only good masks, as muggled_sam and SAMURAI (Yang et al. 2024, §4.2) do; constants from model.json |
 * | `first` | none: prompts only | baseline |
 */
import type { MemoryBank, MemoryEntry, RecentEntry } from '../memory-bank.js';
import { withRecent } from '../memory-bank.js';
import { trackingError } from '../errors.js';

export const policyNames = ['sam2', 'gated', 'first'] as const;
export type PolicyName = (typeof policyNames)[number];

export interface PolicySettings {
  readonly slots: number;
  /** Lowest predicted IoU (uncalibrated) that may enter the bank. */
  readonly minConfidence: number;
  /** Distance between entries in frames of `nominalFrameNs`; 1: every frame. */
  readonly every: number;
}

/** `every` was chosen on 25 fps clips; live frames are dropped, so the distance is kept in time. */
export const nominalFrameNs = 40_000_000;

/** Of several prompts, slot 0 gets the newest; so many others (the first, then the newest) are read beside it. */
const otherPromptsRead = 2;

/** What a policy may look at before the entry is made. */
export interface Candidate {
  readonly ptsNs: number;
  /** Predicted IoU, uncalibrated. */
  readonly iou: number;
  /** Presence logit. */
  readonly presence: number;
}

export interface MemoryPolicy {
  readonly name: PolicyName;
  /** The bank after this frame; `remember` copies the tensors and is called only when the frame is admitted. */
  admit(bank: MemoryBank, candidate: Candidate, remember: () => RecentEntry): MemoryBank;
  /**
   * Entries for the network's slots, at most `slots`: a prompt entry first, the newest entry last (the network also reads
   * that one where it stands, decision 0077). Empty only for a bank without prompts.
   */
  select(bank: MemoryBank): readonly MemoryEntry[];
}

function isPolicyName(name: string): name is PolicyName {
  return (policyNames as readonly string[]).includes(name);
}

/** Throws SONO_POLICY_UNKNOWN. */
export function createPolicy(name: string, settings: PolicySettings): MemoryPolicy {
  if (!isPolicyName(name))
    throw trackingError('SONO_POLICY_UNKNOWN', { policy: name, known: policyNames.join(', ') });
  const capacity = settings.slots - 1;
  const select = (bank: MemoryBank): readonly MemoryEntry[] => {
    const newest = bank.prompts.at(-1);
    if (newest === undefined) return [];
    const earlier = bank.prompts.slice(0, -1);
    const others = [...earlier.slice(0, 1), ...earlier.slice(1).slice(1 - otherPromptsRead)];
    const prompts = [newest, ...others].slice(0, settings.slots);
    const room = settings.slots - prompts.length;
    return room === 0 ? prompts : [...prompts, ...bank.recent.slice(-room)];
  };
  switch (name) {
    case 'sam2':
      return { name, select, admit: (bank, _, remember) => withRecent(bank, remember(), capacity) };
    case 'first':
      return { name, select, admit: (bank) => bank };
    case 'gated':
      return {
        name,
        select,
        admit: (bank, candidate, remember) => {
          if (!(candidate.iou > settings.minConfidence && candidate.presence > 0)) return bank;
          const last = bank.recent.at(-1) ?? bank.prompts.at(-1);
          // Half a frame less, so that the jitter of real time stamps does not skip an entry.
          const distanceNs = (settings.every - 0.5) * nominalFrameNs;
          if (settings.every > 1 && last !== undefined && Math.abs(candidate.ptsNs - last.ptsNs) < distanceNs)
            return bank;
          return withRecent(bank, remember(), capacity);
        },
      };
  }
}
