/** What a hostile, broken or slow peer can do to the server: be refused, be cut off, but never harm another viewer. */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { encodeServiceCallRequest } from '../../../src/protocol/foxglove-codec.js';
import { limits } from '../../../src/protocol/requests.js';
import { RoomRegistry, generateToken, startServer } from '../../../src/server/index.js';
import type { RunningServer, ServerOptions } from '../../../src/server/index.js';
import { clientOf, jpeg, serve, silent, until, wsUrl } from './fixture.js';

const closing: (() => unknown)[] = [];

async function start(options: Partial<ServerOptions> = {}) {
  const started = await serve(options);
  closing.push(() => started.server.close());
  return started;
}

/** A raw WebSocket and all that came over it. */
function open(server: RunningServer, protocols: string[] = ['foxglove.sdk.v1'], options = {}, path = '') {
  const socket = new WebSocket(wsUrl(server) + path, protocols, options);
  closing.push(() => socket.terminate());
  const texts: { op: string; code?: string; message?: string }[] = [];
  let closeCode: number | null = null;
  let failure: { status: number; body: { code: string; message: string } } | null = null;
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) texts.push(JSON.parse(data.toString()) as (typeof texts)[number]);
  });
  socket.on('close', (code) => (closeCode = code));
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_request, response) => {
    let body = '';
    response.on('data', (chunk: Buffer) => (body += chunk.toString()));
    response.on('end', () => {
      failure = {
        status: response.statusCode ?? 0,
        body: JSON.parse(body) as { code: string; message: string },
      };
    });
  });
  return {
    socket,
    texts,
    closed: () => until(() => closeCode, 'the connection to be closed'),
    refused: () => until(() => failure, 'the connection to be refused'),
    opened: () => until(() => texts.some(({ op }) => op === 'advertiseServices'), 'the greeting'),
    status: (code: string) =>
      until(() => texts.find((text) => text.op === 'status' && text.code === code), code),
  };
}

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('a connection is refused', () => {
  it.each([
    ['no subprotocol', []],
    ['another subprotocol', ['chat']],
    ['only a future one', ['foxglove.sdk.v9']],
  ])('with %s', async (_, protocols) => {
    const { server } = await start();
    expect(await open(server, protocols).refused()).toMatchObject({
      status: 400,
      body: { code: 'SONO_SUBPROTOCOL' },
    });
  });

  it('at another address than /ws', async () => {
    const { server } = await start();
    expect(await open(server, undefined, {}, '/other').refused()).toMatchObject({
      status: 404,
      body: { code: 'SONO_PAGE_UNKNOWN' },
    });
  });

  it('from a page of another website, on the socket and over HTTP', async () => {
    const { server } = await start();
    const refusal = { status: 403, body: { code: 'SONO_ORIGIN_FOREIGN' } };
    expect(await open(server, undefined, { origin: 'https://evil.example' }).refused()).toMatchObject(
      refusal,
    );
    // A foreign name that was pointed at this computer.
    const rebound = {
      headers: { host: `evil.example:${server.port}` },
      origin: `http://evil.example:${server.port}`,
    };
    expect(await open(server, undefined, rebound).refused()).toMatchObject(refusal);
    const response = await fetch(`http://127.0.0.1:${server.port}/api/overlay`, {
      method: 'POST',
      body: '{"stream":"scope"}',
      headers: { 'content-type': 'application/json', origin: 'https://evil.example' },
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'SONO_ORIGIN_FOREIGN' });
    await open(server, undefined, { origin: `http://127.0.0.1:${server.port}` }).opened();
    const { server: friendly } = await start({ allowedOrigins: ['https://viewer.example'] });
    await open(friendly, undefined, { origin: 'https://viewer.example' }).opened();
  });

  it('without the right token, everywhere but at the probes and the page itself', async () => {
    const token = generateToken();
    const { server } = await start({ token });
    const refusal = { status: 401, body: { code: 'SONO_TOKEN_WRONG' } };
    expect(await open(server).refused()).toMatchObject(refusal);
    expect(await open(server, undefined, {}, '?token=wrong').refused()).toMatchObject(refusal);
    await open(server, undefined, {}, `?token=${token}`).opened();
    await open(server, undefined, { headers: { authorization: `Bearer ${token}` } }).opened();
    const status = async (path: string, headers = {}) =>
      (await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })).status;
    for (const path of [
      '/api',
      '/api/streams',
      '/%61pi/streams',
      '/metrics',
      '/api/openapi.json',
      '/api/acceptance',
    ])
      expect([path, await status(path)]).toEqual([path, 401]);
    expect(await status(`/api/streams?token=${token}`)).toBe(200);
    expect(await status('/api/streams', { authorization: `Bearer ${token}` })).toBe(200);
    for (const path of ['/', '/healthz', '/readyz']) expect([path, await status(path)]).toEqual([path, 200]);
    expect(new URL(server.url).searchParams.get('token')).toBe(token);
  });

  it('politely beyond the number of viewers, and a place is free again when one leaves', async () => {
    const { server } = await start({ maxViewers: 3 });
    const viewers = [open(server), open(server), open(server)];
    for (const { opened } of viewers) await opened();
    expect(await open(server).refused()).toMatchObject({
      status: 503,
      body: { code: 'SONO_TOO_MANY_VIEWERS' },
    });
    viewers[0]?.socket.close();
    await until(() => server.viewers === 2, 'the viewer to leave');
    await open(server).opened();
  });
});

