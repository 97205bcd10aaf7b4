import { afterEach, describe, expect, it } from 'vitest';
import { languageOf, msg, numberText, say, serverText, speak, locale, t } from './texts.js';

const german = {
  texts: {
    Rooms: 'Räume',
    '{n, plural, one {# file} other {# files}} in {folder}':
      '{n, plural, one {# Datei} other {# Dateien}} in {folder}',
  },
  server: {
    'the probe moved': 'der Schallkopf hat sich bewegt',
    'There are no outlines at present; the picture goes on. {reason}':
      'Zurzeit gibt es keine Konturen; das Bild läuft weiter. {reason}',
    '{n} beats': '{n} Herzschläge',
    'There is no "{name}" (any more).': '„{name}“ gibt es nicht (mehr).',
  },
};

afterEach(() => speak({ texts: {}, server: {} }, 'en'));

describe('texts', () => {
  it('are their own English, with values and plural forms', () => {
    expect(t('Rooms')).toBe('Rooms');
    expect(t('{n, plural, one {# file} other {# files}} in {folder}', { n: 1, folder: 'exam' })).toBe(
      '1 file in exam',
    );
    expect(t('{n, plural, one {# file} other {# files}} in {folder}', { n: 0, folder: '{n} #' })).toBe(
      '0 files in {n} #',
    );
    expect(t('{n, plural, one {one of {all}} other {# of {all}}}', { n: 1, all: '#3' })).toBe('one of #3');
    expect(locale()).toBe('en');
  });

  it('come from the catalogue, and are English where it lacks them', () => {
    const marked = msg('Rooms');
    speak(german, 'de');
    expect(t('Rooms')).toBe('Räume');
    expect(say(marked)).toBe('Räume');
    expect(t('{n, plural, one {# file} other {# files}} in {folder}', { n: 2, folder: 'Befund' })).toBe(
      '2 Dateien in Befund',
    );
    expect(t('Nobody has put this into German')).toBe('Nobody has put this into German');
  });

  it('write numbers as the language does', () => {
    expect(numberText(1234.56, 1)).toBe('1234.6');
    expect(t('{s} s', { s: 1.25 })).toBe('1.25 s');
    speak(german, 'de');
    expect(numberText(1234.56, 1)).toBe('1234,6');
    expect(numberText(2, 1, 0)).toBe('2');
    expect(t('{s} s', { s: 1.25 })).toBe('1,25 s');
    speak(german, 'de-CH');
    expect(numberText(1234.56, 1)).toBe('1234.6');
    speak(german, 'de');
    // A value in words is left as it is.
    expect(t('{s} s', { s: '1.25' })).toBe('1.25 s');
  });

  it('choose the plural form of the language, not of English', () => {
    speak(
      {
        texts: {
          '{n, plural, one {# beat} other {# beats}}': '{n, plural, one {# battement} other {# battements}}',
        },
        server: {},
      },
      'fr',
    );
    expect(t('{n, plural, one {# beat} other {# beats}}', { n: 0 })).toBe('0 battement');
    expect(t('{n, plural, one {# beat} other {# beats}}', { n: 2 })).toBe('2 battements');
  });
});

describe('what the server says', () => {
  it('is put into the language with its details, and theirs', () => {
    expect(serverText('There is no "x" (any more).')).toBe('There is no "x" (any more).');
    speak(german, 'de');
    expect(serverText('There is no "x (1)" (any more).')).toBe('„x (1)“ gibt es nicht (mehr).');
    expect(serverText('There are no outlines at present; the picture goes on. the probe moved')).toBe(
      'Zurzeit gibt es keine Konturen; das Bild läuft weiter. der Schallkopf hat sich bewegt',
    );
    expect(serverText('Something that no catalogue knows.')).toBe('Something that no catalogue knows.');
    // A place called n is a number: what ends like that sentence is another one.
    expect(serverText('3 beats')).toBe('3 Herzschläge');
    expect(serverText('single-plane, 3 beats')).toBe('single-plane, 3 beats');
  });
});

describe('the language', () => {
  it('is the first that the page speaks of those that a person prefers', () => {
    expect(languageOf(['nl-NL', 'fr-CA', 'en'])).toBe('fr');
    expect(languageOf(['DE-at'])).toBe('de');
    expect(languageOf(['pt', 'it'])).toBe('en');
    expect(languageOf([])).toBe('en');
  });
});
