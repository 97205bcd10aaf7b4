/** A recording with a heart in a real browser: found without a mark, moments moved by hand and by key, beats rejected, outlines painted, undone. */
import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { chambers } from '../../src/vocabulary/echo.js';
import { EchoRecording } from './echo-recording.js';
import { echoSize } from './echo-scene.js';
import { keepPicture, openPage, serveDashboard } from './harness.js';
import { browser, closing, useBrowser } from './scene.js';

vi.setConfig({ testTimeout: 240_000 });
useBrowser();
/** The machine may be slow. */
const soon = { timeout: 30_000 };

async function openCase(
  recording: EchoRecording,
  viewport = { width: 1440, height: 900 },
): Promise<{ readonly page: Page; readonly problems: string[] }> {
  const served = await serveDashboard([], { extraServices: recording.rows(), topics: [recording.topic] });
  const { page, problems } = await openPage(browser(), `${served.server.url}#/recordings/echo-case`, {
    viewport,
  });
  closing.push(
    () => served.close(),
    () => page.context().close(),
  );
  await page.getByRole('button', { name: 'Find the left ventricle' }).click();
  await page.locator('.project-echo .echo-now[data-known]').waitFor();
  return { page, problems };
}

const moment = (page: Page, name: string) => page.getByRole('slider', { name, exact: true });
const shownFrame = (page: Page) => page.locator('.project-stage').getAttribute('data-frame');
const efText = (recording: EchoRecording): string =>
  `${Math.round(recording.measurements.summary.ejectionFraction.value ?? NaN)} %`;
const shownEf = (page: Page) => page.locator('.ef-value').innerText();

