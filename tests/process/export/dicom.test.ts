/** DICOM objects of a run (segmentation, report, capture), read back with the field's own readers and with ours. */
import { uniformCalibration } from '../../../src/vocabulary/calibration.js';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomReference } from '../../../src/dicom/reference.js';
import type { ExportFrame, ExportInfo } from '../../../src/export/exporter.js';
import { createExporter } from '../../../src/export/index.js';
import { emptyMask, maskArea, maskFromBitmap } from '../../../src/mask/rle.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import { rgbOf } from '../../../src/vocabulary/hex-colour.js';
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { colourOf } from '../../../src/vocabulary/palette.js';
import { runPython } from '../../python-env.js';
import { Recording } from '../ingest/harness.js';

const [width, height] = [64, 48];
const frameNs = 1e9 / 30;
const formats = ['dicom-seg', 'dicom-sr', 'dicom-sc'] as const;
const person = 'Yamada^Tarou=山田^太郎=やまだ^たろう';

const cine: DicomReference = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.3.1',
  sopInstanceUid: '1.2.826.0.1.3680043.8.498.1234',
  seriesInstanceUid: '1.2.826.0.1.3680043.8.498.5678',
  studyInstanceUid: '1.2.826.0.1.3680043.8.498.9999',
  attributes: {
    PatientName: person,
    PatientID: 'P-77',
    PatientBirthDate: '1970.01.02',
    PatientSex: 'f',
    StudyDate: '20240102',
    StudyTime: '10:11:12',
    Modality: 'US',
    PatientOrientation: 'A\\F',
  },
};
const single = { ...cine, sopClassUid: '1.2.840.10008.5.1.4.1.1.6.1' };

interface Clip {
  readonly dicom: DicomReference | null;
  readonly spacing: { readonly x: number; readonly y: number } | null;
  readonly frames: number;
  readonly labels: readonly string[];
  readonly loss: ExportInfo['loss'];
}
const heart = Object.values(chambers);
const lossy = { ratios: ['12.5'], methods: ['ISO_14496_10'] };
const clips: Readonly<Record<string, Clip>> = {
  cine: { dicom: cine, spacing: null, frames: 12, labels: ['polyp', 'forceps'], loss: null },
  heart: { dicom: cine, spacing: { x: 0.31, y: 0.42 }, frames: 12, labels: heart, loss: null },
  picture: { dicom: single, spacing: null, frames: 1, labels: ['polyp'], loss: null },
  folder: { dicom: null, spacing: null, frames: 12, labels: ['polyp', 'forceps'], loss: null },
  video: { dicom: null, spacing: { x: 0.31, y: 0.42 }, frames: 5, labels: heart, loss: lossy },
};

const disk = (x: number, y: number, r: number) =>
  maskFromBitmap(
    Uint8Array.from({ length: width * height }, (_, at) =>
      Math.hypot((at % width) - x, Math.floor(at / width) - y) < r ? 1 : 0,
    ),
    width,
    height,
  );

/** The second object is hidden on three pictures; two frames of the source are left out. */
function maskOf(object: number, index: number) {
  if (object === 0) return disk(12 + 3 * index, 20, 9);
  if (object === 1) return index >= 6 && index < 9 ? emptyMask(width, height) : disk(40, 6, 11);
  return disk(30, 35, 6);
}
const sourceFrameOf = (index: number): number => (index < 5 ? index : index + 2);
const mediaOf = (index: number): number => Math.round(sourceFrameOf(index) * frameNs);

/** One beat that counts, with what stands in for what is measured live, and one that is refused. */
function beats(index: number, mL: string): Measurement[] {
  const atPtsNs = mediaOf(index);
  const said = (name: string, value: number | null, unit: string, beat: number, note = ''): Measurement => ({
    ...{
      name,
      value,
      unit,
      interval: null,
      quality: value === null ? 'rejected' : 'good',
      note,
      objectId: 0,
    },
    ...{ atPtsNs, beat },
  });
  const refusal = 'the ventricle is cut by the edge of the sector';
  switch (index) {
    case 0:
      return [said('lv_end_diastole', 100, mL, 1)];
    case 2:
      return [said('lv_end_systole', 45, mL, 1)];
    case 4:
      return [
        said('lv_end_diastole', 101, mL, 2),
        said('beat_edv', 100.1234, mL, 1),
        said('beat_esv', 45.5, mL, 1),
        said('beat_sv', 54.6234, mL, 1),
        said('beat_ef', 54.556, '%', 1, 'single-plane'),
        said('beat_fac', 40.2, '%', 1),
        said('beat_heart_rate', 71.5, '/min', 1),
      ];
    case 8:
      return [
        said('lv_end_diastole', 101, mL, 3),
        said('beat_edv', null, mL, 2, refusal),
        said('beat_ef', null, '%', 2, refusal),
        said('beat_heart_rate', 70, '/min', 2),
      ];
    default:
      return [];
  }
}

