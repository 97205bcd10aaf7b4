/** The memory policies, one line each, in the order in which they are offered to people. */
import { first } from './first.js';
import { gated } from './gated.js';
import { sam2 } from './sam2.js';

export const policies = [sam2, gated, first] as const;
