/** A modal dialog on the browser's own <dialog>: focus stays inside, Escape closes. */
import './dialog.css';
import { t } from '../core/texts.js';
import { h } from './dom.js';
import { iconButton } from './icons.js';

export function openDialog(
  title: string,
  content: readonly (Node | string | false)[],
  options: { readonly wide?: boolean; readonly onclose?: () => void } = {},
): () => void {
  const close = iconButton('close', t('Close'), () => dialog.close(), null);
  const heading = h('h2', { id: `dialog-${title.replace(/\W+/g, '-').toLowerCase()}` }, title);
  const dialog = h(
    'dialog',
    { class: options.wide === true ? 'dialog wide' : 'dialog', 'aria-labelledby': heading.id },
    h('header', {}, heading, close),
    h('div', { class: 'dialog-body' }, ...content),
  );
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    // The browser gives the focus back to what had it. Where nothing had, Tab goes on in the view and not behind the page's end.
    if (document.activeElement === document.body)
      document.querySelector<HTMLElement>('#view')?.focus({ preventScroll: true });
    options.onclose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}