let folder: string;
let found: Readonly<Record<string, Found>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonoscope-dicom-'));
  for (const [name, clip] of Object.entries(clips)) await write(name, clip);
  found = (await runPython('check_dicom.py', {
    clips: Object.fromEntries(Object.keys(clips).map((name) => [name, join(folder, name)])),
    height,
    edge: [3 + 1, 20],
  })) as Record<string, Found>;
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, clip: Clip): Promise<void> {
  const info: ExportInfo = {
    ...{ directory: folder, clip: name, sourceUri: name },
    source: {
      ...{ size: { width, height }, framesPerSecond: 30, calibration: uniformCalibration(clip.spacing) },
      ...{ frameCount: 14, description: 'test' },
    },
    objects: clip.labels.map((label, index) => ({ id: index + 1, label })),
    software: { version: '0.1.0', model: 'compact 1', modelSha256: 'ab'.repeat(32) },
    ...{ identity: `run ${name}`, inputIdentity: `input ${name}`, chunkFrames: 5 },
    segmentation: clip.labels === heart ? 'automatic' : 'semiautomatic',
    sourceModifiedUnixMs: Date.UTC(2024, 4, 6, 7, 8, 9),
    view: 'a4c',
    ...{ dicom: clip.dicom, loss: clip.loss },
  };
  for (const format of formats) {
    const exporter = createExporter(format);
    await exporter.open(info, null);
    for (let index = 0; index < clip.frames; index++) {
      const frame: ExportFrame = {
        ...{ sourceFrame: sourceFrameOf(index), ptsNs: mediaOf(index), mediaNs: mediaOf(index) },
        objects: info.objects.map(({ id }, object) => ({
          ...{ id, state: 'tracking', score: 1, confidence: 1, mask: maskOf(object, index) },
        })),
        measurements: clip.labels === heart ? beats(index, clip.spacing === null ? 'px3' : 'mL') : [],
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
      };
      await exporter.frame(frame);
      if ((index + 1) % info.chunkFrames === 0) await exporter.checkpoint();
    }
    await exporter.close();
  }
}

/** Pixels of every frame of the segmentation: by segment, then by time. */
function expectedCounts({ labels, frames }: Clip): number[][] {
  return labels.map((_, object) =>
    Array.from({ length: frames }, (_, index) => maskArea(maskOf(object, index))),
  );
}

interface Image {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly derivation: string | null;
  readonly method: string | null;
  readonly images: readonly (readonly [string, readonly number[] | null])[];
}
interface Found {
  readonly segmentation: {
    readonly pydicom: readonly number[];
    readonly highdicom: readonly number[];
    readonly itk: { readonly counts?: readonly number[]; readonly spacing?: readonly number[] };
    readonly dcmqi: { readonly counts?: readonly (readonly number[])[] };
    readonly sopInstance: string;
    readonly patient: readonly string[];
    readonly study: readonly string[];
    readonly zone: string | null;
    readonly lossy: readonly unknown[];
    readonly frameOfReference: string;
    readonly orientation: readonly number[];
    readonly spacing: readonly number[];
    readonly positions: readonly (readonly number[])[];
    readonly algorithm: readonly string[];
    readonly tracking: readonly string[];
    readonly sourceFrames: readonly (number | null)[];
    readonly comment: string;
  };
  readonly report: {
    readonly class: string;
    readonly patient: readonly string[];
    readonly study: string;
    readonly objects: readonly {
      readonly tracking: readonly [string, string];
      readonly finding: string;
      /** Instance, number of the segment, how many sources it names. */
      readonly segment: readonly [string, number, number];
      readonly measurements: readonly Image[];
    }[];
    readonly heart: readonly { readonly tracking: string; readonly measurements: readonly Image[] }[];
    readonly texts: readonly string[];
  };
  readonly capture: {
    readonly shape: readonly number[];
    readonly colours: readonly (readonly number[])[];
    readonly edge: readonly number[];
    readonly strip: readonly number[];
    readonly imageType: readonly string[];
    readonly burned: string;
    readonly description: string;
    readonly lossy: readonly unknown[];
    readonly times: readonly number[] | number | null;
    readonly modality: string;
    readonly study: string;
  };
}
const of = (name: string): Found => found[name] as Found;

