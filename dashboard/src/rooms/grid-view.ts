/** All rooms at a glance: one live tile per stream. */
import './grid-view.css';
import { isShown } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { Disposer } from '../app/signal.js';
import type { EndView, ViewContext } from '../app/view.js';
import { actionOf } from '../core/keymap.js';
import { writeRoute } from '../core/route.js';
import { openHelp } from '../app/help-dialog.js';
import { openSettings } from '../app/settings-dialog.js';
import { preferences } from '../app/prefs.js';
import { LivePicture } from './live-picture.js';
import { noticeLayer } from './notices.js';
import { isTyping } from '../editor/typing.js';

interface Tile {
  readonly element: HTMLElement;
  readonly end: () => void;
}

function tile(context: ViewContext, stream: string): Tile {
  const { worker } = context;
  const disposer = new Disposer();
  const live = new LivePicture(worker, stream, { label: `Live picture of ${stream}`, overview: true });
  const notices = noticeLayer(false);
  const name = h('span', { class: 'tile-name' });
  const figures = h('span', { class: 'tile-figures' });
  const objects = h('span', { class: 'tile-objects' });
  const element = h(
    'a',
    { class: 'tile', href: writeRoute({ view: 'room', stream }) },
    h('div', { class: 'stage' }, live.canvas, notices.element),
    h('div', { class: 'tile-foot' }, name, objects, figures),
  );
  disposer.add(live.notices.watch((value) => notices.show(value)));
  disposer.add(
    worker.health(stream).watch((health) => {
      setText(name, health?.label !== undefined && health.label !== '' ? health.label : stream);
    }),
  );
  disposer.add(
    live.stats.watch((stats) => {
      const age = stats?.paintedMs ? ` · ${Math.round(stats.paintedMs.p50)} ms` : '';
      setText(figures, stats ? `${stats.shownFps.toFixed(0)} fps${age}` : '');
    }),
  );
  disposer.add(
    live.objects.watch((list) => {
      const followed = list.filter(({ state }) => isShown(state)).length;
      setText(objects, list.length === 0 ? 'No objects' : `${followed} of ${list.length} followed`);
    }),
  );
  disposer.add(() => live.end());
  return { element, end: () => disposer.end() };
}

export function gridView(context: ViewContext): EndView {
  const { worker, element, go } = context;
  const disposer = new Disposer();
  const grid = h('section', { class: 'grid', 'aria-label': 'Rooms' });
  const tiles = new Map<string, Tile>();
  const connecting = h(
    'section',
    { class: 'empty', role: 'status' },
    h('div', { class: 'pulse', 'aria-hidden': 'true' }),
    h('h1', {}),
    h('p', {}),
  );
  const empty = h(
    'section',
    { class: 'empty' },
    icon('source'),
    h('h1', {}, 'No room is open'),
    h(
      'p',
      {},
      'Start the server with a pipeline, or with its two demonstration scenes. Rooms appear here by themselves.',
    ),
    h('pre', { class: 'command' }, './sonoscope demo\n./sonoscope run pipelines/laparoscopy.yaml'),
  );
  const update = (): void => {
    const streams = worker.streams.value;
    for (const [stream, one] of tiles)
      if (!streams.includes(stream)) {
        one.end();
        one.element.remove();
        tiles.delete(stream);
      }
    for (const stream of streams) {
      if (tiles.has(stream)) continue;
      const one = tile(context, stream);
      tiles.set(stream, one);
      grid.append(one.element);
    }
    grid.dataset['count'] = String(streams.length);
    const link = worker.link.value;
    const wanted =
      streams.length > 0 ? grid : link.phase === 'open' && worker.everConnected.value ? empty : connecting;
    const [title, detail] = connecting.querySelectorAll('h1, p');
    if (title && detail) {
      const refused = worker.refused.value;
      const waiting = link.phase === 'waiting';
      setText(
        title,
        refused !== null
          ? 'The server refuses this page'
          : waiting
            ? 'The server does not answer'
            : 'Connecting to the server',
      );
      setText(
        detail,
        refused ??
          (waiting
            ? `Trying again by itself (attempt ${link.attempt + 1}). Is sonoscope running on this address?`
            : 'Rooms appear as soon as it answers.'),
      );
    }
    if (element.firstElementChild !== wanted) element.replaceChildren(wanted);
  };
  for (const signal of [worker.streams, worker.link, worker.everConnected, worker.refused])
    disposer.add(signal.watch(update));
  disposer.listen('keydown', (event) => {
    if (isTyping(event) || document.querySelector('dialog[open]')) return;
    const digit = /^[1-9]$/.exec(event.key);
    const stream = digit ? worker.streams.value[Number(event.key) - 1] : undefined;
    if (stream !== undefined) go({ view: 'room', stream });
    else {
      const action = actionOf(event, preferences.value.pedalCode);
      if (action === 'help') openHelp();
      else if (action === 'settings') openSettings();
      else return;
    }
    event.preventDefault();
  });
  return () => {
    for (const one of tiles.values()) one.end();
    disposer.end();
    element.replaceChildren();
  };
}
