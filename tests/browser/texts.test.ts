/** The page in other languages: chosen by the browser or in Settings, whole, and cut off nowhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Catalogue } from '../../dashboard/src/core/texts.js';
import { packageRoot } from '../../src/node/built-module.js';
import { keepPicture } from './harness.js';
import { open, useBrowser } from './scene.js';

useBrowser();

const listed = JSON.parse(readFileSync(join(packageRoot, 'dashboard/src/texts/en.json'), 'utf8')) as {
  readonly texts: Readonly<Record<string, unknown>>;
};
const german = JSON.parse(
  readFileSync(join(packageRoot, 'dashboard/src/texts/de.json'), 'utf8'),
) as Catalogue;
/** What the rooms of these tests bring with them: names, addresses, figures with their units. It is the same in every language. */
const brought =
  /sonoscope|Theatre 2|Shift|Ctrl|Space|Enter|Delete|Home|End|Esc|dicomweb:\S+|rtsp:\S+|compact 1|scope|number|disk|synthetic:\S+|CPU|sam2\.1\S*|policy-\w+|Apache-2\.0|\b(?:ms|px|Hz|cm|mL)\b|English|Deutsch|Français|Español|\.\/sonoscope .*/g;

/** Text of the page, seen or spoken, that no catalogue has brought: what is left of it outside ⟦ and ⟧. */
function unsaid(page: Page): Promise<string[]> {
  return page
    .evaluate(() => {
      const found: string[] = [];
      const root = document.body;
      const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walk.nextNode())
        if (!walk.currentNode.parentElement?.closest('kbd, script, noscript'))
          found.push(walk.currentNode.textContent ?? '');
      for (const element of root.querySelectorAll('*'))
        for (const name of ['title', 'aria-label', 'placeholder', 'alt', 'aria-valuetext'])
          found.push(element.getAttribute(name) ?? '');
      return found;
    })
    .then((texts) => [
      ...new Set(
        texts.filter((text) => {
          let rest = text;
          // A value of a sentence may be a sentence itself.
          for (let before = ''; before !== rest;) [before, rest] = [rest, rest.replace(/⟦[^⟦⟧]*⟧/g, '')];
          return /\p{L}{2}/u.test(rest.replace(brought, ''));
        }),
      ),
    ]);
}

/** Texts that do not fit where they stand: cut off by their element, or outside the page. What may end in … says it whole elsewhere. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('body *')]
      .filter(
        (element) =>
          element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
          [...element.childNodes].some(
            (node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? '').trim() !== '',
          ) &&
          !element.closest('.visually-hidden, .skip, option, datalist, svg, .source-uri'),
      )
      .filter((element) => {
        const style = getComputedStyle(element);
        const { left, right } = element.getBoundingClientRect();
        const ellipsis = style.textOverflow === 'ellipsis' && element.title !== '';
        const clips = style.overflowX !== 'visible' && !ellipsis;
        return (
          (clips && element.scrollWidth > element.clientWidth + 1) || left < -1 || right > innerWidth + 1
        );
      })
      .map((element) => `${element.tagName}.${element.className}: ${element.textContent ?? ''}`),
  );
}

/** By its button: keys are another test's matter. */
function openSettings(page: Page): Promise<void> {
  return page.locator('header .icon-button').first().click();
}

describe('the page in another language', () => {
  it.each([
    { width: 1280, height: 720 },
    { width: 820, height: 1180 },
  ])('cuts no long word off: $width × $height', async (viewport) => {
    const { page, served, problems } = await open('', { locale: 'de-DE', viewport });
    const kept = (name: string): Promise<void> => keepPicture(page, `${name}-de-${viewport.width}`);
    await page.getByText('Nur für Forschungszwecke').waitFor();
    await page.locator('.tile').waitFor();
    const cut: Record<string, string[]> = {};
    const look = async (name: string): Promise<void> => {
      await kept(name);
      const found = await cutOff(page);
      if (found.length > 0) cut[name] = found;
    };
    await look('rooms');
    for (const [name, hash, ready] of [
      ['room', '#/room/scope', 'canvas.picture'],
      ['acceptance', '#/room/scope/acceptance', '.acceptance'],
      ['recordings', '#/recordings', '.recordings'],
    ] as const) {
      await page.goto(`${served.server.url}${hash}`);
      await page.locator(ready).waitFor();
      await look(name);
    }
    await page.goto(`${served.server.url}#/room/scope`);
    await page.locator('canvas.picture').waitFor();
    for (const [name, key] of [
      ['settings', null],
      ['keys', '?'],
      ['source', 'Shift+c'],
    ] as const) {
      if (key === null) await openSettings(page);
      else await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor();
      await look(name);
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
    }
    expect(cut).toEqual({});
    expect(problems).toEqual([]);
  });

  it('says nothing past the catalogue', async () => {
    const bracketed = Object.fromEntries(
      // Branches of a plural stay a message: the brackets go around it.
      Object.keys(listed.texts).map((sentence) => [sentence, `⟦${sentence}⟧`]),
    );
    const server = Object.fromEntries(
      Object.keys(german.server).map((sentence) => [sentence, `⟦${sentence}⟧`]),
    );
    const { page, problems } = await open('', {
      prefer: { language: 'de' },
      route: {
        pattern: '**/assets/de-*.json',
        body: JSON.stringify({ texts: bracketed, server }),
      },
    });
    await page.locator('.research').getByText('⟦').waitFor();
    const found: Record<string, string[]> = {};
    const walk = async (name: string): Promise<void> => {
      const past = await unsaid(page);
      if (past.length > 0) found[name] = past;
    };
    await page.locator('.tile').waitFor();
    await walk('rooms');
    const [address = ''] = page.url().split('#');
    await page.goto(`${address}#/recordings`);
    await page.locator('.recordings').waitFor();
    await walk('recordings');
    await page.goto(`${address}#/room/scope/acceptance`);
    await page.locator('.acceptance').waitFor();
    await walk('acceptance');
    await page.goto(`${address}#/room/scope`);
    await page.locator('.object').first().waitFor();
    await walk('room');
    await page.locator('.strip .icon-button').last().click();
    await page.getByRole('dialog').waitFor();
    await walk('health');
    for (const [key, name] of [
      [null, 'settings'],
      ['?', 'keys'],
      ['Shift+c', 'source'],
    ] as const) {
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
      if (key === null) await openSettings(page);
      else await page.keyboard.press(key);
      await page.getByRole('dialog').waitFor();
      await walk(name);
    }
    expect(found).toEqual({});
    expect(problems).toEqual([]);
  });

  it('is the one that the browser prefers, with its numbers, until another is chosen', async () => {
    const { page, problems } = await open('', { locale: 'de-DE' });
    await page.getByText('Nur für Forschungszwecke').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    await page.locator('.tile').waitFor();
    await openSettings(page);
    await page.getByRole('dialog', { name: 'Einstellungen' }).waitFor();
    await keepPicture(page, 'settings-de');
    await page.getByLabel('Sprache').selectOption('es');
    await page.getByText('Solo para investigación').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('es');
    // It is kept.
    await page.reload();
    await page.getByText('Solo para investigación').waitFor();
    await openSettings(page);
    await page.getByLabel('Idioma').selectOption('');
    await page.getByText('Nur für Forschungszwecke').waitFor();
    expect(problems).toEqual([]);
  });

  it('is English where it speaks none of those that the browser prefers', async () => {
    const { page } = await open('', { locale: 'ja-JP' });
    await page.getByText('Research use only').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });
});
