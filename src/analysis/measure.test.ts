import { describe, expect, it } from 'vitest';
import { measure } from './measure.js';

const mask = { width: 80, height: 60, counts: new Uint32Array([4800]) };
const objects = [
  { id: 1, state: 'tracking', mask, areaPx: 192 },
  { id: 2, state: 'uncertain', mask, areaPx: 10 },
  { id: 3, state: 'lost', mask, areaPx: 0 },
  { id: 4, state: 'searching', mask, areaPx: 0 },
] as const;
const maskSize = { width: 80, height: 60 };

describe('areas', () => {
  it('are in square millimetres where the source is calibrated, of the objects that are shown', () => {
    const source = { size: { width: 320, height: 240 }, pixelSpacingMm: { x: 0.5, y: 0.25 } };
    expect(measure({ maskSize, objects }, source)).toEqual([
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
    const source = { size: { width: 160, height: 60 }, pixelSpacingMm: null };
    expect(measure({ maskSize, objects }, source)[0]).toMatchObject({ value: 384, unit: 'px' });
    expect(measure({ maskSize, objects }, null)[0]).toMatchObject({ value: 192, unit: 'px' });
  });
});
