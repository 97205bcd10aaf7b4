/** Who gets in, how often, and what is kept from whom: tokens, cookies, limits, files, and the log of who did what. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SourcePolicy } from '../../../src/ingest/source-policy.js';
import { encodeServiceCallRequest } from '../../../src/protocol/foxglove-codec.js';
import { limits } from '../../../src/protocol/requests.js';
import { generateToken } from '../../../src/server/index.js';
import type { ServerOptions } from '../../../src/server/index.js';
import { clientOf, serve, until, wsUrl, type Served } from './fixture.js';

const closing: (() => unknown)[] = [];
const folder = mkdtempSync(join(tmpdir(), 'sono-access-'));
let folders = 0;
const freshFolder = (): string => join(folder, String(folders++));

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(options: Partial<ServerOptions> = {}) {
  const served = await serve(options);
  closing.push(() => served.server.close());
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${served.server.port}${path}`, { redirect: 'manual', ...init });
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    ask(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      ...init,
    });
  return { ...served, ask, post };
}

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { code?: string }).code ?? 'ok';

/** A log that can be read. */
function readableLog() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'info', base: null },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { logger, audits: () => lines.filter((line) => 'audit' in line), text: () => JSON.stringify(lines) };
}

describe('a token', () => {
  it.each(['', 'short', 'fifteen-letters', 'with a space in it'])(
    '"%s" does not open a server',
    async (token) => {
      await expect(serve({ token })).rejects.toMatchObject({ code: 'SONO_TOKEN_UNUSABLE' });
      await expect(serve({ token, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'SONO_TOKEN_UNUSABLE' });
    },
  );

  it('in the address of the page becomes a cookie and leaves the address bar', async () => {
    const token = generateToken();
    const { server, ask } = await start({ token, dataDir: freshFolder() });
    const answer = await ask(`/?clean=1&token=${token}&room=scope`);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('./?clean=1&room=scope');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await ask('/api/streams', { headers })).status).toBe(200);
    const socket = new WebSocket(wsUrl(server), ['foxglove.sdk.v1'], { headers });
    closing.push(() => socket.terminate());
    await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject));

    // A server at another port has another cookie.
    const other = await start({ token, dataDir: freshFolder() });
    expect((await other.ask('/api/streams', { headers })).status).toBe(401);
  });

  it('that is wrong leaves the address bar too, without a cookie', async () => {
    const { ask } = await start({ token: generateToken() });
    const answer = await ask('/?token=wrong-wrong-wrong-wrong');
    expect([answer.status, answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual([
      303,
      './',
      null,
    ]);
  });

  it('cannot be guessed on: sockets and requests share one count', async () => {
    const token = generateToken();
    const { server, ask, room } = await start({ token });
    const statuses: number[] = [];
    for (let guess = 0; guess < 6; guess++)
      statuses.push((await ask(`/api/streams?token=guess-${guess}`)).status);
    for (let guess = 0; guess < 6; guess++) {
      const socket = new WebSocket(`${wsUrl(server)}?token=other-${guess}`, ['foxglove.sdk.v1']);
      socket.on('error', () => undefined);
      statuses.push(
        await new Promise<number>((resolve) =>
          socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0)),
        ),
      );
    }
    expect(statuses).toEqual([...new Array<number>(10).fill(401), 429, 429]);
    const refused = await ask(`/api/streams?token=${token}`);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(refused)).toBe('SONO_TOKEN_TOO_OFTEN');
    expect(room.closed).toBe(false);
  });
});

