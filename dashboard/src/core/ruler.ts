/** Centimetre scales along the edges of what is calibrated in a picture, for any zoom and place of the picture. Pure. */
import {
  sameSpacing,
  scaledRegions,
  type Calibration,
  type SpacingMm,
} from '../../../src/vocabulary/calibration.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Placement } from './viewport.js';

/** A part of the picture with a scale of its own, in source pixels. */
export interface Scale {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  readonly spacingMm: SpacingMm;
  /** Column and row from which is counted. */
  readonly zero: { readonly x: number; readonly y: number };
}

interface RulerTick {
  /** Device pixels of the stage along the axis. */
  readonly at: number;
  /** Negative above or to the left of where is counted from. */
  readonly centimetres: number;
  /** A longer line with a number beside it. */
  readonly major: boolean;
}

/** Ticks that lie closer together than this many device pixels cannot be told apart. */
const closest = { tick: 5, number: 34 };
const majors = [1, 5, 10, 50];

/** One scale for the picture, or one for each region that is not part of another with the same scale (a colour box in its picture). */
export function scales(calibration: Calibration, { width, height }: PictureSize): Scale[] {
  const { whole } = calibration;
  if (whole !== null)
    return [{ ...{ x0: 0, y0: 0, x1: width, y1: height }, spacingMm: whole, zero: { x: 0, y: 0 } }];
  const area = ({ x0, y0, x1, y1 }: Pick<Scale, 'x0' | 'y0' | 'x1' | 'y1'>): number => (x1 - x0) * (y1 - y0);
  const shown: Scale[] = [];
  for (const { x0, y0, x1, y1, spacingMm, reference } of scaledRegions(calibration).sort(
    (a, b) => area(b) - area(a),
  )) {
    const isPart = shown.some(
      (other) =>
        Math.max(other.x0 - x0, other.y0 - y0, x1 - other.x1, y1 - other.y1) <= 0 &&
        sameSpacing(other.spacingMm, spacingMm),
    );
    if (isPart) continue;
    // Depth counts from the probe's face where the machine says where that is.
    const y = reference !== null && reference.y >= y0 && reference.y < y1 ? reference.y : y0;
    shown.push({ x0, y0, x1, y1, spacingMm, zero: { x: x0, y } });
  }
  return shown;
}

/**
 * Ticks on the part of one axis of a scale that is in sight.
 * @param unit device pixels per unit of drawing
 */
export function rulerTicks(
  axis: 'x' | 'y',
  scale: Scale,
  placement: Placement,
  stage: PictureSize,
  unit: number,
): RulerTick[] {
  const [origin, low, high, space] =
    axis === 'x'
      ? [placement.left, scale.x0, scale.x1, stage.width]
      : [placement.top, scale.y0, scale.y1, stage.height];
  const perCentimetre = (10 / scale.spacingMm[axis]) * placement.scale;
  if (!Number.isFinite(perCentimetre) || perCentimetre <= 0) return [];
  const major = majors.find((step) => step * perCentimetre >= closest.number * unit);
  if (major === undefined) return [];
  const step = perCentimetre >= closest.tick * unit ? 1 : major;
  const start = origin + scale.zero[axis] * placement.scale;
  const from = Math.max(origin + low * placement.scale, 0);
  const to = Math.min(origin + high * placement.scale, space);
  const ticks: RulerTick[] = [];
  for (
    let centimetres = Math.ceil((from - start) / perCentimetre / step) * step;
    start + centimetres * perCentimetre <= to;
    centimetres += step
  )
    ticks.push({ at: start + centimetres * perCentimetre, centimetres, major: centimetres % major === 0 });
  return ticks;
}
