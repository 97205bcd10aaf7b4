import { uncalibrated, uniformCalibration } from '../vocabulary/calibration.js';
import { beatRejections } from '../vocabulary/echo.js';
import { describe, expect, it } from 'vitest';
import { createMeasurer } from './measure.js';
import type { MeasuredSource } from './measured.js';

const mask = { width: 80, height: 60, counts: new Uint32Array([4800]) };
const whatever = { label: 'gallbladder', score: 1, confidence: 1, mask };
const objects = [
  { ...whatever, id: 1, state: 'tracking', areaPx: 192 },
  { ...whatever, id: 2, state: 'uncertain', areaPx: 10 },
  { ...whatever, id: 3, state: 'lost', areaPx: 0 },
  { ...whatever, id: 4, state: 'searching', areaPx: 0 },
] as const;
const frame = { ptsNs: 0, discontinuity: 0 };
const maskSize = { width: 80, height: 60 };
const measure = (source: MeasuredSource | null) => createMeasurer()({ frame, maskSize, objects }, source);

describe('areas', () => {
  it('are in square millimetres where the source is calibrated, of the objects that are shown', () => {
    const source = {
      size: { width: 320, height: 240 },
      calibration: uniformCalibration({ x: 0.5, y: 0.25 }),
    };
    expect(measure(source)).toEqual([
      {
        ...{ name: 'area', value: 384, unit: 'mm2', interval: null },
        ...{ quality: 'good', note: '', objectId: 1 },
      },
      {
        ...{ name: 'area', value: 20, unit: 'mm2', interval: null },
        ...{ quality: 'doubtful', note: 'the object is uncertain', objectId: 2 },
      },
    ]);
  });

  it('are in source pixels where it is not, and in mask pixels before its size is known', () => {
    const source = { size: { width: 160, height: 60 }, calibration: uncalibrated };
    expect(measure(source)[0]).toMatchObject({ value: 384, unit: 'px' });
    expect(measure(null)[0]).toMatchObject({ value: 192, unit: 'px' });
  });

  it('are no numbers where what should be there once is there twice', () => {
    const twice = createMeasurer()({ frame, maskSize, objects, several: true }, null);
    expect(twice.map(({ value, quality, note }) => [value, quality, note])).toEqual(
      [1, 2].map(() => [null, 'rejected', beatRejections['two-hearts']]),
    );
  });
});
