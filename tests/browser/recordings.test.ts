/** Recordings in a real browser: open, scrub by keyboard, mark an object, track it both ways, see lanes, correct, reload. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { concatWith, Subject } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PlaybackRoom } from '../../src/playback/playback-room.js';
import { playbackServices, playbackTopics } from '../../src/playback/playback-services.js';
import { projectServices, projectsTopicOf } from '../../src/projects/project-services.js';
import { Projects } from '../../src/projects/projects.js';
import { palettes } from '../../src/vocabulary/palette.js';
import { replayError } from '../../src/replay/errors.js';
import { replayTools } from '../../src/replay/replay-tools.js';
import { recordRoom } from '../process/record/fixture.js';
import { dicomFile, encapsulated, jpegBaseline, picture } from '../process/dicom/fixture.js';
import { listFolder } from '../../src/ingest/index.js';
import { clipSize, sceneFolder, sceneJpeg, squareBox, tinyModel } from '../process/replay/fixture.js';
import { keepPicture, launchBrowser, openPage, serveDashboard } from './harness.js';
import type { Served } from './harness.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-recordings-'));
const clip = join(folder, 'case');
const frames = 40;
let browser: Browser;
let served: Served;
let projects: Projects;

beforeAll(async () => {
  await sceneFolder(clip, frames);
  projects = new Projects(join(folder, 'projects'), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '9.9.9' },
    ...{ chunkFrames: 5, spoolBytes: 1e8 },
  });
  served = await serveDashboard([], {
    listFolder: (uri, asker) => listFolder(uri, asker),
    extraServices: projectServices(projects),
    topics: [projectsTopicOf(projects)],
  });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
  await projects?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until the stage shows a frame, with so many masks of that very frame. */
const shows = (page: Page, frame: number, masks?: number): Promise<unknown> =>
  page.waitForSelector(
    `.project-stage[data-frame="${frame}"]${masks === undefined ? '' : `[data-masks="${masks}"]`}`,
  );

/** Drag a box in source pixels of the picture, which is fitted into the stage. */
async function drawBox(
  page: Page,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
): Promise<void> {
  const bounds = await page.locator('.project-stage').boundingBox();
  if (!bounds) throw new Error('no stage');
  const scale = Math.min(bounds.width / clipSize.width, bounds.height / clipSize.height);
  const left = bounds.x + (bounds.width - clipSize.width * scale) / 2;
  const top = bounds.y + (bounds.height - clipSize.height * scale) / 2;
  await page.mouse.move(left + x0 * scale, top + y0 * scale);
  await page.mouse.down();
  await page.mouse.move(left + ((x0 + x1) / 2) * scale, top + ((y0 + y1) / 2) * scale);
  await page.mouse.move(left + x1 * scale, top + y1 * scale);
  await page.mouse.up();
}

/** Red and green of object 1, in each kind of picture. */
const firstColours = Object.values(palettes).map(([first = '#000000']) => [
  Number.parseInt(first.slice(1, 3), 16),
  Number.parseInt(first.slice(3, 5), 16),
]);

/** Share of lane pixels that have the colour of object 1. */
const laneFill = (page: Page): Promise<number> =>
  page.evaluate((colours) => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.lanes');
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let filled = 0;
    for (let index = 0; index < data.length; index += 4)
      if (colours.some(([red, green]) => data[index] === red && data[index + 1] === green)) filled += 1;
    return filled / (data.length / 4);
  }, firstColours);

