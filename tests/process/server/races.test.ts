/** Requests that cross: uploads of one name, changes of one project, two servers on one folder, a source that hangs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sourceTrials } from '../../../src/ingest/index.js';
import { projectServices, projectsTopicOf } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { writeFileAtomically } from '../../../src/replay/work-folder.js';
import { DiskReserve } from '../../../src/server/disk-reserve.js';
import { Uploads } from '../../../src/server/uploads.js';
import { Cli, runCli } from '../cli/cli.js';
import { sceneFolder, squareBox, tinyModel } from '../replay/fixture.js';
import { serve, type Served } from './fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-races-'));
const clip = join(folder, 'clip');
const wait = { timeout: 90_000, interval: 50 };
const closing: (() => unknown)[] = [];

beforeAll(() => sceneFolder(clip, 30));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  Cli.killAll();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function withProjects(name: string): Promise<{ served: Served; projects: Projects }> {
  const projects = new Projects(join(folder, name), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '0.0.0-test' },
    ...{ chunkFrames: 5, spoolBytes: 1e8 },
  });
  const served = await serve({
    extraServices: projectServices(projects),
    topics: [projectsTopicOf(projects)],
  });
  closing.push(() => served.server.close());
  closing.push(() => projects.close());
  return { served, projects };
}

async function ask({ server }: Served, method: string, path: string, body?: unknown, signal?: AbortSignal) {
  const response = await fetch(new URL(`api/projects${path}`, server.url), {
    method,
    ...(signal && { signal }),
    ...(method === 'POST' && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    }),
  });
  return { status: response.status, body: (await response.json()) as ProjectState & { code?: string } };
}

async function open(served: Served): Promise<string> {
  const { status, body } = await ask(served, 'POST', '', { uri: clip });
  expect(status).toBe(200);
  await expect
    .poll(async () => (await ask(served, 'GET', `/${body.id}`)).body.pictures.complete, wait)
    .toBe(true);
  return body.id;
}

const box = (frame: number) => ({ frame, prompts: [{ type: 'box', box: squareBox(frame) }] });

describe('uploads of one name at the same moment', () => {
  it('keep each its own file', async () => {
    const uploads = new Uploads(join(folder, 'uploads'), 1e9, new DiskReserve(0), 64);
    for (let round = 0; round < 8; round++) {
      const texts = Array.from({ length: 32 }, (_, person) => `round ${round} person ${person}`);
      const stored = await Promise.all(
        texts.map((text) => uploads.store('case.mp4', Readable.from([Buffer.from(text)]), null)),
      );
      expect(stored.map(({ path }) => readFileSync(path, 'utf8'))).toEqual(texts);
    }
    const names = readdirSync(join(folder, 'uploads'));
    expect(names).toHaveLength(8 * 32);
    expect(names.filter((name) => !/^case(-\d+)?\.mp4$/.test(name))).toEqual([]);
  });
});

describe('an upload that has been sent before', () => {
  it('is that file, whatever it is called now; one other byte makes it another', async () => {
    const uploads = new Uploads(join(folder, 'again'), 1e9, new DiskReserve(0));
    const send = (name: string, bytes: Buffer) => uploads.store(name, Readable.from([bytes]), null);
    const bytes = Buffer.alloc(3 * 1024 ** 2, 5);
    const first = await send('case.mp4', bytes);
    expect(first).toMatchObject({ name: 'case.mp4', already: false });
    expect(await send('renamed.mp4', bytes)).toEqual({ ...first, already: true });
    const other = Buffer.from(bytes);
    other[1024 ** 2 + 7] = 6;
    expect(await send('case.mp4', other)).toMatchObject({ name: 'case-1.mp4', already: false });
    expect(readdirSync(join(folder, 'again')).sort()).toEqual(['case-1.mp4', 'case.mp4']);
  });
});

describe('changes of a project at the same moment', () => {
  it('are all kept, in memory and on disk', async () => {
    const { served } = await withProjects('parallel');
    const id = await open(served);
    const labels = Array.from({ length: 20 }, (_, n) => `object of person ${n}`);
    const answers = await Promise.all(
      labels.map((label, n) => ask(served, 'POST', `/${id}/prompts`, { ...box(n), label })),
    );
    expect(answers.map(({ status }) => status)).toEqual(labels.map(() => 200));
    const inMemory = (await ask(served, 'GET', `/${id}`)).body.objects.map(({ label }) => label);
    expect([...inMemory].sort()).toEqual([...labels].sort());
    const stored = JSON.parse(readFileSync(join(folder, 'parallel', id, 'project.json'), 'utf8')) as {
      plan: { label: string }[];
    };
    expect(stored.plan.map(({ label }) => label)).toEqual(inMemory);
    const fresh = await Promise.all([1, 2, 3].map((n) => ask(served, 'POST', `/${id}/prompts`, box(n))));
    expect(new Set(fresh.map(({ body }) => (body as unknown as { label: string }).label)).size).toBe(3);
  });

  it('that exclude each other: one is done, the other refused with its code', async () => {
    const { served } = await withProjects('exclude');
    const id = await open(served);
    await ask(served, 'POST', `/${id}/prompts`, { ...box(0), label: 'square' });
    const two = async (first: [string, unknown], second: [string, unknown]) =>
      (
        await Promise.all([first, second].map(([path, body]) => ask(served, 'POST', `/${id}/${path}`, body)))
      ).map(({ status, body }) => (status === 200 ? 'done' : body.code));
    const idle = () =>
      expect.poll(async () => (await ask(served, 'GET', `/${id}`)).body.run.phase, wait).toBe('idle');
    expect(await two(['propagate', {}], ['propagate', {}])).toEqual(['done', 'SONO_PROJECT_BUSY']);
    await idle();
    expect((await ask(served, 'GET', `/${id}`)).body.upToDate).toBe(true);
    const formats = { formats: ['csv'] };
    expect(await two(['export', formats], ['export', formats])).toEqual(['done', 'SONO_PROJECT_BUSY']);
    await idle();
    expect((await ask(served, 'GET', `/${id}`)).body.exports).toHaveLength(1);
    // A change that comes while the tracking is being begun belongs to the next one.
    await ask(served, 'POST', `/${id}/prompts`, { ...box(12), label: 'square' });
    expect(await two(['propagate', {}], ['prompts', { ...box(20), label: 'square' }])).toEqual([
      'done',
      'SONO_PROJECT_BUSY',
    ]);
    const [removed, late] = await Promise.all([
      ask(served, 'DELETE', `/${id}`),
      ask(served, 'POST', `/${id}/export`, formats),
    ]);
    expect(removed.status).toBe(200);
    expect(['SONO_PROJECT_BUSY', 'SONO_PROJECT_UNKNOWN']).toContain(late.body.code);
    expect(readdirSync(join(folder, 'exclude'))).toEqual(['lock']);
  });

  it('of two servers on one folder: one has it, the other says so until the first has ended', async () => {
    const first = await withProjects('shared');
    const id = await open(first.served);
    const second = await withProjects('shared');
    expect(await ask(second.served, 'GET', '')).toMatchObject({
      status: 409,
      body: { code: 'SONO_PROJECT_FOLDER_BUSY' },
    });
    expect(await ask(second.served, 'POST', '', { uri: clip })).toMatchObject({ status: 409 });
    await first.projects.close();
    expect((await ask(second.served, 'GET', `/${id}`)).body).toMatchObject({ id });
  });

  it('write a file one after the other, the last one last', async () => {
    const path = join(folder, 'written');
    await Promise.all(Array.from({ length: 50 }, (_, n) => writeFileAtomically(path, String(n))));
    expect(readFileSync(path, 'utf8')).toBe('49');
  });
});

describe('a source that is tried', () => {
  /** Takes connections and says nothing. */
  async function mute(): Promise<{ uri: string; server: Server; connections: () => number }> {
    let connections = 0;
    const server = createServer(() => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const { port } = server.address() as { port: number };
    return { uri: `rtsp://127.0.0.1:${port}/x`, server, connections: () => connections };
  }

  it('as a project must have an end', async () => {
    const { served } = await withProjects('endless');
    const { uri } = await mute();
    for (const endless of [
      uri,
      'synthetic:counter',
      'srt://127.0.0.1:1',
      'v4l2:///dev/video0',
      'decklink://0',
    ])
      expect((await ask(served, 'POST', '', { uri: endless })).body.code).toBe('SONO_REPLAY_INPUT_ENDLESS');
    expect(readdirSync(join(folder, 'endless'))).toEqual(['lock']);
  });

  it('a few at once, is given up when who asked leaves, and leaves nothing behind', async () => {
    const { served } = await withProjects('left');
    const pipe = join(folder, 'pictures');
    execFileSync('mkdir', ['-p', pipe]);
    // A folder whose picture is never there: its process hangs.
    execFileSync('mkfifo', [join(pipe, '1.png')]);
    const asker = new AbortController();
    const asked = Array.from({ length: 6 }, () =>
      ask(served, 'POST', '', { uri: pipe }, asker.signal).catch(() => null),
    );
    await expect.poll(() => sourceTrials.running, wait).toBe(4);
    expect((await ask(served, 'POST', '', { uri: clip })).body.code).toBe('SONO_SOURCE_TRIALS');
    const refused = await Promise.race(asked);
    expect(refused?.body.code).toBe('SONO_SOURCE_TRIALS');
    asker.abort();
    await Promise.all(asked);
    await expect.poll(() => sourceTrials.running, wait).toBe(0);
    expect(readdirSync(join(folder, 'left'))).toEqual(['lock']);
    await open(served);
  });
});

