/**
 * What an echo room has measured lately, put together from the single messages of the wire: the volume of each analysed picture, the
 * heart beats with their moments and verdicts, and the newest of the figures that people read. Pure; time comes in as a number.
 *
 * A message may come twice (after a reconnect), late, or never (a slow viewer gets only the newest of each kind), and the room's
 * source may begin anew, which may number its beats from 1 again.
 */
import { chambers, beatRejections, echoMeasures } from '../../../src/vocabulary/echo.js';
import type { MeasurementMessage } from '../../../src/protocol/messages.js';
import { serverText } from './texts.js';

/** The volume on one analysed picture. */
interface CurvePoint {
  readonly ptsNs: number;
  /** null: the picture was analysed, but there is no volume. */
  value: number | null;
  good: boolean;
}

export type BeatVerdict = 'open' | 'counted' | 'rejected';

export interface LoggedBeat {
  /** Beats of different eras may have the same number. */
  readonly era: number;
  readonly number: number;
  endDiastolePtsNs: number | null;
  endSystolePtsNs: number | null;
  /** The next end-diastole, or when the beat was given up. */
  endPtsNs: number | null;
  verdict: BeatVerdict;
  /** Why it does not count, or a remark; empty where there is none. */
  reason: string;
  /** Percent, null: not known. */
  ejectionFraction: number | null;
}

type Figure =
  | 'ejectionFraction'
  | 'endDiastolicVolume'
  | 'endSystolicVolume'
  | 'heartRate'
  | 'biplaneEjectionFraction'
  | 'biplaneEndDiastolicVolume'
  | 'biplaneEndSystolicVolume';

/** Nanoseconds of the curve that are kept: what is drawn, and some more. */
const keptNs = 12e9;
const keptBeats = 64;
const keptBreaks = 16;

const names: ReadonlySet<string> = new Set(Object.values(echoMeasures));
const beatNames: ReadonlySet<string> = new Set([
  echoMeasures.beatEndDiastolicVolume,
  echoMeasures.beatEndSystolicVolume,
  echoMeasures.beatStrokeVolume,
  echoMeasures.beatEjectionFraction,
  echoMeasures.beatFractionalAreaChange,
  echoMeasures.beatHeartRate,
]);
const figureOf: Readonly<Record<string, Figure>> = {
  [echoMeasures.ejectionFraction]: 'ejectionFraction',
  [echoMeasures.endDiastolicVolume]: 'endDiastolicVolume',
  [echoMeasures.endSystolicVolume]: 'endSystolicVolume',
  [echoMeasures.heartRate]: 'heartRate',
  [echoMeasures.biplaneEjectionFraction]: 'biplaneEjectionFraction',
  [echoMeasures.biplaneEndDiastolicVolume]: 'biplaneEndDiastolicVolume',
  [echoMeasures.biplaneEndSystolicVolume]: 'biplaneEndSystolicVolume',
};

/** Whether a measurement is one of those that only an echo room has. */
export function isEchoMeasure(name: string): boolean {
  return names.has(name);
}

/** Whether these objects are the three structures that an echo model outlines. */
export function areChambers(labels: readonly string[]): boolean {
  return Object.values(chambers).every((label) => labels.includes(label));
}

/**
 * Reasons travel in English words, behind what is said of every figure (`single-plane, 0 beats: …`); a code of the table is put into
 * its words, all into the language of the page: whole, or remark by remark.
 */
export function reasonWords(note: string): string {
  const reason = note.replace(/^(single-plane|biplane)(, \d+ beats?)?: /, '');
  const words = (beatRejections as Readonly<Record<string, string>>)[reason] ?? reason;
  const whole = serverText(words);
  return whole === words ? words.split(', ').map(serverText).join(', ') : whole;
}

export class EchoLog {
  /** Newest last. */
  points: CurvePoint[] = [];
  /** Newest last. */
  beats: LoggedBeat[] = [];
  /** Moments from which on pictures belong to another source or another pass of it: no line leads across them. */
  breaks: number[] = [];
  /** UCUM unit of the volumes, empty before the first one. */
  unit = '';
  /** When the newest analysed picture came in, ms of the caller's clock; null: never. */
  arrivedMs: number | null = null;
  /** Beats of the present era by verdict, also those that are no longer listed. */
  counts = { counted: 0, rejected: 0 };
  readonly figures: { [Name in Figure]: MeasurementMessage | null } = {
    ejectionFraction: null,
    endDiastolicVolume: null,
    endSystolicVolume: null,
    heartRate: null,
    biplaneEjectionFraction: null,
    biplaneEndDiastolicVolume: null,
    biplaneEndSystolicVolume: null,
  };
  #epochNs: bigint | null = null;
  #era = 0;

  /** The newest analysed picture, null before the first. */
  get newestPtsNs(): number | null {
    return this.points.at(-1)?.ptsNs ?? null;
  }

  /** Messages in the order in which they came. True where one of them belongs to an echo room. */
  add(messages: readonly MeasurementMessage[], nowMs: number): boolean {
    let echo = false;
    for (const message of messages)
      if (isEchoMeasure(message.name)) {
        echo = true;
        this.#add(message, nowMs);
      }
    const oldest = (this.newestPtsNs ?? 0) - keptNs;
    if ((this.points[0]?.ptsNs ?? oldest) < oldest - keptNs)
      this.points = this.points.filter(({ ptsNs }) => ptsNs >= oldest);
    return echo;
  }

