/** Short messages at the bottom of the page, also read aloud by screen readers. */
import './toast.css';
import { serverText, t } from '../core/texts.js';
import { h } from './dom.js';
import { icon, iconButton } from './icons.js';

const shownMs = 6000;
/** A message that is not older may be the reason why the place has changed. */
const justNowMs = 500;
let region: HTMLElement | null = null;

export function mountToasts(): HTMLElement {
  const made = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  region = made;
  // In full screen only what lies inside that element is seen.
  document.addEventListener('fullscreenchange', () => {
    (document.fullscreenElement ?? document.getElementById('app') ?? document.body).append(made);
  });
  return made;
}

/** `action`: what the person may do about it, with one press. The message stays for `forMs`. */
export function toast(
  severity: 'info' | 'error',
  message: string,
  {
    action,
    forMs = shownMs,
  }: {
    readonly action?: { readonly name: string; readonly act: () => void };
    readonly forMs?: number;
  } = {},
): void {
  if (!region) return;
  const element = h(
    'div',
    { class: `toast ${severity}`, role: severity === 'error' ? 'alert' : null },
    icon(severity === 'error' ? 'alarm' : 'info'),
    h('p', {}, message),
    ...(action
      ? [
          h(
            'button',
            {
              type: 'button',
              class: 'chip-button',
              onclick: () => {
                element.remove();
                action.act();
              },
            },
            action.name,
          ),
        ]
      : []),
    iconButton('close', t('Dismiss'), () => element.remove(), null),
  );
  element.dataset['atMs'] = String(performance.now());
  // The same sentence twice in a row is one message.
  for (const other of [...region.children]) if (other.textContent === element.textContent) other.remove();
  while (region.children.length >= 3) region.firstElementChild?.remove();
  region.append(element);
  const tick = (): void => {
    // Stays while somebody is about to press its button.
    if (action && element.matches(':hover, :focus-within')) setTimeout(tick, 1000);
    else element.remove();
  };
  setTimeout(tick, forMs);
}

/** Another place or source is shown: what was said before of the last one goes. What led there is still read. */
export function leaveToasts(): void {
  for (const element of [...(region?.children ?? [])])
    if (performance.now() - Number((element as HTMLElement).dataset['atMs']) > justNowMs) element.remove();
}

/** The sentence of an error for people, in the language of the page. */
export function sentenceOf(error: unknown): string {
  return serverText(error instanceof Error ? error.message : String(error));
}

export function toastError(error: unknown): void {
  toast('error', sentenceOf(error));
}
