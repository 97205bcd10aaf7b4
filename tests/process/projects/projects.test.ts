/** Recordings in the dashboard, from the server's side: pictures, prompts, tracking with preview, corrections, exports, reload. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { maskBox, maskFromCocoString } from '../../../src/mask/rle.js';
import { firstChange } from '../../../src/projects/plan-edits.js';
import { projectServices, projectsTopicOf } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { projectEventSchema, projectsTopic } from '../../../src/protocol/project-requests.js';
import type { ProjectEvent, ProjectState } from '../../../src/protocol/project-requests.js';
import { RoomRegistry, serverError, startServer } from '../../../src/server/index.js';
import type { RunningServer } from '../../../src/server/index.js';
import { clipSize, sceneFolder, squareBox, tinyModel } from '../replay/fixture.js';
import { clientOf, silent } from '../server/fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-projects-'));
const clip = join(folder, 'clip');
const frames = 44;
const wait = { timeout: 90_000, interval: 50 };
let server: RunningServer | null = null;
let projects: Projects | null = null;

beforeAll(() => sceneFolder(clip, frames));
afterEach(stop);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(name: string, mayWrite?: () => Promise<void>): Promise<void> {
  projects = new Projects(join(folder, name), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '0.0.0-test' },
    ...{ chunkFrames: 5, spoolBytes: 1e8 },
    ...(mayWrite && { mayWrite }),
  });
  server = await startServer({
    port: 0,
    rooms: new RoomRegistry(),
    logger: silent,
    version: '0.0.0-test',
    extraServices: projectServices(projects),
    topics: [projectsTopicOf(projects)],
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
const box = (frame: number) => [{ type: 'box' as const, box: squareBox(frame) }];

async function open(): Promise<string> {
  const { status, body } = await call('POST', '', { uri: clip });
  expect(status).toBe(200);
  const { id } = body as ProjectState;
  await expect.poll(async () => (await stateOf(id)).pictures.complete, wait).toBe(true);
  return id;
}

async function track(id: string): Promise<void> {
  expect((await call('POST', `/${id}/propagate`)).status).toBe(200);
  await expect.poll(async () => (await stateOf(id)).run.phase, wait).not.toBe('running');
  expect(await stateOf(id)).toMatchObject({ run: { phase: 'idle' }, upToDate: true });
}

interface Masks {
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly objects: readonly { readonly label: string; readonly state: string; readonly counts: string }[];
}
const masksOf = async (id: string, frame: number) =>
  (await call('GET', `/${id}/masks/${frame}`)).body as Masks;
const left = (masks: Masks, label: string): number => {
  const object = masks.objects.find((candidate) => candidate.label === label);
  return maskBox(
    maskFromCocoString(object?.counts ?? '', masks.size?.width ?? 0, masks.size?.height ?? 0),
  )[0];
};

it('pictures stop before the space that recordings of rooms need', async () => {
  let full = false;
  await start('reserve', () =>
    full ? Promise.reject(serverError('SONO_DISK_RESERVE', { reserve: 1 })) : Promise.resolve(),
  );
  full = true;
  expect(await call('POST', '', { uri: clip })).toMatchObject({
    status: 507,
    body: { code: 'SONO_DISK_RESERVE' },
  });
  expect(await call('GET', '')).toMatchObject({ body: { projects: [] } });
  full = false;
  expect((await call('POST', '', { uri: clip })).status).toBe(200);
});

it.each(['rtsp://nurse:s3cret@127.0.0.1:9/live', 'srt://:7001', 'v4l2:///dev/video0', 'synthetic:counter'])(
  'what has no end is refused at once: %s',
  async (uri) => {
    await start('endless');
    const refused = await call('POST', '', { uri });
    expect(refused).toMatchObject({ status: 422, body: { code: 'SONO_REPLAY_INPUT_ENDLESS' } });
    expect(JSON.stringify(refused.body)).not.toContain('s3cret');
    expect(await call('GET', '')).toMatchObject({ body: { projects: [] } });
  },
);

describe('a recording in the dashboard', () => {
  it('is opened, prompted on any frame, tracked both ways, corrected, exported, and survives a restart', async () => {
    await start('main');
    const id = await open();
    expect(await stateOf(id)).toMatchObject({
      name: 'clip',
      format: { size: clipSize },
      pictures: { frames, problem: null },
      objects: [],
      upToDate: false,
    });
    // Pictures: whole and small.
    const picture = await fetch(new URL(`api/projects/${id}/frames/17`, server?.url));
    expect(picture.headers.get('content-type')).toBe('image/jpeg');
    expect(await sharp(await picture.arrayBuffer()).metadata()).toMatchObject({
      ...clipSize,
      format: 'jpeg',
    });
    const small = await fetch(new URL(`api/projects/${id}/frames/17?width=32`, server?.url));
    expect((await sharp(await small.arrayBuffer()).metadata()).width).toBe(32);
    expect(await call('GET', `/${id}/frames/999`)).toMatchObject({ status: 404 });

    const marked = await call('POST', `/${id}/prompts`, { frame: 20, label: 'square', prompts: box(20) });
    expect(marked).toMatchObject({ status: 200, body: { label: 'square' } });
    await track(id);
    for (const frame of [0, 10, 20, 30, frames - 1])
      expect(
        Math.abs(left(await masksOf(id, frame), 'square') - (squareBox(frame)[0] ?? 0)),
        `${frame}`,
      ).toBeLessThan(10);
    const { lanes } = (await call('GET', `/${id}/lanes?buckets=11`)).body as {
      lanes: { label: string; states: number[]; confidences: number[] }[];
    };
    expect(lanes).toHaveLength(1);
    expect(lanes[0]).toMatchObject({ label: 'square', states: Array.from({ length: 11 }, () => 1) });

    // A correction repeats what lies behind it only: the chunks before stay as they are on disk.
    const masks = join(folder, 'main', id, 'clip', 'clip.mcap');
    const before = readFileSync(masks);
    await call('POST', `/${id}/prompts`, { frame: 32, label: 'square', prompts: box(32) });
    expect((await stateOf(id)).upToDate).toBe(false);
    const kept = join(folder, 'main', id, 'tracking', 'forward-00000010.json');
    const keptAt = statSync(kept).mtimeMs;
    await track(id);
    expect(statSync(kept).mtimeMs).toBe(keptAt);
    const after = readFileSync(masks);
    expect(after.equals(before)).toBe(false);
    // The result is that of tracking everything with both prompts from the start.
    const other = await open();
    await call('POST', `/${other}/prompts`, { frame: 20, label: 'square', prompts: box(20) });
    await call('POST', `/${other}/prompts`, { frame: 32, label: 'square', prompts: box(32) });
    await track(other);
    expect(readFileSync(join(folder, 'main', other, 'clip', 'clip.mcap')).equals(after)).toBe(true);
    // Taken back, the first result again.
    await call('POST', `/${id}/undo`);
    await track(id);
    expect(readFileSync(masks).equals(before)).toBe(true);

    // Export without tracking again.
    expect((await call('POST', `/${id}/export`, { formats: ['csv', 'png'] })).status).toBe(200);
    await expect.poll(async () => (await stateOf(id)).exports.length, wait).toBe(1);
    const archive = await fetch(new URL(`api/projects/${id}/exports/export-1.tar`, server?.url));
    const path = join(folder, 'export.tar');
    writeFileSync(path, Buffer.from(await archive.arrayBuffer()));
    const names = execFileSync('tar', ['-tf', path]).toString().split('\n');
    expect(names.filter((name) => name.endsWith('.png'))).toHaveLength(frames);
    expect(names).toContain('./clip/objects.csv');

    // Everything is on disk.
    await stop();
    await start('main');
    const { projects: listed } = (await call('GET', '')).body as { projects: ProjectState[] };
    expect(listed.map((project) => project.id).sort()).toEqual([id, other].sort());
    expect(await stateOf(id)).toMatchObject({ pictures: { frames, complete: true }, upToDate: true });
    expect(left(await masksOf(id, 30), 'square')).toBeGreaterThan(0);
    expect((await call('DELETE', `/${other}`)).status).toBe(200);
    expect((await call('GET', `/${other}`)).status).toBe(404);
  });

  it('is pushed to who subscribes, from opening to deleting, and never piles up', async () => {
    await start('pushed');
    const viewer = clientOf(server as RunningServer);
    const events: ProjectEvent[] = [];
    viewer.subscribeJson(projectsTopic, (value) => events.push(projectEventSchema.parse(value)));
    const state = () => events.at(-1)?.state;
    try {
      const { id } = await viewer.call('projects.open', { uri: clip });
      await expect.poll(() => state()?.pictures, wait).toEqual({ frames, complete: true, problem: null });
      // One event for several pictures.
      expect(events.length).toBeLessThan(frames);
      await viewer.call('projects.prompt', { project: id, frame: 20, label: 'square', prompts: box(20) });
      await expect
        .poll(() => state()?.objects, wait)
        .toMatchObject([{ label: 'square', prompts: [{ frame: 20 }] }]);
      await viewer.call('projects.propagate', { project: id });
      await expect.poll(state, wait).toMatchObject({ upToDate: true, run: { phase: 'idle' } });
      expect(
        events.some(({ state: seen }) => seen?.run.phase === 'running' && seen.run.progress !== null),
      ).toBe(true);
      // The last that was pushed is what the server answers.
      expect(state()).toEqual(await viewer.call('projects.get', { project: id }));
      await viewer.call('projects.remove', { project: id });
      await expect.poll(() => events.at(-1), wait).toEqual({ id, state: null });
      const last = events.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(events).toHaveLength(last);
      // The same refusals as over HTTP.
      await expect(viewer.call('projects.get', { project: id })).rejects.toMatchObject({
        details: { code: 'SONO_PROJECT_UNKNOWN' },
      });
    } finally {
      viewer.close();
    }
  });

  it('can be cancelled while it is tracked, and goes on from there', async () => {
    await start('cancel');
    const id = await open();
    await call('POST', `/${id}/prompts`, { frame: 0, label: 'square', prompts: box(0) });
    await call('POST', `/${id}/propagate`);
    expect(await call('POST', `/${id}/prompts`, { frame: 3, prompts: box(3) })).toMatchObject({
      status: 409,
      body: { code: 'SONO_PROJECT_BUSY' },
    });
    expect((await call('POST', `/${id}/cancel`)).body).toMatchObject({
      run: { phase: 'idle' },
      upToDate: false,
    });
    await track(id);
    expect(left(await masksOf(id, 40), 'square')).toBeGreaterThan(0);
  });

  it('refuses what makes no sense with a code', async () => {
    await start('refused');
    expect(await call('POST', '', { uri: join(folder, 'absent.mp4') })).toMatchObject({
      status: 404,
      body: { code: 'SONO_SOURCE_MISSING' },
    });
    const id = await open();
    const refused = async (path: string, body: unknown, code: string) =>
      expect(await call('POST', `/${id}/${path}`, body)).toMatchObject({ body: { code } });
    await refused('propagate', {}, 'SONO_PROJECT_NOTHING');
    await refused('export', { formats: ['csv'] }, 'SONO_PROJECT_NOTHING');
    await refused('export', { formats: ['gif'] }, 'SONO_REQUEST_INVALID');
    await refused(
      'prompts',
      { frame: 3, prompts: [{ type: 'click', point: [5000, 1] }] },
      'SONO_PROJECT_REQUEST',
    );
    await refused('prompts', { frame: 3000, prompts: box(3) }, 'SONO_PROJECT_FRAME');
    await refused('prompts', { frame: null, prompts: box(3) }, 'SONO_REQUEST_INVALID');
    // The limits count all marks of an object on a picture, because tracking gets them together.
    const clicks = (count: number) => Array.from({ length: count }, () => ({ type: 'click', point: [5, 5] }));
    const given = { frame: 3, label: 'square' };
    expect((await call('POST', `/${id}/prompts`, { ...given, prompts: clicks(200) })).status).toBe(200);
    await refused('prompts', { ...given, prompts: clicks(57) }, 'SONO_PROJECT_REQUEST');
    for (const more of [{}, { frame: 4 }, { label: 'other' }])
      expect((await call('POST', `/${id}/prompts`, { ...given, ...more, prompts: clicks(56) })).status).toBe(
        200,
      );
    expect(await call('GET', '/../../etc')).toMatchObject({ status: 404 });
    expect(await call('GET', `/${id}/exports/..%2Fproject.json`)).toMatchObject({ status: 404 });
  });
});

describe('a recording that has been opened before', () => {
  it('is found by its place, however that is written, and by every byte of another file', async () => {
    const root = mkdtempSync(join(folder, 'found-'));
    const [one, same, other] = ['one.mp4', 'same.mp4', 'other.mp4'].map((name) => join(root, name));
    const bytes = Buffer.alloc(2 * 1024 ** 2, 1);
    for (const path of [one, same]) writeFileSync(path as string, bytes);
    writeFileSync(other as string, Buffer.concat([bytes.subarray(1), Buffer.of(2)]));
    mkdirSync(join(root, 'house', 'case'), { recursive: true });
    writeFileSync(
      join(root, 'house', 'case', 'project.json'),
      JSON.stringify({
        ...{ id: 'case', name: 'one', uri: one, kind: 'source', stream: null, createdUnixMs: 1 },
        ...{ format: null, read: false, order: [], ran: null, plan: [] },
      }),
    );
    await start(join(basename(root), 'house'));
    const find = async (uri: string | undefined) => (await call('POST', '/find', { uri })).body;
    const found = (how: string) => ({ projects: [{ id: 'case', name: 'one', how }] });
    expect(await find(one)).toEqual(found('place'));
    expect(await find(`file://${one}`)).toEqual(found('place'));
    expect(await find(join(root, '.', 'house', '..', 'one.mp4'))).toEqual(found('place'));
    expect(await find(same)).toEqual(found('bytes'));
    expect(await find(other)).toEqual({ projects: [] });
    expect(await find(join(root, 'absent.mp4'))).toEqual({ projects: [] });
    expect(await find('synthetic:echo')).toEqual({ projects: [] });
  });
});

interface Answer {
  readonly label: string;
  readonly mark: number | null;
  readonly object: (Masks['objects'][number] & { readonly marked: boolean }) | null;
  readonly problem: { readonly code: string } | null;
  readonly project: ProjectState;
}

describe('marks of a recording', () => {
  const mark = async (id: string, frame: number, prompts: readonly unknown[], label = 'square') =>
    (await call('POST', `/${id}/prompts`, { frame, label, prompts })).body as Answer;
  const object = async (id: string, frame: number, label = 'square') =>
    (await masksOf(id, frame)).objects.find((one) => one.label === label);

  it('are answered with the mask that tracking gives on their picture', async () => {
    await start('answered');
    const id = await open();
    const first = await mark(id, 20, box(20));
    expect(first).toMatchObject({ label: 'square', mark: 1, problem: null });
    expect(first.object).toMatchObject({ state: 'tracking', marked: true });
    expect(await object(id, 20)).toEqual(first.object);
    expect(await object(id, 21)).toBeUndefined();
    const click = { type: 'click', point: [squareBox(32)[0] + 16, 48], positive: true };
    const second = await mark(id, 32, [click]);
    expect(second).toMatchObject({ mark: 2, object: { marked: true } });
    // A correction on a picture that has been marked: all marks of it together.
    const corrected = await mark(id, 20, [{ type: 'click', point: [2, 2], positive: false }]);
    expect(corrected).toMatchObject({ mark: 3, problem: null });
    const masks = new Map([
      [20, corrected.object?.counts],
      [32, second.object?.counts],
    ]);
    expect(corrected.project.objects[0]?.prompts.map(({ tracked }) => tracked)).toEqual([
      false,
      false,
      false,
    ]);
    await track(id);
    for (const [frame, counts] of masks) {
      const tracked = await object(id, frame);
      expect(tracked, `${frame}`).toMatchObject({ marked: false, counts });
    }
    expect((await stateOf(id)).objects[0]?.prompts.map(({ tracked }) => tracked)).toEqual([true, true, true]);
    // Neither a restart nor another way to the picture changes the mask: here it is decoded from the source again.
    await call('POST', `/${id}/undo`);
    await stop();
    rmSync(join(folder, 'answered', id, 'analysis-64x48.bin'));
    rmSync(join(folder, 'answered', id, 'marked.jsonl'));
    await start('answered');
    await stateOf(id);
    expect(await object(id, 20)).toMatchObject({ marked: true, counts: first.object?.counts });
  });

  it('are moved and removed one by one, taken back and done again, and survive a restart', async () => {
    await start('edited');
    const id = await open();
    await mark(id, 20, box(20));
    await mark(id, 30, box(30));
    const listed = (await stateOf(id)).objects[0]?.prompts;
    expect(listed).toMatchObject([
      { id: 1, frame: 20, type: 'box', box: squareBox(20), author: 'person', tracked: false },
      { id: 2, frame: 30, type: 'box', box: squareBox(30) },
    ]);
    expect(Date.now() - (listed?.[0]?.atUnixMs ?? 0)).toBeLessThan(600_000);
    const far = { type: 'box', box: [0, 0, 20, 20] };
    const moved = (await call('POST', `/${id}/marks/move`, { mark: 1, prompt: far })).body as Answer;
    expect(moved.project.objects[0]?.prompts[0]).toMatchObject({ id: 1, box: far.box });
    expect(moved.project.undo).toEqual({ kind: 'move', label: 'square' });
    expect(moved.object?.counts).not.toBe(undefined);
    const removed = await call('POST', `/${id}/marks/remove`, { mark: 2 });
    expect(removed.body).toMatchObject({
      mark: null,
      object: null,
      project: { undo: { kind: 'removeMark' } },
    });
    await call('POST', `/${id}/hide`, { label: 'square', hidden: true });
    await call('POST', `/${id}/rename`, { label: 'square', name: 'red' });
    await call('POST', `/${id}/lock`, { label: 'red', locked: true });
    const before = await stateOf(id);
    expect(before.objects).toMatchObject([
      { label: 'red', hidden: true, locked: true, prompts: [{ id: 1 }] },
    ]);
    for (const [path, body] of [
      ['prompts', { frame: 3, label: 'red', prompts: box(3) }],
      ['marks/move', { mark: 1, prompt: far }],
      ['marks/remove', { mark: 1 }],
      ['rename', { label: 'red', name: 'blue' }],
      ['remove', { label: 'red' }],
    ] as const)
      expect((await call('POST', `/${id}/${path}`, body)).body, path).toMatchObject({
        code: 'SONO_PROJECT_LOCKED',
      });
    expect((await call('POST', `/${id}/marks/remove`, { mark: 2 })).body).toMatchObject({
      code: 'SONO_PROJECT_MARK',
    });
    await stop();
    await start('edited');
    expect(await stateOf(id)).toEqual(before);
    const kinds = ['lock', 'rename', 'hide', 'removeMark', 'move', 'add', 'add'];
    for (const kind of kinds) {
      expect((await stateOf(id)).undo?.kind).toBe(kind);
      await call('POST', `/${id}/undo`);
    }
    expect(await stateOf(id)).toMatchObject({
      objects: [],
      undo: null,
      redo: { kind: 'add', label: 'square' },
    });
    for (const kind of kinds.toReversed()) {
      expect((await stateOf(id)).redo?.kind).toBe(kind);
      await call('POST', `/${id}/redo`);
    }
    expect(await stateOf(id)).toEqual(before);
    // A new mark after all that has a number of its own.
    expect((await mark(id, 5, box(5), 'other')).mark).toBe(3);
  });
});

describe('a project on disk that cannot be used', () => {
  const stored = (prompt: object) => ({
    ...{ id: 'case', name: 'case', uri: clip, kind: 'source', stream: null, createdUnixMs: 1 },
    ...{ format: null, read: false, order: ['a'], ran: null },
    plan: [{ label: 'a', prompts: [{ frame: 0, prompt }] }],
  });
  it('of an earlier version is read, its marks numbered, its last ones taken back', async () => {
    const root = mkdtempSync(join(folder, 'earlier-'));
    mkdirSync(join(root, 'case'));
    const mark = { type: 'click', point: [1, 1], positive: true };
    writeFileSync(
      join(root, 'case', 'project.json'),
      JSON.stringify({
        ...stored(mark),
        order: ['a', 'b', 'a'],
        plan: [
          {
            label: 'a',
            prompts: [
              { frame: 0, prompt: mark },
              { frame: 7, prompt: mark },
            ],
          },
          { label: 'b', prompts: [{ frame: 3, prompt: mark }] },
        ],
      }),
    );
    await start(basename(root));
    const labels = async () =>
      (await stateOf('case')).objects.map(({ label, prompts }) => [label, prompts.map(({ id }) => id)]);
    expect(await labels()).toEqual([
      ['a', [1, 2]],
      ['b', [3]],
    ]);
    expect((await stateOf('case')).objects[0]?.prompts[0]).toMatchObject({
      author: 'person',
      atUnixMs: null,
    });
    await call('POST', '/case/undo');
    expect(await labels()).toEqual([
      ['a', [1]],
      ['b', [3]],
    ]);
    await call('POST', '/case/undo');
    await call('POST', '/case/undo');
    expect(await stateOf('case')).toMatchObject({ objects: [], undo: null });
  });

  it.each([
    ['a mark', { type: 'click', point: [1, 1], positive: true }, 1],
    ['a mark without its sign', { type: 'click', point: [1, 1] }, 0],
    ['a mask', { type: 'mask', mask: { size: [2, 2], counts: '13' } }, 1],
    ['a mask of another size', { type: 'mask', mask: { size: [3, 2], counts: '13' } }, 0],
  ])('is not listed: %s', async (_, prompt, listed) => {
    const root = mkdtempSync(join(folder, 'stored-'));
    mkdirSync(join(root, 'case'));
    writeFileSync(join(root, 'case', 'project.json'), JSON.stringify(stored(prompt)));
    await start(basename(root));
    expect((await call('GET', '')).body).toMatchObject({ projects: { length: listed } });
  });
});

describe('what a change of prompts leaves valid', () => {
  const at = (...list: number[]) =>
    list.map((frame) => ({
      frame,
      prompt: { type: 'box' as const, box: [0, 0, 9, 9] as [number, number, number, number] },
    }));
  it('is everything before the first frame on which they differ', () => {
    const plan = [{ label: 'a', prompts: at(5, 20) }];
    expect(firstChange(plan, plan)).toBe(Infinity);
    expect(firstChange(plan, [{ label: 'a', prompts: at(5, 20, 12) }])).toBe(12);
    expect(firstChange(plan, [{ label: 'a', prompts: at(5) }])).toBe(20);
    expect(firstChange(plan, [{ label: 'a', prompts: at(5, 30) }])).toBe(20);
  });
  it('is nothing where a first prompt or the set of objects changes', () => {
    const plan = [{ label: 'a', prompts: at(5, 20) }];
    expect(firstChange(plan, [{ label: 'a', prompts: at(4, 5, 20) }])).toBeNull();
    expect(firstChange(plan, [{ label: 'b', prompts: at(5, 20) }])).toBeNull();
    expect(firstChange(plan, [...plan, { label: 'b', prompts: at(30) }])).toBeNull();
    expect(firstChange(plan, [])).toBeNull();
  });
});
