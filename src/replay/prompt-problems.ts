/** Prompts that lie where no frame is. Pure. */
import type { SonoError } from '../vocabulary/errors.js';
import { momentWords, type PromptStep } from '../vocabulary/prompt-script.js';
import { replayError } from './errors.js';

export function outOfRange({ label, moment }: Pick<PromptStep, 'label' | 'moment'>): SonoError {
  return replayError('SONO_REPLAY_PROMPT_RANGE', { label, moment: momentWords(moment) });
}

/** The source has ended before the prompt's frame. */
export function unknownFrame({ label, moment }: PromptStep, frames: number): SonoError {
  return replayError('SONO_REPLAY_PROMPT_FRAME', { label, moment: momentWords(moment), frames });
}
