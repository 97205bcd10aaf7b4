/** Slow hands, slips and ends: what a gesture means, what a key does, and that nothing outlives what it belongs to. */
import { describe, expect, it } from 'vitest';
import type { CDPSession, Page } from 'playwright-core';
import { keepPicture, readBack, until } from './harness.js';
import { live, onStage, open, still, useBrowser } from './scene.js';
import type { Scene } from './scene.js';

useBrowser();

const tablet = { viewport: { width: 820, height: 1180 }, touch: true } as const;

const prompts = ({ room }: Scene) =>
  room.commands.flatMap(({ command, ptsNs }) => (command.kind === 'prompt' ? [{ ...command, ptsNs }] : []));

const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};

describe('a number', () => {
  const ways: readonly (readonly [string, (scene: Scene) => unknown])[] = [
    ['removed or undone to nothing', ({ room }) => (room.objects = [])],
    ['lost', ({ room }) => room.objects.forEach((object) => (object.state = 'lost'))],
    ['searched for', ({ room }) => room.objects.forEach((object) => (object.state = 'searching'))],
    ['of another source', ({ room }) => room.replaceSource('synthetic:echo')],
    [
      'of another source without analysis',
      ({ room }) => {
        room.plan({ maskDelayMs: () => null });
        room.replaceSource('synthetic:echo');
      },
    ],
    [
      'of a source at its end',
      ({ room }) => {
        room.pause();
        room.change({ source: { phase: 'ended' } });
      },
    ],
    ['of a lost signal', ({ room }) => room.lose()],
    [
      'of a signal that came back',
      async ({ room, page }) => {
        room.lose();
        await page.locator('.notice-picture').getByText('Signal lost').waitFor();
        room.objects.forEach((object) => (object.state = 'searching'));
        room.recover();
        await page.locator('.notice-picture').getByText('Signal lost').waitFor({ state: 'hidden' });
      },
    ],
    ['of a picture that stands still', ({ room }) => room.pause()],
    ['of a server that is gone', ({ served }) => served.server.close()],
    ['of a room that was closed', ({ served }) => served.rooms.remove('scope')],
  ];
  it.each(ways)('leaves the page with its object: %s', async (_, end) => {
    const scene = await open('#/room/scope');
    const { page } = scene;
    await live(page);
    await page.locator('.measurements dd').nth(1).waitFor();
    await end(scene);
    await expect.poll(() => page.locator('.measurements').isVisible(), { timeout: 20_000 }).toBe(false);
  });
});

describe('another source', () => {
  it('ends selection, zoom, the card of the last mark and what was said; objects that ended are told', async () => {
    const scene = await open('#/room/scope');
    const { room, page, problems } = scene;
    await live(page);
    const zoom = page.locator('.zoom-label');
    const fit = await zoom.innerText();
    await press(page, 'a', 'Enter');
    await page.locator('.first-mask').waitFor();
    await expect.poll(() => page.locator('.object.selected').count()).toBe(1);
    await press(page, '+', '+');
    await expect.poll(() => zoom.innerText()).not.toBe(fit);
    await page.waitForTimeout(600);
    room.replaceSource('synthetic:echo');
    await page
      .getByText('Somebody has opened another source in this room. 3 objects ended with the one before.')
      .waitFor();
    await expect.poll(() => zoom.innerText()).toBe(fit);
    expect(await page.locator('.first-mask').count()).toBe(0);
    expect(await page.locator('.object').count()).toBe(0);
    await keepPicture(page, 'source-from-elsewhere');
    expect(problems).toEqual([]);
  });

  it('asks whether the objects may end, and is not announced to whoever opened it', async () => {
    const { room, page } = await open('#/room/scope');
    await live(page);
    await page.locator('.object').nth(1).waitFor();
    await press(page, 'c');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await press(page, 'Shift+C');
    await page.getByRole('dialog').waitFor();
    await page.getByRole('textbox').fill('synthetic:echo');
    await press(page, 'Enter');
    await page.getByText('2 objects are followed here. They end with this source.').waitFor();
    await keepPicture(page, 'source-asks');
    await page.getByRole('button', { name: 'Keep them' }).click();
    expect(room.sourceUri).toBe('synthetic:counter');
    await page.getByRole('textbox').press('Enter');
    await page.getByRole('button', { name: 'Open and end them' }).click();
    await page.getByText('Opened synthetic:echo').waitFor();
    expect(room.sourceUri).toBe('synthetic:echo');
    expect(await page.getByText('Somebody has opened').count()).toBe(0);
  });
});

