/**
 * The clean feed (`?clean=1&room=ID`): the raw picture, full window, never any graphics: no outlines, no names, no
 * warnings, no pointer. A picture that is more than a second old turns black, because nothing else may say that it is
 * not live.
 */
import './clean-feed.css';
import { h } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { LivePicture } from './live-picture.js';
import { t } from '../core/texts.js';

export function mountCleanFeed(root: HTMLElement, worker: PaintingWorker, wanted: string | null): void {
  document.documentElement.classList.add('clean');
  document.title = t('Clean feed');
  const stage = h('div', { class: 'clean-feed' });
  root.replaceChildren(stage);
  let live: LivePicture | null = null;
  worker.streams.watch((streams) => {
    const stream = wanted ?? streams[0];
    if (stream === undefined || live?.stream === stream) return;
    live?.end();
    live = new LivePicture(worker, stream, {
      clean: true,
      label: t('Clean feed of {room}', { room: stream }),
    });
    stage.replaceChildren(live.canvas);
  });
  stage.addEventListener(
    'dblclick',
    () => void document.documentElement.requestFullscreen().catch(() => undefined),
  );
}
