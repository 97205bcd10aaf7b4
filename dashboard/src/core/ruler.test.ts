import { describe, expect, it } from 'vitest';
import type { CalibratedRegion } from '../../../src/vocabulary/calibration.js';
import { rulerTicks, scales, type Scale } from './ruler.js';

const picture = { width: 800, height: 600 };
const whole = (mm: number): Scale => ({
  ...{ x0: 0, y0: 0, x1: picture.width, y1: picture.height },
  spacingMm: { x: mm, y: mm },
  zero: { x: 0, y: 0 },
});
const stage = { width: 1000, height: 600 };

describe('the centimetre scale', () => {
  it('has one tick per centimetre, a number where there is room for it', () => {
    const ticks = rulerTicks('y', whole(0.3), { left: 100, top: 0, scale: 1 }, stage, 1);
    // 600 pixels of 0.3 mm are 18 cm.
    expect(ticks).toHaveLength(19);
    expect((ticks[1]?.at ?? 0) - (ticks[0]?.at ?? 0)).toBeCloseTo(33.33, 1);
    expect(ticks.filter(({ major }) => major).map(({ centimetres }) => centimetres)).toEqual([0, 5, 10, 15]);
  });

  it('follows zoom and place of the picture', () => {
    const ticks = rulerTicks('y', whole(0.3), { left: -500, top: -450, scale: 2 }, stage, 1);
    // In sight: source rows 225 to 525, which is 67.5 to 157.5 mm.
    expect(ticks.map(({ centimetres }) => centimetres)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(ticks[0]?.at).toBeCloseTo(-450 + (70 / 0.3) * 2);
    expect(ticks.every(({ major }) => major)).toBe(true);
    const across = rulerTicks('x', whole(0.5), { left: 100, top: 0, scale: 1 }, stage, 1);
    expect(across[0]?.at).toBe(100);
    expect(across.at(-1)).toMatchObject({ at: 900, centimetres: 40 });
  });

  it('leaves out what cannot be told apart', () => {
    const far = rulerTicks('y', whole(3), { left: 0, top: 0, scale: 1 }, stage, 1);
    expect(far.every(({ major }) => major)).toBe(true);
    expect(far[1]?.centimetres).toBe(50);
    expect(rulerTicks('y', whole(1000), { left: 0, top: 0, scale: 1 }, stage, 1)).toEqual([]);
    expect(rulerTicks('y', whole(0), { left: 0, top: 0, scale: 1 }, stage, 1)).toEqual([]);
  });

  it('stands at each region with a scale of its own, and counts depth from where the machine does', () => {
    const region = (
      x0: number,
      x1: number,
      mm: number,
      more: Partial<CalibratedRegion> = {},
    ): CalibratedRegion => ({
      ...{ x0, y0: 50, x1, y1: 550, kind: '2d', spacingMm: { x: mm, y: mm }, reference: null },
      ...{ underneath: false, ...more },
    });
    const found = scales(
      {
        whole: null,
        regions: [
          region(0, 400, 0.2, { reference: { x: 200, y: 100 } }),
          region(100, 200, 0.2),
          region(400, 800, 0.4, { reference: { x: 600, y: -40 } }),
          region(0, 800, 0.2, { kind: 'm-mode', spacingMm: null }),
        ],
      },
      picture,
    );
    expect(found).toMatchObject([
      { x0: 0, x1: 400, spacingMm: { y: 0.2 }, zero: { y: 100 } },
      { x0: 400, x1: 800, spacingMm: { y: 0.4 }, zero: { y: 50 } },
    ]);
    const placement = { left: 0, top: 0, scale: 1 };
    const [left, right] = found.map((scale) => rulerTicks('y', scale, placement, stage, 1));
    expect(left?.map(({ at, centimetres }) => [at, centimetres])).toEqual(
      Array.from({ length: 11 }, (_, index) => [50 + 50 * index, index - 1]),
    );
    expect(right?.at(-1)).toMatchObject({ at: 550, centimetres: 20 });
  });
});