describe('a recording with a heart', () => {
  it('is measured without a mark, and follows every correction', async () => {
    const recording = new EchoRecording(3, (beat) => (beat === 2 ? 'the probe moved' : ''));
    const { page, problems } = await openCase(recording);
    await page.getByText('Found and measured.').waitFor();
    expect(await page.getByRole('radio', { name: /^Box/ }).isVisible()).toBe(false);
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
    expect(await page.locator('.ef-note').innerText()).toBe('Single-plane, 2 beats');
    expect(await page.locator('.ef-interval').innerText()).toMatch(/^\(\d+–\d+\)$/);
    expect(await page.locator('.project-beats li').count()).toBe(3);
    await page.locator('.project-beats .not-counted').getByText('The probe moved').waitFor();
    expect(await page.locator('.beat-counts').innerText()).toBe('2 counted, 1 not');
    await expect
      .poll(() => page.locator('.moment').allInnerTexts(), soon)
      .toEqual(['▲', '▼', '△', '▽', '▲', '▼']);
    await keepPicture(page, 'echo-recording');

    // By key: one picture each, sent once when the hand rests; the picture goes along.
    const systole = moment(page, 'End-systole, beat 1');
    const found = Number(await systole.getAttribute('aria-valuenow'));
    await systole.focus();
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowRight');
    await expect.poll(() => shownFrame(page), soon).toBe(String(found + 4));
    await expect
      .poll(() => recording.corrections, soon)
      .toEqual([{ kind: 'moment', beat: 1, which: 'end-systole', frame: found + 4 }]);
    await page.getByText('Corrected by hand', { exact: true }).waitFor();
    await expect.poll(() => systole.getAttribute('aria-valuetext'), soon).toMatch(/, corrected by hand$/);
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));

    // By hand, and never over the moment beside it.
    const diastole = moment(page, 'End-diastole, beat 2');
    const box = await diastole.boundingBox();
    if (!box) throw new Error('no end-diastole');
    const limit = Number(await diastole.getAttribute('aria-valuemax'));
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 40, box.y, { steps: 3 });
    await page.mouse.move(box.x + 4000, box.y, { steps: 3 });
    await page.mouse.up();
    await expect
      .poll(() => recording.corrections.at(-1), soon)
      .toEqual({ kind: 'moment', beat: 2, which: 'end-diastole', frame: limit });

    // A beat is accepted, another one rejected.
    await page.getByRole('button', { name: 'Accept beat 2' }).click();
    await expect.poll(() => page.locator('.beat-counts').innerText(), soon).toBe('3 counted, 0 not');
    await page.getByRole('button', { name: 'Reject beat 3' }).click();
    await page.locator('.project-beats .not-counted').getByText('A person has rejected it').waitFor();
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));

    // Undo by key, one after the other.
    await page.locator('.project-stage').focus();
    for (const left of [3, 2, 1, 0]) {
      await page.keyboard.press('z');
      await expect.poll(() => recording.corrections.length, soon).toBe(left);
    }
    await expect.poll(() => systole.getAttribute('aria-valuenow'), soon).toBe(String(found));
    await page.getByText('Corrected by hand', { exact: true }).waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
  });

  it('says which recording shows the other view, and what both give', async () => {
    const recording = new EchoRecording(3);
    const { page, problems } = await openCase(recording);
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
    const biplane = page.getByRole('group', { name: 'Biplane ejection fraction' });
    expect(await biplane.isVisible()).toBe(false);
    const other = page.getByLabel('Other view of this heart');
    const view = page.getByLabel('This recording shows');
    await expect
      .poll(() => other.locator('option').allInnerTexts(), soon)
      .toEqual([
        'None: this recording is measured alone',
        `${recording.partner.name} (same name, other view)`,
      ]);
    expect(await view.isVisible()).toBe(false);
    // By keyboard: its name says which view this one is.
    await other.focus();
    await page.keyboard.press('ArrowDown');
    await expect
      .poll(() => recording.state.pair, soon)
      .toEqual({ partner: recording.partner.project, view: 'a4c' });
    await biplane.waitFor();
    const { biplane: both } = recording.measurements;
    await expect
      .poll(() => biplane.locator('.biplane-value').innerText(), soon)
      .toBe(`${Math.round(both?.ejectionFraction.value ?? NaN)} %`);
    expect(await biplane.innerText()).toContain('Biplane, 3 + 4 beats');
    for (const [name, width, height] of [
      ['', 1280, 720],
      ['-tablet', 820, 1180],
      ['-large', 3840, 2160],
    ] as const) {
      await page.setViewportSize({ width, height });
      await biplane.scrollIntoViewIfNeeded();
      await keepPicture(page, `echo-recording-pair${name}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await view.selectOption('A2C, two-chamber');
    await expect.poll(() => recording.state.pair?.view, soon).toBe('a2c');
    await other.selectOption('None: this recording is measured alone');
    await expect.poll(() => recording.state.pair, soon).toBeNull();
    await biplane.waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
  });

  it('has outlines that are painted over', async () => {
    const recording = new EchoRecording(2);
    const { page, problems } = await openCase(recording);
    const { largest, stage } = await (async () => {
      await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
      const bounds = await page.locator('.project-stage').boundingBox();
      if (!bounds) throw new Error('no stage');
      return { largest: recording.volumeAt(0), stage: bounds };
    })();
    const scale = Math.min(stage.width / echoSize.width, stage.height / echoSize.height);
    const at = (x: number, y: number): [number, number] => [
      stage.x + (stage.width - echoSize.width * scale) / 2 + x * scale,
      stage.y + (stage.height - echoSize.height * scale) / 2 + y * scale,
    ];
    await expect.poll(() => shownFrame(page), soon).toBe('0');

    // The ventricle is chosen already; the brush takes away what lies under it.
    await page.keyboard.press('Shift+Q');
    await page.mouse.move(...at(260, 130));
    await page.mouse.down();
    await page.mouse.move(...at(320, 190), { steps: 4 });
    await page.mouse.move(...at(320, 240), { steps: 4 });
    await keepPicture(page, 'echo-recording-brush');
    await page.mouse.up();
    await expect.poll(() => recording.corrections.length, soon).toBe(1);
    const [drawn] = recording.corrections;
    expect(drawn).toMatchObject({
      ...{ kind: 'contour', frame: 0, label: chambers.ventricle },
      mask: { size: [echoSize.height, echoSize.width] },
    });
    expect(recording.volumeAt(0)).toBeLessThan(largest * 0.99);
    await page.locator('.project-objects').getByText('corrected by hand').waitFor();
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));

    // The other way round: added again.
    await page.keyboard.press('q');
    await page.mouse.move(...at(260, 130));
    await page.mouse.down();
    await page.mouse.move(...at(320, 190), { steps: 4 });
    await page.mouse.move(...at(320, 240), { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => recording.corrections.length, soon).toBe(2);
    expect(recording.volumeAt(0)).toBeGreaterThan(largest * 0.98);

    // Nothing else is ever marked: Look draws nothing.
    await page.keyboard.press('v');
    await page.mouse.click(...at(100, 100));
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => recording.corrections.length, soon).toBe(0);
    await page.getByRole('button', { name: 'Mark by hand instead' }).click();
    await page.getByText('Mark an object').waitFor();
    expect(await page.locator('.project-curve').isVisible()).toBe(false);
    expect(problems).toEqual([]);
  });

  it('has outlines that are corrected by their points', async () => {
    const recording = new EchoRecording(2);
    const { page, problems } = await openCase(recording);
    await expect.poll(() => shownFrame(page), soon).toBe('0');
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
    const largest = recording.volumeAt(0);
    const points = page.locator('.contour-point:visible');
    const apex = page.getByRole('button', { name: /^Apex: / });
    const place = async (): Promise<number[]> =>
      ((await apex.getAttribute('aria-label')) ?? '').match(/\d+/g)?.map(Number) ?? [];

    // Keys choose tools from when there are tools. The ventricle is chosen already; its apex is in hand.
    await page.getByRole('radio', { name: /Points/ }).waitFor();
    await page.keyboard.press('d');
    await apex.waitFor();
    expect(await page.getByRole('button', { name: /^Mitral hinge \d: / }).count()).toBe(2);
    expect(await apex.evaluate((element) => element === document.activeElement)).toBe(true);
    const count = await points.count();
    expect(count).toBeGreaterThan(7);
    await keepPicture(page, 'echo-recording-points');
    // What was not moved is not sent.
    await page.keyboard.press('Enter');
    expect(recording.corrections).toEqual([]);

    // By key: one pixel, with Shift five; the picture stays. Ctrl+Z takes back one step, Escape all.
    const [x = NaN, y = NaN] = await place();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    await expect.poll(place, soon).toEqual([x + 1, y - 5]);
    await page.keyboard.press('Control+z');
    await expect.poll(place, soon).toEqual([x + 1, y]);
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Escape');
    await expect.poll(place, soon).toEqual([x, y]);
    expect(await shownFrame(page)).toBe('0');
    expect(recording.corrections).toEqual([]);

    // Tab chooses the next one; Insert adds one, Delete removes it, but not the apex.
    await apex.focus();
    await page.keyboard.press('Tab');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.className), soon)
      .toBe('contour-point side');
    await page.keyboard.press('Insert');
    await expect.poll(() => points.count(), soon).toBe(count + 1);
    await page.keyboard.press('Delete');
    await expect.poll(() => points.count(), soon).toBe(count);
    await apex.focus();
    await page.keyboard.press('Delete');
    await page.getByText('Apex, hinges and the last points stay').waitFor();
    expect(await points.count()).toBe(count);
    await page.keyboard.press('Escape');

    // By hand: a point of a side, inwards. The line goes along at once; nothing is sent before Enter.
    const handle = page.getByRole('button', { name: /^Point 2: / });
    const middle = async (): Promise<[number, number]> => {
      const box = await handle.boundingBox();
      if (!box) throw new Error('no point');
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const stage = await page.locator('.project-stage').boundingBox();
    if (!stage) throw new Error('no stage');
    const [fromX, fromY] = await middle();
    const inwards = fromX < stage.x + stage.width / 2 ? 60 : -60;
    await page.mouse.move(fromX, fromY);
    await page.mouse.down();
    await page.mouse.move(fromX + inwards / 2, fromY, { steps: 3 });
    await page.mouse.move(fromX + inwards, fromY, { steps: 3 });
    await page.mouse.up();
    await expect.poll(async () => Math.round((await middle())[0] - fromX), soon).toBeCloseTo(inwards, -1);
    await keepPicture(page, 'echo-recording-points-moved');
    expect(recording.corrections).toEqual([]);
    await page.getByText('Not taken yet: Enter takes it').waitFor();

    // It waits on its picture while another one is looked at.
    await page.locator('.project-stage').focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText('Not taken yet on picture 0.').waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.getByText('Not taken yet: Enter takes it').waitFor();
    await page.locator('.project-stage').focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => recording.corrections.length, soon).toBe(1);
    expect(recording.corrections[0]).toMatchObject({
      ...{ kind: 'contour', frame: 0, label: chambers.ventricle },
      mask: { size: [echoSize.height, echoSize.width] },
    });
    expect(recording.volumeAt(0)).toBeLessThan(largest * 0.99);
    await page.locator('.project-objects').getByText('corrected by hand').waitFor();
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
    // The point stays where it was put.
    expect(Math.abs((await middle())[0] - fromX - inwards)).toBeLessThan(3);

    // A double click on the line: another point there. Undo without a step of its own is that of the recording.
    const [hereX, hereY] = await middle();
    const next = await page.getByRole('button', { name: /^Point 3: / }).boundingBox();
    if (!next) throw new Error('no point');
    await page.mouse.dblclick((hereX + next.x + next.width / 2) / 2, (hereY + next.y + next.height / 2) / 2);
    await expect.poll(() => points.count(), soon).toBe(count + 1);
    await page.keyboard.press('Control+z');
    await expect.poll(() => points.count(), soon).toBe(count);
    await page.keyboard.press('Control+z');
    await expect.poll(() => recording.corrections.length, soon).toBe(0);
    await expect.poll(async () => Math.round((await middle())[0] - fromX), soon).toBe(0);
    await page.keyboard.press('Escape');
    await expect.poll(() => points.count(), soon).toBe(0);
    expect(problems).toEqual([]);
  });

  it('takes a beat that a person adds, by hand and by key, and says why one cannot be', async () => {
    const recording = new EchoRecording(3, (beat) => (beat === 2 ? 'the probe moved' : ''));
    const { page, problems } = await openCase(recording, { width: 1280, height: 720 });
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
    const field = await page.locator('.project-curve-field').boundingBox();
    if (!field) throw new Error('no curve');
    const press = (frame: number) =>
      page.mouse.click(
        field.x + ((frame + 0.5) / recording.frames) * field.width,
        field.y + field.height / 2,
      );
    const steps = page.getByRole('group', { name: 'New beat' });

    // By hand, over a beat that counts: refused in words. What was chosen before stays.
    await page.getByRole('button', { name: 'Add a beat' }).click();
    await steps.getByText('1 of 3: end-diastole.').waitFor();
    await press(2);
    await steps.getByText('2 of 3: end-systole.').waitFor();
    // What was chosen last is taken back, then an end-systole before the end-diastole is refused at once.
    await press(1);
    await steps.getByText('must come after the end-diastole, which is on picture 2').waitFor();
    await press(12);
    await steps.getByText('3 of 3: next end-diastole.').waitFor();
    await keepPicture(page, 'echo-recording-new-beat');
    await press(28);
    await steps.getByText('it lies over beat 1, which counts').waitFor();
    await steps.getByText('3 of 3: next end-diastole.').waitFor();
    expect(recording.corrections).toEqual([]);
    expect(await page.locator('.moment.new').count()).toBe(2);
    await page.keyboard.press('Escape');
    await steps.waitFor({ state: 'hidden' });

    // By key, over the one that does not count: Z takes back a step.
    await page.getByRole('button', { name: 'Add a beat' }).click();
    await page.locator('.project-stage').focus();
    const go = async (frame: number): Promise<void> => {
      const now = Number(await shownFrame(page));
      for (let step = 0; step < Math.abs(frame - now); step += 1)
        await page.keyboard.press(frame > now ? 'ArrowRight' : 'ArrowLeft');
      await expect.poll(() => shownFrame(page), soon).toBe(String(frame));
    };
    await go(30);
    await page.keyboard.press('Enter');
    await go(35);
    await page.keyboard.press('Enter');
    await page.keyboard.press('z');
    await steps.getByText('2 of 3: end-systole.').waitFor();
    await go(41);
    await page.keyboard.press('Enter');
    await go(59);
    await page.keyboard.press('Enter');
    await expect
      .poll(() => recording.corrections, soon)
      .toEqual([{ kind: 'add', endDiastole: 30, endSystole: 41, nextEndDiastole: 59 }]);
    await steps.waitFor({ state: 'hidden' });
    await page.locator('.project-beats').getByText('Counted, added by hand').waitFor();
    await expect.poll(() => shownEf(page), soon).toBe(efText(recording));
    expect(problems).toEqual([]);
  });

  it('shows a long recording in pages, and fits a tablet', async () => {
    const recording = new EchoRecording(40);
    const { page, problems } = await openCase(recording, { width: 820, height: 1180 });
    await expect.poll(() => page.locator('.moment:visible').count(), soon).toBeGreaterThan(20);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    expect(await moment(page, 'End-diastole, beat 39').isVisible()).toBe(false);
    await page.locator('.project-stage').focus();
    await page.keyboard.press('End');
    await moment(page, 'End-diastole, beat 39').waitFor();
    expect(await moment(page, 'End-diastole, beat 1').isVisible()).toBe(false);
    await keepPicture(page, 'echo-recording-tablet');
    expect(problems).toEqual([]);
  });
});
