/** A DICOM archive in a real browser: search, open, follow, export, store, and what a person reads where something fails. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { archiveServices } from '../../src/app/archive-services.js';
import type { ArchiveAccess } from '../../src/dicom/web/access.js';
import { projectServices, projectsTopicOf } from '../../src/projects/project-services.js';
import { Projects } from '../../src/projects/projects.js';
import { replayToolsFor } from '../../src/replay/replay-tools.js';
import { about, jpegCine, rawCine, still, study } from '../process/archive/cines.js';
import { hasOrthanc, login, startOrthanc, type Orthanc } from '../process/archive/orthanc.js';
import { dicomFile, explicitLittleEndian } from '../process/dicom/fixture.js';
import { clipSize, squareBox, tinyModel } from '../process/replay/fixture.js';
import { keepPicture, launchBrowser, openPage, serveDashboard } from './harness.js';
import type { Served } from './harness.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-archive-page-'));
let orthanc: Orthanc;
let browser: Browser;
let served: Served;
let projects: Projects;
let uri: string;

/** A document, which is no cine: Encapsulated PDF. */
const document = (number: number): Buffer =>
  dicomFile(
    explicitLittleEndian,
    about(number, {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.104.1\0'],
      '00080060': ['CS', 'DOC'],
      '00420010': ['ST', 'Letter'],
      '00420011': ['OB', Buffer.from('%PDF-1.4\n%%EOF\n')],
      '00420012': ['LO', 'application/pdf'],
    }),
    null,
  );