describe('the program', () => {
  it('is not held by paths that hang: it answers, takes uploads, and ends in order', async () => {
    const pipe = join(folder, 'case.mp4');
    const recording = join(folder, 'case.mcap');
    execFileSync('mkfifo', [pipe, recording]);
    const cli = new Cli(
      ['run', '--source', 'synthetic:counter?width=64&height=64', '--model', 'none', '--port', '0'],
      // As few threads for files as there are by default.
      { UV_THREADPOOL_SIZE: '4', SONO_DATA_DIR: join(folder, 'data') },
    );
    const url = await cli.url();
    const post = async (path: string, body: unknown) =>
      (await (
        await fetch(new URL(path, url), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).json()) as { code?: string };
    for (let round = 0; round < 3; round++)
      for (const uri of [pipe, recording]) {
        expect(await post('api/source/probe', { uri })).toMatchObject({ code: 'SONO_SOURCE_NOT_VIDEO' });
        expect(await post('api/source/open', { stream: 'room', uri })).toMatchObject({
          code: 'SONO_SOURCE_NOT_VIDEO',
        });
        expect(await post('api/projects', { uri })).toMatchObject({ code: 'SONO_SOURCE_NOT_VIDEO' });
      }
    const upload = await fetch(new URL('api/uploads?filename=a.bin', url), { method: 'POST', body: 'abc' });
    expect(upload.status).toBe(200);
    cli.kill('SIGTERM');
    expect(await cli.finished).toMatchObject({ code: 0 });
  });

  it.each([
    ['with a duration', 'rtsp://127.0.0.1:1/x', 'SONO_RUN_NO_PICTURE', ['--duration', '3s']],
    ['of a folder that hangs', 'hanging', 'SONO_SOURCE_NO_ANSWER', []],
  ])('ends with an error when no picture has come: %s', async (_, source, code, more) => {
    let uri = source;
    if (source === 'hanging') {
      uri = join(folder, 'hanging');
      execFileSync('mkdir', [uri]);
      execFileSync('mkfifo', [join(uri, '1.png')]);
    }
    const finished = await runCli(['run', '--source', uri, '--model', 'none', '--port', '0', ...more]);
    expect(finished.stderr).toContain(`[${code}]`);
    expect(finished.code).toBe(3);
  });

  it('ends an analysis whose source hangs, and says what was waited for', async () => {
    const source = join(folder, 'never');
    execFileSync('mkdir', [source]);
    execFileSync('mkfifo', [join(source, '1.png')]);
    execFileSync('cp', [join(clip, '00000.png'), join(source, '2.png')]);
    const prompts = join(folder, 'prompts.json');
    execFileSync('bash', [
      '-c',
      `echo '{"objects":[{"label":"a","prompts":[{"frame":0,"type":"box","box":[1,1,9,9]}]}]}' > ${prompts}`,
    ]);
    const { code, stderr } = await runCli([
      ...['replay', source, '--prompt', prompts, '--out', join(folder, 'never-out'), '--format', 'csv'],
      ...['--model', tinyModel, '--provider', 'cpu', '--progress', 'none'],
    ]);
    expect(stderr).toContain('SONO_REPLAY_SOURCE_SILENT');
    expect(stderr).toContain('its first picture');
    expect(code).toBe(3);
  });
});
