/**
 * echo: what was measured on a heart. <clip>/beats.csv, one line per beat, also of those that do not count; <clip>/curve.csv, one line
 * per analysed frame; <clip>/echo.json, what a report needs of both. RFC 4180; units stand in the headers.
 */
import { join } from 'node:path';
import {
  BeatTable,
  hasChambers,
  reasonIn,
  rejectionOf,
  type Beat,
  type BeatTableState,
} from '../analysis/beat-table.js';
import { pairLimits } from '../analysis/biplane-beats.js';
import { isByHand } from '../analysis/corrected-stream.js';
import { closedBeat } from '../analysis/view-beats.js';
import { isCalibrated, sharedSpacing } from '../vocabulary/calibration.js';
import { chambers, echoMeasures, echoViewWords, type EchoMeasure } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { csvField, csvLine } from '../formats/csv-table.js';
import { exportError } from './errors.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';

interface Units {
  readonly length: string;
  readonly area: string;
  readonly volume: string;
}

/** UCUM, as measurements carry them. */
const calibratedUnits: Units = { length: 'mm', area: 'mm2', volume: 'mL' };
const pixelUnits: Units = { length: 'px', area: 'px2', volume: 'px3' };

/** Frames whose numbers are remembered, because a moment is decided later than it was: two seconds at 120 pictures per second. */
const rememberedFrames = 256;

/** JSON, in the checkpoint. */
interface State {
  readonly table: BeatTableState;
  /** `[mediaNs, sourceFrame]` of the last frames. */
  readonly recent: readonly (readonly [number, number])[];
  readonly frames: number;
  readonly measuredFrames: number;
  readonly rejected: Readonly<Record<string, number>>;
  /** Ejection fractions of the beats that count, percent, as they stand in the table. */
  readonly fractions: readonly number[];
  readonly shown: Shown | null;
  /** Beats in which a person has had a hand. */
  readonly byHand: number;
  readonly disks: readonly DiskedBeat[];
}

/** A beat that counts as two views need it. Lengths and diameters (apex first) in the unit of lengths. */
interface DiskedBeat {
  readonly beat: number;
  readonly heartRate: number;
  readonly irregularRhythm: boolean;
  readonly endDiastole: { readonly length: number; readonly diameters: readonly number[] };
  readonly endSystole: { readonly length: number; readonly diameters: readonly number[] };
}

/** The ejection fraction as a person would have read it on the last frame: without a value, and with the reason, where there is none. */
interface Shown {
  readonly frame: number;
  readonly timeSeconds: number;
  readonly value: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly quality: Measurement['quality'];
  readonly note: string;
}

const nothingYet: State = {
  table: { endDiastole: [], endSystole: [] },
  ...{
    recent: [],
    frames: 0,
    measuredFrames: 0,
    rejected: {},
    fractions: [],
    shown: null,
    byHand: 0,
    disks: [],
  },
};

