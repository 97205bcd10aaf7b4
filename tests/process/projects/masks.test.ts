/** Masks of a recording that a person draws, keeps or brings: repairs, locked objects, uncertain pictures, imports of what was exported. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { maskFromBitmap, maskToCocoString } from '../../../src/mask/rle.js';
import { projectServices } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { RoomRegistry, startServer, type RunningServer } from '../../../src/server/index.js';
import type { ExportFormat } from '../../../src/vocabulary/export-format.js';
import { clipSize, sceneFolder, squareBox, tinyModel } from '../replay/fixture.js';
import { silent } from '../server/fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-masks-'));
const clip = join(folder, 'clip');
const frames = 16;
const wait = { timeout: 90_000, interval: 50 };
const projects = new Projects(join(folder, 'projects'), {
  createSource: replayTools.createSource,
  ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '0.0.0-test' },
  ...{ chunkFrames: 5, spoolBytes: 1e8 },
});
let server: RunningServer;

beforeAll(async () => {
  await sceneFolder(clip, frames);
  server = await startServer({
    ...{ port: 0, rooms: new RoomRegistry(), logger: silent, version: '0.0.0-test' },
    extraServices: projectServices(projects),
  });
});
afterAll(async () => {
  await server.close();
  await projects.close();
  rmSync(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(new URL(`api/projects${path}`, server.url), {
    method,
    ...(method === 'POST' && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    }),
  });
  return response.json();
}
const stateOf = async (id: string) => (await call('GET', `/${id}`)) as ProjectState;
const box = (frame: number) => [{ type: 'box' as const, box: squareBox(frame) }];
const idle = async (id: string): Promise<void> => {
  await expect.poll(async () => (await stateOf(id)).run.phase, wait).not.toBe('running');
  expect((await stateOf(id)).run).toEqual({ phase: 'idle' });
};

async function open(uri = clip): Promise<string> {
  const { id } = (await call('POST', '', { uri })) as ProjectState;
  await expect.poll(async () => (await stateOf(id)).pictures.complete, wait).toBe(true);
  return id;
}

async function track(id: string): Promise<void> {
  await call('POST', `/${id}/propagate`);
  await idle(id);
  expect((await stateOf(id)).upToDate).toBe(true);
}

type Shown = ResponseOf<'projects.masks'>['objects'][number];
const shown = async (id: string, frame: number): Promise<readonly Shown[]> =>
  ((await call('GET', `/${id}/masks/${frame}`)) as ResponseOf<'projects.masks'>).objects;
const countsOf = async (id: string, label: string): Promise<(string | undefined)[]> =>
  Promise.all(
    Array.from({ length: frames }, async (_, frame) => {
      const counts = (await shown(id, frame)).find((object) => object.label === label)?.counts;
      return counts;
    }),
  );

async function exported(id: string, format: ExportFormat): Promise<Uint8Array> {
  await call('POST', `/${id}/export`, { formats: [format] });
  await idle(id);
  const name = (await stateOf(id)).exports.at(-1)?.name ?? '';
  const archive = await fetch(new URL(`api/projects/${id}/exports/${name}.tar`, server.url));
  return new Uint8Array(await archive.arrayBuffer());
}

type Imported = ResponseOf<'projects.importFrom'> & { readonly code?: string; readonly message?: string };
async function send(id: string, name: string, body: Uint8Array, query = ''): Promise<Imported> {
  const response = await fetch(
    new URL(`api/projects/${id}/import?filename=${encodeURIComponent(name)}${query}`, server.url),
    { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from(body) },
  );
  return (await response.json()) as Imported;
}

/** A rectangle at the size of the recording. */
function drawn(left: number, top: number, width: number, height: number) {
  const bitmap = new Uint8Array(clipSize.width * clipSize.height);
  for (let y = top; y < top + height; y++)
    bitmap.fill(1, y * clipSize.width + left, y * clipSize.width + left + width);
  return {
    bitmap,
    size: [clipSize.height, clipSize.width],
    counts: maskToCocoString(maskFromBitmap(bitmap, clipSize.width, clipSize.height)),
  };
}

