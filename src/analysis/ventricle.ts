/**
 * Size and shape of the left ventricle on one picture, from the masks of cavity, wall and atrium. Pure.
 *
 * A mask is the whole source picture stretched to its own size, so one mask pixel is not square on the source: everything here is
 * in units of the source (mm or source pixels) from the start. Nothing depends on how the picture is turned or mirrored.
 */
import { maskBox, paintMask } from '../mask/rle.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Point } from '../vocabulary/prompt.js';

/** Disks of the method of disks (Lang et al. 2015, ASE and EACVI). */
export const diskCount = 20;

export interface VentricleShape {
  /** Where the mitral valve hangs: the ends of the border between cavity and atrium. */
  readonly hinges: readonly [Point, Point];
  /** Middle of the mitral plane. */
  readonly middle: Point;
  /** The point of the cavity farthest from there. */
  readonly apex: Point;
  readonly centroid: Point;
  /** Apex to middle of the mitral plane. */
  readonly length: number;
  readonly area: number;
  /** Diameters of the disks, apex first. */
  readonly diameters: readonly number[];
  /** Single-plane method of disks. */
  readonly volume: number;
  /** 8 A² / (3 π L), as a check of the disks. */
  readonly volumeByAreaLength: number;
  /** Share of the cavity's outline, away from the mitral plane, that has no wall behind it; 1 where it touches the picture's border. */
  readonly openShare: number;
}

const cavity = 1;
const wall = 2;
const atrium = 3;

/** Fewer pixels are a speck, not a ventricle. */
const leastPixels = 60;
/** The border with the atrium counts as the mitral plane where it spans this share of the gap in the wall. */
const leastMitralShare = 0.5;
/** The gap in the wall is looked for within this angle of the direction from the wall's centre to the cavity's (cosine). */
const baseCosine = Math.cos((60 * Math.PI) / 180);
/** Wall this many pixels away from the cavity still lies behind it. */
const wallReach = 2;

/** Squared: Math.hypot takes as long as all else here together. */
function squared(a: Point, b: Point): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
}

/**
 * The cavity's outline, side by side of its pixels, row by row: numbers in plain arrays, because as many objects on each picture cost
 * more than all that is done with them.
 */
class Sides {
  count = 0;
  /** The middle of each. */
  x = new Float64Array(1024);
  y = new Float64Array(1024);
  /** Label of what lies behind it. */
  behind = new Uint8Array(1024);
  walled = new Uint8Array(1024);
  /** Between two pixels of one row, so as long as a pixel is high. */
  upright = new Uint8Array(1024);
  /** Numbers of some of them. */
  some = new Int32Array(1024);

  add(x: number, y: number, behind: number, walled: boolean, upright: boolean): void {
    const at = this.count;
    if (at === this.x.length) this.#grow();
    this.x[at] = x;
    this.y[at] = y;
    this.behind[at] = behind;
    this.walled[at] = walled ? 1 : 0;
    this.upright[at] = upright ? 1 : 0;
    this.count = at + 1;
  }

  /** The two that are farthest apart of the first `count` in `some`; of equal pairs the first. */
  farthest(count: number): { readonly ends: readonly [Point, Point]; readonly apart: number } | null {
    const { some, x, y } = this;
    let [one, two] = [-1, -1];
    let longest = 0;
    for (let index = 0; index < count; index++) {
      const ownX = x[some[index] as number] as number;
      const ownY = y[some[index] as number] as number;
      for (let other = index + 1; other < count; other++) {
        const offX = ownX - (x[some[other] as number] as number);
        const offY = ownY - (y[some[other] as number] as number);
        const between = offX * offX + offY * offY;
        if (between > longest) {
          longest = between;
          one = index;
          two = other;
        }
      }
    }
    if (one < 0) return null;
    return {
      ends: [this.#at(some[one] as number), this.#at(some[two] as number)],
      apart: Math.sqrt(longest),
    };
  }

  #at(side: number): Point {
    return [this.x[side] as number, this.y[side] as number];
  }

  #grow(): void {
    const longer = <T extends Float64Array | Uint8Array | Int32Array>(before: T, after: T): T => {
      after.set(before);
      return after;
    };
    const length = 2 * this.x.length;
    this.x = longer(this.x, new Float64Array(length));
    this.y = longer(this.y, new Float64Array(length));
    this.behind = longer(this.behind, new Uint8Array(length));
    this.walled = longer(this.walled, new Uint8Array(length));
    this.upright = longer(this.upright, new Uint8Array(length));
    this.some = new Int32Array(length);
  }
}

