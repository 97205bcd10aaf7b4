/** An echo room in a real browser: curve, figures, beats that do not count, reasons, scale, holding, keyboard. */
import { uncalibrated } from '../../src/vocabulary/calibration.js';
import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { EchoRoom } from './echo-scene.js';
import { keepPicture, openPage, preferences, serveDashboard } from './harness.js';
import { browser, closing, useBrowser } from './scene.js';

vi.setConfig({ testTimeout: 120_000 });
useBrowser();
/** The machine may be slow. */
const soon = { timeout: 30_000 };

interface EchoScene {
  readonly room: EchoRoom;
  readonly page: Page;
  readonly problems: string[];
}

async function openEcho(
  room: EchoRoom,
  viewport = { width: 1280, height: 720 },
  prefer: Readonly<Record<string, unknown>> = {},
): Promise<EchoScene> {
  const served = await serveDashboard([room]);
  room.play();
  const { page, problems } = await openPage(browser(), `${served.server.url}#/room/${room.id}`, {
    viewport,
    acceptDownloads: true,
    // This machine may paint slowly; how outlines and pictures go together has tests of its own.
    before: preferences({ limitMs: 5000, slow: 'steady-outlines', ...prefer }),
  });
  closing.push(
    () => served.close(),
    () => room.close(),
    () => page.context().close(),
  );
  return { room, page, problems };
}

const known = (page: Page, value = true): Promise<void> =>
  page.locator(`.echo-now[data-known="${value}"]`).waitFor();

/** Colours of the curve's canvas: how many pixels are like the line that counts. */
const linePixels = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('.echo-plot canvas');
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
      if (
        Math.abs((data[at] ?? 0) - 0x56) +
          Math.abs((data[at + 1] ?? 0) - 0xb4) +
          Math.abs((data[at + 2] ?? 0) - 0xe9) <
        30
      )
        count += (data[at + 3] ?? 0) > 200 ? 1 : 0;
    return count;
  });

