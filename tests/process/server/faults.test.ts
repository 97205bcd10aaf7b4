/**
 * An error that nobody expected ends one request, one room, one project: never the server. It is injected at every boundary,
 * for real where that can be done (no descriptor left, no `tar`, a damaged picture, an odd address).
 */
import { uncalibrated } from '../../../src/vocabulary/calibration.js';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Observable } from 'rxjs';
import { Subject, throwError } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { onFault, type Boundary } from '../../../src/vocabulary/faults.js';
import type { FrameResult } from '../../../src/engine/engine.js';
import type { FrameSource, SourceEvent } from '../../../src/ingest/frame-source.js';
import { lookAtFile, probeSource } from '../../../src/ingest/index.js';
import { openRoom } from '../../../src/pipeline/open-room.js';
import { Recorder } from '../../../src/record/recorder.js';
import { FrameReader } from '../../../src/replay/frame-reader.js';
import { projectServices, projectsTopicOf } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { RecordingSource } from '../../../src/record/recording-source.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { defineService, defineTransfer } from '../../../src/server/index.js';
import type { TransferAnswer } from '../../../src/server/index.js';
import { Cli } from '../cli/cli.js';
import { recordRoom } from '../record/fixture.js';
import { analysisFrame, clipSize, sceneFolder, squareBox, tinyModel } from '../replay/fixture.js';
import { clientOf, serve, until, wsUrl, type Served } from './fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-faults-'));
const clip = join(folder, 'clip');
const wait = { timeout: 90_000, interval: 50 };
const closing: (() => unknown)[] = [];
let faults: Boundary[] = [];
const stopListening = onFault(({ boundary }) => faults.push(boundary));
/** What would have ended a server. */
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