/** V = π/4 · h · Σ d²: disks of equal height. */
function volumeOfDisks(diameters: readonly number[], length: number): number {
  return (
    diameters.reduce((sum, diameter) => sum + (Math.PI / 4) * diameter * diameter, 0) *
    (length / diameters.length)
  );
}

/** Spreads `area` evenly over the disks between two places on the axis, which are `height` high. */
function spread(areas: Float64Array, height: number, from: number, to: number, area: number): void {
  const perLength = area / (to - from);
  let disk = from > 0 ? Math.min(diskCount - 1, Math.floor(from / height)) : 0;
  // What a rounding puts before the apex or behind the base belongs to the outermost disk.
  for (let start = from; disk < diskCount - 1; disk++) {
    const end = (disk + 1) * height;
    if (to <= end) {
      areas[disk] = (areas[disk] as number) + perLength * (to - start);
      return;
    }
    areas[disk] = (areas[disk] as number) + perLength * (end - start);
    start = end;
  }
  areas[disk] = (areas[disk] as number) + perLength * (to - Math.max(from, disk * height));
}

/**
 * The area along the axis, cut into disks; each pixel is spread over the length that it covers on the axis. A plane that is tilted
 * against the axis leaves as much of the cavity beyond its middle on one side as is missing on the other: what lies beyond is folded
 * back there, so that area is neither lost nor added. The diameter of a disk is its area over its height.
 */
function disksAlong(
  { labels, width }: Labels,
  { left, top, right, bottom }: Edges,
  scale: Scale,
  apex: Point,
  axis: Point,
  length: number,
): number[] {
  const height = length / diskCount;
  const areas = new Float64Array(diskCount);
  const pixelArea = scale.x * scale.y;
  const [axisX, axisY] = axis;
  // The projection of a pixel is a trapezoid; two thirds of its base, evenly filled, have nearly its spread.
  const reach = (Math.abs(axisX) * scale.x + Math.abs(axisY) * scale.y) / 2;
  const half = Math.max(Math.abs(axisX) * scale.x, Math.abs(axisY) * scale.y, reach) / 2;
  for (let row = top; row < bottom; row++) {
    const down = ((row + 0.5) * scale.y - apex[1]) * axisY;
    for (let column = left, index = row * width + left; column < right; column++, index++) {
      if (labels[index] !== cavity) continue;
      const along = ((column + 0.5) * scale.x - apex[0]) * axisX + down;
      const from = along - half;
      const to = along + half;
      if (to <= length) spread(areas, height, from, to, pixelArea);
      else if (from >= length) spread(areas, height, 2 * length - to, 2 * length - from, pixelArea);
      else {
        spread(areas, height, from, length, (pixelArea * (length - from)) / (to - from));
        spread(areas, height, 2 * length - to, length, (pixelArea * (to - length)) / (to - from));
      }
    }
  }
  return Array.from(areas, (area) => area / height);
}

/** Source units (mm, or source pixels) of one mask pixel. */
interface Scale {
  readonly x: number;
  readonly y: number;
}

