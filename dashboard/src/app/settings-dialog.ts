/** Preferences of this screen: outlines, the age limit, slow analysis, the foot pedal. */
import { slowAnalysisChoices } from '../core/presentation.js';
import type { SlowAnalysisChoice } from '../core/presentation.js';
import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { prefer, preferences } from './prefs.js';

export const slowChoices: Readonly<
  Record<SlowAnalysisChoice, { readonly name: string; readonly meaning: string }>
> = {
  auto: {
    name: 'Automatic',
    meaning:
      'Steady outlines while at least 8 pictures per second are analysed in time, else every picture without.',
  },
  'every-picture': {
    name: 'Every picture',
    meaning: 'The picture keeps the source’s rate; outlines rest until analysis keeps up.',
  },
  'steady-outlines': {
    name: 'Steady outlines',
    meaning: 'Only analysed pictures are shown, each with its own outlines.',
  },
};

export function openSettings(): void {
  if (document.querySelector('dialog.dialog')) return;
  const now = preferences.value;
  const pedal = h('button', { class: 'button', type: 'button' }, now.pedalCode ?? 'None: press to teach');
  const forget = h('button', { class: 'button quiet', type: 'button' }, 'Forget');
  let learning = false;
  const learn = (event: KeyboardEvent): void => {
    if (!learning) return;
    event.preventDefault();
    event.stopPropagation();
    learning = false;
    if (event.code !== 'Escape') prefer({ pedalCode: event.code });
    pedal.textContent = preferences.value.pedalCode ?? 'None: press to teach';
  };
  pedal.addEventListener('click', () => {
    learning = true;
    pedal.textContent = 'Press the pedal now …';
  });
  forget.addEventListener('click', () => {
    prefer({ pedalCode: null });
    pedal.textContent = 'None: press to teach';
  });
  window.addEventListener('keydown', learn, true);

  const limit = h('input', {
    type: 'number',
    min: 20,
    max: 2000,
    step: 10,
    inputmode: 'numeric',
    value: now.limitMs ?? '',
    placeholder: 'as the server says',
    id: 'setting-limit',
  });
  limit.addEventListener('change', () => {
    const value = Number(limit.value);
    prefer({ limitMs: limit.value === '' || !(value >= 20) ? null : Math.min(2000, value) });
  });
  const width = h('input', {
    type: 'range',
    min: 1,
    max: 6,
    step: 0.5,
    value: now.lineWidth,
    id: 'setting-width',
  });
  width.addEventListener('input', () => prefer({ lineWidth: Number(width.value) }));

  openDialog(
    'Settings',
    [
      h(
        'fieldset',
        {},
        h('legend', {}, 'When analysis is slower than the source'),
        ...slowAnalysisChoices.map((choice) => {
          const input = h('input', {
            type: 'radio',
            name: 'slow',
            value: choice,
            checked: now.slow === choice,
          });
          input.addEventListener('change', () => prefer({ slow: choice }));
          return h(
            'label',
            { class: 'choice' },
            input,
            h(
              'span',
              {},
              h('strong', {}, slowChoices[choice].name),
              h('small', {}, slowChoices[choice].meaning),
            ),
          );
        }),
      ),
      h(
        'div',
        { class: 'setting' },
        h(
          'label',
          { for: 'setting-limit' },
          'Outlines older than',
          h('small', {}, 'milliseconds after capture, are not shown'),
        ),
        limit,
      ),
      h('div', { class: 'setting' }, h('label', { for: 'setting-width' }, 'Line width'), width),
      h(
        'div',
        { class: 'setting' },
        h('span', {}, 'Foot pedal', h('small', {}, 'switches outlines, like the key O')),
        h('span', { class: 'row' }, pedal, forget),
      ),
      h('p', { class: 'muted' }, 'These choices are kept in this browser only.'),
    ],
    { onclose: () => window.removeEventListener('keydown', learn, true) },
  );
}