describe.skipIf(!hasOrthanc)('a DICOM archive on the page', () => {
  beforeAll(async () => {
    orthanc = await startOrthanc();
    uri = `orthanc://127.0.0.1:${orthanc.port}`;
    await orthanc.put(await jpegCine(1, 24));
    await orthanc.put(rawCine(2, 8, { '0008103e': ['LO', 'A2C / zweite Schleife'] }));
    await orthanc.put(still(3));
    await orthanc.put(document(4));
    const access: ArchiveAccess = {
      logins: [{ machine: `127.0.0.1:${orthanc.port}`, login }],
      trusted: null,
    };
    projects = new Projects(join(folder, 'projects'), {
      createSource: replayToolsFor(access).createSource,
      archives: access,
      ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '9.9.9' },
      ...{ chunkFrames: 5, spoolBytes: 1e8 },
    });
    served = await serveDashboard([], {
      extraServices: [
        ...projectServices(projects),
        ...archiveServices({ archives: [uri], access, checkHost: () => undefined, projects }),
      ],
      topics: [projectsTopicOf(projects)],
    });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await projects?.close();
    await orthanc?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const search = async (page: Page, name: string): Promise<void> => {
    await page.getByLabel('Patient name').fill(name);
    await page.getByRole('button', { name: 'Search' }).click();
  };

  it('takes results of a file where the operator named it', async () => {
    const path = join(folder, 'file.dcm');
    writeFileSync(path, rawCine(9, 6));
    const project = await projects.open(path, null, null, new AbortController().signal);
    await expect.poll(() => project.pictures.has(0), { timeout: 30_000 }).toBe(true);
    await project.prompt(0, 'square', [{ type: 'box', box: squareBox(0) }]);
    const { page } = await openPage(browser, `${served.server.url}#/recordings/${project.id}`);
    await page.getByRole('button', { name: 'Track both ways' }).click();
    await page.getByText('Tracked.').waitFor();
    await page.getByRole('button', { name: 'Export …' }).click();
    const dialog = page.getByRole('dialog');
    for (const box of await dialog.getByRole('checkbox').all()) await box.uncheck();
    expect(await dialog.getByRole('button', { name: 'Export' }).isDisabled()).toBe(true);
    await dialog.getByLabel(/dicom-seg$/).check();
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.getByText(/export-1 is ready/).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: `Store in ${uri}` }).click();
    await page.getByText(`1 file is in the archive at ${uri}`).waitFor();
    await keepPicture(page, 'archive-stored-file');
    await page.context().close();
    const found = (await orthanc.rest(
      'GET',
      `/dicom-web/studies/${study}/instances?includefield=Modality&Modality=SEG`,
    )) as { '0020000E': { Value: string[] } }[];
    expect(found).toHaveLength(1);
    const [known] = (await orthanc.rest('POST', '/tools/lookup', found[0]?.['0020000E'].Value[0])) as {
      ID: string;
    }[];
    await orthanc.rest('DELETE', `/series/${known?.ID ?? ''}`);
  });

  it('is searched, a cine is followed, and its results are stored, or it is said why not', async () => {
    const { page, problems } = await openPage(browser, `${served.server.url}#/recordings`);
    await page.getByText('Search a DICOM archive').click();
    await expect.poll(() => page.getByLabel('Archive', { exact: true }).inputValue()).toBe(uri);
    await search(page, 'Möller');
    await page.getByText('No study fits').waitFor();
    await search(page, 'müller');
    await page.getByText('1 study', { exact: true }).waitFor();
    await page.getByRole('button', { name: /Müller Änne.*2026-01-02.*Echo TTE/ }).click();
    await page.getByText('2 cines. 2 still pictures and documents are not listed.').waitFor();
    await keepPicture(page, 'archive-search');
    await page.getByRole('button', { name: /A4C.*24 pictures/ }).click();

    await page.getByText('Mark an object').waitFor();
    await page.waitForSelector('.project-stage[data-frame="0"]');
    const bounds = await page.locator('.project-stage').boundingBox();
    if (!bounds) throw new Error('no stage');
    const scale = Math.min(bounds.width / clipSize.width, bounds.height / clipSize.height);
    const [left, top] = [
      bounds.x + (bounds.width - clipSize.width * scale) / 2,
      bounds.y + (bounds.height - clipSize.height * scale) / 2,
    ];
    const [x0, y0, x1, y1] = squareBox(0);
    await page.keyboard.press('b');
    await page.mouse.move(left + x0 * scale, top + y0 * scale);
    await page.mouse.down();
    await page.mouse.move(left + ((x0 + x1) / 2) * scale, top + y1 * scale);
    await page.mouse.move(left + x1 * scale, top + y1 * scale);
    await page.mouse.up();
    await page.getByRole('button', { name: 'Hide object 1' }).waitFor();
    await page.getByRole('button', { name: 'Track both ways' }).click();
    await page.getByText('Tracked.').waitFor();

    await page.getByRole('button', { name: 'Export …' }).click();
    const dialog = page.getByRole('dialog');
    for (const box of await dialog.getByRole('checkbox').all()) await box.uncheck();
    for (const name of [/dicom-seg$/, /dicom-sr$/, /dicom-sc$/]) await dialog.getByLabel(name).check();
    await keepPicture(page, 'archive-export');
    await dialog.getByRole('button', { name: 'Export' }).click();
    await dialog.getByText(/export-1 is ready/).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: /export-1/ }).waitFor();
    const store = page.getByRole('button', { name: 'Store in archive' });
    await store.click();
    await page.getByText(`3 files are in the archive at ${uri}`).waitFor();
    await keepPicture(page, 'archive-stored');
    const rows = (await orthanc.rest(
      'GET',
      `/dicom-web/studies/${study}/instances?includefield=Modality`,
    )) as Record<string, { Value: string[] }>[];
    expect(rows.map((row) => row['00080060']?.Value[0]).sort()).toEqual([
      'DOC',
      'SEG',
      'SR',
      'US',
      'US',
      'US',
      'US',
    ]);

    await orthanc.kill();
    await store.click();
    await page.getByText(`No archive answers at "${uri}"`).waitFor();
    await keepPicture(page, 'archive-not-stored');
    expect(await store.isEnabled()).toBe(true);
    expect(problems.filter((problem) => !/50\d/.test(problem))).toEqual([]);
    await page.context().close();
  });
});
