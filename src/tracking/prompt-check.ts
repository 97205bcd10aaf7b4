/** Marks as they come to the tracker, checked against the picture they were given on. Pure. */
import type { PictureSize } from '../vocabulary/frame.js';
import { marksProblem, promptProblemWords, type Prompt } from '../vocabulary/prompt.js';
import { trackingError } from './errors.js';

/** Throws SONO_PROMPT_EMPTY, SONO_PROMPT_OUTSIDE or SONO_PROMPT_INVALID. */
export function checkPrompts(prompts: readonly Prompt[], source: PictureSize): void {
  if (prompts.length === 0) throw trackingError('SONO_PROMPT_EMPTY');
  const problem = marksProblem(prompts, source);
  if (problem === 'outside')
    throw trackingError('SONO_PROMPT_OUTSIDE', { width: source.width, height: source.height });
  if (problem !== null) throw trackingError('SONO_PROMPT_INVALID', { problem: promptProblemWords[problem] });
}
