/** Short messages at the bottom of the page, also read aloud by screen readers. */
import { h } from './dom.js';
import { icon } from './icons.js';

const shownMs = 6000;
let region: HTMLElement | null = null;

export function mountToasts(): HTMLElement {
  region = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  return region;
}

export function toast(severity: 'info' | 'error', message: string): void {
  if (!region) return;
  const close = h(
    'button',
    { class: 'icon-button small', type: 'button', 'aria-label': 'Dismiss' },
    icon('close'),
  );
  const element = h(
    'div',
    { class: `toast ${severity}`, role: severity === 'error' ? 'alert' : null },
    icon(severity === 'error' ? 'alarm' : 'info'),
    h('p', {}, message),
    close,
  );
  const end = (): void => element.remove();
  close.addEventListener('click', end);
  // The same sentence twice in a row is one message.
  for (const other of [...region.children]) if (other.textContent === element.textContent) other.remove();
  while (region.children.length >= 3) region.firstElementChild?.remove();
  region.append(element);
  setTimeout(end, shownMs);
}
