/** What masks of unknown making mean: one case per way in which people store them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { davisPalette, encodePng } from '../../export/png-codec.js';
import { nonZeroLabels, plainLabels, readingOf, readMask, tableLabels } from './mask-labels.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-masks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [width, height] = [80, 60];
let fileCount = 0;
type Values = (x: number, y: number) => number;

const pixels = (values: Values): number[] =>
  Array.from({ length: width * height }, (_, at) => values(at % width, Math.floor(at / width)));

function save(data: Uint8Array, ending: string): string {
  const path = join(folder, `${fileCount++}.${ending}`);
  writeFileSync(path, data);
  return path;
}

const grey = async (values: Values): Promise<string> =>
  save(await encodePng(Uint8Array.from(pixels(values)), width, height, null), 'png');
const indexed = async (values: Values, palette = davisPalette): Promise<string> =>
  save(await encodePng(Uint8Array.from(pixels(values)), width, height, palette), 'png');
const grey16 = async (values: Values): Promise<string> =>
  save(
    await sharp(Uint16Array.from(pixels(values)), { raw: { width, height, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer(),
    'png',
  );
const jpeg = async (values: Values): Promise<string> =>
  save(
    await sharp(Uint8Array.from(pixels(values)), { raw: { width, height, channels: 1 } })
      .jpeg({ quality: 95 })
      .toBuffer(),
    'jpg',
  );
const colours = async (values: Values): Promise<string> =>
  save(
    await sharp(Uint8Array.from(pixels(values).flatMap((v) => [v >> 16, (v >> 8) & 255, v & 255])), {
      raw: { width, height, channels: 3 },
    })
      .png()
      .toBuffer(),
    'png',
  );

const inDisk = (x: number, y: number): boolean => Math.hypot(x - 40, y - 30) < 15;
const disk: Values = (x, y) => (inDisk(x, y) ? 1 : 0);
/** Two objects: a disk and a bar. */
const two =
  (first: number, second: number): Values =>
  (x, y) =>
    inDisk(x, y) ? first : x < 10 ? second : 0;
const scaled =
  (values: Values, factor: number): Values =>
  (x, y) =>
    values(x, y) * factor;

/** Labels of the clip's masks, in the order in which they appear. */
async function labelsOf(...masks: readonly (string | null)[]): Promise<number[][]> {
  const { read } = await readingOf('clip', masks);
  const all: number[][] = [];
  for (const path of masks) if (path !== null) all.push([...read(await readMask(path), path)]);
  return all;
}

describe('one object', () => {
  const blank: Values = () => 0;
  const soft: Values = (x, y) => {
    const edge = 15 - Math.hypot(x - 40, y - 30);
    return Math.round(255 * Math.min(1, Math.max(0, edge / 3 + 0.5)));
  };
  it.each([
    ['0 and 255', () => grey(scaled(disk, 255))],
    ['0 and 1', () => grey(disk)],
    ['0 and 255 in sixteen bits', () => grey16(scaled(disk, 255))],
    ['0 and 65535', () => grey16(scaled(disk, 65535))],
    ['0 and 1 in sixteen bits', () => grey16(disk)],
    ['indices 0 and 255 of a palette', () => indexed(scaled(disk, 255))],
    ['JPEG, as Kvasir-SEG has it', () => jpeg(scaled(disk, 255))],
  ])('%s', async (_, make) => {
    expect(await labelsOf(await grey(blank), await make())).toEqual([pixels(blank), pixels(disk)]);
  });

  it('soft edges: from half the brightness on, whether they have few or many greys', async () => {
    const half: Values = (x, y) => (soft(x, y) >= 128 ? 1 : 0);
    const few: Values = (x, y) => Math.round(soft(x, y) / 51) * 51;
    for (const path of [await grey(soft), await grey(few)])
      expect(await labelsOf(path)).toEqual([pixels(half)]);
    expect((await readingOf('clip', [await grey(soft)])).words).toContain('soft edges');
    expect((await readingOf('clip', [await jpeg(scaled(disk, 255))])).words).toContain('JPEG');
    expect((await readingOf('clip', [await grey(disk)])).words).toBeNull();
  });
});

