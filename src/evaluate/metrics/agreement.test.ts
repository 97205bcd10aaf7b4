import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreement, intervalCoverage, median, percentile, riskCoverage } from './agreement.js';

const pairs = (...values: readonly (readonly [measured: number, reference: number])[]) =>
  values.map(([measured, reference]) => ({ measured, reference }));

describe('agreement', () => {
  it('gives the figures that can be worked out by hand', () => {
    // Differences 2, -1, 4, -1: mean 1, squares 4 + 1 + 16 + 1 = 22; references around 50: squares 100 + 0 + 100 + 0.
    const result = agreement(pairs([42, 40], [49, 50], [64, 60], [49, 50]));
    expect(result).toMatchObject({ count: 4, mae: 2, bias: 1 });
    expect(result?.rmse).toBeCloseTo(Math.sqrt(22 / 4), 12);
    expect(result?.r2).toBeCloseTo(1 - 22 / 200, 12);
    // Around the bias: 1, 4, 9, 4 = 18 over n - 1.
    expect(result?.sd).toBeCloseTo(Math.sqrt(6), 12);
    expect(result?.limits?.low).toBeCloseTo(1 - 1.96 * Math.sqrt(6), 12);
    expect(result?.limits?.high).toBeCloseTo(1 + 1.96 * Math.sqrt(6), 12);
    // Sums of products: (-9)(-10) + 0 + 13 · 10 + 0 = 220; of squares: 81 + 4 + 169 + 4 = 258 and 200.
    expect(result?.pearson).toBeCloseTo(220 / Math.sqrt(258 * 200), 12);
    expect(result?.concordance).toBeCloseTo((2 * 220) / (258 + 200 + 4 * 1), 12);
  });

  it('is perfect where nothing differs, and worse than the mean has R² below 0', () => {
    expect(agreement(pairs([20, 20], [60, 60]))).toMatchObject({ mae: 0, rmse: 0, r2: 1, bias: 0, sd: 0 });
    expect(agreement(pairs([60, 20], [20, 60]))?.r2).toBeCloseTo(-3, 12);
    expect(agreement(pairs([60, 20], [20, 60]))?.pearson).toBeCloseTo(-1, 12);
  });

  it('says nothing where there is nothing to say', () => {
    expect(agreement([])).toBeNull();
    expect(agreement(pairs([50, 48]))).toMatchObject({
      mae: 2,
      sd: null,
      limits: null,
      r2: null,
      pearson: null,
    });
    expect(agreement(pairs([50, 48], [52, 48]))).toMatchObject({ r2: null, pearson: null });
  });

  it('moves its bias, and nothing else, with a constant', () => {
    const number = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 2, maxLength: 30 }), (values) => {
        const before = agreement(pairs(...values));
        const after = agreement(pairs(...values.map(([a, b]) => [a + 7, b] as const)));
        expect(after?.bias).toBeCloseTo((before?.bias ?? NaN) + 7, 6);
        expect(after?.sd).toBeCloseTo(before?.sd ?? NaN, 6);
        expect(before?.rmse ?? NaN).toBeGreaterThanOrEqual((before?.mae ?? NaN) - 1e-9);
      }),
    );
  });
});

describe('intervals', () => {
  const pair = (measured: number, reference: number, half: number) => ({
    measured,
    reference,
    interval: { low: measured - half, high: measured + half },
  });

  it('cover what lies in them, borders included', () => {
    expect(intervalCoverage([])).toBeNull();
    expect(intervalCoverage([pair(50, 55, 5), pair(50, 56, 5), pair(50, 45, 5), pair(50, 50, 1)])).toEqual({
      count: 4,
      covered: 0.75,
      width: 8,
    });
  });

  it('sort the errors, narrowest first, ties together', () => {
    expect(riskCoverage([pair(50, 58, 8), pair(50, 51, 1), pair(50, 53, 2), pair(50, 47, 2)])).toEqual([
      { kept: 0.25, mae: 1, width: 2 },
      { kept: 0.75, mae: 7 / 3, width: 4 },
      { kept: 1, mae: 15 / 4, width: 16 },
    ]);
  });

  it('order statistics are those of numpy', () => {
    expect(median([])).toBeNull();
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([10, 20, 30, 40], 0.95)).toBeCloseTo(38.5, 12);
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([], 0.5)).toBeNull();
  });
});
