/** How outlines are drawn, beside every picture: on or off, filled, named. Runs in the page. */
import './outline-settings.css';
import { shownKey } from '../core/keymap.js';
import { h, setText } from '../app/dom.js';
import { prefer, preferences } from '../app/prefs.js';
import { t } from '../core/texts.js';
import type { Disposer, Signal } from '../app/signal.js';

export function outlineSettings(
  overlayOn: Signal<boolean>,
  toggleOverlay: () => void,
  disposer: Disposer,
): HTMLElement {
  const onOff = h('small', {});
  const overlaySwitch = h(
    'button',
    { type: 'button', class: 'switch', role: 'switch', onclick: toggleOverlay },
    h('span', { class: 'switch-track', 'aria-hidden': 'true' }, h('span', { class: 'switch-thumb' })),
    h('span', { class: 'switch-text' }, h('strong', {}, t('Outlines')), onOff),
    h('kbd', {}, shownKey('overlay')),
  );
  const fill = h('input', {
    type: 'range',
    min: 0,
    max: 100,
    step: 5,
    id: 'fill',
    'aria-label': t('Fill opacity'),
  });
  const fillValue = h('output', { for: 'fill' });
  fill.addEventListener('input', () => prefer({ fillOpacity: Number(fill.value) / 100 }));
  const labels = h('input', { type: 'checkbox', id: 'labels' });
  labels.addEventListener('change', () => prefer({ labels: labels.checked }));
  disposer.add(
    overlayOn.watch((on) => {
      overlaySwitch.setAttribute('aria-checked', String(on));
      setText(onOff, on ? t('On') : t('Off'));
    }),
  );
  disposer.add(
    preferences.watch(({ fillOpacity, labels: shown }) => {
      fill.value = String(Math.round(fillOpacity * 100));
      setText(fillValue, fillOpacity === 0 ? t('none') : `${Math.round(fillOpacity * 100)} %`);
      labels.checked = shown;
    }),
  );
  return h(
    'section',
    { class: 'outline-settings' },
    overlaySwitch,
    h('div', { class: 'slider' }, h('label', { for: 'fill' }, t('Fill')), fill, fillValue),
    h('label', { class: 'check', for: 'labels' }, labels, t('Names beside outlines')),
  );
}
