/**
 * Beats put together from measurements: end-diastole and end-systole come when they are decided, the values of a beat when the next
 * end-diastole closes it. What follows the measurements of one stream in order (a held measurement, the export of beats, the report
 * of a run) reads its beats here. Pure; what it remembers is bounded and is plain data.
 */
import {
  beatRejections,
  chambers,
  echoMeasures,
  type BeatRejection,
  type EchoMeasure,
} from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { BeatDisks, Disks } from './beats.js';

/** The values of a beat, each by the name under which it travels. */
const beatFigures = {
  endDiastolicVolume: echoMeasures.beatEndDiastolicVolume,
  endSystolicVolume: echoMeasures.beatEndSystolicVolume,
  strokeVolume: echoMeasures.beatStrokeVolume,
  ejectionFraction: echoMeasures.beatEjectionFraction,
  fractionalAreaChange: echoMeasures.beatFractionalAreaChange,
  heartRate: echoMeasures.beatHeartRate,
} as const satisfies Record<string, EchoMeasure>;
type BeatFigure = keyof typeof beatFigures;

export interface Beat extends Readonly<Record<BeatFigure, Measurement | null>> {
  readonly number: number;
  /** ptsNs of the stream; null: it was not said. */
  readonly endDiastolePtsNs: number | null;
  readonly endSystolePtsNs: number | null;
  readonly nextEndDiastolePtsNs: number | null;
  readonly accepted: boolean;
  /** Why it does not count, in words; empty where it does. */
  readonly reason: string;
  /** For two views; null: it does not count, or they are not known. */
  readonly disks: BeatDisks | null;
}

/** Moments that wait for their beat to be closed: two or three in practice. */
const mostMoments = 16;

/** JSON. */
export interface BeatTableState {
  /** ptsNs by number of the beat. */
  readonly endDiastole: readonly (readonly [number, number])[];
  readonly endSystole: readonly (readonly [number, number])[];
}

export class BeatTable {
  readonly #endDiastole: Map<number, number>;
  readonly #endSystole: Map<number, number>;

  constructor(state: BeatTableState | null = null) {
    this.#endDiastole = new Map(state?.endDiastole);
    this.#endSystole = new Map(state?.endSystole);
  }

  /** What is remembered between two frames. */
  get state(): BeatTableState {
    return { endDiastole: [...this.#endDiastole], endSystole: [...this.#endSystole] };
  }

  /** The beats that these measurements of one frame close, in their order. */
  take(measurements: readonly Measurement[]): readonly Beat[] {
    const closed = new Map<number, Measurement[]>();
    for (const measurement of measurements) {
      const { name, beat, atPtsNs } = measurement;
      if (beat === undefined) continue;
      if (name === echoMeasures.endDiastole && atPtsNs !== undefined) this.#begin(beat, atPtsNs);
      else if (name === echoMeasures.endSystole && atPtsNs !== undefined)
        remember(this.#endSystole, beat, atPtsNs);
      if (isBeatFigure(name) || isDisks(name)) closed.set(beat, [...(closed.get(beat) ?? []), measurement]);
    }
    return [...closed].map(([number, figures]) => this.#close(number, figures));
  }

  clear(): void {
    this.#endDiastole.clear();
    this.#endSystole.clear();
  }

  /** Where the source has jumped, numbers begin anew: what is known of this beat or later ones is of others. */
  #begin(beat: number, atPtsNs: number): void {
    if ([...this.#endDiastole.keys()].some((known) => known >= beat)) this.clear();
    remember(this.#endDiastole, beat, atPtsNs);
  }

  #close(number: number, figures: readonly Measurement[]): Beat {
    const of = (name: EchoMeasure): Measurement | null => figureOf(figures, name);
    const ejectionFraction = of(beatFigures.ejectionFraction);
    const refused = figures.find(({ quality }) => quality === 'rejected');
    const accepted = refused === undefined && ejectionFraction !== null && ejectionFraction.value !== null;
    const reason = (refused ?? ejectionFraction)?.note ?? '';
    const beat: Beat = {
      number,
      endDiastolePtsNs: this.#endDiastole.get(number) ?? null,
      endSystolePtsNs: this.#endSystole.get(number) ?? null,
      // A beat that a person has added has no next one by its number.
      nextEndDiastolePtsNs:
        figures.find(({ atPtsNs }) => atPtsNs !== undefined)?.atPtsNs ??
        this.#endDiastole.get(number + 1) ??
        null,
      endDiastolicVolume: of(beatFigures.endDiastolicVolume),
      endSystolicVolume: of(beatFigures.endSystolicVolume),
      strokeVolume: of(beatFigures.strokeVolume),
      ejectionFraction,
      fractionalAreaChange: of(beatFigures.fractionalAreaChange),
      heartRate: of(beatFigures.heartRate),
      accepted,
      reason: accepted ? '' : reason === '' ? beatRejections.incomplete : reason,
      disks: accepted ? disksIn(figures) : null,
    };
    for (const moments of [this.#endDiastole, this.#endSystole])
      for (const known of moments.keys()) if (known <= number) moments.delete(known);
    return beat;
  }
}

function remember(moments: Map<number, number>, beat: number, atPtsNs: number): void {
  moments.set(beat, atPtsNs);
  const [oldest] = moments.keys();
  if (moments.size > mostMoments && oldest !== undefined) moments.delete(oldest);
}

const beatFigureNames: ReadonlySet<string> = new Set(Object.values(beatFigures));
const isBeatFigure = (name: string): boolean => beatFigureNames.has(name);

const figureOf = (figures: readonly Measurement[], name: EchoMeasure): Measurement | null =>
  figures.find((figure) => figure.name === name) ?? null;

export const isDisks = (name: string): boolean =>
  name === echoMeasures.beatEndDiastolicDisks || name === echoMeasures.beatEndSystolicDisks;

/** The disks of a beat among its measurements; null: not of both moments. */
export function disksIn(measurements: readonly Measurement[]): BeatDisks | null {
  const [endDiastole, endSystole] = [
    echoMeasures.beatEndDiastolicDisks,
    echoMeasures.beatEndSystolicDisks,
  ].map((name): Disks | null => {
    const { value = null, values } = figureOf(measurements, name) ?? {};
    return value === null || values === undefined ? null : { length: value, diameters: values };
  });
  return endDiastole && endSystole ? { endDiastole, endSystole } : null;
}

/** Why there is no number, without the remark on the method that stands before it in a note. */
export function reasonIn(note: string): string {
  return note.replace(/^(single-plane|biplane)(, \d+ beats?)?: /, '');
}

/** The code of a reason in words; null where it is none that is listed. */
export function rejectionOf(reason: string): BeatRejection | null {
  for (const [code, words] of Object.entries(beatRejections))
    if (reason.includes(words)) return code as BeatRejection;
  return null;
}

/** Whether a heart is outlined among these: all three chambers are. */
export function hasChambers(objects: readonly { readonly label: string }[]): boolean {
  return Object.values(chambers).every((chamber) => objects.some(({ label }) => label === chamber));
}
