/** A recorded heart, from the server's side: a model finds everything, beats are told, corrected by hand, exported and kept. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { BeatTable, type Beat } from '../../../src/analysis/beat-table.js';
import { csvRecords } from '../../../src/formats/csv-table.js';
import {
  maskArea,
  maskFromBitmap,
  maskFromCocoString,
  maskToBitmap,
  maskToCocoString,
} from '../../../src/mask/rle.js';
import { projectServices, projectsTopicOf } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import { decodeMeasurement, measurementOf } from '../../../src/protocol/messages.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import type { Correction, ProjectState } from '../../../src/protocol/project-requests.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { readFinder } from '../../../src/replay/model-facts.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { RoomRegistry, startServer, type RunningServer } from '../../../src/server/index.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import { heartFolder } from '../../beating-heart.js';
import { tinyEchoDir, tinySemanticDir } from '../../tiny-scene.js';
import { tinyModel } from '../replay/fixture.js';
import { silent } from '../server/fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-echo-projects-'));
const clip = join(folder, 'heart');
const frames = 130;
const wait = { timeout: 90_000, interval: 50 };
let server: RunningServer | null = null;
let projects: Projects | null = null;

beforeAll(() => heartFolder(clip, frames));
afterEach(stop);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(name: string): Promise<void> {
  projects = new Projects(join(folder, name), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '0.0.0-test' },
    ...{ chunkFrames: 10, spoolBytes: 1e8, mayWrite: () => Promise.resolve() },
    finders: async () =>
      (
        await Promise.all([
          readFinder('tiny-echo', tinyEchoDir),
          readFinder('tiny-semantic', tinySemanticDir),
          readFinder('tiny-tracker', tinyModel),
        ])
      ).filter((finder) => finder !== null),
  });
  server = await startServer({
    ...{ port: 0, rooms: new RoomRegistry(), logger: silent, version: '0.0.0-test' },
    ...{ extraServices: projectServices(projects), topics: [projectsTopicOf(projects)] },
  });
}

async function stop(): Promise<void> {
  await server?.close();
  await projects?.close();
  server = null;
  projects = null;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(new URL(`api/projects${path}`, server?.url), {
    method,
    ...(method === 'POST' && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    }),
  });
  return { status: response.status, body: await response.json() };
}
const stateOf = async (id: string): Promise<ProjectState> =>
  (await call('GET', `/${id}`)).body as ProjectState;
const measured = async (id: string, query = ''): Promise<ResponseOf<'projects.measurements'>> => {
  const { status, body } = await call('GET', `/${id}/measurements${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as ResponseOf<'projects.measurements'>;
};
const correct = (id: string, correction: Correction) => call('POST', `/${id}/corrections`, { correction });

async function open(finder: string | null): Promise<string> {
  const { status, body } = await call('POST', '', { uri: clip, finder });
  expect(status, JSON.stringify(body)).toBe(200);
  const { id } = body as ProjectState;
  await expect.poll(async () => (await stateOf(id)).pictures.complete, wait).toBe(true);
  return id;
}

async function done(id: string): Promise<void> {
  await expect.poll(async () => (await stateOf(id)).run.phase, wait).not.toBe('running');
  expect(await stateOf(id)).toMatchObject({ run: { phase: 'idle' }, upToDate: true });
}

async function exported(id: string): Promise<string> {
  const { body } = await call('POST', `/${id}/export`, { formats: ['echo', 'mcap'] });
  await done(id);
  expect(body).toMatchObject({ id });
  const name = (await stateOf(id)).exports.at(-1)?.name ?? '';
  const archive = await fetch(new URL(`api/projects/${id}/exports/${name}.tar`, server?.url));
  const into = join(folder, `${id}-${name}`);
  mkdirSync(into);
  writeFileSync(join(into, 'all.tar'), Buffer.from(await archive.arrayBuffer()));
  execFileSync('tar', ['-C', into, '-xf', join(into, 'all.tar')]);
  return join(into, 'heart');
}

async function beatsIn(path: string): Promise<Beat[]> {
  const reader = await McapFileReader.open(path);
  const table = new BeatTable();
  const byFrame = new Map<number, ReturnType<typeof measurementOf>[]>();
  for await (const { data } of reader.inTimeOrder(new Set(['/heart/measurements']))) {
    const message = decodeMeasurement(data);
    byFrame.set(message.ptsNs, [...(byFrame.get(message.ptsNs) ?? []), measurementOf(message)]);
  }
  await reader.close();
  return [...byFrame.values()].flatMap((measurements) => table.take(measurements));
}

it('a model finds the heart; a person corrects beats and outlines; every file follows; a restart loses nothing', async () => {
  await start('main');
  expect((await call('GET', '')).body).toEqual({
    projects: [],
    finders: [
      { name: 'tiny-echo', finds: Object.values(chambers), measuresHeart: true },
      { name: 'tiny-semantic', finds: ['red tool', 'blue tool'], measuresHeart: false },
    ],
  });
  const id = await open('tiny-echo');
  expect(await stateOf(id)).toMatchObject({
    ...{ finder: 'tiny-echo', measuresHeart: true, corrections: 0, upToDate: false },
    objects: Object.values(chambers).map((label) => ({ label, prompts: [] })),
  });
  expect(
    await call('POST', `/${id}/prompts`, { frame: 0, prompts: [{ type: 'click', point: [9, 9] }] }),
  ).toMatchObject({
    status: 409,
    body: { code: 'SONO_MODEL_FINDS' },
  });
  expect(await correct(id, { kind: 'accept', beat: 1, accepted: false })).toMatchObject({
    status: 409,
    body: { code: 'SONO_PROJECT_NOTHING' },
  });
  await call('POST', `/${id}/propagate`);
  await done(id);

  // What was found: a beat of 0.9 s with an ejection fraction of about 49 %.
  const found = await measured(id);
  expect(found).toMatchObject({ calibrated: false, frames, units: { volume: 'px3' }, beatsLeftOut: 0 });
  expect(found.curve).toHaveLength(frames);
  expect(found.beats.length).toBeGreaterThanOrEqual(3);
  expect(found.beats.every(({ accepted }) => accepted)).toBe(true);
  const fraction = found.summary.ejectionFraction.value ?? NaN;
  expect(fraction).toBeGreaterThan(44);
  expect(fraction).toBeLessThan(56);
  expect(found.summary.corrected).toBe(false);
  // Fewer points than pictures: the highest and the lowest of each stretch are among them.
  const few = await measured(id, '?points=20');
  expect(few.curve.length).toBeLessThanOrEqual(20);
  const volumes = (curve: typeof few.curve) => curve.flatMap(({ volume }) => volume ?? []);
  expect(Math.max(...volumes(few.curve))).toBe(Math.max(...volumes(found.curve)));
  expect(Math.min(...volumes(few.curve))).toBe(Math.min(...volumes(found.curve)));
  const part = await measured(id, '?from=30&to=35');
  expect(part.curve.map(({ frame }) => frame)).toEqual([30, 31, 32, 33, 34, 35]);
  expect(part.beats.length).toBeLessThan(found.beats.length);
  const plain = await exported(id);
  const second = found.beats[1];
  if (!second?.endSystole || !second.endDiastole || !second.nextEndDiastole)
    throw new Error('no second beat');

  // A moment is moved: into the filling, so that less seems to be ejected.
  const { number } = second;
  const moved = second.endSystole.frame + 3;
  expect(
    await correct(id, { kind: 'moment', beat: number, which: 'end-systole', frame: moved }),
  ).toMatchObject({
    status: 200,
    body: { corrections: 1 },
  });
  const after = (await measured(id)).beats.find((beat) => beat.number === number);
  expect(after).toMatchObject({
    corrected: true,
    accepted: true,
    endSystole: { frame: moved, corrected: true },
  });
  expect(after?.ejectionFraction?.value).toBeLessThan(second.ejectionFraction?.value ?? NaN);
  expect(after?.ejectionFraction?.note).toContain('corrected by hand');
  expect(after?.endDiastolicVolume?.value).toBeCloseTo(second.endDiastolicVolume?.value ?? NaN, 0);
  // What cannot be is refused in words, and nothing is kept of it.
  for (const [correction, words] of [
    [
      { kind: 'moment', beat: number, which: 'end-systole', frame: second.nextEndDiastole.frame + 1 },
      'follow',
    ],
    [{ kind: 'moment', beat: 99, which: 'end-systole', frame: 3 }, 'no beat 99'],
    [{ kind: 'moment', beat: number, which: 'end-systole', frame: 999 }, 'nothing has been measured'],
    [{ kind: 'add', endDiastole: 5, endSystole: 5, nextEndDiastole: 9 }, 'follow'],
  ] as const)
    expect(await correct(id, correction)).toMatchObject({
      status: 422,
      body: { code: 'SONO_PROJECT_CORRECTION', message: expect.stringContaining(words) as string },
    });

  // An outline is drawn: the same one leaves the volume as it was, a larger one at end-diastole raises it.
  const { frame } = second.endDiastole;
  const masks = async (): Promise<ResponseOf<'projects.masks'>> =>
    (await call('GET', `/${id}/masks/${frame}`)).body as ResponseOf<'projects.masks'>;
  const cavity = (await masks()).objects.find(({ label }) => label === chambers.ventricle);
  const { width, height } = (await masks()).size ?? { width: 0, height: 0 };
  const own = maskFromCocoString(cavity?.counts ?? '', width, height);
  const size: [number, number] = [height, width];
  const contour = (mask: typeof own): Correction => ({
    ...{ kind: 'contour', frame, label: chambers.ventricle },
    mask: { size, counts: maskToCocoString(mask) },
  });
  expect((await correct(id, contour(own))).status).toBe(200);
  const same = (await measured(id)).beats.find((beat) => beat.number === number);
  const share = (same?.endDiastolicVolume?.value ?? NaN) / (second.endDiastolicVolume?.value ?? NaN);
  expect(Math.abs(share - 1)).toBeLessThan(0.05);
  const bitmap = maskToBitmap(own);
  const larger = maskFromBitmap(
    bitmap.map((value, index) => (value !== 0 || bitmap[index - 2] === 1 || bitmap[index + 2] === 1 ? 1 : 0)),
    width,
    height,
  );
  expect((await correct(id, contour(larger))).status).toBe(200);
  const wide = await measured(id);
  const drawn = wide.beats.find((beat) => beat.number === number);
  expect(drawn?.endDiastolicVolume?.value).toBeGreaterThan((same?.endDiastolicVolume?.value ?? NaN) * 1.05);
  expect(drawn).toMatchObject({ endDiastole: { corrected: true } });
  expect(wide.curve[frame]).toMatchObject({
    frame,
    corrected: true,
    volume: drawn?.endDiastolicVolume?.value,
  });
  const shown = (await masks()).objects;
  expect(shown.find(({ label }) => label === chambers.ventricle)).toMatchObject({
    ...{ corrected: true, state: 'tracking', areaPx: maskArea(larger) },
  });
  expect(
    await correct(id, { ...contour(own), mask: { size: [2, 2], counts: '04' } } as Correction),
  ).toMatchObject({
    status: 422,
    body: { code: 'SONO_PROJECT_CORRECTION' },
  });

  // A beat is rejected and added by hand; over one that counts none can be.
  const third = found.beats[2];
  expect((await correct(id, { kind: 'accept', beat: third?.number ?? 0, accepted: false })).status).toBe(200);
  const first = found.beats[0];
  const own1 = [
    first?.endDiastole?.frame,
    first?.endSystole?.frame,
    first?.nextEndDiastole?.frame,
  ] as number[];
  const over = await correct(id, {
    kind: 'add',
    ...{ endDiastole: own1[0] ?? 0, endSystole: own1[1] ?? 0, nextEndDiastole: own1[2] ?? 0 },
  });
  expect(over.status).toBe(422);
  expect(over.body).toMatchObject({
    message: expect.stringContaining(`over beat ${first?.number}, which counts`) as string,
  });
  expect(
    (
      await correct(id, {
        kind: 'add',
        ...{
          endDiastole: third?.endDiastole?.frame ?? 0,
          endSystole: third?.endSystole?.frame ?? 0,
          nextEndDiastole: third?.nextEndDiastole?.frame ?? 0,
        },
      })
    ).status,
  ).toBe(200);
  const final = await measured(id);
  expect(final.beats.find((beat) => beat.number === third?.number)).toMatchObject({
    ...{ accepted: false, rejection: 'by-hand', ejectionFraction: { value: null } },
  });
  const added = final.beats.find((beat) => beat.added);
  expect(added?.ejectionFraction?.value).toBeCloseTo(third?.ejectionFraction?.value ?? NaN, 1);
  expect(final.summary).toMatchObject({ beats: found.summary.beats, rejected: 1, corrected: true });
  expect(final.summary.ejectionFraction.note).toContain('corrected by hand');
  expect(final.corrections.map(({ kind }) => kind)).toEqual([
    'moment',
    'contour',
    'contour',
    'accept',
    'add',
  ]);

  // The files say the same as the page.
  const path = await exported(id);
  const rows = csvRecords(readFileSync(join(path, 'beats.csv'), 'utf8'));
  for (const beat of final.beats) {
    const row = rows.find((one) => one['beat'] === String(beat.number));
    const value = beat.ejectionFraction?.value ?? null;
    expect(row).toMatchObject({
      accepted: beat.accepted ? 'yes' : 'no',
      corrected: beat.corrected ? 'yes' : 'no',
      ef_percent: value === null ? '' : value.toFixed(3),
      es_time_s: beat.endSystole?.timeSeconds.toFixed(6),
    });
  }
  expect(rows).toHaveLength(final.beats.length);
  const report = JSON.parse(readFileSync(join(path, 'echo.json'), 'utf8')) as Record<string, unknown>;
  expect(report).toMatchObject({
    beats: { accepted: final.summary.beats, rejected: 1, correctedByHand: 3 },
    ejectionFraction: { lastShown: { note: expect.stringContaining('corrected by hand') as string } },
  });
  const curve = csvRecords(readFileSync(join(path, 'curve.csv'), 'utf8'));
  expect(curve[frame]?.['lv_volume_px3']).toBe(drawn?.endDiastolicVolume?.value?.toFixed(3));
  const inRecording = await beatsIn(join(path, 'heart.mcap'));
  expect(inRecording.map(({ number: beat }) => beat).sort((a, b) => a - b)).toEqual(
    final.beats.map(({ number: beat }) => beat).sort((a, b) => a - b),
  );
  for (const beat of inRecording)
    expect(beat.ejectionFraction?.value ?? null).toBe(
      final.beats.find((one) => one.number === beat.number)?.ejectionFraction?.value ?? null,
    );
  const before = csvRecords(readFileSync(join(plain, 'beats.csv'), 'utf8'));
  expect(before.map((row) => row['ef_percent'])).toEqual(
    found.beats.map((beat) => beat.ejectionFraction?.value?.toFixed(3)),
  );

  // A restart loses nothing, and everything can be taken back.
  await stop();
  await start('main');
  expect(await measured(id)).toEqual(final);
  expect(await call('POST', `/${id}/finder`, { finder: null })).toMatchObject({
    status: 409,
    body: { code: 'SONO_PROJECT_DECIDED' },
  });
  for (let left = 5; left > 0; left--) await call('POST', `/${id}/undo`);
  expect(await measured(id)).toEqual(found);
  expect(await call('POST', `/${id}/finder`, { finder: null })).toMatchObject({
    status: 200,
    body: { finder: null, upToDate: false, objects: [] },
  });
});

it('a model without a heart finds its structures too, and says why there are no beats', async () => {
  await start('other');
  const id = await open(null);
  expect(await call('POST', `/${id}/finder`, { finder: 'nothing' })).toMatchObject({
    status: 422,
    body: { code: 'SONO_PROJECT_FINDER' },
  });
  expect((await call('POST', `/${id}/finder`, { finder: 'tiny-semantic' })).status).toBe(200);
  await call('POST', `/${id}/propagate`);
  await done(id);
  const { body } = await call('GET', `/${id}/masks/3`);
  expect(
    (body as ResponseOf<'projects.masks'>).objects.map(({ label, corrected }) => [label, corrected]),
  ).toEqual([
    ['red tool', false],
    ['blue tool', false],
  ]);
  expect(await call('GET', `/${id}/measurements`)).toMatchObject({
    status: 422,
    body: { code: 'SONO_PROJECT_CORRECTION', message: expect.stringContaining('no heart') as string },
  });
});
