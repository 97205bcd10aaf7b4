/** Recorded files through real FFmpeg processes: the same bytes every time, numbers after a crash, what a file must not do. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnalysisFrame, DisplayFrame } from '../../../src/vocabulary/frame.js';
import { Recording, sourceChildren } from './harness.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'sono-recorded-'));
const at = (name: string): string => join(folder, name);
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};
const busy: ChildProcess[] = [];

const make = (name: string, source: string, ...codec: string[]): Promise<unknown> =>
  run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...codec, at(name)]);

beforeAll(async () => {
  await make(
    'plain.mp4',
    'testsrc2=size=640x360:rate=25:duration=3',
    '-c:v',
    'libx264',
    '-pix_fmt',
    'yuv420p',
  );
  // A width that is no multiple of 16.
  await make('narrow.mkv', 'testsrc2=size=454x340:rate=25:duration=2', '-c:v', 'ffv1', '-pix_fmt', 'yuv420p');
  await make('rgb.avi', 'testsrc2=size=330x242:rate=25:duration=1', '-c:v', 'png', '-pix_fmt', 'rgb24');
  await make(
    'woven.ts',
    'testsrc2=size=352x288:rate=50:duration=2,interlace',
    '-c:v',
    'mpeg2video',
    '-flags',
    '+ilme+ildct',
    '-q:v',
    '3',
  );
  await make(
    'long.mpg',
    'testsrc2=size=160x120:rate=25:duration=14',
    '-c:v',
    'mpeg2video',
    '-g',
    '12',
    '-bf',
    '2',
    '-f',
    'vob',
  );
  await make(
    'long.mp4',
    'testsrc2=size=160x120:rate=25:duration=14',
    '-c:v',
    'libx264',
    '-bf',
    '2',
    '-g',
    '50',
    '-pix_fmt',
    'yuv420p',
  );
}, 120_000);
afterEach(() => {
  open.splice(0).forEach((recording) => recording.close());
  busy.splice(0).forEach((child) => child.kill('SIGKILL'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const digest = ({ data }: AnalysisFrame | DisplayFrame): string =>
  createHash('sha256').update(data).digest('hex');

describe('the same file', () => {
  it.each(['plain.mp4', 'narrow.mkv', 'rgb.avi', 'woven.ts'])(
    '%s: gives the same bytes on a busy machine, in replay and live',
    async (name) => {
      const read = async (mode: 'replay' | 'live'): Promise<Recording> => {
        const seen = record(at(name), { mode, analysisSize: { width: 448, height: 256 } });
        await seen.over();
        return seen;
      };
      const quiet = await read('replay');
      const pictures = quiet.display.map(digest);
      const analysed = quiet.analysis.map(digest);
      expect(pictures.length).toBeGreaterThan(20);
      for (let n = 0; n < cpus().length + 1; n += 1)
        busy.push(spawn(process.execPath, ['-e', 'for (;;) Math.random()'], { stdio: 'ignore' }));
      for (let n = 0; n < 3; n += 1) {
        const again = await read('replay');
        expect(again.display.map(digest)).toEqual(pictures);
        expect(again.analysis.map(digest)).toEqual(analysed);
      }
      const live = await read('live');
      expect(live.display.length).toBeGreaterThan(0);
      for (const frame of live.display) expect(digest(frame)).toBe(pictures[frame.sourceFrame]);
      for (const frame of live.analysis) expect(digest(frame)).toBe(analysed[frame.sourceFrame]);
    },
    120_000,
  );

  it('has nothing in its JPEG from behind the rows of a width that is no multiple of 16', async () => {
    const seen = record(at('narrow.mkv'), {
      mode: 'replay',
      displayQuality: 95,
      analysisSize: { width: 454, height: 340 },
    });
    await seen.over();
    for (const [n, { data, size }] of seen.display.entries()) {
      expect(size).toEqual({ width: 454, height: 340 });
      const jpeg = await sharp(data).raw().toBuffer({ resolveWithObject: true });
      expect([jpeg.info.width, jpeg.info.height]).toEqual([454, 340]);
      // The last columns are as near to the true picture as any others.
      const rgb = seen.analysis[n]?.data ?? new Uint8Array();
      const difference = (from: number, to: number): number => {
        let sum = 0;
        for (let y = 0; y < 340; y += 1)
          for (let x = from; x < to; x += 1)
            for (let c = 0; c < 3; c += 1)
              sum += Math.abs((jpeg.data[3 * (y * 454 + x) + c] ?? 0) - (rgb[3 * (y * 454 + x) + c] ?? 0));
        return sum / (to - from);
      };
      expect(difference(446, 454)).toBeLessThan(2 * difference(200, 446) + 500);
    }
  });
});

describe('the decoder of a file dies', () => {
  it.each(['long.mp4', 'long.mpg'])('%s: frames are numbered on as if nothing had been', async (name) => {
    const whole = record(at(name), { mode: 'replay', displayQuality: null });
    await whole.over();
    expect(whole.analysis).toHaveLength(350);
    const truth = whole.analysis.map(digest);
    const seen = record(
      at(name),
      { mode: 'replay', displayQuality: null },
      { firstBackoffMs: 50, longestBackoffMs: 100 },
    );
    await seen.until('far in', () => seen.analysis.length > 200);
    seen.source.pause(true);
    const [reader] = await sourceChildren();
    await run('pkill', ['-KILL', '-P', String(reader), 'ffmpeg']);
    seen.source.pause(false);
    await seen.over();
    expect(seen.lost.map(({ reason }) => reason.code)).toEqual(['SONO_SOURCE_CRASHED']);
    expect(seen.analysis.map(({ sourceFrame }) => sourceFrame)).toEqual(truth.map((_, n) => n));
    expect(seen.analysis.map(digest)).toEqual(truth);
    expect(seen.analysis.map(({ mediaNs }) => mediaNs)).toEqual(whole.analysis.map(({ mediaNs }) => mediaNs));
  });
});

describe('what a file must not do', () => {
  it('open an address, whatever it holds and whatever it is called', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/part.ts`;
    const texts: Record<string, string> = {
      'playlist.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${url}\n#EXT-X-ENDLIST\n`,
      'playlist.mp4': `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${url}\n#EXT-X-ENDLIST\n`,
      'local-list.mkv': `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nplain.mp4\n#EXT-X-ENDLIST\n`,
      'session.sdp':
        'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 45678 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
      // Pictures somewhere inside make no video: a recording in MCAP, a PDF, an archive.
      'recording.mcap': `\x89MCAP0\r\n${'x'.repeat(300)}`,
      'list.ffconcat': `ffconcat version 1.0\nfile '${at('plain.mp4')}'\n`,
      'manifest.mpd': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${url}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    };
    const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const jpegs = Array.from({ length: 20 }, () => [jpeg, Buffer.alloc(40, 'y')]).flat();
    for (const [name, text] of Object.entries(texts)) {
      writeFileSync(
        at(name),
        name.endsWith('.mcap') ? Buffer.concat([Buffer.from(text, 'latin1'), ...jpegs]) : text,
      );
      const seen = record(at(name), { mode: 'replay' });
      await seen.over();
      expect([name, seen.errorCode]).toEqual([name, 'SONO_SOURCE_NOT_VIDEO']);
    }
    expect(asked).toBe(0);
    server.close();
  });

  it('hold a replay for ever: a reader that stands still ends with what was waited for', async () => {
    // FFmpeg's own name for a program that never answers.
    mkdirSync(at('bin'));
    writeFileSync(at('bin/ffmpeg'), '#!/bin/sh\nexec sleep 60\n');
    chmodSync(at('bin/ffmpeg'), 0o755);
    const path = process.env['PATH'];
    process.env['PATH'] = `${at('bin')}${delimiter}${path ?? ''}`;
    try {
      const seen = record(at('plain.mp4'), { mode: 'replay' }, { silenceMs: 1500 });
      await seen.over();
      expect(seen.errorCode).toBe('SONO_SOURCE_NO_ANSWER');
    } finally {
      process.env['PATH'] = path;
    }
  });
});

it.each([
  ['mpeg2video', '-bf', '0'],
  ['libx264', '-bf', '2'],
])('a size that changes on the way costs no picture: %s', async (...codec) => {
  const [name, ...more] = codec;
  await make(
    'large.ts',
    'testsrc2=size=320x240:rate=25:duration=1',
    '-c:v',
    name,
    ...more,
    '-pix_fmt',
    'yuv420p',
  );
  await make(
    'small.ts',
    'testsrc2=size=160x120:rate=25:duration=1',
    '-c:v',
    name,
    ...more,
    '-pix_fmt',
    'yuv420p',
  );
  writeFileSync(at('sizes.ts'), Buffer.concat([readFileSync(at('large.ts')), readFileSync(at('small.ts'))]));
  const { stdout } = await run('ffmpeg', [
    '-v',
    'quiet',
    '-i',
    at('sizes.ts'),
    ...['-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framecrc', '-'],
  ]);
  const pictures = stdout.split('\n').filter((line) => /^\d/.test(line)).length;
  const seen = record(at('sizes.ts'), { mode: 'replay' });
  await seen.over();
  expect(pictures).toBeGreaterThan(45);
  expect(seen.analysis).toHaveLength(pictures);
});

it('an animated GIF plays once and ends', async () => {
  await make('anim.gif', 'testsrc2=size=96x64:rate=10:duration=1');
  const seen = record(at('anim.gif'), { mode: 'replay' });
  await seen.over();
  expect(seen.analysis.map(({ mediaNs }) => mediaNs)).toEqual(Array.from({ length: 10 }, (_, n) => n * 1e8));
});
