/** A picture with two scales: what is measured live and every file that says lengths agree on each object, or have none. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import dicomParser from 'dicom-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMeasurer } from '../../../src/analysis/measure.js';
import { csvRecords } from '../../../src/formats/csv-table.js';
import { CsvExporter } from '../../../src/export/csv-exporter.js';
import { DicomSegExporter } from '../../../src/export/dicom-seg-exporter.js';
import { DicomSrExporter } from '../../../src/export/dicom-sr-exporter.js';
import type { Exporter, ExportInfo } from '../../../src/export/exporter.js';
import { NiftiExporter } from '../../../src/export/nifti-exporter.js';
import { maskArea, maskBox, maskFromBitmap } from '../../../src/mask/rle.js';
import { describeSegmentation } from '../../../src/protocol/messages.js';
import { scaleReasons } from '../../../src/mask/scale.js';
import type { CalibratedRegion } from '../../../src/vocabulary/calibration.js';
import type { Mask } from '../../../src/vocabulary/mask.js';

const size = { width: 160, height: 120 };
const region = (x0: number, x1: number, mm: number): CalibratedRegion => ({
  ...{ x0, y0: 0, x1, y1: 120, kind: '2d', spacingMm: { x: mm, y: mm } },
  ...{ reference: null, underneath: false },
});
const two = [region(0, 80, 0.2), region(80, 160, 0.4)];
const places = { left: [20, 30, 60, 70], right: [100, 30, 130, 60], across: [70, 30, 90, 60] } as const;
type Place = keyof typeof places;

function maskAt(place: Place): Mask {
  const [x0, y0, x1, y1] = places[place];
  const bitmap = new Uint8Array(size.width * size.height);
  for (let y = y0; y < y1; y += 1) bitmap.fill(1, y * size.width + x0, y * size.width + x1);
  return maskFromBitmap(bitmap, size.width, size.height);
}

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sono-regions-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Areas in mm² as each way says them, null where there is none; and the one spacing of the files that have one. */
async function measured(shown: readonly Place[], regions: readonly CalibratedRegion[]) {
  const calibration = { whole: null, regions };
  const objects = shown.map((label, index) => ({ id: index + 1, label }));
  const masks = shown.map(maskAt);
  const info: ExportInfo = {
    ...{ directory, clip: 'clip', sourceUri: 'a.dcm', objects, identity: 'x', inputIdentity: 'y' },
    ...{ segmentation: 'automatic', view: 'a4c', sourceModifiedUnixMs: 0 },
    source: { size, framesPerSecond: 25, calibration, frameCount: 1, description: '' },
    software: { version: '0', model: 'm', modelSha256: '0' },
    ...{ dicom: null, loss: null, chunkFrames: 1 },
  };
  const state = { state: 'tracking', score: 1, confidence: 1 } as const;
  const exported = objects.map(({ id }, index) => ({ id, ...state, mask: masks[index] as Mask }));
  const times = { ptsNs: 0, mediaNs: 0, sourceFrame: 0 };
  for (const make of [
    () => new CsvExporter(),
    () => new NiftiExporter(),
    () => new DicomSegExporter(),
    () => new DicomSrExporter(),
  ]) {
    const before: Exporter = make();
    await before.open(info, null);
    await before.frame({ ...times, objects: exported, measurements: [], picture: null });
    // What is decided over all frames goes on behind a kill.
    const kept = await before.checkpoint();
    await before.abort();
    const exporter: Exporter = make();
    await exporter.open(info, kept);
    await exporter.close();
  }
  const live = objects.map((object, index) => ({
    ...{ ...object, ...state, mask: masks[index] as Mask, areaPx: maskArea(masks[index] as Mask) },
    box: maskBox(masks[index] as Mask),
  }));
  const frame = { ...times, streamId: 's', captureNs: 0, discontinuity: 0 };
  const result = { frame, maskSize: size, objects: live };
  const areas = createMeasurer()(result, { size, calibration });
  const rows = csvRecords(await readFile(join(directory, 'clip/objects.csv'), 'utf8'));
  const cell = (name: string): string[] => rows.map((row) => row[name] ?? '');
  const nifti = gunzipSync(await readFile(join(directory, 'clip/labels.nii.gz')));
  const seg = await readFile(join(directory, 'clip/segmentation.dcm'));
  const spacing = seg.indexOf(Buffer.from([0x28, 0, 0x30, 0, 0x44, 0x53]));
  const report = dicomParser.parseDicom(await readFile(join(directory, 'clip/report.dcm')));
  return {
    sr: objects.map(({ label }) => reportedArea(report, label)),
    live: areas.map(({ value }) => value),
    notes: areas.map(({ note }) => note),
    wire: describeSegmentation(result, 0n, { size, calibration }).objects.map(({ areaMm2 }) => areaMm2),
    csv: cell('area_mm2').map((text) => (text === '' ? null : Number(text))),
    csvNotes: cell('area_mm2_note'),
    nifti: (nifti.readUInt8(123) & 7) === 2 ? nifti.readFloatLE(80) * nifti.readFloatLE(84) : null,
    seg:
      // Readers want a spacing: without one it is 1 mm, and a comment says that it stands for a pixel.
      seg.includes('one millimetre stands for one pixel')
        ? null
        : seg
            .toString('latin1', spacing + 8, spacing + 8 + seg.readUInt16LE(spacing + 6))
            .split('\\')
            .reduce((product, side) => product * Number(side), 1),
  };
}

