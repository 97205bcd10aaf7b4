/** What "undo" and "redo" would do, in words. Pure. */
import { t } from './texts.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';

type Change = NonNullable<ProjectState['undo']>;

const words: Readonly<Record<Change['kind'], (name: string) => string>> = {
  add: (name) => t('mark on {name}', { name }),
  move: (name) => t('moved mark of {name}', { name }),
  removeMark: (name) => t('removed mark of {name}', { name }),
  repair: (name) => t('outline drawn of {name}', { name }),
  import: () => t('imported masks'),
  hide: (name) => t('hiding {name}', { name }),
  show: (name) => t('showing {name}', { name }),
  lock: (name) => t('locking {name}', { name }),
  unlock: (name) => t('unlocking {name}', { name }),
  rename: (name) => t('new name {name}', { name }),
  removeObject: (name) => t('removing {name}', { name }),
  correct: (name) => t('correction of {name}', { name }),
};

/** null: nothing can be taken back. */
export function changeWords(change: ProjectState['undo']): string | null {
  return change && words[change.kind](change.label ?? t('the beats'));
}
