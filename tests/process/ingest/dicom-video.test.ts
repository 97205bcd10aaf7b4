/** Video inside DICOM as a source: by its own process, live and in replay, through kills and passes, leaving nothing on the disk. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { probeSource } from '../../../src/ingest/index.js';
import { dicomFile, encapsulated, sequence } from '../dicom/fixture.js';
import { header, inPieces, made, pictures, size, syntax, videoObject } from '../dicom/video-fixture.js';
import { Recording, sourceChildren } from './harness.js';

vi.setConfig({ testTimeout: 240_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-dicom-video-'));
const at = (name: string): string => join(folder, name);
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};
const quick = { firstBackoffMs: 100, longestBackoffMs: 400 };
/** Pictures of the long video, 40 ms each by its header, 30 a second by its stream. */
const many = 240;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

beforeAll(async () => {
  const h264 = ['-c:v', 'libx264', '-g', '12', '-bf', '3', '-pix_fmt', 'yuv420p'];
  const stream = await made(at('short.264'), ...h264);
  const region = sequence({
    '00186012': ['US', 1],
    '00186018': ['UL', 10],
    '0018601a': ['UL', 20],
    '0018601c': ['UL', 99],
    '0018601e': ['UL', 79],
    '00186024': ['US', 3],
    '00186026': ['US', 3],
    '0018602c': ['FD', 0.02],
    '0018602e': ['FD', 0.02],
  });
  writeFileSync(at('short.dcm'), videoObject('102', stream, { '00186011': ['SQ', region] }));
  writeFileSync(at('missing.dcm'), videoObject('102', stream, { '00280008': ['IS', '30'] }));
  // Without the ending, as archives name their files.
  const long = Buffer.concat(numbers(many / pictures).map(() => stream));
  const fields = header({ '00280008': ['IS', String(many)], '00181063': ['DS', '40'] });
  writeFileSync(at('long'), dicomFile(syntax('102.1'), fields, encapsulated(inPieces(long, 5000))));
}, 60_000);
afterEach(() => open.splice(0).forEach((recording) => recording.close()));
afterAll(() => rmSync(folder, { recursive: true }));

async function killChild(): Promise<void> {
  const [child] = await sourceChildren();
  if (child === undefined) throw new Error('no child');
  process.kill(child, 'SIGKILL');
}

describe('video inside DICOM', () => {
  it('is answered for, with its scale', async () => {
    const format = await probeSource(at('short.dcm'));
    expect(format).toMatchObject({ size, framesPerSecond: 30 });
    expect(format.calibration.regions).toMatchObject([{ x0: 10, x1: 100, spacingMm: { x: 0.2, y: 0.2 } }]);
    expect(format.description).toContain('H.264');
  });

  it('replays every picture at the header’s times', async () => {
    const seen = record(at('long'), { mode: 'replay' });
    await seen.over();
    expect(seen.outcome).toBe('complete');
    for (const frames of [seen.analysis, seen.display]) {
      expect(frames.map(({ sourceFrame }) => sourceFrame)).toEqual(numbers(many));
      expect(frames.map(({ mediaNs }) => mediaNs)).toEqual(numbers(many).map((n) => n * 40e6));
    }
  });

  it('says at its end what is missing', async () => {
    const seen = record(at('missing.dcm'), { mode: 'replay' });
    await seen.over();
    expect(seen.lost.map(({ reason }) => reason.code)).toEqual(['SONO_SOURCE_DAMAGED']);
    expect(seen.outcome).toBe('complete');
    expect(seen.analysis).toHaveLength(pictures);
  });

  it('begins again and again live, every pass with the numbers of the first', async () => {
    const seen = record(at('short.dcm'), { loop: true });
    await seen.until('in the third pass', () => (seen.display.at(-1)?.discontinuity ?? 0) >= 2);
    const perPicture = 33_333_333;
    for (const { mediaNs, sourceFrame } of seen.display) expect(mediaNs).toBe(sourceFrame * perPicture);
    const stamps = seen.display.map(({ ptsNs }) => ptsNs);
    expect(stamps.every((ns, n) => n === 0 || ns > (stamps[n - 1] ?? 0))).toBe(true);
  });

  it('goes on after kill -9 where it was, and nothing of it is ever on the disk under a name', async () => {
    const room = mkdtempSync(join(folder, 'room-'));
    vi.stubEnv('TMPDIR', room);
    try {
      const live = record(at('long'), {}, quick);
      await live.until('under way', () => (live.display.at(-1)?.mediaNs ?? 0) > 2.2e9);
      expect(readdirSync(room)).toEqual([]);
      await killChild();
      await live.until('lost', () => live.lost.length > 0);
      expect(readdirSync(room)).toEqual([]);
      const count = live.display.length;
      const before = live.display.at(-1)?.sourceFrame ?? 0;
      await live.until('back', () => live.display.length > count + 5);
      for (const { mediaNs, sourceFrame } of live.display) expect(mediaNs).toBe(sourceFrame * 40e6);
      expect(live.display[count]?.sourceFrame).toBeGreaterThan(before);
      live.close();

      const seen = record(at('long'), { mode: 'replay', displayQuality: null }, quick);
      await seen.until('under way', () => seen.analysis.length > 60);
      seen.source.pause(true);
      await killChild();
      seen.source.pause(false);
      await seen.over();
      expect(seen.outcome).toBe('complete');
      expect(seen.lost.length).toBeGreaterThan(0);
      expect(seen.analysis.map(({ sourceFrame }) => sourceFrame)).toEqual(numbers(many));
      expect(seen.analysis.every(({ ptsNs, sourceFrame }) => ptsNs === sourceFrame * 40e6)).toBe(true);
      expect(readdirSync(room)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
