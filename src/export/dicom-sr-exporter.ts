/**
 * dicom-sr: <clip>/report.dcm, the measurements of a run as a structured report (src/dicom/write/report.ts has what stands in it).
 * Its regions are the segments of segmentation.dcm of the same run, which is written with it (`withCompanions`).
 *
 * Areas are collected in one spool, beats in another; the report is written at the end, one pass over the areas per object.
 */
import { join } from 'node:path';
import { BeatTable, hasChambers, reasonIn, type Beat, type BeatTableState } from '../analysis/beat-table.js';
import { containerEnd } from '../dicom/write/report-items.js';
import {
  areaItem,
  heartGroup,
  objectGroupStart,
  reportEnd,
  reportHeader,
  reportUnits,
  type HeartFigure,
  type HeartNumber,
  type ReportUnit,
} from '../dicom/write/report.js';
import { maskArea } from '../mask/rle.js';
import { areaMm2, scaleOfMask } from '../mask/scale.js';
import { isCalibrated } from '../vocabulary/calibration.js';
import { echoMeasures } from '../vocabulary/echo.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { checkDicomSize } from './dicom-seg-exporter.js';
import { median } from './echo-exporter.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';

/** Object (from 0), frame of the source (uint32 each), area (float64) in mm² or pixels; NaN: it lies where there is no scale. */
const areaRecord = 16;
const blockRecords = 4096;
/** Frames whose numbers are remembered: a moment is decided later than it was. */
const rememberedFrames = 256;
/** A list of frames fits its length field: 65,534 bytes. */
const mostListedFrames = 8000;

/** A beat as it will stand in the report. JSON, one a line in the spool. */
interface ReportedBeat {
  readonly number: number;
  readonly numbers: readonly HeartNumber[];
  readonly remarks: readonly string[];
}

/** JSON, in the checkpoint. */
interface HeartState {
  readonly table: BeatTableState;
  readonly recent: readonly (readonly [mediaNs: number, sourceFrame: number])[];
  /** Ejection fractions of the beats that count, percent. */
  readonly fractions: readonly number[];
  /** Why there is no number, as it was last said. */
  readonly note: string;
}

/** What the areas of an object come to. */
interface AreaSummary {
  readonly frames: readonly number[];
  /** Pictures on which it is shown, and on how many of them it has an area. */
  readonly count: number;
  readonly measured: number;
  readonly sum: number;
  readonly lowest: number;
  readonly highest: number;
}

