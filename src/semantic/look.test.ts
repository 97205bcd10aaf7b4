import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Region } from '../mask/plane-scaler.js';
import { boxAround, nextLook, wholeLook, within } from './look.js';

const closer = { margin: 1.35, shift: 0.08, zoom: 1.15, classes: ['chamber'] };
const model = {
  inputSize: { width: 160, height: 160 },
  pictureSize: { width: 256, height: 256 },
  fit: 'letterbox' as const,
  closer,
};
const sources = fc.record({
  width: fc.integer({ min: 1, max: 4096 }),
  height: fc.integer({ min: 1, max: 4096 }),
});
const start = fc.integer({ min: 0, max: 255 });
const length = fc.integer({ min: 1, max: 256 });
const boxes = fc
  .tuple(start, start, length, length)
  .map(
    ([left, top, width, height]) =>
      [left, top, Math.min(width, 256 - left), Math.min(height, 256 - top)] as const,
  );
const centre = ({ left, top, width, height }: Region) => [left + width / 2, top + height / 2] as const;

describe('wholeLook', () => {
  it('is the true shape, as near as it goes, with the picture in its middle', () => {
    expect(wholeLook(model, { width: 800, height: 600 })).toEqual({
      left: 0,
      top: -100,
      width: 800,
      height: 800,
    });
    expect(wholeLook(model, { width: 600, height: 800 })).toEqual({
      left: -100,
      top: 0,
      width: 800,
      height: 800,
    });
    expect(
      wholeLook({ ...model, inputSize: { width: 64, height: 48 } }, { width: 1, height: 1 }).height,
    ).toBeCloseTo(1, 12);
  });

  it('is the picture itself where the network wants it stretched', () => {
    const source = { width: 800, height: 600 };
    expect(wholeLook({ ...model, fit: 'stretch' }, source)).toEqual({ left: 0, top: 0, ...source });
  });
});

describe('within', () => {
  it('is exact for the whole, and turns back', () => {
    fc.assert(
      fc.property(sources, (source) => {
        const all = { left: 0, top: 0, ...source };
        expect(within(all, all, model.pictureSize)).toEqual({ left: 0, top: 0, ...model.pictureSize });
      }),
    );
    const outer = { left: 10, top: 20, width: 100, height: 50 };
    expect(within({ left: 35, top: 20, width: 50, height: 25 }, outer, { width: 80, height: 80 })).toEqual({
      left: 20,
      top: 0,
      width: 40,
      height: 40,
    });
  });
});

describe('nextLook', () => {
  const source = { width: 1024, height: 768 };
  const whole = wholeLook(model, source);
  const next = (look: Region, box: readonly [number, number, number, number]) =>
    nextLook(model, source, look, box);

  it('is around what was found, at its true shape', () => {
    // 100 × 120 of 256 × 256 pixels of the picture are 400 × 360 of the source.
    const look = next(whole, [60, 80, 100, 120]);
    expect(look.width).toBeCloseTo(1.35 * 400, 9);
    expect(look.height).toBeCloseTo(look.width, 9);
    expect(centre(look)[0]).toBeCloseTo(110 * 4, 9);
    expect(centre(look)[1]).toBeCloseTo(140 * 3, 9);
  });

  it('holds everything that was found, keeps the shape, and is neither finer than the picture nor larger than the whole', () => {
    fc.assert(
      fc.property(sources, boxes, (source, box) => {
        const all = wholeLook(model, source);
        const look = nextLook(model, source, all, box);
        expect(look.width / look.height).toBeCloseTo(1, 9);
        expect(look.width).toBeLessThanOrEqual(all.width);
        const perPixel = Math.max(source.width, source.height) / 256;
        expect(look.width / 160).toBeGreaterThanOrEqual(0.5 * perPixel * (1 - 1e-9));
        const [left, top, width, height] = box;
        const [x, y] = [source.width / 256, source.height / 256];
        expect(look.left).toBeLessThanOrEqual(left * x + 1e-6);
        expect(look.top).toBeLessThanOrEqual(top * y + 1e-6);
        expect(look.left + look.width).toBeGreaterThanOrEqual((left + width) * x - 1e-6);
        expect(look.top + look.height).toBeGreaterThanOrEqual((top + height) * y - 1e-6);
      }),
    );
  });

  it('stays where it is until what was found has moved or grown by enough', () => {
    const look = next(whole, [60, 80, 100, 120]);
    expect(next(look, [62, 78, 103, 124])).toBe(look);
    // 8 % of 540 source pixels are 10.8 pixels of the picture across, 14.4 down.
    expect(next(look, [70, 80, 100, 120])).toBe(look);
    expect(next(look, [71, 80, 100, 120])).not.toBe(look);
    expect(next(look, [60, 94, 100, 120])).toBe(look);
    expect(next(look, [60, 95, 100, 120])).not.toBe(look);
    expect(next(look, [53, 80, 114, 120])).toBe(look);
    expect(next(look, [52, 80, 116, 120]).width).toBeCloseTo(1.35 * 464, 9);
    expect(next(look, [67, 80, 86, 115])).not.toBe(look);
  });

  it('comes to rest: what it sees does not move it again', () => {
    fc.assert(
      fc.property(boxes, (box) => {
        const look = next(whole, box);
        expect(next(look, box)).toBe(look);
      }),
    );
  });

  it('is the whole where that is not wanted', () => {
    expect(nextLook({ ...model, closer: null }, source, whole, [60, 80, 100, 120])).toEqual(whole);
    expect(next({ left: 0, top: 0, width: 300, height: 300 }, [5, 5, 250, 250])).toEqual(whole);
  });
});

describe('boxAround', () => {
  it('holds all boxes and nothing more', () => {
    expect(boxAround([[3, 4, 5, 6]])).toEqual([3, 4, 5, 6]);
    expect(
      boxAround([
        [3, 4, 5, 6],
        [1, 9, 2, 2],
        [4, 2, 9, 1],
      ]),
    ).toEqual([1, 2, 12, 9]);
  });
});
