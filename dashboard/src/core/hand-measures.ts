/**
 * What a person measures by hand on a picture that stands still: distances, and ellipses with area and circumference. Pure.
 *
 * Points are source pixels. Millimetres hold where one scale holds for all of a measure (src/mask/scale.ts decides, as for objects);
 * elsewhere a measure is in source pixels. With a scale, shapes are ellipses in millimetres: pixels that are not square stretch them.
 */
import { scaleOfMask } from '../../../src/mask/scale.js';
import type { Calibration, SpacingMm } from '../../../src/vocabulary/calibration.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { Point } from '../../../src/vocabulary/prompt.js';

/** `distance`: its two ends. `ellipse`: the ends of one axis, and a point at the end of the other. */
export type HandMeasure =
  | { readonly kind: 'distance'; readonly points: readonly [Point, Point] }
  | { readonly kind: 'ellipse'; readonly points: readonly [Point, Point, Point] };
export type HandKind = HandMeasure['kind'];

/** A new measure from a first drag; the second axis of an ellipse is half as long as the first. */
export function newMeasure(kind: HandKind, from: Point, to: Point, spacingMm: SpacingMm | null): HandMeasure {
  if (kind === 'distance') return { kind, points: [from, to] };
  const { centre, normal, half, scale } = axisOf(from, to, spacingMm);
  return { kind, points: [from, to, unscaled(along(centre, normal, half / 2), scale)] };
}

/** One of its points goes elsewhere. The axes of an ellipse stay at right angles, and the other keeps its length. */
export function moved(
  { kind, points }: HandMeasure,
  index: number,
  to: Point,
  spacingMm: SpacingMm | null,
): HandMeasure {
  if (kind === 'distance') return { kind, points: index === 0 ? [to, points[1]] : [points[0], to] };
  const [from, end, side] = points;
  const before = axisOf(from, end, spacingMm);
  if (index === 2) {
    const width = sideOf(before, to);
    return { kind, points: [from, end, unscaled(along(before.centre, before.normal, width), before.scale)] };
  }
  const [a, b] = index === 0 ? [to, end] : [from, to];
  const { centre, normal, scale } = axisOf(a, b, spacingMm);
  return { kind, points: [a, b, unscaled(along(centre, normal, sideOf(before, side)), scale)] };
}

interface Measured {
  /** Millimetres, or pixels without a scale. */
  readonly length: number;
  /** Square millimetres or pixels; null: a line has none. */
  readonly area: number | null;
  readonly circumference: number | null;
  readonly unit: 'mm' | 'px';
}

export function measured({ kind, points }: HandMeasure, spacingMm: SpacingMm | null): Measured {
  const axis = axisOf(points[0], points[1], spacingMm);
  const unit = spacingMm === null ? 'px' : 'mm';
  const length = 2 * axis.half;
  if (kind === 'distance') return { length, area: null, circumference: null, unit };
  const a = axis.half;
  const b = Math.abs(sideOf(axis, points[2]));
  // Ramanujan 1914, his second approximation: off by less than 0.04 % for any ellipse.
  const flat = a + b === 0 ? 0 : ((a - b) / (a + b)) ** 2;
  const circumference = Math.PI * (a + b) * (1 + (3 * flat) / (10 + Math.sqrt(4 - 3 * flat)));
  return { length, area: Math.PI * a * b, circumference, unit };
}

/** The closed line of an ellipse, or the two ends of a distance. */
export function lineOf({ kind, points }: HandMeasure, spacingMm: SpacingMm | null, corners = 72): Point[] {
  if (kind === 'distance') return [...points];
  const axis = axisOf(points[0], points[1], spacingMm);
  const width = sideOf(axis, points[2]);
  return Array.from({ length: corners }, (_, index) => {
    const angle = (2 * Math.PI * index) / corners;
    const [x, y] = along(axis.centre, axis.unit, axis.half * Math.cos(angle));
    return unscaled(along([x, y], axis.normal, width * Math.sin(angle)), axis.scale);
  });
}

/** The scale that holds for all of a measure: that of the region in which it lies. null: none, so pixels. */
export function spacingOf(
  measure: HandMeasure,
  size: PictureSize,
  calibration: Calibration,
): SpacingMm | null {
  // In pixels first, because the scale decides how an ellipse is bent: nearly the same line.
  return scaleOfMask(maskOfPoints(lineOf(measure, null), size), size, calibration).spacingMm;
}

/** A mask of single pixels, column by column as masks are. */
function maskOfPoints(points: readonly Point[], { width, height }: PictureSize): Mask {
  const inside = (value: number, most: number): number => Math.min(most - 1, Math.max(0, Math.floor(value)));
  const places = points
    .map(([x, y]) => inside(x, width) * height + inside(y, height))
    .sort((one, other) => one - other);
  const counts: number[] = [];
  let at = 0;
  for (let index = 0; index < places.length;) {
    const from = places[index] ?? 0;
    let to = from + 1;
    while ((places[++index] ?? Infinity) <= to) to = (places[index] ?? 0) + 1;
    counts.push(from - at, to - from);
    at = to;
  }
  if (at < width * height) counts.push(width * height - at);
  return { width, height, counts: Uint32Array.from(counts) };
}

interface Axis {
  readonly scale: SpacingMm;
  readonly centre: Point;
  /** Along the axis, and at right angles to it. */
  readonly unit: Point;
  readonly normal: Point;
  readonly half: number;
}

function axisOf(from: Point, to: Point, spacingMm: SpacingMm | null): Axis {
  const scale = spacingMm ?? { x: 1, y: 1 };
  const [ax, ay] = scaled(from, scale);
  const [bx, by] = scaled(to, scale);
  const length = Math.hypot(bx - ax, by - ay);
  const unit: Point = length === 0 ? [1, 0] : [(bx - ax) / length, (by - ay) / length];
  return {
    ...{ scale, unit, half: length / 2 },
    centre: [(ax + bx) / 2, (ay + by) / 2],
    normal: [-unit[1], unit[0]],
  };
}

const scaled = ([x, y]: Point, scale: SpacingMm): Point => [x * scale.x, y * scale.y];
const unscaled = ([x, y]: Point, scale: SpacingMm): Point => [x / scale.x, y / scale.y];
const along = ([x, y]: Point, [dx, dy]: Point, by: number): Point => [x + dx * by, y + dy * by];

/** How far a point lies beside the axis, with a sign. */
function sideOf({ scale, centre, normal }: Axis, point: Point): number {
  const [x, y] = scaled(point, scale);
  return (x - centre[0]) * normal[0] + (y - centre[1]) * normal[1];
}