it('a mask that was drawn is shown and exported at once, and tracked on from', async () => {
  const id = await open();
  await call('POST', `/${id}/prompts`, { frame: 3, label: 'square', prompts: box(3) });
  await call('POST', `/${id}/prompts`, { frame: 3, label: 'other', prompts: box(3) });
  await track(id);
  const before = await countsOf(id, 'square');
  const other = await countsOf(id, 'other');
  const { size, counts } = drawn(30, 30, 20, 10);
  const repaired = await call('POST', `/${id}/repair`, { frame: 8, label: 'square', mask: { size, counts } });
  expect(repaired).toMatchObject({
    object: { label: 'square', counts, corrected: true, marked: true, areaPx: 200 },
    project: { upToDate: false, exportable: true, undo: { kind: 'repair', label: 'square' } },
  });
  const after = before.map((mask, frame) => (frame === 8 ? counts : mask));
  expect(await countsOf(id, 'square')).toEqual(after);
  // Exported without tracking again: on its picture alone, and the object that it covers keeps its mask.
  const fresh = await open();
  const taken = await send(fresh, 'export-1.tar', await exported(id, 'coco'));
  expect(taken).toMatchObject({ labels: ['square', 'other'], left: { otherSize: 0, unknownPicture: 0 } });
  expect(await countsOf(fresh, 'square')).toEqual(after);
  expect(await countsOf(fresh, 'other')).toEqual(other);
  await track(id);
  expect((await countsOf(id, 'square'))[8]).toBe(counts);
  // A mark that is not drawn waits for its tracking.
  await call('POST', `/${id}/prompts`, { frame: 10, label: 'square', prompts: box(10) });
  expect(await stateOf(id)).toMatchObject({ exportable: false });
  expect(await call('POST', `/${id}/export`, { formats: ['coco'] })).toMatchObject({
    code: 'SONO_PROJECT_NOTHING',
  });
});

it('a locked object keeps its masks while others are tracked, whatever was marked before it was locked', async () => {
  const id = await open();
  await call('POST', `/${id}/prompts`, { frame: 3, label: 'kept', prompts: box(3) });
  await track(id);
  const before = await countsOf(id, 'kept');
  const { size, counts } = drawn(0, 0, 30, 30);
  await call('POST', `/${id}/prompts`, {
    ...{ frame: 9, label: 'kept', prompts: [{ type: 'mask', mask: { size, counts } }] },
  });
  await call('POST', `/${id}/lock`, { label: 'kept', locked: true });
  expect((await stateOf(id)).upToDate).toBe(true);
  await call('POST', `/${id}/prompts`, { frame: 5, label: 'new', prompts: box(5) });
  await track(id);
  expect(
    await call('POST', `/${id}/repair`, { frame: 9, label: 'kept', mask: { size, counts } }),
  ).toMatchObject({
    code: 'SONO_PROJECT_LOCKED',
  });
  await call('POST', `/${id}/undo`);
  await call('POST', `/${id}/undo`);
  await call('POST', `/${id}/undo`);
  expect(await countsOf(id, 'kept')).toEqual(before);
});

it('pictures on which tracking was unsure are offered until they are seen or marked', async () => {
  const id = await open();
  // Nobody is surer than a hand.
  const [left, top, right, bottom] = squareBox(0);
  const { size, counts } = drawn(left, top, right - left, bottom - top);
  const mask = { type: 'mask', mask: { size, counts } };
  await call('POST', `/${id}/prompts`, { frame: 0, label: 'square', prompts: [mask] });
  await track(id);
  const offered = async () =>
    ((await call('GET', `/${id}/uncertain?apart=1`)) as ResponseOf<'projects.uncertain'>).pictures;
  const all = await offered();
  expect(all.length).toBeGreaterThan(0);
  expect(all.map(({ confidence }) => confidence)).toEqual(
    all.map(({ confidence }) => confidence).toSorted((a, b) => a - b),
  );
  expect(all.some(({ frame }) => frame === 0)).toBe(false);
  const first = all[0]?.frame ?? 0;
  await call('POST', `/${id}/seen`, { frame: first });
  expect((await offered()).some(({ frame }) => frame === first)).toBe(false);
  // Looked at once more when it has been tracked anew.
  await call('POST', `/${id}/prompts`, {
    frame: 0,
    label: 'square',
    prompts: [{ type: 'click', point: [2, 2], positive: false }],
  });
  await track(id);
  await call('POST', `/${id}/undo`);
  await track(id);
  expect(await offered()).toEqual(all);
});

it.each([
  ['png', 'square'],
  ['png-indexed', 'object 1'],
  ['coco', 'square'],
  ['davis', 'object 1'],
  ['dicom-seg', 'square'],
] as const)('what is exported as %s is imported as the same masks', async (format, label) => {
  const id = await open();
  await call('POST', `/${id}/prompts`, { frame: 4, label: 'square', prompts: box(4) });
  await track(id);
  const archive = await exported(id, format);
  const masks = await countsOf(id, 'square');
  const fresh = await open();
  const imported = await send(fresh, 'export-1.tar', archive);
  expect(imported, JSON.stringify(imported)).toMatchObject({
    ...{ labels: [label], masks: frames, frames },
    left: { otherSize: 0, unknownPicture: 0, empty: 0, locked: 0 },
    project: { undo: { kind: 'import', label } },
  });
  expect(await countsOf(fresh, label)).toEqual(masks);
  const [object] = imported.project.objects;
  expect(object?.prompts[0]).toMatchObject({ type: 'mask', author: 'import', frame: 0 });
  // The colours of files that have them.
  expect(object?.color === null).toBe(format === 'png' || format === 'coco');
  await call('POST', `/${fresh}/undo`);
  expect((await stateOf(fresh)).objects).toEqual([]);
});