describe('limits', () => {
  it('of requests from one address', async () => {
    const requests = { burst: 20, perSecond: 0.001 };
    const { ask } = await start({ gateLimits: { wrongTokens: { burst: 5, perSecond: 1 }, requests } });
    const statuses: number[] = [];
    for (let index = 0; index < 25; index++) statuses.push((await ask('/healthz')).status);
    expect(statuses).toEqual([...new Array<number>(20).fill(200), ...new Array<number>(5).fill(429)]);
  });

  it('of connections from one address: whoever only holds them makes room for others, also from the same address', async () => {
    const { server } = await start();
    const viewer = clientOf(server);
    closing.push(() => viewer.close());
    await until(() => viewer.state.phase === 'open', 'the viewer');
    const request = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const open = new Set<Socket>();
    closing.push(() => open.forEach((socket) => socket.destroy()));
    const hold = (localAddress: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ port: server.port, host: '127.0.0.1', localAddress }, () =>
          socket.write(request),
        );
        open.add(socket);
        socket.once('data', (data: Buffer) => resolve(data.toString().slice(0, 15)));
        socket.on('error', () => undefined);
        socket.once('close', () => {
          open.delete(socket);
          resolve('closed');
        });
      });
    for (const address of ['127.0.0.2', '127.0.0.3', '127.0.0.4'])
      for (let index = 0; index < 200; index++) void hold(address);
    await until(() => open.size <= 256, 'the connections to be bounded');
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.9'])
      expect(await hold(address)).toBe('HTTP/1.1 200 OK');
    expect(server.viewers).toBe(1);
    expect(await server.metrics.registry.metrics()).toMatch(
      /sonoscope_connections_dropped_total\{limit="address"\} [1-9]/,
    );
  });

  it('of the time for a body: it may not drip', async () => {
    const { server } = await start({ bodyMs: 300 });
    const socket = connect(server.port, '127.0.0.1');
    closing.push(() => socket.destroy());
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.write(
      `POST /api/overlay HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    );
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toContain('HTTP/1.1 408');
    expect(answer).toContain('SONO_REQUEST_SLOW');
  });

  it('of the depth and length of JSON, over both ways', async () => {
    const { server, post } = await start();
    const brackets = '['.repeat(limits.requestBytes - 100);
    expect(await codeOf(await post('/api/overlay', brackets))).toBe('SONO_REQUEST_DEEP');
    expect(await codeOf(await post('/api/overlay', '{"stream":"scope\\"[[[","visible":true}'))).toBe(
      'SONO_STREAM_UNKNOWN',
    );
    const socket = new WebSocket(wsUrl(server), ['foxglove.sdk.v1']);
    closing.push(() => socket.terminate());
    const said: { op: string; code?: string; services?: { id: number; name: string }[] }[] = [];
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) said.push(JSON.parse(data.toString()) as (typeof said)[number]);
    });
    const services = await until(
      () => said.find(({ op }) => op === 'advertiseServices')?.services,
      'the services',
    );
    const serviceId = services.find(({ name }) => name === 'overlay')?.id ?? 0;
    socket.send(
      encodeServiceCallRequest({ serviceId, callId: 1, encoding: 'json', data: Buffer.from(brackets) }),
    );
    socket.send('['.repeat(limits.textBytes + 1));
    await until(
      () => said.some(({ op, code }) => op === 'serviceCallFailure' && code === 'SONO_REQUEST_DEEP'),
      'the answer',
    );
    await until(
      () => said.some(({ op, code }) => op === 'status' && code === 'SONO_REQUEST_TOO_LARGE'),
      'the status',
    );
  });
});

describe('files of patients', () => {
  const upload = ({ ask }: Pick<Awaited<ReturnType<typeof start>>, 'ask'>, name: string, body = 'film') =>
    ask(`/api/uploads?filename=${encodeURIComponent(name)}`, { method: 'POST', body });

  it('are in no cache', async () => {
    const { ask } = await start({ dataDir: freshFolder() });
    for (const path of ['/api/streams', '/api/uploads', '/api/acceptance', '/metrics', '/api/nothing'])
      expect([path, (await ask(path)).headers.get('cache-control')]).toEqual([
        path,
        path === '/api/nothing' ? null : 'no-store',
      ]);
  });

  it('are readable by the own user alone', async () => {
    const dataDir = freshFolder();
    const served = await start({ dataDir, token: null });
    expect((await upload(served, 'case.mp4')).status).toBe(200);
    const below = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(dataDir, name),
    );
    expect(below).toContain(join(dataDir, 'uploads', 'case.mp4'));
    for (const path of [dataDir, ...below]) {
      const about = statSync(path);
      expect([path, (about.mode & 0o777).toString(8)]).toEqual([path, about.isDirectory() ? '700' : '600']);
    }
  });

  it('do not take the space that recordings need', async () => {
    const dataDir = freshFolder();
    const served = await start({ dataDir, diskReserveBytes: 2 ** 60 });
    const refused = await upload(served, 'case.mp4');
    expect([refused.status, await codeOf(refused)]).toEqual([507, 'SONO_DISK_RESERVE']);
    expect(readdirSync(join(dataDir, 'uploads'))).toEqual([]);
  });

  it('can be listed and deleted, but not while they are used, and nothing else can', async () => {
    const dataDir = freshFolder();
    const outside = join(folder, 'outside.mp4');
    writeFileSync(outside, 'x');
    const served = await start({ dataDir });
    const { ask, room } = served;
    await upload(served, 'a b.mp4', 'one film');
    await upload(served, 'shown.mp4', 'another');
    room.sourceUri = join(dataDir, 'uploads', 'shown.mp4');
    const listed = async (kind = 'uploads') =>
      ((await (await ask(`/api/${kind}`)).json()) as { files: { name: string; bytes: number }[] }).files.map(
        ({ name }) => name,
      );
    expect((await listed()).sort()).toEqual(['a b.mp4', 'shown.mp4']);
    expect(await listed('recordings')).toEqual([]);
    const remove = async (name: string, kind = 'uploads') =>
      codeOf(await ask(`/api/${kind}/${encodeURIComponent(name)}`, { method: 'DELETE' }));
    expect(await remove('shown.mp4')).toBe('SONO_FILE_IN_USE');
    for (const name of [
      '../../outside.mp4',
      '..\\outside.mp4',
      'uploads',
      'none.mp4',
      '.hidden',
      'a b.mp4/',
      '\0',
    ])
      expect([name, await remove(name)]).toEqual([name, 'SONO_FILE_UNKNOWN']);
    expect(await remove('a b.mp4', 'recordings')).toBe('SONO_FILE_UNKNOWN');
    expect(statSync(outside).size).toBe(1);
    expect(await remove('a b.mp4')).toBe('ok');
    expect(await listed()).toEqual(['shown.mp4']);
  });
});

describe('what the page may open', () => {
  it('is what lies below the folders for it, after links, and the hosts for it', async () => {
    const media = join(folder, 'media');
    const elsewhere = join(folder, 'elsewhere');
    for (const path of [media, elsewhere, join(media, 'pictures')]) mkdirSync(path);
    writeFileSync(join(media, 'case.mp4'), 'x');
    writeFileSync(join(elsewhere, 'secret.mp4'), 'x');
    symlinkSync(join(elsewhere, 'secret.mp4'), join(media, 'link.mp4'));
    symlinkSync(join(elsewhere, 'secret.mp4'), join(media, 'pictures', '1.png'));
    symlinkSync(media, join(elsewhere, 'way-in'));
    const policy = new SourcePolicy({
      mediaRoots: [join(elsewhere, 'way-in')],
      hosts: ['Cam-1', '10.0.0.9'],
    });
    const { post, room } = await start({
      checkSource: (uri) => policy.check(uri),
      probeSource: () => Promise.reject(new Error('opened')),
    });
    const open = async (uri: string) => codeOf(await post('/api/source/open', { stream: 'scope', uri }));
    for (const uri of [
      ...[join(media, 'case.mp4'), join(elsewhere, 'way-in', 'case.mp4'), join(media, 'not-there.mp4')],
      ...['rtsp://u:p@CAM-1:8554/x', 'srt://10.0.0.9:7001', 'synthetic:echo', 'decklink://0'],
    ])
      expect([uri, await open(uri)]).toEqual([uri, 'ok']);
    room.sourceUri = 'unchanged';
    for (const uri of [
      ...[
        join(media, 'link.mp4'),
        join(media, 'pictures'),
        join(elsewhere, 'secret.mp4'),
        `${media}-other/case.mp4`,
      ],
      ...[
        join(media, '..', 'elsewhere', 'secret.mp4'),
        `file://${elsewhere}/secret.mp4`,
        '/etc/passwd',
        '/not/there',
      ],
      `v4l2://${elsewhere}/secret.mp4`,
    ]) {
      expect([uri, await open(uri)]).toEqual([uri, 'SONO_SOURCE_OUTSIDE']);
      expect([uri, await codeOf(await post('/api/source/probe', { uri }))]).toEqual([
        uri,
        'SONO_SOURCE_OUTSIDE',
      ]);
    }
    for (const uri of [
      'rtsp://cam-2/x',
      'rtsp://cam-1@cam-2/x',
      'rtsp://169.254.169.254/x',
      'srt://:7001?mode=listener',
      'srt://10.0.0.9:7001?mode=listener',
      'srt://10.0.0.9:7001?mode=caller&localport=7002',
      'srt://10.0.0.9:7001?localaddress=0.0.0.0',
    ])
      expect([uri, await open(uri)]).toEqual([uri, 'SONO_SOURCE_HOST']);
    expect(room.sourceUri).toBe('unchanged');
  });
});

