/**
 * The beats of one stream that stand behind its single-plane number at present, with their disks, read from its measurements: what the
 * other view of the same ventricle is put together with. Pure; follows one stream in order and remembers its last beats.
 */
import { beatRejections, echoMeasures } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { disksIn, reasonIn } from './beat-table.js';
import type { ViewBeat, ViewBeats } from './biplane-beats.js';
import { presentLimits, waitingWords } from './ejection-fraction.js';

type ViewState = ViewBeats | { readonly reason: string };

/** What was measured before these is of other pictures, or of none. */
const forgetting = [waitingWords.view, beatRejections.repeated, beatRejections['two-hearts']] as const;

interface Remembered extends ViewBeat {
  readonly number: number;
  readonly toPtsNs: number;
  readonly irregularRhythm: boolean;
}

export class ViewBeatKeeper {
  #beats: Remembered[] = [];
  #unit = '';
  #state: ViewState = { reason: waitingWords.beat };

  /** As after the newest picture. */
  get state(): ViewState {
    return this.#state;
  }

  /** The measurements of one frame. */
  take(ptsNs: number, measurements: readonly Measurement[]): void {
    const shown = measurements.find(({ name }) => name === echoMeasures.ejectionFraction);
    if (shown === undefined) return;
    const closed = closedBeat(measurements);
    if (closed !== null) {
      // Where the source has jumped, numbers begin anew: what is known is of other pictures.
      if (this.#beats.some(({ number }) => number >= closed.beat.number)) this.#beats = [];
      this.#beats = [...this.#beats, closed.beat].slice(-presentLimits.irregularBeats);
      this.#unit = closed.unit;
    }
    if (shown.value === null) {
      const reason = reasonIn(shown.note);
      if (forgetting.some((words) => reason.includes(words))) this.#beats = [];
      this.#state = { reason };
      return;
    }
    this.#beats = this.#beats.filter(({ toPtsNs }) => (ptsNs - toPtsNs) / 1e9 <= presentLimits.window);
    const irregularRhythm = this.#beats.at(-1)?.irregularRhythm ?? false;
    const beats = this.#beats.slice(-(irregularRhythm ? presentLimits.irregularBeats : presentLimits.beats));
    this.#state =
      beats.length === 0 ? { reason: waitingWords.beat } : { beats, irregularRhythm, unit: this.#unit };
  }

  clear(): void {
    this.#beats = [];
    this.#state = { reason: waitingWords.beat };
  }
}

/** The beat that these measurements of one frame close; null: none that counts and has its disks. */
export function closedBeat(
  measurements: readonly Measurement[],
): { readonly beat: Remembered; readonly unit: string } | null {
  const of = (name: string): Measurement | undefined => measurements.find((one) => one.name === name);
  const disks = disksIn(measurements);
  const fraction = of(echoMeasures.beatEjectionFraction);
  const heartRate = of(echoMeasures.beatHeartRate)?.value ?? null;
  if (disks === null || heartRate === null) return null;
  if (fraction?.beat === undefined || fraction.atPtsNs === undefined || fraction.value === null) return null;
  return {
    unit: of(echoMeasures.beatEndDiastolicDisks)?.unit ?? '',
    beat: {
      ...{ number: fraction.beat, toPtsNs: fraction.atPtsNs, heartRate, disks },
      irregularRhythm: fraction.note.includes('irregular'),
    },
  };
}
