/**
 * A person with a file of their own and a server without rooms: the page, the file sent, a click, an object that is followed. Then the same
 * file again, another name for the room, the system page, and the room closed. By what is seen alone; how fast it is, the bench says.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { trackInOwnFile } from '../../bench/own-file-steps.js';
import { packageRoot } from '../../src/node/built-module.js';
import { writeSample } from '../../src/sample/write-sample.js';
import { keepPicture, openPage, until } from './harness.js';
import { browser, closing, useBrowser } from './scene.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
useBrowser();

const folder = mkdtempSync(join(tmpdir(), 'sono-own-file-'));
let server: ChildProcess | null = null;
beforeAll(async () => {
  await writeSample(join(folder, 'sample'));
});
afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(): Promise<string> {
  const child = spawn(process.execPath, [join(packageRoot, 'dist/src/cli/main.js'), 'run', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '32', SONO_DATA_DIR: join(folder, 'data') },
  });
  server = child;
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  return until(() => /at (http:\/\/\S+)/.exec(output)?.[1], 'the address of the server');
}

describe('an own file', () => {
  it('is sent, shown and followed, recognised, named and closed', async () => {
    const address = await start();
    const { page, problems } = await openPage(browser(), 'about:blank');
    closing.push(() => page.context().close());
    const file = join(folder, 'sample', 'case.mp4');
    await trackInOwnFile(page, address, file, { x: 0.5, y: 0.5 });
    await page.getByRole('heading', { name: 'case.mp4' }).waitFor();
    await keepPicture(page, 'own-file-tracked');
    const room = page.url();

    // The same file once more: it is not kept twice, and there is a room that shows it.
    await page.goto(`${address}#/rooms`);
    await page.getByRole('button', { name: 'Add a room' }).click();
    const send = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'From this computer' }).click();
    await (await send).setFiles(file);
    await page.getByText('This source is open already').waitFor();
    await page.getByText('The server has this file already').waitFor();
    await keepPicture(page, 'own-file-again');
    await page.getByRole('button', { name: 'Go to it' }).click();
    await page.waitForURL(room);

    // As a recording it is known by its bytes, whatever it is called.
    await page.goto(`${address}#/recordings`);
    const open = async (): Promise<void> => {
      await page.getByRole('textbox').first().fill(file);
      await page.getByRole('button', { name: 'Open recording' }).click();
    };
    await open();
    await page.waitForURL(/#\/recordings\/.+/);
    const recording = page.url();
    await page.goto(`${address}#/recordings`);
    await open();
    await page.getByText('This recording is open already').waitFor();
    await page.getByRole('button', { name: 'Go to it' }).click();
    await page.waitForURL(recording);

    await page.goto(`${address}#/rooms`);
    await page.getByRole('button', { name: 'Rename case.mp4' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('Theatre 2');
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('link', { name: 'Theatre 2', exact: true }).waitFor();

    await page.getByRole('link', { name: 'System' }).click();
    await page.getByRole('heading', { name: 'Theatre 2' }).waitFor();
    await page.getByText('Why this model').waitFor();
    await keepPicture(page, 'own-file-system');

    // Somebody else looks at the room while it is closed, and is told.
    const other = await page.context().newPage();
    await other.goto(room);
    await other.locator('.object').first().waitFor();
    await page.goto(`${address}#/rooms`);
    await page.getByRole('button', { name: 'Close Theatre 2' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close room' }).click();
    await page.getByRole('heading', { name: 'No room is open' }).waitFor();
    await other.getByRole('heading', { name: 'This room was closed' }).waitFor();
    expect(problems).toEqual([]);
  });
});
