/** The language of the page: what Settings say, else what the browser prefers. Its catalogue is there before anything is shown. */
import { languageOf, speak } from '../core/texts.js';
import type { Catalogue, Language } from '../core/texts.js';
import { preferences } from './prefs.js';

/** One file each, data and no script, fetched when it is spoken. English needs none. */
const catalogues: Readonly<Record<Exclude<Language, 'en'>, URL>> = {
  de: new URL('../texts/de.json', import.meta.url),
  fr: new URL('../texts/fr.json', import.meta.url),
  es: new URL('../texts/es.json', import.meta.url),
};

/** A page waits no longer for its words. */
const mostMs = 5000;

/** Where the catalogue cannot be had the page speaks English: a picture matters more than its words. */
export async function chooseLanguage(): Promise<void> {
  const preferred = navigator.languages;
  const language = preferences.value.language ?? languageOf(preferred);
  let said: Catalogue = { texts: {}, server: {} };
  if (language !== 'en')
    try {
      const answer = await fetch(catalogues[language], { signal: AbortSignal.timeout(mostMs) });
      if (!answer.ok) throw new Error(answer.statusText);
      said = (await answer.json()) as Catalogue;
    } catch (error) {
      console.warn('The texts of this language cannot be loaded.', error);
      return;
    }
  document.documentElement.lang = language;
  speak(
    said,
    preferred.find((tag) => languageOf([tag]) === language && tag.startsWith(language)) ?? language,
  );
}
