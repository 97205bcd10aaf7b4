/**
 * The clean feed (`?clean=1&room=ID`): the raw picture, full window, never any graphics: no outlines, no names, no
 * warnings, no pointer. A picture that is more than a second old turns black, because nothing else may say that it is
 * not live. Only before the first picture a word says what is waited for: there is nothing yet that it could cover.
 */
import './clean-feed.css';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { t } from '../core/texts.js';
import { LivePicture } from './live-picture.js';

export function mountCleanFeed(root: HTMLElement, worker: PaintingWorker, wanted: string | null): void {
  document.documentElement.classList.add('clean');
  document.title = t('Clean feed');
  const word = h('p', { class: 'clean-word', role: 'status' });
  const stage = h('div', { class: 'clean-feed' }, word);
  root.replaceChildren(stage);
  let live: LivePicture | null = null;
  let came = false;
  const say = (): void => {
    if (came) word.remove();
    const stream = live?.stream ?? wanted;
    const streams = worker.streams.value;
    const label = stream === null ? '' : (worker.infos.value.get(stream)?.label ?? '');
    setText(
      word,
      stream === null || streams.length === 0
        ? t('Waiting for the server …')
        : streams.includes(stream)
          ? t('Waiting for the first picture of {name} …', { name: label === '' ? stream : label })
          : t('The server has no room called “{stream}”.', { stream }),
    );
  };
  worker.streams.watch((streams) => {
    const stream = wanted ?? streams[0];
    if (stream !== undefined && live?.stream !== stream) {
      live?.end();
      live = new LivePicture(worker, stream, {
        clean: true,
        label: t('Clean feed of {room}', { room: stream }),
      });
      live.pictureSize.watch((size) => {
        came ||= size !== null;
        say();
      });
      stage.replaceChildren(live.canvas, ...(came ? [] : [word]));
    }
    say();
  });
  worker.infos.watch(say);
  stage.addEventListener(
    'dblclick',
    () => void document.documentElement.requestFullscreen().catch(() => undefined),
  );
}
