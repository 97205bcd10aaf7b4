/**
 * An outline as few points that a person can move, and the smooth line through them. Pure; places are source pixels.
 *
 * The line is a closed centripetal Catmull-Rom spline (Yuksel, Schaefer, Keyser 2011: no loops or cusps between points), broken at the
 * two hinges of the mitral valve, which are corners.
 */
import { maskOutlines } from '../../../src/mask/contour.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import { smoothClosed } from './outline-path.js';

export type PointRole = 'apex' | 'hinge' | 'side';

export interface ContourPoint {
  readonly at: Point;
  readonly role: PointRole;
}

/** An outline has at least this many points: fewer enclose nothing. */
export const fewestPoints = 4;
/** The first points are added until the line lies this near to the outline, or there are as many. */
const nearMaskPixels = 1;
const mostFirstPoints = 14;
const mostPoints = 60;
/** Longest piece of the line that is drawn straight. */
const stepPx = 1.5;
/** The atrium is met where it is at most this many mask pixels away. */
const meetsMaskPixels = 2.5;
/** A border with the atrium that spans less of the outline than this share is no mitral plane. */
const leastMitralShare = 0.08;

const apart = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
const mix = (a: Point, b: Point, share: number): Point => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
];
const ring = <Value>(values: readonly Value[], index: number): Value =>
  values[((index % values.length) + values.length) % values.length] as Value;

/** The largest outline of a mask as a smooth ring in source pixels; null: there is none that encloses anything. */
export function outlineOf(mask: Mask, source: PictureSize): readonly Point[] | null {
  const [x, y] = [source.width / mask.width, source.height / mask.height];
  let largest: readonly Point[] | null = null;
  let most = 0;
  for (const { hole, points } of maskOutlines(mask)) {
    const size = hole ? 0 : areaOf(points);
    if (size <= most) continue;
    most = size;
    largest = points;
  }
  if (largest === null || largest.length < fewestPoints) return null;
  return smoothClosed(largest).map(([column, row]): Point => [column * x, row * y]);
}

/** Of a ring, whatever its direction. */
export function areaOf(points: readonly Point[]): number {
  let doubled = 0;
  for (const [index, [x0, y0]] of points.entries()) {
    const [x1, y1] = ring(points, index + 1);
    doubled += x0 * y1 - x1 * y0;
  }
  return Math.abs(doubled) / 2;
}

/** Places on the outline of the ventricle where the atrium begins and ends; null: the atrium hardly touches it. */
function hingesOf(
  outline: readonly Point[],
  atrium: readonly Point[],
  reach: number,
): readonly [number, number] | null {
  const near = outline.flatMap((at, index) =>
    atrium.some((other) => apart(at, other) <= reach) ? [index] : [],
  );
  let ends: readonly [number, number] | null = null;
  let longest = 0;
  for (const [place, first] of near.entries())
    for (const second of near.slice(place + 1)) {
      const between = apart(ring(outline, first), ring(outline, second));
      if (between <= longest) continue;
      longest = between;
      ends = [first, second];
    }
  const around = outline.reduce((sum, at, index) => sum + apart(at, ring(outline, index + 1)), 0);
  return longest >= leastMitralShare * around ? ends : null;
}

/**
 * The points that a person first sees: with the atrium's outline, apex and hinges and some between; else some all around.
 * `maskPixel`: source pixels of a mask pixel, as the measure of what is near.
 */
export function firstPoints(
  outline: readonly Point[],
  atrium: readonly Point[] | null,
  maskPixel: number,
): readonly ContourPoint[] {
  const hinges = atrium && hingesOf(outline, atrium, meetsMaskPixels * maskPixel);
  const places = new Map<number, PointRole>();
  const between = (from: number, to: number, parts: number): void => {
    for (let part = 1; part < parts; part += 1)
      places.set(Math.round(from + ((to - from) * part) / parts) % outline.length, 'side');
  };
  if (hinges) {
    const [first, second] = hinges;
    const middle = mix(ring(outline, first), ring(outline, second), 0.5);
    let apex = first;
    for (const [index, at] of outline.entries())
      if (apart(at, middle) > apart(ring(outline, apex), middle)) apex = index;
    const after = (index: number, from: number): number => (index > from ? index : index + outline.length);
    // Both walls, from hinge to apex, whichever way round the outline runs.
    const [start, end] = apex > first && apex < second ? [first, second] : [second, first];
    between(start, after(apex, start), 4);
    between(after(apex, start), after(end, after(apex, start)), 4);
    for (const index of hinges) places.set(index, 'hinge');
    places.set(apex, 'apex');
  } else between(0, outline.length, 9);

  const points = (): readonly ContourPoint[] =>
    [...places].sort(([a], [b]) => a - b).map(([index, role]) => ({ at: ring(outline, index), role }));
  while (places.size < mostFirstPoints) {
    const { index, distance } = worst(outline, splineOf(points()));
    if (distance <= nearMaskPixels * maskPixel || places.has(index)) break;
    places.set(index, 'side');
  }
  return fromApex(points());
}