describe('several objects', () => {
  it.each([
    ['numbers', () => grey(two(1, 2)), two(1, 2)],
    ['numbers in sixteen bits', () => grey16(two(1, 2)), two(1, 2)],
    ['numbers and void', () => grey(two(3, 255)), two(3, 255)],
    ['numbers and void in sixteen bits', () => grey16(two(3, 255)), two(3, 255)],
    ['numbers beyond 255, exactly', () => grey16(two(1001, 1002)), two(1001, 1002)],
    ['numbers beyond 255, of which 255 is one', () => grey16(two(255, 300)), two(255, 300)],
    ['palette', () => indexed(two(1, 7)), two(1, 7)],
    ['palette and void', () => indexed(two(7, 255)), two(7, 255)],
    ['greys of classes', () => grey(two(50, 100)), two(50, 100)],
    [
      'greys of classes with white seams',
      () => grey((x) => [0, 11, 21, 31, 255, 50, 50, 50][Math.floor(x / 10)] ?? 0),
      (x: number) => [0, 11, 21, 31, 255, 50, 50, 50][Math.floor(x / 10)] ?? 0,
    ],
    ['forty numbers', () => grey((x) => 1 + (x % 40)), (x: number) => 1 + (x % 40)],
    ['colours, in the order of their numbers', () => colours(two(0xff0000, 0x00ff00)), two(2, 1)],
  ])('%s', async (_, make, expected) => {
    expect(await labelsOf(null, await make())).toEqual([pixels(expected)]);
  });

  it('are decided by all masks of the clip, not by the first', async () => {
    // Alone, the first one is one object, and then everything below half was background.
    const first = await grey(scaled(disk, 255));
    expect(await labelsOf(first, await grey(two(1, 2)))).toEqual([
      pixels(scaled(disk, 255)),
      pixels(two(1, 2)),
    ]);
    const wide = await grey16(two(255, 300));
    expect((await labelsOf(await grey16(two(255, 2)), wide))[0]).toEqual(pixels(two(255, 2)));
    const single = await colours((x, y) => (inDisk(x, y) ? 0xffffff : 0));
    expect((await labelsOf(single, await colours(two(0x0000ff, 0xffffff))))[0]).toEqual(
      pixels(scaled(disk, 2)),
    );
    const { words } = await readingOf('clip', [await colours(two(0x0000ff, 0xffffff))]);
    expect(words).toBe('each colour of the masks is an object: 1 is #0000ff, 2 is #ffffff');
  });
});

describe('masks without a clear meaning are refused, by name and in words', () => {
  it.each([
    ['labels as JPEG', () => jpeg(two(1, 2)), 'nothing in it is bright'],
    ['three levels as JPEG', () => jpeg(two(255, 128)), 'areas of the grey 12'],
    ['an object of 128 beside one (or void) of 255', () => grey(two(255, 128)), '128 and 255'],
    [
      'four classes, of which white may be one',
      () => grey((x) => [0, 0, 40, 80, 120, 160, 255, 255][Math.floor(x / 10)] ?? 0),
      '40, 80, 120, 160 and 255',
    ],
    [
      'two levels with soft edges',
      () => grey((x, y) => (x < 30 ? 128 : Math.min(255, Math.max(0, 16 * (x - 40) + (y % 8))))),
      'areas of grey',
    ],
    ['many colours', () => colours((x, y) => (inDisk(x, y) ? 0xff0000 + x * 256 + y : 0)), 'more than 32'],
    [
      'a palette with black behind white',
      () => indexed((x, y) => (inDisk(x, y) ? 0 : 1), Uint8Array.from([255, 255, 255, 0, 0, 0])),
      'black is not the first colour',
    ],
  ])('%s', async (_, make, reason) => {
    const path = await make();
    const refusal: unknown = await readingOf('clip 7', [path]).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'SONO_DATASET_MASK_UNCLEAR', details: { clip: 'clip 7', path } });
    expect(String(refusal)).toContain(reason);
  });

  it('also where a data set says what numbers mean', async () => {
    const red = await colours(scaled(disk, 0xff0000));
    const asJpeg = await jpeg(scaled(disk, 2));
    const table = tableLabels('clip', new Map([[1, 1]]));
    for (const path of [red, asJpeg])
      for (const read of [plainLabels('clip'), table]) {
        const mask = await readMask(path);
        expect(() => read(mask, path)).toThrow(/no clear meaning/);
      }
    const high = await grey16(scaled(disk, 257));
    const mask = await readMask(high);
    expect(() => table(mask, high)).toThrow('257');
    // What JPEG leaves around a white object is not part of it.
    const noisy = await jpeg(scaled(disk, 255));
    expect([...nonZeroLabels('clip')(await readMask(noisy), noisy)]).toEqual(pixels(disk));
  });
});
