/**
 * What a room knows of the heart that it shows: the beats so far, the ejection fraction as it stands, the pictures of end-diastole and
 * end-systole of the last beats, and what people have held of it. It watches the room's events and costs nothing before the first
 * measurement of a heart. Main thread.
 *
 * Pictures. A moment is decided a little later than it was (some 100 ms), so the display pictures and masks of the last two seconds
 * wait in a ring, bounded by age, count and bytes. On a decision the picture is taken from it; what is taken is kept until a later beat
 * counts. So memory has a bound whatever the source does.
 */
import { BeatTable, reasonIn, rejectionOf, type Beat } from '../analysis/beat-table.js';
import type { EngineInfo, FrameResult } from '../engine/engine.js';
import { monotonicNs, unixNowMs } from '../node/clock.js';
import { wireTimeNs } from '../protocol/channels.js';
import {
  holdPicturePath,
  mostHolds,
  type HeldBeat,
  type HeldBiplane,
  type HeldFigure,
  type HeldMeasurement,
  type HeldPicture,
  type HoldMoment,
} from '../protocol/hold-requests.js';
import { outlinesOf } from '../protocol/room-messages.js';
import { isCalibrated, sharedSpacing, uncalibrated } from '../vocabulary/calibration.js';
import { echoMeasures, type EchoView } from '../vocabulary/echo.js';
import type { DisplayFrame, FrameIdentity, SourceFormat } from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { BiplaneMember } from './biplane-study.js';
import { pipelineError } from './errors.js';

/** The part of a room's events that is watched; RoomEvent is one. */
type WatchedEvent =
  | { readonly kind: 'display'; readonly frame: DisplayFrame }
  | { readonly kind: 'result'; readonly result: FrameResult }
  | {
      readonly kind: 'measurement';
      readonly frame: FrameIdentity;
      readonly measurements: readonly Measurement[];
    }
  | { readonly kind: 'health' | 'held' };

/** What holding needs to know of the room. */
interface EchoRoom {
  readonly id: string;
  readonly label: string;
  readonly epochUnixNs: bigint;
  readonly sourceUri: () => string;
  readonly format: () => SourceFormat | null;
  readonly engine: () => EngineInfo | null;
  /** Its part in what is measured from two views; absent: none (a recording that is played). */
  readonly biplane?: BiplaneMember;
  /** What people are told of the room has changed. */
  readonly onChange?: () => void;
  /** Somebody has held a measurement: it goes where the room's events go. */
  readonly onHeld: (held: HeldMeasurement) => void;
}

/** Two seconds; count and bytes bound it where pictures are faster or larger than expected. */
const ringLimits = { ageNs: 2e9, count: 240, bytes: 64 * 1024 * 1024 };
/** A measurement older than this is of a picture that is no longer shown. */
const freshNs = 2e9;
/** Beats that an answer lists: those of the last 15 seconds, at 240 per minute. */
const listedBeats = 60;
const listedNs = 15e9;
/** Beats whose pictures are kept beside those of the last one that counts. */
const mostPicturedBeats = 4;

/** For the report of a run. */
export interface EchoReport {
  /** The ejection fraction as it stood at last, percent: without a value, and with the reason, where there was none then. */
  readonly lastEjectionFraction: HeldFigure | null;
  /** The same from two views; null: nobody has asked for it. */
  readonly lastBiplaneEjectionFraction: HeldFigure | null;
  readonly beats: {
    readonly accepted: number;
    readonly rejected: number;
    /** By code; a reason that has none in words. */
    readonly reasons: Readonly<Record<string, number>>;
  };
  /** Held measurements that are still kept. */
  readonly held: readonly HeldMeasurement[];
}

interface Picture {
  readonly data: Uint8Array;
  readonly held: Omit<HeldPicture, 'path'>;
}
type Pictures = Partial<Record<HoldMoment, Picture>>;

interface Hold {
  readonly measurement: HeldMeasurement;
  readonly pictures: Readonly<Pictures>;
}

const figureNames = [
  echoMeasures.ejectionFraction,
  echoMeasures.endDiastolicVolume,
  echoMeasures.endSystolicVolume,
  echoMeasures.heartRate,
] as const;
type FigureName = (typeof figureNames)[number];

