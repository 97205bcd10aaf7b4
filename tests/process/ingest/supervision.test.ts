/** What happens to a stream when its process dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChildMessage, ParentMessage } from '../../../src/ingest/messages.js';
import { RecordParser } from '../../../src/ingest/records.js';
import { parseSourceUri } from '../../../src/ingest/source-uri.js';
import { StreamClock } from '../../../src/ingest/stream-clock.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { clip, eventually, gst, isRunning, Recording, sourceChildren } from './harness.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-kill-'));
const path = join(folder, 'clip.mp4');
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};
const quick = { firstBackoffMs: 100, longestBackoffMs: 400 };

beforeAll(() => clip(path, 500, 'width=160,height=120,framerate=25/1'), 60_000);
afterEach(() => open.splice(0).forEach((recording) => recording.close()));
afterAll(() => rmSync(folder, { recursive: true }));

async function killChild(): Promise<void> {
  const [child] = await sourceChildren();
  if (child === undefined) throw new Error('no child');
  process.kill(child, 'SIGKILL');
}

describe('kill -9 of the stream process', () => {
  it('live: lost with a reason, then on from where it was, frames numbered as before', async () => {
    const seen = record(path, {}, quick);
    await seen.until('past two seconds', () => (seen.display.at(-1)?.mediaNs ?? 0) > 2.2e9);
    await killChild();
    await seen.until('lost', () => seen.lost.length > 0);
    const before = seen.display.at(-1);
    const count = seen.display.length;
    expect(seen.lost[0]).toMatchObject({ phase: 'lost', attempt: 1 });
    expect(seen.lost[0]?.reason).toMatchObject({ code: 'SONO_SOURCE_CRASHED', details: { how: 'SIGKILL' } });
    expect(seen.lost[0]?.sinceNs).toBeGreaterThan(before?.captureNs ?? Infinity);
    await seen.until('back', () => seen.display.length > count + 5);
    expect(seen.states.at(-1)?.phase).toBe('playing');
    const after = seen.display[count];
    expect(after?.ptsNs).toBeGreaterThan(before?.ptsNs ?? Infinity);
    // Seeks go to whole seconds.
    expect(after?.mediaNs).toBeGreaterThanOrEqual(2e9);
    expect(after?.mediaNs).toBeLessThanOrEqual((before?.mediaNs ?? 0) + 1e9);
    for (const frame of seen.display.slice(count)) expect(frame.mediaNs).toBe(frame.sourceFrame * 40e6);
  });

  it('replay: nothing is missing and nothing comes twice', async () => {
    const seen = record(path, { mode: 'replay', displayQuality: null }, quick);
    await seen.until('under way', () => seen.analysis.length > 60);
    seen.source.pause(true);
    await killChild();
    seen.source.pause(false);
    await seen.over();
    expect(seen.lost.length).toBeGreaterThan(0);
    expect(seen.analysis.map((frame) => frame.sourceFrame)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(seen.analysis.every((frame) => frame.ptsNs === frame.sourceFrame * 40e6)).toBe(true);
  });

  it('synthetic: goes on with the next frame', async () => {
    const seen = record('synthetic:counter?width=64&height=64', {}, quick);
    await seen.until('playing', () => seen.display.length > 20);
    await killChild();
    await seen.until('lost', () => seen.lost.length > 0);
    const before = Math.max(...seen.display.concat().map((frame) => frame.sourceFrame));
    const count = seen.display.length;
    await seen.until('back', () => seen.display.length > count);
    expect(seen.display[count]?.sourceFrame).toBeGreaterThan(before);
    expect(seen.display[count]?.sourceFrame).toBeLessThan(before + 60);
  });

  it('backs off while it dies again and again, and gives a hopeless source up', async () => {
    const seen = record(path, {}, { firstBackoffMs: 20, longestBackoffMs: 50 });
    let deaths = 0;
    while (seen.outcome === 'open' && deaths < 20) {
      await eventually(
        'started or over',
        async () => seen.outcome !== 'open' || (await sourceChildren()).length > 0,
      );
      if (seen.outcome !== 'open') break;
      await killChild().catch(() => undefined);
      deaths += 1;
      const attempt = seen.lost.length;
      await eventually('noticed', () =>
        Promise.resolve(seen.outcome !== 'open' || seen.lost.length > attempt),
      );
      // A slow killer may have let a frame through; then it is not hopeless, only unlucky.
      if (seen.display.length > 0) return;
    }
    expect(seen.errorCode).toBe('SONO_SOURCE_CRASHED');
    expect(seen.lost.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  });
});

describe('a stream process that stands still', () => {
  it('is ended and started again, and says so; the passes of a loop go on', async () => {
    const seen = record(path, { loop: true }, { ...quick, silenceMs: 1500 });
    await seen.until('past two seconds', () => (seen.display.at(-1)?.mediaNs ?? 0) > 2.2e9);
    const [child] = await sourceChildren();
    process.kill(child as number, 'SIGSTOP');
    await seen.until('lost', () => seen.lost.length > 0);
    expect(seen.lost[0]?.reason).toMatchObject({ code: 'SONO_SOURCE_STALLED', details: { seconds: 1.5 } });
    const count = seen.display.length;
    const before = seen.display.at(-1);
    await seen.until('back', () => seen.display.length > count + 5);
    expect(await isRunning(child as number)).toBe(false);
    expect(seen.states.at(-1)?.phase).toBe('playing');
    expect(seen.display[count]?.ptsNs).toBeGreaterThan(before?.ptsNs ?? Infinity);
    for (const frame of seen.display.slice(count)) expect(frame.mediaNs).toBe(frame.sourceFrame * 40e6);
  });

  it('is not blamed when nobody on this machine got a processor', async () => {
    const seen = record(path, { loop: true }, { ...quick, silenceMs: 3000 });
    await seen.until('playing', () => seen.display.length > 5);
    const [child] = await sourceChildren();
    process.kill(child as number, 'SIGSTOP');
    // This process does nothing either, for longer than the watchdog waits.
    const end = Date.now() + 5000;
    while (Date.now() < end);
    process.kill(child as number, 'SIGCONT');
    const count = seen.display.length;
    await seen.until('on', () => seen.display.length > count + 20);
    expect(seen.lost).toEqual([]);
    expect(await sourceChildren()).toEqual([child]);
  });

  it('is told from one that waits for a picture that is due later', async () => {
    const slow = join(folder, 'gap.mp4');
    const part = (frames: number, rate: string): string =>
      `videotestsrc num-buffers=${frames} ! video/x-raw,format=I420,width=160,height=120,framerate=${rate} ! join. `;
    await gst(
      `concat name=join ! x264enc key-int-max=5 speed-preset=ultrafast ! mp4mux ! filesink location=${slow} ` +
        `${part(5, '25/1')}${part(2, '1/9')}${part(5, '25/1')}`,
    );
    const folderOfTwo = join(folder, 'pictures');
    mkdirSync(folderOfTwo);
    for (const name of ['1.png', '2.png'])
      await sharp({ create: { width: 64, height: 48, channels: 3, background: 'grey' } }).toFile(
        join(folderOfTwo, name),
      );
    for (const source of [slow, `${folderOfTwo}?fps=0.11`]) {
      const seen = record(source, {}, { ...quick, silenceMs: 4000 });
      await seen.over();
      expect(seen.outcome).toBe('complete');
      expect(seen.lost).toEqual([]);
      const times = seen.analysis.map(({ ptsNs }) => ptsNs);
      expect(Math.max(...times.slice(1).map((time, n) => time - (times[n] as number)))).toBeGreaterThan(8e9);
    }
  });
});

describe('a short clip in a loop on a busy machine', () => {
  it('shows every one of many passes, each frame delivered or counted, by one process', async () => {
    const frameCount = 5;
    const short = join(folder, 'short.mp4');
    await clip(short, frameCount, 'width=160,height=120,framerate=25/1');
    // Nobody else gets a core for himself.
    const busy = Array.from({ length: cpus().length }, () =>
      spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' }),
    );
    try {
      const passes = 52;
      const seen = record(short, { loop: true });
      await seen.until('past its passes', () => (seen.display.at(-1)?.discontinuity ?? 0) > passes, 240_000);
      const children = await sourceChildren();
      expect(children).toHaveLength(1);
      expect(seen.states.map(({ phase }) => phase)).toEqual(['starting', 'playing']);
      for (const [branch, frames] of [
        ['display-queue', seen.display],
        ['analysis-queue', seen.analysis],
      ] as const) {
        const complete = frames.filter(({ discontinuity }) => discontinuity < passes);
        const places = complete.map(
          ({ discontinuity, sourceFrame }) => discontinuity * frameCount + sourceFrame,
        );
        expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
        expect(places.length + (seen.dropped.get(branch) ?? 0)).toBeGreaterThanOrEqual(passes * frameCount);
        expect(complete.every(({ sourceFrame, mediaNs }) => mediaNs === sourceFrame * 40e6)).toBe(true);
      }
      const shown = new Set([...seen.display, ...seen.analysis].map(({ discontinuity }) => discontinuity));
      for (let pass = 0; pass < passes; pass += 1) expect(shown).toContain(pass);
    } finally {
      for (const process of busy) process.kill('SIGKILL');
    }
  }, 300_000);
});

describe('a process that goes on behind the last picture', () => {
  // Its forerunner died after the last picture, before its last word.
  it.each([['behind it', 18, 500] as const, ['from the beginning', 0, 500] as const])(
    'reads %s and says that the recording is over, not that it is no video',
    async (_where, seekSeconds, nextSourceFrame) => {
      const child = spawn(process.execPath, [join(packageRoot, 'dist/src/ingest/child.js')], {
        stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
      });
      const gone = once(child, 'close');
      const words = new RecordParser('s');
      const said: ChildMessage[] = [];
      const tell = (message: ParentMessage): void => {
        child.stdin?.write(`${JSON.stringify(message)}\n`);
      };
      (child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
        words.push(chunk);
        for (let record = words.take(); record !== null; record = words.take()) {
          expect(record.kind).toBe('message');
          if (record.kind !== 'message') continue;
          const message = record.message as ChildMessage;
          said.push(message);
          if (message.kind === 'format') tell({ kind: 'join', place: new StreamClock(0).place(false) });
        }
      });
      const seen = Array.from({ length: 500 - 25 * seekSeconds }, (_, n): [number, number] => {
        const frame = 25 * seekSeconds + n;
        return [frame * 40e6, frame];
      });
      tell({
        kind: 'open',
        request: {
          ...{ address: parseSourceUri(path), mode: 'replay', loop: false, displayQuality: null },
          analysisSize: { width: 64, height: 64 },
          resume: { seekSeconds, zeroPtsNs: 0, seen, nextSourceFrame },
        },
      });
      await gone;
      expect(said.at(-1)).toEqual({ kind: 'ended', damage: null });
    },
  );
});

describe('kill -9 of the parent', () => {
  it('leaves no stream process behind', async () => {
    const entry = pathToFileURL(join(packageRoot, 'dist/src/ingest/index.js')).href;
    const script = `
      const { createSource } = await import(${JSON.stringify(entry)});
      createSource('synthetic:counter?width=64&height=64')
        .open({ streamId: 'x', analysisSize: null, displayQuality: 80, mode: 'live', loop: false })
        .subscribe((event) => event.kind === 'display' && console.log('frame'));`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const [child] = await sourceChildren(parent.pid);
    if (child === undefined) throw new Error('no child');
    parent.kill('SIGKILL');
    // A dead process that nobody has waited for yet still has an entry, in state Z.
    await eventually('gone', async () => !(await isRunning(child)));
  });
});
