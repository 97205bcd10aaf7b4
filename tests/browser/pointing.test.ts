/** Prompts by mouse, keyboard and finger, in source pixels of the frame that was seen. */
import { describe, expect, it } from 'vitest';
import { keepPicture, readBack, until } from './harness.js';
import { live, onStage, open, still, useBrowser } from './scene.js';
import type { Scene } from './scene.js';

useBrowser();

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
    await page.mouse.move(to.x, to.y);
    // It stays on this screen while somebody draws on it; the newer one is seen as soon as they let go.
    expect((await readBack(page, { pictures: 1, masks: 0 }))[0]?.picture).toBe(number);
    await page.mouse.up();
    await until(() => prompts(scene).length === 1, 'the prompt');
    expect(prompts(scene)[0]?.ptsNs).toBe(ptsNs);
    await expect
      .poll(async () => (await readBack(page, { pictures: 1, masks: 0 }))[0]?.picture, { timeout: 20_000 })
      .toBeGreaterThan(number);
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
    await page.getByText('Press Delete again to stop following gallbladder.').waitFor();
    expect(room.commands.some(({ command }) => command.kind === 'remove')).toBe(false);
    await press('Delete');
    await until(
      () => room.commands.some(({ command }) => command.kind === 'remove' && command.objectId === 2),
      'remove',
    );
    await expect.poll(() => page.locator('.object[data-object="2"]').count()).toBe(0);

    await press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
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

  it('has no tools of recordings in a room, whatever key is pressed', async () => {
    const scene = await open('#/room/scope');
    const { page } = scene;
    await live(page);
    for (const key of ['q', 'Shift+Q', 'Shift+D', 'd']) {
      await page.keyboard.press(key);
      await page.getByText('Outlines are corrected in a recording').waitFor();
      expect(await page.locator('.stage').getAttribute('data-tool')).toBe('look');
    }
    // An object is hidden and locked on this screen: what is locked is not corrected.
    await page.keyboard.press('1');
    await page.keyboard.press('Shift+I');
    await page.keyboard.press('a');
    const at = await onStage(page, 320.5, 200.5);
    await page.mouse.click(at.x, at.y);
    await page.getByText(/ is locked: unlock it in the list first/).waitFor();
    expect(prompts(scene)).toEqual([]);
    await page.locator('.object .thumbnail:visible').first().waitFor();
    await page.keyboard.press('i');
    await page.locator('.object[data-object="1"].not-shown').waitFor();
    await keepPicture(page, 'room-hidden-locked');
    expect(scene.problems).toEqual([]);
  });
});
