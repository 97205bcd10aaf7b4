/** The rail of tools beside a picture, in a room and in a recording, and what is done to the picture's objects. Runs in the page. */
import './toolbar.css';
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import type { Disposer, Signal } from '../app/signal.js';
import type { Tool } from '../core/gestures.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { msg, say, t } from '../core/texts.js';
import type { Text } from '../core/texts.js';

const tools: readonly { readonly tool: Tool; readonly name: Text; readonly action: Action }[] = [
  { tool: 'look', name: msg('Look'), action: 'tool-look' },
  { tool: 'include', name: msg('Add'), action: 'tool-include' },
  { tool: 'exclude', name: msg('Exclude'), action: 'tool-exclude' },
  { tool: 'box', name: msg('Box'), action: 'tool-box' },
  { tool: 'scribble', name: msg('Stroke'), action: 'tool-scribble' },
  { tool: 'erase', name: msg('Erase'), action: 'tool-erase' },
  { tool: 'brush', name: msg('Brush'), action: 'tool-brush' },
  { tool: 'rub', name: msg('Rub out'), action: 'tool-rub' },
  { tool: 'polygon', name: msg('Polygon'), action: 'tool-polygon' },
  { tool: 'points', name: msg('Points'), action: 'tool-points' },
];
/** Tools whose marks a model follows, and tools that draw an outline by hand. */
export const markingTools: readonly Tool[] = ['look', 'include', 'exclude', 'box', 'scribble', 'erase'];
export const repairTools: readonly Tool[] = ['brush', 'rub', 'polygon', 'points'];

const steps = {
  undo: { name: msg('Undo'), icon: 'undo' },
  redo: { name: msg('Redo'), icon: 'redo' },
} as const satisfies Partial<Record<Action, { readonly name: Text; readonly icon: IconName }>>;

type Step = keyof typeof steps;

/** The tool that an action chooses, null where it chooses none. */
export function toolOf(action: Action): Tool | null {
  return tools.find((one) => one.action === action)?.tool ?? null;
}

/**
 * `chosen` is the tool in hand; buttons only ask for actions. Where no tool is `offered` there is no rail. `says`: what undo and
 * redo would do, null: nothing; `whole`: in a sentence of its own.
 */
export function toolbar(
  chosen: Signal<Tool>,
  offered: Signal<readonly Tool[]>,
  perform: (action: Action) => void,
  disposer: Disposer,
  stepActions: readonly Step[] = ['undo'],
  says: Signal<Readonly<Record<Step, string | null>>> | null = null,
  whole = false,
): HTMLElement {
  const button = (
    symbol: IconName,
    name: Text,
    action: Action,
    more: Readonly<Record<string, string>> = {},
  ): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'tool',
        title: `${say(name)} (${shownKey(action)})`,
        onclick: () => perform(action),
        ...more,
      },
      icon(symbol),
      h('span', { class: 'tool-name' }, say(name)),
      // The title names the key. It is drawn by style, because the name of a button is what it does.
      h('kbd', { 'aria-hidden': 'true', 'data-key': shownKey(action).replace('Shift ', '⇧') }),
    );
  const toolButtons = tools.map(({ tool, name, action }) =>
    button(tool, name, action, { role: 'radio', 'data-tool': tool }),
  );
  const stepButtons = stepActions.map((action) => ({
    action,
    element: button(steps[action].icon, steps[action].name, action),
  }));
  if (says)
    disposer.add(
      says.watch((words) => {
        for (const { action, element } of stepButtons) {
          const name = say(steps[action].name);
          const said = words[action];
          const what =
            said === null ? name : whole ? said : t('{action}: {what}', { action: name, what: said });
          element.disabled = said === null;
          element.title = `${what} (${shownKey(action)})`;
          element.setAttribute('aria-label', what);
        }
      }),
    );
  const element = h(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': t('Tools'), 'aria-orientation': 'vertical' },
    h('div', { class: 'tool-group', role: 'radiogroup', 'aria-label': t('Pointing tools') }, ...toolButtons),
    h('div', { class: 'tool-group' }, ...stepButtons.map((one) => one.element)),
  );
  disposer.add(
    offered.watch((list) => {
      element.hidden = list.length === 0;
      for (const [index, { tool }] of tools.entries()) {
        const one = toolButtons[index];
        if (one) one.hidden = !list.includes(tool);
      }
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
