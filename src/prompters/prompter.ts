/**
 * A prompter turns frames into marks without a person: a prompt file that says what to mark at which frame, later a network
 * that finds objects. A new one is a file of its own and one entry in `makers`. Main thread; pure but for what one does.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { PromptAuthor } from '../vocabulary/prompt.js';
import type { PromptScript, PromptStep } from '../vocabulary/prompt-script.js';
import { PromptSchedule } from './prompt-schedule.js';

export interface Prompter {
  /** Travels with each command into the journal. */
  readonly author: Exclude<PromptAuthor, 'person'>;
  /**
   * Marks to apply before `frame` is tracked, in this order; labels are the prompter's own names for its objects. Frames
   * come in order; a frame whose `discontinuity` differs from the one before begins the source anew. What is thrown costs the frame its
   * result.
   */
  due(frame: AnalysisFrame): readonly PromptStep[] | Promise<readonly PromptStep[]>;
  /** Marks that were prepared for this turn of the source and have not come yet. */
  readonly pending: readonly PromptStep[];
}

/** What prompters are made from: a setting for each kind, null where it is not wanted. */
interface PrompterSettings {
  readonly script: PromptScript | null;
}

const makers: readonly ((settings: PrompterSettings) => Prompter | null)[] = [
  ({ script }) => script && new PromptSchedule(script),
];

export function createPrompters(settings: PrompterSettings): Prompter[] {
  return makers.flatMap((make) => make(settings) ?? []);
}