describe('a segmentation', () => {
  it.each(Object.entries(clips))('of %s has the same pixels in every reader', (name, clip) => {
    const { segmentation } = of(name);
    const perSegment = expectedCounts(clip);
    const shown = perSegment.flat().filter((count) => count > 0);
    expect(segmentation.pydicom).toEqual(shown);
    expect(segmentation.highdicom).toEqual(shown);
    expect(segmentation.itk.counts).toEqual(shown);
    expect(segmentation.itk.spacing?.slice(0, 2)).toEqual([clip.spacing?.x ?? 1, clip.spacing?.y ?? 1]);
    // dcmqi fills moments without a mask with empty slices.
    expect(segmentation.dcmqi.counts).toEqual(perSegment);
  });

  it('lies in a space of its own, a place per picture', () => {
    const { segmentation } = of('cine');
    expect(segmentation.orientation).toEqual([1, 0, 0, 0, 1, 0]);
    expect(segmentation.positions.slice(0, 3)).toEqual([0, 1, 2].map((z) => [0, 0, z]));
    expect(segmentation.positions.slice(-4).map(([, , z]) => z)).toEqual([5, 9, 10, 11]);
    expect(segmentation.spacing).toEqual([1, 1]);
    expect(segmentation.comment).toContain('Not calibrated');
    expect(of('heart').segmentation.spacing).toEqual([0.42, 0.31]);
    expect(of('heart').segmentation.comment).not.toContain('Not calibrated');
    // One space for all that is written of one source.
    expect(of('heart').segmentation.frameOfReference).toBe(segmentation.frameOfReference);
    expect(of('folder').segmentation.frameOfReference).not.toBe(segmentation.frameOfReference);
  });

  it('takes over patient and study, in present-day form; a video has a study of its own, the same in all objects', () => {
    const { segmentation, report, capture } = of('cine');
    expect(segmentation.patient).toEqual([person, 'P-77', '19700102', 'F']);
    expect(segmentation.study).toEqual([cine.studyInstanceUid, '20240102', '101112']);
    expect(report.patient).toEqual([person, 'P-77']);
    const video = of('video');
    expect(video.segmentation.study.slice(1)).toEqual(['20240506', '070809']);
    expect(video.segmentation.zone).toBe('+0000');
    for (const study of [video.report.study, video.capture.study])
      expect(study).toBe(video.segmentation.study[0]);
    expect(of('folder').segmentation.study[0]).not.toBe(video.segmentation.study[0]);
    expect(of('folder').segmentation.patient[1]).toMatch(/^FILE-\d{12}$/);
    expect(of('folder').segmentation.patient[1]).not.toBe(video.segmentation.patient[1]);
    expect([capture.modality, video.capture.modality]).toEqual(['US', 'OT']);
  });

  it('says what was lost, who marked the objects, and names a frame only where the source has several', () => {
    expect(of('video').segmentation.lossy).toEqual(['01', 12.5, 'ISO_14496_10']);
    expect(of('cine').segmentation.lossy[0]).toBe('00');
    expect(of('cine').segmentation.algorithm).toEqual(['SEMIAUTOMATIC', 'SEMIAUTOMATIC']);
    expect(new Set(of('heart').segmentation.algorithm)).toEqual(new Set(['AUTOMATIC']));
    expect(of('cine').segmentation.sourceFrames).toEqual([1]);
    expect(of('picture').segmentation.sourceFrames).toEqual([null]);
    expect(of('folder').segmentation.sourceFrames).toEqual([]);
  });
});

