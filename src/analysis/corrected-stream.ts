/**
 * The measurements of a recording, frame by frame, with the corrected beats in place of those that were found: what exports and
 * re-exported recordings hold. Pure. A moment is never told before the picture that it is of, a beat not before its end, and what a
 * person has added comes with the last picture.
 */
import { beatRejections, echoMeasures } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { isDisks, reasonIn, rejectionOf } from './beat-table.js';
import type { Disks } from './beats.js';
import { byHandWords, type CorrectedBeat } from './corrected-beats.js';
import { createPresentKeeper, presentLimits, type Presented } from './ejection-fraction.js';

/** Numbers of beats that are unique in a recording, where those of a stream begin anew behind every jump. */
export class BeatNumbers {
  #before = 0;
  #last = 0;

  unique(measurements: readonly Measurement[]): Measurement[] {
    return measurements.map((measurement) => {
      const { name, beat } = measurement;
      if (beat === undefined) return measurement;
      if (name === echoMeasures.endDiastole) {
        if (beat <= this.#last) this.#before += this.#last;
        this.#last = beat;
      }
      return { ...measurement, beat: this.#before + beat };
    });
  }

  /** The largest number so far. */
  get last(): number {
    return this.#before + this.#last;
  }
}

const figureOf = {
  [echoMeasures.beatEndDiastolicVolume]: 'endDiastolicVolume',
  [echoMeasures.beatEndSystolicVolume]: 'endSystolicVolume',
  [echoMeasures.beatStrokeVolume]: 'strokeVolume',
  [echoMeasures.beatEjectionFraction]: 'ejectionFraction',
  [echoMeasures.beatFractionalAreaChange]: 'fractionalAreaChange',
  [echoMeasures.beatHeartRate]: 'heartRate',
} as const;
type FigureName = keyof typeof figureOf;
const figureNames = Object.keys(figureOf) as FigureName[];
const isFigure = (name: string): name is FigureName => name in figureOf;

const shownOf = {
  [echoMeasures.ejectionFraction]: 'ejectionFraction',
  [echoMeasures.endDiastolicVolume]: 'endDiastolicVolume',
  [echoMeasures.endSystolicVolume]: 'endSystolicVolume',
} as const;
type ShownName = keyof typeof shownOf;
const isShownValue = (name: string): name is ShownName => name in shownOf;

/** Called once per frame in order; `seen`: the ventricle is shown on it. Numbers of beats are unique already. */
type CorrectedStream = (ptsNs: number, seen: boolean, measurements: readonly Measurement[]) => Measurement[];

export function createCorrectedStream(
  beats: readonly CorrectedBeat[],
  { volume: volumeUnit, length: lengthUnit }: { readonly volume: string; readonly length: string },
  lastPtsNs: number,
): CorrectedStream {
  const byNumber = new Map(beats.map((beat) => [beat.number, beat]));
  const present = createPresentKeeper();
  const systoleTold = new Set<number>();
  const closed = new Set<number>();
  /** Rises: moments keep their order when they are moved. */
  let waiting: { readonly due: number; readonly measurement: Measurement }[] = [];
  let newestByHand = -Infinity;
  let hadNumber = false;

  function moment(beat: CorrectedBeat, which: 'end-diastole' | 'end-systole'): Measurement[] {
    const diastole = which === 'end-diastole';
    const atPtsNs = diastole ? beat.endDiastolePtsNs : beat.endSystolePtsNs;
    if (atPtsNs === null) return [];
    const figure = diastole ? beat.endDiastolicVolume : beat.endSystolicVolume;
    const value = figure?.value ?? null;
    return [
      {
        ...{ name: diastole ? echoMeasures.endDiastole : echoMeasures.endSystole, value, unit: volumeUnit },
        ...{ interval: null, quality: value === null ? 'rejected' : 'good', objectId: figure?.objectId ?? 0 },
        ...{ note: value === null ? beat.reason : byHandWords, atPtsNs, beat: beat.number },
      },
    ];
  }

  /** Of a beat that a person has had a hand in and that counts. */
  function disks({ number, nextEndDiastolePtsNs, ejectionFraction, ...beat }: CorrectedBeat): Measurement[] {
    if (!beat.accepted || beat.disks === null || nextEndDiastolePtsNs === null) return [];
    const put = (name: string, { length, diameters }: Disks): Measurement => ({
      ...{ name, value: length, unit: lengthUnit, interval: null, quality: 'good', note: byHandWords },
      objectId: ejectionFraction?.objectId ?? 0,
      ...{ atPtsNs: nextEndDiastolePtsNs, beat: number, values: diameters },
    });
    return [
      put(echoMeasures.beatEndDiastolicDisks, beat.disks.endDiastole),
      put(echoMeasures.beatEndSystolicDisks, beat.disks.endSystole),
    ];
  }

  function corrected(found: Measurement): { readonly due: number; readonly measurement: Measurement }[] {
    const { name, beat: number } = found;
    if (number === undefined) return [{ due: -Infinity, measurement: found }];
    const beat = byNumber.get(number);
    const at = (measurement: Measurement) => ({ due: measurement.atPtsNs ?? -Infinity, measurement });
    if (name === echoMeasures.endDiastole) {
      if (beat === undefined) {
        // The last one, which no other closes: it may have been moved as the end of the beat before.
        const end = byNumber.get(number - 1);
        const moved = end?.touched.has('next-end-diastole') === true ? end.nextEndDiastolePtsNs : null;
        return [at(moved === null ? found : { ...found, atPtsNs: moved, note: byHandWords })];
      }
      return beat.touched.has('end-diastole') ? moment(beat, 'end-diastole').map(at) : [at(found)];
    }
    if (name === echoMeasures.endSystole) {
      systoleTold.add(number);
      return beat?.touched.has('end-systole') === true ? moment(beat, 'end-systole').map(at) : [at(found)];
    }
    // Those of the moments that were found; its own stand behind the last of its figures.
    if (isDisks(name) && beat !== undefined && (beat.corrected || !beat.accepted)) return [];
    if (!isFigure(name) || beat === undefined) return [at(found)];
    const own = at(beat[figureOf[name]] ?? found);
    return name === figureNames.at(-1) && beat.corrected ? [own, ...disks(beat).map(at)] : [own];
  }

  function close(number: number): Measurement[] {
    const beat = byNumber.get(number);
    if (beat === undefined || closed.has(number)) return [];
    closed.add(number);
    tell(beat);
    // A person has said where it is; it was not found.
    return systoleTold.has(number) ? [] : moment(beat, 'end-systole');
  }

  function tell(beat: CorrectedBeat): void {
    const { number, endDiastolePtsNs, nextEndDiastolePtsNs } = beat;
    if (endDiastolePtsNs === null || nextEndDiastolePtsNs === null) return;
    const times = { number, fromPtsNs: endDiastolePtsNs, toPtsNs: nextEndDiastolePtsNs };
    const value = (name: FigureName): number => beat[figureOf[name]]?.value ?? NaN;
    if (beat.corrected) newestByHand = Math.max(newestByHand, nextEndDiastolePtsNs);
    present.beat(
      beat.accepted
        ? {
            ...times,
            rejection: null,
            values: {
              endDiastolicVolume: value(echoMeasures.beatEndDiastolicVolume),
              endSystolicVolume: value(echoMeasures.beatEndSystolicVolume),
              strokeVolume: value(echoMeasures.beatStrokeVolume),
              ejectionFraction: value(echoMeasures.beatEjectionFraction),
              fractionalAreaChange: value(echoMeasures.beatFractionalAreaChange),
              heartRate: value(echoMeasures.beatHeartRate),
            },
            irregularRhythm: beat.ejectionFraction?.note.includes('irregular') ?? false,
            disks: null,
          }
        : { ...times, rejection: rejectionOf(beat.reason) ?? 'incomplete', values: null },
    );
  }

  function addedBeats(): Measurement[] {
    return beats
      .filter(({ added }) => added)
      .sort((a, b) => a.number - b.number)
      .flatMap((beat) => {
        tell(beat);
        const figures = figureNames.flatMap((name) => beat[figureOf[name]] ?? []);
        return [...moment(beat, 'end-diastole'), ...moment(beat, 'end-systole'), ...figures, ...disks(beat)];
      });
  }

  return (ptsNs, seen, measurements) => {
    const others: Measurement[] = [];
    const shown: (Measurement & { name: ShownName })[] = [];
    for (const measurement of measurements) {
      const { name } = measurement;
      if (isShownValue(name)) shown.push({ ...measurement, name });
      else if (measurement.beat === undefined) others.push(measurement);
      else waiting.push(...corrected(measurement));
    }
    const isLast = ptsNs >= lastPtsNs;
    const due = waiting.filter((one) => isLast || one.due <= ptsNs).map(({ measurement }) => measurement);
    waiting = waiting.filter((one) => !isLast && one.due > ptsNs);
    const told: Measurement[] = [];
    for (const measurement of due) {
      if (measurement.beat !== undefined && isFigure(measurement.name)) told.push(...close(measurement.beat));
      told.push(measurement);
    }
    if (isLast) told.push(...addedBeats());
    const reason = shown[0]?.value === null ? reasonIn(shown[0].note) : null;
    const code = reason === null ? null : rejectionOf(reason);
    // What was found before these is of other pictures. Told once: a beat that a person accepts afterwards counts.
    if (hadNumber && (code === 'repeated' || code === 'two-hearts')) present.forget(code);
    hadNumber = reason === null;
    const now = present.now(ptsNs, seen, reason);
    const byHand = (ptsNs - newestByHand) / 1e9 <= presentLimits.window;
    const summary = shown.map((found): Measurement => {
      if (now.reason !== null)
        return {
          ...found,
          ...{ value: null, interval: null, quality: 'rejected' },
          note: `single-plane, 0 beats: ${now.reason}`,
        };
      const { value, interval }: Presented = now[shownOf[found.name]];
      const notes = [
        `single-plane, ${now.beats} ${now.beats === 1 ? 'beat' : 'beats'}`,
        ...(now.irregularRhythm ? ['irregular rhythm'] : []),
        ...(byHand ? [byHandWords] : []),
      ];
      const quality = now.beats < presentLimits.goodBeats ? 'doubtful' : 'good';
      return { ...found, value, interval, quality, note: notes.join(', ') };
    });
    return [...others, ...told, ...summary];
  };
}

/** Whether a measurement that is read says that a person has had a hand in it. */
export function isByHand({ note }: Pick<Measurement, 'note'>): boolean {
  return note.includes(byHandWords) || note.includes(beatRejections['by-hand']);
}