beforeAll(async () => {
  await sceneFolder(clip, 12);
  process.on('unhandledRejection', onUncaught);
  process.on('uncaughtException', onUncaught);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  faults = [];
  expect(uncaught).toEqual([]);
});
afterAll(() => {
  stopListening();
  process.off('unhandledRejection', onUncaught);
  process.off('uncaughtException', onUncaught);
  Cli.killAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Rejections and errors thrown from timers come after the turn. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

async function start(options: Parameters<typeof serve>[0] = {}): Promise<Served> {
  const served = await serve(options);
  closing.push(() => served.server.close());
  return served;
}

async function ask(
  { server }: Served,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: { code?: string } & Record<string, unknown> }> {
  const response = await fetch(new URL(path, server.url), {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  return { status: response.status, body: (await response.json()) as { code?: string } };
}

async function counted({ server }: Served, boundary: Boundary): Promise<number> {
  const { values } = await server.metrics.faults.get();
  return values.find(({ labels }) => labels.boundary === boundary)?.value ?? -1;
}

/** What comes back for bytes on a connection of their own. */
function raw({ server }: Served, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString();
      socket.end();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('a request', () => {
  const thrown: readonly (readonly [string, () => unknown])[] = [
    [
      'sync',
      () => {
        throw new TypeError('x is not a function');
      },
    ],
    ['rejected', () => Promise.reject(new RangeError('out of range'))],
    // eslint cannot know what libraries throw.
    ['text', () => Promise.reject(Object.assign(new Error(), { message: undefined as unknown as string }))],
  ];

  it('to a route or a service that throws is answered with a code, counted, and the next one is served', async () => {
    const served = await start({
      extraServices: thrown.flatMap(([name, fail]) => [
        defineTransfer(
          `broken.page.${name}`,
          {
            ...{ method: 'GET', path: `/broken/${name}`, summary: '', needs: 'view' },
            ...{ request: z.object({}), takes: null, answers: 'text/plain' },
          },
          () => fail() as Promise<TransferAnswer>,
        ),
        defineService({
          ...{ name: `broken.${name}`, method: 'POST', path: `/service/${name}`, summary: '', needs: 'view' },
          ...{ request: z.object({}), response: z.object({}) },
          handle: () => fail() as Promise<Record<string, never>>,
        }),
      ]),
    });
    for (const [name] of thrown) {
      const expected = { status: 500, body: { code: 'SONO_SERVER_FAULT' } };
      expect(await ask(served, 'GET', `api/broken/${name}`)).toMatchObject(expected);
      expect(await ask(served, 'POST', `api/service/${name}`, {})).toMatchObject(expected);
    }
    expect(await counted(served, 'request')).toBe(2 * thrown.length);
    const viewer = clientOf(served.server);
    closing.push(() => viewer.close());
    await expect(viewer.call('policy', { stream: 'scope', policy: 'sam2' })).rejects.toThrow(
      'inside the server',
    );
    expect(await viewer.call('streams.list', {})).toMatchObject({ streams: [{ id: 'scope' }] });
    expect(await counted(served, 'request')).toBe(2 * thrown.length + 1);
  });

  it('whose check throws is answered too', async () => {
    const served = await start({
      extraServices: [
        defineService({
          ...{ name: 'odd', method: 'POST', path: '/odd', summary: '', needs: 'view' },
          request: z.object({}).transform(() => {
            throw new TypeError('in the check');
          }),
          ...{ response: z.object({}), handle: () => ({}) },
        }),
      ],
    });
    expect(await ask(served, 'POST', 'api/odd', {})).toMatchObject({ body: { code: 'SONO_SERVER_FAULT' } });
  });

  it.each([
    '//',
    '//host/ws',
    '/\\',
    'http://[/ws',
    '/ws/..%2f',
    '/%',
    '/%ff?%',
    '*',
    'ws:',
    '/ws?token=%zz',
  ])('to become a socket at the address %s is refused and harms nobody', async (address) => {
    const served = await start({ token: 'a-token-of-some-length' });
    for (const origin of ['', 'Origin: http://evil.example\r\n']) {
      const answer = await raw(
        served,
        `GET ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\n${origin}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      );
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      // The same address without the wish.
      expect(
        await raw(served, `GET ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\n${origin}Connection: close\r\n\r\n`),
      ).toMatch(/^HTTP\/1\.1 [234]\d\d /);
    }
    expect((await ask(served, 'GET', 'healthz')).body).toMatchObject({ status: 'ok' });
    expect(faults).toEqual([]);
  });

  it('over a socket, or for one, that breaks inside ends for that viewer; the others stay', async () => {
    const served = await start();
    const { metrics } = served.server;
    const break_ = (metric: { inc?: unknown; set?: unknown }, method: 'inc' | 'set') =>
      vi.spyOn(metric as { inc: () => void; set: () => void }, method).mockImplementationOnce(() => {
        throw new TypeError('in the metric');
      });
    const steady = clientOf(served.server);
    closing.push(() => steady.close());
    await until(() => steady.state.phase === 'open', 'the connection');
    const broken = break_(metrics.receivedBytes, 'inc');
    const socket = new WebSocket(wsUrl(served.server), ['foxglove.sdk.v1']);
    closing.push(() => socket.terminate());
    const codes: string[] = [];
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) codes.push((JSON.parse(data.toString()) as { code?: string }).code ?? '');
    });
    await until(() => codes.length === 3, 'the greeting');
    socket.send('{}');
    await until(() => codes.includes('SONO_SERVER_FAULT'), 'the answer');
    expect(broken).toHaveBeenCalled();
    expect(await counted(served, 'viewer')).toBe(1);
    break_(metrics.viewers, 'set');
    const refused = new WebSocket(wsUrl(served.server), ['foxglove.sdk.v1']);
    const closed = new Promise((resolve) => refused.on('close', resolve));
    refused.on('error', () => undefined);
    await closed;
    expect(await counted(served, 'upgrade')).toBe(1);
    expect(await steady.call('streams.list', {})).toMatchObject({ streams: [{ id: 'scope' }] });
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('to probe a source that throws is answered, counted, and the next one is served', async () => {
    const missing = await lookAtFile(join(folder, 'none')).catch((error: unknown) => error);
    const broken: Readonly<Record<string, Error>> = {
      type: new TypeError('inside'),
      missing: missing as Error,
    };
    const served = await start({
      probeSource: async (uri) => {
        await settled();
        throw broken[uri] ?? new Error(uri);
      },
    });
    expect(await ask(served, 'POST', 'api/source/probe', { uri: 'type' })).toMatchObject({
      status: 500,
      body: { code: 'SONO_SERVER_FAULT' },
    });
    expect(await ask(served, 'POST', 'api/source/probe', { uri: 'missing' })).toMatchObject({
      status: 404,
      body: { code: 'SONO_SOURCE_MISSING' },
    });
    expect(await counted(served, 'request')).toBe(1);
  });
});

describe('a room', () => {
  it('one of whose events cannot be handled goes on, and so do the others and their viewers', async () => {
    const served = await start();
    const { room } = served;
    const viewer = clientOf(served.server);
    closing.push(() => viewer.close());
    await until(() => viewer.state.phase === 'open', 'the connection');
    room.events.next({ kind: 'result', result: { frame: room.identity() } as FrameResult });
    room.events.next({ kind: 'display', frame: null as never });
    expect(faults).toEqual(['room', 'room']);
    expect(await counted(served, 'room')).toBe(2);
    expect(await viewer.call('streams.list', {})).toMatchObject({ streams: [{ phase: 'playing' }] });
    room.analyse();
    expect(faults).toHaveLength(2);
    await settled();
  });

  const log = { info: () => undefined, warn: () => undefined };
  const roomOf = (createSource: (uri: string) => FrameSource, more = {}) =>
    openRoom({
      ...{ id: 'r', label: 'R', sourceUri: 'first', createSource, analysis: null, loop: false },
      ...{ displayQuality: 80, overlayLimitMs: 100, overlayVisible: true, log, ...more },
    });
  const source = (open: () => Observable<SourceEvent>): FrameSource => ({
    uri: 'u',
    open,
    pause: () => undefined,
  });
  const format = {
    size: clipSize,
    framesPerSecond: 25,
    calibration: uncalibrated,
    frameCount: null,
    description: '',
  };

  it('whose source throws, at once or later, is refused or says that it is lost', async () => {
    const events = new Subject<SourceEvent>();
    const sources: Readonly<Record<string, () => FrameSource>> = {
      first: () => source(() => events),
      constructor: () => {
        throw new TypeError('made wrongly');
      },
      open: () =>
        source(() => {
          throw new TypeError('opened wrongly');
        }),
      subscribe: () => source(() => throwError(() => new TypeError('inside'))),
    };
    const createSource = (uri: string) => (sources[uri] as () => FrameSource)();
    for (const uri of ['constructor', 'open', 'subscribe'])
      await expect(roomOf(createSource, { sourceUri: uri })).rejects.toMatchObject({
        code: 'SONO_SOURCE_FAILED',
      });
    const opening = roomOf(createSource);
    await settled();
    events.next({ kind: 'format', format });
    events.next({ kind: 'state', state: { phase: 'playing' } });
    const room = await opening;
    closing.push(() => room.close());
    for (const uri of ['constructor', 'open', 'subscribe'])
      await expect(room.openSource(uri)).rejects.toMatchObject({ code: 'SONO_SOURCE_FAILED' });
    expect(room.health.source.phase).toBe('playing');
    events.error(new TypeError('broke later'));
    expect(room.health.source).toMatchObject({ phase: 'lost', reason: { code: 'SONO_SOURCE_FAILED' } });
    expect(new Set(faults)).toEqual(new Set(['source']));
  });

  it('whose own graph breaks begins it anew, with the same source', async () => {
    const events = new Subject<SourceEvent>();
    let broken = 0;
    const opening = roomOf(() => source(() => events), {
      log: {
        ...log,
        info: (_fields: object, message: string) => {
          if (message.includes('breaks')) {
            broken += 1;
            throw new TypeError('in the log');
          }
        },
      },
    });
    await settled();
    events.next({ kind: 'format', format });
    const room = await opening;
    closing.push(() => room.close());
    events.next({ kind: 'format', format: { ...format, description: 'breaks' } });
    expect(broken).toBe(1);
    expect(faults).toEqual(['room']);
    expect(room.report().notes[0]).toContain('in the log');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    events.next({ kind: 'format', format: { ...format, size: { width: 8, height: 8 } } });
    expect(room.format?.size.width).toBe(8);
    await settled();
  });

  it('that is recorded goes on when the recording breaks, which ends loudly', async () => {
    const path = join(folder, 'broken.mcap');
    const events = new Subject<never>();
    const room = {
      ...{ id: 'r', label: 'R', epochUnixNs: 0n, sourceUri: '', format, events$: events },
      countClientDrop: () => undefined,
    };
    for (const breakIt of ['event', 'picture'] as const) {
      const failures: string[] = [];
      const recorder = await Recorder.create(path, {
        version: '0',
        onFailure: ({ code }) => failures.push(code),
      });
      const stream = recorder.open(room);
      if (breakIt === 'event') events.next({ kind: 'result', result: {} } as never);
      else stream.entry({ op: 'drops', drops: {} }, { ...analysisFrame('r', 0), data: new Uint8Array(1) });
      await expect.poll(() => failures, wait).toEqual(['SONO_RECORD_FAILED']);
      expect(events.observed).toBe(false);
      await expect(recorder.close()).rejects.toMatchObject({ code: 'SONO_RECORD_FAILED' });
      rmSync(path);
    }
    expect(faults).toEqual(['recorder', 'recorder']);
  });
});

describe('a recording with a picture that cannot be decoded', () => {
  it('is shown up to there and then says which', async () => {
    const whole = join(folder, 'whole.mcap');
    await recordRoom(whole);
    const path = join(folder, 'picture.mcap');
    execFileSync(process.env['SONO_PYTHON'] ?? 'python3', ['-c', blankLastPictures, whole, path]);
    const reader = new FrameReader(new RecordingSource(path, null), {
      ...{ streamId: 'x', analysisSize: { width: 16, height: 16 }, displayQuality: 85 },
    });
    await reader.format();
    let frames = 0;
    const problem = await (async () => {
      for (let frame = await reader.next(); frame; frame = await reader.next()) frames += 1;
    })().catch((error: unknown) => error);
    reader.close();
    expect(problem).toMatchObject({ code: 'SONO_RECORDING_PICTURE', details: { frame: 36 } });
    expect(frames).toBe(36);

    // The same opened in the dashboard, and again after a restart.
    for (let round = 0; round < 2; round++) {
      const { served, projects } = await withProjects('picture');
      if (round === 0) {
        const opened = await ask(served, 'POST', 'api/projects', { uri: path });
        expect(opened.status).toBe(200);
      }
      const { body } = await ask(served, 'GET', 'api/projects');
      const [{ id }] = body['projects'] as [ProjectState];
      await expect
        .poll(async () => (await ask(served, 'GET', `api/projects/${id}`)).body['pictures'], wait)
        .toMatchObject({ frames: 36, complete: true });
      await served.server.close();
      await projects.close();
    }
    await settled();
    expect(faults).toEqual([]);
  });
});

/** Checksums to 0, which MCAP allows, and the beginning of the last four JPEGs to nothing. */
const blankLastPictures = `
import re, struct, sys
b = bytearray(open(sys.argv[1], 'rb').read()); at = 8
while at + 9 < len(b):
    op = b[at]; n = struct.unpack_from('<Q', b, at + 1)[0]
    if op == 6: struct.pack_into('<I', b, at + 9 + 24, 0)
    at += 9 + n
    if op == 2: break
struct.pack_into('<I', b, len(b) - 12, 0)
for m in list(re.finditer(b'\\xff\\xd8\\xff', b))[-4:]: b[m.start():m.start() + 200] = bytes(200)
open(sys.argv[2], 'wb').write(b)
`;

async function withProjects(name: string): Promise<{ served: Served; projects: Projects }> {
  const projects = new Projects(join(folder, name), {
    createSource: (item) => {
      if (item.uri.endsWith('throws')) throw new TypeError('made wrongly');
      return replayTools.createSource(item);
    },
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '0.0.0-test' },
    ...{ chunkFrames: 5, spoolBytes: 1e8 },
  });
  const served = await start({
    extraServices: projectServices(projects),
    topics: [projectsTopicOf(projects)],
  });
  closing.push(() => projects.close());
  return { served, projects };
}

describe('a project', () => {
  it('whose source, run or archive cannot be started says so, and works once it can', async () => {
    const { served } = await withProjects('starting');
    const stateOf = async (id: string) =>
      (await ask(served, 'GET', `api/projects/${id}`)).body as unknown as ProjectState;
    expect(await ask(served, 'POST', 'api/projects', { uri: '/x/throws' })).toMatchObject({
      body: { code: 'SONO_SOURCE_FAILED' },
    });
    const { execPath } = process;
    const path = process.env['PATH'];
    const withoutNode = async <T>(work: () => Promise<T>): Promise<T> => {
      process.execPath = '/nowhere/node';
      try {
        return await work();
      } finally {
        process.execPath = execPath;
      }
    };
    expect(await withoutNode(() => ask(served, 'POST', 'api/projects', { uri: clip }))).toMatchObject({
      status: 503,
      body: { code: 'SONO_SOURCE_NO_PROCESS' },
    });
    expect(await withoutNode(() => probeSource(clip).catch((error: unknown) => error))).toMatchObject({
      code: 'SONO_SOURCE_NO_PROCESS',
    });
    const opened = (await ask(served, 'POST', 'api/projects', { uri: clip })).body as unknown as ProjectState;
    await expect.poll(async () => (await stateOf(opened.id)).pictures.complete, wait).toBe(true);
    const at = `api/projects/${opened.id}`;
    await ask(served, 'POST', `${at}/prompts`, { frame: 0, prompts: [{ type: 'box', box: squareBox(0) }] });
    await withoutNode(async () => {
      await ask(served, 'POST', `${at}/propagate`, {});
      await expect
        .poll(async () => (await stateOf(opened.id)).run, wait)
        .toMatchObject({
          phase: 'failed',
          code: 'SONO_REPLAY_NO_PROCESS',
        });
    });
    await ask(served, 'POST', `${at}/propagate`, {});
    await expect.poll(async () => (await stateOf(opened.id)).upToDate, wait).toBe(true);
    await ask(served, 'POST', `${at}/export`, { formats: ['csv'] });
    await expect.poll(async () => (await stateOf(opened.id)).exports.length, wait).toBe(1);
    process.env['PATH'] = '/nowhere';
    try {
      expect(await ask(served, 'GET', `${at}/exports/export-1.tar`)).toMatchObject({
        status: 500,
        body: { code: 'SONO_PROJECT_ARCHIVE' },
      });
    } finally {
      process.env['PATH'] = path;
    }
    expect((await fetch(new URL(`${at}/exports/export-1.tar`, served.server.url))).status).toBe(200);
  });

  it('is not harmed by what else lies in the folder', async () => {
    const first = await withProjects('stray');
    const opened = (await ask(first.served, 'POST', 'api/projects', { uri: clip }))
      .body as unknown as ProjectState;
    await first.served.server.close();
    await first.projects.close();
    const home = join(folder, 'stray');
    writeFileSync(join(home, 'notes.txt'), 'x');
    execFileSync('mkdir', [join(home, 'lost+found'), join(home, 'damaged')]);
    writeFileSync(join(home, 'damaged', 'project.json'), '\0\0\0');
    execFileSync('cp', ['-r', join(home, opened.id), join(home, 'copy')]);
    execFileSync('mkfifo', [join(home, 'pipe')]);
    const { served } = await withProjects('stray');
    expect((await ask(served, 'GET', 'api/projects')).body).toMatchObject({ projects: [{ id: opened.id }] });
    expect((await ask(served, 'GET', 'api/projects')).body['projects']).toHaveLength(1);
    expect(readdirSync(join(home, 'lost+found'))).toEqual([]);
  });
});

describe('the program', () => {
  const inject = join(folder, 'inject.mjs');
  beforeAll(() => {
    writeFileSync(
      inject,
      `process.on('SIGUSR2', () => {
        Promise.reject(new Error('a rejection of nobody'));
        setTimeout(() => { throw new TypeError('an error of nobody'); });
      });`,
    );
  });
  const run = (): Cli =>
    new Cli(
      [
        'run',
        '--source',
        'synthetic:counter?width=64&height=64',
        '--model',
        'none',
        '--port',
        '0',
        '--log',
        'json',
      ],
      { NODE_OPTIONS: `--import=${pathToFileURL(inject).href}`, SONO_DATA_DIR: join(folder, 'data') },
    );
  const metric = async (url: string, boundary: string): Promise<number> => {
    const text = await (await fetch(new URL('metrics', url))).text();
    return Number(new RegExp(`sonoscope_faults_total{boundary="${boundary}"} (\\d+)`).exec(text)?.[1] ?? -1);
  };

  it('goes on after an error that nobody caught, counts it, and ends in order after too many', async () => {
    const cli = run();
    const url = await cli.url();
    expect(await metric(url, 'process')).toBe(0);
    cli.kill('SIGUSR2');
    await expect.poll(() => metric(url, 'process'), wait).toBe(2);
    expect(cli.stderr).toContain('an error of nobody');
    expect((await fetch(new URL('readyz', url))).status).toBe(200);
    while (cli.process.exitCode === null) {
      cli.kill('SIGUSR2');
      await settled();
    }
    const { code, stderr } = await cli.finished;
    expect(code).toBe(5);
    expect(stderr).toContain('SONO_UNEXPECTED');
  });

  it('without a descriptor left loses the source that must be started again, and brings it back when there is one', async () => {
    const cli = run();
    const url = await cli.url();
    const pid = String(cli.process.pid);
    const phase = async (): Promise<string> => {
      const response = await fetch(new URL('api/streams', url));
      return ((await response.json()) as { streams: { phase: string; reasonCode: string }[] }).streams
        .map((stream) => `${stream.phase} ${stream.reasonCode}`)
        .join();
    };
    expect(await phase()).toBe('playing ');
    const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    // One is left, for the question how it goes, and those of the process that is ended: fewer than another one needs.
    let limit = 0;
    for (let free = 0; free < 1; limit++) if (!open.has(limit)) free += 1;
    execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:`]);
    const [child] = execFileSync('pgrep', ['-P', pid]).toString().split('\n');
    process.kill(Number(child), 'SIGKILL');
    await expect.poll(phase, wait).toBe('lost SONO_SOURCE_NO_PROCESS');
    execFileSync('prlimit', [`--pid=${pid}`, '--nofile=4096:']);
    await expect.poll(phase, wait).toBe('playing ');
    cli.kill('SIGTERM');
    expect(await cli.finished).toMatchObject({ code: 0 });
  });
});