describe('a slow hand', () => {
  /** Times of the pictures that have left, by number. */
  const timesOf = ({ room }: Scene): Map<number, number> => {
    const times = new Map<number, number>();
    room.events.subscribe((event) => {
      if (event.kind === 'display') times.set(event.frame.sourceFrame, event.frame.ptsNs);
    });
    return times;
  };
  interface Hand {
    readonly begin: (scene: Scene) => Promise<void>;
    readonly end: (scene: Scene) => Promise<void>;
  }
  /** A touch is known to the session that began it alone. */
  let finger: CDPSession | null = null;
  const touch = async (
    { page }: Scene,
    type: 'touchStart' | 'touchMove' | 'touchEnd',
    x: number,
    y: number,
  ) => {
    if (type === 'touchStart') finger = await page.context().newCDPSession(page);
    const touchPoints = type === 'touchEnd' ? [] : [{ ...(await onStage(page, x, y)), id: 1 }];
    await finger?.send('Input.dispatchTouchEvent', { type, touchPoints });
  };
  const mouse = async ({ page }: Scene, x: number, y: number): Promise<void> => {
    const at = await onStage(page, x, y);
    await page.mouse.move(at.x, at.y);
  };
  const hands: Readonly<Record<string, Hand>> = {
    mouse: {
      begin: async (scene) => {
        await mouse(scene, 200, 100);
        await scene.page.mouse.down();
      },
      end: async (scene) => {
        await mouse(scene, 300, 220);
        await scene.page.mouse.up();
      },
    },
    finger: {
      begin: (scene) => touch(scene, 'touchStart', 200, 100),
      end: async (scene) => {
        await touch(scene, 'touchMove', 300, 220);
        await touch(scene, 'touchEnd', 0, 0);
      },
    },
    keyboard: {
      begin: ({ page }) => press(page, 'Enter'),
      end: ({ page }) => press(page, 'Shift+ArrowRight', 'Shift+ArrowRight', 'Shift+ArrowDown', 'Enter'),
    },
  };
  it.each([
    ['mouse', 10_000],
    ['finger', 4000],
    ['keyboard', 4000],
  ] as const)('marks the picture on which it began: a box by %s that takes %i ms', async (name, lastsMs) => {
    const scene = await open('#/room/scope', {
      plan: { framesPerSecond: 25 },
      ...(name === 'finger' && tablet),
    });
    const { room, page, problems } = scene;
    const times = timesOf(scene);
    await live(page);
    if (name === 'finger') await page.getByRole('radio', { name: /Box/ }).tap();
    else await press(page, 'b');
    const hand = hands[name];
    if (!hand) throw new Error('no such hand');
    await hand.begin(scene);
    await page.locator('.stage.held-still').waitFor();
    const shown = async (): Promise<number | null | undefined> =>
      (await readBack(page, { pictures: 1, masks: 0 }))[0]?.picture;
    const first = await shown();
    await until(() => room.gestures.counts.held === 1, 'the server holds the picture');
    await page.waitForTimeout(lastsMs);
    expect(await shown()).toBe(first);
    await page.getByText('Picture held while you draw').waitFor();
    // Numbers are of the pictures that go on meanwhile, not of this one.
    expect(await page.locator('.measurements').isVisible()).toBe(false);
    expect(await page.getByText('Picture frozen').count()).toBe(0);
    if (name === 'mouse') await keepPicture(page, 'held-while-drawing');
    await hand.end(scene);
    await until(() => prompts(scene).length === 1, 'the prompt');
    expect(prompts(scene)[0]?.ptsNs).toBe(times.get(first ?? -1));
    // Longer ago than the server keeps pictures by itself.
    expect(room.newestFrame - (first ?? 0)).toBeGreaterThan(2 * 25);
    await page.locator('.stage.held-still').waitFor({ state: 'detached' });
    await page.locator('.first-mask').waitFor();
    await until(() => room.gestures.counts.held === 0, 'the picture is let go');
    await expect.poll(shown, { timeout: 20_000 }).toBeGreaterThan(first ?? 0);
    expect(problems).toEqual([]);
  });

  it('that gives up lets the picture go at once', async () => {
    const scene = await open('#/room/scope');
    const { room, page } = scene;
    await live(page);
    await press(page, 'b', 'Enter');
    await until(() => room.gestures.counts.held === 1, 'the server holds the picture');
    await press(page, 'Escape');
    await until(() => room.gestures.counts.held === 0, 'the picture is let go');
    await page.locator('.stage.held-still').waitFor({ state: 'detached' });
    await press(page, 'Enter');
    await until(() => room.gestures.counts.held === 1, 'another gesture');
    await page.close();
    await until(() => room.gestures.counts.left === 1, 'the page has left');
    expect(prompts(scene)).toEqual([]);
  });

  it('may begin a box beside the picture, and ends it there', async () => {
    const scene = await open('#/room/scope', { viewport: { width: 1280, height: 1000 } });
    const { page } = scene;
    await live(page);
    await press(page, 'b');
    const stage = await page.locator('.stage').boundingBox();
    const to = await onStage(page, 120, 80);
    if (!stage) throw new Error('no stage');
    await page.mouse.move(stage.x + 3, stage.y + 3);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y);
    await page.mouse.up();
    await until(() => prompts(scene).length === 1, 'the prompt');
    const [box] = prompts(scene)[0]?.prompts ?? [];
    if (box?.type !== 'box') throw new Error('not a box');
    expect(box.box[1]).toBe(0);
    expect(Math.abs(box.box[3] - 80)).toBeLessThan(1);
  });

  it('reaches the whole picture with the keyboard, also where it is larger than the screen', async () => {
    const scene = await open('#/room/scope');
    const { page } = scene;
    await live(page);
    await press(page, 'b', '+', '+', '+', '+', '+');
    for (let step = 0; step < 60; step++) await press(page, 'Shift+ArrowLeft', 'Shift+ArrowUp');
    await press(page, 'Enter', 'Enter');
    await page.getByText('Move the crosshair with the arrow keys to the opposite corner').waitFor();
    for (let step = 0; step < 120; step++) await press(page, 'Shift+ArrowRight', 'Shift+ArrowDown');
    await expect
      .poll(async () => {
        const [cross, stage] = await Promise.all([
          page.locator('.crosshair').boundingBox(),
          page.locator('.stage').boundingBox(),
        ]);
        if (!cross || !stage) return false;
        const [x, y] = [cross.x + cross.width / 2, cross.y + cross.height / 2];
        return (
          x >= stage.x - 1 &&
          y >= stage.y - 1 &&
          x <= stage.x + stage.width + 1 &&
          y <= stage.y + stage.height + 1
        );
      })
      .toBe(true);
    await press(page, 'Enter');
    await until(() => prompts(scene).length === 1, 'the prompt');
    const [box] = prompts(scene)[0]?.prompts ?? [];
    if (box?.type !== 'box') throw new Error('not a box');
    expect(box.box).toEqual([0, 0, 639.99, 359.99]);
  });
});