it('a thousand connections are bounded, and those inside are served on', async () => {
  const { server, room } = await start();
  const viewer = clientOf(server);
  closing.push(() => viewer.close());
  let pictures = 0;
  viewer.subscribe('scope', 'video', () => (pictures += 1));
  await until(() => viewer.state.phase === 'open', 'the first viewer');
  const answers = { welcomed: 0, refused: 0, dropped: 0 };
  const sockets: Socket[] = [];
  closing.push(() => sockets.forEach((socket) => socket.destroy()));
  const request = `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: foxglove.sdk.v1\r\n\r\n`;
  for (let index = 0; index < 1000; index++) {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(request));
    sockets.push(socket);
    let answered = false;
    const count = (kind: keyof typeof answers): void => {
      if (!answered) answers[kind] += 1;
      answered = true;
    };
    socket.once('data', (data: Buffer) =>
      count(data.toString().startsWith('HTTP/1.1 101') ? 'welcomed' : 'refused'),
    );
    socket.on('error', () => count('dropped'));
    socket.on('close', () => count('dropped'));
  }
  await until(() => answers.welcomed + answers.refused + answers.dropped === 1000, 'all thousand');
  expect(answers.welcomed).toBe(63);
  expect(answers.refused).toBeGreaterThan(0);
  expect(server.viewers).toBe(64);
  const before = pictures;
  await until(() => {
    room.show();
    return pictures > before + 3;
  }, 'pictures in spite of them');
  for (const socket of sockets) socket.destroy();
  await until(() => server.viewers === 1, 'all of them to be gone');
  expect((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status).toBe(200);
});

