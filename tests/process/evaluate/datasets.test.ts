/** Readers of data sets: each published layout in small, generated here, and what is said when a layout is wrong. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvRecords, parseCsv } from '../../../src/formats/csv-table.js';
import {
  datasetKinds,
  type Clip,
  type Dataset,
  type DatasetKind,
} from '../../../src/evaluate/datasets/dataset.js';
import { fillTracing } from '../../../src/evaluate/datasets/echonet.js';
import { openDataset } from '../../../src/evaluate/datasets/index.js';
import { readNifti } from '../../../src/formats/nifti-reader.js';
import { davisPalette, encodePng } from '../../../src/export/png-codec.js';
import { runPython } from '../../python-env.js';

const [width, height] = [24, 18];
const defaults = { task: 'binary', subset: null } as const;
const base = mkdtempSync(join(tmpdir(), 'sonoscope-datasets-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

type Values = (x: number, y: number) => number;

async function file(path: string, data: Uint8Array | string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  return Promise.resolve();
}

const pixels = (values: Values): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, at) => values(at % width, Math.floor(at / width)));

const grey = async (path: string, values: Values): Promise<void> =>
  file(path, await encodePng(pixels(values), width, height, null));
const indexed = async (path: string, values: Values): Promise<void> =>
  file(path, await encodePng(pixels(values), width, height, davisPalette));
async function colour(
  path: string,
  values: (x: number, y: number) => readonly [number, number, number],
): Promise<void> {
  const data = Uint8Array.from(
    Array.from({ length: width * height }, (_, at) => values(at % width, Math.floor(at / width))).flat(),
  );
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  await file(path, png);
}
const picture = async (path: string): Promise<void> =>
  file(
    path,
    await sharp({ create: { width, height, channels: 3, background: { r: 10, g: 120, b: 240 } } })
      .toFormat(path.endsWith('.png') ? 'png' : 'jpeg')
      .toBuffer(),
  );

/** A box that moves with the frame, filled with `value`. */
const moving =
  (frame: number, value: number): Values =>
  (x, y) =>
    x >= 4 + frame && x < 12 + frame && y >= 5 && y < 11 ? value : 0;

async function clipOf(dataset: Dataset, index = 0): Promise<Clip> {
  const handle = dataset.clips[index];
  if (handle === undefined) throw new Error('no such clip');
  return handle.open();
}

/** Distinct labels per frame, and how many pixels each has. */
async function labelCounts(clip: Clip): Promise<Record<number, number>[]> {
  const counts: Record<number, number>[] = [];
  for await (const { rgb, truth } of clip.frames({ width: 32, height: 32 })) {
    expect(rgb).toHaveLength(32 * 32 * 3);
    const count: Record<number, number> = {};
    for (const value of truth?.data ?? []) if (value > 0) count[value] = (count[value] ?? 0) + 1;
    counts.push(count);
  }
  return counts;
}

/** Annotated pixels of each frame. */
async function annotatedPixels(clip: Clip): Promise<number[]> {
  const counts: number[] = [];
  for await (const { truth } of clip.frames({ width: 32, height: 32 }))
    counts.push([...(truth?.data ?? [])].filter((value) => value > 0).length);
  return counts;
}