export class DicomSrExporter implements Exporter {
  readonly format = 'dicom-sr';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #file!: PartialFile;
  #areas!: PartialFile;
  #beats!: PartialFile;
  #heart = false;
  #table = new BeatTable();
  #recent: (readonly [number, number])[] = [];
  #fractions: number[] = [];
  #note = '';

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    checkDicomSize(info, this.format);
    this.#heart = hasChambers(info.objects);
    const path = join(info.directory, info.clip, 'report.dcm');
    this.#file = await PartialFile.open(path, resume === null ? null : 0);
    const spool = (name: string, bytes: string): Promise<PartialFile> =>
      PartialFile.open(
        `${path}.${name}`,
        resume === null || this.#file.complete ? null : Number(resume[bytes]),
      );
    this.#areas = await spool('areas', 'bytes');
    this.#beats = await spool('beats', 'beatBytes');
    const heart = resume?.['heart'];
    if (heart === undefined) return;
    const state = JSON.parse(String(heart)) as HeartState;
    this.#table = new BeatTable(state.table);
    this.#recent = [...state.recent];
    this.#fractions = [...state.fractions];
    this.#note = state.note;
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    for (const [index, { mask }] of frame.objects.entries()) {
      if (mask.counts.length <= 1) continue;
      const record = Buffer.alloc(areaRecord);
      record.writeUInt32LE(index, 0);
      record.writeUInt32LE(frame.sourceFrame, 4);
      record.writeDoubleLE(this.#areaOf(mask), 8);
      await this.#areas.append(record);
    }
    if (this.#heart) await this.#takeBeats(frame);
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    const heart: HeartState = {
      ...{ table: this.#table.state, recent: this.#recent, fractions: this.#fractions, note: this.#note },
    };
    return {
      bytes: await this.#areas.sync(),
      beatBytes: await this.#beats.sync(),
      heart: JSON.stringify(heart),
    };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#file.complete) await this.#write();
    const path = await this.#file.finish();
    await this.#areas.discard();
    await this.#beats.discard();
    return [path];
  }

  async abort(): Promise<void> {
    await Promise.all([this.#file, this.#areas, this.#beats].map((file) => file?.close()));
  }

  async #write(): Promise<void> {
    const { objects, source } = this.#info;
    const summaries: AreaSummary[] = [];
    for (const index of objects.keys()) summaries.push(await this.#summary(index));
    const unseen = objects.filter((_, index) => summaries[index]?.count === 0).map(({ label }) => label);
    await this.#file.append(
      reportHeader(this.#info, [
        ...(isCalibrated(source.calibration) ? [] : ['Not calibrated: areas are counts of pixels.']),
        ...unseen.map((label) => `${label}: not seen on any picture.`),
        ...objects.flatMap(({ label }, index) => {
          const { count = 0, measured = 0 } = summaries[index] ?? {};
          return count === measured
            ? []
            : [`${label}: no area on ${count - measured} of ${count} pictures, where no one scale holds.`];
        }),
      ]),
    );
    let before = 0;
    for (const [index, summary] of summaries.entries()) {
      if (summary.count > 0) await this.#writeObject(index, summary, before);
      before += summary.count;
    }
    if (this.#heart) await this.#writeHeart();
    await this.#file.append(reportEnd);
  }

  async #writeObject(index: number, summary: AreaSummary, framesBefore: number): Promise<void> {
    const info = this.#info;
    const { measured, sum, lowest, highest } = summary;
    await this.#file.append(objectGroupStart(info, index, summary.frames));
    const derived = [
      ['mean', sum / measured],
      ['lowest', lowest],
      ['highest', highest],
    ] as const;
    for (const [derivation, area] of measured === 0 ? [] : derived)
      await this.#file.append(areaItem(info, this.#area(area), derivation));
    let segmentationFrame = framesBefore;
    for await (const items of this.#areasOf(index))
      await this.#file.append(
        Buffer.concat(
          items.flatMap(({ sourceFrame, area }) => {
            segmentationFrame += 1;
            const at = { sourceFrame, segmentationFrame, segment: index + 1 };
            return Number.isNaN(area) ? [] : [areaItem(info, this.#area(area), at)];
          }),
        ),
      );
    await this.#file.append(containerEnd);
  }

  /** As objects.csv has it. */
  #areaOf(mask: Mask): number {
    const { size, calibration } = this.#info.source;
    const pixels = maskArea(mask);
    if (!isCalibrated(calibration)) return pixels;
    const { spacingMm } = scaleOfMask(mask, size, calibration);
    return spacingMm === null ? NaN : areaMm2(pixels, size, size, spacingMm);
  }

  #area(area: number): { value: string; unit: ReportUnit } {
    return isCalibrated(this.#info.source.calibration)
      ? { value: area.toFixed(4), unit: 'mm2' }
      : { value: String(Number(area.toFixed(4))), unit: 'px' };
  }

  async #summary(index: number): Promise<AreaSummary> {
    const frames: number[] = [];
    let [count, measured, sum, lowest, highest] = [0, 0, 0, Infinity, 0];
    for await (const items of this.#areasOf(index))
      for (const { sourceFrame, area } of items) {
        if (count <= mostListedFrames) frames.push(sourceFrame);
        count += 1;
        if (Number.isNaN(area)) continue;
        measured += 1;
        sum += area;
        lowest = Math.min(lowest, area);
        highest = Math.max(highest, area);
      }
    // No list stands for all frames of the source.
    return { frames: count > mostListedFrames ? [] : frames, count, measured, sum, lowest, highest };
  }

  async *#areasOf(index: number): AsyncGenerator<{ sourceFrame: number; area: number }[]> {
    for (let at = 0; at < this.#areas.position; at += areaRecord * blockRecords) {
      const block = await this.#areas.read(
        at,
        Math.min(areaRecord * blockRecords, this.#areas.position - at),
      );
      const found: { sourceFrame: number; area: number }[] = [];
      for (let place = 0; place < block.length; place += areaRecord)
        if (block.readUInt32LE(place) === index)
          found.push({
            sourceFrame: block.readUInt32LE(place + 4),
            area: block.readDoubleLE(place + 8),
          });
      yield found;
    }
  }

  async #takeBeats({ mediaNs, sourceFrame, measurements }: ExportFrame): Promise<void> {
    this.#recent.push([Math.round(mediaNs), sourceFrame]);
    if (this.#recent.length > rememberedFrames) this.#recent.shift();
    for (const beat of this.#table.take(measurements))
      await this.#beats.append(`${JSON.stringify(this.#reported(beat))}\n`);
    const shown = measurements.find(({ name }) => name === echoMeasures.ejectionFraction);
    if (shown !== undefined) this.#note = shown.value === null ? shown.note : '';
  }

  #reported(beat: Beat): ReportedBeat {
    const frameAt = (ptsNs: number | null): number[] =>
      this.#recent.filter(([mediaNs]) => mediaNs === ptsNs).map(([, frame]) => frame);
    const diastole = frameAt(beat.endDiastolePtsNs);
    const systole = frameAt(beat.endSystolePtsNs);
    const both = [...diastole, ...systole];
    const number = (
      figure: HeartFigure,
      measurement: Measurement | null,
      sourceFrames: readonly number[],
    ): HeartNumber[] => {
      const unit = measurement?.unit ?? '';
      // Volumes of an uncalibrated source (px3) are no volumes.
      if (measurement === null || measurement.value === null || !isReportUnit(unit)) return [];
      return [{ figure, value: measurement.value.toFixed(3), unit, derivation: null, sourceFrames }];
    };
    const counts = beat.accepted;
    if (counts) this.#fractions.push(Number((beat.ejectionFraction?.value ?? NaN).toFixed(3)));
    const note = beat.ejectionFraction?.note ?? '';
    return {
      number: beat.number,
      numbers: [
        ...(counts ? number('endDiastolicVolume', beat.endDiastolicVolume, diastole) : []),
        ...(counts ? number('endSystolicVolume', beat.endSystolicVolume, systole) : []),
        ...(counts ? number('strokeVolume', beat.strokeVolume, both) : []),
        ...(counts ? number('ejectionFraction', beat.ejectionFraction, both) : []),
        ...(counts ? number('fractionalAreaChange', beat.fractionalAreaChange, both) : []),
        ...number('heartRate', beat.heartRate, []),
      ],
      remarks: counts ? (note === '' ? [] : [note]) : [`Does not count: ${reasonIn(beat.reason)}`],
    };
  }

  async #writeHeart(): Promise<void> {
    const fractions = [...this.#fractions].sort((a, b) => a - b);
    const middle = median(fractions);
    const fraction = (value: number, derivation: HeartNumber['derivation']): HeartNumber => ({
      ...{ figure: 'ejectionFraction', unit: '%', derivation, sourceFrames: [] },
      value: value.toFixed(3),
    });
    const numbers =
      middle === null
        ? []
        : [
            fraction(middle, 'median'),
            fraction(fractions[0] ?? middle, 'lowest'),
            fraction(fractions.at(-1) ?? middle, 'highest'),
          ];
    const remarks =
      middle === null
        ? [`No ejection fraction: ${this.#note === '' ? 'no beat counted' : reasonIn(this.#note)}`]
        : [`Single-plane, of ${fractions.length} ${fractions.length === 1 ? 'beat' : 'beats'}`];
    if (!isCalibrated(this.#info.source.calibration))
      remarks.push('Not calibrated: volumes are left out, since pixels are no millilitres');
    await this.#file.append(heartGroup(this.#info, this.#info.view, 'Whole recording', numbers, remarks));
    for await (const beat of this.#reportedBeats())
      await this.#file.append(
        heartGroup(this.#info, this.#info.view, `Beat ${beat.number}`, beat.numbers, beat.remarks),
      );
  }

  async *#reportedBeats(): AsyncGenerator<ReportedBeat> {
    let waiting = Buffer.alloc(0);
    for (let at = 0; at < this.#beats.position;) {
      const block = await this.#beats.read(at, Math.min(1 << 16, this.#beats.position - at));
      at += block.length;
      waiting = Buffer.concat([waiting, block]);
      for (let end = waiting.indexOf(10); end >= 0; end = waiting.indexOf(10)) {
        yield JSON.parse(waiting.subarray(0, end).toString('utf8')) as ReportedBeat;
        waiting = waiting.subarray(end + 1);
      }
    }
  }
}

function isReportUnit(unit: string): unit is ReportUnit {
  return unit in reportUnits;
}