it('single files are of the picture of their name, or of the one that is named; those of a batch are taken back together', async () => {
  const id = await open();
  const { bitmap, counts } = drawn(10, 20, 30, 40);
  const raw = { raw: { ...clipSize, channels: 1 as const } };
  const grey = (values: Uint8Array) => sharp(values, raw).png().toBuffer();
  const white = await grey(bitmap.map((value) => value * 255));
  const batch = '&batch=folder&label=liver';
  expect(await send(id, 'mask_0005.png', white, batch)).toMatchObject({ labels: ['liver'], frames: 1 });
  expect(await send(id, 'mask_0006.png', white, batch)).toMatchObject({ labels: ['liver'], frames: 1 });
  expect((await shown(id, 5)).map((object) => object.counts)).toEqual([counts]);
  const sixteen = await sharp(
    Uint16Array.from(bitmap, (value) => value * 300),
    raw,
  )
    .toColourspace('grey16')
    .png()
    .toBuffer();
  expect(await send(id, 'anything.png', sixteen, '&frame=9')).toMatchObject({ labels: ['object 300'] });
  const colours = new Uint8Array(bitmap.length * 3);
  bitmap.forEach((value, at) => value === 1 && colours.set([10, 200, 30], at * 3));
  const coloured = await sharp(colours, { raw: { ...clipSize, channels: 3 } })
    .png()
    .toBuffer();
  const { project } = await send(id, '2.png', coloured, '&label=organ');
  expect(project.objects.find(({ label }) => label === 'organ')).toMatchObject({ color: '#0ac81e' });
  for (const left of [['liver', 'object 300'], ['liver'], []]) {
    await call('POST', `/${id}/undo`);
    expect((await stateOf(id)).objects.map(({ label }) => label)).toEqual(left);
  }
});

it('COCO of other programs: polygons, run lengths as numbers, tracks; what cannot be used is counted', async () => {
  const id = await open();
  const { counts } = drawn(10, 20, 30, 40);
  const runs: number[] = [];
  const columns = clipSize.height;
  // Column by column: background, then 40 of each of 30 columns.
  for (let x = 10; x < 40; x++) runs.push(x === 10 ? 10 * columns + 20 : columns - 40, 40);
  runs.push(clipSize.width * columns - runs.reduce((sum, run) => sum + run, 0));
  const image = (id: number, file_name: string) => ({ id, file_name, ...clipSize });
  const polygon = [[10, 20, 40, 20, 40, 60, 10, 60]];
  const coco = {
    images: [
      image(1, 'a/00003.png'),
      image(2, 'frame 7.jpg'),
      image(3, '999.png'),
      { ...image(4, '1.png'), width: 50 },
    ],
    categories: [
      { id: 5, name: 'liver', color: [1, 2, 3] },
      { id: 6, name: 'tool' },
    ],
    annotations: [
      { image_id: 1, category_id: 5, segmentation: polygon },
      {
        image_id: 2,
        category_id: 5,
        segmentation: { size: [clipSize.height, clipSize.width], counts: runs },
      },
      { image_id: 2, category_id: 6, track_id: 1, segmentation: polygon },
      { image_id: 2, category_id: 6, track_id: 2, segmentation: [[0, 0, 4, 0, 4, 4, 0, 4]] },
      { image_id: 3, category_id: 5, segmentation: polygon },
      { image_id: 4, category_id: 5, segmentation: polygon },
      { image_id: 1, category_id: 6, track_id: 1, segmentation: [[0, 0, 0, 0]] },
    ],
  };
  const path = join(folder, 'other.json');
  writeFileSync(path, JSON.stringify(coco));
  const taken = await call('POST', `/${id}/import-from`, { path });
  expect(taken).toMatchObject({
    ...{ labels: ['liver', 'tool 1', 'tool 2'], masks: 4, frames: 2 },
    left: { otherSize: 1, unknownPicture: 1, empty: 1, locked: 0 },
  });
  const [first] = await shown(id, 3);
  expect(first).toMatchObject({ label: 'liver', counts });
  expect((await shown(id, 7)).map(({ label, areaPx }) => [label, areaPx])).toEqual([
    ['liver', 1200],
    ['tool 1', 1200],
    ['tool 2', 16],
  ]);
  expect((await stateOf(id)).objects[0]?.color).toBe('#010203');
  // Nothing at all, and no such file.
  const small = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const refused = await send(id, '3.png', small);
  expect(refused.code).toBe('SONO_PROJECT_IMPORT');
  expect(refused.message).toContain('1 of another size than 128 × 96');
  for (const body of [Buffer.from('hello'), readFileSync(path).subarray(0, 90)])
    expect(await send(id, 'x.json', body)).toMatchObject({ code: 'SONO_PROJECT_IMPORT' });
  expect(await call('POST', `/${id}/import-from`, { path: join(folder, 'absent') })).toMatchObject({
    code: 'SONO_PROJECT_IMPORT',
  });
});
