/** The editor of a recording in a real browser, by mouse, touch and keyboard: zoom, crosshair, marks one by one, outlines by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { maskArea, maskFromCocoString } from '../../src/mask/rle.js';
import { projectServices, projectsTopicOf } from '../../src/projects/project-services.js';
import { Projects } from '../../src/projects/projects.js';
import { operations } from '../../src/protocol/operations.js';
import type { ResponseOf } from '../../src/protocol/operations.js';
import { laneStates } from '../../src/protocol/project-requests.js';
import type { ProjectState } from '../../src/protocol/project-requests.js';
import { replayTools } from '../../src/replay/replay-tools.js';
import { clipSize, sceneFolder, squareBox, tinyModel } from '../process/replay/fixture.js';
import { keepPicture, openPage, serveDashboard } from './harness.js';
import type { Served } from './harness.js';
import { browser, closing, useBrowser } from './scene.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
useBrowser();
const folder = mkdtempSync(join(tmpdir(), 'sono-editor-'));
const frames = 16;
const soon = { timeout: 30_000 };
let served: Served;
let projects: Projects;

beforeAll(async () => {
  projects = new Projects(join(folder, 'projects'), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '9.9.9' },
    ...{ chunkFrames: 5, spoolBytes: 1e8 },
  });
  served = await serveDashboard([], {
    extraServices: projectServices(projects),
    topics: [projectsTopicOf(projects)],
  });
});
afterAll(async () => {
  await served?.close();
  await projects?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Case {
  readonly page: Page;
  readonly problems: readonly string[];
  readonly state: () => Promise<ProjectState>;
  /** Marks of the first object. */
  readonly marks: () => Promise<ProjectState['objects'][number]['prompts']>;
  /** Of each picture. */
  readonly lanes: () => Promise<ResponseOf<'projects.lanes'>['lanes']>;
  /** Masks of a picture, by name: their area in pixels of the mask. */
  readonly areas: (frame: number) => Promise<Readonly<Record<string, number>>>;
}

async function openCase(
  name: string,
  options: Parameters<typeof openPage>[2] = {},
  made: string | null = null,
): Promise<Case> {
  const clip = made ?? (await sceneFolder(join(folder, name), frames));
  const { id } = await projects.open(clip, null, null, new AbortController().signal);
  const { page, problems } = await openPage(
    browser(),
    new URL(`#/recordings/${id}`, served.server.url).href,
    options,
  );
  closing.push(() => page.context().close());
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(new URL(`api/projects/${id}${path}`, served.server.url))).json();
  const state = async () => operations['projects.get'].response.parse(await ask(''));
  await page.waitForSelector('.project-stage[data-frame="0"]');
  return {
    ...{ page, problems, state },
    lanes: async () => operations['projects.lanes'].response.parse(await ask('/lanes?buckets=4000')).lanes,
    marks: async () => (await state()).objects[0]?.prompts ?? [],
    areas: async (frame) => {
      const { size, objects } = operations['projects.masks'].response.parse(await ask(`/masks/${frame}`));
      return Object.fromEntries(
        objects.map(({ label, counts }) => [
          label,
          size ? maskArea(maskFromCocoString(counts, size.width, size.height)) : 0,
        ]),
      );
    },
  };
}

/** Where a source pixel is on the page while the whole picture is shown. */
async function onStage(page: Page, x: number, y: number): Promise<[number, number]> {
  const bounds = await page.locator('.project-stage').boundingBox();
  if (!bounds) throw new Error('no stage');
  const scale = Math.min(bounds.width / clipSize.width, bounds.height / clipSize.height);
  return [
    bounds.x + (bounds.width - clipSize.width * scale) / 2 + x * scale,
    bounds.y + (bounds.height - clipSize.height * scale) / 2 + y * scale,
  ];
}

