/** What "undo" and "redo" would do, in words. Pure. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';

type Change = NonNullable<ProjectState['undo']>;

const words: Readonly<Record<Change['kind'], (name: string) => string>> = {
  add: (name) => `mark on ${name}`,
  move: (name) => `moved mark of ${name}`,
  removeMark: (name) => `removed mark of ${name}`,
  repair: (name) => `outline drawn of ${name}`,
  import: () => 'imported masks',
  hide: (name) => `hiding ${name}`,
  show: (name) => `showing ${name}`,
  lock: (name) => `locking ${name}`,
  unlock: (name) => `unlocking ${name}`,
  rename: (name) => `new name ${name}`,
  removeObject: (name) => `removing ${name}`,
  correct: (name) => `correction of ${name}`,
};

/** null: nothing can be taken back. */
export function changeWords(change: ProjectState['undo']): string | null {
  return change && words[change.kind](change.label ?? 'the beats');
}