export class EchoExporter implements Exporter {
  readonly format = 'echo';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #units!: Units;
  #beats!: PartialFile;
  #curve!: PartialFile;
  #summary!: PartialFile;
  #table = new BeatTable();
  #recent: (readonly [number, number])[] = [];
  #frames = 0;
  #measuredFrames = 0;
  #rejected: Record<string, number> = {};
  #fractions: number[] = [];
  #shown: Shown | null = null;
  #byHand = 0;
  /** The last ones: see `pairLimits.beats`. */
  #disks: readonly DiskedBeat[] = [];

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    this.#units = isCalibrated(info.source.calibration) ? calibratedUnits : pixelUnits;
    if (!hasChambers(info.objects))
      throw exportError('SONO_EXPORT_UNSUPPORTED', {
        format: this.format,
        reason: `beats are measured where ${listWords(Object.values(chambers))} are outlined`,
      });
    const file = (name: string, bytes: string): Promise<PartialFile> =>
      PartialFile.open(join(info.directory, info.clip, name), resume === null ? null : Number(resume[bytes]));
    this.#beats = await file('beats.csv', 'beatsBytes');
    this.#curve = await file('curve.csv', 'curveBytes');
    this.#summary = await file('echo.json', 'summaryBytes');
    if (resume === null) {
      await this.#beats.append(csvLine(beatColumns(this.#units)));
      await this.#curve.append(csvLine(curveColumns(this.#units)));
    }
    this.#restore(resume === null ? nothingYet : (JSON.parse(String(resume['state'])) as State));
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const { sourceFrame, measurements } = frame;
    this.#frames += 1;
    this.#recent.push([Math.round(frame.mediaNs), sourceFrame]);
    if (this.#recent.length > rememberedFrames) this.#recent.shift();
    await this.#curve.append(csvLine(this.#curveCells(frame)));
    for (const beat of this.#table.take(measurements)) {
      await this.#beats.append(csvLine(this.#beatCells(beat, sourceFrame)));
      this.#count(beat);
    }
    const disked = diskedBeat(measurements);
    if (disked !== null) this.#disks = [...this.#disks, disked].slice(-pairLimits.beats);
    const shown = measurements.find(({ name }) => name === echoMeasures.ejectionFraction);
    if (shown)
      this.#shown = {
        ...{ frame: sourceFrame, timeSeconds: round(frame.mediaNs / 1e9, 6) },
        ...{ value: shown.value === null ? null : round(shown.value, 2), quality: shown.quality },
        interval: shown.interval && {
          low: round(shown.interval.low, 2),
          high: round(shown.interval.high, 2),
        },
        note: shown.note,
      };
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    const [beatsBytes, curveBytes] = [await this.#beats.sync(), await this.#curve.sync()];
    const state: State = {
      ...{ table: this.#table.state, recent: this.#recent, frames: this.#frames },
      ...{ measuredFrames: this.#measuredFrames, rejected: this.#rejected },
      ...{ fractions: this.#fractions, shown: this.#shown, byHand: this.#byHand },
      disks: this.#disks,
    };
    return { beatsBytes, curveBytes, summaryBytes: 0, state: JSON.stringify(state) };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#summary.complete) await this.#summary.append(`${JSON.stringify(this.#describe(), null, 2)}\n`);
    return [await this.#beats.finish(), await this.#curve.finish(), await this.#summary.finish()];
  }

  async abort(): Promise<void> {
    await Promise.all([this.#beats, this.#curve, this.#summary].map((file) => file?.close()));
  }

  #restore({
    table,
    recent,
    frames,
    measuredFrames,
    rejected,
    fractions,
    shown,
    byHand,
    disks,
  }: State): void {
    this.#table = new BeatTable(table);
    this.#recent = [...recent];
    this.#frames = frames;
    this.#measuredFrames = measuredFrames;
    this.#rejected = { ...rejected };
    this.#fractions = [...fractions];
    this.#shown = shown;
    this.#byHand = byHand;
    this.#disks = disks;
  }

  #curveCells({ sourceFrame, mediaNs, objects, measurements }: ExportFrame): string[] {
    const { length, area, volume } = this.#units;
    const of = (name: EchoMeasure): Measurement | null =>
      measurements.find((measurement) => measurement.name === name) ?? null;
    const found = of(echoMeasures.volume) ?? of(echoMeasures.area);
    if (found !== null && found.value !== null) this.#measuredFrames += 1;
    const place = this.#info.objects.findIndex(({ label }) => label === chambers.ventricle);
    const ventricle = objects[place];
    return [
      String(sourceFrame),
      (mediaNs / 1e9).toFixed(6),
      this.#cell(of(echoMeasures.area), area, sourceFrame),
      this.#cell(of(echoMeasures.length), length, sourceFrame),
      this.#cell(of(echoMeasures.volume), volume, sourceFrame),
      ventricle?.state ?? '',
      ventricle?.confidence.toFixed(6) ?? '',
      found?.quality ?? '',
      csvField(found?.note ?? ''),
    ];
  }

  #beatCells(beat: Beat, sourceFrame: number): string[] {
    const { volume } = this.#units;
    const cell = (measurement: Measurement | null, unit: string): string =>
      this.#cell(measurement, unit, sourceFrame);
    return [
      String(beat.number),
      ...this.#momentCells(beat.endDiastolePtsNs),
      ...this.#momentCells(beat.endSystolePtsNs),
      ...this.#momentCells(beat.nextEndDiastolePtsNs),
      cell(beat.endDiastolicVolume, volume),
      cell(beat.endSystolicVolume, volume),
      cell(beat.strokeVolume, volume),
      cell(beat.ejectionFraction, '%'),
      cell(beat.fractionalAreaChange, '%'),
      cell(beat.heartRate, '/min'),
      beat.accepted ? 'yes' : 'no',
      beat.accepted ? '' : (rejectionOf(beat.reason) ?? ''),
      csvField(beat.reason),
      isCorrected(beat) ? 'yes' : 'no',
    ];
  }

  /** Number of the frame and its time; the number is empty where it is no longer remembered. */
  #momentCells(ptsNs: number | null): [string, string] {
    if (ptsNs === null) return ['', ''];
    const frame = this.#recent.find(([mediaNs]) => mediaNs === ptsNs)?.[1];
    return [frame === undefined ? '' : String(frame), (ptsNs / 1e9).toFixed(6)];
  }

  /** Throws SONO_EXPORT_FRAME where the value is not in the unit that the header names: it would be read as another number. */
  #cell(measurement: Measurement | null, unit: string, sourceFrame: number): string {
    if (measurement === null || measurement.value === null) return '';
    if (measurement.unit !== unit)
      throw exportError('SONO_EXPORT_FRAME', {
        ...{ frame: sourceFrame, format: this.format },
        reason: `${measurement.name} is in ${measurement.unit}, not in ${unit}`,
      });
    return measurement.value.toFixed(3);
  }

