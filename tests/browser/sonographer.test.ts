/** Holding, measuring by hand, brightness, and that nothing lies on the picture; full screen, wall displays, wrong addresses. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { uniformCalibration } from '../../src/vocabulary/calibration.js';
import { keepPicture, openPage, preferences, serveDashboard } from './harness.js';
import { NumberedRoom } from './numbered-room.js';
import { browser, closing, live, open, useBrowser } from './scene.js';

useBrowser();

/** A number that stands for what the canvas shows now. */
const shown = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const source = document.querySelector<HTMLCanvasElement>('canvas.picture');
    if (!source) throw new Error('no picture on the page');
    const copy = document.createElement('canvas');
    [copy.width, copy.height] = [source.width, source.height];
    const context = copy.getContext('2d');
    context?.drawImage(source, 0, 0);
    const data = context?.getImageData(0, 0, copy.width, copy.height).data ?? [];
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum = (sum * 31 + (data[at] ?? 0)) % 4294967291;
    return sum;
  });

/** Where the picture lies on the page, CSS pixels. */
const pictureRect = (page: Page): Promise<{ x: number; y: number; width: number; height: number }> =>
  page.evaluate(() => {
    const { x, y, width, height } = (
      document.querySelector('canvas.picture') ?? document.body
    ).getBoundingClientRect();
    const scale = Math.min(width / 640, height / 360);
    return {
      x: x + (width - 640 * scale) / 2,
      y: y + (height - 360 * scale) / 2,
      ...{ width: 640 * scale, height: 360 * scale },
    };
  });

/** Visible elements of the page that lie on the picture, but those that may: picture, outlines, tools in hand, and the alarm of a picture that is not live. */
const onPicture = async (page: Page): Promise<string[]> =>
  page.evaluate(
    (picture) => {
      const may =
        '.stage, .picture, .gestures, .hand-layer, .notices, .ruler, .stage-frame, .room, main, #app, .view';
      return [...document.querySelectorAll('#app *')]
        .filter((element) => {
          if (element.matches(may) || element.closest('.gestures, .hand-layer, .ruler, .notice-picture'))
            return false;
          if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
          if (element.matches('.visually-hidden, .skip')) return false;
          const box = element.getBoundingClientRect();
          // What has scrolled below the picture is covered by it.
          const middle = document.elementFromPoint(
            (Math.max(box.left, picture.x) + Math.min(box.right, picture.x + picture.width)) / 2,
            (Math.max(box.top, picture.y) + Math.min(box.bottom, picture.y + picture.height)) / 2,
          );
          if (!element.closest('.stage-frame, .toasts') && middle?.closest('.stage')) return false;
          return (
            box.width > 0 &&
            box.height > 0 &&
            box.left < picture.x + picture.width - 1 &&
            box.right > picture.x + 1 &&
            box.top < picture.y + picture.height - 1 &&
            box.bottom > picture.y + 1
          );
        })
        .map((element) => `${element.tagName}.${element.getAttribute('class') ?? ''}`);
    },
    await pictureRect(page),
  );

async function held(page: Page): Promise<void> {
  await page.locator('.stage').focus();
  await page.keyboard.press('Space');
  await page.getByText('HELD').waitFor();
}

describe('hold', () => {
  it('stops the picture of this screen alone, with its outlines, and goes on', async () => {
    const { room, served, page, problems } = await open('#/room/scope');
    await live(page);
    const other = await openPage(browser(), `${served.server.url}#/room/scope`);
    closing.push(() => other.page.context().close());
    await live(other.page);
    const asked = room.commands.length;
    await held(page);
    const still = await shown(page);
    const elsewhere = new Set<number>();
    for (let look = 0; look < 6; look++) {
      await page.waitForTimeout(250);
      expect(await shown(page)).toBe(still);
      elsewhere.add(await shown(other.page));
    }
    expect(elsewhere.size).toBeGreaterThan(3);
    expect(await page.locator('.held-now').innerText()).toMatch(/for [1-9]\d* s/);
    // A stall of one's own making is no alarm.
    expect(await page.locator('.notice-picture').isVisible()).toBe(false);
    expect(await other.page.getByText('HELD').isVisible()).toBe(false);
    expect(room.commands.length).toBe(asked);
    await keepPicture(page, 'held');
    await page.keyboard.press('Space');
    await page.getByText('HELD').waitFor({ state: 'hidden' });
    await expect.poll(() => shown(page)).not.toBe(still);
    await page.waitForTimeout(700);
    expect(await page.locator('.notice-picture').isVisible()).toBe(false);
    expect(problems).toEqual([]);
  });
});

