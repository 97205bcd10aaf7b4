import { describe, expect, it } from 'vitest';
import type { FrameIdentity } from '../frame.js';
import { resumedFrame, ResumeTracker } from './resume.js';

const at = (sourceFrame: number, mediaNs: number, pass = 0): FrameIdentity => ({
  streamId: 's',
  ptsNs: 0,
  captureNs: 0,
  mediaNs,
  sourceFrame,
  pass,
});

describe('finding the place again', () => {
  it('numbers the first frame after a seek as before, at any rate', () => {
    for (const rate of [25, 30000 / 1001, 20, 59.94]) {
      const tracker = new ResumeTracker();
      const step = 1e9 / rate;
      for (let n = 0; n < 200; n += 1) tracker.delivered(at(n, Math.round(n * step)));
      const point = tracker.point();
      if (point === null) throw new Error('no point');
      expect(point.seekSeconds).toBe(Math.floor((199 * step) / 1e9));
      // The decoder cuts the frame that spans the seek position: it starts there, and is still that frame.
      const [mediaNs, sourceFrame] = resumedFrame(point, point.seekSeconds * 1e9, rate);
      expect(sourceFrame).toBe(Math.floor((point.seekSeconds * 1e9 + 1e6) / step));
      expect(mediaNs).toBe(Math.round(sourceFrame * step));
    }
  });

  it('counts on from the last known frame where frames in between were dropped', () => {
    const point = { seekSeconds: 4, zeroPtsNs: 0, seen: [[3960e6, 99]] as const, nextSourceFrame: 100 };
    expect(resumedFrame(point, 4000e6, 25)).toEqual([4000e6, 100]);
    expect(resumedFrame(point, 4080e6, 25)).toEqual([4080e6, 102]);
    expect(resumedFrame({ ...point, seen: [] }, 4000e6, 25)).toEqual([4000e6, 100]);
  });

  it('forgets the last pass when a new one begins, and stays small', () => {
    const tracker = new ResumeTracker();
    expect(tracker.point()).toBeNull();
    for (let n = 0; n < 10_000; n += 1) tracker.delivered(at(n, n * 40e6));
    expect(tracker.point()?.seen.length).toBeLessThan(60);
    tracker.delivered(at(0, 0, 1));
    expect(tracker.pass).toBe(1);
    expect(tracker.point()).toMatchObject({ seekSeconds: 0, nextSourceFrame: 1, seen: [[0, 0]] });
  });
});