  #count(beat: Beat): void {
    if (isCorrected(beat)) this.#byHand += 1;
    if (beat.accepted) this.#fractions.push(round(beat.ejectionFraction?.value ?? NaN, 3));
    else {
      const why = rejectionOf(beat.reason) ?? beat.reason;
      this.#rejected[why] = (this.#rejected[why] ?? 0) + 1;
    }
  }

  #describe() {
    const { clip, sourceUri, source, software, identity, view } = this.#info;
    const fractions = [...this.#fractions].sort((a, b) => a - b);
    const rejected = Object.entries(this.#rejected).sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      schema: 'sonoscope.echo/1',
      clip,
      source: sourceUri,
      identity,
      software: `sonoscope ${software.version}`,
      model: { name: software.model, sha256: software.modelSha256 },
      view: echoViewWords[view],
      method: 'single-plane, method of disks',
      calibration: {
        calibrated: isCalibrated(source.calibration),
        pixelSpacingMm: sharedSpacing(source.calibration),
        regions: source.calibration.regions,
        pictureSize: source.size,
      },
      units: this.#units,
      frames: { analysed: this.#frames, measured: this.#measuredFrames },
      beats: {
        accepted: fractions.length,
        rejected: rejected.reduce((sum, [, count]) => sum + count, 0),
        reasons: Object.fromEntries(rejected),
        correctedByHand: this.#byHand,
      },
      ejectionFraction: {
        unit: '%',
        beats: fractions.length,
        median: median(fractions),
        lowest: fractions[0] ?? null,
        highest: fractions.at(-1) ?? null,
        reason: fractions.length > 0 ? '' : this.#whyNone(),
        lastShown: this.#shown,
      },
      disks: this.#disks,
      use: 'Research only: not for diagnosis.',
    };
  }

  #whyNone(): string {
    if (this.#shown !== null && this.#shown.value === null && this.#shown.note !== '')
      return reasonIn(this.#shown.note);
    return this.#measuredFrames === 0 ? 'the left ventricle was not seen' : 'no beat counted';
  }
}

function beatColumns({ volume }: Units): string[] {
  const unit = volume.toLowerCase();
  return [
    'beat',
    ...['ed_frame', 'ed_time_s', 'es_frame', 'es_time_s', 'next_ed_frame', 'next_ed_time_s'],
    ...[`edv_${unit}`, `esv_${unit}`, `sv_${unit}`],
    ...['ef_percent', 'fac_percent', 'heart_rate_per_min'],
    ...['accepted', 'rejection', 'reason', 'corrected'],
  ];
}

function curveColumns({ length, area, volume }: Units): string[] {
  return [
    ...['frame', 'time_s', `lv_area_${area}`, `lv_length_${length}`, `lv_volume_${volume.toLowerCase()}`],
    ...['state', 'confidence', 'quality', 'note'],
  ];
}

function diskedBeat(measurements: readonly Measurement[]): DiskedBeat | null {
  const closed = closedBeat(measurements);
  if (closed === null) return null;
  const { number, heartRate, irregularRhythm, disks } = closed.beat;
  const rounded = ({ length, diameters }: DiskedBeat['endDiastole']) => ({
    length: round(length, 3),
    diameters: diameters.map((diameter) => round(diameter, 3)),
  });
  return {
    ...{ beat: number, heartRate: round(heartRate, 2), irregularRhythm },
    ...{ endDiastole: rounded(disks.endDiastole), endSystole: rounded(disks.endSystole) },
  };
}

/** A person has had a hand in it: its note or its reason says so. */
function isCorrected({ ejectionFraction }: Beat): boolean {
  return ejectionFraction !== null && isByHand(ejectionFraction);
}

/** Of numbers in ascending order, to three digits behind the point; null of none. */
export function median(ascending: readonly number[]): number | null {
  const upper = ascending[ascending.length >> 1];
  const lower = ascending[(ascending.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : round((lower + upper) / 2, 3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function listWords(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
