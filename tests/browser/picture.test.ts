/** Pictures and outlines as they stand on the screen, under drops, delays and lost signals. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { keepPicture, readBack, serveDashboard, until } from './harness.js';
import { closing, live, open, still, useBrowser } from './scene.js';

useBrowser();

describe('a mask', () => {
  it('is painted on its own frame only, under drops, delays and swapped order', async () => {
    // Seeded disorder. Delays differ by more than the 50 ms between frames, so masks and pictures overtake each other.
    const jumble = (frame: number, salt: number): number =>
      (Math.imul(Math.imul(frame + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b), 0xc2b2ae35) >>> 16) % 100;
    const { room, page, problems } = await open('#/room/scope', {
      plan: {
        pictureDelayMs: (frame) => (jumble(frame, 1) < 15 ? null : jumble(frame, 2)),
        maskDelayMs: (frame) => (jumble(frame, 3) < 20 ? null : 10 + 1.5 * jumble(frame, 4)),
      },
    });
    const seen = await readBack(page, { pictures: 30, masks: 20 });
    const both = seen.filter(({ picture, mask }) => picture !== null && mask !== null);
    expect(new Set(both.map(({ picture }) => picture)).size).toBeGreaterThanOrEqual(20);
    expect(both.filter(({ picture, mask }) => picture !== mask)).toEqual([]);
    // The test means something: frames were in fact dropped and overtaken.
    expect(room.skipped.pictures).toBeGreaterThan(0);
    expect(room.skipped.masks).toBeGreaterThan(0);
    expect(room.overtaken).toBeGreaterThan(0);
    expect(problems).toEqual([]);
  });

  it('goes past the limit, and the screen says why', async () => {
    const { room, page } = await open('#/room/scope', { prefer: { limitMs: 100, slow: 'auto' } });
    await live(page);
    room.plan({ maskDelayMs: () => 600 });
    const last = room.newestFrame;
    await page.getByText(/Outlines paused|Outlines late/).waitFor();
    const seen = await readBack(page, { pictures: 10, masks: 0 });
    expect(seen.filter(({ picture, mask }) => picture !== null && picture > last && mask !== null)).toEqual(
      [],
    );
    expect(seen.some(({ picture }) => picture !== null && picture > last)).toBe(true);
    await keepPicture(page, 'overlay-delayed');
  });

  it('lost and searched-for objects are listed in words, not drawn', async () => {
    const { room, page } = await open('#/room/scope');
    await readBack(page, { pictures: 1, masks: 1 });
    room.objects[0] = { id: 1, label: 'number', state: 'lost', confidence: 0.05 };
    await page.locator('.object[data-state="lost"]').getByText('Lost').waitFor();
    const seen = await readBack(page, { pictures: 5, masks: 0 });
    expect(seen.slice(-3).every(({ mask }) => mask === null)).toBe(true);
  });
});

describe('the picture', () => {
  it('at true size is the source, pixel for pixel', async () => {
    const scene = await open('#/room/scope', {
      plan: { size: { width: 1600, height: 900 }, framesPerSecond: 8 },
      prefer: { fillOpacity: 0 },
    });
    const { page, room } = scene;
    await until(() => room.lastShown, 'a picture');
    await page.locator('.zoom-label').getByText('%').waitFor();
    await page.keyboard.press('o');
    await page.keyboard.press('t');
    await page.getByText('1:1', { exact: true }).waitFor();
    room.pause();
    await page.locator('.notice-picture').getByText('Picture frozen').waitFor();
    const seen = await page.evaluate(() => {
      const source = document.querySelector<HTMLCanvasElement>('canvas.picture');
      const copy = document.createElement('canvas');
      copy.width = source?.width ?? 0;
      copy.height = source?.height ?? 0;
      const context = copy.getContext('2d');
      if (!source || !context) throw new Error('no picture');
      context.drawImage(source, 0, 0);
      const { data } = context.getImageData(copy.width / 2 - 100, copy.height / 2 - 60, 200, 120);
      return { width: copy.width, height: copy.height, data: [...data] };
    });
    const shown = room.lastShown;
    if (!shown) throw new Error('nothing was shown');
    const left = 800 - Math.round(seen.width / 2) + Math.floor(seen.width / 2) - 100;
    const top = 450 - Math.round(seen.height / 2) + Math.floor(seen.height / 2) - 60;
    const truth = await sharp(shown.data).removeAlpha().raw().toBuffer();
    let difference = 0;
    for (let y = 0; y < 120; y++)
      for (let x = 0; x < 200; x++)
        for (let channel = 0; channel < 3; channel++)
          difference += Math.abs(
            (seen.data[(y * 200 + x) * 4 + channel] ?? 0) -
              (truth[((top + y) * 1600 + left + x) * 3 + channel] ?? 0),
          );
    // Two JPEG decoders round differently by about one level.
    expect(difference / (200 * 120 * 3)).toBeLessThan(2);
  });

  it('warns when it is frozen, and stops warning', async () => {
    const scene = await open('#/room/scope');
    await live(scene.page);
    await still(scene);
    await expect.poll(() => scene.page.locator('.stage.not-live').count()).toBe(1);
    await keepPicture(scene.page, 'frozen');
    scene.room.play();
    await scene.page.locator('.notice-picture').waitFor({ state: 'hidden' });
  });

  it('says that the signal is lost, why and since when', async () => {
    const { room, page } = await open('#/room/scope');
    await live(page);
    room.lose();
    const notice = page.locator('.notice-picture');
    await notice.getByText('Signal lost').waitFor();
    const text = await notice.innerText();
    expect(text).toContain('was given up after 10 seconds of waiting for a picture');
    expect(text).toMatch(/Since \d/);
    await keepPicture(page, 'signal-lost');
    room.recover();
    await notice.waitFor({ state: 'hidden' });
  });

  it('comes back by itself after the server was gone', async () => {
    const { room, served, page } = await open('#/room/scope');
    await live(page);
    const { port } = served.server;
    await served.close();
    await page.locator('.notice-picture').getByText('No connection to the server').waitFor();
    await keepPicture(page, 'no-connection');
    const again = await serveDashboard([room], { port });
    closing.push(() => again.close());
    const before = room.lastShown?.sourceFrame ?? 0;
    await page.locator('.notice-picture').waitFor({ state: 'hidden' });
    const seen = await readBack(page, { pictures: 3, masks: 1 });
    expect(Math.max(...seen.map(({ picture }) => picture ?? -1))).toBeGreaterThan(before);
  });
});

describe('outlines', () => {
  it('are switched by one key, a foot pedal and over HTTP, here and for everybody', async () => {
    const { room, served, page } = await open('#/room/scope', { prefer: { pedalCode: 'PageDown' } });
    await readBack(page, { pictures: 1, masks: 1 });
    const shown = page.getByRole('switch', { name: /Outlines/ });
    await page.keyboard.press('o');
    await until(() => !room.health.overlayVisible, 'outlines off on the server');
    await expect.poll(() => shown.getAttribute('aria-checked')).toBe('false');
    const off = await readBack(page, { pictures: 6, masks: 0 });
    expect(off.slice(-5).every(({ mask }) => mask === null)).toBe(true);
    await page.keyboard.press('PageDown');
    await until(() => room.health.overlayVisible, 'outlines on on the server');
    const answer = await fetch(new URL('api/overlay', served.server.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream: 'scope', visible: false }),
    });
    expect(await answer.json()).toEqual({ visible: false });
    await expect.poll(() => shown.getAttribute('aria-checked')).toBe('false');
  });

  it('never reach the clean feed, which turns black rather than freeze', async () => {
    const { room, page, problems } = await open('?clean=1&room=scope');
    const seen = await readBack(page, { pictures: 8, masks: 0 });
    expect(seen.every(({ mask }) => mask === null)).toBe(true);
    expect(await page.evaluate(() => document.body.innerText.trim())).toBe('');
    expect(
      await page.evaluate(() => [...document.querySelectorAll('#app *')].map(({ tagName }) => tagName)),
    ).toEqual(['DIV', 'CANVAS']);
    await keepPicture(page, 'clean-feed');
    room.pause();
    await expect
      .poll(
        () =>
          page.evaluate(() => {
            const source = document.querySelector<HTMLCanvasElement>('canvas.picture');
            const copy = document.createElement('canvas');
            copy.width = 64;
            copy.height = 36;
            const context = copy.getContext('2d');
            if (!source || !context) return -1;
            context.drawImage(source, 0, 0, 64, 36);
            return Math.max(...context.getImageData(0, 0, 64, 36).data.filter((_, index) => index % 4 !== 3));
          }),
        { timeout: 20_000 },
      )
      .toBe(0);
    expect(problems).toEqual([]);
  });
});
