/**
 * What a DICOM image says of its scale: the regions of an ultrasound screen (PS3.3 C.8.5.5), else pixel spacing. Pure; numbers in,
 * calibration out; throws nothing, because a region that makes no sense is no region.
 */
import {
  scaledRegions,
  type CalibratedRegion,
  type Calibration,
  type RegionKind,
  type SpacingMm,
} from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';

/** One item of the Sequence of Ultrasound Regions (0018,6011), as stored; null where an element is absent. */
export interface StoredRegion {
  /** (0018,6012): 1 2-D, 2 M-mode, 3 spectral, 4 wave form, 5 graphics. */
  readonly spatialFormat: number | null;
  /** (0018,6016) */
  readonly flags: number | null;
  /** (0018,6018), (0018,601A): first column and row. */
  readonly minX0: number | null;
  readonly minY0: number | null;
  /** (0018,601C), (0018,601E): last column and row. */
  readonly maxX1: number | null;
  readonly maxY1: number | null;
  /** (0018,6020), (0018,6022): from the region's first column and row; may be negative. */
  readonly referencePixelX0: number | null;
  readonly referencePixelY0: number | null;
  /** (0018,6024), (0018,6026): 3 is centimetres. */
  readonly unitsX: number | null;
  readonly unitsY: number | null;
  /** (0018,602C), (0018,602E): physical units per pixel; negative where values fall to the right or downwards. */
  readonly deltaX: number | null;
  readonly deltaY: number | null;
}

/** A screen has a handful; a file that claims more is not believed. */
const mostRegions = 64;
/** C.8.5.5.1.15: the only unit of length. */
const centimetres = 3;
/** C.8.5.5.1.3: 1 is low priority, which is drawn over. */
const lowPriority = 1;

/**
 * @param size of the picture that is shown
 * @param regions in the order of the file
 * @param pixelSpacing (0028,0030) as stored: millimetres between rows, then between columns; null where absent
 */
export function calibrationOf(
  size: PictureSize,
  regions: readonly StoredRegion[],
  pixelSpacing: readonly [rows: number, columns: number] | null,
): Calibration {
  const found = regions.slice(0, mostRegions).flatMap((region) => regionOf(region, size) ?? []);
  const plain =
    pixelSpacing !== null && isLength(pixelSpacing[0]) && isLength(pixelSpacing[1])
      ? { x: pixelSpacing[1], y: pixelSpacing[0] }
      : null;
  const isByRegion = scaledRegions({ whole: null, regions: found }).length > 0;
  return { whole: isByRegion ? null : plain, regions: found };
}

function regionOf(stored: StoredRegion, size: PictureSize): CalibratedRegion | null {
  const { minX0, minY0, maxX1, maxY1, referencePixelX0, referencePixelY0, flags } = stored;
  if (minX0 === null || minY0 === null || maxX1 === null || maxY1 === null) return null;
  // A single column or row is how an unused region is filled in.
  if (!(maxX1 > minX0 && maxY1 > minY0)) return null;
  const x0 = Math.max(0, minX0);
  const y0 = Math.max(0, minY0);
  // The last column belongs to the region.
  const x1 = Math.min(size.width, maxX1 + 1);
  const y1 = Math.min(size.height, maxY1 + 1);
  if (!(x1 > x0 && y1 > y0)) return null;
  const kind = kindOf(stored.spatialFormat);
  return {
    ...{ x0, y0, x1, y1, kind },
    spacingMm: kind === '2d' ? spacingOf(stored) : null,
    reference:
      referencePixelX0 === null || referencePixelY0 === null
        ? null
        : { x: minX0 + referencePixelX0, y: minY0 + referencePixelY0 },
    underneath: ((flags ?? 0) & lowPriority) !== 0,
  };
}

function kindOf(spatialFormat: number | null): RegionKind {
  switch (spatialFormat) {
    case 1:
      return '2d';
    case 2:
      return 'm-mode';
    case 3:
      return 'spectral';
    default:
      return 'other';
  }
}

function spacingOf({ unitsX, unitsY, deltaX, deltaY }: StoredRegion): SpacingMm | null {
  if (unitsX !== centimetres || unitsY !== centimetres || deltaX === null || deltaY === null) return null;
  const spacing = { x: Math.abs(deltaX) * 10, y: Math.abs(deltaY) * 10 };
  return isLength(spacing.x) && isLength(spacing.y) ? spacing : null;
}

function isLength(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