/** The point of the outline that is farthest from the line. */
function worst(
  outline: readonly Point[],
  line: readonly Point[],
): { readonly index: number; readonly distance: number } {
  let farthest = { index: 0, distance: -1 };
  for (const [index, at] of outline.entries()) {
    let distance = Infinity;
    for (const other of line) distance = Math.min(distance, apart(at, other));
    if (distance > farthest.distance) farthest = { index, distance };
  }
  return farthest;
}

function fromApex(points: readonly ContourPoint[]): readonly ContourPoint[] {
  const apex = Math.max(
    0,
    points.findIndex(({ role }) => role === 'apex'),
  );
  return [...points.slice(apex), ...points.slice(0, apex)];
}

/** The part of the line from one point to the next one, without its end. */
function segment(points: readonly ContourPoint[], index: number): readonly Point[] {
  const [from, to] = [ring(points, index), ring(points, index + 1)];
  const [p1, p2] = [from.at, to.at];
  const beyond = (corner: Point, other: Point): Point => mix(other, corner, 2);
  const p0 = from.role === 'hinge' ? beyond(p1, p2) : ring(points, index - 1).at;
  const p3 = to.role === 'hinge' ? beyond(p2, p1) : ring(points, index + 2).at;
  const knot = (a: Point, b: Point): number => Math.max(1e-3, Math.sqrt(apart(a, b)));
  const t1 = knot(p0, p1);
  const t2 = t1 + knot(p1, p2);
  const t3 = t2 + knot(p2, p3);
  const pieces = Math.max(1, Math.ceil(apart(p1, p2) / stepPx));
  // Barry and Goldman's pyramid.
  return Array.from({ length: pieces }, (_, piece): Point => {
    const t = t1 + ((t2 - t1) * piece) / pieces;
    const a1 = mix(p0, p1, t / t1);
    const a2 = mix(p1, p2, (t - t1) / (t2 - t1));
    const a3 = mix(p2, p3, (t - t2) / (t3 - t2));
    return mix(mix(a1, a2, t / t2), mix(a2, a3, (t - t1) / (t3 - t1)), (t - t1) / (t2 - t1));
  });
}

/** The closed line through the points. */
export function splineOf(points: readonly ContourPoint[]): readonly Point[] {
  return points.flatMap((_, index) => segment(points, index));
}

/** The place on the line that is nearest: after which point it lies, and how far away it is. */
export function nearestOn(
  points: readonly ContourPoint[],
  at: Point,
): { readonly after: number; readonly at: Point; readonly distance: number } {
  let nearest = { after: 0, at, distance: Infinity };
  for (const after of points.keys())
    for (const place of segment(points, after)) {
      const distance = apart(place, at);
      if (distance < nearest.distance) nearest = { after, at: place, distance };
    }
  return nearest;
}

/** The middle of the line between a point and the next one. */
export function middleAfter(points: readonly ContourPoint[], index: number): Point {
  const part = segment(points, index);
  return part[Math.floor(part.length / 2)] as Point;
}

/** Within the picture. */
export function withMoved(
  points: readonly ContourPoint[],
  index: number,
  [x, y]: Point,
  { width, height }: PictureSize,
): readonly ContourPoint[] {
  const at: Point = [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
  return points.map((point, place) => (place === index ? { ...point, at } : point));
}

/** null: there are as many as a person can handle. */
export function withAdded(
  points: readonly ContourPoint[],
  after: number,
  at: Point,
): readonly ContourPoint[] | null {
  if (points.length >= mostPoints) return null;
  return [...points.slice(0, after + 1), { at, role: 'side' }, ...points.slice(after + 1)];
}

/** null: apex and hinges stay, and so do the last points. */
export function withoutPoint(points: readonly ContourPoint[], index: number): readonly ContourPoint[] | null {
  if (points[index]?.role !== 'side' || points.length <= fewestPoints) return null;
  return points.filter((_, place) => place !== index);
}
