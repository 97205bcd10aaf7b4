/**
 * Remembers frames with a predicted IoU above `minConfidence` on which the object is present, at least `every` frames apart.
 * Stores only good masks, as muggled_sam and SAMURAI (Yang et al. 2024, §4.2) do; constants from model.json.
 */
import { withRecent } from '../memory-bank.js';
import { bestPredicted, definePolicy, promptsThenNewest } from './policy.js';

/** `every` was chosen on 25 fps clips; live frames are dropped, so the distance is kept in time. */
export const nominalFrameNs = 40_000_000;

export const gated = definePolicy({
  name: 'gated',
  settings: {
    /** Lowest predicted IoU (uncalibrated) that may enter the bank. */
    minConfidence: { min: 0, max: 1 },
    /** Distance between entries in frames of `nominalFrameNs`; 1: every frame. */
    every: { min: 1, max: Number.MAX_SAFE_INTEGER, whole: true },
  },
  state: 'nothing',
  initial: () => undefined,
  choose: (_, { candidates }) => bestPredicted(candidates),
  admit: (bank, { candidate, presence, ptsNs, remember }, { slots, settings }) => {
    if (!(candidate.iou > settings.minConfidence && presence > 0)) return bank;
    const last = bank.recent.at(-1) ?? bank.prompts.at(-1);
    // Half a frame less, so that the jitter of real time stamps does not skip an entry.
    const distanceNs = (settings.every - 0.5) * nominalFrameNs;
    if (settings.every > 1 && last !== undefined && Math.abs(ptsNs - last.ptsNs) < distanceNs) return bank;
    return withRecent(bank, remember(), slots - 1);
  },
  select: (bank, { slots }) => promptsThenNewest(bank, slots),
});
