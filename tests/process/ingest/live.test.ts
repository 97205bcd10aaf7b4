/** Cameras: a real RTSP server (GStreamer's, run by the system Python), SRT over loopback, silence, and devices that are absent. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { AnalysisFrame } from '../../../src/vocabulary/frame.js';
import { probeSource } from '../../../src/ingest/index.js';
import { Recording } from './harness.js';

const quick = { firstBackoffMs: 200, longestBackoffMs: 400 };
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};
const helpers: ChildProcess[] = [];
const servers: Server[] = [];

/** Start the RTSP server and give its port; a fixed port brings one back to where it was. */
async function rtspServer(...args: string[]): Promise<{ port: number; process: ChildProcess }> {
  const script = fileURLToPath(new URL('./rtsp-server.py', import.meta.url));
  const server = spawn('/usr/bin/python3', [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  helpers.push(server);
  const line = await new Promise<string>((resolve) =>
    createInterface({ input: server.stdout }).once('line', resolve),
  );
  return { port: Number(line), process: server };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

afterEach(() => open.splice(0).forEach((recording) => recording.close()));
afterAll(() => {
  for (const helper of helpers) helper.kill('SIGKILL');
  for (const server of servers) server.close();
});

/** How many samples stick out of both rows beside them in the same direction. */
function comb({ data, size }: AnalysisFrame): number {
  const at = (x: number, y: number): number => data[3 * (y * size.width + x)] ?? 0;
  let count = 0;
  for (let y = 1; y + 1 < size.height; y += 1)
    for (let x = 0; x < size.width; x += 1) {
      const above = at(x, y) - at(x, y - 1);
      const below = at(x, y) - at(x, y + 1);
      if (Math.min(Math.abs(above), Math.abs(below)) > 60 && above > 0 === below > 0) count += 1;
    }
  return count;
}

describe('RTSP', () => {
  it.each(['tcp', 'udp'])('plays over %s', async (transport) => {
    const { port, process: server } = await rtspServer();
    const seen = record(`rtsp://127.0.0.1:${port}/stream#transport=${transport}`, {}, quick);
    await seen.until('showing both', () => seen.display.length > 15 && seen.analysis.length > 5);
    expect(seen.formats[0]).toMatchObject({ size: { width: 160, height: 120 }, frameCount: null });
    expect(seen.display.at(-1)?.captureNs).toBeLessThanOrEqual(seen.display.at(-1)?.decodedNs ?? 0);
    server.kill('SIGKILL');
  });

  it('joined between two key pictures: says that it waits, and shows nothing that is not whole', async () => {
    const { port } = await rtspServer('--gop', '100');
    const address = `rtsp://127.0.0.1:${port}/stream`;
    const first = record(address, {}, quick);
    await first.until('playing', () => first.display.length > 30);
    const second = record(address, { displayQuality: 95 }, quick);
    await second.until('playing', () => second.display.length > 10);
    expect(second.lost.map(({ reason }) => reason.code)).toEqual(['SONO_SOURCE_KEY_AWAITED']);
    expect(second.display[0]?.sourceFrame).toBeLessThan(6);
    // Whatever was never received is drawn in middle grey; the test picture is a white ball on black.
    for (const { data } of second.display) {
      const { channels } = await sharp(data).stats();
      expect(channels[0]?.mean).toBeLessThan(60);
    }
  });

  it('woven of two fields: plays at one picture for one, without a comb', async () => {
    const { port } = await rtspServer('--interlaced');
    const seen = record(
      `rtsp://127.0.0.1:${port}/stream`,
      { analysisSize: { width: 160, height: 120 } },
      quick,
    );
    await seen.until('playing', () => seen.analysis.length > 30);
    expect(seen.lost).toEqual([]);
    expect(seen.formats[0]).toMatchObject({ size: { width: 160, height: 120 }, framesPerSecond: 25 });
    const off = record(
      `rtsp://127.0.0.1:${port}/stream#deinterlace=off`,
      { analysisSize: { width: 160, height: 120 } },
      quick,
    );
    await off.until('playing', () => off.analysis.length > 30);
    // Rows that differ from both their neighbours in the same direction; in the woven picture the ball's edge is all that.
    expect(Math.max(...seen.analysis.slice(5).map(comb))).toBeLessThan(
      Math.max(...off.analysis.slice(5).map(comb)) / 3,
    );
  });

  it('killed in the middle: lost with the reason, then back under the same stream, time running on', async () => {
    const port = String(await freePort());
    const first = await rtspServer('--port', port);
    const seen = record(`rtsp://127.0.0.1:${port}/stream`, {}, { ...quick, silenceMs: 8000 });
    await seen.until('playing', () => seen.display.length > 5);
    first.process.kill('SIGKILL');
    await seen.until('lost', () => seen.lost.length > 0);
    expect(seen.lost[0]?.reason.code).toBe('SONO_SOURCE_STOPPED');
    await seen.until('refused', () => seen.lost.some(({ reason }) => reason.code === 'SONO_SOURCE_REFUSED'));
    expect(new Set(seen.lost.map(({ sinceNs }) => sinceNs)).size).toBe(1);
    const before = seen.display.at(-1);
    await rtspServer('--port', port);
    await seen.until('back', () => (seen.display.at(-1)?.discontinuity ?? 0) > 0);
    expect(seen.states.at(-1)?.phase).toBe('playing');
    const after = seen.display.find((frame) => frame.discontinuity > 0);
    expect(after?.ptsNs).toBeGreaterThan(before?.ptsNs ?? Infinity);
    expect(after?.streamId).toBe(before?.streamId);
    // Stream time is capture time: the gap is in it.
    expect((after?.ptsNs ?? 0) - (before?.ptsNs ?? 0)).toBe(
      (after?.captureNs ?? 0) - (before?.captureNs ?? 0),
    );
  });

  it('has a code for a wrong password, a missing one, and a stream that is not there', async () => {
    const { port } = await rtspServer('--user', 'nurse:secret');
    const at = (login: string, path = 'stream'): string => `rtsp://${login}127.0.0.1:${port}/${path}`;
    await expect(probeSource(at('nurse:secret@'))).resolves.toMatchObject({
      size: { width: 160, height: 120 },
    });
    for (const login of ['', 'nurse:wrong@'])
      await expect(probeSource(at(login))).rejects.toMatchObject({ code: 'SONO_SOURCE_UNAUTHORIZED' });
    await expect(probeSource(at('nurse:secret@', 'other'))).rejects.toMatchObject({
      code: 'SONO_SOURCE_NOT_FOUND',
    });
    const seen = record(at('nurse:wrong@'));
    await seen.over();
    expect(seen.errorCode).toBe('SONO_SOURCE_UNAUTHORIZED');
    expect(seen.summary()).not.toContain('wrong@');
  });

  it('refused: a probe says so, a room waits for the camera', async () => {
    const uri = `rtsp://127.0.0.1:${await freePort()}/stream`;
    await expect(probeSource(uri)).rejects.toMatchObject({ code: 'SONO_SOURCE_REFUSED' });
    const seen = record(uri, {}, quick);
    await seen.until('tried thrice', () => seen.lost.length >= 3);
    expect(seen.lost.map(({ attempt }) => attempt).slice(0, 3)).toEqual([1, 2, 3]);
    expect(seen.outcome).toBe('open');
  });

  it('silent: a server that accepts and never answers is given up by the watchdog', async () => {
    const server = createServer(() => undefined);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const seen = record(`rtsp://127.0.0.1:${port}/stream`, {}, { ...quick, silenceMs: 1500 });
    await seen.until('lost', () => seen.lost.length > 0);
    expect(seen.lost[0]?.reason).toMatchObject({ code: 'SONO_SOURCE_SILENT', details: { seconds: 1.5 } });
  });
});

describe('SRT', () => {
  it('plays, and notices when the sender stops', async () => {
    const port = await freePort();
    const sender = spawn(
      'gst-launch-1.0',
      (
        '-q videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! ' +
        'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! mpegtsmux alignment=7 ! ' +
        `srtsink uri=srt://127.0.0.1:${port}?mode=listener wait-for-connection=false`
      ).split(' '),
      { stdio: 'ignore' },
    );
    helpers.push(sender);
    const seen = record(`srt://127.0.0.1:${port}`, {}, { ...quick, silenceMs: 8000 });
    await seen.until('playing', () => seen.display.length > 10);
    sender.kill('SIGKILL');
    const lostBefore = seen.lost.length;
    await seen.until('lost', () => seen.lost.length > lostBefore);
    expect(seen.states.at(-1)?.phase).toBe('lost');
  });
});

describe('devices that are not there', () => {
  it.each([
    ['v4l2:///dev/video97', 'SONO_SOURCE_DEVICE_ABSENT'],
    // It exists, but is no camera.
    ['v4l2:///dev/null', 'SONO_SOURCE_DEVICE_ABSENT'],
    ['decklink://7', 'SONO_SOURCE_DEVICE_ABSENT'],
  ])('%s', async (uri, code) => {
    const seen = record(uri);
    await seen.over();
    expect(seen.errorCode).toBe(code);
  });
});
