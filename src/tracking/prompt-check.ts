/** Prompts as they come from outside, checked against the picture they were given on. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Prompt } from '../vocabulary/prompt.js';
import type { SonoError } from '../vocabulary/errors.js';
import { maxScribblePoints, promptProblem, type PromptProblem } from '../vocabulary/prompt-plan.js';
import { trackingError } from './errors.js';

/** Marks in one command. */
export const maxPrompts = 256;

/** In words, for the end of a sentence. */
export const problemWords: Readonly<Record<PromptProblem, string>> = {
  'not-finite': 'a coordinate is not a number',
  outside: 'it lies outside the picture',
  'box-inside-out': 'the box is inside out',
  'mask-size': 'the mask has another size than the picture',
  'mask-empty': 'the mask marks nothing',
  'scribble-empty': 'the scribble has no points',
  'too-many-points': 'the scribble has too many points',
};

/** The coded error for a problem: SONO_PROMPT_OUTSIDE or SONO_PROMPT_INVALID. */
export function promptRefusal(problem: PromptProblem, size: PictureSize): SonoError {
  return problem === 'outside'
    ? trackingError('SONO_PROMPT_OUTSIDE', { width: size.width, height: size.height })
    : trackingError('SONO_PROMPT_INVALID', { problem: problemWords[problem] });
}

/** Throws SONO_PROMPT_EMPTY, SONO_PROMPT_OUTSIDE or SONO_PROMPT_INVALID. */
export function checkPrompts(prompts: readonly Prompt[], source: PictureSize): void {
  if (prompts.length === 0) throw trackingError('SONO_PROMPT_EMPTY');
  const points = prompts.reduce(
    (sum, prompt) => sum + (prompt.type === 'scribble' ? prompt.points.length : 1),
    0,
  );
  if (prompts.length > maxPrompts || points > maxScribblePoints)
    throw promptRefusal('too-many-points', source);
  for (const prompt of prompts) {
    const problem = promptProblem(prompt, source);
    if (problem !== null) throw promptRefusal(problem, source);
  }
}
