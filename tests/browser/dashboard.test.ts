/**
 * The dashboard in real Chromium on the real server. Rooms are made by hand (numbered-room.ts), so that a test decides
 * which frames are dropped, delayed and swapped; tests/browser/full-stack.test.ts does the same through GStreamer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { acceptanceFrames } from '../../src/protocol/acceptance.js';
import {
  keepPicture,
  launchBrowser,
  openPage,
  preferences,
  readBack,
  serveDashboard,
  until,
} from './harness.js';
import type { Served } from './harness.js';
import { NumberedRoom } from './numbered-room.js';
import type { RoomPlan } from './numbered-room.js';

let browser: Browser;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Scene {
  readonly room: NumberedRoom;
  readonly served: Served;
  readonly page: Page;
  readonly problems: string[];
}

async function open(
  hash: string,
  options: {
    readonly plan?: Partial<RoomPlan>;
    readonly prefer?: Readonly<Record<string, unknown>>;
    readonly viewport?: { readonly width: number; readonly height: number };
    readonly touch?: boolean;
    readonly rooms?: readonly NumberedRoom[];
  } = {},
): Promise<Scene> {
  const room = new NumberedRoom('scope', options.plan, 'Theatre 2');
  const served = await serveDashboard([room, ...(options.rooms ?? [])]);
  for (const one of [room, ...(options.rooms ?? [])]) one.play();
  const { page, problems } = await openPage(browser, served.server.url + hash, {
    ...(options.viewport && { viewport: { ...options.viewport } }),
    hasTouch: options.touch ?? false,
    before: preferences({
      fillOpacity: 1,
      labels: false,
      limitMs: 5000,
      slow: 'steady-outlines',
      ...options.prefer,
    }),
  });
  closing.push(
    () => served.close(),
    () => room.close(),
    () => page.context().close(),
  );
  return { room, served, page, problems };
}

/** Waits until the room shows a picture. */
async function live(page: Page): Promise<void> {
  await readBack(page, { pictures: 1, masks: 0 });
}

/** CSS position of a source pixel with the whole picture (640 × 360) on the stage. */
async function onStage(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = await page.locator('canvas.picture').boundingBox();
  if (!box) throw new Error('no picture on the page');
  const scale = Math.min(box.width / 640, box.height / 360);
  return {
    x: box.x + (box.width - 640 * scale) / 2 + x * scale,
    y: box.y + (box.height - 360 * scale) / 2 + y * scale,
  };
}

/** Stops the room on one picture that the page shows; returns the identity of its frame. */
async function still({ room, page }: Scene): Promise<{ ptsNs: number; number: number }> {
  room.pause();
  await page.locator('.notice-picture').getByText('Picture frozen').waitFor();
  // A picture may still be under way when the page first says so: what was shown last is asked for each time.
  await expect
    .poll(
      async () =>
        (await readBack(page, { pictures: 1, masks: 0 })).at(-1)?.picture === room.lastShown?.sourceFrame,
      { timeout: 20_000 },
    )
    .toBe(true);
  const shown = room.lastShown;
  if (!shown) throw new Error('nothing was shown');
  return { ptsNs: shown.ptsNs, number: shown.sourceFrame };
}

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
    await page.getByText(/Outlines paused|Overlay delayed/).waitFor();
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

