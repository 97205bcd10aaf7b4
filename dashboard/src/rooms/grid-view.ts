/** All rooms at a glance: one live tile per stream. */
import './grid-view.css';
import { isShown } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { ask, askName } from '../app/ask.js';
import { icon, iconButton } from '../app/icons.js';
import { Disposer } from '../app/signal.js';
import type { EndView, ViewContext } from '../app/view.js';
import { actionOf } from '../core/keymap.js';
import { writeRoute } from '../core/route.js';
import { serverText, t } from '../core/texts.js';
import { openHelp } from '../app/help-dialog.js';
import { openSettings } from '../app/settings-dialog.js';
import { preferences } from '../app/prefs.js';
import { LivePicture } from './live-picture.js';
import { noticeLayer } from './notices.js';
import { isTyping } from '../editor/typing.js';
import { openAddRoom } from './source-dialog.js';

interface Tile {
  /** Renaming and closing; hidden where the server does not offer it. */
  readonly tools: HTMLElement;
  readonly element: HTMLElement;
  readonly end: () => void;
}

function tile(context: ViewContext, stream: string): Tile {
  const { worker } = context;
  const disposer = new Disposer();
  const live = new LivePicture(worker, stream, {
    label: t('Live picture of {stream}', { stream }),
    overview: true,
  });
  const notices = noticeLayer(false);
  const name = h('span', {});
  const figures = h('span', { class: 'tile-figures' });
  const objects = h('span', { class: 'tile-objects' });
  const label = (): string => {
    const known = worker.health(stream).value?.label ?? '';
    return known === '' ? stream : known;
  };
  const tools = h('span', { class: 'row' });
  const href = writeRoute({ view: 'room', stream });
  // The name is the way in by keyboard and for screen readers; a mouse or finger may press anywhere on the picture.
  const way = h('a', { class: 'tile-way', href, tabindex: -1, 'aria-hidden': 'true' });
  const picture = h('div', { class: 'stage' }, live.canvas, notices.element, way);
  const element = h(
    'article',
    { class: 'tile' },
    picture,
    h('div', { class: 'tile-foot' }, h('a', { class: 'tile-name', href }, name), objects, figures, tools),
  );
  disposer.add(live.notices.watch((value) => notices.show(value)));
  disposer.add(
    worker.health(stream).watch((health) => {
      if (health?.label === name.textContent) return;
      setText(name, label());
      tools.replaceChildren(
        iconButton('rename', t('Rename {name}', { name: label() }), () =>
          askName(label(), (wanted) => worker.call('room.rename', { stream, label: wanted })),
        ),
        iconButton('close', t('Close {name}', { name: label() }), () => askClose(context, stream, label())),
      );
    }),
  );
  disposer.add(
    live.stats.watch((stats) => {
      setText(
        figures,
        stats === null
          ? ''
          : stats.paintedMs
            ? t('{rate} per second, {ms} ms old', {
                rate: Math.round(stats.shownFps),
                ms: Math.round(stats.paintedMs.p50),
              })
            : t('{rate} per second', { rate: Math.round(stats.shownFps) }),
      );
    }),
  );
  disposer.add(
    live.objects.watch((list) => {
      const followed = list.filter(({ state }) => isShown(state)).length;
      setText(
        objects,
        list.length === 0 ? t('No objects') : t('{n} of {all} followed', { n: followed, all: list.length }),
      );
    }),
  );
  disposer.add(() => live.end());
  return { element, tools, end: () => disposer.end() };
}

function askClose({ worker }: ViewContext, stream: string, label: string): void {
  const recording = worker.health(stream).value?.recording === true;
  ask(
    t('Close {label}', { label }),
    t('Close room'),
    [
      h(
        'p',
        {},
        recording
          ? t('Its source ends for everybody, and its recording is completed. What was recorded stays.')
          : t('Its source ends for everybody. What was recorded of it stays.'),
      ),
    ],
    () => worker.call('room.close', { stream }),
  );
}

export function gridView(context: ViewContext): EndView {
  const { worker, element, go } = context;
  const disposer = new Disposer();
  const grid = h('section', { class: 'grid', 'aria-label': t('Rooms') });
  const add = (): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'button primary',
        hidden: true,
        onclick: () => openAddRoom(worker, (stream) => go({ view: 'room', stream })),
      },
      icon('plus'),
      t('Add a room'),
    );
  const adders = [add(), add()] as const;
  const rooms = h(
    'div',
    { class: 'rooms' },
    h('header', { class: 'rooms-head' }, h('h1', {}, t('Rooms')), adders[0]),
    grid,
  );
  /** Whether this server takes rooms; recordings that are played come from elsewhere. */
  let takesRooms = false;
  const showTools = (): void => {
    for (const button of adders) button.hidden = !takesRooms;
    for (const { tools } of tiles.values()) tools.hidden = !takesRooms;
  };
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
    h('h1', {}, t('No room is open')),
    h(
      'p',
      {},
      t(
        'A room shows one source: a camera, a recording or a generated scene. Rooms appear here by themselves.',
      ),
    ),
    adders[1],
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
    showTools();
    grid.dataset['count'] = String(streams.length);
    const link = worker.link.value;
    const wanted =
      streams.length > 0 ? rooms : link.phase === 'open' && worker.everConnected.value ? empty : connecting;
    const [title, detail] = connecting.querySelectorAll('h1, p');
    if (title && detail) {
      const refused = worker.refused.value;
      const waiting = link.phase === 'waiting';
      setText(
        title,
        refused !== null
          ? t('The server refuses this page')
          : waiting
            ? t('The server does not answer')
            : t('Connecting to the server'),
      );
      setText(
        detail,
        (refused === null ? null : serverText(refused)) ??
          (waiting
            ? t('Trying again by itself (attempt {n}). Is sonoscope running on this address?', {
                n: link.attempt + 1,
              })
            : t('Rooms appear as soon as it answers.')),
      );
    }
    if (element.firstElementChild !== wanted) element.replaceChildren(wanted);
  };
  for (const signal of [worker.streams, worker.link, worker.everConnected, worker.refused])
    disposer.add(signal.watch(update));
  const askServer = (): void => {
    if (worker.link.value.phase !== 'open') return;
    worker.call('system.get', {}).then(
      ({ mostRooms }) => {
        takesRooms = mostRooms !== null;
        showTools();
      },
      // A server that does not say takes none.
      () => undefined,
    );
  };
  disposer.add(worker.link.watch(askServer));
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
