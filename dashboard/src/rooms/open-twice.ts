/** Says that a recording is open already, and asks what the person wants: go there, or open it again. */
import { h, setText } from '../app/dom.js';
import { t } from '../core/texts.js';

interface OpenTwice {
  readonly element: HTMLElement;
  /** Resolves with true: open it again; false: go to what is open. The last question counts. */
  ask(sentence: string): Promise<boolean>;
  hide(): void;
}

export function openTwice(): OpenTwice {
  const text = h('p', { role: 'status' });
  let answer: ((again: boolean) => void) | null = null;
  const button = (words: string, again: boolean, kind: string): HTMLButtonElement =>
    h('button', { type: 'button', class: `button ${kind}`.trim(), onclick: () => answer?.(again) }, words);
  const go = button(t('Go to it'), false, 'primary');
  const element = h(
    'div',
    { class: 'open-twice', hidden: true },
    text,
    h('div', { class: 'actions' }, button(t('Open again'), true, ''), go),
  );
  const hide = (): void => {
    element.hidden = true;
    answer = null;
  };
  return {
    element,
    hide,
    ask: (sentence) =>
      new Promise((resolve) => {
        setText(text, sentence);
        element.hidden = false;
        go.focus();
        answer = (again) => {
          hide();
          resolve(again);
        };
      }),
  };
}