  /** The source begins anew with the picture of this moment. */
  beginAnew(ptsNs: number): void {
    if (this.breaks.some((known) => known >= ptsNs)) return;
    this.breaks = [...this.breaks, ptsNs].slice(-keptBreaks);
    // What was measured before on the same picture or later came ahead of this news.
    if (this.beats.every((beat) => (beat.endDiastolePtsNs ?? beat.endPtsNs ?? 0) < ptsNs)) this.#beginEra();
  }

  #beginEra(): void {
    this.#era += 1;
    this.counts = { counted: 0, rejected: 0 };
    for (const beat of this.beats)
      if (beat.verdict === 'open') beat.endPtsNs ??= this.newestPtsNs ?? beat.endDiastolePtsNs;
  }

  #clear(): void {
    this.points = [];
    this.beats = [];
    this.breaks = [];
    this.unit = '';
    this.#beginEra();
    for (const name of Object.values(figureOf)) this.figures[name] = null;
  }

  #add(message: MeasurementMessage, nowMs: number): void {
    const epochNs = message.timestampNs - BigInt(Math.round(message.ptsNs));
    // Another server, or the room was opened again: its clock has begun anew.
    if (this.#epochNs !== null && epochNs !== this.#epochNs) this.#clear();
    this.#epochNs = epochNs;
    const { name, ptsNs } = message;
    if (ptsNs > (this.newestPtsNs ?? -1)) {
      this.points.push({ ptsNs, value: null, good: false });
      this.arrivedMs = nowMs;
    }
    const figure = figureOf[name];
    if (figure !== undefined) {
      if (ptsNs >= (this.figures[figure]?.ptsNs ?? 0)) this.figures[figure] = message;
      return;
    }
    if (name === echoMeasures.volume) this.#addVolume(message);
    else if (name === echoMeasures.endDiastole || name === echoMeasures.endSystole) this.#addMoment(message);
    else if (beatNames.has(name)) this.#addVerdict(message);
  }

  #addVolume({ ptsNs, value, unit, quality }: MeasurementMessage): void {
    // Volumes of another unit (calibrated meanwhile) do not stand on the same axis.
    if (value !== null && unit !== this.unit) {
      for (const point of this.points) point.value = null;
      this.unit = unit;
    }
    const point = this.points.findLast((one) => one.ptsNs <= ptsNs);
    if (point?.ptsNs !== ptsNs) return;
    point.value = value;
    point.good = quality === 'good';
  }

  #addMoment({ name, ptsNs, atPtsNs = ptsNs, beat: number, quality, note }: MeasurementMessage): void {
    if (number === undefined) return;
    const isEndDiastole = name === echoMeasures.endDiastole;
    const known = this.#find(number);
    const field = isEndDiastole ? 'endDiastolePtsNs' : 'endSystolePtsNs';
    const before = known?.[field] ?? null;
    // The same number at a later moment: counting has begun anew.
    if (before !== null && Math.abs(before - atPtsNs) > 1e6) {
      if (atPtsNs < before) return;
      this.#beginEra();
    }
    const beat = this.#beat(number);
    beat[field] = atPtsNs;
    if (quality === 'rejected' && beat.verdict === 'open') beat.reason = reasonWords(note);
    if (!isEndDiastole) return;
    const previous = this.#find(number - 1);
    if (previous) previous.endPtsNs = atPtsNs;
  }

  #addVerdict({ name, ptsNs, atPtsNs, value, quality, note, beat: number }: MeasurementMessage): void {
    if (number === undefined) return;
    const newest = this.beats.at(-1);
    // A verdict on a beat long before the newest one: counting has begun anew.
    if (newest?.era === this.#era && number < newest.number - 2 && !this.#find(number)) this.#beginEra();
    const beat = this.#beat(number);
    if (beat.verdict === 'open') {
      beat.verdict = quality === 'rejected' ? 'rejected' : 'counted';
      this.counts[beat.verdict] += 1;
    } else if (quality === 'rejected' && beat.verdict === 'counted') {
      beat.verdict = 'rejected';
      this.counts.counted -= 1;
      this.counts.rejected += 1;
    }
    if (quality === 'rejected') beat.reason = reasonWords(note);
    else if (beat.verdict === 'counted') beat.reason = note;
    beat.endPtsNs ??= this.#find(number + 1)?.endDiastolePtsNs ?? atPtsNs ?? ptsNs;
    if (name === echoMeasures.beatEjectionFraction) beat.ejectionFraction = value;
  }

  #find(number: number): LoggedBeat | undefined {
    return this.beats.findLast((beat) => beat.era === this.#era && beat.number === number);
  }

  #beat(number: number): LoggedBeat {
    const known = this.#find(number);
    if (known) return known;
    const beat: LoggedBeat = {
      era: this.#era,
      number,
      endDiastolePtsNs: null,
      endSystolePtsNs: null,
      endPtsNs: null,
      verdict: 'open',
      reason: '',
      ejectionFraction: null,
    };
    this.beats.push(beat);
    this.beats.sort((a, b) => a.era - b.era || a.number - b.number);
    if (this.beats.length > keptBeats) this.beats.shift();
    return beat;
  }
}