describe('a report', () => {
  it('has a group per object: its segment, its area on each picture with that picture, and what they come to', () => {
    const { report, segmentation } = of('heart');
    expect(report.class).toBe('ComprehensiveSR');
    expect(report.objects.map(({ finding }) => finding)).toEqual([
      'Left ventricle',
      'Myocardium',
      'Left atrium',
    ]);
    expect(report.objects.map(({ tracking }) => tracking[1])).toEqual(segmentation.tracking);
    expect(report.objects.map(({ segment }) => segment)).toEqual(
      heart.map((_, index) => [segmentation.sopInstance, index + 1, 1]),
    );
    const areas = expectedCounts(clips['heart'] as Clip)[1] as number[];
    const written = areas.map((area) => Number((area * 0.31 * 0.42).toFixed(4)));
    const group = report.objects[1]?.measurements ?? [];
    const perFrame = group.filter(({ derivation }) => derivation === null);
    expect(perFrame.map(({ value }) => value)).toEqual(written.filter((area) => area > 0));
    expect(new Set(group.map(({ name, unit }) => `${name} ${unit}`))).toEqual(new Set(['42798000 mm2']));
    expect(perFrame.map(({ images }) => images)).toEqual(
      areas.flatMap((area, index) => (area > 0 ? [[[cine.sopInstanceUid, [sourceFrameOf(index) + 1]]]] : [])),
    );
    expect(group.slice(0, 3).map(({ derivation }) => derivation)).toEqual(['Mean', 'Minimum', 'Maximum']);
  });

  it('of an uncalibrated folder counts pixels, and names the frames of the segmentation', () => {
    const { report, segmentation } = of('folder');
    const [first, second] = report.objects;
    expect(first?.measurements[0]?.unit).toBe('{pixels}');
    expect(second?.measurements[3]?.images).toEqual([[segmentation.sopInstance, [13]]]);
    expect(report.texts).toContain('Not calibrated: areas are counts of pixels.');
  });

  it('has what was measured on a heart, beat by beat, and the reason where there is no number', () => {
    const { report } = of('heart');
    expect(report.heart.map(({ tracking }) => tracking)).toEqual(['Whole recording', 'Beat 1', 'Beat 2']);
    const numbers = report.heart.map(({ measurements }) =>
      measurements.map(({ name, value, unit }) => [name, value, unit]),
    );
    expect(numbers).toEqual([
      [54.556, 54.556, 54.556].map((value) => ['18043-0', value, '%']),
      [
        ['18026-5', 100.123, 'mL'],
        ['18148-7', 45.5, 'mL'],
        ['90096001', 54.623, 'mL'],
        ['18043-0', 54.556, '%'],
        ['399287000', 40.2, '%'],
        ['8867-4', 71.5, '/min'],
      ],
      [['8867-4', 70, '/min']],
    ]);
    const [volume] = report.heart[1]?.measurements ?? [];
    expect(volume).toMatchObject({ method: '125208', images: [[cine.sopInstanceUid, [1]]] });
    expect(report.texts).toContain('Does not count: the ventricle is cut by the edge of the sector');
    expect(report.texts).toContain('Research use only: not for diagnosis.');
    expect(of('cine').report.heart).toEqual([]);
  });
});

describe('a capture', () => {
  it('shows every picture with its outlines, and the words below', () => {
    const { capture } = of('cine');
    expect(capture.shape).toEqual([12, height + 18, width, 3]);
    capture.colours.forEach(([r = 0, g = 0, b = 0], index) => {
      expect(Math.abs(r - 20 - 15 * index) + Math.abs(g - 60) + Math.abs(b - 200 + 10 * index)).toBeLessThan(
        12,
      );
    });
    // The first object's colour, at its left edge.
    rgbOf(colourOf(0, 'endoscopy')).forEach((part, channel) =>
      expect(Math.abs((capture.edge[channel] ?? 0) - part)).toBeLessThan(40),
    );
    expect(new Set(capture.strip).size).toBe(1);
    expect(capture.strip[0]).toBeGreaterThan(600);
    expect([...capture.imageType, capture.burned]).toEqual(['DERIVED', 'SECONDARY', 'YES']);
    expect(capture.description).toContain('Outlines of polyp, forceps');
  });

  it('has the times of the source, and what was lost before and now', () => {
    const { times, lossy: lost } = of('cine').capture;
    const steps = times as number[];
    expect(steps).toHaveLength(12);
    let sum = 0;
    steps.forEach((step, index) => expect((sum += step)).toBeCloseTo(mediaOf(index) / 1e6, 5));
    expect(lost[0]).toBe('01');
    expect(of('video').capture.times).toBeCloseTo(frameNs / 1e6, 5);
    expect(of('video').capture.lossy[2] as string[]).toEqual(['ISO_14496_10', 'ISO_10918_1']);
    expect(of('picture').capture.times).toBeNull();
  });

  it('plays in our own reader, at its times', async () => {
    const seen = new Recording(pathToFileURL(join(folder, 'cine', 'capture.dcm')).href, { mode: 'replay' });
    await seen.over();
    expect(seen.outcome).toBe('complete');
    expect(seen.analysis).toHaveLength(12);
    seen.analysis.forEach(({ mediaNs }, index) =>
      expect(Math.abs(mediaNs - mediaOf(index))).toBeLessThan(1000),
    );
  });
});

describe('the validator of dicom3tools', () => {
  const works = (() => {
    try {
      execFileSync('dciodvfy', ['-version'], { stdio: 'ignore' });
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOENT';
    }
  })();

  it
    .skipIf(!works)
    .each(
      Object.keys(clips).flatMap((name) => ['segmentation', 'report', 'capture'].map((kind) => [name, kind])),
    )('has nothing against the %s: %s', (name, kind) => {
    let said = '';
    try {
      execFileSync('sh', ['-c', `dciodvfy -new "$0" 2>&1`, join(folder, name ?? '', `${kind}.dcm`)]);
    } catch (error) {
      said = String((error as { stdout?: Buffer }).stdout);
    }
    expect(said.split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
  });
});
