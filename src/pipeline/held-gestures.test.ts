import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AnalysisFrame } from '../vocabulary/frame.js';
import { HeldFrames } from './held-frames.js';
import { HeldGestures } from './held-gestures.js';

const frame = (index: number): AnalysisFrame => ({
  ...{
    streamId: 's',
    ptsNs: index * 40e6,
    captureNs: index * 40e6,
    mediaNs: index * 40e6,
    sourceFrame: index,
  },
  ...{ discontinuity: 0, decodedNs: 0, size: { width: 1, height: 1 }, data: new Uint8Array(3) },
});

let held: HeldFrames;
let kept: number[];
let gestures: HeldGestures;
/** Pictures at 25 per second from `from` on, as the time passes. */
async function play(from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index++) {
    held.push(frame(index));
    await vi.advanceTimersByTimeAsync(40);
  }
}
beforeEach(() => {
  vi.useFakeTimers();
  held = new HeldFrames();
  kept = [];
  gestures = new HeldGestures({ held, keepMasks: (ptsNs) => kept.push(ptsNs), onChange: () => undefined });
});
afterEach(() => {
  gestures.clear();
  vi.useRealTimers();
});

describe('the picture of a gesture', () => {
  it('is there ten seconds later, of all pictures that were forgotten meanwhile', async () => {
    await play(0, 20);
    const { ptsNs } = gestures.begin(10 * 40e6, 'a');
    await play(20, 250);
    expect(held.closest(10 * 40e6, 150e6)).toBeNull();
    expect(gestures.find(ptsNs)?.sourceFrame).toBe(10);
    // What the tracker knew of it is asked for while it still knows.
    expect(kept).toEqual([ptsNs]);
  });

  it('that was dropped before analysis is the closest one, found by what the person saw', async () => {
    await play(0, 5);
    const seen = 4 * 40e6 + 7e6;
    expect(gestures.begin(seen, 'a').ptsNs).toBe(4 * 40e6);
    expect(gestures.find(seen)?.sourceFrame).toBe(4);
  });

  it('is let go when it ends, when its asker leaves, and after half a minute', async () => {
    await play(0, 5);
    const leaving = new AbortController();
    const first = gestures.begin(0, 'a');
    gestures.begin(40e6, 'b', leaving.signal);
    gestures.begin(80e6, 'c');
    expect(gestures.counts.held).toBe(3);
    // Nobody ends the gesture of somebody else.
    gestures.end(first.gesture, 'b');
    expect(gestures.counts.held).toBe(3);
    gestures.end(first.gesture, 'a');
    leaving.abort();
    expect(gestures.find(0)).toBeNull();
    expect(gestures.counts).toMatchObject({ held: 1, ended: 1, left: 1, expired: 0 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(gestures.counts).toMatchObject({ held: 0, begun: 3, expired: 1 });
    // Over before the tracker would have forgotten, nothing is asked of it.
    expect(kept).toEqual([80e6]);
  });

  it('is refused where it is gone, and where too many are held', async () => {
    await play(0, 100);
    expect(() => gestures.begin(0, 'a')).toThrow(
      expect.objectContaining({ code: 'SONO_PROMPT_FRAME_GONE' }) as Error,
    );
    for (let asker = 0; asker < 8; asker++) gestures.begin(null, `asker ${asker}`);
    expect(() => gestures.begin(null, 'one more')).toThrow(
      expect.objectContaining({ code: 'SONO_GESTURES_FULL' }) as Error,
    );
    expect(gestures.counts).toMatchObject({ held: 8, refused: 2 });
  });

  it('of one asker replaces what the same asker has forgotten', async () => {
    await play(0, 10);
    for (let index = 0; index < 10; index++) gestures.begin(index * 40e6, 'a');
    expect(gestures.counts).toMatchObject({ held: 2, ended: 8, refused: 0 });
  });

  it('goes with its source', async () => {
    await play(0, 5);
    gestures.begin(0, 'a');
    gestures.clear();
    expect(gestures.find(0)).toBeNull();
  });
});

describe('pictures of the source before', () => {
  it('are not mixed up with those of the next one, however close', async () => {
    await play(0, 5);
    const last = 4 * 40e6;
    held.clear();
    expect(held.closest(last, 150e6)).toBeNull();
    await play(5, 1);
    expect(held.closest(last, 150e6)).toBeNull();
    expect(held.closest(5 * 40e6, 150e6)?.sourceFrame).toBe(5);
  });
});
