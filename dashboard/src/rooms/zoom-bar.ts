/** The zoom buttons on the picture of a room. Runs in the page. */
import { h, setText } from '../app/dom.js';
import { iconButton } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import type { Disposer } from '../app/signal.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { scaleOf } from '../core/viewport.js';
import { t } from '../core/texts.js';
import type { LivePicture } from './live-picture.js';

export function zoomBar(
  live: LivePicture,
  perform: (action: Action) => void,
  disposer: Disposer,
): HTMLElement {
  const zoomLabel = h('span', { class: 'zoom-label' });
  const button = (name: IconName, label: string, action: Action): HTMLButtonElement =>
    iconButton(name, label, () => perform(action), `${label} (${shownKey(action)})`);
  const showZoom = (): void => {
    const size = live.pictureSize.value;
    const scale = size ? scaleOf(live.view.value, size, live.stageSize.value) : 1;
    setText(zoomLabel, scale === 1 ? '1:1' : `${Math.round(scale * 100)} %`);
  };
  for (const signal of [live.view, live.stageSize, live.pictureSize]) disposer.add(signal.watch(showZoom));
  return h(
    'div',
    { class: 'zoom', role: 'group', 'aria-label': t('Zoom') },
    button('zoomOut', t('Zoom out'), 'zoom-out'),
    zoomLabel,
    button('zoomIn', t('Zoom in'), 'zoom-in'),
    button('fit', t('Whole picture'), 'fit'),
    button('actual', t('True size 1:1'), 'actual'),
  );
}
