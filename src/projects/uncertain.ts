/** Pictures that a person should look at next: where tracking was least sure. Pure. */
import { laneStates, type LaneState } from '../protocol/project-requests.js';
import type { FrameConfidences } from './lanes.js';

export interface UncertainPicture {
  readonly frame: number;
  /** The object that is least sure there. */
  readonly label: string;
  readonly state: LaneState;
  /** 0 to 100 */
  readonly confidence: number;
}

interface Point {
  readonly confidence: number;
  readonly label: string;
  readonly state: number;
}

/**
 * The pictures with the lowest confidence of any object, lowest first: local minima (the middle of a level stretch), at least `apart` pictures from each
 * other and from those that are excluded: marked, corrected, or seen already.
 */
export function uncertainPictures(
  lanes: readonly FrameConfidences[],
  {
    apart,
    count,
    excluded,
  }: { readonly apart: number; readonly count: number; readonly excluded: ReadonlySet<number> },
): UncertainPicture[] {
  const length = Math.max(0, ...lanes.map(({ confidences }) => confidences.length));
  const points = Array.from({ length }, (_, frame) => leastSure(lanes, frame));
  const minima: { readonly frame: number; readonly point: Point }[] = [];
  for (let start = 0; start < length;) {
    const point = points[start];
    let end = start + 1;
    while (end < length && points[end]?.confidence === point?.confidence) end += 1;
    if (point && isAbove(points[start - 1], point) && isAbove(points[end], point)) {
      const frame = start + ((end - start - 1) >> 1);
      minima.push({ frame, point: points[frame] ?? point });
    }
    start = end;
  }
  minima.sort((a, b) => a.point.confidence - b.point.confidence || a.frame - b.frame);
  const taken: number[] = [];
  const near = (frame: number, others: Iterable<number>): boolean => {
    for (const other of others) if (Math.abs(other - frame) < apart) return true;
    return false;
  };
  return minima.flatMap(({ frame, point: { confidence, label, state } }) => {
    if (taken.length === count || near(frame, taken) || near(frame, excluded)) return [];
    taken.push(frame);
    return [{ frame, label, confidence, state: laneStates[state] ?? 'none' }];
  });
}

/** Beyond the first and last picture, and where nothing is known, there is no lower neighbour. */
const isAbove = (neighbour: Point | null | undefined, { confidence }: Point): boolean =>
  !neighbour || neighbour.confidence > confidence;

function leastSure(lanes: readonly FrameConfidences[], frame: number): Point | null {
  let least: Point | null = null;
  for (const { label, states, confidences } of lanes) {
    const state = states[frame] ?? 0;
    const confidence = confidences[frame] ?? 0;
    if (state !== 0 && (least === null || confidence < least.confidence))
      least = { confidence, label, state };
  }
  return least;
}
