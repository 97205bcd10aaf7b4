/** Single pictures of a DICOM series as one clip: which belong together, their order, their times, and what is written about them. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readFolderContents } from '../../../src/ingest/folder-contents.js';
import { expandInputs, identifyInput } from '../../../src/replay/input-item.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { Recording } from '../ingest/harness.js';
import { dicomFile, explicitLittleEndian, native, picture, rleLossless, type Fields } from './fixture.js';

const root = mkdtempSync(join(tmpdir(), 'sono-series-'));
afterAll(() => rmSync(root, { recursive: true }));

const ultrasound = '1.2.840.10008.5.1.4.1.1.6.1';
const [width, height] = [64, 48];
let made = 0;

interface Single {
  readonly name: string;
  /** Of the whole picture. */
  readonly grey: number;
  readonly series?: string;
  readonly number?: number;
  readonly more?: Fields;
  readonly size?: readonly [number, number];
}

function folderOf(singles: readonly Single[]): string {
  made += 1;
  const folder = join(root, `exam ${made}`);
  mkdirSync(folder);
  for (const [i, single] of singles.entries()) {
    const { name, grey, series = '1.2.3', number, more = {}, size = [width, height] } = single;
    const fields = picture(size[0], size[1], 'RGB', {
      '00080016': ['UI', ultrasound],
      '00080018': ['UI', `1.9.${made}.${i}`],
      '00080060': ['CS', 'US'],
      '0020000d': ['UI', '1.2'],
      '0020000e': ['UI', series],
      ...(number !== undefined && { '00200013': ['IS', String(number)] }),
      ...more,
    });
    writeFileSync(
      join(folder, name),
      dicomFile(explicitLittleEndian, fields, native(new Uint8Array(size[0] * size[1] * 3).fill(grey))),
    );
  }
  return folder;
}

async function played(uri: string): Promise<Recording> {
  const seen = new Recording(uri, { mode: 'replay' });
  await seen.over();
  return seen;
}
const greysOf = ({ analysis }: Recording): (number | undefined)[] => analysis.map(({ data }) => data[0]);
const timesOf = ({ analysis }: Recording): number[] => analysis.map(({ mediaNs }) => mediaNs / 1e6);
const clipsOf = async (folder: string): Promise<string[]> =>
  (await readFolderContents(folder)).clips.map(({ uri }) => basename(uri));

