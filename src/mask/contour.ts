/**
 * Outlines of a mask as polygons for drawing. Pure; runs in any thread and in the browser.
 *
 * Border following along the cracks between foreground and background pixels; each crack gives its midpoint,
 * which is the marching-squares contour of the binary picture: it passes halfway between the centres of an
 * inside and an outside pixel, so filling it (even-odd, at pixel centres) gives the mask back exactly.
 * Foreground is 8-connected (a thin diagonal instrument stays one outline), background 4-connected.
 */
import type { Mask } from '../vocabulary/mask.js';
import type { Point } from '../vocabulary/prompt.js';
import { maskBox } from './rle.js';

export interface Outline {
  /** False: outer border (clockwise on the screen); true: border of a hole (counter-clockwise). */
  readonly hole: boolean;
  /** Mask pixels, pixel centres at +0.5; closed: the last point joins the first, which is not repeated. */
  readonly points: readonly Point[];
}

// Directions of travel with the foreground on the right: along the top side east, right side south, …
const east = 0;
const rightTurn = 1;
const leftTurn = 3;
/** Midpoint of the side travelled along, from the pixel's top-left corner. */
const middleX = [0.5, 1, 0.5, 0] as const;
const middleY = [0, 0.5, 1, 0.5] as const;

/** The mask's box as one byte per pixel with an empty frame of one pixel around it, so that no neighbour is outside. */
interface Framed {
  readonly cells: Uint8Array;
  readonly stride: number;
  /** Mask pixel of the cell at row 0, column 0. */
  readonly originX: number;
  readonly originY: number;
}

const empty = 0;
const foreground = 1;
/** A foreground pixel whose top side belongs to a border that has been followed. */
const topSeen = 2;

/** Every border of the mask, in scan order of its topmost-leftmost pixel. */
export function maskOutlines(mask: Mask): Outline[] {
  const framed = frameMask(mask);
  if (framed === null) return [];
  const { cells, stride } = framed;
  const outlines: Outline[] = [];
  // Each border passes at least one top side, so marking those finds each border once.
  for (let cell = stride; cell < cells.length; cell++)
    if (cells[cell] === foreground && cells[cell - stride] === empty) outlines.push(follow(framed, cell));
  return outlines;
}

function frameMask(mask: Mask): Framed | null {
  const [boxX, boxY, boxWidth, boxHeight] = maskBox(mask);
  if (boxWidth === 0) return null;
  const { height, counts } = mask;
  const stride = boxWidth + 2;
  const cells = new Uint8Array(stride * (boxHeight + 2));
  const [originX, originY] = [boxX - 1, boxY - 1];
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + (counts[run] as number);
    if (run % 2 === 1)
      while (position < end) {
        const x = Math.floor(position / height);
        const columnEnd = Math.min(end, (x + 1) * height);
        let cell = (position - x * height - originY) * stride + x - originX;
        for (; position < columnEnd; position++, cell += stride) cells[cell] = foreground;
      }
    position = end;
  }
  return { cells, stride, originX, originY };
}

function follow({ cells, stride, originX, originY }: Framed, start: number): Outline {
  const steps = [1, stride, -1, -stride] as const;
  const xs: number[] = [];
  const ys: number[] = [];
  let cell = start;
  let x = originX + (start % stride);
  let y = originY + Math.floor(start / stride);
  let direction = east;
  do {
    if (direction === east) cells[cell] = topSeen;
    xs.push(x + (middleX[direction] as number));
    ys.push(y + (middleY[direction] as number));
    const ahead = steps[direction] as number;
    const left = steps[(direction + leftTurn) % 4] as number;
    if (cells[cell + ahead] !== empty || cells[cell + ahead + left] !== empty) {
      const turn = cells[cell + ahead + left] !== empty;
      const step = turn ? ahead + left : ahead;
      cell += step;
      x = originX + (cell % stride);
      y = originY + Math.floor(cell / stride);
      if (turn) direction = (direction + leftTurn) % 4;
    } else direction = (direction + rightTurn) % 4;
  } while (cell !== start || direction !== east);
  return outlineOf(xs, ys);
}

/**
 * Leaves out points on the straight line between their neighbours: exact, and about half the points. The border of a hole
 * is the one whose area is negative (positive: clockwise on the screen, y downwards).
 */
function outlineOf(xs: readonly number[], ys: readonly number[]): Outline {
  const points: Point[] = [];
  const count = xs.length;
  let doubledArea = 0;
  let [beforeX, beforeY] = [xs[count - 1] as number, ys[count - 1] as number];
  for (let index = 0; index < count; index++) {
    const [x, y] = [xs[index] as number, ys[index] as number];
    const next = index + 1 === count ? 0 : index + 1;
    const [afterX, afterY] = [xs[next] as number, ys[next] as number];
    doubledArea += beforeX * y - x * beforeY;
    if ((x - beforeX) * (afterY - y) !== (y - beforeY) * (afterX - x)) points.push([x, y]);
    [beforeX, beforeY] = [x, y];
  }
  return { hole: doubledArea < 0, points };
}

/**
 * Fewer points, none of the left-out ones farther than `tolerancePx` from the new line (Ramer 1972,
 * Douglas & Peucker 1973, on the closed polygon cut at its first point and the one farthest from it).
 */
export function simplifyOutline(outline: Outline, tolerancePx: number): Outline {
  const { points } = outline;
  const count = points.length;
  if (count <= 4 || tolerancePx <= 0) return outline;
  // Flat arrays with the first point again at the end, squared distances: this runs for every object of every frame.
  const xs = new Float64Array(count + 1);
  const ys = new Float64Array(count + 1);
  for (let index = 0; index <= count; index++)
    [xs[index], ys[index]] = points[index === count ? 0 : index] as Point;
  let opposite = 0;
  let farthest = 0;
  for (let index = 1; index < count; index++) {
    const squared = squaredLength(at(xs, index) - at(xs, 0), at(ys, index) - at(ys, 0));
    if (squared > farthest) [farthest, opposite] = [squared, index];
  }
  const keep = new Uint8Array(count + 1);
  keep[0] = 1;
  keep[opposite] = 1;
  const spans = [0, opposite, opposite, count];
  while (spans.length > 0) {
    const to = spans.pop() as number;
    const from = spans.pop() as number;
    const [x0, y0] = [at(xs, from), at(ys, from)];
    const [dx, dy] = [at(xs, to) - x0, at(ys, to) - y0];
    const squared = squaredLength(dx, dy);
    let worst = -1;
    let worstSquared = tolerancePx * tolerancePx;
    for (let index = from + 1; index < to; index++) {
      const [x, y] = [at(xs, index) - x0, at(ys, index) - y0];
      const along = squared === 0 ? 0 : Math.min(Math.max((x * dx + y * dy) / squared, 0), 1);
      const distanceSquared = squaredLength(x - along * dx, y - along * dy);
      if (distanceSquared > worstSquared) [worstSquared, worst] = [distanceSquared, index];
    }
    if (worst >= 0) {
      keep[worst] = 1;
      spans.push(from, worst, worst, to);
    }
  }
  return { hole: outline.hole, points: points.filter((_, index) => keep[index] === 1) };
}

const at = (values: Float64Array, index: number): number => values[index] as number;
const squaredLength = (x: number, y: number): number => x * x + y * y;
