/** Remembers nothing but prompts: the baseline. */
import { bestPredicted, definePolicy, promptsThenNewest } from './policy.js';

export const first = definePolicy({
  name: 'first',
  settings: {},
  state: 'nothing',
  initial: () => undefined,
  choose: (_, { candidates }) => bestPredicted(candidates),
  admit: (bank) => bank,
  select: (bank, { slots }) => promptsThenNewest(bank, slots),
});