export class RoomEcho {
  readonly #room: EchoRoom;
  /** Whether a heart is measured here. */
  #active = false;
  #discontinuity: number | null = null;
  readonly #displayed = new Ring<DisplayFrame>(({ data }) => data.byteLength);
  readonly #results = new Ring<{ readonly ptsNs: number; readonly result: FrameResult }>(({ result }) =>
    result.objects.reduce((sum, { mask }) => sum + mask.counts.byteLength, 0),
  );
  readonly #table = new BeatTable();
  #beats: Beat[] = [];
  /** By number of the beat. */
  readonly #pictures = new Map<number, Pictures>();
  /** The values that people read, and the frame that they were measured on. */
  #figures: ReadonlyMap<FigureName, Measurement> = new Map();
  #figuresOf: FrameIdentity | null = null;
  #lastShown: Measurement | null = null;
  #lastBiplane: Measurement | null = null;
  readonly #counts = { accepted: 0, rejected: 0 };
  readonly #reasons = new Map<string, number>();
  #holds: Hold[] = [];
  #holdsTaken = 0;

  constructor(room: EchoRoom) {
    this.#room = room;
  }

  take(event: WatchedEvent): void {
    switch (event.kind) {
      case 'display':
        if (this.#active) this.#displayed.push(event.frame);
        return;
      case 'result':
        if (this.#active) this.#results.push({ ptsNs: event.result.frame.ptsNs, result: event.result });
        return;
      case 'measurement':
        this.#measured(event.frame, event.measurements);
        return;
      case 'health':
      case 'held':
        return;
    }
  }

  /** Another source: its beats are those of another heart. What was held stays. */
  clear(): void {
    this.#table.clear();
    this.#beats = [];
    this.#pictures.clear();
    this.#displayed.clear();
    this.#results.clear();
    this.#figures = new Map();
    this.#figuresOf = null;
    this.#lastShown = null;
    this.#lastBiplane = null;
    this.#room.biplane?.clear();
  }

  /** The view that is measured; null: nobody has said so, which means four-chamber. */
  get view(): EchoView | null {
    return this.#room.biplane?.marked === true ? this.#room.biplane.view : null;
  }

  /** Id of the stream with the other view; null: it has none. */
  get partner(): string | null {
    return this.#room.biplane?.partner ?? null;
  }

  /** Says which view is measured from now on. Throws SONO_VIEW_FIXED where it cannot be said. */
  setView(view: EchoView): void {
    if (this.#room.biplane === undefined) throw pipelineError('SONO_VIEW_FIXED');
    this.#room.biplane.setView(view);
    this.#room.onChange?.();
  }

  /** Bytes of pictures that wait for a decision or for a hold. */
  get bytes(): number {
    const kept = [...this.#pictures.values(), ...this.#holds.map(({ pictures }) => pictures)];
    return (
      this.#displayed.bytes +
      kept.flatMap((pictures) => Object.values(pictures)).reduce((sum, { data }) => sum + data.byteLength, 0)
    );
  }

  /** Oldest first. */
  get holds(): readonly HeldMeasurement[] {
    return this.#holds.map(({ measurement }) => measurement);
  }

  /** Keeps the measurement as it stands now. Throws SONO_HOLD_NO_NUMBER. `nowNs`: monotonic. */
  hold(nowNs = monotonicNs()): { readonly held: HeldMeasurement; readonly dropped: readonly number[] } {
    const frame = this.#figuresOf;
    const ejectionFraction = this.#figures.get(echoMeasures.ejectionFraction);
    const why = (reason: string) => pipelineError('SONO_HOLD_NO_NUMBER', { reason });
    if (!this.#active || frame === null || ejectionFraction === undefined)
      throw why('nothing is measured on a heart in this room at present');
    if (nowNs - frame.captureNs > freshNs) throw why('no picture was measured in the last two seconds');
    if (ejectionFraction.value === null)
      throw why(ejectionFraction.note === '' ? 'no beat counts yet' : reasonIn(ejectionFraction.note));
    const id = ++this.#holdsTaken;
    const beats = this.#beats.filter(
      ({ endDiastolePtsNs }) => endDiastolePtsNs === null || frame.ptsNs - endDiastolePtsNs <= listedNs,
    );
    const last = beats.findLast(({ accepted }) => accepted);
    const pictures = (last && this.#pictures.get(last.number)) ?? {};
    const biplane = this.#heldBiplane(id, nowNs);
    const held = { ...this.#describe(id, frame, ejectionFraction, beats, last ?? null, pictures), biplane };
    this.#holds.push({ measurement: held, pictures });
    this.#room.onHeld(held);
    const dropped = this.#holds.splice(0, Math.max(0, this.#holds.length - mostHolds));
    return { held, dropped: dropped.map(({ measurement }) => measurement.id) };
  }

  /** Throws SONO_HOLD_UNKNOWN. */
  held(id: number): HeldMeasurement {
    return this.#find(id).measurement;
  }

  /** A JPEG. Throws SONO_HOLD_UNKNOWN, SONO_HOLD_NO_PICTURE. */
  picture(id: number, moment: HoldMoment): Uint8Array {
    const picture = this.#find(id).pictures[moment];
    if (picture === undefined) throw pipelineError('SONO_HOLD_NO_PICTURE', { id, moment });
    return picture.data;
  }

  /** null: nothing was ever measured on a heart. `problem`: why what was measured last is no longer true; null: nothing. */
  report(problem: string | null = null): EchoReport | null {
    if (!this.#active) return null;
    const last = (figure: Measurement | null): HeldFigure | null =>
      figure &&
      (problem === null
        ? figureOf(figure)
        : { ...figureOf(figure), value: null, interval: null, quality: 'rejected', note: problem });
    return {
      lastEjectionFraction: last(this.#lastShown),
      lastBiplaneEjectionFraction: last(this.#lastBiplane),
      beats: { ...this.#counts, reasons: Object.fromEntries(this.#reasons) },
      held: this.holds,
    };
  }

  #find(id: number): Hold {
    const hold = this.#holds.find(({ measurement }) => measurement.id === id);
    if (hold === undefined) throw pipelineError('SONO_HOLD_UNKNOWN', { id, most: mostHolds });
    return hold;
  }

  #measured(frame: FrameIdentity, measurements: readonly Measurement[]): void {
    const figures = measurements.filter(({ name }) => isFigure(name));
    if (figures.length === 0 && !measurements.some(({ beat }) => beat !== undefined)) return;
    this.#active = true;
    if (frame.discontinuity !== this.#discontinuity && this.#discontinuity !== null) this.#beginAnew();
    this.#discontinuity = frame.discontinuity;
    for (const measurement of measurements) this.#keepPicture(measurement);
    for (const beat of this.#table.take(measurements)) this.#count(beat);
    this.#figures = new Map(figures.map((figure) => [figure.name as FigureName, figure]));
    this.#figuresOf = frame;
    const shown = this.#figures.get(echoMeasures.ejectionFraction);
    if (shown) this.#lastShown = shown;
    const biplane = measurements.find(({ name }) => name === echoMeasures.biplaneEjectionFraction);
    if (biplane) this.#lastBiplane = biplane;
  }

  /** This view is kept for the other one; null: nobody has asked for two views. */
  #heldBiplane(id: number, nowNs: number): HeldBiplane | null {
    const found = this.#room.biplane?.hold(id, nowNs) ?? null;
    if (found === null) return null;
    const of = (name: string): HeldFigure | null => {
      const measurement = found.measurements.find((one) => one.name === name);
      return measurement ? figureOf(measurement) : null;
    };
    const ejectionFraction = of(echoMeasures.biplaneEjectionFraction);
    return (
      ejectionFraction && {
        ejectionFraction,
        endDiastolicVolume: of(echoMeasures.biplaneEndDiastolicVolume),
        endSystolicVolume: of(echoMeasures.biplaneEndSystolicVolume),
        other: found.other && { ...found.other },
      }
    );
  }

  /** The source has jumped: beats are numbered anew. The rings are told apart by time, which goes on. */
  #beginAnew(): void {
    this.#table.clear();
    this.#beats = [];
    this.#pictures.clear();
  }

  #count(beat: Beat): void {
    this.#beats = [...this.#beats, beat].slice(-listedBeats);
    if (beat.accepted) {
      this.#counts.accepted += 1;
      // Held pictures are those of the last beat that counts.
      for (const number of this.#pictures.keys()) if (number < beat.number) this.#pictures.delete(number);
    } else {
      this.#counts.rejected += 1;
      const reason = rejectionOf(beat.reason) ?? beat.reason;
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
  }

  /** Of a moment that was decided just now, from the ring. No other picture stands for one that was not received. */
  #keepPicture({ name, beat, atPtsNs }: Measurement): void {
    const moment =
      name === echoMeasures.endDiastole
        ? 'end-diastole'
        : name === echoMeasures.endSystole
          ? 'end-systole'
          : null;
    if (moment === null || beat === undefined || atPtsNs === undefined) return;
    const display = this.#displayed.at(atPtsNs);
    const kept = { ...this.#pictures.get(beat) };
    if (display === null) delete kept[moment];
    else kept[moment] = this.#pictureOf(display);
    this.#pictures.set(beat, kept);
    // The one that counts stands first; of those behind it the oldest goes.
    for (const number of [...this.#pictures.keys()].slice(1, -mostPicturedBeats))
      this.#pictures.delete(number);
  }

  #pictureOf(display: DisplayFrame): Picture {
    const { ptsNs, size, data } = display;
    const result = this.#results.at(ptsNs)?.result;
    return {
      data,
      held: {
        ptsNs,
        size: { ...size },
        outlines: (result ? outlinesOf(result, { size }) : []).map(({ id, label, rings }) => ({
          objectId: id,
          label,
          rings: rings.map((ring) => ring.map(([x, y]): [number, number] => [x, y])),
        })),
      },
    };
  }

  #describe(
    id: number,
    frame: FrameIdentity,
    ejectionFraction: Measurement,
    beats: readonly Beat[],
    last: Beat | null,
    pictures: Readonly<Pictures>,
  ): Omit<HeldMeasurement, 'biplane'> {
    const { id: stream, label, epochUnixNs } = this.#room;
    const engine = this.#room.engine();
    const calibration = this.#room.format()?.calibration ?? uncalibrated;
    const spacing = sharedSpacing(calibration);
    const figure = (name: FigureName): HeldFigure | null => {
      const found = this.#figures.get(name);
      return found ? figureOf(found) : null;
    };
    const picture = (moment: HoldMoment): HeldPicture | null => {
      const kept = pictures[moment];
      return kept ? { path: holdPicturePath(stream, id, moment), ...kept.held } : null;
    };
    return {
      id,
      stream,
      label,
      sourceUri: this.#room.sourceUri(),
      takenAtUnixMs: unixNowMs(),
      ptsNs: frame.ptsNs,
      timestampNs: String(wireTimeNs(epochUnixNs, frame.ptsNs)),
      model: engine && { name: engine.modelName, version: engine.modelVersion, sha256: engine.modelSha256 },
      pixelSpacingMm: spacing && { ...spacing },
      calibrated: isCalibrated(calibration),
      singlePlane: true,
      view: this.#room.biplane?.view ?? 'a4c',
      ejectionFraction: figureOf(ejectionFraction),
      endDiastolicVolume: figure(echoMeasures.endDiastolicVolume),
      endSystolicVolume: figure(echoMeasures.endSystolicVolume),
      heartRate: figure(echoMeasures.heartRate),
      beats: beats.map(heldBeat),
      pictures: last && {
        beat: last.number,
        endDiastole: picture('end-diastole'),
        endSystole: picture('end-systole'),
      },
    };
  }
}

const isFigure = (name: string): boolean => figureNames.some((figure) => figure === name);

function figureOf({ value, unit, interval, quality, note }: Measurement): HeldFigure {
  return { value, unit, interval: interval && { ...interval }, quality, note };
}

function heldBeat(beat: Beat): HeldBeat {
  const figure = (measurement: Measurement | null): HeldFigure | null => measurement && figureOf(measurement);
  return {
    number: beat.number,
    endDiastolePtsNs: beat.endDiastolePtsNs,
    endSystolePtsNs: beat.endSystolePtsNs,
    nextEndDiastolePtsNs: beat.nextEndDiastolePtsNs,
    endDiastolicVolume: figure(beat.endDiastolicVolume),
    endSystolicVolume: figure(beat.endSystolicVolume),
    strokeVolume: figure(beat.strokeVolume),
    ejectionFraction: figure(beat.ejectionFraction),
    fractionalAreaChange: figure(beat.fractionalAreaChange),
    heartRate: figure(beat.heartRate),
    accepted: beat.accepted,
    reason: beat.reason,
  };
}

/** The last moments of a stream, oldest first. */
class Ring<Item extends { readonly ptsNs: number }> {
  #items: Item[] = [];
  #bytes = 0;

  constructor(private readonly bytesOf: (item: Item) => number) {}

  get bytes(): number {
    return this.#bytes;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#bytes += this.bytesOf(item);
    const { ageNs, count, bytes } = ringLimits;
    for (
      let [oldest] = this.#items;
      oldest !== undefined &&
      oldest !== item &&
      (item.ptsNs - oldest.ptsNs > ageNs || this.#items.length > count || this.#bytes > bytes);
      [oldest] = this.#items
    ) {
      this.#items.shift();
      this.#bytes -= this.bytesOf(oldest);
    }
  }

  /** The one of exactly this moment. */
  at(ptsNs: number): Item | null {
    return this.#items.findLast((item) => item.ptsNs === ptsNs) ?? null;
  }

  clear(): void {
    this.#items = [];
    this.#bytes = 0;
  }
}
