/** The zoom buttons on the picture of a room or a recording. Runs in the page. */
import { h, setText } from '../app/dom.js';
import { iconButton } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import type { Disposer } from '../app/signal.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { t } from '../core/texts.js';
import { scaleOf } from '../core/viewport.js';
import type { PointedPicture } from './pointing.js';

export function zoomBar(
  picture: PointedPicture,
  perform: (action: Action) => void,
  disposer: Disposer,
): HTMLElement {
  const zoomLabel = h('span', { class: 'zoom-label' });
  const button = (name: IconName, label: string, action: Action): HTMLButtonElement =>
    iconButton(name, label, () => perform(action), `${label} (${shownKey(action)})`);
  const showZoom = (): void => {
    const size = picture.pictureSize.value;
    const scale = size ? scaleOf(picture.view.value, size, picture.stageSize.value) : 1;
    setText(zoomLabel, scale === 1 ? '1:1' : `${Math.round(scale * 100)} %`);
  };
  for (const signal of [picture.view, picture.stageSize, picture.pictureSize])
    disposer.add(signal.watch(showZoom));
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
