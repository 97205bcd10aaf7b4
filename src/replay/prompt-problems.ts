/** Prompts that lie where no frame is. Pure. */
import type { SonoError } from '../vocabulary/errors.js';
import type { PromptMoment, PromptStep } from '../vocabulary/prompt-plan.js';
import { replayError } from './errors.js';

export function momentWords(moment: PromptMoment): string {
  return moment.kind === 'frame' ? `frame ${moment.frame}` : `${moment.timeMs} ms`;
}

export function outOfRange({ label, moment }: PromptStep): SonoError {
  return replayError('SONO_REPLAY_PROMPT_RANGE', { label, moment: momentWords(moment) });
}

/** The source has ended before the prompt's frame. */
export function unknownFrame({ label, moment }: PromptStep, frames: number): SonoError {
  return replayError('SONO_REPLAY_PROMPT_FRAME', { label, moment: momentWords(moment), frames });
}
