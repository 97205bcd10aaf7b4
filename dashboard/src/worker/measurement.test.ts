import { describe, expect, it } from 'vitest';
import { Measurement } from './measurement.js';

const counts = { decodeDrops: 3, lateOverlays: 1 };
const paint = (timeNs: bigint, ageMs: number, more: { overlay?: boolean; fresh?: boolean } = {}) => ({
  ...{ timeNs, ageMs, nowMs: 1000 + ageMs, overlay: true, fresh: true },
  ...more,
});

describe('a measurement', () => {
  it('takes one sample per picture that came since the start', () => {
    const run = new Measurement('overlay', 2, counts, 1000);
    // On screen already when the measurement began.
    expect(run.painted(paint(1n, 30))).toBe(false);
    run.pictureCame(2n);
    expect(run.painted(paint(2n, 20, { overlay: false }))).toBe(true);
    expect(run.done).toBe(0);
    expect(run.painted(paint(2n, 40, { fresh: false }))).toBe(true);
    expect(run.painted(paint(2n, 50, { fresh: false }))).toBe(true);
    expect(run.done).toBe(1);
    expect(run.result({ decodeDrops: 5, lateOverlays: 4 }, 1100)).toEqual({
      samplesMs: [40],
      atMs: [40],
      neverPainted: 0,
      durationMs: 100,
      decodeDrops: 2,
      lateOverlays: 3,
    });
  });

  it('counts pictures that a newer one has overtaken as never painted', () => {
    const run = new Measurement('picture', 10, counts, 1000);
    for (const timeNs of [1n, 2n, 3n, 4n]) run.pictureCame(timeNs);
    run.painted(paint(1n, 10, { overlay: false }));
    run.painted(paint(4n, 12, { overlay: false }));
    const { samplesMs, neverPainted } = run.result(counts, 1100);
    expect(samplesMs).toEqual([10, 12]);
    expect(neverPainted).toBe(2);
  });
});