describe('folder', () => {
  it('reads binary masks, in natural order, at any depth', async () => {
    const root = join(base, 'folder');
    for (const frame of [0, 1, 2, 9, 10]) {
      await picture(join(root, 'a/b/frames', `f${frame}.jpg`));
      await grey(
        join(root, 'a/b/masks', `f${frame}.png`),
        moving(frame === 10 ? 4 : 0, frame === 0 ? 0 : 255),
      );
    }
    const dataset = openDataset('folder', root, defaults);
    expect(dataset.clips.map(({ name }) => name)).toEqual(['a/b']);
    const clip = await clipOf(dataset);
    expect(clip).toMatchObject({ frameCount: 5, size: { width, height }, framesPerSecond: null });
    expect(clip.picturePaths?.at(-1)).toContain('f10.jpg');
    expect(await labelCounts(clip)).toEqual([{}, { 1: 48 }, { 1: 48 }, { 1: 48 }, { 1: 48 }]);
    // The root itself may be the clip.
    expect(openDataset('folder', join(root, 'a/b'), defaults).clips.map(({ name }) => name)).toEqual(['b']);
  });

  it('reads palette indices and small grey labels with void, and blurred masks as one object', async () => {
    const root = join(base, 'labels');
    await picture(join(root, 'palette/frames/0.png'));
    await indexed(join(root, 'palette/masks/0.png'), (x) => (x < 3 ? 255 : x < 8 ? 1 : x < 10 ? 7 : 0));
    await picture(join(root, 'small/frames/0.png'));
    await grey(join(root, 'small/masks/0.png'), (x) => (x < 3 ? 255 : x < 8 ? 1 : x < 10 ? 2 : 0));
    await picture(join(root, 'soft/frames/0.png'));
    await grey(join(root, 'soft/masks/0.png'), (x, y) => Math.min(255, 11 * x + y));
    const dataset = openDataset('folder', root, defaults);
    expect(dataset.clips.map(({ name }) => name)).toEqual(['palette', 'small', 'soft']);
    expect(await labelCounts(await clipOf(dataset, 0))).toEqual([{ 1: 90, 7: 36, 255: 54 }]);
    expect(await labelCounts(await clipOf(dataset, 1))).toEqual([{ 1: 90, 2: 36, 255: 54 }]);
    const [soft] = await labelCounts(await clipOf(dataset, 2));
    expect(Object.keys(soft ?? {})).toEqual(['1']);
  });

  it('says what is missing, what has another size, what cannot be read', async () => {
    const root = join(base, 'bad');
    for (const frame of [0, 1, 2]) await picture(join(root, 'gap/frames', `${frame}.png`));
    await grey(join(root, 'gap/masks/0.png'), moving(0, 255));
    await picture(join(root, 'size/frames/0.png'));
    await file(join(root, 'size/masks/0.png'), await encodePng(new Uint8Array(6).fill(255), 3, 2, null));
    await picture(join(root, 'torn/frames/0.png'));
    await file(
      join(root, 'torn/masks/0.png'),
      (await encodePng(new Uint8Array(432), 24, 18, null)).subarray(0, 50),
    );
    await file(join(root, 'notpicture/frames/0.jpg'), 'hello');
    await grey(join(root, 'notpicture/masks/0.png'), moving(0, 255));
    const dataset = openDataset('folder', root, defaults);
    const read = async (name: string): Promise<unknown> => {
      const clip = await dataset.clips.find((handle) => handle.name === name)?.open();
      return clip && labelCounts(clip);
    };
    await expect(read('gap')).rejects.toMatchObject({
      code: 'SONO_DATASET_MASKS_MISSING',
      details: { count: 2, total: 3, first: '1.png' },
    });
    await expect(read('size')).rejects.toMatchObject({ code: 'SONO_DATASET_SIZE' });
    await expect(read('torn')).rejects.toMatchObject({ code: 'SONO_DATASET_FILE' });
    await expect(read('notpicture')).rejects.toMatchObject({ code: 'SONO_DATASET_FILE' });
  });
});

