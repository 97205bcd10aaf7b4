import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPairs, pairResults, viewsOf } from './biplane-pairs.js';
import { echoSummary } from './echo-summary.js';
import type { InputItem } from './input-item.js';
import type { Outcome } from './outcome.js';

const item = (uri: string, clip = uri): InputItem => ({ clip, uri, kind: 'source', stream: null });
const refused = expect.objectContaining({ code: 'SONO_REPLAY_PAIR' }) as Error;

describe('pairs by names', () => {
  it('differ in the view alone, however it is written, in one folder', () => {
    const names = ['a/p1_4CH_seq.nii', 'a/p1_2CH_seq.nii', 'b/case-A4C.dcm', 'b/case-a2c.dcm', 'b/other.mp4'];
    const pairs = findPairs(
      names.map((name) => item(name)),
      'names',
    );
    expect(pairs).toEqual([
      { a4c: 'a/p1_4CH_seq.nii', a2c: 'a/p1_2CH_seq.nii' },
      { a4c: 'b/case-A4C.dcm', a2c: 'b/case-a2c.dcm' },
    ]);
    expect(viewsOf(pairs).get('b/case-a2c.dcm')).toBe('a2c');
  });

  it('are refused where nobody can tell them apart', () => {
    const of =
      (...names: string[]) =>
      () =>
        findPairs(
          names.map((name) => item(name)),
          'names',
        );
    expect(of('a/x.mp4', 'a/y.mp4')).toThrow(refused);
    expect(of('a/p1_A4C.mp4', 'b/p1_A2C.mp4')).toThrow(refused);
    expect(of('a/p1_A4C.mp4', 'a/p2_A2C.mp4')).toThrow(refused);
    expect(of('a/p_4CH.mp4', 'a/p_A4C.mp4', 'a/p_2CH.mp4')).toThrow(refused);
    expect(of('a/2ch_of_4ch.mp4', 'a/x_2ch.mp4')).toThrow(refused);
  });
});

it('pairs in order come in twos', () => {
  expect(findPairs([item('x'), item('y')], 'order')).toEqual([{ a4c: 'x', a2c: 'y' }]);
  expect(() => findPairs([item('x'), item('y'), item('z')], 'order')).toThrow(refused);
});

describe('what a pair gives', () => {
  let out = '';
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'sono-pairs-'));
  });
  afterEach(() => rm(out, { recursive: true, force: true }));

  /** Cylinders of 80 mm that narrow to 80 %: they throw 36 %. */
  async function report(clip: string, diameter: number, unit: string, beats: number): Promise<Outcome> {
    const disks = (share: number) => ({
      length: 80,
      diameters: Array.from({ length: 20 }, () => diameter * share),
    });
    await mkdir(join(out, clip));
    const file = join(out, clip, 'echo.json');
    const beat = { heartRate: 60, irregularRhythm: false, endDiastole: disks(1), endSystole: disks(0.8) };
    await writeFile(
      file,
      JSON.stringify({
        units: { length: unit },
        beats: { accepted: beats, rejected: 0, reasons: {} },
        ejectionFraction: {
          ...{ median: 36, lowest: 36, highest: 36, lastShown: null },
          reason: beats === 0 ? 'the left ventricle was not seen' : '',
        },
        disks: Array.from({ length: beats }, () => beat),
      }),
    );
    return { item: item(clip), summary: { files: [file] } as unknown as Outcome['summary'], error: null };
  }
  const pairs = [{ a4c: 'four', a2c: 'two' }];

  it('is a number with its interval, in biplane.json and in both lines of the summary', async () => {
    const outcomes = [await report('four', 40, 'mm', 3), await report('two', 50, 'mm', 4)];
    const [result] = await pairResults(out, outcomes, pairs);
    const told = JSON.parse(result?.text ?? '') as Record<string, unknown>;
    expect(told).toMatchObject({
      clips: { a4c: 'four', a2c: 'two' },
      ejectionFraction: { value: 36, unit: '%' },
      endDiastolicVolume: { value: Number((((Math.PI / 4) * 40 * 50 * 80) / 1000).toFixed(2)), unit: 'mL' },
      ...{ beats: { a4c: 3, a2c: 4 }, reason: '' },
    });
    expect(told['interval']).toContain('not calibrated');
    const table = (await echoSummary(out, outcomes, result ? [result] : [])) ?? '';
    const [, four, two] = table.split('\r\n').map((line) => line.split(','));
    expect(four?.slice(12, 15)).toEqual(['a4c', 'two', '36.00']);
    expect(two?.slice(12, 15)).toEqual(['a2c', 'four', '36.00']);
  });

  it('is a reason where a view has no beat or no scale', async () => {
    const outcomes = [await report('four', 40, 'mm', 3), await report('two', 50, 'mm', 0)];
    const [result] = await pairResults(out, outcomes, pairs);
    expect(result?.present.reason).toBe(
      'the apical two-chamber view has no number: the left ventricle was not seen',
    );
    await rm(join(out, 'two'), { recursive: true });
    const pixels = [outcomes[0] as Outcome, await report('two', 50, 'px', 3)];
    expect((await pairResults(out, pixels, pairs))[0]?.present.reason).toContain('no scale in millimetres');
  });
});
