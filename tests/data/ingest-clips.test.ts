/** The real clips of ../shared/data, every frame of them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { scaledRegions, uncalibrated } from '../../src/vocabulary/calibration.js';
import { packageRoot } from '../../src/node/built-module.js';
import { Recording } from '../process/ingest/harness.js';

const clips = join(packageRoot, '../shared/data/clips');
const present = existsSync(clips);
if (!present) console.warn('skipped: no sample clips at ../shared/data/clips');
const open: Recording[] = [];
afterEach(() => open.splice(0).forEach((recording) => recording.close()));

describe.skipIf(!present)('real clips', () => {
  it.each([
    ['laparoscopy.mp4', 250, { width: 1280, height: 720 }, 25, 40e6],
    ['echo-a4c.mp4', 45, { width: 1024, height: 768 }, 20, 50e6],
    ['echo-apical-zoom.mp4', 68, { width: 630, height: 584 }, 25, 40e6],
    ['echo-cine.dcm', 30, { width: 320, height: 240 }, 30, 33.333e6],
  ])('%s: %i frames at their times', async (name, count, size, framesPerSecond, stepNs) => {
    const seen = new Recording(join(clips, name), { mode: 'replay' });
    open.push(seen);
    await seen.over();
    expect(seen.formats).toEqual([expect.objectContaining({ size, framesPerSecond, frameCount: count })]);
    const times = Array.from({ length: count }, (_, n) => n * stepNs);
    expect(seen.display.map((frame) => frame.ptsNs)).toEqual(times);
    expect(seen.analysis.map((frame) => frame.mediaNs)).toEqual(times);
    expect(seen.outcome).toBe('complete');
    if (name.endsWith('.dcm'))
      expect(scaledRegions(seen.formats[0]?.calibration ?? uncalibrated)[0]?.spacingMm.x).toBeCloseTo(
        0.5105,
        4,
      );
  });

  it('plays live at its own rate and accounts for every frame', async () => {
    const seen = new Recording(join(clips, 'echo-a4c.mp4'));
    open.push(seen);
    await seen.over();
    expect(seen.display.length + (seen.dropped.get('display-queue') ?? 0)).toBe(45);
    const [first] = seen.display;
    for (const frame of seen.display) {
      expect(frame.mediaNs).toBe(frame.sourceFrame * 50e6);
      // Stream time runs as media time, unless the machine fell behind by half a second.
      const drift = frame.ptsNs - (first?.ptsNs ?? 0) - (frame.mediaNs - (first?.mediaNs ?? 0));
      expect(drift).toBeGreaterThan(-100e6);
    }
  });
});
