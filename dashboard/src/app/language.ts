/** The language of the page: what Settings say, else what the browser prefers. Its catalogue is there before anything is shown. */
import { languageOf, speak } from '../core/texts.js';
import type { Catalogue, Language } from '../core/texts.js';
import { preferences } from './prefs.js';

/** One file each, fetched when it is locale. English needs none. */
const catalogues: Readonly<Record<Exclude<Language, 'en'>, () => Promise<{ readonly default: Catalogue }>>> =
  {
    de: () => import('../texts/de.json'),
    fr: () => import('../texts/fr.json'),
    es: () => import('../texts/es.json'),
  };

/** Where the catalogue cannot be had the page speaks English: a picture matters more than its words. */
export async function chooseLanguage(): Promise<void> {
  const preferred = navigator.languages;
  const language = preferences.value.language ?? languageOf(preferred);
  let said: Catalogue = { texts: {}, server: {} };
  if (language !== 'en')
    try {
      said = (await catalogues[language]()).default;
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
