/**
 * The texts of the page and their translations. `UPDATE_DOCS=1 npx vitest run tests/page-texts.test.ts` writes the list of all texts,
 * dashboard/src/texts/en.json, anew; de.json, fr.json and es.json are written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { languages } from '../dashboard/src/core/texts.js';
import type { Catalogue } from '../dashboard/src/core/texts.js';
import { packageRoot } from '../src/node/built-module.js';
import { isSaidByServer, pageTexts, placesOf, refusals } from './page-texts.js';

const folder = join(packageRoot, 'dashboard', 'src', 'texts');
const read = (language: string): unknown =>
  JSON.parse(readFileSync(join(folder, `${language}.json`), 'utf8'));
const { places, misuses, stray } = pageTexts();
const sentences = [...places.keys()].sort((a, b) => a.localeCompare(b, 'en'));

describe('the texts of the page', () => {
  it('are said by their sentence, with all values, once a language is chosen', () => {
    expect(sentences.length).toBeGreaterThan(0);
    expect(misuses).toEqual([]);
  });

  it('leave nothing to be said past them', () => {
    expect(stray).toEqual([]);
  });

  it('are listed with the files that say them', () => {
    const list = { texts: Object.fromEntries(sentences.map((one) => [one, places.get(one)?.join(', ')])) };
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(join(folder, 'en.json'), `${JSON.stringify(list, null, 2)}\n`);
    expect(read('en')).toEqual(list);
  });

  const others = languages.filter((language) => language !== 'en');

  it.each(others)('are all translated: %s', (language) => {
    const { texts } = read(language) as Catalogue;
    expect(sentences.filter((one) => (texts[one] ?? '') === '')).toEqual([]);
    expect(Object.keys(texts).filter((one) => !places.has(one))).toEqual([]);
    expect(otherPlaces(texts)).toEqual([]);
  });

  it.each(others)('are what the server refuses and says as well: %s', async (language) => {
    const { server } = read(language) as Catalogue;
    const known = await refusals();
    expect([...known].filter(([sentence]) => (server[sentence] ?? '') === '').map(String)).toEqual([]);
    expect(Object.keys(server).filter((one) => !known.has(one) && !isSaidByServer(one))).toEqual([]);
    expect(otherPlaces(server)).toEqual([]);
  });
});

/** Sentences whose translation has other places, or a plural without its last branch. */
function otherPlaces(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts)
    .filter(
      ([one, said]) =>
        String(placesOf(one)) !== String(placesOf(said)) ||
        said.split(', plural,').length !== said.split(/\bother \{/).length,
    )
    .map(([one]) => one);
}