it('everything that somebody does leaves one line: what, who, with what outcome, and no secret', async () => {
  const { logger, audits, text } = readableLog();
  const token = generateToken();
  const served: Served & {
    post: Awaited<ReturnType<typeof start>>['post'];
    ask: Awaited<ReturnType<typeof start>>['ask'];
  } = await start({ token, auditLog: logger, dataDir: freshFolder() });
  const { server, ask, post } = served;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  await post('/api/overlay', { stream: 'scope', visible: true }, { headers });
  await post('/api/source/open', { stream: 'scope', uri: 'rtsp://nurse:s3cret@cam/x' }, { headers });
  await post('/api/rename', { stream: 'scope', objectId: 7, label: 'Mr Miller' }, { headers });
  await ask('/api/uploads?filename=case.mp4', {
    method: 'POST',
    body: 'film',
    headers: { authorization: headers.authorization },
  });
  await ask('/api/uploads/case.mp4', { method: 'DELETE', headers: { authorization: headers.authorization } });
  await ask('/api/streams', { headers });
  const viewer = clientOf(server, { url: `${wsUrl(server)}?token=${token}` });
  closing.push(() => viewer.close());
  await until(() => viewer.state.phase === 'open', 'the viewer');
  await viewer.call('remove', { stream: 'scope', objectId: 1 });
  await until(() => audits().length >= 6, 'the lines');
  expect(
    audits().map(({ audit, outcome, stream, uri, name }) => [audit, outcome, stream ?? uri ?? name]),
  ).toEqual([
    ['overlay', 'ok', 'scope'],
    ['source.open', 'ok', 'scope'],
    ['rename', 'SONO_ANALYSIS_OFF', 'scope'],
    ['uploads.store', 'ok', 'case.mp4'],
    ['uploads.remove', 'ok', 'case.mp4'],
    ['remove', 'ok', 'scope'],
  ]);
  for (const { who, time } of audits()) {
    expect(who).toMatchObject({
      address: '127.0.0.1',
      tokenId: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
    });
    expect(time).toBeGreaterThan(1.6e12);
  }
  expect((audits().at(-1)?.['who'] as { viewer: string | null }).viewer).toMatch(/^[0-9a-f-]{36}$/);
  expect(audits()[1]).toMatchObject({ uri: 'rtsp://***@cam/x' });
  for (const secret of [token, 's3cret', 'Miller']) expect(text()).not.toContain(secret);
});