describe('pointing', () => {
  const prompts = ({ room }: Scene) =>
    room.commands.flatMap(({ command, ptsNs }) => (command.kind === 'prompt' ? [{ ...command, ptsNs }] : []));

  it('by mouse: click, right click, box, stroke and eraser, in source pixels of the frame that was seen', async () => {
    const scene = await open('#/room/scope');
    const { page } = scene;
    await live(page);
    const { ptsNs } = await still(scene);
    const at = (x: number, y: number): Promise<{ x: number; y: number }> => onStage(page, x, y);
    const drag = async (path: readonly (readonly [number, number])[]): Promise<void> => {
      for (const [index, [x, y]] of path.entries()) {
        const point = await at(x, y);
        await page.mouse.move(point.x, point.y);
        if (index === 0) await page.mouse.down();
      }
      await page.mouse.up();
    };
    const next = async (count: number): Promise<ReturnType<typeof prompts>[number]> => {
      await until(() => prompts(scene).length === count, `prompt ${count}`);
      const prompt = prompts(scene)[count - 1];
      if (!prompt) throw new Error('no prompt');
      expect(prompt.ptsNs).toBe(ptsNs);
      return prompt;
    };

    await page.keyboard.press('a');
    const click = await at(320.5, 200.5);
    await page.mouse.click(click.x, click.y);
    const made = await next(1);
    expect(made.objectId).toBeNull();
    const [first] = made.prompts;
    if (first?.type !== 'click') throw new Error('not a click');
    expect(first.positive).toBe(true);
    expect(Math.abs(first.point[0] - 320.5)).toBeLessThan(1);
    expect(Math.abs(first.point[1] - 200.5)).toBeLessThan(1);
    // The answer is shown at once, and the new object is selected: the next prompts correct it.
    await page.locator('.first-mask').waitFor();
    await keepPicture(page, 'first-mask');
    await expect.poll(() => page.locator('.waiting').isHidden()).toBe(true);

    await page.mouse.click(click.x, click.y, { button: 'right' });
    const corrected = await next(2);
    expect(corrected.objectId).toBe(3);
    expect(corrected.prompts).toMatchObject([{ type: 'click', positive: false }]);

    await page.keyboard.press('n');
    await page.keyboard.press('b');
    await drag([
      [300, 220],
      [250, 200],
      [200, 100],
    ]);
    const box = await next(3);
    expect(box.objectId).toBeNull();
    const [drawn] = box.prompts;
    if (drawn?.type !== 'box') throw new Error('not a box');
    for (const [index, value] of [200, 100, 300, 220].entries())
      expect(Math.abs((drawn.box[index] ?? 0) - value)).toBeLessThan(1);

    await page.keyboard.press('s');
    await drag([
      [100, 300],
      [150, 300],
      [200, 320],
    ]);
    const stroke = await next(4);
    expect(stroke.prompts).toMatchObject([{ type: 'scribble', positive: true }]);
    await page.keyboard.press('e');
    await drag([
      [100, 300],
      [150, 300],
    ]);
    expect((await next(5)).prompts).toMatchObject([{ type: 'scribble', positive: false }]);
    expect(scene.problems).toEqual([]);
  });

  it('means the frame on screen when the gesture began', async () => {
    const scene = await open('#/room/scope');
    const { page, room } = scene;
    await live(page);
    const { ptsNs, number } = await still(scene);
    await page.keyboard.press('b');
    const from = await onStage(page, 100, 100);
    const to = await onStage(page, 200, 200);
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    room.capture();
    await until(() => (room.lastShown?.sourceFrame ?? 0) > number, 'a newer picture');
    await expect
      .poll(async () => (await readBack(page, { pictures: 1, masks: 0 }))[0]?.picture, { timeout: 20_000 })
      .toBeGreaterThan(number);
    await page.mouse.move(to.x, to.y);
    await page.mouse.up();
    await until(() => prompts(scene).length === 1, 'the prompt');
    expect(prompts(scene)[0]?.ptsNs).toBe(ptsNs);
  });

  it('by keyboard alone: crosshair, box, select, rename, undo, remove', async () => {
    const scene = await open('#/room/scope');
    const { page, room } = scene;
    await live(page);
    await page.locator('.object').nth(1).waitFor();
    const press = async (...keys: readonly string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await press('a', 'ArrowRight', 'Shift+ArrowDown', 'Enter');
    await until(() => prompts(scene).length === 1, 'a click');
    await expect.poll(() => page.locator('.object.selected').count()).toBe(1);
    await press('Shift+Enter');
    await until(() => prompts(scene).length === 2, 'its opposite');
    expect(prompts(scene)[1]).toMatchObject({ objectId: 3, prompts: [{ type: 'click', positive: false }] });
    await press('n', 'b', 'Enter', 'Shift+ArrowRight', 'Shift+ArrowDown', 'Enter');
    await until(() => prompts(scene).length === 3, 'a box');
    const [box] = prompts(scene)[2]?.prompts ?? [];
    if (box?.type !== 'box') throw new Error('not a box');
    expect(box.box[2] - box.box[0]).toBeGreaterThan(10);

    await press('Escape', '2');
    await expect.poll(() => page.locator('.object.selected').getAttribute('data-object')).toBe('2');
    await press('r');
    await page.keyboard.type('gallbladder');
    await press('Enter');
    await page.locator('.object').getByText('gallbladder').waitFor();
    await press('z');
    await until(
      () => room.commands.some(({ command }) => command.kind === 'undo' && command.objectId === 2),
      'undo',
    );
    // Focus is on the row's button after renaming; Delete still means the selected object.
    await press('Delete');
    await until(
      () => room.commands.some(({ command }) => command.kind === 'remove' && command.objectId === 2),
      'remove',
    );
    await expect.poll(() => page.locator('.object[data-object="2"]').count()).toBe(0);

    await press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(scene.problems).toEqual([]);
  });

  it('by finger: draws with one, zooms with two', async () => {
    const scene = await open('#/room/scope', { viewport: { width: 820, height: 1180 }, touch: true });
    const { page } = scene;
    await live(page);
    await page.getByRole('radio', { name: /Add/ }).tap();
    const point = await onStage(page, 320, 200);
    await page.touchscreen.tap(point.x, point.y);
    await until(() => prompts(scene).length === 1, 'a click');
    const before = await page.locator('.zoom-label').innerText();
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', spread: number): Promise<unknown> =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints:
          type === 'touchEnd'
            ? []
            : [
                { x: point.x - spread, y: point.y, id: 1 },
                { x: point.x + spread, y: point.y, id: 2 },
              ],
      });
    await touch('touchStart', 30);
    for (const spread of [50, 80, 120]) await touch('touchMove', spread);
    await touch('touchEnd', 0);
    await expect.poll(() => page.locator('.zoom-label').innerText()).not.toBe(before);
    // Two fingers draw nothing.
    expect(prompts(scene)).toHaveLength(1);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, input[type=range], label.check')]
        .filter((one) => one.checkVisibility() && !one.classList.contains('skip'))
        .map((one) => ({ name: one.textContent ?? '', box: one.getBoundingClientRect() }))
        .filter(({ box }) => Math.round(box.height) < 44 || Math.round(box.width) < 44)
        .map(({ name, box }) => `${name} ${box.width}×${box.height}`),
    );
    expect(small).toEqual([]);
    await keepPicture(page, 'touch');
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

describe('the page', () => {
  it('shows a grid of rooms and opens one', async () => {
    const second = new NumberedRoom('echo', {}, 'Echo lab');
    closing.push(() => second.close());
    const { page, problems } = await open('', { rooms: [second] });
    await page.locator('.tile').nth(1).waitFor();
    await live(page);
    await keepPicture(page, 'grid');
    expect(await page.getByText('Research use only').isVisible()).toBe(true);
    await page.getByText('Echo lab').click();
    await page.getByRole('heading', { name: 'Echo lab' }).waitFor();
    expect(page.url()).toContain('#/room/echo');
    await page.keyboard.press('g');
    await page.locator('.tile').nth(1).waitFor();
    expect(problems).toEqual([]);
  });

  it('says what to do when no room is open', async () => {
    const served = await serveDashboard([]);
    const { page } = await openPage(browser, served.server.url);
    closing.push(
      () => served.close(),
      () => page.context().close(),
    );
    await page.getByRole('heading', { name: 'No room is open' }).waitFor();
    await keepPicture(page, 'empty');
    // A room that is opened later appears by itself.
    const room = new NumberedRoom('late', {}, 'Latecomer');
    closing.push(() => room.close());
    served.rooms.add(room);
    room.play();
    await page.getByText('Latecomer').waitFor();
  });

  it('says why a server with a token refuses it, and works with the token', async () => {
    const room = new NumberedRoom('scope', {}, 'Theatre 2');
    const served = await serveDashboard([room], { token: 'a-long-enough-token' });
    closing.push(
      () => served.close(),
      () => room.close(),
    );
    room.play();
    const bare = new URL(served.server.url);
    bare.search = '';
    const { page } = await openPage(browser, bare.href);
    closing.push(() => page.context().close());
    await page.getByRole('heading', { name: 'The server refuses this page' }).waitFor();
    await keepPicture(page, 'refused');
    await page.goto(`${bare.href}?token=a-long-enough-token#/room/scope`);
    await live(page);
    // The token has left the address bar; scripts do not see what stands for it, and a new visit works without it.
    expect(page.url()).toBe(`${bare.href}#/room/scope`);
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.goto(bare.href);
    await page.getByText('Theatre 2').first().waitFor();
  });

  it('shows the error of a source next to the field, and opens a good one', async () => {
    const { room, page, problems } = await open('#/room/scope');
    await live(page);
    await page.getByRole('button', { name: 'Source' }).click();
    const field = page.getByRole('textbox');
    await field.fill('rtsp://10.0.0.5/cam');
    await page.keyboard.press('Enter');
    const error = page.locator('#source-error');
    await error.getByText('was given up after').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    await keepPicture(page, 'source-error');
    await page.getByRole('radio', { name: 'Scene' }).click();
    await page.getByRole('button', { name: /Echo/ }).click();
    expect(await error.isHidden()).toBe(true);
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(room.sourceUri).toBe('synthetic:echo');
    expect(problems).toEqual([]);
  });

  it('sends a file of this computer to the server and opens it', async () => {
    const { room, served, page } = await open('#/room/scope');
    await live(page);
    const opened: string[] = [];
    room.openSource = (uri) => {
      opened.push(uri);
      return Promise.resolve();
    };
    await page.getByRole('button', { name: 'Source' }).click();
    await page.getByRole('radio', { name: 'File' }).click();
    await page.setInputFiles('input[type=file]', {
      name: 'case 12.mp4',
      mimeType: 'video/mp4',
      buffer: Buffer.alloc(300_000, 7),
    });
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    const [path = ''] = opened;
    expect(path.startsWith(served.dataDir)).toBe(true);
    expect(readFileSync(path)).toHaveLength(300_000);
  });

  it('gives every control a name', async () => {
    const { page } = await open('#/room/scope');
    await live(page);
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, input')]
        .filter((one) => one.checkVisibility())
        .filter((one) => {
          const labels =
            one instanceof HTMLInputElement ? [...(one.labels ?? [])].map((label) => label.textContent) : [];
          return [one.getAttribute('aria-label'), one.textContent, ...labels].every(
            (name) => (name ?? '').trim() === '',
          );
        })
        .map((one) => one.outerHTML),
    );
    expect(nameless).toEqual([]);
  });

  it('fits a monitor of 3840 × 2160', async () => {
    const { page } = await open('#/room/scope', {
      viewport: { width: 3840, height: 2160 },
      plan: { framesPerSecond: 5 },
    });
    await live(page);
    expect(
      await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.scrollHeight,
      ]),
    ).toEqual([3840, 2160]);
    await keepPicture(page, 'room-3840');
  });
});

