import { describe, expect, it } from 'vitest';
import type { LoggedBeat } from './echo-log.js';
import { alone, axisTop, curveWindow, freeStretch } from './volume-curve.js';

const ms = 1e6;
const points = (from: number, to: number, stepMs = 40) =>
  Array.from({ length: Math.round((to - from) / stepMs) + 1 }, (_, index) => ({
    ptsNs: (from + index * stepMs) * ms,
    value: 100 + index,
    good: true,
  }));
const beat = (number: number, from: number | null, to: number | null, more: Partial<LoggedBeat> = {}) => ({
  ...{ era: 0, number, verdict: 'counted' as const, reason: '', ejectionFraction: 50 },
  endDiastolePtsNs: from === null ? null : from * ms,
  endSystolePtsNs: from === null ? null : (from + 320) * ms,
  endPtsNs: to === null ? null : to * ms,
  ...more,
});
const log = (of: ReturnType<typeof points>, beats: LoggedBeat[] = [], breaks: number[] = []) => ({
  ...{ points: of, beats, breaks },
  newestPtsNs: of.at(-1)?.ptsNs ?? null,
});

describe('the curve on screen', () => {
  it('ends at the newest picture and goes back for its seconds', () => {
    const { xs, solid, dim, largest } = curveWindow(log(points(0, 12_000)), 8);
    expect(xs).toHaveLength(201);
    expect(xs[0]).toBeCloseTo(-8);
    expect(xs.at(-1)).toBe(0);
    expect(solid.at(-1)).toBe(400);
    expect(dim.every((value) => value === null)).toBe(true);
    expect(largest).toBe(400);
  });

  it('is empty before the first picture', () => {
    expect(curveWindow(log([]))).toMatchObject({ xs: [], bands: [], marks: [], largest: null });
  });

  it('breaks where pictures are missing, where a picture has no volume and where the source begins anew', () => {
    const holes = points(0, 2000).filter(({ ptsNs }) => ptsNs < 400 * ms || ptsNs >= 800 * ms);
    const missing = curveWindow(log(holes));
    expect(missing.solid.filter((value) => value === null)).toHaveLength(1);
    const unseen = points(0, 2000).map((one) => (one.ptsNs === 1000 * ms ? { ...one, value: null } : one));
    expect(curveWindow(log(unseen as ReturnType<typeof points>)).solid[25]).toBeNull();
    const anew = curveWindow(log(points(0, 2000), [], [1000 * ms]));
    expect(anew.xs).toHaveLength(52);
    expect(anew.solid[25]).toBeNull();
    expect(anew.xs).toEqual([...anew.xs].sort((a, b) => a - b));
  });

  it('does not take a slow source for one with gaps', () => {
    expect(curveWindow(log(points(0, 8000, 200))).solid).not.toContain(null);
  });

  it('draws no line between pictures that lie a systole apart, but points', () => {
    const { solid } = curveWindow(log(points(0, 8000, 500)));
    expect(alone(solid)).toHaveLength(17);
    expect(alone([1, 2, null, 3, null, null, 4, 5])).toEqual([3]);
    expect(alone([1])).toEqual([0]);
  });

  it('is dim where a beat is rejected and goes on without a hole', () => {
    const { xs, solid, dim, bands } = curveWindow(
      log(points(0, 2400), [
        beat(1, 0, 800),
        beat(2, 800, 1600, { verdict: 'rejected', reason: 'the probe moved' }),
        beat(3, 1600, null, { verdict: 'open' }),
      ]),
    );
    const at = (seconds: number): number => xs.findIndex((x) => Math.abs(x - (seconds - 2.4)) < 1e-6);
    expect(solid[at(0.4)]).toBe(110);
    expect(solid[at(1.2)]).toBeNull();
    expect(dim[at(1.2)]).toBe(130);
    // Both parts hold the point at which they meet.
    expect([solid[at(0.76)], dim[at(0.76)]]).toEqual([119, 119]);
    expect([solid[at(1.56)], dim[at(1.56)]]).toEqual([139, 139]);
    expect(bands.map(({ number, verdict, reason }) => [number, verdict, reason])).toEqual([
      [1, 'counted', ''],
      [2, 'rejected', 'the probe moved'],
      [3, 'open', ''],
    ]);
    expect(bands[2]?.to).toBe(0);
  });

  it('marks moments at the volume of their own picture, or at none', () => {
    const { marks } = curveWindow(
      log(points(0, 2000), [beat(1, 400, 1200, { endSystolePtsNs: 733 * ms }), beat(2, -9000, -8200)]),
    );
    expect(marks.map(({ kind, volume }) => [kind, volume])).toEqual([
      ['end-diastole', 110],
      ['end-systole', null],
    ]);
  });

  it('keeps its axis steady', () => {
    expect(axisTop(90, null)).toBe(120);
    expect(axisTop(95, 120)).toBe(120);
    expect(axisTop(100, 120)).toBe(160);
    expect(axisTop(90, 160)).toBe(160);
    expect(axisTop(40, 160)).toBe(50);
    expect(axisTop(118_000, null)).toBe(160_000);
    expect(axisTop(null, 160)).toBe(160);
    expect(axisTop(0, null)).toBe(100);
  });
});

describe('words on the curve', () => {
  it('stand where no mark is', () => {
    expect(freeStretch(0, 100, [], 5)).toEqual({ from: 0, to: 100 });
    expect(freeStretch(0, 100, [30], 5)).toEqual({ from: 35, to: 100 });
    expect(freeStretch(0, 100, [80, 20], 5)).toEqual({ from: 25, to: 75 });
    // A mark just outside reaches in.
    expect(freeStretch(0, 100, [-2], 5)).toEqual({ from: 3, to: 100 });
    expect(freeStretch(0, 8, [4], 5)).toBeNull();
  });
});
