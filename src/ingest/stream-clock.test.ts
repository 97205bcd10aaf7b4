import { describe, expect, it } from 'vitest';
import type { FrameIdentity } from '../vocabulary/frame.js';
import { FrameLedger, type LedgerFrame } from './frame-ledger.js';
import { StreamClock } from './stream-clock.js';

const frameNs = 40e6;

/** A source of the stream, whose frames were captured from `firstNs` on. */
function source(clock: StreamClock, firstNs: number): (index: number) => LedgerFrame {
  const ledger = new FrameLedger({ mode: 'live', paced: true });
  ledger.startClock(firstNs);
  ledger.join(clock.place(true));
  return (index) => {
    const nowNs = firstNs + index * frameNs;
    const times = { rawPtsNs: index * frameNs, runningNs: index * frameNs, mediaNs: index * frameNs, nowNs };
    const frame = ledger.capture({ ...times, sourceFrame: index, repetition: 0 }) as LedgerFrame;
    clock.passed(frame);
    return frame;
  };
}

describe('StreamClock', () => {
  it('starts at the capture time since the room opened and never goes back over a change of source', () => {
    const clock = new StreamClock(1e12);
    const first = source(clock, 1e12);
    expect([0, 1, 2].map((index) => first(index).ptsNs)).toEqual([0, 40e6, 80e6]);
    // Captured (by its own account) before the last frame of the first source.
    const second = source(clock, 1e12 + 10e6);
    expect(second(0)).toMatchObject({ ptsNs: 80e6 + 1, discontinuity: 1 });
    expect(second(2)).toMatchObject({ ptsNs: 90e6, discontinuity: 1 });
    expect(source(clock, 1e12 + 5e9)(0)).toMatchObject({ ptsNs: 5e9, discontinuity: 2 });
  });

  it('lets a source that is started again go on without a discontinuity, on a larger time', () => {
    const clock = new StreamClock(0);
    const identity: Pick<FrameIdentity, 'ptsNs' | 'discontinuity'> = { ptsNs: 7, discontinuity: 3 };
    clock.passed(identity);
    clock.passed({ ptsNs: 5, discontinuity: 2 });
    expect(clock.place(false)).toEqual({ zeroNs: 0, lastPtsNs: 7, discontinuity: 3 });
    expect(clock.place(true)).toEqual({ zeroNs: 0, lastPtsNs: 7, discontinuity: 4 });
  });
});
