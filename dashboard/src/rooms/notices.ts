/** Draws what core/wording.ts says: a card over the picture when it is not live, a slim line when only outlines are concerned. */
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import type { Notice, Severity } from '../core/wording.js';
import type { Notices } from './live-picture.js';

const icons: Readonly<Record<Severity, IconName>> = { info: 'info', warning: 'warning', alarm: 'alarm' };

function line(className: string): {
  readonly element: HTMLElement;
  readonly show: (notice: Notice | null) => void;
} {
  const symbol = h('span', { class: 'notice-icon', 'aria-hidden': 'true' });
  const title = h('strong', {});
  const detail = h('span', { class: 'notice-detail' });
  const element = h('div', { class: className, hidden: true }, symbol, h('div', {}, title, detail));
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
    },
  };
}

/** `announce`: alarms are also read aloud (one room at a time, not a whole grid). */
export function noticeLayer(announce: boolean): {
  /** Over the picture: what is said of a picture that is not live. */
  readonly element: HTMLElement;
  /** The slim line about outlines, on the picture of a small tile; a room puts it above its picture. */
  readonly line: HTMLElement;
  readonly show: (notices: Notices) => void;
} {
  const picture = line('notice notice-picture');
  const overlay = line('notice notice-overlay');
  const locale = h('div', { class: 'visually-hidden', role: announce ? 'alert' : null });
  const element = h('div', { class: 'notices' }, picture.element, overlay.element, locale);
  return {
    element,
    line: overlay.element,
    show: (notices) => {
      picture.show(notices.picture);
      // Plain information stands in the strip, not on the picture.
      overlay.show(notices.overlay?.severity === 'info' ? null : notices.overlay);
      // The title only: the seconds in the detail would be read over and over.
      if (announce) setText(locale, notices.picture?.severity === 'alarm' ? notices.picture.title : '');
      const alarm = notices.picture?.severity === 'alarm';
      element.parentElement?.classList.toggle('not-live', alarm);
      element.parentElement?.classList.toggle('long', alarm && notices.picture?.lasting === true);
    },
  };
}