/** One label per pixel, row-major. */
interface Labels {
  readonly labels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Columns [left, right) and rows [top, bottom). */
interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** null: there is no ventricle with a base on these masks. */
type ShapeReader = (
  masks: { readonly cavity: Mask; readonly wall: Mask; readonly atrium: Mask },
  scale: Scale,
) => VentricleShape | null;

/** Keeps one label picture of the masks' size and one list of sides, so that a frame allocates little. */
export function createShapeReader(): ShapeReader {
  let labels = new Uint8Array(0);
  const sides = new Sides();
  return (masks, scale) => {
    const { width, height } = masks.cavity;
    for (const mask of [masks.wall, masks.atrium])
      if (mask.width !== width || mask.height !== height) return null;
    if (labels.length !== width * height) labels = new Uint8Array(width * height);
    labels.fill(0);
    paintMask(labels, masks.wall, wall);
    paintMask(labels, masks.atrium, atrium);
    paintMask(labels, masks.cavity, cavity);
    const [left, top, across, down] = maskBox(masks.cavity);
    const edges = { left, top, right: left + across, bottom: top + down };
    return shapeOf({ labels, width, height }, edges, wallOf(labels, masks.wall), scale, sides);
  };
}

/** Middle of the wall that nothing else lies on, in mask pixels, and the number of its pixels. */
function wallOf(labels: Uint8Array, mask: Mask): { readonly at: Point; readonly count: number } {
  const { width } = mask;
  const [left, top, across, down] = maskBox(mask);
  let [sumX, sumY, count] = [0, 0, 0];
  for (let y = top; y < top + down; y++) {
    const before = count;
    for (let x = left, index = y * width + left; x < left + across; x++, index++)
      if (labels[index] === wall) {
        sumX += x;
        count++;
      }
    sumY += y * (count - before);
  }
  return { at: [sumX / count + 0.5, sumY / count + 0.5], count };
}

/** `inside`: where the cavity lies; `sides` is filled anew. */
function shapeOf(
  picture: Labels,
  inside: Edges,
  wallParts: { readonly at: Point; readonly count: number },
  scale: Scale,
  sides: Sides,
): VentricleShape | null {
  const { labels, width, height } = picture;
  let [count, sumX, sumY] = [0, 0, 0];
  let touchesBorder = false;
  sides.count = 0;

  const look = (x: number, y: number, dx: number, dy: number): void => {
    let behind = 0;
    let walled = false;
    for (let step = 1; step <= wallReach && !walled; step++) {
      const [column, row] = [x + dx * step, y + dy * step];
      if (column < 0 || row < 0 || column >= width || row >= height) {
        if (step === 1) touchesBorder = true;
        break;
      }
      const label = labels[row * width + column] as number;
      if (step === 1) behind = label;
      walled = label === wall;
    }
    sides.add((x + 0.5 + dx / 2) * scale.x, (y + 0.5 + dy / 2) * scale.y, behind, walled, dx !== 0);
  };

  for (let y = inside.top; y < inside.bottom; y++) {
    const before = count;
    for (let x = inside.left, index = y * width + x; x < inside.right; x++, index++) {
      if (labels[index] !== cavity) continue;
      count++;
      sumX += x;
      if (x === 0 || labels[index - 1] !== cavity) look(x, y, -1, 0);
      if (x === width - 1 || labels[index + 1] !== cavity) look(x, y, 1, 0);
      if (y === 0 || labels[index - width] !== cavity) look(x, y, 0, -1);
      if (y === height - 1 || labels[index + width] !== cavity) look(x, y, 0, 1);
    }
    sumY += y * (count - before);
  }
  if (count < leastPixels || wallParts.count === 0) return null;
  const centroid: Point = [(sumX / count + 0.5) * scale.x, (sumY / count + 0.5) * scale.y];
  const base: Point = [centroid[0] - wallParts.at[0] * scale.x, centroid[1] - wallParts.at[1] * scale.y];
  const baseSquared = base[0] ** 2 + base[1] ** 2;

  // The wall is a horseshoe around the apex: the base is where its opening is.
  const { some } = sides;
  let gap = 0;
  for (let side = 0; side < sides.count; side++) {
    if (sides.walled[side] === 1) continue;
    const [x, y] = [(sides.x[side] as number) - centroid[0], (sides.y[side] as number) - centroid[1]];
    if (x * base[0] + y * base[1] > baseCosine * Math.sqrt((x * x + y * y) * baseSquared)) some[gap++] = side;
  }
  const opening = sides.farthest(gap);
  let border = 0;
  for (let side = 0; side < sides.count; side++) if (sides.behind[side] === atrium) some[border++] = side;
  const mitral = sides.farthest(border);
  const byAtrium = mitral !== null && mitral.apart >= leastMitralShare * (opening?.apart ?? 0);
  const hinges = (byAtrium ? mitral : opening)?.ends;
  if (hinges === undefined) return null;
  const middle: Point = [(hinges[0][0] + hinges[1][0]) / 2, (hinges[0][1] + hinges[1][1]) / 2];
  let apex = middle;
  let farthest = 0;
  for (let side = 0; side < sides.count; side++) {
    const at: Point = [sides.x[side] as number, sides.y[side] as number];
    const away = squared(at, middle);
    if (away <= farthest) continue;
    farthest = away;
    apex = at;
  }
  const length = Math.sqrt(farthest);
  if (!(length > 0)) return null;
  const axis: Point = [(middle[0] - apex[0]) / length, (middle[1] - apex[1]) / length];

  const area = count * scale.x * scale.y;
  const diameters = disksAlong(picture, inside, scale, apex, axis, length);
  // The last fifth of the axis is the base, where valve and outflow tract have no wall.
  let [away, open] = [0, 0];
  for (let side = 0; side < sides.count; side++) {
    const [x, y] = [(sides.x[side] as number) - apex[0], (sides.y[side] as number) - apex[1]];
    if (x * axis[0] + y * axis[1] >= 0.8 * length) continue;
    const own = sides.upright[side] === 1 ? scale.y : scale.x;
    away += own;
    if (sides.walled[side] === 0) open += own;
  }
  return {
    ...{ hinges, middle, apex, centroid, length, area, diameters },
    volume: volumeOfDisks(diameters, length),
    volumeByAreaLength: (8 * area * area) / (3 * Math.PI * length),
    openShare: touchesBorder ? 1 : open / Math.max(away, Number.MIN_VALUE),
  };
}
