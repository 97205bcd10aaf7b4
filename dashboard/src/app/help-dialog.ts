/** The list of the keys that work here. */
import './help-dialog.css';
import { groupNames, keymap, worksIn } from '../core/keymap.js';
import type { Place } from '../core/keymap.js';
import { say, t } from '../core/texts.js';
import { openDialog } from './dialog.js';
import { h } from './dom.js';

function place(): Place {
  if (document.querySelector('.view > .project')) return 'recording';
  return document.querySelector('.view > .room') ? 'room' : 'page';
}

export function openHelp(): void {
  if (document.querySelector('dialog.dialog')) return;
  const here = place();
  const bindings = keymap.filter((binding) => worksIn(binding, here) && binding.shown !== '');
  const groups = [...new Set(bindings.map((binding) => binding.group))];
  openDialog(
    t('Keys'),
    [
      h(
        'div',
        { class: 'help-columns' },
        ...groups.map((group) =>
          h(
            'section',
            {},
            h('h3', {}, say(groupNames[group])),
            h(
              'dl',
              { class: 'keys' },
              ...bindings
                .filter((binding) => binding.group === group)
                .flatMap((binding) => [
                  h('dt', {}, ...binding.shown.split(' ').map((part) => h('kbd', {}, part))),
                  h('dd', {}, binding.meaning && say(binding.meaning)),
                ]),
              ...(group === 'Objects'
                ? [h('dt', {}, h('kbd', {}, '1'), '…', h('kbd', {}, '9')), h('dd', {}, t('Select an object'))]
                : []),
            ),
          ),
        ),
      ),
      h(
        'p',
        { class: 'muted' },
        t(
          'A foot pedal that sends a key can switch outlines: teach it in Settings. Mouse: wheel zooms, middle button or Look moves. Touch: two fingers zoom and move.',
        ),
      ),
      here === 'recording' &&
        h(
          'p',
          { class: 'muted' },
          t(
            'Marks of the selected object stand on their picture: drag them, or reach them with Tab, move them with the arrow keys (Shift: far) and remove them with Delete.',
          ),
        ),
      h(
        'p',
        { class: 'muted' },
        // Relative, so that it also works behind a proxy with a prefix.
        h('a', { href: './api', target: '_blank', rel: 'noopener' }, t('HTTP interface')),
        ' ',
        t('For programs: every operation of this server, with a line to paste into a shell.'),
      ),
    ],
    { wide: true },
  );
}
