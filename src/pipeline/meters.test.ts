import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogHistogram, RateMeter, SlidingWindow } from './meters.js';
import { HeldFrames } from './held-frames.js';
import type { AnalysisFrame } from '../vocabulary/frame.js';

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const rank = (values: readonly number[], q: number) =>
  sorted(values)[Math.max(0, Math.ceil(q * values.length) - 1)] as number;

describe('LogHistogram', () => {
  it('gives quantiles within one per cent and an exact maximum', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 5000, noNaN: true }), { minLength: 1 }), (values) => {
        const histogram = new LogHistogram();
        for (const value of values) histogram.add(value);
        const quantiles = histogram.quantiles();
        expect(quantiles?.max).toBe(Math.max(...values));
        expect(histogram.count).toBe(values.length);
        for (const [q, found] of [
          [0.5, quantiles?.p50],
          [0.95, quantiles?.p95],
          [0.99, quantiles?.p99],
        ] as const) {
          const truth = rank(values, q);
          expect(Math.abs((found as number) - truth) / truth).toBeLessThan(0.0101);
        }
      }),
    );
  });

  it('takes values outside its range', () => {
    const histogram = new LogHistogram();
    expect(histogram.quantiles()).toBeNull();
    histogram.add(0);
    histogram.add(1e12);
    expect(histogram.quantiles()?.max).toBe(1e12);
    expect(histogram.quantiles()?.p50).toBeLessThan(0.01);
  });
});

describe('SlidingWindow', () => {
  it('forgets what is older than its span', () => {
    const window = new SlidingWindow(1000, 100);
    expect(window.quantiles(0)).toBeNull();
    window.add(0, 50);
    window.add(600, 1);
    window.add(900, 3);
    expect(window.quantiles(950)).toEqual({ p50: 3, p95: 50, p99: 50, max: 50 });
    expect(window.quantiles(1200)).toEqual({ p50: 1, p95: 3, p99: 3, max: 3 });
    expect(window.quantiles(5000)).toBeNull();
  });

  it('keeps the newest when it is full', () => {
    const window = new SlidingWindow(1e6, 3);
    for (const value of [9, 9, 1, 2, 3]) window.add(1, value);
    expect(window.quantiles(2)?.max).toBe(3);
  });
});

describe('RateMeter', () => {
  it('counts events per second over its span', () => {
    const meter = new RateMeter(2000);
    expect(meter.perSecond(0)).toBe(0);
    for (let time = 0; time < 4000; time += 40) meter.add(time);
    expect(meter.perSecond(3999)).toBeCloseTo(25, 5);
    expect(meter.perSecond(4999)).toBeCloseTo(12.5, 5);
    expect(meter.perSecond(9000)).toBe(0);
    meter.reset();
    expect(meter.perSecond(9000)).toBe(0);
  });

  it('is about right during its first second', () => {
    const meter = new RateMeter(2000);
    for (let time = 0; time <= 800; time += 40) meter.add(time);
    expect(meter.perSecond(800)).toBeGreaterThan(22);
    expect(meter.perSecond(800)).toBeLessThan(28);
  });
});

const analysisFrame = (sourceFrame: number, bytes = 10): AnalysisFrame => ({
  streamId: 's',
  ptsNs: sourceFrame * 40e6,
  captureNs: 1e12 + sourceFrame * 40e6,
  mediaNs: sourceFrame * 40e6,
  sourceFrame,
  discontinuity: 0,
  size: { width: 1, height: 1 },
  data: new Uint8Array(bytes),
  decodedNs: 0,
});

describe('HeldFrames', () => {
  it('holds two seconds, and not more frames or bytes than allowed', () => {
    const held = new HeldFrames({ ageNs: 2e9, count: 1000, bytes: 1e6 });
    for (let index = 0; index < 200; index += 1) held.push(analysisFrame(index));
    expect(held.size).toBe(51);
    const few = new HeldFrames({ ageNs: 2e9, count: 5, bytes: 1e6 });
    for (let index = 0; index < 20; index += 1) few.push(analysisFrame(index));
    expect(few.size).toBe(5);
    const small = new HeldFrames({ ageNs: 2e9, count: 50, bytes: 35 });
    for (let index = 0; index < 20; index += 1) small.push(analysisFrame(index));
    expect([small.size, small.bytes]).toEqual([3, 30]);
    small.push(analysisFrame(20, 100));
    expect([small.size, small.bytes]).toEqual([1, 100]);
  });

  it('finds a frame by its time, or the closest one if its own was dropped', () => {
    const held = new HeldFrames();
    for (const index of [1, 2, 5]) held.push(analysisFrame(index));
    expect(held.closest(2 * 40e6, 0)?.sourceFrame).toBe(2);
    expect(held.closest(3 * 40e6, 60e6)?.sourceFrame).toBe(2);
    expect(held.closest(3 * 40e6, 30e6)).toBeNull();
    expect(held.newest()?.sourceFrame).toBe(5);
    held.clear();
    expect([held.size, held.bytes, held.newest()]).toEqual([0, 0, null]);
  });
});
