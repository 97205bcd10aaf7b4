/** Every export format: written, killed and resumed, and read back with the field's own Python readers. */
import { uncalibrated, uniformCalibration } from '../../../src/vocabulary/calibration.js';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvRecords } from '../../../src/formats/csv-table.js';
import { videoFrames } from '../../gstreamer-frames.js';
import { openDavis } from '../../../src/evaluate/datasets/davis.js';
import { readNifti } from '../../../src/formats/nifti-reader.js';
import {
  exportFormats,
  frameName,
  safeName,
  uniqueNames,
  type Exporter,
  type ExporterCheckpoint,
  type ExportFormat,
  type ExportFrame,
  type ExportInfo,
} from '../../../src/export/exporter.js';
import { createExporter } from '../../../src/export/index.js';
import { nalUnits } from '../../../src/export/mp4-muxer.js';
import { encodePng, davisPalette, MaskPngEncoder } from '../../../src/export/png-codec.js';
import { decodeLabelPng } from '../../../src/formats/label-png.js';
import { emptyMask, maskFromBitmap, maskToBitmap } from '../../../src/mask/rle.js';
import { rgbOf } from '../../../src/vocabulary/hex-colour.js';
import { colourOf } from '../../../src/vocabulary/palette.js';
import { runPython } from '../../python-env.js';

/** Those of the masks: `mcap` and `echo` have tests of their own. */
type Written = Exclude<ExportFormat, 'mcap' | 'echo'>;
const formats = exportFormats.filter((format): format is Written => format !== 'mcap' && format !== 'echo');
// Odd on purpose: rows of bits do not end on bytes, 4:2:0 video needs padding.
const [width, height] = [61, 47];
const sopInstanceUid = '1.2.826.0.1.3680043.8.498.1234';