describe('pictures of one series', () => {
  it('are one clip in the order of their numbers, whatever they are called, with the times of acquisition', async () => {
    const folder = folderOf(
      [3, 1, 4, 2].map((number, i) => ({
        ...{ name: `IM${i}`, grey: number * 50, number },
        more: { '00080022': ['DA', '20240102'], '00080032': ['TM', `101112.${number}00000`] },
      })),
    );
    const [item, ...others] = await expandInputs([folder]);
    expect(others).toEqual([]);
    expect(item).toMatchObject({ clip: basename(folder), uri: `${folder}?series=1.2.3` });
    for (const uri of [`${folder}?series=1.2.3`, folder]) {
      const seen = await played(uri);
      expect(seen.outcome).toBe('complete');
      expect(greysOf(seen)).toEqual([50, 100, 150, 200]);
      expect(timesOf(seen)).toEqual([0, 100, 200, 300]);
      expect(seen.formats.at(-1)).toMatchObject({ frameCount: 4, framesPerSecond: 10 });
      expect(seen.formats.at(-1)?.description).toContain(
        'order by instance number; times by time of acquisition',
      );
    }
  });

  it.each<[string, (i: number) => Fields]>([
    ['temporal position', (i) => ({ '00200100': ['IS', `${9 - i}`], '00200013': ['IS', `${i}`] })],
    ['time of acquisition', (i) => ({ '0008002a': ['DT', `20240102101112.${9 - i}`] })],
    ['trigger time', (i) => ({ '00181060': ['DS', `${(9 - i) * 30}`] })],
    ['time of content', (i) => ({ '00080023': ['DA', '20240102'], '00080033': ['TM', `101112.${9 - i}`] })],
    ['place', (i) => ({ '00200032': ['DS', `0\\0\\${9 - i}`], '00200037': ['DS', '1\\0\\0\\0\\1\\0'] })],
  ])('are in the order of their %s', async (order, more) => {
    const folder = folderOf([0, 1, 2].map((i) => ({ name: `f${i}`, grey: 30 * (i + 1), more: more(i) })));
    const seen = await played(folder);
    expect(greysOf(seen)).toEqual([90, 60, 30]);
    expect(seen.formats.at(-1)?.description).toContain(`order by ${order}`);
  });

  it('have the order of their names and an assumed rate where the headers say nothing, and that is said', async () => {
    const folder = folderOf([10, 2, 1].map((i) => ({ name: `f${i}`, grey: 20 * i })));
    const seen = await played(folder);
    expect(greysOf(seen)).toEqual([20, 40, 200]);
    expect(timesOf(seen)).toEqual([0, 40, 80]);
    const { framesPerSecond, description } = seen.formats.at(-1) ?? {};
    expect(framesPerSecond).toBeNull();
    expect(description).toContain(
      'order by file name; no times in the files, 25 pictures per second assumed',
    );
  });

  it('have the frame time of the headers, and missing numbers are said', async () => {
    const folder = folderOf(
      [1, 2, 5].map((number) => ({
        name: `f${number}`,
        grey: 30,
        number,
        more: { '00181063': ['DS', '20'] },
      })),
    );
    const seen = await played(folder);
    expect(timesOf(seen)).toEqual([0, 20, 40]);
    expect(seen.formats.at(-1)?.description).toContain(
      '2 numbers in between are missing; times by frame time',
    );
  });

  it('are apart where series, size or scale differ, or where nothing was recorded for seconds; alone they keep their file', async () => {
    const spacing = (mm: number): Fields => ({ '00280030': ['DS', `${mm}\\${mm}`] });
    const folder = folderOf([
      { name: 'a1', grey: 10, number: 1 },
      { name: 'a2', grey: 20, number: 2 },
      { name: 'b1', grey: 30, number: 3, size: [32, 48] },
      { name: 'c1', grey: 40, number: 4, more: spacing(0.2) },
      { name: 'c2', grey: 50, number: 5, more: spacing(0.2) },
      { name: 'd1', grey: 60, number: 1, series: '1.2.4' },
      { name: 'd2', grey: 70, number: 2, series: '1.2.4' },
    ]);
    expect(await clipsOf(folder)).toEqual([
      `${basename(folder)}?series=1.2.3&part=1`,
      'b1',
      `${basename(folder)}?series=1.2.3&part=3`,
      `${basename(folder)}?series=1.2.4`,
    ]);
    const scaled = await played(`${folder}?series=1.2.3&part=3`);
    expect(greysOf(scaled)).toEqual([40, 50]);
    expect(scaled.formats.at(-1)?.calibration.whole).toEqual({ x: 0.2, y: 0.2 });
    const stills = folderOf(
      [12, 13, 40, 41].map((second, i) => ({
        ...{ name: `s${i}`, grey: 10 * i, number: i },
        more: { '00080022': ['DA', '20240102'], '00080032': ['TM', `1011${second}.0`] },
      })),
    );
    expect(await clipsOf(stills)).toEqual(
      [1, 2].map((part) => `${basename(stills)}?series=1.2.3&part=${part}`),
    );
  });

  it('of several places over time are a clip for each place', async () => {
    const folder = folderOf(
      [0, 1, 2, 3].map((i) => ({
        ...{ name: `f${i}`, grey: 40 * (i + 1), number: i },
        more: { '00200032': ['DS', `0\\0\\${i % 2}`], '00200037': ['DS', '1\\0\\0\\0\\1\\0'] },
      })),
    );
    expect(await clipsOf(folder)).toHaveLength(2);
    expect(greysOf(await played(`${folder}?series=1.2.3&part=2`))).toEqual([80, 160]);
  });

  it('leave out a copy, by name, and one that cannot be decoded, in their place', async () => {
    const folder = folderOf([1, 2, 3].map((number) => ({ name: `f${number}`, grey: 50 * number, number })));
    copyFileSync(join(folder, 'f2'), join(folder, 'f9'));
    expect((await readFolderContents(folder)).skipped).toEqual([
      { path: join(folder, 'f9'), reason: 'it holds the same picture as f2' },
    ]);
    const broken = picture(width, height, 'RGB', {
      '00080016': ['UI', ultrasound],
      '00080018': ['UI', '1.9.9'],
      '0020000e': ['UI', '1.2.3'],
      '00200013': ['IS', '2'],
    });
    rmSync(join(folder, 'f9'));
    writeFileSync(join(folder, 'f2'), dicomFile(rleLossless, broken, native(new Uint8Array(8))));
    const seen = await played(folder);
    expect(seen.analysis.map(({ sourceFrame }) => sourceFrame)).toEqual([0, 2]);
    expect(seen.lost.map(({ reason }) => reason.code)).toEqual(['SONO_SOURCE_PICTURES']);
  });

  it('share one range of grey where no window is given', async () => {
    const folder = join(root, 'grey');
    mkdirSync(folder);
    for (const [i, top] of [4000, 1000].entries()) {
      const samples = new Uint16Array(width * height).fill(500);
      samples[0] = top;
      samples[1] = 0;
      const fields = picture(width, height, 'MONOCHROME2', {
        '00080018': ['UI', `1.8.${i}`],
        '0020000e': ['UI', '1.2.3'],
        '00200013': ['IS', `${i}`],
        '00280100': ['US', 16],
        '00280101': ['US', 12],
        '00280106': ['US', 0],
        '00280107': ['US', top],
      });
      writeFileSync(
        join(folder, `g${i}`),
        dicomFile(explicitLittleEndian, fields, native(new Uint8Array(samples.buffer))),
      );
    }
    const seen = await played(folder);
    // 500 of 4000, in both.
    const last = seen.analysis.map(({ data }) => data.at(-1));
    expect(last).toEqual([32, 32]);
  });
});

