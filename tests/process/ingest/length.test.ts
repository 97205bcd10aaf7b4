/** How long the picture of a file is, whatever its sound does: real muxers, and files that were cut or changed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { promisedSeconds, readPictureLength } from '../../../src/ingest/video-length.js';
import { gst, Recording } from './harness.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-length-'));
const at = (name: string): string => join(folder, name);
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};

const frames = 43;
/** Muxer by the name of the file. B-frames: the last picture is not the last one stored. */
const muxers: Readonly<Record<string, string>> = {
  'fast.mp4': 'mp4mux faststart=true',
  'plain.mov': 'qtmux',
  'fragments.mp4': 'mp4mux fragment-duration=400',
  'index.mkv': 'matroskamux',
  'tags.flv': 'flvmux',
  'stream.ts': 'mpegtsmux',
  'frames.avi': 'avimux',
};
const names = Object.keys(muxers);

beforeAll(async () => {
  const roomy = 'queue max-size-time=0 max-size-buffers=0 max-size-bytes=0';
  for (const name of names) {
    // AVI has no time for a picture that is shown later than the next.
    const order = name.endsWith('.avi') ? '' : ' bframes=2';
    await gst(
      `${muxers[name]} name=mux ! filesink location=${at(name)} ` +
        `videotestsrc num-buffers=${frames} ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ` +
        `! x264enc key-int-max=12 speed-preset=veryfast${order} ! h264parse ! ${roomy} ! mux. ` +
        // Six seconds of sound on less than two of picture.
        `audiotestsrc num-buffers=258 samplesperbuffer=1024 ! audio/x-raw,rate=44100 ! avenc_aac ! ${roomy} ! mux.`,
    );
  }
}, 120_000);
afterEach(() => open.splice(0).forEach((recording) => recording.close()));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file whose sound is longer than its picture', () => {
  it.each(names)('%s: has as many frames as it says, and is not taken for damaged', async (name) => {
    const seen = record(at(name), { mode: 'replay', displayQuality: null });
    await seen.over();
    expect(seen.analysis).toHaveLength(frames);
    // AVI has no times of display: nobody can tell whether its first pictures can be decoded, so it promises no number.
    const promised = name.endsWith('.avi') ? null : frames;
    expect(seen.formats.map(({ frameCount }) => frameCount)).toEqual([promised]);
    expect(seen.lost).toEqual([]);
    expect(seen.outcome).toBe('complete');
  });

  it('loops over its picture', async () => {
    const seen = record(at('fast.mp4'), { loop: true });
    await seen.until('in its third pass', () => (seen.display.at(-1)?.discontinuity ?? 0) >= 2);
    expect(seen.lost).toEqual([]);
  });
});

describe('a file that was cut', () => {
  it.each(names.filter((name) => !['stream.ts', 'plain.mov'].includes(name)))(
    '%s: says so at its end, and promises no more than it has',
    async (name) => {
      const whole = readFileSync(at(name));
      const cut = at(`cut-${name}`);
      writeFileSync(cut, whole.subarray(0, Math.floor(whole.length * 0.6)));
      const seen = record(cut, { mode: 'replay', displayQuality: null });
      await seen.over();
      expect(seen.analysis.length).toBeGreaterThan(0);
      expect(seen.lost.map(({ reason }) => reason.code)).toEqual(['SONO_SOURCE_DAMAGED']);
      expect(seen.outcome).toBe('complete');
      expect(seen.formats[0]?.frameCount ?? 0).toBeLessThanOrEqual(frames);
    },
  );

  it('or changed anywhere, has a length or none, and is never anything worse', async () => {
    const changed = at('changed');
    for (const name of names) {
      const whole = readFileSync(at(name));
      const place = fc.oneof(
        fc.nat(whole.length - 1),
        fc.nat(1500),
        fc.nat(1500).map((n) => whole.length - 1 - n),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.nat(whole.length),
          fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 4 }),
          async (length, changes) => {
            const bytes = Buffer.from(whole);
            for (const [position, value] of changes) bytes[Math.max(0, position)] = value;
            writeFileSync(changed, bytes.subarray(0, changes.length === 0 ? length : undefined));
            const found = await readPictureLength(changed);
            if (found !== null && found.seconds !== null) {
              expect(found.seconds).toBeGreaterThan(0);
              expect(Number.isFinite(found.seconds)).toBe(true);
            }
          },
        ),
        { numRuns: 60 },
      );
    }
  });
});

it('takes the nearer word: own tables before the whole file', () => {
  expect(promisedSeconds(null, 6)).toBe(6);
  expect(promisedSeconds(null, -1)).toBeNull();
  expect(promisedSeconds({ seconds: 2, cut: null }, 6)).toBe(2);
  expect(promisedSeconds({ seconds: 2, cut: null }, -1)).toBe(2);
  expect(promisedSeconds({ seconds: 6.01, cut: null }, 6)).toBe(6);
  expect(promisedSeconds({ seconds: null, cut: null }, 6)).toBe(6);
  // A stream without an index: nobody knows.
  expect(promisedSeconds({ seconds: null, cut: false }, 6)).toBeNull();
});