describe('measuring by hand', () => {
  it('a distance and an ellipse in centimetres, dragged, moved by keys and removed; pixels without a scale', async () => {
    const room = new NumberedRoom('scope', {}, 'Theatre 2');
    // Pixels that are twice as wide as high.
    room.format = { ...room.format, calibration: uniformCalibration({ x: 0.5, y: 0.25 }) };
    const served = await serveDashboard([room]);
    room.play();
    closing.push(
      () => served.close(),
      () => room.close(),
    );
    const { page, problems } = await openPage(browser(), `${served.server.url}#/room/scope`);
    closing.push(() => page.context().close());
    await live(page);
    const { x, y, width } = await pictureRect(page);
    const scale = width / 640;
    const at = (px: number, py: number): [number, number] => [x + px * scale, y + py * scale];
    const drag = async (from: [number, number], to: [number, number]): Promise<void> => {
      await page.mouse.move(...from);
      await page.mouse.down();
      await page.mouse.move((from[0] + to[0]) / 2, (from[1] + to[1]) / 2);
      await page.mouse.move(...to);
      await page.mouse.up();
    };
    await page.getByRole('button', { name: 'Distance', exact: true }).click();
    // On a moving picture a length would be of nothing.
    await page.getByText('HELD').waitFor();
    // 120 columns are 60 mm, 320 rows 80 mm.
    await drag(at(100, 20), at(220, 340));
    const list = page.locator('.hand-list');
    const first = list.locator('li[data-number="1"]');
    expect(Number.parseFloat((await first.locator('span').innerText()).split(' ')[0] ?? '')).toBeCloseTo(
      10,
      1,
    );
    expect(await first.innerText()).toContain('cm');
    // The end goes to the left: 80 mm of rows alone.
    await drag(at(220, 340), at(100, 340));
    expect(await first.locator('span').innerText()).toMatch(/^(7\.9\d|8\.0\d) cm$/);
    // By click and click.
    await page.mouse.click(...at(300, 100));
    await page.mouse.move(...at(320, 100));
    await page.mouse.click(...at(340, 100));
    expect(await list.locator('li[data-number="2"] span').innerText()).toMatch(/^(1\.9\d|2\.0\d) cm$/);
    await page.getByRole('button', { name: 'Ellipse', exact: true }).click();
    // 80 columns are 40 mm; the other axis is 20 mm: π · 20 · 10 mm².
    await drag(at(400, 150), at(480, 150));
    const ellipse = list.locator('li[data-number="3"] span');
    const area = (text: string): number => Number.parseFloat(text);
    expect(area(await ellipse.innerText())).toBeCloseTo((Math.PI * 20 * 10) / 100, 0);
    expect(await ellipse.innerText()).toMatch(/cm², around 9\.\d\d cm/);
    await keepPicture(page, 'measured-by-hand');
    // By keys: an end moves, Delete removes.
    await page.getByRole('button', { name: /^Ellipse 3.*point 2/ }).focus();
    const before = await ellipse.innerText();
    await page.keyboard.press('Shift+ArrowRight');
    await expect.poll(() => ellipse.innerText()).not.toBe(before);
    await page.keyboard.press('Delete');
    await ellipse.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove Distance 2' }).click();
    expect(await list.locator('li[data-number]').count()).toBe(1);
    expect(room.commands).toEqual([]);
    expect(await onPicture(page)).toEqual([]);
    // Another picture: what was measured on this one is gone.
    await page.locator('.stage').focus();
    await page.keyboard.press('Space');
    await list.waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
  });

  it('says pixels where nothing is calibrated', async () => {
    const { page } = await open('#/room/scope');
    await live(page);
    await page.locator('.stage').focus();
    await page.keyboard.press('Shift+M');
    await page.getByText('HELD').waitFor();
    expect(await page.locator('.hand-list li[data-number="1"] span').innerText()).toBe('128 px');
  });
});

describe('brightness', () => {
  it('changes the picture of this screen, says so, and comes back', async () => {
    const { page, problems } = await open('#/room/scope', { prefer: { fillOpacity: 0 } });
    await live(page);
    await held(page);
    await page.getByRole('button', { name: 'Brightness', exact: true }).click();
    await page.getByRole('slider', { name: 'Window' }).waitFor();
    await page.waitForTimeout(300);
    const plain = await shown(page);
    await page.getByRole('slider', { name: 'Window' }).fill('80');
    await page.getByText('Brightness changed on this screen: window 80').waitFor();
    await expect.poll(() => shown(page)).not.toBe(plain);
    await keepPicture(page, 'brightness');
    await page.getByRole('slider', { name: 'Window' }).dblclick();
    await expect.poll(() => shown(page)).toBe(plain);
    expect(await page.locator('.tone-changed').isVisible()).toBe(false);
    expect(problems).toEqual([]);
  });
});

