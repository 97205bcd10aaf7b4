/**
 * From a mask's border to a line that is pleasant to look at and stays on the border. Pure.
 *
 * Mask pixels are several source pixels wide, so the raw border is a staircase. It is resampled at half a mask pixel and
 * smoothed with a Gaussian of about 1.1 mask pixels (five binomial passes): stairs go, edges stay where they are, corners
 * are rounded by less than a mask pixel.
 */
import type { Point } from '../../../src/vocabulary/prompt.js';

/** Longest distance between resampled points, mask pixels. */
const stepPx = 0.5;
const passes = 5;

/** Closed polygon → smoothed closed polygon, same units. Polygons of fewer than 3 points stay as they are. */
export function smoothClosed(points: readonly Point[]): readonly Point[] {
  const dense = resample(points);
  const count = dense.length;
  if (count < 8) return dense;
  let xs = Float64Array.from(dense, ([x]) => x);
  let ys = Float64Array.from(dense, ([, y]) => y);
  for (let pass = 0; pass < passes; pass += 1) {
    xs = binomial(xs);
    ys = binomial(ys);
  }
  return dense.map((_, index): Point => [xs[index] ?? 0, ys[index] ?? 0]);
}

/** (1 4 6 4 1)/16 around a ring. */
function binomial(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const count = values.length;
  return values.map((value, index) => {
    const at = (offset: number): number => values[(index + offset + count) % count] ?? 0;
    return (at(-2) + 4 * at(-1) + 6 * value + 4 * at(1) + at(2)) / 16;
  });
}

function resample(points: readonly Point[]): readonly Point[] {
  if (points.length < 3) return points;
  const dense: Point[] = [];
  points.forEach(([x0, y0], index) => {
    const [x1, y1] = points[(index + 1) % points.length] ?? [x0, y0];
    const pieces = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / stepPx));
    for (let piece = 0; piece < pieces; piece += 1)
      dense.push([x0 + ((x1 - x0) * piece) / pieces, y0 + ((y1 - y0) * piece) / pieces]);
  });
  return dense;
}

interface LabelBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Places labels so that they lie on the stage and not on each other: each wants to sit above its object (its box's top
 * left), else below, else is moved down step by step.
 */
export function placeLabels(
  wanted: readonly {
    readonly anchor: LabelBox;
    readonly width: number;
    readonly height: number;
  }[],
  stage: { readonly width: number; readonly height: number },
): LabelBox[] {
  const placed: LabelBox[] = [];
  const gap = 4;
  const overlaps = (a: LabelBox): boolean =>
    placed.some(
      (b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height,
    );
  for (const { anchor, width, height } of wanted) {
    const x = Math.min(Math.max(gap, anchor.x), Math.max(gap, stage.width - width - gap));
    const clampY = (y: number): number =>
      Math.min(Math.max(gap, y), Math.max(gap, stage.height - height - gap));
    const tries = [
      clampY(anchor.y - height - gap),
      clampY(anchor.y + anchor.height + gap),
      ...Array.from({ length: 12 }, (_, step) => clampY(anchor.y - height - gap + (step + 1) * (height + 2))),
    ];
    const y = tries.find((candidate) => !overlaps({ x, y: candidate, width, height })) ?? tries[0] ?? gap;
    placed.push({ x, y, width, height });
  }
  return placed;
}
