/**
 * Which scale holds for an object: that of the region it lies in. Pure; runs in any thread and in the browser; throws nothing.
 *
 * PS3.3 C.8.5.5.1.3: a distance can be told where both ends lie in one region, by that region's scale; of regions that overlap, one
 * may have been drawn over the other. So an object has a scale where one calibrated two-dimensional region holds all of it and nothing
 * with another meaning is drawn over it there.
 */
import {
  isCalibrated,
  sameSpacing,
  scaledRegions,
  type CalibratedRegion,
  type Calibration,
  type SpacingMm,
} from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import { maskArea, maskAreaInside } from './rle.js';

/**
 * Part of an object that may stand out of its region. A mask is made at the network's resolution, a few source pixels coarse, and an
 * object that ends at the edge of its region must not lose and regain its number with every picture. The area is then wrong by less.
 */
const mostOutside = 0.01;

/** The reasons why there is no number, as people read them. */
export const scaleReasons = {
  uncalibrated: 'the source is not calibrated',
  empty: 'there is no object',
  outside: 'it lies outside every calibrated region of the picture',
  across: 'it reaches beyond one calibrated region of the picture',
  overlap: 'regions with different scales overlap where it lies',
  'm-mode': 'it lies in an M-mode region, where one direction is time',
  spectral: 'it lies in a spectral region, where one direction is time',
  other: 'it lies in a region without a scale in millimetres',
} as const;

type MaskScale =
  /** Millimetres per source pixel. */
  | { readonly spacingMm: SpacingMm }
  | { readonly spacingMm: null; readonly reason: (typeof scaleReasons)[keyof typeof scaleReasons] };

/** The mask covers the whole picture of `size`, at any resolution. */
export function scaleOfMask(mask: Mask, size: PictureSize, calibration: Calibration): MaskScale {
  const { whole, regions } = calibration;
  if (!isCalibrated(calibration)) return none('uncalibrated');
  if (regions.length === 0) return whole === null ? none('uncalibrated') : { spacingMm: whole };
  const total = maskArea(mask);
  if (total === 0) return none('empty');
  const touched = regions
    .map((region) => ({ region, part: insideOf(mask, size, region) / total }))
    .filter(({ part }) => part > mostOutside);
  const around = touched.filter(({ part }) => part >= 1 - mostOutside).map(({ region }) => region);

  // Of regions that hold all of it the one on top decides.
  const holding = scaledRegions({ whole, regions: around });
  const holder = holding.find(({ underneath }) => !underneath) ?? holding[0];
  if (holder !== undefined) {
    const contrary = touched.find(
      ({ region }) => contradicts(region, holder.spacingMm) && (holder.underneath || !region.underneath),
    );
    return contrary === undefined
      ? { spacingMm: holder.spacingMm }
      : none(wordFor(contrary.region, 'overlap'));
  }
  if (touched.some(({ region }) => region.spacingMm !== null)) return none('across');
  const strip = touched.find(({ region: { kind } }) => kind === 'm-mode' || kind === 'spectral');
  if (whole !== null)
    return strip === undefined ? { spacingMm: whole } : none(wordFor(strip.region, 'other'));
  const [unscaled] = around;
  return unscaled === undefined ? none('outside') : none(wordFor(unscaled, 'other'));
}

/** Square millimetres of `areaPx` pixels of a mask of this size, by a scale in millimetres per source pixel. */
export function areaMm2(
  areaPx: number,
  maskSize: PictureSize,
  sourceSize: PictureSize,
  { x, y }: SpacingMm,
): number {
  return ((areaPx * sourceSize.width * x) / maskSize.width) * ((sourceSize.height * y) / maskSize.height);
}

function none(reason: keyof typeof scaleReasons): MaskScale {
  return { spacingMm: null, reason: scaleReasons[reason] };
}

function wordFor({ kind }: CalibratedRegion, of2d: 'overlap' | 'other'): keyof typeof scaleReasons {
  return kind === '2d' ? of2d : kind;
}

/** Whether what is drawn there has another scale. A curve or writing over a picture leaves the scale of the picture as it is. */
function contradicts({ kind, spacingMm }: CalibratedRegion, holding: SpacingMm): boolean {
  switch (kind) {
    case 'm-mode':
    case 'spectral':
      return true;
    case '2d':
      return spacingMm !== null && !sameSpacing(spacingMm, holding);
    case 'other':
      return false;
  }
}

/** Mask pixels whose centres lie in the region. */
function insideOf(mask: Mask, size: PictureSize, { x0, y0, x1, y1 }: CalibratedRegion): number {
  const column = (x: number): number => Math.ceil((x * mask.width) / size.width - 0.5);
  const row = (y: number): number => Math.ceil((y * mask.height) / size.height - 0.5);
  return maskAreaInside(mask, { left: column(x0), top: row(y0), right: column(x1), bottom: row(y1) });
}