describe('recordings', () => {
  it('say that pictures are recorded for as long as they are written', async () => {
    // All pictures come, and the end only when it is told to.
    const end = new Subject<never>();
    const held = new Projects(join(folder, 'held'), {
      createSource: (item) => {
        const source = replayTools.createSource(item);
        return {
          uri: source.uri,
          open: (options) => source.open(options).pipe(concatWith(end)),
          pause: (hold) => source.pause(hold),
        };
      },
      ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '9.9.9' },
      ...{ chunkFrames: 5, spoolBytes: 1e8 },
    });
    const server = await serveDashboard([], {
      extraServices: projectServices(held),
      topics: [projectsTopicOf(held)],
    });
    const { page } = await openPage(browser, `${server.server.url}#/recordings`);
    try {
      await held.open(clip, null, null, new AbortController().signal);
      await page.reload();
      await page.locator('.recordings-list .recording').getByText('Recording pictures').waitFor();
      await page.getByRole('link', { name: /case/ }).click();
      await page.locator('.project .recording').waitFor();
      await shows(page, 0);
      await keepPicture(page, 'project-recording');
      end.complete();
      await page.locator('.project .recording').waitFor({ state: 'hidden' });
    } finally {
      await page.close();
      await server.close();
      await held.close();
    }
  });

  it('are listed from a folder by what its files hold, and opened from the list', async () => {
    const exam = join(folder, 'exam');
    mkdirSync(exam);
    for (const i of [0, 1, 2])
      writeFileSync(
        join(exam, `IM_${i}`),
        dicomFile(
          jpegBaseline,
          picture(clipSize.width, clipSize.height, 'YBR_FULL_422', {
            ...{
              '00080018': ['UI', `1.2.3.${i}`],
              '0008103e': ['LO', 'apical'],
              '0020000e': ['UI', '1.2.5'],
            },
            ...{ '00200011': ['IS', '1'], '00200013': ['IS', `${i}`] },
          }),
          encapsulated([await sceneJpeg(i)]),
        ),
      );
    writeFileSync(join(exam, 'cine'), dicomFile(jpegBaseline, { '00280008': ['IS', '2'] }, encapsulated([])));
    writeFileSync(join(exam, 'notes.txt'), 'notes');
    const { page, problems } = await openPage(browser, new URL('#/recordings', served.server.url).href);
    await page.getByLabel('Path on the server').fill(exam);
    // Several recordings: what there is stands under the sentence.
    await page.getByRole('button', { name: 'Open recording' }).click();
    await page.getByRole('alert').filter({ hasText: 'holds 2 DICOM recordings' }).waitFor();
    const list = page.getByRole('list', { name: 'Recordings in this folder' });
    await list.getByRole('button', { name: 'series 1, apical 3 pictures' }).waitFor();
    await page.getByText('1 file is no recording').click();
    await keepPicture(page, 'folder-list');
    await page.getByText('notes.txt: it is no recording of a known kind').waitFor();
    await page.getByRole('button', { name: 'List folder' }).click();
    await list.getByRole('button', { name: 'series 1, apical 3 pictures' }).click();
    await shows(page, 0);
    await keepPicture(page, 'folder-list-opened');
    expect(problems.filter((problem) => !problem.includes('422') && !problem.includes('409'))).toEqual([]);
    await page.close();
  });

  it('are opened, scrubbed, marked, tracked, corrected and found again after a reload', async () => {
    const { page, problems } = await openPage(browser, new URL('#/recordings', served.server.url).href);
    // A wrong path: the sentence stands next to the field.
    await page.getByLabel('Path on the server').fill(join(folder, 'absent.mp4'));
    await page.getByRole('button', { name: 'Open recording' }).click();
    await page.getByRole('alert').filter({ hasText: 'absent.mp4' }).waitFor();
    await page.getByLabel('Path on the server').fill(clip);
    await page.getByRole('button', { name: 'Open recording' }).click();
    await shows(page, 0);
    await page.getByText('Mark an object').waitFor();

    // Keyboard: arrows step, shift by ten, End and Home.
    await page.keyboard.press('ArrowRight');
    await shows(page, 1);
    await page.keyboard.press('Shift+ArrowRight');
    await shows(page, 11);
    await page.keyboard.press('End');
    await shows(page, frames - 1);
    await page.keyboard.press('Home');
    await shows(page, 0);
    await page.keyboard.press('Space');
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('.project-stage')?.dataset['frame']) >= 5,
    );
    await page.keyboard.press('Space');

    // Mark in the middle, track both ways.
    const slider = page.getByRole('slider', { name: 'Picture' });
    await slider.fill('20');
    await shows(page, 20);
    await page.keyboard.press('b');
    await drawBox(page, squareBox(20));
    await page.getByText('object 1').waitFor();
    await page.getByRole('button', { name: 'Track both ways' }).click();
    await page.getByText('Tracked.').waitFor();
    await shows(page, 20, 1);
    for (const frame of [0, 10, 39]) {
      await slider.fill(String(frame));
      await shows(page, frame, 1);
      await page
        .locator('.object[data-state="tracking"] .object-percent')
        .getByText(/^\d+ %$/)
        .waitFor();
    }
    await expect.poll(() => laneFill(page), { timeout: 30_000 }).toBeGreaterThan(0.2);
    await keepPicture(page, 'recordings-tracked');

    // A correction on another frame makes the result outdated until it is tracked again.
    await slider.fill('30');
    await shows(page, 30, 1);
    await page.keyboard.press('1');
    await drawBox(page, squareBox(30));
    await page.getByText('Marks have changed').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByText('Tracked.').waitFor();

    // Export, then everything is there again after a reload.
    await page.getByRole('button', { name: 'Export …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('For Excel, R and Python').waitFor();
    await dialog.getByRole('button', { name: 'Export' }).click();
    // The result stands in the dialog: size, link, folder.
    await dialog.getByText(/^export-1 is ready: [\d.]+ [kM]B\.$/).waitFor();
    await dialog.getByText(join(folder, 'projects')).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('link', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/export-1\.tar$/);
    await keepPicture(page, 'recordings-exported');
    // What goes wrong stays in the dialog too.
    const meanwhile = vi
      .spyOn(await projects.get(page.url().split('/').at(-1) ?? ''), 'export')
      .mockRejectedValueOnce(
        replayError('SONO_PROJECT_NOTHING', { what: 'tracked', advice: 'Propagate first.' }),
      );
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.getByRole('alert').getByText('Propagate first.').waitFor();
    meanwhile.mockRestore();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: /export-1/ }).waitFor();
    await page.reload();
    await shows(page, 0, 1);
    await page.getByText('Tracked.').waitFor();
    await page.getByRole('link', { name: /export-1/ }).waitFor();
    await page.getByRole('link', { name: 'All recordings' }).click();
    await page.getByRole('link', { name: /case/ }).waitFor();
    await keepPicture(page, 'recordings-list');
    // The refused path is a failed request, which the browser's console reports by itself.
    expect(problems.filter((problem) => !problem.includes('404'))).toEqual([]);
    await page.context().close();
  });

  it('follow the server without asking again and again, also after it was away', async () => {
    const own = new Projects(join(folder, 'away'), {
      createSource: replayTools.createSource,
      ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '9.9.9' },
      ...{ chunkFrames: 5, spoolBytes: 1e8 },
    });
    const options = { extraServices: projectServices(own), topics: [projectsTopicOf(own)] };
    const first = await serveDashboard([], options);
    const { port } = first.server;
    const project = await own.open(clip, null, null, new AbortController().signal);
    const { page } = await openPage(browser, new URL(`#/recordings/${project.id}`, first.server.url).href);
    const states: string[] = [];
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (/^\/api\/(projects(\/[^/]*)?|playback)$/.test(pathname)) states.push(pathname);
    });
    const mark = (frame: number, label: string) =>
      project.prompt(frame, label, [{ type: 'box', box: squareBox(frame) }]);
    let second: Served | null = null;
    try {
      await page.getByText('Mark an object').waitFor();
      await mark(0, 'seen at once');
      await page.getByRole('button', { name: 'Hide seen at once' }).waitFor();
      await first.close();
      await page.getByText('Reconnecting').waitFor();
      await mark(1, 'marked meanwhile');
      second = await serveDashboard([], { ...options, port });
      await page.getByRole('button', { name: 'Hide marked meanwhile' }).waitFor();
      await mark(2, 'marked afterwards');
      await page.getByRole('button', { name: 'Hide marked afterwards' }).waitFor();
      expect(states).toEqual([]);
      await page.getByRole('link', { name: 'All recordings' }).click();
      await page.getByText('3 objects').waitFor();
      await own.remove(project.id);
      await page.getByRole('link', { name: /case/ }).waitFor({ state: 'detached' });
    } finally {
      await page.context().close();
      await (second ?? first).close();
      await own.close();
    }
  });

  it('are played as a room, with pause, seek and step', async () => {
    const recording = join(folder, 'case.mcap');
    await recordRoom(recording);
    const room = await PlaybackRoom.open(recording, null, { paused: true });
    const played = await serveDashboard([room], {
      extraServices: playbackServices([room]),
      topics: playbackTopics([room]),
    });
    const { page, problems } = await openPage(browser, new URL(`#/room/${room.id}`, played.server.url).href);
    try {
      const player = page.getByRole('group', { name: 'Player' });
      await player.waitFor();
      await player.getByText('0:00.0 / 0:01.6').waitFor();
      await player.getByRole('slider', { name: 'Position' }).fill('800');
      await player.getByText('0:00.8 / 0:01.6').waitFor();
      await player.getByRole('button', { name: 'One picture on' }).click();
      await expect.poll(() => room.playback.positionMs, { timeout: 30_000 }).toBe(840);
      await player.getByRole('combobox', { name: 'Speed' }).selectOption('2');
      await player.getByRole('button', { name: 'Play' }).click();
      await expect.poll(() => room.playback.ended, { timeout: 30_000 }).toBe(true);
      expect(room.playback.speed).toBe(2);
      await player.getByText('0:01.6 / 0:01.6').waitFor();
      await page.getByRole('heading', { name: 'Theatre 1 (recording)' }).waitFor();
      await keepPicture(page, 'recordings-player');
      expect(problems).toEqual([]);
    } finally {
      await page.context().close();
      await played.close();
      await room.close();
    }
  });
});
