import { describe, expect, it } from 'vitest';
import type { FrameIdentity } from '../vocabulary/frame.js';
import { ResumeTracker } from './resume.js';

const at = (sourceFrame: number, mediaNs: number, discontinuity = 0): FrameIdentity => ({
  streamId: 's',
  ptsNs: 0,
  captureNs: 0,
  mediaNs,
  sourceFrame,
  discontinuity,
});

describe('finding the place again', () => {
  it('begins early enough to meet frames that are known, and names them by their times', () => {
    const tracker = new ResumeTracker();
    tracker.zero(80e6);
    for (let n = 0; n < 200; n += 1) tracker.delivered(at(n, n * 40e6));
    const point = tracker.point();
    expect(point).toMatchObject({ seekSeconds: 5, zeroPtsNs: 80e6, nextSourceFrame: 200 });
    expect(point?.seen[0]).toEqual([4e9, 100]);
    expect(point?.seen.at(-1)).toEqual([199 * 40e6, 199]);
  });

  it('forgets what was before a discontinuity, and stays small', () => {
    const tracker = new ResumeTracker();
    expect(tracker.point()).toBeNull();
    for (let n = 0; n < 10_000; n += 1) tracker.delivered(at(n, n * 40e6));
    expect(tracker.point()?.seen.length).toBeLessThan(110);
    tracker.delivered(at(0, 0, 1));
    tracker.delivered(at(9_999, 9_999 * 40e6));
    expect(tracker.point()).toMatchObject({ seekSeconds: 0, nextSourceFrame: 1, seen: [[0, 0]] });
  });
});
