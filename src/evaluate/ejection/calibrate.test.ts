import { describe, expect, it } from 'vitest';
import { uncertainty } from '../../analysis/ejection-fraction.js';
import { seededRandom } from '../../vocabulary/random.js';
import { calibrate, calibrationText, leastPatients, nominal, type CalibrationClip } from './calibrate.js';

/** Patients whose error has this standard deviation, and a tenth of them a much larger one. */
function patients(count: number, seed: number, deviation = 5): CalibrationClip[] {
  const random = seededRandom(seed);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => {
    const referencePercent = 45 + 10 * random();
    const measuredPercent = referencePercent + deviation * gauss() * (random() < 0.1 ? 3 : 1);
    const beats = 2 * random();
    const half = uncertainty.factor * Math.hypot(uncertainty.ejectionFraction.model, beats);
    return {
      referencePercent,
      measuredPercent,
      interval: { low: measuredPercent - half, high: measuredPercent + half },
    };
  });
}

describe('constants of the interval', () => {
  it('hold of patients that they were not made from, whatever the spread of the errors', () => {
    for (const deviation of [2, 5, 8]) {
      let [inside, all] = [0, 0];
      for (let seed = 1; seed <= 40; seed++) {
        const found = calibrate(patients(40, seed, deviation));
        if (found === null) throw new Error('there are enough patients');
        const { model, factor } = found;
        for (const { referencePercent, measuredPercent, interval } of patients(40, 1000 + seed, deviation)) {
          if (measuredPercent === null || interval === null) continue;
          const half = (interval.high - interval.low) / 2 / uncertainty.factor;
          const beats = half ** 2 - uncertainty.ejectionFraction.model ** 2;
          inside +=
            Math.abs(measuredPercent - referencePercent) <= factor * Math.sqrt(model ** 2 + beats) ? 1 : 0;
          all++;
        }
      }
      expect(inside / all).toBeGreaterThan(nominal - 0.02);
      expect(inside / all).toBeLessThan(nominal + 0.05);
    }
  });

  it('are judged by each patient left out', () => {
    const found = calibrate(patients(400, 7));
    expect(found?.patients).toBe(400);
    expect(Math.abs((found?.leaveOneOut.covered ?? 0) - nominal)).toBeLessThan(0.02);
    expect(calibrationText(found as NonNullable<typeof found>)).toContain('nominal 90.0 %');
  });

  it('need patients with a reading', () => {
    expect(calibrate(patients(leastPatients - 1, 1))).toBeNull();
    const without = patients(60, 1).map((clip) => ({ ...clip, interval: null }));
    expect(calibrate(without)).toBeNull();
  });

  it('take the reading itself where an interval ends at 0 or 100', () => {
    const cut = Array.from({ length: 30 }, (_, index) => ({
      referencePercent: 92 + (index % 3),
      measuredPercent: 93,
      interval: { low: 80, high: 100 },
    }));
    expect(Math.abs(calibrate(cut)?.bias ?? NaN)).toBeLessThan(0.1);
  });
});