describe('pictures as cameras and people leave them', () => {
  /** Red top left, green top right, blue bottom left, white bottom right, as it is meant to be seen. */
  const corners = ['f00', '0f0', '00f', 'fff'];
  const seen = (rgb: Uint8Array): string[] =>
    [0, 1, 2, 3].map((corner) => {
      const at = 3 * ((corner < 2 ? 8 : 24) * 32 + (corner % 2 === 0 ? 8 : 24));
      return [...rgb.subarray(at, at + 3)].map((level) => (level > 127 ? 'f' : '0')).join('');
    });
  /** How the upright picture lies in the file, by EXIF orientation: its corners in the order above. */
  const stored: readonly (readonly [orientation: number, order: readonly number[]])[] = [
    [1, [0, 1, 2, 3]],
    [2, [1, 0, 3, 2]],
    [3, [3, 2, 1, 0]],
    [4, [2, 3, 0, 1]],
    [5, [0, 2, 1, 3]],
    [6, [1, 3, 0, 2]],
    [7, [3, 1, 2, 0]],
    [8, [2, 0, 3, 1]],
  ];

  async function turned(orientation: number, order: readonly number[], ending: string): Promise<Buffer> {
    const [columns, rows] = orientation < 5 ? [width, height] : [height, width];
    const data = Array.from({ length: columns * rows }, (_, at) => {
      const place = (at % columns < columns / 2 ? 0 : 1) + (at < (columns * rows) / 2 ? 0 : 2);
      const corner = corners[order[place] as number] as string;
      return [...corner].map((digit) => (digit === 'f' ? 255 : 0));
    }).flat();
    return sharp(Uint8Array.from(data), { raw: { width: columns, height: rows, channels: 3 } })
      .withMetadata({ orientation })
      .toFormat(
        ending as 'jpeg' | 'png',
        ending === 'jpeg' ? { quality: 100, chromaSubsampling: '4:4:4' } : {},
      )
      .toBuffer();
  }

  it.each(['jpeg', 'png', 'webp'])('all eight EXIF orientations, %s', async (ending) => {
    for (const [orientation, order] of stored) {
      const root = join(base, 'exif', ending, String(orientation));
      await file(join(root, 'c/frames', `0.${ending}`), await turned(orientation, order, ending));
      await grey(join(root, 'c/masks/0.png'), moving(0, 255));
      const clip = await clipOf(openDataset('folder', root, defaults));
      expect(clip.size, String(orientation)).toEqual({ width, height });
      for await (const { rgb } of clip.frames({ width: 32, height: 32 }))
        expect(seen(rgb), String(orientation)).toEqual(corners);
    }
  });

  it('a mask of the size before turning is refused, and the sentence says why', async () => {
    const root = join(base, 'exif-mask');
    await file(join(root, 'c/frames/0.jpg'), await turned(6, [1, 3, 0, 2], 'jpeg'));
    const mask = await encodePng(new Uint8Array(width * height).fill(1), height, width, null);
    await file(join(root, 'c/masks/0.png'), mask);
    await expect(labelCounts(await clipOf(openDataset('folder', root, defaults)))).rejects.toThrow(
      /0\.png is 18×24 pixels, but the first picture is 24×18 \(turned as its EXIF orientation says\)/,
    );
  });

  it('sixteen bits, transparency, CMYK, palettes and foreign colour profiles', async () => {
    const root = join(base, 'kinds');
    const red = Uint8Array.from(
      { length: width * height * 4 },
      (_, at) => [200, 40, 90, 0][at % 4] as number,
    );
    const rgba = sharp(red, { raw: { width, height, channels: 4 } });
    const plain = rgba.clone().removeAlpha();
    const grey16 = Uint16Array.from({ length: width * height }, () => 40000);
    const pictures: Record<string, Buffer> = {
      // Transparency is not blended: FFmpeg, OpenCV and PIL hand out the colours behind it.
      '0.png': await rgba.clone().png().toBuffer(),
      '1.png': await sharp(grey16, { raw: { width, height, channels: 1 } })
        .toColourspace('grey16')
        .png()
        .toBuffer(),
      '2.gif': await plain.clone().gif().toBuffer(),
      '3.tif': await plain.clone().tiff({ compression: 'lzw' }).toBuffer(),
      '4.webp': await plain.clone().webp({ lossless: true }).toBuffer(),
      '5.jpg': await plain.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(),
      '6.png': await plain.clone().withIccProfile('p3').png().toBuffer(),
    };
    for (const [name, data] of Object.entries(pictures)) {
      await file(join(root, 'c/frames', name), data);
      await grey(join(root, 'c/masks', `${name.slice(0, 1)}.png`), moving(0, 255));
    }
    await file(join(root, '__MACOSX/c/frames/._0.png'), 'shadow');
    await file(join(root, '__MACOSX/c/masks/._0.png'), 'shadow');
    await file(join(root, 'c/frames/Thumbs.db'), 'thumbs');
    const dataset = openDataset('folder', root, defaults);
    expect(dataset.clips.map(({ name }) => name)).toEqual(['c']);
    const colours: number[][] = [];
    for await (const { rgb } of (await clipOf(dataset)).frames({ width: 8, height: 8 }))
      colours.push([...rgb.subarray(0, 3)]);
    expect(colours.slice(0, 5)).toEqual([
      [200, 40, 90],
      [156, 156, 156],
      [200, 40, 90],
      [200, 40, 90],
      [200, 40, 90],
    ]);
    // PIL says 214, 7, 117 for these inks, OpenCV 214, 8, 118, FFmpeg 213, 6, 117.
    colours[5]?.forEach((level, channel) =>
      expect(Math.abs(level - ([214, 7, 117][channel] as number))).toBeLessThan(3),
    );
    // As stored, which is what OpenCV, PIL and FFmpeg hand out.
    const own = await sharp(pictures['6.png'], { ignoreIcc: true }).raw().toBuffer();
    expect(colours[6]).toEqual([...own.subarray(0, 3)]);
  });

  it('what cannot be paired or is no still picture is said by name', async () => {
    const root = join(base, 'pairs');
    for (const name of ['extra', 'twice', 'moving', 'sizes']) {
      await picture(join(root, name, 'frames/0.png'));
      await picture(join(root, name, 'frames/1.png'));
      await grey(join(root, name, 'masks/0.png'), moving(0, 255));
      await grey(join(root, name, 'masks/1.png'), moving(0, 255));
    }
    await picture(join(root, 'nomasks/frames/0.png'));
    await grey(join(root, 'nopictures/masks/0.png'), moving(0, 255));
    await grey(join(root, 'extra/masks/2.png'), moving(0, 255));
    await picture(join(root, 'twice/frames/1.jpg'));
    const frames = Buffer.concat([0, 90].map((level) => Buffer.alloc(width * height * 3, level)));
    const gif = sharp(frames, { raw: { width, height: 2 * height, channels: 3, pageHeight: height } });
    rmSync(join(root, 'moving/frames/1.png'));
    await file(join(root, 'moving/frames/1.gif'), await gif.gif().toBuffer());
    await file(
      join(root, 'sizes/frames/1.png'),
      await sharp({ create: { width: 10, height: 10, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
    );
    const dataset = openDataset('folder', root, defaults);
    const codes: Record<string, string> = {};
    for (const handle of dataset.clips)
      try {
        await labelCounts(await handle.open());
      } catch (error) {
        codes[handle.name] = String((error as { code?: unknown }).code);
      }
    expect(codes).toEqual({
      extra: 'SONO_DATASET_PICTURES_MISSING',
      moving: 'SONO_DATASET_FILE',
      nomasks: 'SONO_DATASET_MASKS_MISSING',
      nopictures: 'SONO_DATASET_MASKS_MISSING',
      sizes: 'SONO_DATASET_SIZE',
      twice: 'SONO_DATASET_NAMES',
    });
  });

  it('names that are seconds follow each other by time', async () => {
    const root = join(base, 'seconds');
    const names = ['0.0', '0.04', '0.08', '0.12', '0.2', '1.0'];
    for (const [index, name] of names.entries()) {
      await picture(join(root, 'c/frames', `${name}.png`));
      await grey(join(root, 'c/masks', `${name}.png`), (x) => (x <= index ? 1 : 0));
    }
    expect(await labelCounts(await clipOf(openDataset('folder', root, defaults)))).toEqual(
      names.map((_, index) => ({ 1: height * (index + 1) })),
    );
  });
});

describe('published layouts', () => {
  it('vocalfolds: seven classes, unknown values refused', async () => {
    const root = join(base, 'vocalfolds');
    await picture(join(root, 'patient1/seq1/frames/0001_l.jpg'));
    await grey(join(root, 'patient1/seq1/masks/0001_l.png'), (x) => Math.min(6, Math.floor(x / 3)));
    await picture(join(root, 'patient1/seq2/frames/0001_l.jpg'));
    await grey(join(root, 'patient1/seq2/masks/0001_l.png'), () => 9);
    const dataset = openDataset('vocalfolds', root, defaults);
    const clip = await clipOf(dataset);
    expect(clip.name).toBe('patient1/seq1');
    expect([1, 3, 5].map((value) => clip.label(value))).toEqual([
      'vocal folds',
      'glottal space',
      'surgical tool',
    ]);
    expect(await labelCounts(clip)).toEqual([{ 1: 54, 2: 54, 3: 54, 4: 54, 5: 54, 6: 108 }]);
    await expect(labelCounts(await clipOf(dataset, 1))).rejects.toMatchObject({ code: 'SONO_DATASET_LABEL' });
  });

  it('davis2016 and davis2017: lists, resolutions, palettes', async () => {
    const root = join(base, 'davis');
    for (const name of ['blackswan', 'bear', 'dog']) {
      for (const frame of ['00000', '00001', '00002']) {
        await picture(join(root, 'JPEGImages/480p', name, `${frame}.jpg`));
        if (name === 'dog')
          await indexed(join(root, 'Annotations/480p', name, `${frame}.png`), (x) =>
            x < 4 ? 1 : x < 9 ? 2 : 0,
          );
        else await grey(join(root, 'Annotations/480p', name, `${frame}.png`), moving(0, 255));
      }
    }
    const line = (name: string): string =>
      `/JPEGImages/480p/${name}/00000.jpg /Annotations/480p/${name}/00000.png\n`;
    await file(join(root, 'ImageSets/480p/val.txt'), line('blackswan') + line('blackswan'));
    await file(join(root, 'ImageSets/480p/train.txt'), line('bear'));
    await file(join(root, 'ImageSets/2017/val.txt'), 'dog\n\n');
    const old = openDataset('davis2016', root, defaults);
    expect(old.clips.map(({ name }) => name)).toEqual(['blackswan']);
    expect(old.skipLastFrame).toBe(true);
    expect(await labelCounts(await clipOf(old))).toEqual([{ 1: 48 }, { 1: 48 }, { 1: 48 }]);
    expect(openDataset('davis2016', root, { ...defaults, subset: 'train' }).clips[0]?.name).toBe('bear');
    const clip = await clipOf(openDataset('davis2017', root, defaults));
    expect(clip).toMatchObject({ name: 'dog', framesPerSecond: 24 });
    expect((await labelCounts(clip))[0]).toEqual({ 1: 72, 2: 90 });
    expect(() => openDataset('davis2017', root, { ...defaults, subset: 'nosuch' })).toThrow(/nosuch/);
  });

  it('endovis2017: training part by instrument, test part by task', async () => {
    const root = join(base, 'endovis2017');
    const training = join(root, 'train/instrument_dataset_1');
    const left = (x: number): number => (x < 4 ? 10 : x < 6 ? 20 : 0);
    const right = (x: number): number => (x > 20 ? 30 : x > 18 ? 40 : 0);
    for (const frame of ['frame000', 'frame001']) {
      await picture(join(training, 'left_frames', `${frame}.png`));
      await grey(join(training, 'ground_truth/Left_Prograsp_Forceps_labels', `${frame}.png`), left);
      await grey(join(training, 'ground_truth/Maryland_Bipolar_Forceps_labels', `${frame}.png`), right);
    }
    const testing = join(root, 'test/instrument_dataset_2');
    await picture(join(testing, 'left_frames/frame225.png'));
    await grey(join(testing, 'gt/BinarySegmentation/frame225.png'), (x) => (x < 5 ? 1 : 0));
    await grey(join(testing, 'gt/PartsSegmentation/frame225.png'), left);
    await grey(join(testing, 'gt/TypeSegmentation/frame225.png'), (x) => (x < 5 ? 6 : 0));
    const counts = async (task: 'binary' | 'parts' | 'type', index: number): Promise<unknown> =>
      (await labelCounts(await clipOf(openDataset('endovis2017', root, { task, subset: null }), index)))[0];
    expect(await counts('binary', 0)).toEqual({ 1: 11 * 18 });
    expect(await counts('parts', 0)).toEqual({ 1: 72, 2: 36, 3: 54, 4: 36 });
    expect(await counts('type', 0)).toEqual({ 1: 90, 2: 108 });
    // An instrument's mask that is missing is not an instrument out of view.
    rmSync(join(training, 'ground_truth/Maryland_Bipolar_Forceps_labels/frame001.png'));
    const torn = await clipOf(openDataset('endovis2017', root, defaults));
    await expect(labelCounts(torn)).rejects.toMatchObject({ code: 'SONO_DATASET_MASKS_MISSING' });
    await picture(join(root, 'train/instrument_dataset_9/left_frames/frame000.png'));
    const bare = openDataset('endovis2017', root, defaults).clips.at(-1);
    expect(bare?.name).toBe('train/instrument_dataset_9');
    await expect(bare?.open()).rejects.toMatchObject({ code: 'SONO_DATASET_MASKS_MISSING' });
    expect(await counts('binary', 1)).toEqual({ 1: 90 });
    expect(await counts('parts', 1)).toEqual({ 1: 72, 2: 36 });
    expect(await counts('type', 1)).toEqual({ 6: 90 });
    const clip = await clipOf(openDataset('endovis2017', root, { task: 'type', subset: null }), 0);
    expect(clip.label(2)).toBe('prograsp forceps');
    expect(clip.framesPerSecond).toBe(2);
  });

  it('endovis2018: scene colours, and the instrument types of ISINet', async () => {
    const root = join(base, 'endovis2018');
    await file(
      join(root, 'labels.json'),
      JSON.stringify([
        { name: 'background-tissue', color: [0, 0, 0], classid: 0 },
        { name: 'instrument-shaft', color: [0, 255, 0], classid: 1 },
        { name: 'instrument-clasper', color: [0, 255, 255], classid: 2 },
        { name: 'instrument-wrist', color: [125, 255, 12], classid: 3 },
        { name: 'kidney-parenchyma', color: [255, 55, 0], classid: 4 },
      ]),
    );
    const scene = (x: number): readonly [number, number, number] =>
      x < 4
        ? [0, 255, 0]
        : x < 6
          ? [125, 255, 12]
          : x < 7
            ? [0, 255, 255]
            : x < 12
              ? [255, 55, 0]
              : [0, 0, 0];
    await picture(join(root, 'seq_1/left_frames/frame000.png'));
    await colour(join(root, 'seq_1/labels/frame000.png'), scene);
    await picture(join(root, 'seq_2/left_frames/frame000.png'));
    await colour(join(root, 'seq_2/labels/frame000.png'), () => [1, 2, 3]);
    const binary = openDataset('endovis2018', root, defaults);
    expect(await labelCounts(await clipOf(binary))).toEqual([{ 1: 7 * 18 }]);
    const parts = openDataset('endovis2018', root, { task: 'parts', subset: null });
    expect(await labelCounts(await clipOf(parts))).toEqual([{ 1: 72, 2: 36, 3: 18 }]);
    await expect(labelCounts(await clipOf(binary, 1))).rejects.toMatchObject({ code: 'SONO_DATASET_LABEL' });

    const isinet = join(base, 'isinet');
    for (const name of ['seq_1_frame000', 'seq_1_frame001', 'seq_5_frame000']) {
      await picture(join(isinet, 'val/images', `${name}.png`));
      await grey(join(isinet, 'val/annotations', `${name}.png`), (x) => (x < 3 ? 5 : 0));
      await grey(join(isinet, 'val/binary_annotations', `${name}.png`), (x) => (x < 3 ? 255 : 0));
    }
    const types = openDataset('endovis2018', isinet, { task: 'type', subset: null });
    expect(types.clips.map(({ name }) => name)).toEqual(['seq_1', 'seq_5']);
    expect(await labelCounts(await clipOf(types))).toEqual([{ 5: 54 }, { 5: 54 }]);
    expect(await labelCounts(await clipOf(openDataset('endovis2018', isinet, defaults)))).toEqual([
      { 1: 54 },
      { 1: 54 },
    ]);
  });

  it('cholecseg8k: watershed masks, white seams void', async () => {
    const root = join(base, 'cholec');
    for (const frame of [80, 81, 100]) {
      const name = join(root, 'video01/video01_00080', `frame_${frame}_endo`);
      await picture(`${name}.png`);
      await grey(`${name}_watershed_mask.png`, (x) =>
        x < 2 ? 50 : x < 5 ? 22 : x < 6 ? 255 : x < 9 ? 31 : 21,
      );
    }
    const clip = await clipOf(openDataset('cholecseg8k', root, defaults));
    expect(clip).toMatchObject({ name: 'video01/video01_00080', frameCount: 3, framesPerSecond: 25 });
    expect((await labelCounts(clip))[2]).toEqual({ 10: 54, 255: 18, 5: 54, 2: 15 * 18 });
    expect(clip.label(10)).toBe('gallbladder');
  });

  it('json: frames without annotation, names, spacing, errors with their place', async () => {
    const root = join(base, 'json');
    await picture(join(root, 'p/0.jpg'));
    await picture(join(root, 'p/1.jpg'));
    await grey(join(root, 'm/1.png'), moving(0, 255));
    const list = join(root, 'list.json');
    const clip = {
      name: 'case',
      framesPerSecond: 50,
      spacingMm: [0.1, 0.2],
      frames: ['p/0.jpg', 'p/1.jpg'],
      masks: [null, 'm/1.png'],
    };
    await file(list, JSON.stringify({ labels: { 1: 'liver' }, clips: [clip] }));
    const opened = await clipOf(openDataset('json', list, defaults));
    expect(opened).toMatchObject({ framesPerSecond: 50, spacingMm: { x: 0.1, y: 0.2 } });
    expect(opened.label(1)).toBe('liver');
    expect(await labelCounts(opened)).toEqual([{}, { 1: 48 }]);
    await file(list, JSON.stringify({ clips: [{ ...clip, colour: 1 }] }));
    expect(() => openDataset('json', list, defaults)).toThrow(/colour/);
    await file(list, '{');
    expect(() => openDataset('json', list, defaults)).toThrow(/not JSON/);
    await file(list, JSON.stringify({ clips: [{ ...clip, masks: [null] }] }));
    await expect(clipOf(openDataset('json', list, defaults))).rejects.toMatchObject({
      code: 'SONO_DATASET_MASKS_MISSING',
    });
  });

  it('every kind says what it expected and what it found', async () => {
    const root = join(base, 'nothing');
    await file(join(root, 'readme.txt'), '');
    // Procedural scenes have no files, so no layout either.
    for (const kind of datasetKinds.filter((name) => name !== 'synthetic-echo')) {
      const attempt = (): unknown => openDataset(kind, root, defaults);
      expect(attempt, kind).toThrow(/Expected: .+ Found: .+/s);
      expect(attempt, kind).toThrow(expect.objectContaining({ code: 'SONO_DATASET_ROOT' }) as Error);
    }
    expect(() => openDataset('folder', join(root, 'gone'), defaults)).toThrow(/Found: nothing/);
  });
});

describe('ultrasound', () => {
  const chords: readonly (readonly [number, number, number, number])[] = [
    [60.2, 20.1, 55, 90],
    [58, 24.5, 63, 24.5],
    [50, 40, 72.5, 41],
    [46, 60, 74, 61],
    [48, 80, 66, 82],
    [53, 89, 58, 90],
  ];
  let made: { readonly camus: Readonly<Record<string, readonly string[]>>; readonly tracing: string };
  beforeAll(async () => {
    made = (await runPython('check_datasets.py', {
      camus: join(base, 'camus'),
      tracing: { chords, width: 112, height: 112 },
    })) as typeof made;
  }, 120_000);

  it('camus: NIfTI sequences as nibabel wrote them', async () => {
    const dataset = openDataset('camus', join(base, 'camus'), defaults);
    expect(dataset.clips.map(({ name }) => name)).toEqual(['patient0007_2CH', 'patient0007_4CH']);
    for (const [index, view] of ['2CH', '4CH'].entries()) {
      const clip = await clipOf(dataset, index);
      expect(clip).toMatchObject({ frameCount: 5, size: { width: 20, height: 31 }, framesPerSecond: 45.5 });
      expect(clip.spacingMm?.x).toBeCloseTo(0.3, 6);
      expect(clip.spacingMm?.y).toBeCloseTo(0.15, 6);
      const truths: string[] = [];
      for await (const { truth } of clip.frames({ width: 16, height: 16 }))
        truths.push(Buffer.from(truth?.data ?? []).toString('base64'));
      expect(truths).toEqual(made.camus[view]);
    }
  });

  it('camus: values that no byte holds are refused, not folded; a patient without a sequence is named', async () => {
    /** A NIfTI-1 volume of 4 × 3 pixels and two frames in sixteen bits. */
    const volume = (values: readonly number[]): Buffer => {
      const header = Buffer.alloc(352);
      header.writeInt32LE(348, 0);
      [3, 4, 3, 2].forEach((value, at) => header.writeInt16LE(value, 40 + 2 * at));
      header.writeInt16LE(4, 70);
      [1, 1, 1].forEach((value, at) => header.writeFloatLE(value, 80 + 4 * at));
      header.writeFloatLE(352, 108);
      const data = Buffer.alloc(48);
      values.forEach((value, at) => data.writeInt16LE(value, 2 * at));
      return Buffer.concat([header, data]);
    };
    const root = join(base, 'camus-values');
    const save = async (patient: string, picture: number, label: number): Promise<void> => {
      const name = join(root, patient, `${patient}_4CH_half_sequence`);
      await file(`${name}.nii`, volume([picture, 7]));
      await file(`${name}_gt.nii`, volume([label, 1]));
    };
    await save('patient0001', 200, 3);
    await save('patient0002', 200, 257);
    await save('patient0003', 300, 3);
    mkdirSync(join(root, 'patient0004'));
    const results: Record<string, unknown> = {};
    for (const handle of openDataset('camus', root, defaults).clips)
      try {
        results[handle.name] = await labelCounts(await handle.open());
      } catch (error) {
        results[handle.name] = String((error as { code?: unknown }).code);
      }
    expect(results).toEqual({
      patient0001_4CH: [{ 1: 1, 3: 1 }, {}],
      patient0002_4CH: 'SONO_DATASET_LABEL',
      patient0003_4CH: 'SONO_DATASET_FILE',
      patient0004: 'SONO_DATASET_FILE',
    });
  });

  it('NIfTI files that are cut or foreign give a clear error', () => {
    const header = Buffer.alloc(352);
    header.writeInt32LE(348, 0);
    [3, 4, 4, 2].forEach((value, at) => header.writeInt16LE(value, 40 + 2 * at));
    header.writeInt16LE(2, 70);
    header.writeFloatLE(352, 108);
    const whole = Buffer.concat([header, Buffer.alloc(32, 7)]);
    expect(readNifti(whole).samples).toEqual(new Uint8Array(32).fill(7));
    for (let length = 0; length < whole.length; length++)
      expect(() => readNifti(whole.subarray(0, length))).toThrow(RangeError);
    header.writeInt16LE(128, 70);
    expect(() => readNifti(Buffer.concat([header, Buffer.alloc(96)]))).toThrow(/type 128/);
  });

  it('echonet: AVI read as replay reads it, tracings on two frames', async () => {
    const root = join(base, 'echonet');
    mkdirSync(join(root, 'Videos'), { recursive: true });
    execFileSync(
      'gst-launch-1.0',
      `-q videotestsrc num-buffers=6 pattern=ball ! video/x-raw,width=112,height=112,framerate=50/1 ! jpegenc ! avimux ! filesink location=${join(root, 'Videos', '0X1A.avi')}`.split(
        ' ',
      ),
    );
    await file(
      join(root, 'FileList.csv'),
      'FileName,EF,ESV,EDV,FrameHeight,FrameWidth,FPS,NumberOfFrames,Split\n0X1A,55.1,40,90,112,112,50,6,TEST\n0XTRAIN,55,40,90,112,112,50,6,TRAIN\n',
    );
    await file(
      join(root, 'VolumeTracings.csv'),
      'FileName,X1,Y1,X2,Y2,Frame\n' +
        [1, 4].flatMap((frame) => chords.map((chord) => `0X1A.avi,${chord.join(',')},${frame}\n`)).join(''),
    );
    const dataset = openDataset('echonet', root, defaults);
    expect(dataset.clips.map(({ name }) => name)).toEqual(['0X1A']);
    const clip = await clipOf(dataset);
    const annotated: boolean[] = [];
    for await (const { truth, rgb } of clip.frames({ width: 64, height: 48 })) {
      expect(rgb).toHaveLength(64 * 48 * 3);
      annotated.push(truth !== null);
      if (truth !== null) expect(Buffer.from(truth.data).toString('base64')).toBe(made.tracing);
    }
    expect(annotated).toEqual([false, true, false, false, true, false]);
    expect(fillTracing(chords, { width: 112, height: 112 }).data.includes(1)).toBe(true);
    expect(() => openDataset('echonet', root, { ...defaults, subset: 'VAL' })).toThrow(/VAL/);
  });

  it('echonet: each clip with trouble is a clip that says so', async () => {
    const root = join(base, 'echonet-trouble');
    mkdirSync(join(root, 'Videos'), { recursive: true });
    const videos = ['GOOD', 'SHORT', 'LAST', 'THIN', 'HOLE', 'NARROW', 'UNTRACED'];
    for (const name of videos)
      execFileSync('gst-launch-1.0', [
        ...`-q videotestsrc num-buffers=${name === 'SHORT' ? 4 : 6} pattern=ball !`.split(' '),
        ...`video/x-raw,width=${name === 'NARROW' ? 96 : 112},height=112,framerate=50/1 !`.split(' '),
        ...`jpegenc ! avimux ! filesink location=${join(root, 'Videos', `${name}.avi`)}`.split(' '),
      ]);
    const list = (header: string, lines: readonly string[]): string => [header, ...lines, ''].join('\n');
    const listed = 'FileName,EF,ESV,EDV,FrameHeight,FrameWidth,FPS,NumberOfFrames,Split';
    await file(
      join(root, 'FileList.csv'),
      list(
        listed,
        [...videos, 'ABSENT'].map((name) => `${name},55,40,90,112,112,50,6,TEST`),
      ),
    );
    const lines = (name: string, frame: number, some = chords): string[] =>
      some.map((chord) => `${name}.avi,${chord.join(',')},${frame}`);
    await file(
      join(root, 'VolumeTracings.csv'),
      list('FileName,X1,Y1,X2,Y2,Frame', [
        ...['GOOD', 'SHORT', 'THIN', 'NARROW', 'ABSENT'].flatMap((name) => lines(name, 1)),
        ...['GOOD', 'SHORT', 'NARROW', 'ABSENT'].flatMap((name) => lines(name, 5)),
        ...lines('LAST', 6),
        ...lines('THIN', 5, chords.slice(0, 2)),
        ...lines('HOLE', 1),
        'HOLE.avi,1,,3,4,5',
        'HOLE.avi,1,2,3,4,5',
        'HOLE.avi,1,2,3,4,5',
      ]),
    );
    const found: Record<string, unknown> = {};
    for (const handle of openDataset('echonet', root, defaults).clips)
      try {
        found[handle.name] = (await annotatedPixels(await handle.open())).filter((count) => count > 0).length;
      } catch (error) {
        const { code, details } = error as { code: string; details: Record<string, unknown> };
        found[handle.name] = [code, details['frame'] ?? details['reason'] ?? details['found']];
      }
    expect(found).toEqual({
      GOOD: 2,
      SHORT: ['SONO_DATASET_FRAME_ABSENT', 5],
      LAST: ['SONO_DATASET_FRAME_ABSENT', 6],
      THIN: ['SONO_DATASET_NOT_OUTLINED', 'frame 5 has 2 lines, and an outline needs three'],
      HOLE: ['SONO_DATASET_NOT_OUTLINED', 'a line of frame 5 lacks a number'],
      NARROW: ['SONO_DATASET_SIZE', '96×112'],
      UNTRACED: ['SONO_DATASET_NOT_OUTLINED', 'no line names it'],
      ABSENT: ['SONO_DATASET_FILE', 'there is no such file'],
    });
    // EchoNet-Pediatric has files of the same names with other columns.
    await file(join(root, 'VolumeTracings.csv'), 'FileName,X,Y,Frame\nGOOD.avi,1,2,3\n');
    expect(() => openDataset('echonet', root, defaults)).toThrow(
      /the columns FileName, X1, Y1, X2, Y2, Frame\. Found: the columns FileName, X, Y, Frame/,
    );
  }, 60_000);
});

describe('tables', () => {
  it('quotes, line ends and byte order marks', () => {
    expect(parseCsv('\ufeffa,b\r\n"x, ""y""",\r\n\r\n1,"two\nlines"')).toEqual([
      ['a', 'b'],
      ['x, "y"', ''],
      ['1', 'two\nlines'],
    ]);
    expect(csvRecords('clip, sex\nc1,f\n')).toEqual([{ clip: 'c1', sex: 'f' }]);
  });
});

// The list of kinds and the switch over them cannot drift apart silently.
const known: readonly DatasetKind[] = datasetKinds;
it('eleven kinds', () => expect(known).toHaveLength(11));
