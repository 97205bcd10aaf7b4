/** Two recorded views of one heart, by the product's own model: chosen as a pair, biplane figures that follow corrections, and files that say the same. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { biplaneOf, type ViewBeats } from '../../../src/analysis/biplane-beats.js';
import { maskFromBitmap, maskFromCocoString, maskToBitmap, maskToCocoString } from '../../../src/mask/rle.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { projectServices, projectsTopicOf } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { readFinder } from '../../../src/replay/model-facts.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { writeSample } from '../../../src/sample/write-sample.js';
import { RoomRegistry, startServer, type RunningServer } from '../../../src/server/index.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import { tinyModel } from '../replay/fixture.js';
import { silent } from '../server/fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-biplane-'));
const wait = { timeout: 120_000, interval: 100 };
let server: RunningServer | null = null;
let projects: Projects | null = null;

beforeAll(() => writeSample(join(folder, 'sample')));
afterEach(stop);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(): Promise<void> {
  projects = new Projects(join(folder, 'projects'), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 2, version: '0.0.0-test' },
    ...{ chunkFrames: 10, spoolBytes: 1e8, mayWrite: () => Promise.resolve() },
    finders: async () =>
      [await readFinder('echo-lv', join(packageRoot, 'models/echo-lv'))].filter((finder) => finder !== null),
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

async function ask(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') {
  const response = await fetch(new URL(`api/projects${path}`, server?.url), {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}
async function told<Answer>(path: string, body?: unknown): Promise<Answer> {
  const answer = await ask(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as Answer;
}
const stateOf = (id: string) => told<ProjectState>(`/${id}`);
const measured = (id: string) => told<ResponseOf<'projects.measurements'>>(`/${id}/measurements`);
const idle = async (id: string): Promise<void> => {
  await expect.poll(async () => (await stateOf(id)).run.phase, wait).not.toBe('running');
  expect(await stateOf(id)).toMatchObject({ run: { phase: 'idle' }, upToDate: true });
};

async function found(uri: string): Promise<string> {
  const { id } = await told<ProjectState>('', { uri, finder: 'echo-lv' });
  await expect.poll(async () => (await stateOf(id)).pictures.complete, wait).toBe(true);
  await told(`/${id}/propagate`, {});
  await idle(id);
  return id;
}

/** The folder of a fresh export's clip. */
async function exported(id: string, clip: string): Promise<string> {
  await told(`/${id}/export`, { formats: ['echo'] });
  await idle(id);
  const name = (await stateOf(id)).exports.at(-1)?.name ?? '';
  const archive = await fetch(new URL(`api/projects/${id}/exports/${name}.tar`, server?.url));
  const into = join(folder, `${id}-${name}`);
  mkdirSync(into);
  writeFileSync(join(into, 'all.tar'), Buffer.from(await archive.arrayBuffer()));
  execFileSync('tar', ['-C', into, '-xf', join(into, 'all.tar')]);
  return join(into, clip);
}
interface Report {
  readonly view: string;
  readonly disks: readonly {
    readonly beat: number;
    readonly heartRate: number;
    readonly endDiastole: { readonly length: number; readonly diameters: readonly number[] };
    readonly endSystole: { readonly length: number; readonly diameters: readonly number[] };
  }[];
}
const report = (path: string): Report => JSON.parse(readFileSync(join(path, 'echo.json'), 'utf8')) as Report;
const beatsOf = ({ disks }: Report): ViewBeats => ({
  beats: disks.map(({ heartRate, endDiastole, endSystole }) => ({
    ...{ heartRate, disks: { endDiastole, endSystole } },
  })),
  ...{ irregularRhythm: false, unit: 'mm' },
});

