/** The list of all keys. */
import './help-dialog.css';
import { groupNames, keymap } from '../core/keymap.js';
import { say, t } from '../core/texts.js';
import { openDialog } from './dialog.js';
import { h } from './dom.js';

export function openHelp(): void {
  if (document.querySelector('dialog.dialog')) return;
  const groups = [...new Set(keymap.map((binding) => binding.group))];
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
              ...keymap
                .filter((binding) => binding.group === group && binding.shown !== '')
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
