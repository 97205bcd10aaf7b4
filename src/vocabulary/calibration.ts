/**
 * Where in a picture a length can be told, and by which scale. An ultrasound screen often shows several pictures side by side, each
 * with a scale of its own, and strips in which one direction is time. Pure; runs in any thread and in the browser; throws nothing.
 * What holds for an object is in src/mask/scale.ts.
 */

/** Millimetres per source pixel, between columns (x) and between rows (y). */
export interface SpacingMm {
  readonly x: number;
  readonly y: number;
}

/** What a region shows: a picture, depth over time, velocity over time, or something else (a curve, a colour bar, writing). */
export const regionKinds = ['2d', 'm-mode', 'spectral', 'other'] as const;
export type RegionKind = (typeof regionKinds)[number];

/** A part of the picture, as its source describes it. Edges in source pixels: x0 ≤ x < x1, y0 ≤ y < y1, never beyond the picture. */
export interface CalibratedRegion {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  readonly kind: RegionKind;
  /** null: both directions in millimetres is not what the region is in. Never for another kind than `2d`. */
  readonly spacingMm: SpacingMm | null;
  /** Source pixel from which the machine counts depth and width; may lie outside the region. null: it does not say. */
  readonly reference: { readonly x: number; readonly y: number } | null;
  /** Another region is drawn over it where they meet (PS3.3 C.8.5.5.1.3: bit 0 set). */
  readonly underneath: boolean;
}

export interface Calibration {
  /** Holds wherever no region lies. null where nothing is known, and where a region has a scale: it is no guide to what is outside. */
  readonly whole: SpacingMm | null;
  readonly regions: readonly CalibratedRegion[];
}

export const uncalibrated: Calibration = { whole: null, regions: [] };

/** One scale for all of the picture; null: none. */
export function uniformCalibration(spacingMm: SpacingMm | null): Calibration {
  return spacingMm === null ? uncalibrated : { whole: spacingMm, regions: [] };
}

interface ScaledRegion extends CalibratedRegion {
  readonly spacingMm: SpacingMm;
}

/** Regions in which areas and lengths can be told. */
export function scaledRegions({ regions }: Calibration): ScaledRegion[] {
  return regions.filter(
    (region): region is ScaledRegion => region.kind === '2d' && region.spacingMm !== null,
  );
}

/** Whether a length can be told anywhere in the picture. */
export function isCalibrated(calibration: Calibration): boolean {
  return calibration.whole !== null || scaledRegions(calibration).length > 0;
}

/** The scale of every place that has one, where they agree; null where they differ or there is none. */
export function sharedSpacing(calibration: Calibration): SpacingMm | null {
  const [first, ...others] = [
    ...(calibration.whole === null ? [] : [calibration.whole]),
    ...scaledRegions(calibration).map(({ spacingMm }) => spacingMm),
  ];
  return first !== undefined && others.every((other) => sameSpacing(first, other)) ? first : null;
}

/** The calibration of the same picture with `x` times the columns and `y` times the rows. */
export function stretched(calibration: Calibration, x: number, y: number): Calibration {
  if (x === 1 && y === 1) return calibration;
  const scale = (spacing: SpacingMm | null): SpacingMm | null =>
    spacing && { x: spacing.x / x, y: spacing.y / y };
  return {
    whole: scale(calibration.whole),
    regions: calibration.regions.map((region) => ({
      ...region,
      x0: Math.round(region.x0 * x),
      x1: Math.round(region.x1 * x),
      y0: Math.round(region.y0 * y),
      y1: Math.round(region.y1 * y),
      spacingMm: scale(region.spacingMm),
      reference: region.reference && { x: region.reference.x * x, y: region.reference.y * y },
    })),
  };
}

/** Equal to a millionth: files write the same scale with different roundings. */
export function sameSpacing(a: SpacingMm, b: SpacingMm): boolean {
  return Math.abs(a.x / b.x - 1) < 1e-6 && Math.abs(a.y / b.y - 1) < 1e-6;
}
