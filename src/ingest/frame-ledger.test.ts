import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameLedger, type CapturedFrame, type LedgerOptions } from './frame-ledger.js';
import type { ClockPlace } from './stream-clock.js';

const frameNs = 40e6;
const live: LedgerOptions = { mode: 'live', paced: true };
const start: ClockPlace = { zeroNs: 1000e6, lastPtsNs: -1, discontinuity: 0 };

function joined(options: Partial<LedgerOptions> = {}, place: Partial<ClockPlace> = {}): FrameLedger {
  const ledger = new FrameLedger({ ...live, ...options });
  ledger.join({ ...start, ...place });
  return ledger;
}

function frame(n: number, nowNs: number, extra: Partial<CapturedFrame> = {}): CapturedFrame {
  return {
    rawPtsNs: 80e6 + n * frameNs,
    runningNs: n * frameNs,
    mediaNs: n * frameNs,
    sourceFrame: n,
    repetition: 0,
    nowNs,
    ...extra,
  };
}

describe('frame ledger', () => {
  it('calls a paced frame captured when it was due, however late it was seen', () => {
    const ledger = joined();
    ledger.startClock(5000e6);
    const first = ledger.capture(frame(0, 5003e6));
    const second = ledger.capture(frame(1, 5090e6));
    expect(first).toMatchObject({ captureNs: 5000e6, ptsNs: 4000e6, decodedNs: 5003e6 });
    expect(second).toMatchObject({ captureNs: 5040e6, ptsNs: 4040e6, mediaNs: 40e6 });
  });

  it('never lets a frame be seen before its capture', () => {
    const ledger = joined();
    ledger.startClock(5000e6);
    ledger.capture(frame(0, 5003e6));
    // The clock had in truth started 4 ms earlier.
    expect(ledger.capture(frame(1, 5036e6))).toMatchObject({ captureNs: 5036e6 });
    expect(ledger.capture(frame(2, 5080e6))).toMatchObject({ captureNs: 5076e6 });
  });

  it('lets a file play slower rather than grow old, but keeps a camera honest', () => {
    const slow = joined();
    slow.startClock(5000e6);
    slow.capture(frame(0, 5000e6));
    expect(slow.capture(frame(1, 6000e6))).toMatchObject({ captureNs: 6000e6 });
    const camera = joined({ paced: false });
    camera.startClock(5000e6);
    camera.capture(frame(0, 5000e6));
    expect(camera.capture(frame(1, 6000e6))).toMatchObject({ captureNs: 5040e6 });
  });

  it('counts what a branch left out', () => {
    const ledger = joined();
    ledger.startClock(0);
    for (let n = 0; n < 5; n += 1) ledger.capture(frame(n, n * frameNs));
    expect(ledger.match('display', 80e6)).toMatchObject({
      kind: 'frame',
      skipped: 0,
      frame: { sourceFrame: 0 },
    });
    expect(ledger.match('display', 80e6 + 3 * frameNs)).toMatchObject({
      skipped: 2,
      frame: { sourceFrame: 3 },
    });
    expect(ledger.match('analysis', 80e6 + frameNs)).toMatchObject({ skipped: 1, frame: { sourceFrame: 1 } });
    expect(ledger.settle('display')).toBe(1);
    expect(ledger.settle('display')).toBe(0);
  });

  it('waits for a frame that the index has not shown, and leaves out one without identity', () => {
    const ledger = joined();
    ledger.startClock(0);
    expect(ledger.match('display', 80e6)).toEqual({ kind: 'pending' });
    ledger.capture(frame(0, 0));
    expect(ledger.capture(frame(1, 1, { rawPtsNs: 70e6 }))).toBeNull();
    expect(ledger.match('display', 70e6)).toEqual({ kind: 'none' });
    expect(ledger.match('display', null)).toEqual({ kind: 'none' });
    expect(ledger.match('display', 80e6)).toMatchObject({ kind: 'frame' });
  });

  it('goes by order in replay, also where PTS are missing or repeated', () => {
    const ledger = joined({ mode: 'replay' });
    for (const [n, rawPtsNs] of [80e6, null, 80e6].entries()) ledger.capture(frame(n, 0, { rawPtsNs }));
    const numbers = [80e6, null, 80e6].map((raw) => {
      const match = ledger.match('analysis', raw);
      return match.kind === 'frame'
        ? [match.frame.sourceFrame, match.frame.ptsNs, match.skipped]
        : match.kind;
    });
    expect(numbers).toEqual([
      [0, 0, 0],
      [1, 40e6, 0],
      [2, 80e6, 0],
    ]);
    expect(ledger.match('analysis', 1)).toEqual({ kind: 'pending' });
  });

  it('keeps ptsNs strictly increasing over restarts and any disorder', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 1e9 }), fc.nat({ max: 2e9 })), { maxLength: 60 }),
        fc.constantFrom('live' as const, 'replay' as const),
        fc.nat({ max: 1e9 }),
        (frames, mode, lastPtsNs) => {
          const ledger = joined({ mode }, { zeroNs: 0, lastPtsNs });
          ledger.startClock(0);
          let last = lastPtsNs;
          for (const [rawPtsNs, nowNs] of frames) {
            const entry = ledger.capture({
              rawPtsNs,
              runningNs: rawPtsNs,
              mediaNs: rawPtsNs,
              sourceFrame: 0,
              repetition: 0,
              nowNs,
            });
            if (entry === null) continue;
            expect(entry.ptsNs).toBeGreaterThan(last);
            if (mode === 'live') expect(entry.captureNs).toBeLessThanOrEqual(nowNs);
            last = entry.ptsNs;
          }
        },
      ),
    );
  });

  it('goes on where the stream stands, also with frames captured before that was known', () => {
    const ledger = new FrameLedger(live);
    ledger.startClock(5000e6);
    ledger.capture(frame(0, 5003e6));
    ledger.capture(frame(0, 5043e6, { rawPtsNs: 120e6, runningNs: 40e6, repetition: 1 }));
    expect(ledger.match('display', 80e6)).toEqual({ kind: 'pending' });
    // Another source of the stream has shown a frame that was captured 10 ms later than the first one here.
    ledger.join({ ...start, lastPtsNs: 4010e6, discontinuity: 3 });
    expect(ledger.match('display', 80e6)).toMatchObject({
      frame: { ptsNs: 4010e6 + 1, captureNs: 5000e6, discontinuity: 3 },
    });
    expect(ledger.match('display', 120e6)).toMatchObject({ frame: { ptsNs: 4040e6, discontinuity: 4 } });
    expect(ledger.capture(frame(2, 5083e6))).toMatchObject({ ptsNs: 4080e6, discontinuity: 3 });
  });

  it('stays bounded and still counts when a branch never asks', () => {
    const ledger = joined();
    ledger.startClock(0);
    for (let n = 0; n < 5000; n += 1) ledger.capture(frame(n, n * frameNs));
    expect(ledger.match('display', 80e6)).toEqual({ kind: 'pending' });
    expect(ledger.match('display', 80e6 + 4999 * frameNs)).toMatchObject({ skipped: 4999 });
  });
});
