/** The toolbar of a room: pointing tools and undo. Runs in the page. */
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { Disposer, Signal } from '../app/signal.js';
import type { Tool } from '../core/gestures.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { undoSentence } from '../core/wording.js';
import type { Undoable } from '../../../src/vocabulary/undoable.js';

const tools: readonly { readonly tool: Tool; readonly name: string; readonly action: Action }[] = [
  { tool: 'look', name: 'Look', action: 'tool-look' },
  { tool: 'include', name: 'Add', action: 'tool-include' },
  { tool: 'exclude', name: 'Exclude', action: 'tool-exclude' },
  { tool: 'box', name: 'Box', action: 'tool-box' },
  { tool: 'scribble', name: 'Stroke', action: 'tool-scribble' },
  { tool: 'erase', name: 'Erase', action: 'tool-erase' },
];

/** The tool that an action chooses, null where it chooses none. */
export function toolOf(action: Action): Tool | null {
  return tools.find((one) => one.action === action)?.tool ?? null;
}

/**
 * `chosen` is the tool in hand; buttons only ask for actions. Without `points` there is nothing to point at, and no toolbar. `undo`: what
 * the Undo button takes back, null: nothing; undefined: the server does not say.
 */
export function toolbar(
  chosen: Signal<Tool>,
  points: Signal<boolean>,
  undo: Signal<Undoable | null | undefined>,
  perform: (action: Action) => void,
  disposer: Disposer,
): HTMLElement {
  const button = (
    symbol: Tool | 'undo',
    name: string,
    action: Action,
    more: Readonly<Record<string, string>> = {},
  ): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'tool',
        title: `${name} (${shownKey(action)})`,
        onclick: () => perform(action),
        ...more,
      },
      icon(symbol),
      h('span', { class: 'tool-name' }, name),
      h('kbd', {}, shownKey(action)),
    );
  const toolButtons = tools.map(({ tool, name, action }) =>
    button(tool, name, action, { role: 'radio', 'data-tool': tool }),
  );
  const undoButton = button('undo', 'Undo', 'undo');
  const element = h(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': 'Tools', 'aria-orientation': 'vertical' },
    h('div', { class: 'tool-group', role: 'radiogroup', 'aria-label': 'Pointing tools' }, ...toolButtons),
    undoButton,
  );
  disposer.add(
    undo.watch((step) => {
      const sentence = step ? undoSentence(step) : step === null ? 'Nothing to undo' : 'Undo';
      undoButton.title = `${sentence} (${shownKey('undo')})`;
      undoButton.setAttribute('aria-label', sentence);
      undoButton.setAttribute('aria-disabled', String(step === null));
    }),
  );
  disposer.add(
    points.watch((on) => {
      element.hidden = !on;
    }),
  );
  disposer.add(
    chosen.watch((tool) => {
      for (const button of toolButtons)
        button.setAttribute('aria-checked', String(button.dataset['tool'] === tool));
    }),
  );
  return element;
}
