/** The objects of a project beside the picture: state and confidence on the picture that is shown, rename, remove. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { paintOf } from '../../../src/vocabulary/palette.js';
import { stateWords } from '../core/wording.js';
import type { FrameMasks } from './api.js';

interface ObjectActions {
  readonly select: (label: string | null) => void;
  readonly rename: (label: string) => void;
  readonly remove: (label: string) => void;
}

interface ProjectObjects {
  readonly element: HTMLElement;
  /** `masks`: of the picture that is shown, null where none is. */
  update(objects: ProjectState['objects'], masks: FrameMasks | null, selected: string | null): void;
}

export function projectObjects(actions: ObjectActions): ProjectObjects {
  const element = h('ul', { class: 'project-objects' });
  const tool = (name: 'rename' | 'remove', text: string, onclick: () => void): HTMLButtonElement =>
    h('button', { type: 'button', class: 'icon-button small', 'aria-label': text, onclick }, icon(name));
  const row = (label: string, index: number, words: string, chosen: boolean): HTMLElement =>
    h(
      'li',
      { class: chosen ? 'chosen' : '' },
      h(
        'button',
        {
          type: 'button',
          class: 'project-object',
          'aria-pressed': String(chosen),
          onclick: () => actions.select(chosen ? null : label),
        },
        h('span', { class: 'swatch', style: `background:${paintOf(index + 1).hex}` }, String(index + 1)),
        h('span', {}, label),
        h('span', { class: 'muted' }, words),
      ),
      tool('rename', `Rename ${label}`, () => actions.rename(label)),
      tool('remove', `Remove ${label}`, () => actions.remove(label)),
    );
  return {
    element,
    update: (objects, masks, selected) =>
      element.replaceChildren(
        ...objects.map(({ label }, index) => {
          const found = masks?.objects.find((object) => object.label === label);
          const words = found
            ? `${stateWords[found.state].word} ${Math.round(found.confidence * 100)} %`
            : 'not tracked here';
          return row(label, index, words, label === selected);
        }),
      ),
  };
}
