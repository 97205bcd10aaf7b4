/** Preferences of this screen: outlines, the age limit, slow analysis, the foot pedal. */
import { slowAnalysisChoices } from '../core/presentation.js';
import type { SlowAnalysisChoice } from '../core/presentation.js';
import { shownKey } from '../core/keymap.js';
import { languages, msg, say, t } from '../core/texts.js';
import type { Language, Text } from '../core/texts.js';
import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { prefer, preferences } from './prefs.js';

export const slowChoices: Readonly<
  Record<SlowAnalysisChoice, { readonly name: Text; readonly meaning: Text }>
> = {
  auto: {
    name: msg('Automatic'),
    meaning: msg(
      'While at least 8 pictures per second are analysed in time, only those are shown, with their outlines; else every picture is shown, without.',
    ),
  },
  'every-picture': {
    name: msg('Every picture'),
    meaning: msg('Every picture of the source is shown; outlines pause until analysis keeps up.'),
  },
  'steady-outlines': {
    name: msg('Steady outlines'),
    meaning: msg('Only analysed pictures are shown, each with its own outlines.'),
  },
};

/** Each in its own words, so that a person finds theirs. */
const languageNames: Readonly<Record<Language, string>> = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
};

function languageChoice(): HTMLElement {
  const chosen = preferences.value.language;
  const choice = h(
    'select',
    { id: 'setting-language' },
    h('option', { value: '', selected: chosen === null }, t('As the browser')),
    ...languages.map((language) =>
      h(
        'option',
        { value: language, lang: language, selected: chosen === language },
        languageNames[language],
      ),
    ),
  );
  choice.addEventListener('change', () => {
    prefer({ language: languages.find((language) => language === choice.value) ?? null });
    // Everything that is shown has been said already.
    location.reload();
  });
  return h('div', { class: 'setting' }, h('label', { for: 'setting-language' }, t('Language')), choice);
}

export function openSettings(): void {
  if (document.querySelector('dialog.dialog')) return;
  const now = preferences.value;
  const pedal = h('button', { class: 'button', type: 'button' }, now.pedalCode ?? t('Teach a pedal'));
  const forget = h('button', { class: 'button quiet', type: 'button' }, t('Forget'));
  let learning = false;
  const learn = (event: KeyboardEvent): void => {
    if (!learning) return;
    event.preventDefault();
    event.stopPropagation();
    learning = false;
    if (event.code !== 'Escape') prefer({ pedalCode: event.code });
    pedal.textContent = preferences.value.pedalCode ?? t('Teach a pedal');
  };
  pedal.addEventListener('click', () => {
    learning = true;
    pedal.textContent = t('Press the pedal now …');
  });
  forget.addEventListener('click', () => {
    prefer({ pedalCode: null });
    pedal.textContent = t('Teach a pedal');
  });
  window.addEventListener('keydown', learn, true);

  const limit = h('input', {
    type: 'number',
    min: 20,
    max: 2000,
    step: 10,
    inputmode: 'numeric',
    value: now.limitMs ?? '',
    placeholder: t('as the server is set'),
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
    t('Settings'),
    [
      h(
        'fieldset',
        {},
        h('legend', {}, t('When analysis is slower than the source')),
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
              h('strong', {}, say(slowChoices[choice].name)),
              h('small', {}, say(slowChoices[choice].meaning)),
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
          t('Greatest age of outlines'),
          h('small', {}, t('In milliseconds from capture. Older outlines are not shown')),
        ),
        limit,
      ),
      h('div', { class: 'setting' }, h('label', { for: 'setting-width' }, t('Line width')), width),
      h(
        'div',
        { class: 'setting' },
        h(
          'span',
          {},
          t('Foot pedal'),
          h('small', {}, t('Switches outlines on and off, like the key {key}', { key: shownKey('overlay') })),
        ),
        h('span', { class: 'row' }, pedal, forget),
      ),
      languageChoice(),
      h('p', { class: 'muted' }, t('These choices are kept in this browser only.')),
    ],
    { onclose: () => window.removeEventListener('keydown', learn, true) },
  );
}