it('are chosen as a pair; figures, corrections and files follow both', async () => {
  await start();
  const cine = (view: string): string => join(folder, 'sample', 'cines', `heart-${view}.dcm`);
  const four = await found(cine('A4C'));
  const two = await found(cine('A2C'));
  expect((await measured(four)).biplane).toBeNull();
  expect(await told(`/${two}/partners`)).toEqual({
    partners: [{ project: four, name: 'heart-A4C', near: 'name', view: 'a2c' }],
  });
  expect(await ask(`/${four}/pair`, { partner: four, view: 'a4c' })).toMatchObject({
    ...{ status: 422, body: { code: 'SONO_PROJECT_PAIR' } },
  });
  expect(await ask(`/${four}/pair`, { partner: 'nobody', view: 'a4c' })).toMatchObject({
    ...{ status: 404, body: { code: 'SONO_PROJECT_UNKNOWN' } },
  });

  await told(`/${four}/pair`, { partner: two, view: 'a4c' });
  expect((await stateOf(four)).pair).toEqual({ partner: two, view: 'a4c' });
  expect((await stateOf(two)).pair).toEqual({ partner: four, view: 'a2c' });
  const alone = [await measured(four), await measured(two)];
  const both = alone[0]?.biplane;
  expect(both).toMatchObject({ view: 'a4c', partner: two, ejectionFraction: { unit: '%' } });
  const beats = alone.map(({ summary }) => summary.beats);
  expect(both?.ejectionFraction.note).toContain(`biplane, ${beats[0]} + ${beats[1]} beats`);
  // Both views have the same figures.
  expect(alone[1]?.biplane).toMatchObject({ view: 'a2c', ejectionFraction: both?.ejectionFraction });

  const folders = [await exported(four, 'heart-A4C'), await exported(two, 'heart-A2C')] as const;
  const reports = folders.map(report) as [Report, Report];
  expect(reports.map(({ view }) => view)).toEqual(['apical four-chamber', 'apical two-chamber']);
  const fromFiles = biplaneOf({ a4c: beatsOf(reports[0]), a2c: beatsOf(reports[1]) });
  if (fromFiles.reason !== null) throw new Error(fromFiles.reason);
  // The files have three decimals of a millimetre.
  expect(both?.ejectionFraction.value).toBeCloseTo(fromFiles.ejectionFraction.value, 1);
  for (const path of folders)
    expect(JSON.parse(readFileSync(join(path, 'biplane.json'), 'utf8'))).toMatchObject({
      clips: { a4c: 'heart-A4C', a2c: 'heart-A2C' },
      ejectionFraction: { value: Number(both?.ejectionFraction.value?.toFixed(2)) },
      endDiastolicVolume: { value: Number(both?.endDiastolicVolume.value?.toFixed(2)) },
      ...{ correctedByHand: false, reason: '' },
    });

  // An outline that is drawn wider at an end-diastole of the other view, on all of its beats but the first: so is the volume of both.
  const plain = alone[1]?.beats.filter(({ accepted }) => accepted) ?? [];
  expect(plain.length).toBeGreaterThan(1);
  for (const { endDiastole } of plain) {
    const frame = endDiastole?.frame ?? 0;
    const masks = await told<ResponseOf<'projects.masks'>>(`/${two}/masks/${frame}`);
    const { width, height } = masks.size ?? { width: 0, height: 0 };
    const cavity = masks.objects.find(({ label }) => label === chambers.ventricle);
    const bitmap = maskToBitmap(maskFromCocoString(cavity?.counts ?? '', width, height));
    const reach = Math.round(width / 60);
    const wider = maskFromBitmap(
      bitmap.map((value, at) =>
        value !== 0 || bitmap[at - reach] === 1 || bitmap[at + reach] === 1 ? 1 : 0,
      ),
      width,
      height,
    );
    await told(`/${two}/corrections`, {
      correction: {
        ...{ kind: 'contour', frame, label: chambers.ventricle },
        mask: { size: [height, width], counts: maskToCocoString(wider) },
      },
    });
  }
  const drawn = (await measured(four)).biplane;
  expect(drawn?.ejectionFraction.note).toContain(`${beats[0]} + ${beats[1]} beats, corrected by hand`);
  const share = (drawn?.endDiastolicVolume.value ?? NaN) / (both?.endDiastolicVolume.value ?? NaN);
  expect(share).toBeGreaterThan(1.04);
  expect(share).toBeLessThan(1.3);
  expect(drawn?.ejectionFraction.value).toBeGreaterThan(both?.ejectionFraction.value ?? NaN);

  // A moment that is moved keeps its beat among them.
  const [first] = plain;
  const later = (first?.endSystole?.frame ?? 0) + 2;
  await told(`/${two}/corrections`, {
    correction: { kind: 'moment', beat: first?.number ?? 0, which: 'end-systole', frame: later },
  });
  const moved = (await measured(two)).biplane;
  expect(moved?.ejectionFraction.note).toContain(`${beats[0]} + ${beats[1]} beats, corrected by hand`);

  const after = await exported(two, 'heart-A2C');
  const corrected = report(after);
  expect(corrected.disks.map(({ beat }) => beat)).toEqual(reports[1].disks.map(({ beat }) => beat));
  for (const [index, { endDiastole }] of corrected.disks.entries()) {
    const before = reports[1].disks[index]?.endDiastole.diameters ?? [];
    const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
    expect(sum(endDiastole.diameters)).toBeGreaterThan(1.03 * sum(before));
  }
  expect(JSON.parse(readFileSync(join(after, 'biplane.json'), 'utf8'))).toMatchObject({
    ejectionFraction: { value: Number(moved?.ejectionFraction.value?.toFixed(2)) },
    correctedByHand: true,
  });

  // Taken back, and kept over a restart.
  for (let left = plain.length + 1; left > 0; left--) await told(`/${two}/undo`, {});
  expect((await measured(four)).biplane).toEqual(both);
  await stop();
  await start();
  expect((await measured(four)).biplane).toEqual(both);
  await told(`/${four}/pair`, { partner: null });
  expect([(await stateOf(four)).pair, (await stateOf(two)).pair]).toEqual([null, null]);
  expect(existsSync(join(await exported(four, 'heart-A4C'), 'biplane.json'))).toBe(false);
  await told(`/${two}/pair`, { partner: four, view: 'a2c' });
  expect((await ask(`/${two}`, undefined, 'DELETE')).status).toBe(200);
  expect((await stateOf(four)).pair).toBeNull();
});
