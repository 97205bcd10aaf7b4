/** Remembers every frame; reads prompts and the newest others. SAM 2 (Ravi et al. 2024, §4; `num_maskmem` = slots). */
import { withRecent } from '../memory-bank.js';
import { bestPredicted, definePolicy, promptsThenNewest } from './policy.js';

export const sam2 = definePolicy({
  name: 'sam2',
  settings: {},
  state: 'nothing',
  initial: () => undefined,
  choose: (_, { candidates }) => bestPredicted(candidates),
  admit: (bank, { remember }, { slots }) => withRecent(bank, remember(), slots - 1),
  select: (bank, { slots }) => promptsThenNewest(bank, slots),
});
