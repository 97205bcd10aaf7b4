/** The place of recorded cases in the page. `rest` is what follows `#/recordings/`. */
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { EndView, ViewContext } from '../app/view.js';

export function recordingsView({ element }: ViewContext, _rest: string): EndView {
  element.replaceChildren(
    h(
      'section',
      { class: 'empty' },
      icon('recordings'),
      h('h1', {}, 'Recordings'),
      h(
        'p',
        {},
        'Recorded cases are analysed on the command line in this version; every frame gets its mask, twice the same.',
      ),
      h('pre', { class: 'command' }, './sonoscope replay CASE.mp4 --prompt prompts.json --out results'),
    ),
  );
  return () => element.replaceChildren();
}
