/** The server over real sockets, with a room made by hand: channels, services, HTTP, reports, uploads, metrics. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { maskArea, maskFromCocoBytes, maskFromCocoString } from '../../../src/mask/rle.js';
import type {
  HealthMessage,
  MeasurementMessage,
  OutlinesMessage,
  SegmentationMessage,
  VideoMessage,
} from '../../../src/protocol/messages.js';
import { channelKinds } from '../../../src/protocol/channels.js';
import { subprotocols } from '../../../src/protocol/foxglove-codec.js';
import { operationNames } from '../../../src/protocol/operations.js';
import { limits } from '../../../src/protocol/requests.js';
import type { AcceptanceReport } from '../../../src/protocol/requests.js';
import { defineService, defineTransfer } from '../../../src/server/index.js';
import type { ServerOptions } from '../../../src/server/index.js';
import { HandMadeRoom, clientOf, jpeg, serve, sourceSize, until } from './fixture.js';
import type { Served } from './fixture.js';

const temporary = mkdtempSync(join(tmpdir(), 'sonoscope-server-'));
const closing: (() => unknown)[] = [];
let served: Served;

async function start(options: Partial<ServerOptions> = {}): Promise<Served> {
  const started = await serve(options);
  closing.push(() => started.server.close());
  return started;
}

function client(...args: Parameters<typeof clientOf>) {
  const connected = clientOf(...args);
  closing.push(() => connected.close());
  return connected;
}

async function get(path: string, init: RequestInit = {}, from = served) {
  const response = await fetch(new URL(path, `http://127.0.0.1:${from.server.port}`), init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    text,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as never) : null,
  };
}

const post = (path: string, body: unknown, from = served) =>
  get(
    path,
    { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    from,
  );

beforeEach(async () => {
  served = await start({ dataDir: join(temporary, 'data') });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(join(temporary, 'data'), { recursive: true, force: true });
});

describe('channels', () => {
  it('deliver picture, segmentation, outlines, measurements and health of one frame under one time', async () => {
    const { server, room } = served;
    const viewer = client(server);
    const got: {
      video?: VideoMessage;
      segmentation?: SegmentationMessage;
      outlines?: OutlinesMessage;
      measurement?: MeasurementMessage;
      health?: HealthMessage;
    } = {};
    let videoLogTimeNs = 0n;
    viewer.subscribe('scope', 'video', (message, logTimeNs) => {
      got.video = message;
      videoLogTimeNs = logTimeNs;
    });
    viewer.subscribe('scope', 'segmentation', (message) => (got.segmentation = message));
    viewer.subscribe('scope', 'outlines', (message) => (got.outlines = message));
    viewer.subscribe('scope', 'measurements', (message) => (got.measurement = message));
    viewer.subscribe('scope', 'health', (message) => (got.health = message));
    await until(() => got.health, 'the latched health message');
    const identity = room.identity();
    room.show(identity);
    room.analyse(identity);
    await until(() => got.video && got.segmentation && got.outlines && got.measurement, 'all channels');

    const timestampNs = room.epochUnixNs + BigInt(identity.ptsNs);
    expect(got.video).toMatchObject({ timestampNs, streamId: 'scope', format: 'jpeg' });
    expect(Buffer.from(got.video?.data ?? []).equals(room.picture)).toBe(true);
    expect(got.segmentation).toMatchObject({
      timestampNs,
      ptsNs: identity.ptsNs,
      captureNs: identity.captureNs,
      sourceSize,
    });
    const [object] = got.segmentation?.objects ?? [];
    // 16 × 12 mask pixels of 4 × 4 source pixels of 0.5 × 0.25 mm.
    expect(object).toMatchObject({ id: 1, label: 'grasper', state: 'tracking', areaPx: 192, areaMm2: 384 });
    expect(maskArea(maskFromCocoBytes(object?.counts ?? new Uint8Array(), 80, 60))).toBe(192);
    expect(got.measurement).toMatchObject({
      name: 'area',
      value: 384,
      unit: 'mm2',
      quality: 'good',
      objectId: 1,
    });
    // Only the tracked object has an outline; it runs around the rectangle 40,80 – 104,128 in source pixels.
    expect(got.outlines?.timestampNs).toBe(timestampNs);
    expect(got.outlines?.lines).toHaveLength(1);
    const points = got.outlines?.lines[0]?.points ?? [];
    expect(Math.min(...points.map(([x]) => x))).toBeCloseTo(40, 0);
    expect(Math.max(...points.map(([x]) => x))).toBeCloseTo(104, 0);
    expect(Math.min(...points.map(([, y]) => y))).toBeCloseTo(80, 0);
    expect(Math.max(...points.map(([, y]) => y))).toBeCloseTo(128, 0);
    expect(got.health).toMatchObject({
      sourcePhase: 'playing',
      provider: 'cpu',
      model: 'compact 1.0.0',
      label: 'Room scope',
    });

    // Capture on the viewer's clock: 5 ms before the frame was made, within the error of the ping.
    await viewer.syncClock(5);
    const byLogTime = viewer.clock.localMsOfLogTime(videoLogTimeNs);
    expect(byLogTime).toBeCloseTo(viewer.clock.localMsOfMonotonic(identity.captureNs), 3);
    const trueMs = performance.now() - (Number(process.hrtime.bigint()) - identity.captureNs) / 1e6;
    expect(Math.abs(byLogTime - trueMs)).toBeLessThan(viewer.clock.uncertaintyMs + 1);
  });

  it('give a late viewer the newest picture and health at once', async () => {
    const { server, room } = served;
    room.show();
    const newest = room.show();
    room.change({ degraded: 'Slower than the source.' });
    const viewer = client(server);
    const pictures: VideoMessage[] = [];
    const health: HealthMessage[] = [];
    viewer.subscribe('scope', 'video', (message) => pictures.push(message));
    viewer.subscribe('scope', 'health', (message) => health.push(message));
    await until(() => pictures.length > 0 && health.length > 0, 'picture and health');
    expect(pictures.map(({ timestampNs }) => timestampNs)).toEqual([room.epochUnixNs + BigInt(newest.ptsNs)]);
    expect(health[0]?.degraded).toBe('Slower than the source.');
  });

  it('repeat health every second and at each change', async () => {
    const { server, room } = served;
    const viewer = client(server);
    const health: HealthMessage[] = [];
    viewer.subscribe('scope', 'health', (message) => health.push(message));
    await until(() => health.length >= 3, 'repeated health');
    room.change({ recording: true });
    await until(() => health.some(({ recording }) => recording), 'the change');
    expect(health.at(-1)?.clients).toBe(1);
  });

  it('come and go with their rooms while the viewer stays', async () => {
    const { server, rooms, room } = served;
    const viewer = client(server);
    const seen: bigint[] = [];
    viewer.subscribe('echo', 'video', (message) => seen.push(message.timestampNs));
    await until(() => viewer.streams.has('scope'), 'the first room');
    expect(viewer.streams.has('echo')).toBe(false);
    const echo = new HandMadeRoom('echo', await jpeg());
    rooms.add(echo);
    expect(() => rooms.add(echo)).toThrow(expect.objectContaining({ code: 'SONO_STREAM_TWICE' }) as Error);
    await until(() => viewer.streams.has('echo'), 'the second room');
    await until(() => {
      echo.show();
      return seen.length > 0;
    }, 'a picture of the second room');
    rooms.remove('echo');
    await until(() => !viewer.streams.has('echo'), 'the end of the second room');
    expect(echo.closed).toBe(false);
    expect(viewer.streams.get('scope')?.size).toBe(5);
    // The same id again is bound to the same subscription.
    const again = new HandMadeRoom('echo', await jpeg());
    rooms.add(again);
    const before = seen.length;
    await until(() => {
      again.show();
      return seen.length > before;
    }, 'a picture of the room that came back');
    room.show();
    expect(viewer.state.phase).toBe('open');
  });

  it('end with unsubscribing', async () => {
    const { server, room } = served;
    const viewer = client(server);
    let pictures = 0;
    const end = viewer.subscribe('scope', 'video', () => (pictures += 1));
    await until(() => {
      room.show();
      return pictures > 0;
    }, 'a picture');
    end();
    end();
    // An answered call means that the unsubscription before it has been read.
    await viewer.call('time', {});
    const before = pictures;
    room.show();
    await viewer.call('time', {});
    expect(pictures).toBe(before);
    viewer.subscribe('scope', 'video', () => (pictures += 1));
    await until(() => pictures > before, 'the latched picture');
  });

  it('come back by themselves after the server was restarted', async () => {
    const { server, room } = served;
    const phases: string[] = [];
    const viewer = client(server, { onState: ({ phase }) => phases.push(phase) });
    let pictures = 0;
    viewer.subscribe('scope', 'video', () => (pictures += 1));
    room.show();
    await until(() => pictures > 0, 'a picture');
    await server.close();
    await until(() => viewer.state.phase === 'waiting', 'the loss to be seen');
    await expect(viewer.call('time', {})).rejects.toMatchObject({ code: 'SONO_CONNECTION_LOST' });
    const second = await start({ port: server.port });
    second.room.show();
    const before = pictures;
    await until(() => pictures > before, 'a picture of the new server');
    expect(phases.filter((phase) => phase === 'open')).toHaveLength(2);
    viewer.close();
    expect(viewer.state.phase).toBe('closed');
  });
});

describe('operations', () => {
  it('reach the room over the socket and over HTTP alike', async () => {
    const { server, room } = served;
    const viewer = client(server);
    const request = {
      stream: 'scope',
      ptsNs: '40000000',
      label: 'grasper',
      prompts: [
        { type: 'click' as const, point: [50.5, 90] as [number, number] },
        { type: 'mask' as const, mask: { size: [2, 3] as [number, number], counts: '123' } },
      ],
    };
    const bySocket = await viewer.call('prompt', request);
    const byHttp = await post('/api/prompt', request);
    expect(byHttp.status).toBe(200);
    expect(byHttp.body).toMatchObject({ objectId: 1, segmentation: { ptsNs: 40_000_000 } });
    expect(bySocket.objectId).toBe(1);
    const shown = bySocket.segmentation;
    expect(shown).toMatchObject({ ptsNs: 40_000_000, timestampNs: String(room.epochUnixNs + 40_000_000n) });
    expect(maskArea(maskFromCocoString(shown?.objects[0]?.counts ?? '', 80, 60))).toBe(192);
    expect(room.commands).toHaveLength(2);
    expect(room.commands[0]).toEqual(room.commands[1]);
    expect(room.commands[0]).toMatchObject({
      ptsNs: 40_000_000,
      command: {
        kind: 'prompt',
        objectId: null,
        label: 'grasper',
        prompts: [
          { type: 'click', point: [50.5, 90], positive: true },
          { type: 'mask', mask: { width: 3, height: 2, counts: Uint32Array.of(1, 2, 3) } },
        ],
      },
    });

    await viewer.call('rename', { stream: 'scope', objectId: 1, label: 'hook' });
    await viewer.call('remove', { stream: 'scope', objectId: 1 });
    await viewer.call('undo', { stream: 'scope' });
    await viewer.call('reset', { stream: 'scope' });
    expect(room.commands.slice(2).map(({ command }) => command)).toEqual([
      { kind: 'rename', objectId: 1, label: 'hook' },
      { kind: 'remove', objectId: 1, restorable: true },
      { kind: 'undo', objectId: null },
      { kind: 'reset' },
    ]);
    expect(await viewer.call('overlay', { stream: 'scope' })).toEqual({ visible: true });
    expect(room.health.overlayVisible).toBe(true);
    expect((await post('/api/overlay', { stream: 'scope' })).body).toEqual({ visible: false });
    await viewer.call('source.open', { stream: 'scope', uri: 'synthetic:echo' });
    expect(room.sourceUri).toBe('synthetic:echo');
    const { streams } = await viewer.call('streams.list', {});
    expect(streams).toMatchObject([
      {
        id: 'scope',
        phase: 'playing',
        size: sourceSize,
        epochUnixNs: String(room.epochUnixNs),
        topics: { video: '/scope/video' },
      },
    ]);
    expect((await get('/api/streams')).body).toEqual({ streams });
  });

  it.each([
    [
      'an unknown stream',
      'rename',
      { stream: 'nowhere', objectId: 1, label: 'x' },
      404,
      'SONO_STREAM_UNKNOWN',
    ],
    ['a body that is not valid', 'rename', { stream: 'scope' }, 400, 'SONO_REQUEST_INVALID'],
    [
      'a refusal of the room',
      'rename',
      { stream: 'scope', objectId: 9, label: 'x' },
      409,
      'SONO_ANALYSIS_OFF',
    ],
    [
      'a frame that is gone',
      'prompt',
      { stream: 'scope', ptsNs: 1, prompts: [{ type: 'click', point: [1, 1] }] },
      410,
      'SONO_PROMPT_FRAME_GONE',
    ],
    [
      'NaN',
      'prompt',
      { stream: 'scope', prompts: [{ type: 'click', point: [Number.NaN, 1] }] },
      400,
      'SONO_REQUEST_INVALID',
    ],
    [
      'a source that does not open',
      'source.open',
      { stream: 'scope', uri: 'missing.mp4' },
      503,
      'SONO_SOURCE_NO_ANSWER',
    ],
    ['something that was not switched on', 'record.start', { stream: 'scope' }, 404, 'SONO_NOT_OFFERED'],
    ['a fault', 'policy', { stream: 'scope', policy: 'sam2' }, 500, 'SONO_SERVER_FAULT'],
  ] as const)('answer %s with its code on both ways', async (_, name, request, status, code) => {
    const viewer = client(served.server);
    const bySocket: unknown = await viewer.callRaw(name, request).catch((error: unknown) => error);
    const { status: httpStatus, body } = await post(`/api/${name.replace('.', '/')}`, request);
    expect(bySocket).toMatchObject({ code: 'SONO_REQUEST_FAILED', details: { code } });
    expect({ httpStatus, body }).toMatchObject({ httpStatus: status, body: { code } });
    expect(JSON.stringify(body)).not.toContain('secret');
    const sentence = (bySocket as { details: { message: string } }).details.message;
    expect((body as unknown as { message: string }).message).toBe(sentence);
  });

  it('that do not exist are refused by name', async () => {
    await expect(client(served.server).callRaw('reboot', {})).rejects.toMatchObject({
      code: 'SONO_REQUEST_UNKNOWN',
    });
    expect((await post('/api/reboot', {})).body).toMatchObject({ code: 'SONO_PAGE_UNKNOWN' });
  });

  it('can be added by extensions, with routes of their own behind the same guard', async () => {
    const extended = await start({
      token: 'open-sesame-open-sesame',
      extraServices: [
        defineService({
          name: 'projects.open',
          method: 'POST',
          path: '/projects/open',
          summary: 'Open a project',
          needs: 'view',
          request: z.object({ name: z.string() }).strict(),
          response: z.object({ greeting: z.string() }),
          handle: ({ name }) => ({ greeting: `hello ${name}` }),
        }),
        defineTransfer(
          'projects.frame',
          {
            ...{ method: 'GET', path: '/projects/:id/frame', summary: 'A frame', needs: 'view' },
            ...{
              request: z.object({ id: z.string() }),
              takes: null,
              answers: z.object({ frame: z.number() }),
            },
          },
          () => Promise.resolve({ body: { frame: 7 } }),
        ),
      ],
    });
    const viewer = client(extended.server, {
      url: `ws://127.0.0.1:${extended.server.port}/ws?token=open-sesame-open-sesame`,
    });
    expect(await viewer.callRaw('projects.open', { name: 'a' })).toEqual({ greeting: 'hello a' });
    const authorization = { headers: { authorization: 'Bearer open-sesame-open-sesame' } };
    expect((await get('/api/projects/1/frame', {}, extended)).status).toBe(401);
    expect((await get('/api/projects/1/frame', authorization, extended)).body).toEqual({ frame: 7 });
    expect((await get('/api/openapi.json', authorization, extended)).text).toContain('"projects.open"');
  });
});

describe('pages', () => {
  it('of the documentation name every channel, operation and limit', () => {
    const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
    for (const kind of channelKinds) expect(text).toContain(`| \`${kind}\` |`);
    for (const name of operationNames) expect(text).toContain(`\`${name}\``);
    for (const name of subprotocols) expect(text).toContain(name);
    expect(text).toContain(`at most ${limits.requestBytes / 1024 ** 2} MiB`);
    expect(text).toContain(`${limits.messageBytes / 1024 ** 2} MiB`);
    expect(text).toContain(`at most ${limits.scribblePoints.toLocaleString('en')} points`);
    expect(text).toContain(`at most ${limits.promptsPerRequest} prompts`);
    expect(text).toContain(`${limits.labelCharacters} characters`);
  });

  it('describe the HTTP side for people and programs, without loading anything from elsewhere', async () => {
    const { body, headers } = await get('/api/openapi.json');
    const document = body as unknown as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/prompt', '/api/source/open', '/api/uploads', '/metrics']),
    );
    expect(Object.keys(document.paths['/api/acceptance'] ?? {}).sort()).toEqual(['get', 'post']);
    // Every reference inside the document can be followed.
    for (const [, pointer] of JSON.stringify(document).matchAll(/"\$ref":"#([^"]*)"/g)) {
      const target = (pointer ?? '')
        .split('/')
        .slice(1)
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
      expect(target).toBeDefined();
    }
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    const page = await get('/api');
    expect(page.text).toContain('Research use only');
    expect(page.text).toContain('POST /api/prompt');
    expect(page.text).not.toMatch(/(src|href)="https?:/);
  });

  it('tell whether the server runs and is ready', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok', version: '9.9.9' } });
    expect((await get('/readyz')).status).toBe(200);
    served.room.change({ source: { phase: 'starting' } });
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { streams: [{ id: 'scope', phase: 'starting' }] },
    });
  });

  it('serve the dashboard where it is built and say so where it is not', async () => {
    expect((await get('/')).text).toContain('has not been built');
    const staticDir = mkdtempSync(join(temporary, 'static-'));
    writeFileSync(join(staticDir, 'index.html'), '<title>dashboard</title>');
    writeFileSync(join(temporary, 'private.txt'), 'private');
    const withPage = await start({ staticDir, token: 'open-sesame-open-sesame' });
    expect((await get('/?token=open-sesame-open-sesame', {}, withPage)).text).toBe(
      '<title>dashboard</title>',
    );
    expect((await get('/', {}, withPage)).status).toBe(200);
    expect((await get('/..%2fprivate.txt', {}, withPage)).text).not.toContain('private.txt"}private');
    expect((await get('/%2e%2e/private.txt', {}, withPage)).status).toBe(404);
    expect((await get('/missing.js', {}, withPage)).body).toMatchObject({ code: 'SONO_PAGE_UNKNOWN' });
  });

  it('answer broken requests with a code', async () => {
    const json = { 'content-type': 'application/json' };
    const send = (body: string) => get('/api/prompt', { method: 'POST', body, headers: json });
    expect(await send('{"stream":')).toMatchObject({ status: 400, body: { code: 'SONO_REQUEST_INVALID' } });
    // A ten megabyte scribble.
    expect(
      await send(
        `{"stream":"scope","prompts":[{"type":"scribble","points":[${'[1,1],'.repeat(1_700_000)}[1,1]]}]}`,
      ),
    ).toMatchObject({
      status: 413,
      body: { code: 'SONO_REQUEST_TOO_LARGE' },
    });
    expect(
      await get('/api/prompt', { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } }),
    ).toMatchObject({
      body: { code: 'SONO_REQUEST_INVALID' },
    });
    expect((await get('/api/streams')).status).toBe(200);
  });
});

const report: Omit<AcceptanceReport, never> = {
  stream: 'scope',
  startedUnixMs: 1_700_000_000_000,
  durationMs: 40_000,
  userAgent: '<script>alert(1)</script>',
  display: { width: 1920, height: 1080, devicePixelRatio: 1, refreshHz: 60 },
  capturedFps: 25,
  sourceSize: { width: 1280, height: 720 },
  provider: 'cpu',
  model: 'compact 1',
  clock: { roundTripMs: 0.4, uncertaintyMs: 0.2 },
  overlay: { samplesMs: Array.from({ length: 1000 }, (_, index) => 40 + index / 50), neverPainted: 3 },
  picture: { samplesMs: Array.from({ length: 1000 }, () => 30), neverPainted: 0 },
  drops: { inference: 2 },
  remark: '',
  author: '',
};

describe('acceptance reports', () => {
  it('are stored with figures computed by the server, listed, read and printed', async () => {
    const viewer = client(served.server);
    const stored = await viewer.call('acceptance.store', report);
    // 40.00 … 59.98 ms in steps of 0.02.
    expect(stored.overlay.frames).toBe(1000);
    expect(stored.overlay.p50Ms).toBeCloseTo(49.98, 9);
    expect(stored.overlay.p95Ms).toBeCloseTo(58.98, 9);
    expect(stored.overlay.maxMs).toBeCloseTo(59.98, 9);
    expect(stored.overlay.deadlines.map(({ verdict }) => verdict)).toEqual(['fail', 'pass', 'pass']);
    expect(stored.overlay.deadlines[0]?.missed).toBe(499 + 3);
    expect(stored.picture?.p99Ms).toBe(30);
    const onDisk = readFileSync(join(temporary, 'data', 'acceptance', `${stored.id}.json`), 'utf8');
    expect(JSON.parse(onDisk)).toEqual(stored);
    expect(readdirSync(join(temporary, 'data', 'acceptance'))).toEqual([`${stored.id}.json`]);
    expect((await get(`/api/acceptance/${stored.id}`)).body).toEqual(stored);
    const { body } = await get('/api/acceptance');
    expect(body).toMatchObject({
      reports: [{ id: stored.id, stream: 'scope', frames: 1000, p95Ms: stored.overlay.p95Ms }],
    });
    const page = await get(`/api/acceptance/${stored.id}/report`);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain('not glass-to-glass');
    expect(page.text).toContain('59.0 ms');
    expect(page.text).toContain('<svg');
    expect(page.text).not.toContain('<script>alert');
  });

  it.each(['nothing', '..%2f..%2fpackage', '2026-11-24T15-00-00Z-abcdef'])(
    'named %s that do not exist are refused',
    async (id) => {
      expect(await get(`/api/acceptance/${id}`)).toMatchObject({
        status: 404,
        body: { code: 'SONO_REPORT_UNKNOWN' },
      });
    },
  );

  it('without samples or with wrong figures are refused', async () => {
    for (const wrong of [
      { ...report, overlay: { samplesMs: [], neverPainted: 0 } },
      { ...report, overlay: { samplesMs: [null], neverPainted: 0 } },
      { ...report, verdict: 'pass' },
      {},
    ])
      expect((await post('/api/acceptance', wrong)).body).toMatchObject({ code: 'SONO_REQUEST_INVALID' });
  });

  it('that cannot be written are answered with a code', async () => {
    // A file where the folder should be.
    writeFileSync(join(temporary, 'blocked'), '');
    const blocked = await start({ dataDir: join(temporary, 'blocked') });
    expect((await post('/api/acceptance', report, blocked)).body).toMatchObject({
      code: 'SONO_REPORT_UNWRITABLE',
    });
    expect((await get('/api/streams', {}, blocked)).status).toBe(200);
    const without = await start();
    expect((await post('/api/acceptance', report, without)).body).toMatchObject({ code: 'SONO_NOT_OFFERED' });
  });
});

describe('uploads', () => {
  const upload = (filename: string, body: BodyInit, from = served, headers: Record<string, string> = {}) =>
    get(
      `/api/uploads?filename=${encodeURIComponent(filename)}`,
      { method: 'POST', body, headers, duplex: 'half' } as RequestInit,
      from,
    );
  const uploadsDir = () => join(temporary, 'data', 'uploads');

  it('are streamed to the disk, whatever their type says, and keep what is there', async () => {
    for (const [headers, name, filling] of [
      [{ 'content-type': 'application/json' }, 'case.mp4', 7],
      [{ 'content-type': 'video/mp4' }, 'case-1.mp4', 8],
      [{}, 'case-2.mp4', 9],
    ] as const) {
      const file = Buffer.alloc(5 * 1024 * 1024, filling);
      const { status, body } = await upload('../case.mp4', file, served, headers);
      expect({ status, body }).toMatchObject({ status: 200, body: { name, bytes: file.byteLength } });
      expect(readFileSync((body as unknown as { path: string }).path).equals(file)).toBe(true);
    }
    const chunks = Readable.toWeb(
      Readable.from([Buffer.from('abc'), Buffer.from('def')]),
    ) as unknown as BodyInit;
    expect((await upload('notes.bin', chunks)).body).toMatchObject({ bytes: 6 });
    expect(readdirSync(uploadsDir()).sort()).toEqual(['case-1.mp4', 'case-2.mp4', 'case.mp4', 'notes.bin']);
    expect(served.server.uploadsDir).toBe(uploadsDir());
  });

  it('that are empty, have no name or are too large leave nothing behind', async () => {
    const small = await start({ dataDir: join(temporary, 'data'), maxUploadBytes: 1000 });
    expect((await upload('a.mp4', '')).body).toMatchObject({ code: 'SONO_UPLOAD_EMPTY' });
    expect((await upload('', 'x')).body).toMatchObject({ code: 'SONO_UPLOAD_NAME' });
    expect(await upload('a.mp4', Buffer.alloc(1001), small)).toMatchObject({
      status: 413,
      body: { code: 'SONO_UPLOAD_TOO_LARGE' },
    });
    // Without a length the size is known only on the way.
    const endless = Readable.toWeb(
      Readable.from([Buffer.alloc(600), Buffer.alloc(600)]),
    ) as unknown as BodyInit;
    expect((await upload('a.mp4', endless, small)).body).toMatchObject({ code: 'SONO_UPLOAD_TOO_LARGE' });
    expect((await upload('a.mp4', Buffer.alloc(1000), small)).status).toBe(200);
    expect(readdirSync(uploadsDir())).toEqual(['a.mp4']);
  });

  it('that are cut leave nothing behind', async () => {
    const socket = connect(served.server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(
      'POST /api/uploads?filename=a.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nstart',
    );
    const unfinished = () => {
      try {
        return readdirSync(uploadsDir());
      } catch {
        return [];
      }
    };
    await until(() => unfinished().length > 0, 'the upload to begin');
    expect(unfinished()[0]).toMatch(/\.part$/);
    socket.destroy();
    await until(() => unfinished().length === 0, 'the rest to be removed');
  });
});

describe('metrics', () => {
  it('show streams, stages, viewers and requests in base units, and forget a stream that went', async () => {
    const { server, room, rooms } = served;
    const viewer = client(server);
    let got = 0;
    viewer.subscribe('scope', 'video', () => (got += 1));
    viewer.subscribe('scope', 'segmentation', () => (got += 1));
    const identity = room.identity();
    room.show(identity);
    room.analyse(identity);
    room.change({ frames: { captured: 150, displayed: 149, analysed: 140 }, degraded: 'slow' });
    await until(() => got >= 2, 'both messages');
    await viewer.call('time', {});
    await post('/api/rename', { stream: 'nowhere', objectId: 1, label: 'x' });
    const { text, headers } = await get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    for (const line of [
      'sonoscope_frames_total{stream="scope",kind="captured"} 150',
      'sonoscope_frame_rate_hertz{stream="scope",kind="analysed"} 24.5',
      'sonoscope_frames_dropped_total{stream="scope",stage="inference"} 2',
      'sonoscope_stage_latency_seconds_count{stream="scope",stage="inference"} 1',
      'sonoscope_stage_latency_seconds_sum{stream="scope",stage="decode"} 0.002',
      'sonoscope_stage_latency_recent_seconds{stream="scope",stage="queue",quantile="p50"} 0.002',
      'sonoscope_inference_provider_info{stream="scope",provider="cpu",model="compact 1.0.0",policy="sam2"} 1',
      'sonoscope_source_state{stream="scope",state="playing"} 1',
      'sonoscope_source_state{stream="scope",state="lost"} 0',
      'sonoscope_objects{stream="scope",state="tracking"} 1',
      'sonoscope_degraded{stream="scope"} 1',
      'sonoscope_viewers 1',
      'sonoscope_viewer_connections_total{outcome="accepted"} 1',
      'sonoscope_viewer_sent_messages_total{stream="scope",channel="segmentation"} 1',
      'sonoscope_requests_total{operation="time",way="websocket",outcome="ok"} 1',
      'sonoscope_requests_total{operation="rename",way="http",outcome="SONO_STREAM_UNKNOWN"} 1',
      'sonoscope_build_info{version="9.9.9"} 1',
    ])
      expect(text).toContain(line);
    room.change({ source: { phase: 'ended' }, frames: { captured: 3, displayed: 3, analysed: 3 } });
    const later = (await get('/metrics')).text;
    expect(later).toContain('sonoscope_source_state_changes_total{stream="scope",state="ended"} 1');
    expect(later).toContain('sonoscope_frames_total{stream="scope",kind="captured"} 153');
    rooms.remove('scope');
    for (let text = 'stream="scope"'; text.includes('stream="scope"');) text = (await get('/metrics')).text;
  });

  it('are the ones that the Grafana dashboard asks for', async () => {
    const { room } = served;
    room.show();
    room.analyse();
    const names = new Set(
      [...(await get('/metrics')).text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name = '', type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    );
    const dashboard = readFileSync(new URL('../../../docs/grafana-dashboard.json', import.meta.url), 'utf8');
    const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets?: { expr: string }[] }[] };
    const asked = panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) =>
        [...expr.matchAll(/\b(?:sonoscope|process|nodejs)_\w+/g)].map(([name]) => name),
      ),
    );
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !names.has(name))).toEqual([]);
  });
});