async function drag(page: Page, ...path: readonly (readonly [number, number])[]): Promise<void> {
  for (const [index, [x, y]] of path.entries()) {
    await page.mouse.move(...(await onStage(page, x, y)), { steps: index === 0 ? 1 : 4 });
    if (index === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const [left, top, right, bottom] = squareBox(0);
const middle = [(left + right) / 2, (top + bottom) / 2] as const;
const drawBox = (page: Page) => drag(page, [left, top], [middle[0], middle[1]], [right, bottom]);
const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};
const masksShown = (page: Page, count: number) =>
  page.waitForSelector(`.project-stage[data-masks="${count}"]`);

describe('the editor of a recording', () => {
  it('has the tools, keys and zoom of a room, and says which keys work here', async () => {
    const { page, problems, state } = await openCase('tools');
    const tools = page.getByRole('toolbar', { name: 'Tools' });
    for (const name of ['Look', 'Add', 'Exclude', 'Box', 'Stroke', 'Erase', 'Brush', 'Rub out', 'Polygon'])
      await tools.getByRole('radio', { name: new RegExp(`^${name}`) }).waitFor();

    const zoom = page.locator('.zoom-label');
    const whole = await zoom.innerText();
    await press(page, '+', '+');
    await expect.poll(() => zoom.innerText(), soon).not.toBe(whole);
    await press(page, 't');
    await expect.poll(() => zoom.innerText(), soon).toBe('1:1');
    await press(page, '0');
    await expect.poll(() => zoom.innerText(), soon).toBe(whole);
    await page.mouse.move(...(await onStage(page, 30, 30)));
    await page.mouse.wheel(0, -400);
    await expect.poll(() => zoom.innerText(), soon).not.toBe(whole);
    await press(page, '0');

    // With Look arrows step through time, with a tool they move the crosshair; the other steps work always.
    await press(page, 'ArrowRight', '.', '.', ',');
    await page.waitForSelector('.project-stage[data-frame="2"]');
    await press(page, 'Shift+ArrowRight');
    await page.waitForSelector('.project-stage[data-frame="12"]');
    await press(page, 'Home');
    await page.waitForSelector('.project-stage[data-frame="0"]');
    await press(page, 'b', 'ArrowLeft', 'ArrowUp');
    await page.locator('.crosshair[visibility="visible"]').waitFor();
    expect(await page.locator('.project-stage').getAttribute('data-frame')).toBe('0');
    await press(page, 'Enter', 'Shift+ArrowRight', 'Shift+ArrowDown', 'Enter');
    await page.locator('.object').waitFor();
    const [mark] = (await state()).objects[0]?.prompts ?? [];
    expect(mark).toMatchObject({ type: 'box', frame: 0, author: 'person' });

    await press(page, '?');
    const help = page.getByRole('dialog', { name: 'Keys' });
    await help.getByText('Track all objects both ways').waitFor();
    expect(await help.getByText('Choose the source').count()).toBe(0);
    await keepPicture(page, 'recording-help');
    await press(page, 'Escape', 'Escape');
    // The panel goes and comes, as in a room.
    await press(page, 'p');
    await page.locator('.project-panel').waitFor({ state: 'hidden' });
    await press(page, 'p');
    await page.locator('.project-panel').waitFor();
    expect(problems).toEqual([]);
  });

  it('shows a mask at once, before any tracking, and each mark can be moved and removed by mouse', async () => {
    const { page, problems, marks, state } = await openCase('marks');
    await press(page, 'b');
    await drawBox(page);
    await masksShown(page, 1);
    expect((await state()).run).toEqual({ phase: 'idle' });
    expect((await state()).upToDate).toBe(false);
    await page.locator('.object').getByText('Marked, not tracked yet').waitFor();
    await page.locator('.object .thumbnail:visible').waitFor();
    await press(page, 'a');
    await page.mouse.click(...(await onStage(page, middle[0], middle[1] + 6)));
    await page.mouse.click(...(await onStage(page, left - 6, top - 6)), { button: 'right' });
    await page.getByRole('button', { name: /^Click \(−\): / }).waitFor();
    await expect.poll(async () => (await marks()).length, soon).toBe(3);
    await keepPicture(page, 'recording-marks');
    await page.getByRole('button', { name: /^Undo: mark on object 1/ }).waitFor();

    // With Look in hand a mark is dragged; the server has its new place, and only its.
    await press(page, 'v');
    const before = await marks();
    const handle = async (name: RegExp): Promise<[number, number]> => {
      const box = await page.getByRole('button', { name }).boundingBox();
      if (!box) throw new Error('no handle');
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const [fromX, fromY] = await handle(/^Click \(\+\): /);
    const [toX, toY] = await onStage(page, middle[0] - 5, middle[1]);
    await page.mouse.move(fromX, fromY);
    await page.mouse.down();
    await page.mouse.move(toX, toY, { steps: 5 });
    await page.mouse.up();
    await expect
      .poll(async () => (await marks())[1]?.point?.map(Math.round), soon)
      .toEqual([Math.round(middle[0] - 5), Math.round(middle[1])]);
    expect([(await marks())[0], (await marks())[2]]).toEqual([before[0], before[2]]);
    // A corner of the box.
    const [cornerX, cornerY] = await handle(/^Corner 3 of the box: /);
    await page.mouse.move(cornerX, cornerY);
    await page.mouse.down();
    await page.mouse.move(...(await onStage(page, right + 4, bottom + 3)), { steps: 5 });
    await page.mouse.up();
    await expect
      .poll(async () => (await marks())[0]?.box?.map(Math.round), soon)
      .toEqual([left, top, right + 4, bottom + 3]);

    // Removed by the button beside it; taken back and done again.
    await page.getByRole('button', { name: /^Click \(−\): / }).focus();
    await page.getByRole('button', { name: 'Remove this mark' }).click();
    await expect.poll(async () => (await marks()).length, soon).toBe(2);
    await press(page, 'z');
    await expect.poll(async () => (await marks()).length, soon).toBe(3);
    await press(page, 'Shift+Z');
    await expect.poll(async () => (await marks()).length, soon).toBe(2);

    // Nothing is cut off, on a small screen, a tablet and a large monitor.
    for (const [width, height] of [
      [1280, 720],
      [820, 1180],
      [3840, 2160],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(300);
      await keepPicture(page, `recording-editor-${width}`);
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('.project .tool, .project-panel button, .object')]
          .filter((one) => one.offsetParent !== null)
          .filter((one) => {
            const { left, right } = one.getBoundingClientRect();
            return left < 0 || right > innerWidth + 0.5;
          })
          .map((one) => one.textContent),
      );
      expect(cut).toEqual([]);
      const rail = await page
        .locator('.project .tools')
        .evaluate((one) => one.scrollHeight - one.clientHeight);
      expect(rail).toBeLessThanOrEqual(1);
    }
    expect(problems).toEqual([]);
  });

  it('moves and removes marks by keyboard alone, and names what is taken back', async () => {
    const { page, problems, marks } = await openCase('keys');
    await press(page, 'b', 'Enter', 'Shift+ArrowRight', 'Shift+ArrowDown', 'Enter');
    await expect.poll(async () => (await marks()).length, soon).toBe(1);
    const [box] = await marks();
    await press(page, 'Escape');
    await page.locator('.project-stage').focus();
    // Tab reaches the marks after the buttons on the picture.
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
    for (let tries = 0; tries < 12 && !/^Box: /.test(await focused()); tries += 1) await press(page, 'Tab');
    expect(await focused()).toMatch(/^Box: /);
    await press(page, 'ArrowRight', 'Shift+ArrowDown', 'Enter');
    await expect
      .poll(async () => (await marks())[0]?.box?.map(Math.round), soon)
      .toEqual([
        Math.round((box?.box?.[0] ?? 0) + 1),
        Math.round((box?.box?.[1] ?? 0) + 10),
        Math.round((box?.box?.[2] ?? 0) + 1),
        Math.round((box?.box?.[3] ?? 0) + 10),
      ]);
    await page.getByRole('button', { name: 'Undo: moved mark of object 1' }).waitFor();
    await page.getByRole('button', { name: /^Box: / }).focus();
    await press(page, 'Delete');
    await expect.poll(async () => (await marks()).length, soon).toBe(0);
    expect(problems).toEqual([]);
  });

  it('takes outlines by brush, eraser and polygon on any picture, and tracks on from them', async () => {
    const { page, problems, state, marks, areas } = await openCase('hand');
    // A polygon, corner after corner, is the first outline of an object.
    await press(page, 'Shift+D');
    for (const [x, y] of [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ] as const)
      await page.mouse.click(...(await onStage(page, x, y)));
    await keepPicture(page, 'recording-polygon');
    await press(page, 'Enter');
    await masksShown(page, 1);
    await expect.poll(async () => (await marks()).map(({ type }) => type), soon).toEqual(['mask']);
    const { 'object 1': drawn = 0 } = await areas(0);
    expect(drawn).toBeGreaterThan(0);

    await press(page, 'Control+Enter');
    await page.getByText('Tracked.').waitFor();
    // On a tracked picture: a stroke of the brush, one that rubs out, and back again.
    await press(page, 'End');
    await page.waitForSelector(`.project-stage[data-frame="${frames - 1}"][data-masks="1"]`);
    const last = frames - 1;
    const { 'object 1': tracked = 0 } = await areas(last);
    const [x0, y0, x1, y1] = squareBox(last);
    await press(page, '1');
    await press(page, 'q');
    await page.getByLabel('Size of the brush').fill('4');
    await drag(page, [x0 + 4, y0 - 6], [x1 - 4, y0 - 6]);
    await expect.poll(async () => (await areas(last))['object 1'], soon).toBeGreaterThan(tracked);
    await keepPicture(page, 'recording-brush');
    const { 'object 1': painted = 0 } = await areas(last);
    await press(page, 'Shift+Q');
    await drag(page, [x0, (y0 + y1) / 2], [x1, (y0 + y1) / 2]);
    await expect.poll(async () => (await areas(last))['object 1'], soon).toBeLessThan(painted);
    await page.getByText('Marks have changed').waitFor();
    await page.getByRole('button', { name: /^Undo: (mark on|outline drawn of) object 1/ }).waitFor();
    await press(page, 'Escape', 'Control+Enter');
    await page.getByText('Tracked.').waitFor();
    expect((await state()).upToDate).toBe(true);
    expect(problems).toEqual([]);
  });

  it('hides and locks objects: what is locked is not changed, and says so', async () => {
    const { page, problems, state, marks } = await openCase('locks');
    await press(page, 'b');
    await drawBox(page);
    await masksShown(page, 1);
    await page.getByRole('button', { name: 'Lock object 1' }).click();
    await expect.poll(async () => (await state()).objects[0]?.locked, soon).toBe(true);
    await press(page, 'a');
    await page.mouse.click(...(await onStage(page, ...middle)));
    await page.getByText('object 1 is locked: unlock it in the list first.').waitFor();
    await press(page, 'Escape', 'Delete');
    expect(await marks()).toHaveLength(1);
    await press(page, 'Shift+I');
    await expect.poll(async () => (await state()).objects[0]?.locked, soon).toBe(false);
    await press(page, 'i');
    await expect.poll(async () => (await state()).objects[0]?.hidden, soon).toBe(true);
    await page.getByRole('button', { name: 'Show object 1' }).waitFor();
    await keepPicture(page, 'recording-hidden');
    await press(page, 'i');
    await page.getByRole('button', { name: 'Hide object 1' }).waitFor();
    // The name is changed in its row.
    await press(page, 'r');
    await page.keyboard.type('liver');
    await press(page, 'Enter');
    await page.locator('.object').getByText('liver').waitFor();
    expect((await state()).objects.map(({ label }) => label)).toEqual(['liver']);
    expect(problems).toEqual([]);
  });

  it('goes to the pictures that need a look, least certain first, and to the marks of none', async () => {
    // The square is gone for some pictures in the middle.
    const gone = [40, 41, 42];
    const clip = await sceneFolder(join(folder, 'uncertain'), 60);
    const grey = await sharp({ create: { ...clipSize, channels: 3, background: '#6e6e6e' } })
      .png()
      .toBuffer();
    for (const index of gone) writeFileSync(join(clip, `${String(index).padStart(5, '0')}.png`), grey);
    const { page, problems, lanes } = await openCase('uncertain', {}, clip);
    await press(page, 'u');
    await page.getByText('No outline is uncertain on a picture that nobody has looked at.').waitFor();
    await press(page, 'b');
    await drawBox(page);
    await masksShown(page, 1);
    await press(page, 'Escape', 'Escape', 'Control+Enter');
    await page.getByText('Tracked.').waitFor();
    await page.getByRole('button', { name: 'Next uncertain picture' }).click();
    await page.waitForFunction(
      () => document.querySelector<HTMLElement>('.project-stage')?.dataset['frame'] !== '0',
    );
    const shown = Number(await page.locator('.project-stage').getAttribute('data-frame'));
    const [lane] = await lanes();
    expect(gone).toContain(shown);
    expect(laneStates[lane?.states[shown] ?? 0]).not.toBe('tracking');
    expect(await page.locator('.object.selected .object-name').innerText()).toBe('object 1');
    await keepPicture(page, 'recording-uncertain');
    for (let tries = 0; tries < frames; tries += 1) {
      await press(page, 'u');
      if (await page.getByText('No outline is uncertain').isVisible()) break;
      await page.waitForTimeout(100);
    }
    await page.getByText('No outline is uncertain on a picture that nobody has looked at.').waitFor();
    expect(problems).toEqual([]);
  });

  it('takes masks of files, chosen or dropped, as marks, and says what became of them', async () => {
    const { page, problems, state, areas } = await openCase('import');
    const mask = (size: { readonly width: number; readonly height: number }): Promise<Buffer> =>
      sharp({ create: { ...size, channels: 3, background: '#000000' } })
        .composite([
          {
            input: { create: { width: 20, height: 10, channels: 3, background: '#ffffff' } },
            ...{ left: 30, top: 40 },
          },
        ])
        .png()
        .toBuffer();
    const input = page.locator('.project-panel input[type="file"]');
    await input.setInputFiles({
      ...{ name: 'liver_00003.png', mimeType: 'image/png' },
      buffer: await mask(clipSize),
    });
    await page.getByText(/^1 mask taken for /).waitFor();
    const [object] = (await state()).objects;
    expect(object?.prompts).toMatchObject([{ type: 'mask', frame: 3, author: 'import' }]);
    await page.getByRole('slider', { name: 'Picture' }).fill('3');
    await page.waitForSelector('.project-stage[data-frame="3"][data-masks="1"]');
    expect(Object.values(await areas(3))[0]).toBeGreaterThan(0);
    await keepPicture(page, 'recording-import');
    await page.getByRole('button', { name: 'Undo: imported masks' }).click();
    await expect.poll(async () => (await state()).objects.length, soon).toBe(0);

    // Dropped on the recording; one of another size is left out and said.
    const bytes = [...(await mask({ width: 64, height: 64 }))];
    const files = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(content)], '00004.png', { type: 'image/png' }));
      return transfer;
    }, bytes);
    await page.dispatchEvent('.project', 'drop', { dataTransfer: files });
    await page.locator('.toast.error').waitFor();
    expect((await state()).objects).toEqual([]);
    // The refusal is a failed request, which the browser's console reports by itself.
    expect(problems.filter((problem) => !/4\d\d/.test(problem))).toEqual([]);
  });

  it('is worked with by touch: taps mark, two fingers zoom, a mark is dragged and removed', async () => {
    const { page, problems, marks } = await openCase('touch', {
      ...{ hasTouch: true, viewport: { width: 820, height: 1180 } },
    });
    await page.getByRole('radio', { name: /^Add/ }).tap();
    await page.touchscreen.tap(...(await onStage(page, ...middle)));
    await expect.poll(async () => (await marks()).length, soon).toBe(1);
    await keepPicture(page, 'recording-touch');
    const client = await page.context().newCDPSession(page);
    const touch = (type: string, ...points: readonly (readonly [number, number])[]) =>
      client.send('Input.dispatchTouchEvent', {
        type: type as 'touchStart',
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    const zoom = page.locator('.zoom-label');
    const whole = await zoom.innerText();
    const [a, b] = [await onStage(page, 50, 48), await onStage(page, 70, 48)];
    const [c, d] = [await onStage(page, 30, 48), await onStage(page, 90, 48)];
    await touch('touchStart', a, b);
    await touch('touchMove', c, d);
    await touch('touchEnd');
    await expect.poll(() => zoom.innerText(), soon).not.toBe(whole);
    expect(await marks()).toHaveLength(1);
    await page.getByRole('button', { name: 'Whole picture' }).tap();
    await expect.poll(() => zoom.innerText(), soon).toBe(whole);

    await page.getByRole('radio', { name: /^Look/ }).tap();
    const from = await onStage(page, ...middle);
    const to = await onStage(page, middle[0] + 8, middle[1] + 4);
    await touch('touchStart', from);
    await touch('touchMove', [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]);
    await touch('touchMove', to);
    await touch('touchEnd');
    await expect
      .poll(async () => (await marks())[0]?.point?.map(Math.round), soon)
      .toEqual([Math.round(middle[0] + 8), Math.round(middle[1] + 4)]);
    await page.touchscreen.tap(...to);
    await page.getByRole('button', { name: 'Remove this mark' }).tap();
    await expect.poll(async () => (await marks()).length, soon).toBe(0);
    expect(problems).toEqual([]);
  });
});
