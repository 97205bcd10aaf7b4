/**
 * What was measured on a recording, read back from the file of its masks: the curve of the ventricle and the beats that were found. A
 * few numbers per picture, so that hours fit; grows with a run that is under way. Pure.
 */
import { BeatTable, type Beat } from '../analysis/beat-table.js';
import type { Found } from '../analysis/corrected-beats.js';
import { BeatNumbers } from '../analysis/corrected-stream.js';
import { chambers, echoMeasures } from '../vocabulary/echo.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import type { Measurement, MeasurementQuality } from '../vocabulary/measurement.js';
import type { ObjectState } from '../vocabulary/prompt.js';

/** In the order of the file: a frame, then what was measured on it. */
export type ClipEntry =
  | { readonly kind: 'frame'; readonly message: SegmentationMessage }
  | { readonly kind: 'measurement'; readonly measurement: Measurement };

export interface ClipUnits {
  readonly length: string;
  readonly area: string;
  readonly volume: string;
}

export interface CurvePoint {
  readonly frame: number;
  readonly ptsNs: number;
  readonly area: number | null;
  readonly length: number | null;
  readonly volume: number | null;
  /** Of the ventricle; null: it is not among the objects. */
  readonly state: ObjectState | null;
  /** null: nothing was measured. */
  readonly quality: MeasurementQuality | null;
}

const states: readonly ObjectState[] = ['searching', 'tracking', 'uncertain', 'lost'];
const qualities: readonly MeasurementQuality[] = ['good', 'doubtful', 'rejected'];

export class ClipMeasurements {
  readonly #numbers = new BeatNumbers();
  readonly #table = new BeatTable();
  readonly #beats: Beat[] = [];
  readonly #frames: number[] = [];
  readonly #ptsNs: number[] = [];
  readonly #area: number[] = [];
  readonly #length: number[] = [];
  readonly #volume: number[] = [];
  readonly #state: number[] = [];
  readonly #quality: number[] = [];
  #objectId = 0;
  readonly #labels = new Map<number, string>();
  /** Of the newest frame, which may not be complete. */
  #open: Measurement[] = [];

  constructor(
    /** As the source is calibrated. */
    readonly units: ClipUnits,
  ) {}

  take(entry: ClipEntry): void {
    switch (entry.kind) {
      case 'frame': {
        this.#settle();
        const { sourceFrame, ptsNs, objects } = entry.message;
        const ventricle = objects.find(({ label }) => label === chambers.ventricle);
        if (ventricle) this.#objectId = ventricle.id;
        for (const { id, label } of objects) this.#labels.set(id, label);
        this.#frames.push(sourceFrame);
        this.#ptsNs.push(ptsNs);
        for (const column of [this.#area, this.#length, this.#volume]) column.push(NaN);
        this.#state.push(ventricle ? states.indexOf(ventricle.state) : -1);
        this.#quality.push(-1);
        return;
      }
      case 'measurement': {
        const { measurement } = entry;
        const { name, value, quality } = measurement;
        const last = this.#frames.length - 1;
        if (last < 0) return;
        if (measurement.beat !== undefined) this.#open.push(measurement);
        const column =
          name === echoMeasures.area
            ? this.#area
            : name === echoMeasures.length
              ? this.#length
              : name === echoMeasures.volume
                ? this.#volume
                : null;
        if (column === null) return;
        column[last] = value ?? NaN;
        if (column === this.#volume) this.#quality[last] = qualities.indexOf(quality);
      }
    }
  }

  /** There is no more: what was measured on the last frame is complete. */
  finish(): void {
    this.#settle();
  }

  /** Beats whose end was found, and the curve. */
  get found(): Found {
    return {
      beats: this.#beats,
      lastNumber: this.#numbers.last,
      curve: { ptsNs: this.#ptsNs, volume: this.#volume, area: this.#area },
      volumeUnit: this.units.volume,
      objectId: this.#objectId,
    };
  }

  /** Label of an object by its id; '' for 0, which is none. */
  labelOf(objectId: number): string | null {
    return objectId === 0 ? '' : (this.#labels.get(objectId) ?? null);
  }

  get size(): number {
    return this.#frames.length;
  }

  point(index: number): CurvePoint {
    const value = (column: readonly number[]): number | null => {
      const own = column[index] ?? NaN;
      return Number.isNaN(own) ? null : own;
    };
    return {
      ...{ frame: this.#frames[index] ?? 0, ptsNs: this.#ptsNs[index] ?? 0 },
      ...{ area: value(this.#area), length: value(this.#length), volume: value(this.#volume) },
      state: states[this.#state[index] ?? -1] ?? null,
      quality: qualities[this.#quality[index] ?? -1] ?? null,
    };
  }

  /** Index of the first analysed picture that is not before this one. */
  indexFrom(frame: number): number {
    return firstFrom(this.#frames, frame);
  }

  /** null: it was not analysed. */
  timeOf(frame: number): number | null {
    const index = this.indexFrom(frame);
    return this.#frames[index] === frame ? (this.#ptsNs[index] ?? null) : null;
  }

  /** Number of the picture of a moment; null where there is none at that time. */
  frameOf(ptsNs: number): number | null {
    const index = firstFrom(this.#ptsNs, ptsNs);
    return this.#ptsNs[index] === ptsNs ? (this.#frames[index] ?? null) : null;
  }

  get lastPtsNs(): number {
    return this.#ptsNs.at(-1) ?? -Infinity;
  }

  #settle(): void {
    if (this.#open.length === 0) return;
    this.#beats.push(...this.#table.take(this.#numbers.unique(this.#open)));
    this.#open = [];
  }
}

function firstFrom(rising: readonly number[], value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