describe('an echo room', () => {
  it('shows curve, ejection fraction and volumes without a click, and which beats do not count', async () => {
    const room = new EchoRoom('echo');
    room.verdict = (beat) => (beat % 4 === 3 ? 'the probe moved' : beat % 4 === 0 ? 'low-confidence' : '');
    const { page, problems } = await openEcho(room);
    await known(page);
    const { ef, largest, smallest } = room.volumes;
    await expect.poll(() => page.locator('.ef-value').innerText(), soon).toBe(`${Math.round(ef)} %`);
    expect(await page.locator('.ef-interval').innerText()).toBe(
      `(${Math.round(ef - 6)}–${Math.round(ef + 6)})`,
    );
    expect(await page.locator('.ef-note').innerText()).toMatch(/^Single-plane, \d beats?$/);
    const figures = await page.locator('.echo-figures').innerText();
    expect(figures.replace(/\s+/g, ' ')).toBe(
      `EDV ${Math.round(largest)} mL ESV ${Math.round(smallest)} mL Heart rate 50 /min`,
    );
    await expect.poll(() => linePixels(page), soon).toBeGreaterThan(200);

    // The rejected beats stand in words, a code as well as a sentence.
    await page.locator('.beats li').getByText('the probe moved').waitFor();
    await page.locator('.beats li').getByText('the outline is uncertain').waitFor();
    expect(await page.locator('.beat-counts').innerText()).toMatch(/^\d+ counted, [12] not$/);

    // 1 cm per tick: the scene is calibrated.
    expect(await page.locator('.ruler text').first().textContent()).toBe('0 cm');
    const ticks = await page.locator('.ruler .line').count();
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await expect.poll(() => page.locator('.ruler .line').count(), soon).toBeLessThan(ticks);
    await page.keyboard.press('0');
    await keepPicture(page, 'echo-room');
    expect(problems).toEqual([]);
  });

  it('says why there is no number, and shows none that was true before', async () => {
    const room = new EchoRoom('echo');
    const { page, problems } = await openEcho(room);
    await known(page);
    room.lost = 'no four-chamber view';
    await known(page, false);
    await expect.poll(() => page.locator('.ef-reason').innerText(), soon).toBe('No four-chamber view');
    expect(await page.locator('.ef-value').isVisible()).toBe(false);
    await expect.poll(() => page.locator('.echo-figures b').allInnerTexts(), soon).toEqual(['–', '–', '–']);
    await keepPicture(page, 'echo-no-view');
    room.lost = null;
    await known(page);
    // Pictures stop: nothing that was measured before looks like the present.
    room.pause();
    await known(page, false);
    await expect.poll(() => page.locator('.ef-reason').innerText(), soon).toBe('Picture frozen');
    await expect.poll(() => page.locator('.echo-curve-problem').innerText(), soon).toBe('Picture frozen');
    room.play();
    await known(page);
    room.lose();
    await expect.poll(() => page.locator('.ef-reason').innerText(), soon).toBe('Signal lost');
    expect(problems).toEqual([]);
  });

  it('says that volumes are in pixels where nothing is calibrated', async () => {
    const room = new EchoRoom('echo');
    room.format = { ...room.format, calibration: uncalibrated };
    const { page } = await openEcho(room);
    await known(page);
    expect(await page.locator('.echo-figures').innerText()).toContain('px³');
    await page.getByText('Not calibrated: volumes in pixels.').waitFor();
    expect(await page.locator('.echo-unit').innerText()).toBe('px³');
    expect(await page.locator('.ruler .line').count()).toBe(0);
  });

  it('holds a measurement by key, shows it as a card and keeps it over a reload', async () => {
    const room = new EchoRoom('echo', {}, 'Echo lab / 2');
    room.verdict = (beat) => (beat === 2 ? 'the probe moved' : '');
    const { page, problems } = await openEcho(room);
    await expect.poll(() => page.locator('.beat-counts').innerText(), soon).toBe('2 counted, 1 not');
    await page.keyboard.press('k');
    const card = page.locator('.held');
    await card.waitFor();
    const ef = Math.round(room.volumes.ef);
    expect(await card.locator('h3').innerText()).toContain(`EF ${ef} %`);
    expect(await card.locator('.not-counted').innerText()).toContain('The probe moved');
    await expect
      .poll(() =>
        card.locator('img').evaluateAll((list) => list.map((one) => (one as HTMLImageElement).naturalWidth)),
      )
      .toEqual([640, 640]);
    expect(await card.locator('.held-frame path').count()).toBe(6);
    await keepPicture(page, 'echo-held');
    const saved = async (name: string): Promise<string> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        card.getByRole('button', { name }).click(),
      ]);
      return download.suggestedFilename();
    };
    expect(await saved('JSON')).toMatch(/^ef_Echo-lab-2_\d{8}T\d{6}_1\.json$/);
    expect(await saved('PNG')).toMatch(/\.png$/);

    // On paper there is this card and nothing else.
    await page.evaluate(() => {
      window.print = () => undefined;
    });
    await card.getByRole('button', { name: 'Print' }).click();
    await page.emulateMedia({ media: 'print' });
    await page.locator('.print-sheet h3').waitFor();
    expect(await page.locator('dialog.dialog').isVisible()).toBe(false);
    expect(await page.locator('.echo-now').isVisible()).toBe(false);
    expect(await page.locator('.print-sheet .held-actions').isVisible()).toBe(false);
    await keepPicture(page, 'echo-print');
    await page.emulateMedia({ media: 'screen' });
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
    expect(await page.locator('.print-sheet').count()).toBe(0);
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'hidden' });

    await page.reload();
    await page.getByRole('button', { name: 'Held measurements: 1' }).waitFor();
    await page.keyboard.press('m');
    await card.waitFor();
    await page.keyboard.press('Escape');

    // A refusal is said in the server's words.
    room.lost = 'no four-chamber view';
    await known(page, false);
    await page.getByRole('button', { name: /^Keep/ }).click();
    await page
      .locator('.toast')
      .getByText('There is no ejection fraction to hold: no four-chamber view')
      .waitFor();
    // The refusal over HTTP is not used: nothing else went wrong.
    expect(problems).toEqual([]);
  });

  it('has no tools for pointing and says why', async () => {
    const room = new EchoRoom('echo');
    const { page, problems } = await openEcho(room);
    await known(page);
    expect(await page.getByRole('radiogroup', { name: 'Pointing tools' }).isVisible()).toBe(false);
    expect(await page.getByRole('button', { name: 'New object' }).isVisible()).toBe(false);
    await page.keyboard.press('a');
    await page.locator('.toast').getByText('finds its structures by itself').waitFor();
    expect(await page.locator('.stage').getAttribute('data-tool')).toBe('look');
    await page.keyboard.press('1');
    await page.locator('.object.selected').waitFor();
    expect(await page.locator('.object-tools').first().isVisible()).toBe(false);
    await page.keyboard.press('Delete');
    expect(room.commands).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('fits a large screen, a tablet and a closed panel', async () => {
    const room = new EchoRoom('echo');
    room.verdict = (beat) => (beat % 3 === 0 ? 'foreshortened' : '');
    const { page, problems } = await openEcho(room, { width: 1920, height: 1080 });
    await known(page);
    await page.locator('.beats li').first().waitFor();
    for (const [name, width, height] of [
      ['echo-1080', 1920, 1080],
      ['echo-tablet', 820, 1180],
      ['echo-small', 1024, 768],
    ] as const) {
      await page.setViewportSize({ width, height });
      await expect
        .poll(() =>
          page.evaluate(() => {
            const plot = document.querySelector('.echo-plot')?.getBoundingClientRect();
            const canvas = document.querySelector('.echo-plot canvas')?.getBoundingClientRect();
            return plot && canvas ? Math.abs(plot.width - canvas.width) < 2 : false;
          }),
        )
        .toBe(true);
      for (const part of ['.ef-value', '.echo-plot', '.echo-figures']) await page.locator(part).waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wide, name).toBeLessThanOrEqual(0);
      await keepPicture(page, name);
    }
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.keyboard.press('p');
    await page.locator('.room.panel-closed .ef-value').waitFor();
    await keepPicture(page, 'echo-panel-closed');
    expect(problems).toEqual([]);
  });
});
