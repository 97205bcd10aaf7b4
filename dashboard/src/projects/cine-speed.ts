/** How fast a recording plays, and one picture back or on: buttons beside Play. Runs in the page. */
import { h } from '../app/dom.js';
import { t } from '../core/texts.js';
import type { FramePlayer } from './frame-player.js';

/** Shares of the recording's own rate. */
const rates = [0.25, 0.5, 1, 2] as const;

export function cineSpeed(player: Pick<FramePlayer, 'rate' | 'frame' | 'play' | 'seek'>): HTMLElement {
  const step = (by: 1 | -1, name: string, sign: string): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'icon-button',
        'aria-label': name,
        title: name,
        onclick: () => {
          player.play(0);
          player.seek(player.frame + by);
        },
      },
      sign,
    );
  const choice = h(
    'select',
    { 'aria-label': t('Speed') },
    ...rates.map((rate) => h('option', { value: rate, selected: rate === player.rate }, `${rate}×`)),
  );
  choice.addEventListener('change', () => {
    player.rate = Number(choice.value);
  });
  return h(
    'span',
    { class: 'cine-speed' },
    step(-1, t('One picture back'), '◂'),
    step(1, t('One picture on'), '▸'),
    choice,
  );
}
