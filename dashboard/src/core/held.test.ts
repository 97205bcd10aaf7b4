import { describe, expect, it } from 'vitest';
import { heldMeasurementSchema } from '../../../src/protocol/hold-requests.js';
import type { HeldFigure, HeldMeasurement } from '../../../src/protocol/hold-requests.js';
import { heldFileName, heldWords, pictureSource } from './held.js';

const figure = (value: number | null, unit: string, more: Partial<HeldFigure> = {}): HeldFigure => ({
  ...{ value, unit, interval: null, quality: 'good', note: '' },
  ...more,
});
const moments = { endDiastolePtsNs: 0, endSystolePtsNs: 3e8, nextEndDiastolePtsNs: 8e8 };
const notMeasured = { strokeVolume: null, fractionalAreaChange: null, endSystolicVolume: null };
const held: HeldMeasurement = heldMeasurementSchema.parse({
  ...{ id: 3, stream: 'echo', label: 'Echo lab / 2', sourceUri: 'v4l2:0', takenAtUnixMs: 1_764_500_000_000 },
  ...{ ptsNs: 0, timestampNs: '0', singlePlane: true, pixelSpacingMm: { x: 0.3, y: 0.3 } },
  model: { name: 'echo-lv', version: '0.1.0', sha256: 'f'.repeat(64) },
  ejectionFraction: figure(53.6, '%', { interval: { low: 48, high: 60 }, note: 'single-plane' }),
  endDiastolicVolume: figure(118.2, 'mL'),
  endSystolicVolume: figure(54.1, 'mL'),
  heartRate: null,
  view: 'a4c',
  biplane: null,
  beats: [
    {
      ...{ number: 7, ...moments, ...notMeasured, accepted: true, reason: '' },
      ...{ heartRate: figure(71, '/min'), ejectionFraction: figure(54, '%') },
      endDiastolicVolume: figure(118, 'mL'),
    },
    {
      ...{ number: 8, ...moments, ...notMeasured, accepted: false, reason: 'the probe moved' },
      ...{ heartRate: null, ejectionFraction: null, endDiastolicVolume: figure(118, 'mL') },
    },
  ],
  pictures: null,
});

describe('a held measurement', () => {
  it('is put into words', () => {
    const words = heldWords(held);
    expect(words.result).toBe('EF 54 % (48–60)');
    expect(words.note).toBe('Single-plane. 1 of 2 beats counted');
    expect(words.figures).toEqual([
      ['View', 'Apical four-chamber'],
      ['EDV', '118 mL'],
      ['ESV', '54 mL'],
      ['Heart rate', '–'],
      ['Scale', 'calibrated'],
    ]);
    expect(words.beats).toEqual([
      { number: 7, cells: ['118 mL', '–', '54 %', '71 /min'], reason: '' },
      { number: 8, cells: ['118 mL', '–', '–', '–'], reason: 'The probe moved' },
    ]);
    const biplane = (ejectionFraction: HeldMeasurement['ejectionFraction']) => ({
      ...{ ejectionFraction, endDiastolicVolume: figure(101, 'mL'), endSystolicVolume: figure(48, 'mL') },
      other: { stream: 'echo', holdId: 2 },
    });
    const both = biplane(figure(52.4, '%', { interval: { low: 38.6, high: 66.1 }, quality: 'doubtful' }));
    expect(heldWords({ ...held, view: 'a2c', biplane: both }).figures).toEqual([
      ['View', 'Apical two-chamber'],
      ...words.figures.slice(1),
      ['Biplane EF', '52 % (39–66), doubtful'],
      ['Biplane EDV', '101 mL'],
      ['Biplane ESV', '48 mL'],
    ]);
    const none = biplane(
      figure(0, '%', { value: null, quality: 'rejected', note: 'biplane: hold it first' }),
    );
    expect(heldWords({ ...held, biplane: none }).figures.at(-1)).toEqual(['Biplane EF', 'Hold it first']);
    expect(words.origin).toBe('echo-lv 0.1.0 · v4l2:0 · Research use only');
  });

  it('has files with safe names', () => {
    expect(heldFileName(held, 'json')).toBe('ef_Echo-lab-2_20251130T105320_3.json');
    expect(heldFileName({ ...held, label: '…' }, 'png')).toMatch(/^ef_room_/);
    expect(pictureSource({ path: '/api/rooms/echo/holds/3/end-systole' })).toBe(
      'api/rooms/echo/holds/3/end-systole',
    );
  });
});
