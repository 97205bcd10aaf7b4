/** The frame of the page: name, places, connection, help and settings; opens the view that the address names. */
import './shell.css';
import { shownKey } from '../core/keymap.js';
import { readRoute, writeRoute } from '../core/route.js';
import type { Entry, Route } from '../core/route.js';
import { serverText, t } from '../core/texts.js';
import { h, setText, svg } from './dom.js';
import type { PaintingWorker } from './painting-worker.js';
import { openHelp } from './help-dialog.js';
import { icon, iconButton } from './icons.js';
import { openSettings } from './settings-dialog.js';
import { leaveToasts, mountToasts, toast } from './toast.js';
import { openView } from './views.js';
import type { EndView } from './view.js';

function mark(): SVGSVGElement {
  return svg(
    'svg',
    { class: 'mark', viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    svg('path', { class: 'mark-sector', d: 'M5 26 16 5l11 21' }),
    svg('path', { class: 'mark-outline', d: 'M10.2 19.500c3.400 3.800 8.200 3.800 11.600 0' }),
    svg('path', { class: 'mark-arc', d: 'M8 26.500c5 3.200 11 3.200 16 0' }),
  );
}

export function mountShell(root: HTMLElement, worker: PaintingWorker, entry: Entry): void {
  const main = h('main', { class: 'view', id: 'view', tabindex: '-1' });
  const linkText = h('span', {});
  const link = h(
    'div',
    { class: 'link', role: 'status' },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    linkText,
  );
  const rooms = h('a', { href: '#/rooms' }, icon('grid'), h('span', {}, t('Rooms')));
  const recordings = h('a', { href: '#/recordings' }, icon('recordings'), h('span', {}, t('Recordings')));
  const system = h('a', { href: '#/system' }, icon('measure'), h('span', {}, t('System')));
  root.replaceChildren(
    h('a', { class: 'skip', href: '#view' }, t('Skip to the picture')),
    h(
      'header',
      { class: 'top' },
      h(
        'a',
        { class: 'name', href: '#/rooms', 'aria-label': t('sonoscope, all rooms') },
        mark(),
        h('span', {}, 'sonoscope'),
      ),
      h('nav', { 'aria-label': t('Places') }, rooms, recordings, system),
      h(
        'p',
        { class: 'research', title: t('Not a medical device. Not for diagnosis or treatment.') },
        t('Research use only'),
      ),
      link,
      iconButton('settings', t('Settings ({key})', { key: shownKey('settings') }), openSettings),
      iconButton('help', t('Keys ({key})', { key: shownKey('help') }), openHelp),
    ),
    main,
    mountToasts(),
  );

  let end: EndView = () => undefined;
  let shown = '';
  const go = (route: Route): void => {
    location.hash = writeRoute(route);
  };
  const open = (): void => {
    const route = readRoute(location.hash, entry);
    const address = writeRoute(route);
    if (address === shown) return;
    shown = address;
    leaveToasts();
    end();
    main.className = `view view-${route.view}`;
    end = openView(route, { worker, element: main, go });
    const current = (on: boolean): string => (on ? 'page' : 'false');
    rooms.setAttribute('aria-current', current(route.view === 'rooms'));
    recordings.setAttribute('aria-current', current(route.view === 'recordings'));
    system.setAttribute('aria-current', current(route.view === 'system'));
    document.title =
      route.view === 'room' || route.view === 'acceptance' ? `${route.stream} · sonoscope` : 'sonoscope';
  };
  window.addEventListener('hashchange', (event) => {
    // `#view` is the target of the skip link, not the address of a view.
    if (new URL(event.newURL).hash === '#view') {
      main.focus();
      history.replaceState(null, '', event.oldURL);
      return;
    }
    open();
  });
  open();

  worker.link.watch((state) => {
    link.dataset['phase'] = state.phase;
    switch (state.phase) {
      case 'open':
        setText(linkText, t('Connected'));
        link.title = state.serverName;
        return;
      case 'connecting':
        setText(linkText, state.attempt > 1 ? t('Reconnecting') : t('Connecting'));
        return;
      case 'waiting':
        setText(linkText, t('Reconnecting'));
        link.title = `${serverText(state.reason)} ${t('Attempt {n}.', { n: state.attempt })}`;
        return;
      case 'closed':
        setText(linkText, t('Not connected'));
        return;
    }
  });
  worker.remark.watch((remark) => {
    if (remark) toast('error', serverText(remark.message));
  });
}
