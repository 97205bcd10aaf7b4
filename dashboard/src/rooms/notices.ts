/** Draws what core/wording.ts says: a card over the picture when it is not live, a slim line when only outlines are concerned. */
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { remedyWords } from '../core/wording.js';
import type { Notice, Remedy, Severity } from '../core/wording.js';
import type { Notices } from './live-picture.js';

const icons: Readonly<Record<Severity, IconName>> = { info: 'info', warning: 'warning', alarm: 'alarm' };

function line(
  className: string,
  help: ((remedy: Remedy) => void) | null,
): {
  readonly element: HTMLElement;
  readonly show: (notice: Notice | null) => void;
} {
  const symbol = h('span', { class: 'notice-icon', 'aria-hidden': 'true' });
  const title = h('strong', {});
  const detail = h('span', { class: 'notice-detail' });
  let remedy: Remedy | null = null;
  const helps = h('button', {
    type: 'button',
    class: 'chip-button',
    hidden: true,
    onclick: () => remedy && help?.(remedy),
  });
  const element = h('div', { class: className, hidden: true }, symbol, h('div', {}, title, detail), helps);
  let shown: Severity | null = null;
  return {
    element,
    show: (notice) => {
      element.hidden = notice === null;
      if (!notice) return;
      if (shown !== notice.severity) {
        shown = notice.severity;
        element.dataset['severity'] = notice.severity;
        symbol.replaceChildren(icon(icons[notice.severity]));
      }
      setText(title, notice.title);
      setText(detail, notice.detail);
      remedy = help === null ? null : (notice.remedy ?? null);
      helps.hidden = remedy === null;
      if (remedy) setText(helps, remedyWords(remedy));
    },
  };
}

/** `announce`: alarms are also read aloud (one room at a time, not a whole grid). `help`: does what a notice offers; null: nothing is offered. */
export function noticeLayer(
  announce: boolean,
  help: ((remedy: Remedy) => void) | null = null,
): {
  /** Over the picture: what is said of a picture that is not live. */
  readonly element: HTMLElement;
  /** The slim line about outlines, on the picture of a small tile; a room puts it above its picture. */
  readonly line: HTMLElement;
  readonly show: (notices: Notices) => void;
} {
  const picture = line('notice notice-picture', help);
  const overlay = line('notice notice-overlay', help);
  const spoken = h('div', { class: 'visually-hidden', role: announce ? 'alert' : null });
  const element = h('div', { class: 'notices' }, picture.element, overlay.element, spoken);
  return {
    element,
    line: overlay.element,
    show: (notices) => {
      picture.show(notices.picture);
      // Plain information stands in the strip, not on the picture.
      overlay.show(notices.overlay?.severity === 'info' ? null : notices.overlay);
      // The title only: the seconds in the detail would be read over and over.
      if (announce) setText(spoken, notices.picture?.severity === 'alarm' ? notices.picture.title : '');
      const alarm = notices.picture?.severity === 'alarm';
      element.parentElement?.classList.toggle('not-live', alarm);
      element.parentElement?.classList.toggle('long', alarm && notices.picture?.lasting === true);
    },
  };
}
