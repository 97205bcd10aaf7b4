/** The export of beats: its tables and its summary, killed and resumed, and refused where no heart is outlined. */
import { isCalibrated, uncalibrated, uniformCalibration } from '../../../src/vocabulary/calibration.js';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EchoExporter } from '../../../src/export/echo-exporter.js';
import type { ExporterCheckpoint, ExportFrame, ExportInfo } from '../../../src/export/exporter.js';
import { csvRecords } from '../../../src/formats/csv-table.js';
import { beatRejections, chambers, echoMeasures } from '../../../src/vocabulary/echo.js';
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { emptyMask } from '../../../src/mask/rle.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sono-echo-export-'));
  await run(info('same'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const files = ['beats.csv', 'curve.csv', 'echo.json'] as const;
const size = { width: 16, height: 12 };
const frameNs = 40_000_000;
const beatFrames = 20;
const frameCount = 130;
const labels = Object.values(chambers);

function info(clip: string, overrides: Partial<ExportInfo> = {}): ExportInfo {
  return {
    directory: folder,
    clip,
    sourceUri: 'case.dcm',
    source: {
      ...{
        size,
        framesPerSecond: 25,
        calibration: uniformCalibration({ x: 0.4, y: 0.4 }),
        frameCount,
        description: '',
      },
    },
    objects: labels.map((label, index) => ({ id: index + 1, label })),
    software: { version: '0.1.0', model: 'echo 1', modelSha256: 'ab' },
    identity: '0123',
    inputIdentity: '4567',
    segmentation: 'automatic',
    sourceModifiedUnixMs: 0,
    dicom: null,
    loss: null,
    view: 'a4c',
    chunkFrames: 25,
    ...overrides,
  };
}

const value = (name: string, unit: string, more: Partial<Measurement> = {}): Measurement => ({
  ...{ name, value: 50, unit, interval: null, quality: 'good', note: '', objectId: 0 },
  ...more,
});

/** Beats of twenty pictures, decided three pictures late; the third is refused, and the fourth has no end-systole. */
function measured(index: number, calibrated: boolean): Measurement[] {
  const [volume, area, length] = calibrated ? ['mL', 'mm2', 'mm'] : ['px3', 'px2', 'px'];
  const number = Math.floor(index / beatFrames) + 1;
  const at = index % beatFrames;
  const start = (number - 1) * beatFrames * frameNs;
  const found: Measurement[] = [
    value(echoMeasures.ejectionFraction, '%', {
      ...(number < 2
        ? { value: null, quality: 'rejected', note: 'waiting for a whole beat, single-plane' }
        : { value: 50.25 + number, interval: { low: 45, high: 60 }, note: 'single-plane' }),
    }),
  ];
  if (index % 7 !== 6)
    found.push(
      value(echoMeasures.volume, volume, { value: 100 - at }),
      value(echoMeasures.area, area, { value: 2000.12345 }),
      value(echoMeasures.length, length, { value: 80 }),
    );
  if (at === 3) found.push(value(echoMeasures.endDiastole, volume, { beat: number, atPtsNs: start }));
  if (at === 11 && number !== 4)
    found.push(value(echoMeasures.endSystole, volume, { beat: number, atPtsNs: start + 8 * frameNs }));
  if (at === 3 && number > 1) {
    const beat = number - 1;
    const refused: Partial<Measurement> =
      beat === 3 ? { value: null, quality: 'rejected', note: beatRejections.irregular } : {};
    found.push(
      value(echoMeasures.beatEndDiastolicVolume, volume, { beat, value: 100, ...refused }),
      value(echoMeasures.beatEndSystolicVolume, volume, { beat, value: 45, ...refused }),
      value(echoMeasures.beatStrokeVolume, volume, { beat, value: 55, ...refused }),
      value(echoMeasures.beatEjectionFraction, '%', { beat, value: 54 + beat, ...refused }),
      value(echoMeasures.beatFractionalAreaChange, '%', { beat, value: 40, ...refused }),
      value(echoMeasures.beatHeartRate, '/min', { beat, value: 75, ...refused }),
    );
  }
  return found;
}

function frame(index: number, calibrated: boolean): ExportFrame {
  return {
    sourceFrame: index + 10,
    ptsNs: index * frameNs + 5,
    mediaNs: index * frameNs,
    objects: labels.map((_, at) => ({
      ...{ id: at + 1, state: 'tracking', score: 1, confidence: 0.75 },
      mask: emptyMask(size.width, size.height),
    })),
    measurements: measured(index, calibrated),
    picture: null,
  };
}

async function run(about: ExportInfo, killAfter: number | null = null): Promise<void> {
  let exporter = new EchoExporter();
  await exporter.open(about, null);
  const calibrated = isCalibrated(about.source.calibration);
  let killed = false;
  let durable: { readonly next: number; readonly state: ExporterCheckpoint } | null = null;
  for (let index = 0; index < frameCount; index++) {
    if (index === killAfter && !killed) {
      killed = true;
      await exporter.abort();
      exporter = new EchoExporter();
      await exporter.open(about, durable?.state ?? null);
      index = durable?.next ?? 0;
    }
    await exporter.frame(frame(index, calibrated));
    if ((index + 1) % about.chunkFrames === 0) {
      const state = JSON.parse(JSON.stringify(await exporter.checkpoint())) as ExporterCheckpoint;
      durable = { next: index + 1, state };
    }
  }
  const last = await exporter.checkpoint();
  await exporter.close();
  // Killed while the files got their names.
  const again = new EchoExporter();
  await again.open(about, last);
  await again.close();
}

const written = async (clip: string): Promise<string[]> =>
  Promise.all(files.map((name) => readFile(join(folder, clip, name), 'utf8')));

describe('the export of beats', () => {
  it('has one line per beat, with frames, times and the reason where it does not count', async () => {
    await run(info('whole'));
    const [beats = '', curve = '', summary = ''] = await written('whole');
    expect(beats.endsWith('\r\n')).toBe(true);
    const rows = csvRecords(beats);
    expect(rows).toHaveLength(6 - 1 + (frameCount > 123 ? 1 : 0));
    expect(rows[1]).toEqual({
      ...{ beat: '2', ed_frame: '30', ed_time_s: '0.800000', es_frame: '38', es_time_s: '1.120000' },
      ...{ next_ed_frame: '50', next_ed_time_s: '1.600000', edv_ml: '100.000', esv_ml: '45.000' },
      ...{ sv_ml: '55.000', ef_percent: '56.000', fac_percent: '40.000', heart_rate_per_min: '75.000' },
      ...{ accepted: 'yes', rejection: '', reason: '', corrected: 'no' },
    });
    expect(rows[2]).toMatchObject({
      ...{ beat: '3', edv_ml: '', ef_percent: '', accepted: 'no', rejection: 'irregular' },
      reason: beatRejections.irregular,
    });
    expect(rows[3]).toMatchObject({ beat: '4', es_frame: '', es_time_s: '', accepted: 'yes' });

    const points = csvRecords(curve);
    expect(points).toHaveLength(frameCount);
    expect(points[1]).toMatchObject({
      ...{ frame: '11', time_s: '0.040000', lv_area_mm2: '2000.123', lv_length_mm: '80.000' },
      ...{ lv_volume_ml: '99.000', state: 'tracking', confidence: '0.750000', quality: 'good' },
    });
    expect(points[6]).toMatchObject({ lv_area_mm2: '', lv_length_mm: '', lv_volume_ml: '', quality: '' });

    expect(JSON.parse(summary)).toMatchObject({
      ...{ schema: 'sonoscope.echo/1', clip: 'whole', software: 'sonoscope 0.1.0' },
      model: { name: 'echo 1', sha256: 'ab' },
      method: 'single-plane, method of disks',
      calibration: { calibrated: true, pixelSpacingMm: { x: 0.4, y: 0.4 } },
      units: { volume: 'mL', area: 'mm2', length: 'mm' },
      frames: { analysed: frameCount, measured: frameCount - Math.floor((frameCount - 6 + 6) / 7) },
      beats: { accepted: 5, rejected: 1, reasons: { irregular: 1 } },
      ejectionFraction: {
        ...{ beats: 5, median: 58, lowest: 55, highest: 60, reason: '' },
        lastShown: { frame: 139, value: 57.25, interval: { low: 45, high: 60 }, note: 'single-plane' },
      },
    });
  });

  it.each([1, 24, 25, 26, 62, 103, 129])(
    'has the same bytes after a kill behind %i pictures',
    async (killAfter) => {
      const clip = `killed-${killAfter}`;
      await run(info(clip, { clip: 'killed', directory: join(folder, clip) }), killAfter);
      const killed = await Promise.all(
        files.map((name) => readFile(join(folder, clip, 'killed', name), 'utf8')),
      );
      const same = await written('same');
      expect(killed.slice(0, 2)).toEqual(same.slice(0, 2));
      expect(killed[2]?.replaceAll('"killed"', '"same"')).toBe(same[2]);
    },
  );

  it('says px where the source is not calibrated, and refuses a value in another unit', async () => {
    const source = { ...info('').source, calibration: uncalibrated };
    await run(info('pixels', { source }));
    const [beats = '', curve = ''] = await written('pixels');
    expect(beats).toContain('edv_px3,esv_px3,sv_px3');
    expect(curve).toContain('lv_area_px2,lv_length_px,lv_volume_px3');
    const exporter = new EchoExporter();
    await exporter.open(info('mixed', { source }), null);
    await expect(exporter.frame(frame(0, true))).rejects.toMatchObject({ code: 'SONO_EXPORT_FRAME' });
    await exporter.abort();
  });

  it('says why there is no number', async () => {
    const exporter = new EchoExporter();
    await exporter.open(info('none'), null);
    for (let index = 0; index < 5; index++) {
      const one = frame(index, true);
      await exporter.frame({
        ...one,
        measurements: one.measurements.filter(({ name }) => name === echoMeasures.ejectionFraction),
      });
    }
    await exporter.close();
    const [beats = '', curve = '', summary = ''] = await written('none');
    expect(csvRecords(beats)).toEqual([]);
    expect(csvRecords(curve)).toHaveLength(5);
    expect(JSON.parse(summary)).toMatchObject({
      beats: { accepted: 0, rejected: 0, reasons: {} },
      ejectionFraction: { beats: 0, median: null, reason: 'waiting for a whole beat, single-plane' },
    });
  });

  it('is refused where no heart is outlined, where its files are, and where a state is not borne out', async () => {
    const objects = [{ id: 1, label: 'gallbladder' }];
    await expect(new EchoExporter().open(info('other', { objects }), null)).rejects.toMatchObject({
      code: 'SONO_EXPORT_UNSUPPORTED',
    });
    await expect(new EchoExporter().open(info('none'), null)).rejects.toMatchObject({
      code: 'SONO_EXPORT_EXISTS',
    });
    const state = { beatsBytes: 99, curveBytes: 99, summaryBytes: 0, state: '{}' };
    await expect(new EchoExporter().open(info('missing'), state)).rejects.toMatchObject({
      code: 'SONO_EXPORT_RESUME_BROKEN',
    });
  });
});
