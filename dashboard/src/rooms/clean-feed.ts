/**
 * The clean feed (`?clean=1&room=ID`): the raw picture, full window, never any graphics: no outlines, no names, no
 * warnings, no pointer. A picture that is more than a second old turns black, because nothing else may say that it is
 * not live.
 */
import { h } from '../app/dom.js';
import type { Engine } from '../app/engine.js';
import { LivePicture } from './live-picture.js';

export function mountCleanFeed(root: HTMLElement, engine: Engine, room: string | null): void {
  document.documentElement.classList.add('clean');
  document.title = 'clean feed';
  const stage = h('div', { class: 'clean-feed' });
  root.replaceChildren(stage);
  let live: LivePicture | null = null;
  engine.streams.watch((streams) => {
    const stream = room ?? streams[0];
    if (stream === undefined || live?.stream === stream) return;
    live?.end();
    live = new LivePicture(engine, stream, { clean: true, label: `Clean feed of ${stream}` });
    stage.replaceChildren(live.canvas);
  });
  stage.addEventListener(
    'dblclick',
    () => void document.documentElement.requestFullscreen().catch(() => undefined),
  );
}
