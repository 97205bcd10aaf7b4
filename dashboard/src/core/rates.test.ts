import { describe, expect, it } from 'vitest';
import { Rate, Recent } from './rates.js';

describe('rates', () => {
  it('counts events per second, also of a stream that has just begun', () => {
    const rate = new Rate();
    for (let nowMs = 0; nowMs <= 1000; nowMs += 40) rate.mark(nowMs);
    // The window's two ends may or may not hold an event: one more or less.
    expect(Math.abs(rate.perSecond(1000) - 25)).toBeLessThanOrEqual(1);
    for (let nowMs = 1040; nowMs <= 5000; nowMs += 40) rate.mark(nowMs);
    expect(Math.abs(rate.perSecond(5000) - 25)).toBeLessThanOrEqual(1);
  });

  it('falls to nothing when the stream stops', () => {
    const rate = new Rate();
    for (let nowMs = 0; nowMs < 3000; nowMs += 40) rate.mark(nowMs);
    expect(Math.abs(rate.perSecond(4000) - 12.5)).toBeLessThanOrEqual(1);
    expect(rate.perSecond(6000)).toBe(0);
  });

  it('keeps the newest values', () => {
    const recent = new Recent(4);
    expect(recent.quantiles()).toBeNull();
    for (const value of [100, 1, 2, 3, 4]) recent.add(value);
    expect(recent.quantiles()).toEqual({ p50: 2, p95: 4, max: 4 });
  });
});
