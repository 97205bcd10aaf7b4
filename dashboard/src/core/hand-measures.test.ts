import { describe, expect, it } from 'vitest';
import { uncalibrated, uniformCalibration, type Calibration } from '../../../src/vocabulary/calibration.js';
import { lineOf, measured, moved, newMeasure, spacingOf } from './hand-measures.js';

const size = { width: 100, height: 80 };
const region = (x0: number, y0: number, x1: number, y1: number, mm: number) => ({
  ...{ x0, y0, x1, y1, kind: '2d' as const, spacingMm: { x: mm, y: mm }, reference: null, underneath: false },
});

describe('distance', () => {
  it('in millimetres, also where pixels are not square; in pixels without a scale', () => {
    const line = newMeasure('distance', [10, 10], [40, 50], null);
    expect(measured(line, null)).toEqual({ length: 50, area: null, circumference: null, unit: 'px' });
    expect(measured(line, { x: 0.5, y: 0.5 }).length).toBeCloseTo(25, 9);
    // 30 × 0.2 = 6 mm and 40 × 0.2 = 8 mm; with rows twice as far apart 6 and 16 mm.
    expect(measured(line, { x: 0.2, y: 0.2 }).length).toBeCloseTo(10, 9);
    expect(measured(line, { x: 0.2, y: 0.4 }).length).toBeCloseTo(Math.hypot(6, 16), 9);
    expect(measured(moved(line, 1, [10, 50], null), null).length).toBe(40);
  });
});

describe('ellipse', () => {
  it('a circle in millimetres has its area and circumference, and is stretched in pixels that are not square', () => {
    const spacingMm = { x: 0.5, y: 0.25 };
    // Radius 10 mm: 20 columns, 40 rows.
    let circle = newMeasure('ellipse', [30, 40], [70, 40], spacingMm);
    circle = moved(circle, 2, [12, 0], spacingMm);
    const { area, circumference, length, unit } = measured(circle, spacingMm);
    expect([length, unit]).toEqual([20, 'mm']);
    expect(area).toBeCloseTo(Math.PI * 100, 6);
    expect(circumference).toBeCloseTo(2 * Math.PI * 10, 6);
    const line = lineOf(circle, spacingMm);
    expect(Math.max(...line.map(([, y]) => y)) - Math.min(...line.map(([, y]) => y))).toBeCloseTo(80, 6);
    expect(Math.max(...line.map(([x]) => x)) - Math.min(...line.map(([x]) => x))).toBeCloseTo(40, 6);
  });

  it('a long one: circumference within 0.04 % of the integral', () => {
    const ellipse = moved(newMeasure('ellipse', [0, 40], [100, 40], null), 2, [50, 45], null);
    const line = lineOf(ellipse, null, 100_000);
    const around = line.reduce((sum, [x, y], index) => {
      const [nextX, nextY] = line[(index + 1) % line.length] ?? [x, y];
      return sum + Math.hypot(nextX - x, nextY - y);
    }, 0);
    expect(Math.abs((measured(ellipse, null).circumference ?? 0) / around - 1)).toBeLessThan(4e-4);
  });

  it('an axis that turns leaves the other its length and its right angle', () => {
    const before = newMeasure('ellipse', [20, 40], [60, 40], null);
    const after = moved(before, 1, [20, 70], null);
    expect(measured(before, null).area).toBeCloseTo(Math.PI * 20 * 10, 9);
    expect(measured(after, null).area).toBeCloseTo(Math.PI * 15 * 10, 9);
    const [, , side] = after.points as [unknown, unknown, readonly [number, number]];
    expect(side[1]).toBeCloseTo(55, 9);
  });
});

describe('scale', () => {
  const two: Calibration = { whole: null, regions: [region(0, 0, 50, 80, 0.1), region(50, 0, 100, 80, 0.3)] };
  it('that of the region that holds all of it, else none', () => {
    const line = (x0: number, x1: number) => newMeasure('distance', [x0, 10], [x1, 60], null);
    expect(spacingOf(line(5, 45), size, two)).toEqual({ x: 0.1, y: 0.1 });
    expect(spacingOf(line(60, 90), size, two)).toEqual({ x: 0.3, y: 0.3 });
    expect(spacingOf(line(5, 90), size, two)).toBeNull();
    expect(spacingOf(line(5, 45), size, uncalibrated)).toBeNull();
    expect(spacingOf(line(5, 90), size, uniformCalibration({ x: 0.2, y: 0.2 }))).toEqual({ x: 0.2, y: 0.2 });
  });

  it('an ellipse that bulges into another region has none, though its ends lie in one', () => {
    const round = moved(newMeasure('ellipse', [40, 10], [40, 70], null), 2, [70, 40], null);
    expect(spacingOf(round, size, two)).toBeNull();
  });

  it('single pixels at the edges of the picture are counted once', () => {
    for (const points of [
      [
        [0, 0],
        [0, 1],
      ],
      [
        [99.9, 79.9],
        [-5, 200],
      ],
      [
        [0, 79],
        [1, 0],
      ],
    ] as const)
      expect(
        spacingOf({ kind: 'distance', points }, size, { whole: null, regions: [region(0, 0, 100, 80, 0.1)] }),
      ).toEqual({ x: 0.1, y: 0.1 });
  });
});