describe('what cannot be understood', () => {
  it('is answered with a status and changes nothing', async () => {
    const { server } = await start();
    const peer = open(server);
    await peer.opened();
    for (const rubbish of [
      '',
      'hello',
      '{',
      '[]',
      '{"op":"subscribe"}',
      '{"op":5}',
      '\u0000',
      '['.repeat(50_000),
    ])
      peer.socket.send(rubbish);
    for (const rubbish of [[], [2], [2, 1, 0, 0, 0], [2, 1, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255], [1]])
      peer.socket.send(Buffer.from(rubbish));
    await until(
      () => peer.texts.filter(({ code }) => code === 'SONO_WIRE_GARBAGE').length === 13,
      'thirteen answers',
    );
    // Unknown but well-formed is left alone.
    peer.socket.send('{"op":"subscribeConnectionGraph"}');
    peer.socket.send(Buffer.from([77, 1, 2]));
    peer.socket.send(
      '{"op":"advertise","channels":[{"id":1,"topic":"/x","encoding":"json","schemaName":""}]}',
    );
    await peer.status('SONO_PUBLISH_REFUSED');
    peer.socket.send(
      '{"op":"subscribe","subscriptions":[{"id":1,"channelId":999},{"id":2,"channelId":1},{"id":2,"channelId":2},{"id":3,"channelId":1}]}',
    );
    await peer.status('SONO_CHANNEL_UNKNOWN');
    await until(
      () => peer.texts.filter(({ code }) => code === 'SONO_SUBSCRIPTION_TWICE').length === 2,
      'both doubles',
    );
    expect(peer.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('ends the connection when it goes on and on', async () => {
    const { server } = await start();
    const peer = open(server);
    await peer.opened();
    for (let index = 0; index < 300; index++) peer.socket.send('rubbish');
    expect(await peer.closed()).toBe(1008);
  });

  it('as a call is refused with a code', async () => {
    const { server } = await start();
    const peer = open(server);
    await peer.opened();
    const calls = [
      { serviceId: 9999, encoding: 'json', data: Buffer.from('{}') },
      { serviceId: 1, encoding: 'cbor', data: Buffer.from('{}') },
      { serviceId: 1, encoding: 'json', data: Buffer.from('{"a":') },
      { serviceId: 1, encoding: 'json', data: Buffer.from('{"a":1}') },
      { serviceId: 1, encoding: 'json', data: Buffer.alloc(limits.requestBytes + 1, 32) },
    ];
    calls.forEach((call, callId) => peer.socket.send(encodeServiceCallRequest({ ...call, callId })));
    const failures = await until(() => {
      const answers = peer.texts.filter(({ op }) => op === 'serviceCallFailure');
      return answers.length === calls.length && answers;
    }, 'all refusals');
    expect(failures.map(({ code }) => code)).toEqual([
      'SONO_REQUEST_UNKNOWN',
      'SONO_REQUEST_INVALID',
      'SONO_REQUEST_INVALID',
      'SONO_REQUEST_INVALID',
      'SONO_REQUEST_TOO_LARGE',
    ]);
  });

  it('in masks without end is bounded: a hundred megabytes end the connection, not the server', async () => {
    const { server } = await start();
    const peer = open(server);
    const other = open(server);
    await peer.opened();
    await other.opened();
    peer.socket.send(Buffer.alloc(100 * 1024 * 1024));
    expect(await peer.closed()).toBe(1009);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    other.socket.send('still there?');
    await other.status('SONO_WIRE_GARBAGE');
  });

  it('in framing ends the connection', async () => {
    const { server } = await start();
    const peer = open(server);
    await peer.opened();
    // A frame with reserved bits set, unmasked.
    (peer.socket as unknown as { _socket: Socket })._socket.write(Buffer.from([0xf1, 0x05, 1, 2, 3, 4, 5]));
    expect(await peer.closed()).toBe(1002);
    await open(server).opened();
  });
});

describe('a viewer that reads nothing', () => {
  it('is bounded, counted and disconnected, while another one gets every picture', async () => {
    const { server, room } = await start({ stallMs: 4000 });
    const large = await jpeg({ width: 1280, height: 720 }, true);
    const asleep = open(server);
    await asleep.opened();
    const advertised = asleep.texts.find(({ op }) => op === 'advertise') as unknown as {
      channels: { id: number; topic: string }[];
    };
    const channelId = advertised.channels.find(({ topic }) => topic === '/scope/video')?.id ?? -1;
    asleep.socket.send(JSON.stringify({ op: 'subscribe', subscriptions: [{ id: 1, channelId }] }));
    const awake = clientOf(server);
    closing.push(() => awake.close());
    let newest = 0n;
    awake.subscribe('scope', 'video', ({ timestampNs }) => (newest = timestampNs));
    const showToAwake = async (): Promise<void> => {
      const wanted = room.epochUnixNs + BigInt(room.show(undefined, large).ptsNs);
      await until(() => newest === wanted, 'the picture at the viewer that reads');
    };
    await until(() => {
      room.show();
      return newest > 0n;
    }, 'the first picture');
    asleep.socket.pause();
    const memoryBefore = process.memoryUsage().arrayBuffers;
    // More than any socket buffer holds: far beyond, the outbox keeps one picture. The other viewer gets each of them.
    await until(
      async () => {
        await showToAwake();
        return room.clientDrops > 20 || server.viewers === 1;
      },
      'drops to be counted',
      60_000,
    );
    expect(process.memoryUsage().arrayBuffers - memoryBefore).toBeLessThan(64 * 1024 * 1024);
    await until(() => server.viewers === 1, 'the sleeper to be disconnected');
    const metrics = await server.metrics.registry.metrics();
    expect(metrics).toContain('sonoscope_viewer_disconnections_total{reason="stalled"} 1');
    expect(metrics).toMatch(
      /sonoscope_viewer_dropped_messages_total\{stream="scope",channel="video"\} [1-9]/,
    );
  });

  it('not even pings is disconnected', async () => {
    const { server } = await start({ stallMs: 600 });
    const peer = open(server);
    await peer.opened();
    const healthy = open(server);
    await healthy.opened();
    peer.socket.pause();
    await until(() => server.viewers === 1, 'the silent viewer to be disconnected');
    expect(healthy.socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('starting', () => {
  it('on a port in use is refused with a code', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    closing.push(() => occupant.close());
    const { port } = occupant.address() as { port: number };
    await expect(serve({ port })).rejects.toMatchObject({ code: 'SONO_PORT_TAKEN', details: { port } });
  });

  it('on an address of another computer is refused with a code', async () => {
    await expect(serve({ host: '192.0.2.1', token: generateToken() })).rejects.toMatchObject({
      code: 'SONO_HOST_UNUSABLE',
    });
  });

  it('for other computers needs a token', async () => {
    await expect(serve({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'SONO_TOKEN_REQUIRED' });
  });

  it('binds to this computer only unless told otherwise', async () => {
    const { server } = await start();
    expect(server.host).toBe('127.0.0.1');
  });

  it('and ending says goodbye to viewers and frees the port', async () => {
    const { server } = await serve();
    const peer = open(server);
    await peer.opened();
    await server.close();
    expect(await peer.closed()).toBe(1001);
    const again = await startServer({
      port: server.port,
      rooms: new RoomRegistry(),
      logger: silent,
      version: '1',
    });
    await again.close();
  });
});

/** A file system of 64 KiB, where this user may make one. */
function tinyDisk(): string | null {
  const directory = mkdtempSync(join(tmpdir(), 'sonoscope-tiny-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    return null;
  }
  closing.push(() => execFileSync('umount', ['-l', directory]));
  return directory;
}

it('a full disk is said in words and leaves nothing half-written', async (context) => {
  const disk = tinyDisk();
  if (disk === null) return context.skip('only root may mount a small file system');
  const { server } = await start({ dataDir: disk });
  const post = async (path: string, body: BodyInit, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body, headers });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  expect(await post('/api/uploads?filename=big.mp4', Buffer.alloc(300 * 1024))).toMatchObject({
    status: 507,
    body: { code: 'SONO_UPLOAD_DISK_FULL' },
  });
  const report = {
    stream: 'scope',
    startedUnixMs: 0,
    durationMs: 1,
    display: { width: 1, height: 1, devicePixelRatio: 1 },
    clock: { roundTripMs: 1, uncertaintyMs: 1 },
    overlay: { samplesMs: Array.from({ length: 20_000 }, (_, index) => index + 0.123), neverPainted: 0 },
  };
  const json = { 'content-type': 'application/json' };
  expect(await post('/api/acceptance', JSON.stringify(report), json)).toMatchObject({
    status: 507,
    body: { code: 'SONO_REPORT_DISK_FULL' },
  });
  expect(readdirSync(disk, { recursive: true }).sort()).toEqual(['acceptance', 'uploads']);
  const small = { ...report, overlay: { samplesMs: [1, 2, 3], neverPainted: 0 } };
  expect((await post('/api/acceptance', JSON.stringify(small), json)).status).toBe(200);
});