describe('a folder', () => {
  it('of several recordings is refused with their number, and an unknown series by name', async () => {
    const folder = folderOf([
      { name: 'a', grey: 1, series: '1.2.3' },
      { name: 'b', grey: 2, series: '1.2.4' },
    ]);
    const refused = async (uri: string): Promise<unknown> => {
      const { outcome } = await played(uri);
      return typeof outcome === 'string' ? outcome : outcome.error;
    };
    expect(await refused(folder)).toMatchObject({ code: 'SONO_DICOM_CHOOSE', details: { count: 2 } });
    expect(await refused(`${folder}?series=1.2.9`)).toMatchObject({ code: 'SONO_DICOM_SERIES' });
    expect(await refused(`${folder}?series=abc`)).toMatchObject({ code: 'SONO_SOURCE_URI' });
  });

  it('is known by the pictures of its series alone, and by which they are', async () => {
    const folder = folderOf([1, 2].map((number) => ({ name: `f${number}`, grey: number, number })));
    const uri = `${folder}?series=1.2.3`;
    const before = await identifyInput(uri);
    expect(before.names).toEqual(['f1', 'f2']);
    writeFileSync(join(folder, 'notes.txt'), 'more');
    expect(await identifyInput(uri)).toEqual(before);
    rmSync(join(folder, 'f2'));
    expect((await identifyInput(uri)).sha256).not.toBe(before.sha256);
  });

  it('gives what is written every object to refer to', async () => {
    const folder = folderOf([2, 1].map((number, i) => ({ name: `f${i}`, grey: number, number })));
    for (const uri of [folder, `${folder}?series=1.2.3`])
      expect(await replayTools.readDicomReference(uri)).toMatchObject({
        ...{ seriesInstanceUid: '1.2.3', studyInstanceUid: '1.2', sopClassUid: ultrasound },
        instances: [`1.9.${made}.1`, `1.9.${made}.0`],
      });
  });
});