const itemsOf = (set: dicomParser.DataSet, tag: string): readonly dicomParser.DataSet[] =>
  (set.elements[tag]?.items ?? []).flatMap(({ dataSet }) => dataSet ?? []);
const contentOf = (set: dicomParser.DataSet): readonly dicomParser.DataSet[] => itemsOf(set, 'x0040a730');

/** The area in the report's group of an object, the same in every item that says it; null where none does. */
function reportedArea(report: dicomParser.DataSet, label: string): number | null {
  const containers = contentOf(report).flatMap(contentOf);
  const group = containers.find((one) =>
    contentOf(one).some((item) => item.string('x0040a160')?.startsWith(`${label} (`)),
  );
  if (group === undefined) throw new Error(`no group of ${label}`);
  const numbers = contentOf(group).filter((item) => item.string('x0040a040') === 'NUM');
  const values = new Set(
    numbers.map((item) => {
      const [measured] = itemsOf(item, 'x0040a300');
      expect(measured && itemsOf(measured, 'x004008ea')[0]?.string('x00080100')).toBe('mm2');
      return Number(measured?.string('x0040a30a'));
    }),
  );
  expect(values.size).toBeLessThanOrEqual(1);
  return [...values][0] ?? null;
}

describe('a picture with two scales', () => {
  it('gives each object the area by the scale of its region', async () => {
    const { live, wire, csv, sr, nifti, seg, notes, csvNotes } = await measured(['left', 'right'], two);
    for (const areas of [live, wire, csv, sr]) {
      expect(areas[0]).toBeCloseTo(1600 * 0.04);
      expect(areas[1]).toBeCloseTo(900 * 0.16);
    }
    expect([...notes, ...csvNotes]).toEqual(['', '', '', '']);
    // No one spacing holds for both.
    expect([nifti, seg]).toEqual([null, null]);
  });

  it('has one spacing in files where all objects are in one region', async () => {
    const { csv, sr, nifti, seg } = await measured(['right'], two);
    expect(sr[0]).toBeCloseTo(900 * 0.16);
    expect(csv[0]).toBeCloseTo(900 * 0.16);
    expect(nifti).toBeCloseTo(0.16);
    expect(seg).toBeCloseTo(0.16);
  });

  it.each([
    ['across', two, scaleReasons.across],
    ['right', two.slice(0, 1), scaleReasons.outside],
  ] as const)('has no number for an object %s, and says why', async (place, regions, reason) => {
    expect(await measured([place], regions)).toEqual({
      ...{ live: [null], wire: [null], csv: [null], sr: [null], nifti: null, seg: null },
      ...{ notes: [reason], csvNotes: [reason] },
    });
  });
});
