import { describe, expect, it } from 'vitest';
import { uncalibrated, uniformCalibration, type CalibratedRegion } from '../vocabulary/calibration.js';
import type { Mask } from '../vocabulary/mask.js';
import { emptyMask, maskFromBitmap } from './rle.js';
import { areaMm2, scaleOfMask, scaleReasons } from './scale.js';

const size = { width: 160, height: 120 };
const fine = { x: 0.2, y: 0.2 };
const coarse = { x: 0.4, y: 0.4 };

function region(
  [x0, y0, x1, y1]: readonly [number, number, number, number],
  spacingMm: CalibratedRegion['spacingMm'],
  more: Partial<CalibratedRegion> = {},
): CalibratedRegion {
  return { ...{ x0, y0, x1, y1 }, kind: '2d', spacingMm, reference: null, underneath: false, ...more };
}

/** A box in source pixels as a mask of `maskSize`. */
function box([x0, y0, x1, y1]: readonly [number, number, number, number], maskSize = size): Mask {
  const { width, height } = maskSize;
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [sx, sy] = [((x + 0.5) * size.width) / width, ((y + 0.5) * size.height) / height];
      if (sx >= x0 && sx < x1 && sy >= y0 && sy < y1) bitmap[y * width + x] = 1;
    }
  return maskFromBitmap(bitmap, width, height);
}

const left = region([0, 0, 80, 120], fine);
const right = region([80, 0, 160, 120], coarse);
const strip = (kind: CalibratedRegion['kind'], more = {}): CalibratedRegion =>
  region([80, 0, 160, 120], null, { kind, ...more });
const at = (mask: Mask, regions: readonly CalibratedRegion[], whole: CalibratedRegion['spacingMm'] = null) =>
  scaleOfMask(mask, size, { whole, regions });

describe('the scale that holds for an object', () => {
  it('is that of the region it lies in, at any resolution of the mask', () => {
    for (const maskSize of [size, { width: 40, height: 40 }, { width: 256, height: 256 }]) {
      expect(at(box([10, 10, 50, 50], maskSize), [left, right])).toEqual({ spacingMm: fine });
      expect(at(box([100, 10, 150, 50], maskSize), [left, right])).toEqual({ spacingMm: coarse });
    }
    expect(at(box([0, 0, 80, 120]), [left, right])).toEqual({ spacingMm: fine });
    expect(at(box([80, 0, 160, 120]), [left, right])).toEqual({ spacingMm: coarse });
  });

  it('is none across regions, outside any, and where one direction is time', () => {
    const none = (mask: Mask, regions: readonly CalibratedRegion[]) => {
      const found = at(mask, regions);
      return found.spacingMm === null ? found.reason : found.spacingMm;
    };
    expect(none(box([70, 10, 90, 50]), [left, right])).toBe(scaleReasons.across);
    expect(none(box([70, 10, 90, 50]), [left])).toBe(scaleReasons.across);
    // Two pictures side by side stay two, also where they have one scale.
    expect(none(box([70, 10, 90, 50]), [left, { ...right, spacingMm: fine }])).toBe(scaleReasons.across);
    expect(none(box([100, 10, 150, 50]), [left])).toBe(scaleReasons.outside);
    expect(none(box([100, 10, 150, 50]), [left, strip('m-mode')])).toBe(scaleReasons['m-mode']);
    expect(none(box([100, 10, 150, 50]), [left, strip('spectral')])).toBe(scaleReasons.spectral);
    expect(none(box([100, 10, 150, 50]), [left, strip('other')])).toBe(scaleReasons.other);
    expect(none(box([100, 10, 150, 50]), [left, strip('2d')])).toBe(scaleReasons.other);
    expect(none(emptyMask(160, 120), [left])).toBe(scaleReasons.empty);
  });

  it('stays where a hundredth of the object stands out, and no more', () => {
    expect(at(box([0, 0, 81, 100]), [left])).toMatchObject({ spacingMm: null });
    const hair = box([30, 0, 80, 100]);
    expect(at(maskWith(hair, 50, 100), [left])).toEqual({ spacingMm: fine });
    expect(at(maskWith(hair, 51, 100), [left])).toMatchObject({ reason: scaleReasons.across });
  });

  it('is that of the picture where a colour box of the same scale lies in it', () => {
    const colour = region([20, 20, 60, 60], { x: 0.2000001, y: 0.2 });
    expect(at(box([10, 10, 50, 50]), [{ ...left, underneath: true }, colour])).toEqual({ spacingMm: fine });
    expect(at(box([30, 30, 50, 50]), [left, colour])).toMatchObject({ spacingMm: { y: 0.2 } });
  });

  it('is that of the region on top, and none where two are on top with different scales', () => {
    const inset = region([20, 20, 60, 60], coarse);
    const mask = box([30, 30, 50, 50]);
    expect(at(mask, [{ ...left, underneath: true }, inset])).toEqual({ spacingMm: coarse });
    expect(at(mask, [left, { ...inset, underneath: true }])).toEqual({ spacingMm: fine });
    expect(at(mask, [left, inset])).toMatchObject({ reason: scaleReasons.overlap });
    expect(at(box([10, 30, 50, 50]), [left, inset])).toMatchObject({ reason: scaleReasons.overlap });
    expect(at(mask, [left, { ...inset, kind: 'm-mode', spacingMm: null }])).toMatchObject({
      reason: scaleReasons['m-mode'],
    });
    // A curve that is drawn over a picture changes no scale.
    expect(at(mask, [left, { ...inset, kind: 'other', spacingMm: null }])).toEqual({ spacingMm: fine });
  });

  it('is that of the whole picture where it is said for it, but not in a strip of time', () => {
    expect(scaleOfMask(box([1, 1, 9, 9]), size, uniformCalibration(fine))).toEqual({ spacingMm: fine });
    expect(at(box([1, 1, 9, 9]), [strip('m-mode')], fine)).toEqual({ spacingMm: fine });
    expect(at(box([100, 1, 120, 9]), [strip('m-mode')], fine)).toMatchObject({ spacingMm: null });
    expect(at(box([100, 1, 120, 9]), [strip('other')], fine)).toEqual({ spacingMm: fine });
    expect(scaleOfMask(box([1, 1, 9, 9]), size, uncalibrated)).toMatchObject({
      reason: scaleReasons.uncalibrated,
    });
  });

  it('makes square millimetres of mask pixels', () => {
    expect(areaMm2(10, { width: 80, height: 60 }, size, { x: 0.5, y: 0.25 })).toBeCloseTo(10 * 1 * 0.5);
  });
});

/** `mask` and the first pixels of column 80, `count` per thousand of its area of 5000 in all. */
function maskWith({ width, height, counts }: Mask, count: number, most: number): Mask {
  const bitmap = new Uint8Array(width * height);
  let position = 0;
  counts.forEach((length, run) => {
    for (let i = position; run % 2 === 1 && i < position + length; i += 1)
      bitmap[(i % height) * width + Math.floor(i / height)] = 1;
    position += length;
  });
  for (let y = 0; y < Math.min(count, most); y += 1) bitmap[y * width + 80] = 1;
  return maskFromBitmap(bitmap, width, height);
}