let folder: string;
let frames: ExportFrame[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonoscope-export-'));
  frames = await makeFrames();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Twelve frames, two of the source left out; one object leaves and returns, masks overlap and touch the border. */
async function makeFrames(): Promise<ExportFrame[]> {
  const made: ExportFrame[] = [];
  for (let index = 0; index < 12; index++) {
    const sourceFrame = index < 5 ? index : index + 2;
    const disk = (x: number, y: number, r: number): Uint8Array =>
      Uint8Array.from({ length: width * height }, (_, at) =>
        Math.hypot((at % width) - x, Math.floor(at / width) - y) < r ? 1 : 0,
      );
    const gone = index >= 6 && index < 9;
    const mediaNs = Math.round((sourceFrame * 1e9) / 30);
    made.push({
      sourceFrame,
      ptsNs: mediaNs + 1_000_000,
      mediaNs,
      objects: [
        {
          id: 1,
          state: 'tracking',
          score: 0.9,
          confidence: 0.8,
          mask: maskFromBitmap(disk(12 + 3 * index, 20, 9), width, height),
        },
        {
          id: 4,
          state: gone ? 'lost' : 'uncertain',
          score: 0.5,
          confidence: gone ? 0.01 : 0.85,
          mask: gone ? emptyMask(width, height) : maskFromBitmap(disk(40, 6, 11), width, height),
        },
      ],
      measurements: [],
      picture: await sharp({
        create: {
          width,
          height,
          channels: 3,
          background: { r: 20 + 15 * index, g: 60, b: 200 - 10 * index },
        },
      })
        .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
        .toBuffer(),
    });
  }
  return made;
}

function info(directory: string, overrides: Partial<ExportInfo> = {}): ExportInfo {
  return {
    directory,
    clip: 'case 7',
    sourceUri: 'case 7.dcm',
    source: {
      size: { width, height },
      framesPerSecond: 30,
      calibration: uniformCalibration({ x: 0.31, y: 0.42 }),
      frameCount: 14,
      description: 'test',
    },
    objects: [
      { id: 1, label: 'left ventricle' },
      { id: 4, label: 'grasper, "left"' },
    ],
    software: { version: '0.1.0', model: 'compact 1', modelSha256: 'ab'.repeat(32) },
    identity: '0123456789abcdef',
    inputIdentity: 'fedcba9876543210',
    segmentation: 'semiautomatic',
    sourceModifiedUnixMs: Date.UTC(2024, 4, 6, 7, 8, 9),
    dicom: {
      sopClassUid: '1.2.840.10008.5.1.4.1.1.3.1',
      sopInstanceUid,
      seriesInstanceUid: '1.2.826.0.1.3680043.8.498.5678',
      studyInstanceUid: '1.2.826.0.1.3680043.8.498.9999',
      attributes: {
        PatientName: 'Müller^Anna',
        PatientID: 'P-77',
        StudyDate: '20240102',
        StudyTime: '101112',
      },
    },
    loss: null,
    view: 'a4c',
    chunkFrames: 5,
    ...overrides,
  };
}

/** A run as replay drives it; stops without closing after `killAfter` frames and gives the last durable state. */
async function run(
  exporter: Exporter,
  about: ExportInfo,
  from: { readonly state: ExporterCheckpoint; readonly frames: number } | null,
  killAfter: number | null,
): Promise<{ readonly state: ExporterCheckpoint; readonly frames: number } | null> {
  await exporter.open(about, from?.state ?? null);
  let durable = from;
  for (let index = from?.frames ?? 0; index < frames.length; index++) {
    if (index === killAfter) {
      await exporter.abort();
      return durable;
    }
    await exporter.frame(frames[index] as ExportFrame);
    // The state goes through a file, as in a real run.
    if ((index + 1) % about.chunkFrames === 0)
      durable = {
        state: JSON.parse(JSON.stringify(await exporter.checkpoint())) as ExporterCheckpoint,
        frames: index + 1,
      };
  }
  await exporter.close();
  return durable;
}

async function hashes(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = await Promise.all(
    files.sort().map(
      async (path) =>
        [
          path.slice(directory.length),
          createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        ] as const,
    ),
  );
  return Object.fromEntries(pairs);
}

const whole = (): string => join(folder, 'whole');

describe('exporters', () => {
  it.each(formats)('%s: interrupted anywhere, resumed, equal byte for byte', async (format) => {
    const exporter = createExporter(format);
    await run(exporter, info(whole()), null, null);
    const expected = await hashes(whole());
    const own = Object.keys(expected);
    expect(own.filter((name) => name.includes('.partial'))).toEqual([]);
    for (const killAfter of [1, 5, 7, 10, 11]) {
      const directory = join(folder, `${format}-${killAfter}`);
      const durable = await run(createExporter(format), info(directory), null, killAfter);
      // Nothing carries a final name yet.
      const early = Object.keys(await hashes(directory));
      expect(
        early.every((name) => name.includes('.partial')),
        `${early.join()}`,
      ).toBe(true);
      await run(createExporter(format), info(directory), durable, null);
      const resumed = await hashes(directory);
      for (const [name, hash] of Object.entries(resumed))
        expect([name, hash]).toEqual([name, expected[name]]);
      expect(Object.keys(resumed).length).toBeGreaterThan(0);
    }
    // Killed after the renaming: opened again behind the last state, it is complete and stays so.
    const late = join(folder, `${format}-late`);
    const durable = await run(createExporter(format), info(late), null, null);
    const before = await hashes(late);
    const again = createExporter(format);
    await again.open(info(late), durable?.state ?? {});
    expect((await again.close()).length).toBeGreaterThan(0);
    expect(await hashes(late)).toEqual(before);
    // A second run does not write over the first.
    await expect(createExporter(format).open(info(late), null)).rejects.toMatchObject({
      code: 'SONO_EXPORT_EXISTS',
    });
  });

  it('refuse a state that the files do not bear out, a foreign object and a mask of another size', async () => {
    for (const format of formats) {
      const missing = join(folder, `missing-${format}`);
      const state = { bytes: 99, imageBytes: 9, sampleBytes: 9, frames: 1, parameterSets: '' };
      await expect(createExporter(format).open(info(missing), state), format).rejects.toMatchObject({
        code: 'SONO_EXPORT_RESUME_BROKEN',
      });
    }
    const exporter = createExporter('csv');
    await exporter.open(info(join(folder, 'wrong')), null);
    const [first] = frames as [ExportFrame];
    await expect(exporter.frame({ ...first, objects: first.objects.slice(1) })).rejects.toMatchObject({
      code: 'SONO_EXPORT_FRAME',
    });
    const small = {
      ...first,
      objects: first.objects.map((object) => ({ ...object, mask: emptyMask(3, 3) })),
    };
    await expect(exporter.frame(small)).rejects.toMatchObject({ code: 'SONO_EXPORT_FRAME' });
    await exporter.abort();
  });

  it('say when a folder cannot be written', async () => {
    const file = join(folder, 'a file');
    await writeFile(file, '');
    for (const format of formats)
      await expect(createExporter(format).open(info(file), null), format).rejects.toMatchObject({
        code: 'SONO_EXPORT_NOT_WRITABLE',
      });
  });
});

interface Found {
  readonly coco: {
    readonly frames: readonly {
      readonly frame: number;
      readonly objects: Readonly<Record<string, string>>;
    }[];
  };
  readonly png: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pngValues: readonly number[];
  readonly indexed: Readonly<Record<string, string>>;
  readonly palette: readonly number[];
  readonly davis: Readonly<Record<string, string>>;
  readonly nifti: {
    readonly shape: readonly number[];
    readonly zooms: readonly number[];
    readonly units: readonly string[];
    readonly affine: readonly (readonly number[])[];
    readonly qform: readonly (readonly number[])[];
    readonly dtype: string;
    readonly frames: readonly string[];
  };
  readonly dicomSeg: {
    readonly frames: readonly {
      readonly segment: string;
      readonly dimensions: readonly number[];
      readonly source: readonly [string, number] | null;
      readonly mask: string;
    }[];
    readonly bySource: readonly (readonly string[])[] | null;
    readonly segments: readonly {
      readonly label: string;
      readonly category: unknown;
      readonly type: unknown;
    }[];
    readonly patient: readonly string[];
    readonly study: string;
    readonly overlap: string;
    readonly spacing: readonly number[] | null;
  };
  readonly csv: readonly Readonly<Record<string, string>>[];
  readonly mp4: {
    readonly times: readonly number[];
    readonly probe: readonly (readonly number[])[];
    readonly size: readonly number[];
  };
}

describe('the readers of the field', () => {
  let found: Found;
  const labels = ['left ventricle', 'grasper, "left"'];
  const bits = (frame: number, object: number): string =>
    Buffer.from(
      maskToBitmap((frames[frame] as ExportFrame).objects[object]?.mask ?? emptyMask(1, 1)),
    ).toString('base64');
  /** Label map: object 2 is surer where it is shown, so it wins where they overlap. */
  const labelled = (frame: number): string => {
    const [a, b] = [0, 1].map((object) => Buffer.from(bits(frame, object), 'base64')) as [Buffer, Buffer];
    return Buffer.from(a.map((value, at) => (b[at] === 1 ? 2 : value))).toString('base64');
  };
  const folderNames = uniqueNames(info('').objects);

  beforeAll(async () => {
    const directory = join(folder, 'readers');
    for (const format of formats) await run(createExporter(format), info(directory), null, null);
    found = (await runPython('check_exports.py', {
      directory,
      clip: 'case 7',
      width,
      height,
      labels: [...folderNames.values()],
      sopInstanceUid,
      sourceFrames: frames.map(({ sourceFrame }) => sourceFrame + 1),
      probe: [50, 40],
    })) as Found;
  }, 180_000);

  it('pycocotools', () => {
    expect(found.coco.frames.map(({ frame }) => frame)).toEqual(frames.map(({ sourceFrame }) => sourceFrame));
    found.coco.frames.forEach(({ objects }, index) => {
      const expected = labels.flatMap((label, object) =>
        (frames[index]?.objects[object]?.mask.counts.length ?? 0) > 1 ? [[label, bits(index, object)]] : [],
      );
      expect(objects).toEqual(Object.fromEntries(expected));
    });
  });

  it('PIL: PNG folders, palette, DAVIS', () => {
    expect(found.pngValues).toEqual([0, 255]);
    [1, 4].forEach((id, object) => {
      const files = found.png[folderNames.get(id) as string] ?? {};
      expect(files).toEqual(
        Object.fromEntries(
          frames.map(({ sourceFrame }, index) => [frameName(sourceFrame), bits(index, object)]),
        ),
      );
    });
    const maps = Object.fromEntries(
      frames.map(({ sourceFrame }, index) => [frameName(sourceFrame), labelled(index)]),
    );
    expect(found.indexed).toEqual(maps);
    expect(found.davis).toEqual(maps);
    expect(found.palette).toEqual([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]);
  });

  it('our own reader of DAVIS', async () => {
    const dataset = openDavis('davis2017', join(folder, 'readers', 'davis'), null);
    const clip = await dataset.clips[0]?.open();
    expect(clip).toMatchObject({ name: 'case 7', frameCount: 12, size: { width, height } });
    let index = 0;
    for await (const { truth, rgb } of clip?.frames({ width: 32, height: 16 }) ?? []) {
      expect(Buffer.from(truth?.data ?? []).toString('base64')).toBe(labelled(index++));
      expect(rgb).toHaveLength(32 * 16 * 3);
    }
    expect(index).toBe(12);
  });

  it('nibabel', () => {
    const { shape, zooms, units, affine, qform, dtype, frames: volumes } = found.nifti;
    expect(shape).toEqual([width, height, 1, 12]);
    expect(dtype).toBe('uint8');
    expect(units).toEqual(['mm', 'sec']);
    [0.31, 0.42, 1, 13 / 30 / 11].forEach((zoom, axis) => expect(zooms[axis]).toBeCloseTo(zoom, 5));
    const upright = [
      [-0.31, 0, 0, 0],
      [0, -0.42, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ];
    for (const matrix of [affine, qform])
      upright.forEach((row, y) => row.forEach((value, x) => expect(matrix[y]?.[x]).toBeCloseTo(value, 5)));
    expect(volumes).toEqual(frames.map((_, index) => labelled(index)));
  });

  it('highdicom and pydicom', () => {
    const seg = found.dicomSeg;
    expect(seg.segments).toEqual([
      {
        label: 'left ventricle',
        category: ['123037004', 'Anatomical Structure'],
        type: ['87878005', 'Left ventricle'],
      },
      {
        label: 'grasper, "left"',
        category: ['260787004', 'Physical object'],
        type: ['57134006', 'Instrument'],
      },
    ]);
    // By segment, then by time, as the dimensions say.
    const expected = labels.flatMap((segment, object) =>
      frames.flatMap(({ sourceFrame, objects }, index) =>
        (objects[object]?.mask.counts.length ?? 0) > 1
          ? [
              {
                segment,
                dimensions: [object + 1, index + 1],
                source: [sopInstanceUid, sourceFrame + 1],
                mask: bits(index, object),
              },
            ]
          : [],
      ),
    );
    expect(seg.frames).toEqual(expected);
    expect(seg.bySource).toEqual(frames.map((_, index) => [bits(index, 0), bits(index, 1)]));
    expect(seg.patient).toEqual(['Müller^Anna', 'P-77']);
    expect(seg.study).toBe('1.2.826.0.1.3680043.8.498.9999');
    expect(seg.overlap).toBe('YES');
    expect(seg.spacing).toEqual([0.42, 0.31]);
  });

  it('csv', () => {
    expect(found.csv).toHaveLength(24);
    expect(found.csv[1]).toMatchObject({
      frame: '0',
      object: '4',
      label: 'grasper, "left"',
      state: 'uncertain',
    });
    const area = Number(found.csv[0]?.['area_px']);
    expect(area).toBe(Buffer.from(bits(0, 0), 'base64').filter((value) => value === 1).length);
    expect(Number(found.csv[0]?.['area_mm2'])).toBeCloseTo(area * 0.31 * 0.42, 3);
    expect(Number(found.csv[0]?.['centroid_x'])).toBeCloseTo(12.5, 1);
    const gone = found.csv.find((row) => row['frame'] === '8' && row['object'] === '4');
    expect(gone).toMatchObject({ state: 'lost', area_px: '0', box_x: '', centroid_x: '' });
  });

  it('OpenCV and GStreamer play the MP4: as many frames, at the same times, with the overlay', async () => {
    const { times, probe, size } = found.mp4;
    expect(size).toEqual([62, 48]);
    expect(times).toHaveLength(12);
    let played = 0;
    for await (const picture of videoFrames(join(folder, 'readers', 'case 7', 'overlay.mp4'), {
      width: 62,
      height: 48,
    })) {
      const at = (40 * 62 + 50) * 3;
      expect(Math.abs((picture[at] ?? 0) - (20 + 15 * played))).toBeLessThan(12);
      // The first object's outline: its leftmost pixel, whose colour is stored together with that of its neighbours.
      const edge = (20 * 62 + 12 + 3 * played - 8) * 3;
      if (played < 8) {
        const seen = [...picture.subarray(edge, edge + 3)];
        const to = (wanted: readonly number[]): number =>
          Math.hypot(...wanted.map((part, channel) => part - (seen[channel] ?? 0)));
        const ownColour = [20 + 15 * played, 60, 200 - 10 * played];
        expect(to(rgbOf(colourOf(0, 'endoscopy')))).toBeLessThan(to(ownColour) / 2);
      }
      played++;
    }
    expect(played).toBe(12);
    times.forEach((time, index) => expect(time).toBeCloseTo((frames[index]?.mediaNs ?? 0) / 1e6, 0));
    // Each picture is the one of its own frame.
    probe.forEach(([red], index) => expect(Math.abs((red ?? 0) - (20 + 15 * index))).toBeLessThan(12));
  });
});

describe('a source that is not DICOM, not calibrated, and never shows anything', () => {
  it('still gives files that the readers open', async () => {
    const directory = join(folder, 'plain');
    const about = info(directory, {
      clip: 'plain',
      dicom: null,
      source: { ...info('').source, calibration: uncalibrated, framesPerSecond: null },
      objects: [{ id: 1, label: 'gallbladder' }],
    });
    for (const format of ['dicom-seg', 'nifti', 'coco'] as const) {
      const exporter = createExporter(format);
      await exporter.open(about, null);
      for (const frame of frames.slice(0, 3))
        await exporter.frame({
          ...frame,
          objects: [{ id: 1, state: 'searching', score: 0, confidence: 0, mask: emptyMask(width, height) }],
        });
      await exporter.checkpoint();
      await exporter.close();
    }
    const found = (await runPython('check_exports.py', {
      directory,
      clip: 'plain',
      width,
      height,
      labels: [],
      probe: [0, 0],
    })) as Found;
    expect(found.dicomSeg.frames).toHaveLength(1);
    expect(found.dicomSeg.frames[0]?.source).toBeNull();
    expect(found.nifti.units).toEqual(['unknown', 'sec']);
    expect(found.coco.frames).toHaveLength(3);
  }, 120_000);
});

describe('round trips of any content', () => {
  it('label pictures', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer(),
        fc.boolean(),
        async (columns, rows, seed, palette) => {
          let state = seed >>> 0;
          const data = Uint8Array.from(
            { length: columns * rows },
            () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24,
          );
          const file = await encodePng(data, columns, rows, palette ? davisPalette : null);
          expect(await decodeLabelPng(file)).toEqual({
            width: columns,
            height: rows,
            data,
            indexed: palette,
            palette: palette ? davisPalette : null,
            depth: 8,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('masks, one after the other through one encoder', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.array(fc.nat({ max: 60 }), { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        async (width, height, masks) => {
          const encoder = new MaskPngEncoder(width, height);
          for (const lengths of masks) {
            // Any run lengths, empty ones included, cut to the size of the picture.
            let left = width * height;
            const counts = lengths.map((length) => {
              const count = Math.min(length, left);
              left -= count;
              return count;
            });
            const mask = { width, height, counts: Uint32Array.of(...counts, left) };
            const file = await encoder.encode(mask);
            const expected = maskToBitmap(mask, 255);
            expect((await decodeLabelPng(file))?.data).toEqual(expected);
            const { data } = await sharp(file)
              .toColourspace('b-w')
              .raw()
              .toBuffer({ resolveWithObject: true });
            expect(Uint8Array.from(data)).toEqual(expected);
            expect(await new MaskPngEncoder(width, height).encode(mask)).toEqual(file);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('NIfTI volumes and CSV lines, with our own readers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 400 })), { minLength: 1, maxLength: 5 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        async (columns, rows, shapes, label) => {
          const directory = await mkdtemp(join(folder, 'any-'));
          const about = info(directory, {
            objects: [{ id: 2, label }],
            source: { ...info('').source, size: { width: columns, height: rows } },
          });
          const bitmaps = shapes.map(([on, cut]) =>
            Uint8Array.from({ length: columns * rows }, (_, at) => (at < cut === on ? 1 : 0)),
          );
          for (const format of ['nifti', 'csv'] as const) {
            const exporter = createExporter(format);
            await exporter.open(about, null);
            for (const [index, bitmap] of bitmaps.entries())
              await exporter.frame({
                sourceFrame: index,
                ptsNs: index * 4e7,
                mediaNs: index * 4e7,
                measurements: [],
                picture: null,
                objects: [
                  {
                    id: 2,
                    state: 'tracking',
                    score: 1,
                    confidence: 1,
                    mask: maskFromBitmap(bitmap, columns, rows),
                  },
                ],
              });
            await exporter.close();
          }
          const volume = readNifti(await readFile(join(directory, about.clip, 'labels.nii.gz')));
          expect(volume.size).toEqual([columns, rows, 1, bitmaps.length]);
          expect(Buffer.from(volume.samples as Uint8Array)).toEqual(Buffer.concat(bitmaps));
          const records = csvRecords(await readFile(join(directory, about.clip, 'objects.csv'), 'utf8'));
          // docs/formats.md: what a spreadsheet would run as a formula has an apostrophe before it.
          const written = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/.test(label) ? `'${label}` : label;
          expect(records.map((record) => record['label'])).toEqual(bitmaps.map(() => written));
          expect(records.map((record) => Number(record['area_px']))).toEqual(
            bitmaps.map((bitmap) => bitmap.reduce((sum, value) => sum + value, 0)),
          );
        },
      ),
      {
        numRuns: 25,
        examples: [
          [3, 2, [[true, 4]], '+ '],
          [3, 2, [[true, 4]], ' =1'],
        ],
      },
    );
  });
});

describe('names and pictures', () => {
  it('labels become safe, distinct folder names', () => {
    expect(safeName('../../etc/passwd')).not.toContain('/');
    expect(safeName('...')).toBe('_');
    expect([
      ...uniqueNames([
        { id: 1, label: 'a/b' },
        { id: 2, label: 'a:b' },
        { id: 3, label: 'Indexed' },
      ]).values(),
    ]).toEqual(['a_b', 'a_b-2', 'Indexed-3']);
  });

  it('PNG label maps survive every cut with a clear error', async () => {
    const data = Uint8Array.from({ length: 35 }, (_, index) => index % 5);
    const file = await encodePng(data, 7, 5, davisPalette);
    expect((await decodeLabelPng(file))?.data).toEqual(data);
    for (let length = 0; length < file.length - 12; length++)
      await expect(decodeLabelPng(file.subarray(0, length))).rejects.toBeInstanceOf(RangeError);
  });

  it('PNG rows of every filter and depth are read as sharp reads them', async () => {
    const data = Buffer.from(
      Uint8Array.from({ length: 40 * 30 }, (_, index) => (index * 7 + (index >> 3)) % 251),
    );
    for (const adaptiveFiltering of [true, false]) {
      const file = await sharp(data, { raw: { width: 40, height: 30, channels: 1 } })
        .toColourspace('b-w')
        .png({ adaptiveFiltering })
        .toBuffer();
      expect(Buffer.from((await decodeLabelPng(file))?.data ?? [])).toEqual(data);
    }
  });

  it('NAL units are found behind start codes of three and four bytes', () => {
    const stream = Buffer.from([0, 0, 0, 1, 9, 16, 0, 0, 1, 7, 1, 2, 0, 0, 0, 1, 8, 3]);
    expect(nalUnits(stream).map((unit) => [...unit])).toEqual([
      [9, 16],
      [7, 1, 2],
      [8, 3],
    ]);
    expect(nalUnits(Buffer.alloc(0))).toEqual([]);
  });
});
