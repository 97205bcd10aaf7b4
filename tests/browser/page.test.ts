/** The page around the pictures: rooms, source, names of controls, acceptance test. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFolder } from '../../src/ingest/index.js';
import { acceptanceFrames } from '../../src/protocol/acceptance.js';
import { keepPicture, openPage, serveDashboard } from './harness.js';
import { NumberedRoom } from './numbered-room.js';
import { browser, closing, live, open, useBrowser } from './scene.js';

useBrowser();

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

  it('leads from the list of keys to the HTTP interface, which has a line for the shell for each operation', async () => {
    const { page, problems } = await open('');
    await page.getByText('Research use only').waitFor();
    await page.keyboard.press('?');
    const link = page.getByRole('dialog').getByRole('link', { name: 'HTTP interface' });
    await link.waitFor();
    await keepPicture(page, 'keys');
    const [api] = await Promise.all([page.waitForEvent('popup'), link.click()]);
    await api.getByRole('heading', { name: 'sonoscope', exact: false }).first().waitFor();
    const lines = await api.locator('#overlay pre.shell').innerText();
    const { origin } = new URL(page.url());
    expect(lines).toContain(`${origin}/api/overlay`);
    expect(lines).toContain('./sonoscope call overlay --stream scope');
    await keepPicture(api, 'http-interface');
    expect(problems).toEqual([]);
  });

  it('says what to do when no room is open', async () => {
    const served = await serveDashboard([]);
    const { page } = await openPage(browser(), served.server.url);
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
    const { page } = await openPage(browser(), bare.href);
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
    await page.getByRole('button', { name: 'Open and end them' }).click();
    const error = page.locator('#source-error');
    await error.getByText('was given up after').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    await keepPicture(page, 'source-error');
    await page.getByRole('radio', { name: 'Scene' }).click();
    await page.getByRole('button', { name: /Echo/ }).click();
    expect(await error.isHidden()).toBe(true);
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('button', { name: 'Open and end them' }).click();
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
    await page.getByRole('button', { name: 'Open and end them' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    const [path = ''] = opened;
    expect(path.startsWith(served.dataDir)).toBe(true);
    expect(readFileSync(path)).toHaveLength(300_000);
  });

  it('lists the recordings of a folder in the dialog of the source, and opens one', async () => {
    const room = new NumberedRoom('scope', {}, 'Theatre 2');
    const served = await serveDashboard([room], { listFolder: (uri, asker) => listFolder(uri, asker) });
    closing.push(
      () => served.close(),
      () => room.close(),
    );
    room.play();
    const { page, problems } = await openPage(browser(), `${served.server.url}#/room/scope`);
    closing.push(() => page.context().close());
    await live(page);
    const opened: string[] = [];
    room.openSource = (uri) => {
      opened.push(uri);
      return Promise.resolve();
    };
    mkdirSync(join(served.dataDir, 'exam/day 1'), { recursive: true });
    for (const name of ['a.mp4', 'day 1/b.mkv', 'notes.txt'])
      writeFileSync(join(served.dataDir, 'exam', name), 'video');
    await page.getByRole('button', { name: 'Source' }).click();
    await page.getByRole('radio', { name: 'File' }).click();
    await page.getByRole('textbox').fill(join(served.dataDir, 'exam'));
    await page.getByRole('button', { name: 'List folder' }).click();
    const list = page.getByRole('list', { name: 'Recordings in this folder' });
    await list.getByRole('button', { name: 'a.mp4' }).waitFor();
    await page.getByText('1 file is no recording').waitFor();
    await keepPicture(page, 'source-folder');
    await list.getByRole('button', { name: 'day 1/b.mkv' }).click();
    await page.getByRole('button', { name: 'Open and end them' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(opened).toEqual([join(served.dataDir, 'exam/day 1/b.mkv')]);
    expect(problems).toEqual([]);
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
    expect(await page.locator('.acceptance').innerText()).toContain('Camera, cable and screen come on top');
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
