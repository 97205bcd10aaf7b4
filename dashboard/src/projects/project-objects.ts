/** The objects of a project beside the picture: state and confidence on the picture that is shown, rename, remove. */
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { PictureKind } from '../../../src/vocabulary/picture-kind.js';
import { colourOf } from '../../../src/vocabulary/palette.js';
import { stateWords } from '../core/wording.js';
import type { FrameMasks } from './api.js';

interface ObjectActions {
  readonly select: (label: string | null) => void;
  readonly rename: (label: string) => void;
  readonly remove: (label: string) => void;
}

interface ListedObjects {
  /** Of the picture that is shown, null where none is. */
  readonly masks: FrameMasks | null;
  readonly selected: string | null;
  /** Of the recording: which set of colours. */
  readonly kind: PictureKind | undefined;
  /** They can be renamed and removed: a person has marked them. */
  readonly editable: boolean;
}

interface ProjectObjects {
  readonly element: HTMLElement;
  update(labels: readonly string[], shown: ListedObjects): void;
}

export function projectObjects(actions: ObjectActions): ProjectObjects {
  const element = h('ul', { class: 'project-objects' });
  const tool = (name: 'rename' | 'remove', text: string, onclick: () => void): HTMLButtonElement =>
    h('button', { type: 'button', class: 'icon-button small', 'aria-label': text, onclick }, icon(name));
  const row = (
    label: string,
    index: number,
    words: string,
    {
      chosen,
      editable,
      kind,
    }: { readonly chosen: boolean; readonly editable: boolean; readonly kind: PictureKind | undefined },
  ): HTMLElement =>
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
        h('span', { class: 'swatch', style: `background:${colourOf(index, kind)}` }, String(index + 1)),
        h('span', {}, label),
        h('span', { class: 'muted' }, words),
      ),
      editable && tool('rename', `Rename ${label}`, () => actions.rename(label)),
      editable && tool('remove', `Remove ${label}`, () => actions.remove(label)),
    );
  return {
    element,
    update: (labels, { masks, selected, kind, editable }) =>
      element.replaceChildren(
        ...labels.map((label, index) => {
          const found = masks?.objects.find((object) => object.label === label);
          const words = found
            ? `${stateWords[found.state].word} ${Math.round(found.confidence * 100)} %${found.corrected ? ', corrected by hand' : ''}`
            : 'not tracked here';
          return row(label, index, words, { chosen: label === selected, editable, kind });
        }),
      ),
  };
}
