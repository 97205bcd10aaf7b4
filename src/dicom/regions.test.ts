import { describe, expect, it } from 'vitest';
import { stretched } from '../vocabulary/calibration.js';
import { calibrationOf, type StoredRegion } from './regions.js';

const size = { width: 100, height: 80 };
const stored: StoredRegion = {
  ...{ spatialFormat: 1, flags: 2, minX0: 10, minY0: 20, maxX1: 49, maxY1: 59 },
  ...{ referencePixelX0: 20, referencePixelY0: -5, unitsX: 3, unitsY: 3, deltaX: 0.02, deltaY: 0.03 },
};
const regionOf = (more: Partial<StoredRegion>) =>
  calibrationOf(size, [{ ...stored, ...more }], null).regions[0];

describe('ultrasound regions', () => {
  it('are read in millimetres, with their last column and row', () => {
    expect(calibrationOf(size, [stored], [0.7, 0.6])).toEqual({
      whole: null,
      regions: [
        {
          ...{ x0: 10, y0: 20, x1: 50, y1: 60, kind: '2d', underneath: false },
          spacingMm: { x: expect.closeTo(0.2) as number, y: expect.closeTo(0.3) as number },
          reference: { x: 30, y: 15 },
        },
      ],
    });
    expect(regionOf({ deltaY: -0.03 })?.spacingMm?.y).toBeCloseTo(0.3);
    expect(regionOf({ flags: 1 })?.underneath).toBe(true);
    expect(regionOf({ flags: null, referencePixelX0: null })).toMatchObject({
      underneath: false,
      reference: null,
    });
  });

  it('end at the edge of the picture, and are none where nothing of them is in it', () => {
    expect(regionOf({ maxX1: 4_000_000_000 })).toMatchObject({ x0: 10, x1: 100 });
    expect(regionOf({ minX0: 100, maxX1: 120 })).toBeUndefined();
    expect(regionOf({ minX0: 0, minY0: 0, maxX1: 0, maxY1: 0 })).toBeUndefined();
    expect(regionOf({ minX0: 60 })).toBeUndefined();
    expect(regionOf({ maxY1: null })).toBeUndefined();
  });

  it.each([
    ['other units', { unitsX: 4 }],
    ['one direction only', { unitsY: 0 }],
    ['no size', { deltaX: 0 }],
    ['no number', { deltaX: NaN }],
    ['no end', { deltaY: Infinity }],
    ['nothing', { deltaY: null }],
  ])('have no scale with %s', (_, more) => {
    expect(regionOf(more)).toMatchObject({ kind: '2d', spacingMm: null });
    // Then it is the pixel spacing that is known of the picture.
    expect(calibrationOf(size, [{ ...stored, ...more }], [0.7, 0.6]).whole).toEqual({ x: 0.6, y: 0.7 });
  });

  it.each([
    [2, 'm-mode'],
    [3, 'spectral'],
    [4, 'other'],
    [5, 'other'],
    [0, 'other'],
    [null, 'other'],
    [9, 'other'],
  ])('of spatial format %s are %s, without a scale also where both units are centimetres', (format, kind) => {
    expect(regionOf({ spatialFormat: format })).toMatchObject({ kind, spacingMm: null });
  });

  it('take no pixel spacing that is no length', () => {
    expect(calibrationOf(size, [], [0.2, 0.3])).toEqual({ whole: { x: 0.3, y: 0.2 }, regions: [] });
    expect(calibrationOf(size, [], [0, 0.3])).toEqual({ whole: null, regions: [] });
    expect(calibrationOf(size, [], [NaN, 0.3]).whole).toBeNull();
    expect(calibrationOf(size, Array<StoredRegion>(1000).fill(stored), null).regions).toHaveLength(64);
  });

  it('keep place and size in millimetres where pixels are made square', () => {
    const tall = stretched(calibrationOf(size, [stored], null), 1, 2);
    expect(tall.regions).toMatchObject([
      {
        ...{ x0: 10, y0: 40, x1: 50, y1: 120, reference: { x: 30, y: 30 } },
        spacingMm: { x: expect.closeTo(0.2) as number, y: expect.closeTo(0.15) as number },
      },
    ]);
    expect(stretched({ whole: { x: 1, y: 3 }, regions: [] }, 0.5, 1).whole).toEqual({ x: 2, y: 3 });
  });
});
