/** Files through a real child process and real GStreamer: frames, times, loops, replay, and every kind of broken file. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { probeSource } from '../../../src/ingest/index.js';
import { clip, decodersOf, eventually, gst, namedThreads, Recording, sourceChildren } from './harness.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-files-'));
const at = (name: string): string => join(folder, name);
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};

beforeAll(async () => {
  await clip(at('ok.mp4'), 30, 'width=160,height=120,framerate=25/1');
  await clip(at('long.mp4'), 250, 'width=160,height=120,framerate=25/1');
  await clip(at('first.ts'), 15, 'width=160,height=120,framerate=25/1', 'mpegtsmux');
  for (const [name, format, colorimetry] of [
    ['422.mkv', 'Y42B', 'bt709'],
    ['444.mkv', 'Y444', 'bt709'],
    // Range 1: full, 2: limited; matrix 4: BT.601, 3: BT.709.
    ['bt601-limited.mkv', 'I420', '2:4:5:4'],
    ['bt709-limited.mkv', 'I420', '2:3:5:1'],
    ['bt601-full.mkv', 'I420', '1:4:0:0'],
  ] as const)
    await gst(
      `videotestsrc num-buffers=30 ! video/x-raw,format=${format},width=160,height=120,framerate=25/1,` +
        `colorimetry=${colorimetry} ! avenc_ffv1 ! matroskamux ! filesink location=${at(name)}`,
    );
  await clip(at('second.ts'), 60, 'width=320,height=180,framerate=25/1', 'mpegtsmux');
}, 120_000);
afterEach(() => open.splice(0).forEach((recording) => recording.close()));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file', () => {
  it('is told in both branches with the same times, in order, then ends', async () => {
    const seen = record(at('ok.mp4'));
    await seen.over();
    expect(seen.outcome).toBe('complete');
    expect(seen.states.map(({ phase }) => phase)).toEqual(['starting', 'playing', 'ended']);
    expect(seen.formats).toEqual([
      expect.objectContaining({ size: { width: 160, height: 120 }, framesPerSecond: 25, frameCount: 30 }),
    ]);
    // A busy machine may drop, but every frame is either there or counted.
    expect(seen.display.length + (seen.dropped.get('display-queue') ?? 0)).toBe(30);
    expect(seen.analysis.length + (seen.dropped.get('analysis-queue') ?? 0)).toBe(30);
    const byFrame = new Map(seen.display.map((frame) => [frame.sourceFrame, frame]));
    let twins = 0;
    for (const frame of seen.analysis) {
      expect(frame.data).toHaveLength(64 * 48 * 3);
      expect(frame.mediaNs).toBe(frame.sourceFrame * 40e6);
      const twin = byFrame.get(frame.sourceFrame);
      if (twin === undefined) continue;
      twins += 1;
      expect([twin.ptsNs, twin.captureNs, twin.mediaNs, twin.discontinuity]).toEqual([
        frame.ptsNs,
        frame.captureNs,
        frame.mediaNs,
        frame.discontinuity,
      ]);
    }
    expect(twins).toBeGreaterThan(0);
    for (const frames of [seen.display, seen.analysis])
      frames
        .slice(1)
        .forEach((frame, i) => expect(frame.ptsNs).toBeGreaterThan(frames[i]?.ptsNs ?? Infinity));
    for (const frame of seen.display) {
      expect(frame.decodedNs).toBeGreaterThanOrEqual(frame.captureNs);
      expect(frame.encodedNs).toBeGreaterThanOrEqual(frame.decodedNs);
    }
    const offsets = new Set(seen.display.map((frame) => frame.captureNs - frame.ptsNs));
    expect(offsets.size).toBe(1);
  });

  it.each([
    // One colour sample for four pixels is all the first one has; the others' are not thinned out.
    ['ok.mp4', '4:2:0'],
    ['422.mkv', '4:4:4'],
    ['444.mkv', '4:4:4'],
  ])('keeps the colour resolution of %s in its JPEG: %s', async (name, chromaSubsampling) => {
    const seen = record(at(name), { loop: true });
    // The first picture may be made before the source's pixel format is known; then it has all the colour there can be.
    await seen.until('displayed', () => seen.display.length > 8);
    const kinds = await Promise.all(
      seen.display.map(async ({ data }) => (await sharp(data).metadata()).chromaSubsampling),
    );
    expect(kinds.at(-1)).toBe(chromaSubsampling);
    expect(['4:4:4', chromaSubsampling]).toContain(kinds[0]);
    expect((await sharp(seen.display.at(-1)?.data).metadata()).width).toBe(160);
  });

  it('gives frames that own their memory', async () => {
    const seen = record(at('ok.mp4'));
    await seen.until('displayed', () => seen.display.length > 0 && seen.analysis.length > 0);
    for (const { data } of [seen.display[0], seen.analysis[0]] as { data: Uint8Array }[]) {
      expect(data.byteOffset).toBe(0);
      expect(data.buffer.byteLength).toBe(data.length);
      expect(
        structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] }).byteLength,
      ).toBeGreaterThan(0);
    }
  });

  it.each(['ok.mp4', 'bt601-limited.mkv', 'bt709-limited.mkv', 'bt601-full.mkv', '444.mkv'])(
    'shows the same colours in both branches: %s',
    async (name) => {
      const seen = record(at(name), {
        analysisSize: { width: 160, height: 120 },
        displayQuality: 95,
        mode: 'replay',
      });
      await seen.over();
      const jpeg = await sharp(seen.display[3]?.data).raw().toBuffer();
      const rgb = seen.analysis[3]?.data;
      if (rgb === undefined) throw new Error('no frame');
      // The flat upper bars of the test picture, without their edges and the noise below.
      let difference = 0;
      let pixels = 0;
      for (let y = 5; y < 70; y += 1)
        for (let x = 0; x < 160; x += 1) {
          if (x % 23 < 4 || x % 23 > 19) continue;
          pixels += 1;
          for (let c = 0; c < 3; c += 1)
            difference += Math.abs((jpeg[3 * (y * 160 + x) + c] ?? 0) - (rgb[3 * (y * 160 + x) + c] ?? 0));
        }
      expect(difference / pixels / 3).toBeLessThan(4);
    },
  );

  it('loops without a gap: passes count up, source frames begin again, ptsNs goes on', async () => {
    const seen = record(at('ok.mp4'), { loop: true });
    await seen.until('in its third pass', () => (seen.display.at(-1)?.discontinuity ?? 0) >= 2);
    for (const pass of [0, 1]) {
      const frames = seen.display
        .filter((frame) => frame.discontinuity === pass)
        .map((frame) => frame.sourceFrame);
      expect(frames[0]).toBeLessThan(10);
      expect(frames).toEqual([...frames].sort((a, b) => a - b));
      expect(Math.max(...frames)).toBe(29);
    }
    seen.display
      .slice(1)
      .forEach((frame, i) => expect(frame.ptsNs).toBeGreaterThan(seen.display[i]?.ptsNs ?? Infinity));
    expect(seen.states.map(({ phase }) => phase)).toEqual(['starting', 'playing']);
  });

  it('loops also where the container cannot seek', async () => {
    const seen = record(at('first.ts'), { loop: true });
    await seen.until('in its second pass', () => (seen.display.at(-1)?.discontinuity ?? 0) >= 1);
    expect(seen.display.filter((frame) => frame.discontinuity === 1)[0]?.sourceFrame).toBeLessThan(10);
    expect(seen.lost).toEqual([]);
  });

  it('replays every frame in order with media time as PTS, twice the same', async () => {
    const passes = [record(at('long.mp4'), { mode: 'replay' }), record(at('long.mp4'), { mode: 'replay' })];
    for (const seen of passes) {
      await seen.over();
      expect(seen.display.map((frame) => frame.sourceFrame)).toEqual(
        Array.from({ length: 250 }, (_, n) => n),
      );
      expect(seen.analysis.map((frame) => frame.ptsNs)).toEqual(
        Array.from({ length: 250 }, (_, n) => n * 40e6),
      );
      expect([...seen.dropped]).toEqual([]);
    }
    const [first, second] = passes;
    expect(
      first?.analysis.every(
        (frame, n) => Buffer.compare(frame.data, second?.analysis[n]?.data ?? Buffer.of()) === 0,
      ),
    ).toBe(true);
  });

  it('holds still in replay while the consumer pauses, and goes on without loss', async () => {
    const seen = record(at('long.mp4'), { mode: 'replay', displayQuality: null });
    await seen.until('started', () => seen.analysis.length >= 10);
    seen.source.pause(true);
    const held = seen.analysis.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(seen.analysis.length).toBe(held);
    expect(held).toBeLessThan(250);
    seen.source.pause(false);
    await seen.over();
    expect(seen.analysis.map((frame) => frame.sourceFrame)).toEqual(Array.from({ length: 250 }, (_, n) => n));
  });

  it.runIf(process.platform === 'linux')('is decoded ahead behind the frames that are due', async () => {
    const normal = getPriority();
    // Longer than what fits into the pipe: its decoder is there for as long as the file plays.
    const seen = record(at('long.mp4'));
    await seen.until('playing', () => seen.display.length > 5);
    const [reader = 0] = await sourceChildren();
    for (const element of ['decoded:', 'displayqueue:', 'analysisqueue:'])
      expect(
        namedThreads(reader).flatMap(({ name, niceness }) => (name.startsWith(element) ? [niceness] : [])),
      ).toEqual([normal]);
    const decoders = await decodersOf(reader);
    expect(decoders).not.toEqual([]);
    for (const niceness of decoders) expect(niceness).toBeGreaterThan(normal);
  });

  it('ends its process when nobody listens any more', async () => {
    const seen = record(at('long.mp4'));
    await seen.until('playing', () => seen.display.length > 0);
    expect(await sourceChildren()).not.toEqual([]);
    seen.close();
    await eventually('without children', async () => (await sourceChildren()).length === 0);
  });
});

describe('unusual pictures', () => {
  it.each([
    ['odd sizes', 'odd.mkv', 'width=321,height=243,framerate=25/1', { width: 321, height: 243 }],
    [
      'oblong pixels',
      'par.mkv',
      'width=160,height=120,framerate=25/1,pixel-aspect-ratio=3/2',
      { width: 240, height: 120 },
    ],
  ])('%s', async (_, name, caps, size) => {
    // Motion JPEG: H.264 encoders refuse odd sizes.
    await gst(
      `videotestsrc num-buffers=5 ! video/x-raw,format=I420,${caps} ! jpegenc ! matroskamux ! filesink location=${at(name)}`,
    );
    const seen = record(at(name), { mode: 'replay', analysisSize: { width: 33, height: 21 } });
    await seen.over();
    expect(seen.formats[0]?.size).toEqual(size);
    expect(seen.display.at(-1)?.size).toEqual(size);
    expect(await sharp(seen.display.at(-1)?.data).metadata()).toMatchObject(size);
    expect(seen.analysis).toHaveLength(5);
    expect(seen.analysis[0]?.data).toHaveLength(33 * 21 * 3);
  });

  it('a varying frame rate: true times, every frame numbered', async () => {
    await gst(
      `videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! identity drop-probability=0.4 ! jpegenc ! matroskamux ! filesink location=${at('vfr.mkv')}`,
    );
    const replayed = record(at('vfr.mkv'), { mode: 'replay' });
    await replayed.over();
    const times = replayed.analysis.map((frame) => frame.mediaNs);
    expect(new Set(times.slice(1).map((time, i) => time - (times[i] ?? 0))).size).toBeGreaterThan(1);
    expect(replayed.analysis.map((frame) => frame.sourceFrame)).toEqual(times.map((_, n) => n));
    const live = record(at('vfr.mkv'));
    await live.over();
    for (const frame of live.display) expect(frame.mediaNs).toBe(times[frame.sourceFrame]);
  });

  it('8K', async () => {
    await gst(
      `videotestsrc num-buffers=2 ! video/x-raw,width=7680,height=4320,framerate=25/1 ! jpegenc quality=40 ! matroskamux ! filesink location=${at('8k.mkv')}`,
    );
    const seen = record(at('8k.mkv'), { mode: 'replay' });
    await seen.over();
    expect(seen.formats[0]?.size).toEqual({ width: 7680, height: 4320 });
    expect([seen.display.length, seen.analysis.length]).toEqual([2, 2]);
  });

  it('one point', async () => {
    await gst(
      `videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=1,height=1,framerate=25/1 ! avenc_ffv1 ! matroskamux ! filesink location=${at('one.mkv')}`,
    );
    const seen = record(at('one.mkv'), { mode: 'replay', analysisSize: { width: 4, height: 4 } });
    await seen.over();
    expect(seen.formats[0]?.size).toEqual({ width: 1, height: 1 });
    expect([seen.display.length, seen.analysis.length]).toEqual([3, 3]);
  });

  it('a changing size: the first one stays, and the change is said', async () => {
    writeFileSync(
      at('change.ts'),
      Buffer.concat([readFileSync(at('first.ts')), readFileSync(at('second.ts'))]),
    );
    const seen = record(at('change.ts'));
    await seen.until('told', () =>
      seen.formats.some(({ description }) => description.includes('changed to 320 × 180')),
    );
    await seen.over();
    expect(new Set(seen.display.map(({ size }) => `${size.width}x${size.height}`))).toEqual(
      new Set(['160x120']),
    );
    expect(seen.formats.every(({ size }) => size.width === 160)).toBe(true);
  });
});

describe('broken files', () => {
  it('have a code each', async () => {
    writeFileSync(at('zero.mp4'), '');
    writeFileSync(at('text.mp4'), 'This is not a video.\n'.repeat(20));
    const junk = (seed: string): Buffer =>
      createHash('shake256', { outputLength: 20_000 }).update(seed).digest();
    writeFileSync(at('junk.mkv'), junk('junk'));
    // Some bytes after a bracket are taken for the text of a song, which plays without a word of an error.
    writeFileSync(at('song-text.mkv'), Buffer.concat([Buffer.from('['), junk('junk 1')]));
    await gst(`audiotestsrc num-buffers=20 ! wavenc ! filesink location=${at('sound.wav')}`);
    await gst(
      `avimux name=mux ! filesink location=${at('codec.avi')} videotestsrc num-buffers=30 ! video/x-raw,width=160,height=120 ` +
        '! x264enc ! mux. audiotestsrc num-buffers=40 ! audioconvert ! mux.',
    );
    writeFileSync(
      at('codec.avi'),
      Buffer.from(readFileSync(at('codec.avi'), 'latin1').replaceAll('H264', 'ZZ99'), 'latin1'),
    );
    await clip(at('index-last.mp4'), 30, 'width=160,height=120,framerate=25/1', 'mp4mux');
    const whole = readFileSync(at('index-last.mp4'));
    writeFileSync(at('no-index.mp4'), whole.subarray(0, Math.floor(whole.length / 2)));
    const codes: Record<string, string | null> = {};
    for (const name of [
      'missing.mp4',
      'zero.mp4',
      'text.mp4',
      'junk.mkv',
      'song-text.mkv',
      'sound.wav',
      'codec.avi',
      'no-index.mp4',
    ]) {
      const seen = record(at(name));
      await seen.over().catch((error: unknown) => {
        throw new Error(name, { cause: error });
      });
      codes[name] = seen.errorCode;
      expect(seen.display).toEqual([]);
    }
    expect(codes).toEqual({
      'missing.mp4': 'SONO_SOURCE_MISSING',
      'zero.mp4': 'SONO_SOURCE_EMPTY',
      'text.mp4': 'SONO_SOURCE_NOT_VIDEO',
      'junk.mkv': 'SONO_SOURCE_NOT_VIDEO',
      'song-text.mkv': 'SONO_SOURCE_NO_PICTURE',
      'sound.wav': 'SONO_SOURCE_NO_PICTURE',
      'codec.avi': 'SONO_SOURCE_CODEC',
      'no-index.mp4': 'SONO_SOURCE_DAMAGED',
    });
  });

  it('cut in the middle: what is there is played, then the end is said', async () => {
    const whole = readFileSync(at('long.mp4'));
    writeFileSync(at('cut.mp4'), whole.subarray(0, Math.floor(whole.length / 3)));
    const seen = record(at('cut.mp4'), { mode: 'replay' });
    await seen.over();
    expect(seen.outcome).toBe('complete');
    expect(seen.display.length).toBeGreaterThan(10);
    expect(seen.display.length).toBeLessThan(240);
    expect(seen.states.map((state) => (state.phase === 'lost' ? state.reason.code : state.phase))).toEqual([
      'starting',
      'playing',
      'SONO_SOURCE_DAMAGED',
      'ended',
    ]);
  });
});

describe('probing', () => {
  it('tells the format of a good file and the code of a bad one, and leaves no process', async () => {
    await expect(probeSource(at('ok.mp4'))).resolves.toMatchObject({ size: { width: 160, height: 120 } });
    await expect(probeSource(at('nowhere.mp4'))).rejects.toMatchObject({ code: 'SONO_SOURCE_MISSING' });
    await expect(probeSource('gopher://x')).rejects.toMatchObject({ code: 'SONO_SOURCE_URI' });
    await eventually('without children', async () => (await sourceChildren()).length === 0);
  });
});
