/**
 * Every view of the page for people who do not use a mouse or do not see it: axe-core finds nothing serious, and the keyboard alone reaches
 * everything, shows where it is, is never caught, and leaves every dialog with Escape.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { everyView, type EveryView, type View } from './every-view.js';
import { keepPicture, openPage } from './harness.js';
import { browser, closing, useBrowser } from './scene.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
useBrowser();

let house: EveryView;
beforeAll(async () => {
  house = await everyView();
});
afterAll(() => house.close());

interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds that is serious or critical, one line each. */
async function seriousFindings(page: Page): Promise<readonly string[]> {
  // Evaluated, not added as a script: the server's policy allows none but its own.
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(context: Document, options: object): Promise<{ violations: Finding[] }> };
    };
    return (await axe.run(document, { resultTypes: ['violations'] })).violations;
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary}`),
    );
}

const view = (name: string): View => {
  const found = house.views.find((one) => one.name === name);
  if (!found) throw new Error(`there is no view "${name}"`);
  return found;
};

async function reach(name: string): Promise<Page> {
  const { address, reach } = view(name);
  const { page } = await openPage(browser(), address);
  closing.push(() => page.context().close());
  await reach(page);
  return page;
}

const names = [
  'all rooms',
  'a room',
  'an echo room',
  'recordings',
  'a recording',
  'the acceptance test',
  'the system page',
  'settings',
  'the list of keys',
  'the source of a room',
  'adding a room',
  'closing a room',
  'an export',
  'the clean feed',
  'a room that is not there',
  'a wrong address',
  'a server without rooms',
] as const;
const dialogs: readonly string[] = [
  'settings',
  'the list of keys',
  'the source of a room',
  'adding a room',
  'closing a room',
  'an export',
];

/** For people to look at. */
async function keepPictures(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [3840, 2160],
    [820, 1180],
    [1280, 720],
  ] as const) {
    await page.setViewportSize({ width, height });
    // Canvases follow a moment later.
    await page.waitForTimeout(250);
    await keepPicture(page, `view-${name.replaceAll(' ', '-')}-${width}`);
  }
}

/** Where the focus is: what a screen reader says of it, whether one sees it, and its place in the document. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return null;
    const { width, height } = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const ringed = (one: CSSStyleDeclaration): boolean =>
      (one.outlineStyle !== 'none' && parseFloat(one.outlineWidth) > 0) || one.boxShadow !== 'none';
    const all = [...document.querySelectorAll('*')];
    return {
      at: all.indexOf(element),
      html: element.outerHTML.slice(0, 160),
      seen: width > 0 && height > 0 && style.visibility !== 'hidden',
      // A picture has its ring on itself, not around it.
      ringed: ringed(style) || getComputedStyle(element, '::before').borderTopStyle === 'solid',
      inDialog: element.closest('dialog') !== null,
    };
  });

/** How many elements of the page take the focus by Tab now; of a group of radio buttons one. */
const reachable = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const root = document.querySelector('dialog[open]') ?? document;
    const groups = new Set<string>();
    return [
      ...root.querySelectorAll<HTMLElement>(
        'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]',
      ),
    ].filter((element) => {
      if (element.tabIndex < 0 || element.matches(':disabled') || !element.checkVisibility()) return false;
      if (!(element instanceof HTMLInputElement) || element.type !== 'radio') return true;
      const known = groups.has(element.name);
      groups.add(element.name);
      return !known;
    }).length;
  });

/** Goes through the page by Tab alone: everything is reached, seen and ringed, and the focus is caught nowhere. */
async function walk(page: Page, isDialog: boolean): Promise<void> {
  const count = await reachable(page);
  expect(count).toBeGreaterThan(0);
  const places = new Set<number>();
  for (let step = 0; step < count + 4; step += 1) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    // Between the last and the first element the focus is with the browser's own bars.
    if (now === null) continue;
    expect(now.seen, `not seen: ${now.html}`).toBe(true);
    expect(now.ringed, `no focus ring on ${now.html}`).toBe(true);
    expect(now.inDialog, now.html).toBe(isDialog);
    places.add(now.at);
  }
  // The page may have changed a little meanwhile.
  expect(places.size).toBeGreaterThanOrEqual(Math.min(count, await reachable(page)) - 1);
}

describe('every view', () => {
  it('is walked', () => {
    expect(house.views.map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  it.each(names)('has nothing serious for axe-core, and is used by keyboard alone: %s', async (name) => {
    const page = await reach(name);
    await keepPictures(page, name);
    expect.soft(await seriousFindings(page)).toEqual([]);
    // The clean feed is a picture and nothing else.
    if (name === 'the clean feed') return;
    await walk(page, dialogs.includes(name));
    if (!dialogs.includes(name)) return;
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await page.keyboard.press('Tab');
    expect(await focused(page)).toMatchObject({ seen: true, inDialog: false });
  });
});

describe('by keyboard alone', () => {
  it('a room is asked for, and a refusal is read where the focus is', async () => {
    const page = await reach('a server without rooms');
    await page.getByRole('button', { name: 'Add a room' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Add a room' }).waitFor();
    await page.keyboard.type('synthetic:echo');
    // Nobody opens rooms on this server.
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: /./ }).first().waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('source-uri');
  });
});