describe('the acceptance test', () => {
  it('measures, judges, stores and can be printed', async () => {
    const { served, page, problems } = await open('#/room/scope/acceptance', {
      prefer: { acceptanceFrames: 30 },
    });
    await page.getByRole('button', { name: 'Start the test' }).click();
    await page.getByRole('heading', { name: 'Acceptance report' }).waitFor();
    expect(await page.locator('.acceptance').innerText()).toContain('not glass-to-glass');
    expect(await page.locator('.verdicts li').count()).toBe(6);
    expect(await page.locator('.plot canvas').count()).toBe(2);
    await keepPicture(page, 'acceptance-report');
    const [file] = readdirSync(join(served.dataDir, 'acceptance')).filter((name) => name.endsWith('.json'));
    if (file === undefined) throw new Error('nothing was stored');
    const stored = JSON.parse(readFileSync(join(served.dataDir, 'acceptance', file), 'utf8')) as {
      id: string;
      report: {
        overlay: { samplesMs: number[] };
        picture: { samplesMs: number[] };
        clock: { uncertaintyMs: number };
      };
      overlay: { frames: number; p50Ms: number; deadlines: { verdict: string }[] };
    };
    expect(stored.report.overlay.samplesMs).toHaveLength(30);
    expect(stored.report.picture.samplesMs).toHaveLength(30);
    expect(stored.report.overlay.samplesMs.every((ms) => ms > 0)).toBe(true);
    expect(stored.overlay.deadlines.every(({ verdict }) => verdict === 'undecided')).toBe(true);
    expect(acceptanceFrames).toBeGreaterThan(30);
    const printable = await fetch(new URL(`api/acceptance/${stored.id}/report`, served.server.url));
    expect(await printable.text()).toContain('not glass-to-glass');
    expect(problems).toEqual([]);
  });
});
