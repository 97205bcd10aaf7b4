/** What is measured on a frame. Types only. */

export type MeasurementQuality = 'good' | 'doubtful' | 'rejected';

/** One value on one frame. */
export interface Measurement {
  /** Stable machine name such as `area`, `lv_area`, `ef_single_plane`. */
  readonly name: string;
  /** null: there is no number, and the note says why. Never NaN. */
  readonly value: number | null;
  /** UCUM unit; `px`, `px2`, `px3` or `1` where the source is not calibrated. */
  readonly unit: string;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly quality: MeasurementQuality;
  /** Why the quality is not good, or a remark such as `single-plane`. */
  readonly note: string;
  /** 0 where the measurement belongs to no object. */
  readonly objectId: number;
  /** The moment that the value is of, where it was decided later than that (end-diastole, end-systole): ptsNs of the stream. */
  readonly atPtsNs?: number;
  /** Number of the heart beat that it belongs to, from 1; absent: of none. */
  readonly beat?: number;
  /** Several numbers of one thing, in `unit`: diameters of the disks of a ventricle, apex first. Absent: there are none. */
  readonly values?: readonly number[];
}
