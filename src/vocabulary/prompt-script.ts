/**
 * Prompts prepared before a run: what a prompt file says, when each of its steps falls due, and which of them can never fit
 * a source. Pure; live mode and replay share it, so that both apply the same prompt at the same frame.
 */
import type { FrameIdentity, SourceFormat } from './frame.js';
import { marksProblem, promptProblemWords, type Prompt } from './prompt.js';

/** When a prompt applies: at a frame of the source, or at the first frame at or after a time within the source. */
export type PromptMoment =
  { readonly kind: 'frame'; readonly frame: number } | { readonly kind: 'time'; readonly timeMs: number };

export interface PlannedPrompt {
  readonly moment: PromptMoment;
  readonly prompt: Prompt;
}

interface PlannedObject {
  readonly label: string;
  /** In the order of the file. */
  readonly prompts: readonly PlannedPrompt[];
}

export interface PromptScript {
  readonly objects: readonly PlannedObject[];
}

/** All prompts that one object gets at one moment: applied as one command. */
export interface PromptStep {
  readonly label: string;
  readonly moment: PromptMoment;
  readonly prompts: readonly Prompt[];
}

/** Timestamps are rounded to milliseconds in prompt files: a frame this little before the time still counts. */
const timeToleranceNs = 500_000;

/** Steps of a script in file order; an object's prompts with equal moments become one step. */
export function planSteps(script: PromptScript): PromptStep[] {
  return script.objects.flatMap((object) => {
    const steps = new Map<string, PromptStep & { prompts: Prompt[] }>();
    for (const { moment, prompt } of object.prompts) {
      const key = moment.kind === 'frame' ? `frame ${moment.frame}` : `time ${moment.timeMs}`;
      const step = steps.get(key);
      if (step) step.prompts.push(prompt);
      else steps.set(key, { label: object.label, moment, prompts: [prompt] });
    }
    return [...steps.values()];
  });
}

/** True from the frame on to which the moment refers. */
export function momentReached(
  moment: PromptMoment,
  frame: Pick<FrameIdentity, 'sourceFrame' | 'mediaNs'>,
): boolean {
  switch (moment.kind) {
    case 'frame':
      return frame.sourceFrame >= moment.frame;
    case 'time':
      return frame.mediaNs + timeToleranceNs >= moment.timeMs * 1e6;
  }
}

/** A moment for the middle of a sentence. */
export function momentWords(moment: PromptMoment): string {
  return moment.kind === 'frame' ? `frame ${moment.frame}` : `${moment.timeMs} ms`;
}

/** Why a prompt of a script can never be applied to a source: no such frame, or a mark that does not fit its picture. */
type ScriptProblem = { readonly label: string; readonly moment: string } & (
  | { readonly kind: 'no-frame'; readonly frames: number }
  | { readonly kind: 'unfit'; readonly problem: string; readonly width: number; readonly height: number }
);

/** The first prompt that cannot fit this source, null when all can. Times count where the source says its rate and length. */
export function scriptProblem({ objects }: PromptScript, format: SourceFormat): ScriptProblem | null {
  const { framesPerSecond, frameCount, size } = format;
  for (const { label, prompts } of objects)
    for (const { moment, prompt } of prompts) {
      const at = { label, moment: momentWords(moment) };
      const frame =
        moment.kind === 'frame' ? moment.frame : Math.floor((moment.timeMs * (framesPerSecond ?? 0)) / 1000);
      if (frameCount !== null && frame >= frameCount) return { kind: 'no-frame', ...at, frames: frameCount };
      const problem = marksProblem([prompt], size);
      if (problem !== null) return { kind: 'unfit', ...at, problem: promptProblemWords[problem], ...size };
    }
  return null;
}