describe('keys', () => {
  it('typed on after a refused name stay in its field, and are no shortcuts', async () => {
    const { room, page } = await open('#/room/scope');
    await live(page);
    await page.locator('.object').nth(1).waitFor();
    await press(page, '2', 'r');
    await page.keyboard.type('number');
    await press(page, 'Enter');
    await page.getByText('Another object is already called "number".').waitFor();
    await page.keyboard.type(' gloom');
    const field = page.locator('.object[data-object="2"] .rename-field');
    expect(await field.inputValue()).toBe('number gloom');
    await keepPicture(page, 'name-refused');
    expect(room.health.overlayVisible).toBe(true);
    expect(page.url()).toContain('#/room/scope');
    await press(page, 'Enter');
    await expect.poll(() => room.objects.find(({ id }) => id === 2)?.label).toBe('number gloom');
    await field.waitFor({ state: 'hidden' });
  });

  it('of a name that nobody takes do nothing', async () => {
    const { room, page } = await open('#/room/scope');
    await live(page);
    await press(page, 'Escape', 'Escape', 'r');
    await page.getByText('Select an object first').first().waitFor();
    await page.keyboard.type('hook go');
    await press(page, 'Enter');
    expect(page.url()).toContain('#/room/scope');
    expect(room.health.overlayVisible).toBe(true);
    await press(page, 'o');
    await until(() => !room.health.overlayVisible, 'shortcuts work again after Enter');
  });

  it('in dialogs, fields and switches are theirs', async () => {
    const { room, page } = await open('#/room/scope');
    await live(page);
    await press(page, 'a', '?');
    await page.getByRole('dialog').waitFor();
    await press(page, 'o', 'x', 'Delete', '2');
    await press(page, 'Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.locator('#labels').focus();
    await press(page, 'Enter', 'Home', ' ');
    await page.locator('#fill').focus();
    await press(page, 'End', 'ArrowLeft', 'Enter');
    expect(await page.locator('#fill').inputValue()).not.toBe('0');
    expect(room.commands).toEqual([]);
    expect(room.health.overlayVisible).toBe(true);
    expect(await page.locator('.object.selected').count()).toBe(0);
  });

  it('digits select, and Escape gives up the gesture, then the tool, then the selection', async () => {
    const { page } = await open('#/room/scope');
    await live(page);
    await page.locator('.object').nth(1).waitFor();
    const selected = (): Promise<string | null> =>
      page.locator('.object.selected').first().getAttribute('data-object');
    const tool = (): Promise<string | null> => page.locator('.stage').getAttribute('data-tool');
    await press(page, '2', '2');
    expect(await selected()).toBe('2');
    await press(page, 'b', 'Enter', 'Shift+ArrowRight');
    // One corner has moved along: a line.
    await page.locator('.gestures .draft-box path').first().waitFor({ state: 'attached' });
    await press(page, 'Escape');
    expect(await page.locator('.gestures .draft-box path').count()).toBe(0);
    expect([await tool(), await selected()]).toEqual(['box', '2']);
    await press(page, 'Escape');
    expect([await tool(), await selected()]).toEqual(['look', '2']);
    await press(page, 'Escape');
    await expect.poll(() => page.locator('.object.selected').count()).toBe(0);
  });
});

describe('undo', () => {
  it('says what it takes back, of the selected object or of the newest', async () => {
    const { room, page } = await open('#/room/scope');
    await live(page);
    const button = page.getByRole('toolbar', { name: 'Tools' }).getByRole('button');
    await expect.poll(() => button.isDisabled()).toBe(true);
    room.change({
      undoable: [
        { objectId: 1, label: 'number', kind: 'box', made: true },
        { objectId: 2, label: 'disk', kind: 'click', made: false },
      ],
    });
    await expect.poll(() => button.getAttribute('aria-label')).toBe('Undo the click on disk');
    await press(page, '1');
    await expect.poll(() => button.getAttribute('aria-label')).toBe('Undo the box around number');
    await page
      .locator('.object[data-object="1"]')
      .getByRole('button', { name: 'Undo the box around number' })
      .click();
    await until(
      () => room.commands.some(({ command }) => command.kind === 'undo' && command.objectId === 1),
      'undo',
    );
    await keepPicture(page, 'undo-says');
  });

  it('is offered when an object was removed, by mouse and by finger', async () => {
    for (const touch of [false, true]) {
      const { room, page } = await open('#/room/scope', touch ? tablet : {});
      await live(page);
      const act = (locator: ReturnType<Page['locator']>): Promise<void> =>
        touch ? locator.tap() : locator.click();
      await act(page.locator('.object[data-object="2"] .object-select'));
      await act(page.locator('.object[data-object="2"]').getByRole('button', { name: 'Remove' }));
      await page.getByText('disk is not followed any more.').waitFor();
      await keepPicture(page, touch ? 'removed-touch' : 'removed');
      await act(page.locator('.toast').getByRole('button', { name: 'Undo' }));
      await until(
        () => room.commands.some(({ command }) => command.kind === 'undo' && command.objectId === 2),
        'the object comes back',
      );
    }
  });
});

describe('the notice about outlines', () => {
  const canvasOf = async (page: Page): Promise<unknown> => page.locator('canvas.picture').boundingBox();

  it('names their age and allows it with one press', async () => {
    const { page } = await open('#/room/scope', {
      plan: { maskDelayMs: () => 320 },
      prefer: { limitMs: null, slow: 'auto' },
    });
    await page.getByText(/They come after \d+ ms; 100 ms are allowed\./).waitFor();
    await keepPicture(page, 'outlines-too-old');
    const help = page.getByRole('button', { name: /^Allow \d+ ms$/ });
    expect(Number(/\d+/.exec(await help.innerText())?.[0])).toBeGreaterThan(320);
    await help.click();
    await readBack(page, { pictures: 1, masks: 1 });
    await help.waitFor({ state: 'hidden' });
  });

  it('names their rate, the same number as the strip, and shows pictures at that rate with one press', async () => {
    const { room, page } = await open('#/room/scope', {
      plan: { framesPerSecond: 25, maskDelayMs: (frame) => (frame % 4 === 0 ? 25 : null) },
      prefer: { limitMs: null, slow: 'auto' },
    });
    room.change({ analysedFps: 6.25 });
    await page.getByText('Analysis reaches 6.3 of 25 pictures per second.').waitFor();
    await keepPicture(page, 'outlines-too-few');
    expect(await page.locator('.strip').innerText()).toContain('6.3 analysed');
    await page.getByRole('button', { name: 'Show at 6.3 per second' }).click();
    await page.locator('.strip').getByText('Only analysed pictures are shown').waitFor();
    await readBack(page, { pictures: 3, masks: 3 });
  });

  it.each([
    [1280, 720],
    [820, 1180],
  ])(
    'and everything else that is said moves nothing and is cut off nowhere at %i × %i',
    async (width, height) => {
      const scene = await open('#/room/scope', {
        viewport: { width, height },
        prefer: { limitMs: null, slow: 'auto' },
      });
      const { room, page } = scene;
      await live(page);
      await page.locator('.object').nth(1).waitFor();
      const before = await canvasOf(page);
      const same = async (what: string): Promise<void> => {
        expect({ what, box: await canvasOf(page) }).toEqual({ what, box: before });
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll('.strip *, .notice *, .toast *, .first-mask *, .tools *, .panel *')]
            .filter(
              (one) =>
                one.checkVisibility() && one instanceof HTMLElement && one.matches(':not(.visually-hidden)'),
            )
            .filter((one) => {
              const { overflowX } = getComputedStyle(one);
              return overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1;
            })
            .map((one) => `${one.className}: ${one.textContent}`),
        );
        expect(cut).toEqual([]);
      };
      room.change({
        degraded:
          'Outlines at 6.3 of 25 pictures per second: this computer is too slow for more. The picture itself is complete.',
        recording: true,
      });
      await page.locator('.degraded').waitFor();
      await same('degraded, recording');
      await keepPicture(page, `said-${width}`);
      await press(page, 'a', 'Enter');
      await page.locator('.first-mask').waitFor();
      await same('the card of a first mask');
      room.plan({ maskDelayMs: () => 400 });
      await page.locator('.notice-overlay').waitFor();
      await same('outlines late');
      await press(page, 'y', 'y');
      await page.locator('.toast').first().waitFor();
      await same('a message');
      await still(scene);
      await same('frozen');
      room.lose();
      await page.locator('.notice-picture').getByText('Signal lost').waitFor();
      await same('lost');
      await keepPicture(page, `lost-${width}`);
    },
  );
});
