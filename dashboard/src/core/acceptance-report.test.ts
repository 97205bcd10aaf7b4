import { describe, expect, it } from 'vitest';
import { acceptanceReportSchema } from '../../../src/protocol/requests.js';
import { acceptanceReport, dropsDuring } from './acceptance-report.js';

const measured = {
  samplesMs: [40.12345, 9e9, -5000],
  atMs: [0, 40, 80],
  neverPainted: 2,
  durationMs: 100,
  decodeDrops: 3,
  lateOverlays: 1,
};

describe('acceptance report', () => {
  it('is what the server takes, also when little is known', () => {
    const report = acceptanceReport({
      stream: 'scope',
      startedUnixMs: 1.5,
      durationMs: 200,
      userAgent: 'x'.repeat(9000),
      author: 'N. Nightingale',
      display: { width: 3840, height: 2160, devicePixelRatio: 1.25, refreshHz: null },
      before: null,
      after: null,
      stats: null,
      overlay: measured,
      picture: null,
    });
    expect(acceptanceReportSchema.safeParse(report).error).toBeUndefined();
    expect(report.author).toBe('N. Nightingale');
    expect(report.overlay).toEqual({ samplesMs: [40.123, 600_000, -1000], neverPainted: 2 });
    expect(report.drops).toEqual({ browser: 3 });
  });

  it('counts drops during the run only', () => {
    expect(dropsDuring({ source: 5, client: 9 }, { source: 7, client: 9, inference: 1 }, 4)).toEqual({
      source: 2,
      client: 0,
      inference: 1,
      browser: 4,
    });
    // A restarted server counts from zero again.
    expect(dropsDuring({ source: 5 }, { source: 1 }, 0)).toEqual({ source: 0, browser: 0 });
  });
});
