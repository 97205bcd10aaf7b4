/**
 * The answer to a prompt, at once and on its own picture: a small still beside the live picture. The live picture has
 * moved on, and a mask is never painted on another frame.
 */
import './first-mask-card.css';
import { h } from '../app/dom.js';
import { icon, iconButton } from '../app/icons.js';
import { stateWords } from '../core/wording.js';
import { say, t } from '../core/texts.js';
import type { FromWorker } from '../worker/messages.js';

type FirstMask = Extract<FromWorker, { readonly type: 'first-mask' }>;
const shownMs = 6000;

export function firstMaskCard(answer: FirstMask, undo: () => void): HTMLElement {
  const end = (): void => card.remove();
  const takeBack = (): void => {
    end();
    undo();
  };
  const children: Node[] = [];
  if (answer.picture) {
    const canvas = h('canvas', { width: answer.picture.width, height: answer.picture.height });
    canvas.getContext('bitmaprenderer')?.transferFromImageBitmap(answer.picture);
    children.push(canvas);
  }
  const card = h(
    'figure',
    { class: 'first-mask', role: 'status' },
    ...children,
    h(
      'figcaption',
      {},
      h(
        'span',
        {},
        h('strong', {}, answer.label),
        h(
          'small',
          {},
          t('{state}, {percent} %. Found in {ms} ms', {
            state: say(stateWords[answer.state].word),
            percent: Math.round(answer.confidence * 100),
            ms: Math.round(answer.waitedMs),
          }),
        ),
      ),
      h('button', { type: 'button', class: 'chip-button', onclick: takeBack }, icon('undo'), t('Undo')),
      iconButton('close', t('Close'), end, null),
    ),
  );
  const tick = (): void => {
    // Stays while somebody points at it or has it in focus.
    if (card.matches(':hover, :focus-within')) setTimeout(tick, 1000);
    else end();
  };
  setTimeout(tick, shownMs);
  return card;
}
