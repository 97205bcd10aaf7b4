/** What a folder holds, for a list on the page: by content, looked at by another process, within bounds. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { readFolderContents } from '../../../src/ingest/folder-contents.js';
import { listFolder } from '../../../src/ingest/index.js';
import { dicomFile, explicitLittleEndian, native, picture, type Fields } from '../dicom/fixture.js';

const root = mkdtempSync(join(tmpdir(), 'sono-list-'));
afterAll(() => rmSync(root, { recursive: true }));

const object = (more: Fields): Buffer =>
  dicomFile(explicitLittleEndian, picture(8, 8, 'RGB', more), native(new Uint8Array(8 * 8 * 3 * 2)));

it('lists recordings by what they are, each with the address that opens it, and names the others', async () => {
  const disk = join(root, 'disk');
  for (const name of ['PAT0/ST0', 'stills', '.hidden']) mkdirSync(join(disk, name), { recursive: true });
  const single = (i: number): Buffer =>
    object({
      ...{ '00080018': ['UI', `1.2.${i}`], '0008103e': ['LO', 'A4C'], '0020000e': ['UI', '1.2.3'] },
      ...{ '00200011': ['IS', '4'], '00200013': ['IS', `${i}`] },
    });
  for (const i of [1, 2, 3]) writeFileSync(join(disk, `PAT0/ST0/IM_${i}`), single(i));
  writeFileSync(join(disk, 'PAT0/CINE'), object({ '00280008': ['IS', '2'] }));
  writeFileSync(
    join(disk, 'PAT0/report'),
    dicomFile(explicitLittleEndian, { '00080060': ['CS', 'SR'] }, null),
  );
  writeFileSync(join(disk, '.hidden/CINE'), object({ '00280008': ['IS', '2'] }));
  writeFileSync(join(disk, 'README.TXT'), 'a viewer');
  await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toFile(join(disk, 'stills/a.png'));
  symlinkSync(join(root, 'elsewhere'), join(disk, 'link'));
  const { folder, clips, skipped, more } = await listFolder(disk);
  expect([folder, more]).toEqual([disk, false]);
  expect(clips).toEqual([
    { uri: join(disk, 'PAT0/CINE'), name: join(disk, 'PAT0/CINE'), pictures: null },
    { uri: join(disk, 'PAT0/ST0?series=1.2.3'), name: join(disk, 'PAT0/ST0/series 4, A4C'), pictures: 3 },
    { uri: join(disk, 'stills'), name: join(disk, 'stills'), pictures: 1 },
  ]);
  expect(skipped).toEqual([
    { path: join(disk, 'PAT0/report'), reason: 'it is DICOM without pictures' },
    { path: join(disk, 'README.TXT'), reason: 'it is no recording of a known kind' },
    { path: join(disk, 'link'), reason: 'it is a link' },
  ]);
});

it('looks no deeper and no farther than a person reads, and says so', async () => {
  const deep = join(root, 'deep');
  mkdirSync(join(deep, ...'123456789'), { recursive: true });
  writeFileSync(join(deep, ...'123456789', 'x.mp4'), '');
  writeFileSync(join(deep, 'y.mp4'), '');
  expect(await listFolder(deep)).toMatchObject({ clips: [{ uri: join(deep, 'y.mp4') }], more: true });
  const wide = join(root, 'wide');
  mkdirSync(wide);
  for (let i = 0; i < 1200; i += 1) writeFileSync(join(wide, `${i}.mp4`), '');
  const { clips, more } = await listFolder(wide);
  expect([clips.length, more]).toEqual([1000, true]);
});

it('lists no series of which only a part was looked at', async () => {
  const series = join(root, 'series');
  mkdirSync(series);
  for (const i of [1, 2, 3, 4])
    writeFileSync(
      join(series, `f${i}`),
      object({ '00080018': ['UI', `1.2.${i}`], '0020000e': ['UI', '1.2.3'] }),
    );
  const budget = { depth: 8, untilMs: Infinity, links: false };
  expect(await readFolderContents(series, { ...budget, entries: 3 })).toMatchObject({
    clips: [],
    more: true,
  });
  expect(await readFolderContents(series, { ...budget, entries: 4 })).toMatchObject({
    ...{ clips: [{ uri: `${series}?series=1.2.3`, pictures: 4 }], more: false },
  });
  expect(await readFolderContents(series, { ...budget, entries: 4, untilMs: 0 })).toMatchObject({
    more: true,
  });
});

it('is refused with the reason', async () => {
  writeFileSync(join(root, 'file'), 'x');
  for (const [uri, code] of [
    [join(root, 'absent'), 'SONO_SOURCE_NO_FOLDER'],
    [join(root, 'file'), 'SONO_SOURCE_NO_FOLDER'],
    ['rtsp://camera.example/one', 'SONO_SOURCE_URI'],
  ] as const)
    await expect((async () => listFolder(uri))()).rejects.toMatchObject({ code });
  const left = new AbortController();
  const asked = listFolder(root, left.signal);
  left.abort();
  await expect(asked).rejects.toMatchObject({ code: 'SONO_SOURCE_TRIAL_LEFT' });
});