describe('nothing lies on the picture', () => {
  it.each([
    [1280, 720, true],
    [1280, 720, false],
    [820, 1180, true],
    [3840, 2160, true],
  ])('%i × %i, panel %s: after a mark, with a message', async (width, height, panelOpen) => {
    const { page, problems } = await open('#/room/scope', {
      viewport: { width, height },
      touch: width === 820,
      prefer: { panelOpen },
    });
    await live(page);
    const { x, y, width: wide, height: high } = await pictureRect(page);
    await page.locator('.stage').focus();
    await page.keyboard.press('n');
    await page.mouse.click(x + wide * 0.5, y + high * 0.7);
    await page.locator('.first-mask').waitFor({ state: 'attached' });
    await page.keyboard.press('y');
    await page.locator('.toast').first().waitFor();
    await keepPicture(page, `beside-${width}-${panelOpen ? 'panel' : 'alone'}`);
    expect(await onPicture(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});

describe('full screen and wall displays', () => {
  it('full screen is the picture, its outlines and what it is for; keys work, Escape leaves', async () => {
    const { page, problems } = await open('#/room/scope');
    await live(page);
    await page.keyboard.press('h');
    await expect
      .poll(() => page.evaluate(() => document.fullscreenElement?.className))
      .toContain('stage-frame');
    await page.locator('.stage-head .research').waitFor();
    expect(await page.locator('.stage-tools').isVisible()).toBe(false);
    await page.keyboard.press('Space');
    await page.getByText('HELD').waitFor();
    await keepPicture(page, 'full-screen');
    await page.evaluate(() => document.exitFullscreen());
    await page.locator('.stage-tools').waitFor();
    expect(problems).toEqual([]);
  });

  it('a wall display has the picture alone, and says what it waits for', async () => {
    const room = new NumberedRoom('scope', {}, 'Theatre 2');
    const served = await serveDashboard([room]);
    closing.push(
      () => served.close(),
      () => room.close(),
    );
    const kiosk = await openPage(browser(), `${served.server.url}?kiosk=1&room=scope`, {
      before: preferences({}),
    });
    const clean = await openPage(browser(), `${served.server.url}?clean=1&room=scope`);
    closing.push(
      () => kiosk.page.context().close(),
      () => clean.page.context().close(),
    );
    await kiosk.page.getByText('Waiting for the first picture').first().waitFor();
    await kiosk.page.locator('.stage-name').getByText('Theatre 2').waitFor();
    const word = clean.page.getByText('Waiting for the first picture of Theatre 2 …');
    await word.waitFor();
    await keepPicture(kiosk.page, 'kiosk-waiting');
    await keepPicture(clean.page, 'clean-waiting');
    room.play();
    await live(kiosk.page);
    await word.waitFor({ state: 'hidden' });
    expect(
      await kiosk.page.locator('.top, .tools, .panel, .stage-tools').filter({ visible: true }).count(),
    ).toBe(0);
    expect(await kiosk.page.getByText('Research use only').filter({ visible: true }).count()).toBe(1);
    await keepPicture(kiosk.page, 'kiosk');
    expect(kiosk.problems).toEqual([]);
  });

  it('a clean feed of a room that is not there says so', async () => {
    const room = new NumberedRoom('scope');
    const served = await serveDashboard([room]);
    const { page } = await openPage(browser(), `${served.server.url}?clean=1&room=nowhere`);
    closing.push(
      () => served.close(),
      () => room.close(),
      () => page.context().close(),
    );
    await page.getByText('The server has no room called “nowhere”.').waitFor();
  });
});

describe('wrong addresses', () => {
  it('say so and lead back', async () => {
    const { served, page } = await open('#/nonsense');
    await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
    await keepPicture(page, 'wrong-address');
    await page.getByRole('link', { name: 'All rooms', exact: true }).click();
    await page.locator('.tile').first().waitFor();
    const answer = await page.goto(`${new URL(served.server.url).origin}/nonsense/here`);
    expect(answer?.status()).toBe(404);
    await page.getByRole('link', { name: 'All rooms' }).click();
    await page.locator('.tile').first().waitFor();
  });
});

describe('fingers and wall displays', () => {
  it('what is pressed is at least 44 pixels high and wide for fingers', async () => {
    const { page } = await open('#/room/scope', { viewport: { width: 820, height: 1180 }, touch: true });
    await live(page);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('.stage-frame button')]
        .map((button) => ({ name: button.textContent, box: button.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
        .map(({ name, box }) => `${name} ${box.width}x${box.height}`),
    );
    expect(small).toEqual([]);
  });
});
