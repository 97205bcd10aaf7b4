/**
 * What the live curve of an echo room shows: the last seconds of volumes as columns for the plot, its beats as bands, its moments as
 * marks. Pure. Nothing is drawn where nothing was measured: no line leads over a gap.
 */
import type { BeatVerdict, EchoLog } from './echo-log.js';

/** Seconds of the curve on screen. */
export const curveSeconds = 8;
/**
 * Pictures usually come evenly; after this many intervals there is a gap. Never before the shortest time, and always after the
 * longest: a third of a second holds a whole systole, and a line over it would hide one.
 */
const gapIntervals = 2.5;
const shortestGapNs = 150e6;
const longestGapNs = 320e6;

export interface CurveMark {
  readonly kind: 'end-diastole' | 'end-systole';
  /** Seconds before the newest picture, 0 or less. */
  readonly x: number;
  /** Volume on that very picture, null: it is not known. */
  readonly volume: number | null;
  readonly rejected: boolean;
}

export interface CurveBand {
  readonly from: number;
  readonly to: number;
  readonly number: number;
  readonly verdict: BeatVerdict;
  readonly reason: string;
}

export interface CurveWindow {
  /** Seconds before the newest picture, rising to 0. */
  readonly xs: readonly number[];
  /** Volumes that count or may still count; null: none here. */
  readonly solid: readonly (number | null)[];
  /** Volumes of rejected beats and doubtful ones. */
  readonly dim: readonly (number | null)[];
  readonly bands: readonly CurveBand[];
  readonly marks: readonly CurveMark[];
  /** Largest volume in the window, null: none. */
  readonly largest: number | null;
}

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export function curveWindow(
  log: Pick<EchoLog, 'points' | 'beats' | 'breaks' | 'newestPtsNs'>,
  seconds = curveSeconds,
): CurveWindow {
  const newestNs = log.newestPtsNs;
  if (newestNs === null) return { ...{ xs: [], solid: [], dim: [], bands: [], marks: [] }, largest: null };
  const fromNs = newestNs - seconds * 1e9;
  const secondsOf = (ptsNs: number): number => (ptsNs - newestNs) / 1e9;
  const points = log.points.filter(({ ptsNs }) => ptsNs >= fromNs);

  const bands = log.beats.flatMap((beat): CurveBand[] => {
    const from = beat.endDiastolePtsNs ?? beat.endSystolePtsNs;
    const to = beat.endPtsNs ?? newestNs;
    if (from === null || to <= fromNs) return [];
    const { number, verdict, reason } = beat;
    return [{ from: secondsOf(Math.max(from, fromNs)), to: secondsOf(to), number, verdict, reason }];
  });
  const rejected = bands.filter(({ verdict }) => verdict === 'rejected');
  const isDim = (x: number, good: boolean): boolean =>
    !good || rejected.some(({ from, to }) => x >= from && x < to);

  const intervals = points.slice(1).map(({ ptsNs }, index) => ptsNs - (points[index]?.ptsNs ?? ptsNs));
  const gapNs = Math.min(longestGapNs, Math.max(shortestGapNs, gapIntervals * middle(intervals)));
  const xs: number[] = [];
  const solid: (number | null)[] = [];
  const dim: (number | null)[] = [];
  let before: { ptsNs: number; value: number | null; dim: boolean } | null = null;
  for (const { ptsNs, value, good } of points) {
    const x = secondsOf(ptsNs);
    const now = { ptsNs, value, dim: isDim(x, good) };
    if (before) {
      const from = before.ptsNs;
      const apart = ptsNs - from > gapNs || log.breaks.some((at) => at > from && at <= ptsNs);
      if (apart) {
        xs.push((x + secondsOf(from)) / 2);
        solid.push(null);
        dim.push(null);
      } else if (before.dim !== now.dim && before.value !== null) {
        // The line goes on where its look changes: its last point belongs to both parts.
        (now.dim ? dim : solid)[xs.length - 1] = before.value;
      }
    }
    xs.push(x);
    solid.push(now.dim ? null : value);
    dim.push(now.dim ? value : null);
    before = now;
  }

  const volumeAt = (atNs: number): number | null =>
    points.find(({ ptsNs }) => Math.abs(ptsNs - atNs) < 1e6)?.value ?? null;
  const marks = log.beats.flatMap((beat) =>
    (
      [
        ['end-diastole', beat.endDiastolePtsNs],
        ['end-systole', beat.endSystolePtsNs],
      ] as const
    ).flatMap(([kind, atNs]): CurveMark[] =>
      atNs === null || atNs < fromNs
        ? []
        : [{ kind, x: secondsOf(atNs), volume: volumeAt(atNs), rejected: beat.verdict === 'rejected' }],
    ),
  );
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  return { xs, solid, dim, bands, marks, largest: values.length > 0 ? Math.max(...values) : null };
}

/** Places of values that no line reaches, because none stands beside them: they are drawn as points. */
export function alone(values: readonly (number | null)[]): number[] {
  return values.flatMap((value, index) =>
    value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null
      ? [index]
      : [],
  );
}

/** The longest stretch between `from` and `to` that keeps `room` from each of these places; null: there is none. */
export function freeStretch(
  from: number,
  to: number,
  places: readonly number[],
  room: number,
): { readonly from: number; readonly to: number } | null {
  const inside = places.filter((place) => place > from - room && place < to + room).sort((a, b) => a - b);
  let best: { from: number; to: number } | null = null;
  let start = from;
  for (const [end, next] of [
    ...inside.map((place) => [place - room, place + room] as const),
    [to, to] as const,
  ]) {
    if (end - start > (best === null ? 0 : best.to - best.from)) best = { from: start, to: end };
    start = next;
  }
  return best;
}

const steps = [1, 1.2, 1.6, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** Upper end of the axis, from 0: a round number with room for the marks above the curve. `before`: where it ended; it shrinks only when much too high. */
export function axisTop(largest: number | null, before: number | null): number {
  if (largest === null || largest <= 0) return before ?? 100;
  const wanted = largest * 1.25;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const top = (steps.find((step) => step * power >= wanted) ?? 10) * power;
  return before !== null && before >= wanted && top > 0.6 * before ? before : top;
}
