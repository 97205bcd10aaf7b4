/** A wrong address: says so, and leads back. Runs in the page. */
import { t } from '../core/texts.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import type { EndView, ViewContext } from './view.js';

export function unknownView({ element }: ViewContext, address: string): EndView {
  element.replaceChildren(
    h(
      'section',
      { class: 'empty' },
      icon('uncertain'),
      h('h1', {}, t('There is nothing at this address')),
      h('p', {}, t('This page knows no “{address}”.', { address })),
      h('a', { class: 'button primary', href: '#/rooms' }, t('All rooms')),
    ),
  );
  return () => element.replaceChildren();
}
