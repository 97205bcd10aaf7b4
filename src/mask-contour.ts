/**
 * Outlines of a mask as polygons for drawing. Pure; runs in any thread and in the browser.
 *
 * Border following along the cracks between foreground and background pixels; each crack gives its midpoint,
 * which is the marching-squares contour of the binary picture: it passes halfway between the centres of an
 * inside and an outside pixel, so filling it (even-odd, at pixel centres) gives the mask back exactly.
 * Foreground is 8-connected (a thin diagonal instrument stays one outline), background 4-connected.
 */
import type { Mask } from './mask.js';
import type { Point } from './prompt.js';
import { maskBox, maskToBitmap } from './mask-rle.js';

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
const stepX = [1, 0, -1, 0] as const;
const stepY = [0, 1, 0, -1] as const;
/** Midpoint of the side travelled along, from the pixel's top-left corner. */
const middleX = [0.5, 1, 0.5, 0] as const;
const middleY = [0, 0.5, 1, 0.5] as const;

/** Every border of the mask, in scan order of its topmost-leftmost pixel. */
export function maskOutlines(mask: Mask): Outline[] {
  const { width, height } = mask;
  const [boxX, boxY, boxWidth, boxHeight] = maskBox(mask);
  if (boxWidth === 0) return [];
  const bitmap = maskToBitmap(mask);
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && bitmap[y * width + x] !== 0;
  // Each border passes at least one top side, so marking those finds each border once.
  const seen = new Uint8Array(width * height);
  const outlines: Outline[] = [];
  for (let y = boxY; y < boxY + boxHeight; y++)
    for (let x = boxX; x < boxX + boxWidth; x++)
      if (seen[y * width + x] === 0 && inside(x, y) && !inside(x, y - 1))
        outlines.push(follow(x, y, width, inside, seen));
  return outlines;
}

function follow(
  startX: number,
  startY: number,
  width: number,
  inside: (x: number, y: number) => boolean,
  seen: Uint8Array,
): Outline {
  const points: Point[] = [];
  let x = startX;
  let y = startY;
  let direction = east;
  do {
    if (direction === east) seen[y * width + x] = 1;
    points.push([x + (middleX[direction] as number), y + (middleY[direction] as number)]);
    const dx = stepX[direction] as number;
    const dy = stepY[direction] as number;
    // Left of the direction of travel is (dy, -dx).
    if (inside(x + dx + dy, y + dy - dx)) {
      x += dx + dy;
      y += dy - dx;
      direction = (direction + leftTurn) % 4;
    } else if (inside(x + dx, y + dy)) {
      x += dx;
      y += dy;
    } else direction = (direction + rightTurn) % 4;
  } while (x !== startX || y !== startY || direction !== east);
  return { hole: signedArea(points) < 0, points: withoutStraightPoints(points) };
}

/** Positive for a clockwise polygon on the screen (y downwards). */
function signedArea(points: readonly Point[]): number {
  let doubled = 0;
  let [beforeX, beforeY] = points.at(-1) as Point;
  for (const [x, y] of points) {
    doubled += beforeX * y - x * beforeY;
    [beforeX, beforeY] = [x, y];
  }
  return doubled / 2;
}

/** Leaves out points on the straight line between their neighbours: exact, and about half the points. */
function withoutStraightPoints(points: readonly Point[]): Point[] {
  return points.filter(([x, y], index) => {
    const [beforeX, beforeY] = points.at(index - 1) as Point;
    const [afterX, afterY] = points[(index + 1) % points.length] as Point;
    return (x - beforeX) * (afterY - y) !== (y - beforeY) * (afterX - x);
  });
}

/**
 * Fewer points, none of the left-out ones farther than `tolerancePx` from the new line (Ramer 1972,
 * Douglas & Peucker 1973, on the closed polygon cut at its first point and the one farthest from it).
 */
export function simplifyOutline(outline: Outline, tolerancePx: number): Outline {
  const { points } = outline;
  const count = points.length;
  if (count <= 4 || tolerancePx <= 0) return outline;
  const at = (index: number): Point => points[index % count] as Point;
  const fromStart = ([x, y]: Point): number => Math.hypot(x - at(0)[0], y - at(0)[1]);
  let opposite = 0;
  points.forEach((point, index) => {
    if (fromStart(point) > fromStart(at(opposite))) opposite = index;
  });
  const keep = new Uint8Array(count);
  keep[0] = 1;
  keep[opposite] = 1;
  const spans: [number, number][] = [
    [0, opposite],
    [opposite, count],
  ];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [from, to] = span;
    let worst = -1;
    let worstDistance = tolerancePx;
    for (let index = from + 1; index < to; index++) {
      const distance = distanceToSegment(at(index), at(from), at(to));
      if (distance > worstDistance) {
        worstDistance = distance;
        worst = index;
      }
    }
    if (worst >= 0) {
      keep[worst] = 1;
      spans.push([from, worst], [worst, to]);
    }
  }
  return { hole: outline.hole, points: points.filter((_, index) => keep[index] === 1) };
}

function distanceToSegment([x, y]: Point, [x0, y0]: Point, [x1, y1]: Point): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / squared, 0), 1);
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}
