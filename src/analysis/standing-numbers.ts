/**
 * Which numbers of a stream still stand. A number is said on a picture and read as true until it is said anew; where it is not
 * said on the next analysed picture, or no picture comes, it is withdrawn: the same measurement without a value, with the reason.
 * So no number outlives its object or its source, on the wire as in a recording. One per stream; pure.
 */
import type { Measurement } from '../vocabulary/measurement.js';
import type { ObjectId, ObjectState } from '../vocabulary/prompt.js';

/** What is said of a number that is not said any more on a picture, by the state of its object; null: there is no such object. */
const reasons: Readonly<Record<ObjectState | 'gone', string>> = {
  tracking: 'it could not be measured on this picture',
  uncertain: 'it could not be measured on this picture',
  lost: 'the object is lost',
  searching: 'the object is being searched for',
  gone: 'the object is not followed any more',
};

/** Values of a beat or of an earlier moment are events: they are said once and stay true. */
const stands = ({ value, beat, atPtsNs }: Measurement): boolean =>
  value !== null && beat === undefined && atPtsNs === undefined;

const keyOf = ({ name, objectId }: Measurement): string => `${objectId}/${name}`;

function withdrawn({ name, unit, objectId }: Measurement, note: string): Measurement {
  return { name, value: null, unit, interval: null, quality: 'rejected', note, objectId };
}

export class StandingNumbers {
  #standing = new Map<string, Measurement>();

  /** What is said on the next analysed picture: its measurements, and behind them those that end with it. */
  next(
    measurements: readonly Measurement[],
    objects: readonly { readonly id: ObjectId; readonly state: ObjectState }[],
  ): Measurement[] {
    const before = this.#standing;
    this.#standing = new Map(measurements.filter(stands).map((one) => [keyOf(one), one]));
    // Also a value that is said to be none has been said.
    const said = new Set(measurements.map(keyOf));
    const ended = [...before.values()].filter((one) => !said.has(keyOf(one)));
    const stateOf = (objectId: ObjectId) => objects.find(({ id }) => id === objectId)?.state ?? 'gone';
    return [
      ...measurements,
      ...ended.map((one) => withdrawn(one, reasons[one.objectId === 0 ? 'tracking' : stateOf(one.objectId)])),
    ];
  }

  /** All of them end now, for this reason. */
  withdraw(reason: string): Measurement[] {
    const ended = [...this.#standing.values()].map((one) => withdrawn(one, reason));
    this.#standing.clear();
    return ended;
  }
}
