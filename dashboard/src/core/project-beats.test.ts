import { describe, expect, it } from 'vitest';
import { beatRows, momentsOf, pageOf, readoutOfRecording, within } from './project-beats.js';
import type { ProjectMeasurements } from './project-beats.js';

const at = (frame: number, corrected = false) => ({ frame, timeSeconds: frame / 25, corrected });
const figure = (value: number | null, unit: string, note = '') => ({
  ...{ value, unit, interval: value === null ? null : { low: value - 6, high: value + 6 } },
  ...{ quality: 'good' as const, note },
});
type Beat = ProjectMeasurements['beats'][number];
const beat = (number: number, change: Partial<Beat> = {}): Beat => ({
  number,
  endDiastole: at(30 * number - 30),
  endSystole: at(30 * number - 20),
  nextEndDiastole: at(30 * number),
  ...{ endDiastolicVolume: null, endSystolicVolume: null, strokeVolume: null, heartRate: null },
  ...{ ejectionFraction: figure(54.2, '%'), fractionalAreaChange: null },
  ...{ accepted: true, reason: '', rejection: null, corrected: false, added: false },
  ...change,
});

describe('moments of a recording', () => {
  it('move between the ones beside them', () => {
    const moments = momentsOf([beat(1), beat(2, { accepted: false, endSystole: at(41, true) })], 70);
    expect(moments.map(({ key, frame, least, most }) => [key, frame, least, most])).toEqual([
      ['1/end-diastole', 0, 0, 9],
      ['1/end-systole', 10, 1, 29],
      ['2/end-diastole', 30, 11, 40],
      ['2/end-systole', 41, 31, 59],
    ]);
    expect(moments.at(-1)).toMatchObject({ rejected: true, corrected: true });
    const [, systole] = moments;
    expect(systole && [within(systole, -4), within(systole, 12.4), within(systole, 99)]).toEqual([1, 12, 29]);
  });

  it('that were not found are not there', () => {
    expect(momentsOf([beat(1, { endDiastole: null, nextEndDiastole: null })], 40)).toMatchObject([
      { which: 'end-systole', frame: 10, least: 0, most: 40 },
    ]);
    expect(momentsOf([], 40)).toEqual([]);
  });
});

describe('beats of a recording', () => {
  it('say whether they count and what a person did', () => {
    const rows = beatRows([
      beat(1),
      beat(2, {
        ...{ accepted: false, reason: 'the probe moved', corrected: true, endDiastole: null },
        ejectionFraction: figure(null, '%'),
      }),
      beat(3, { added: true, corrected: true }),
    ]);
    expect(rows).toMatchObject([
      { ejectionFraction: '54 %', words: 'Counted', frame: 0 },
      { ejectionFraction: '–', words: 'The probe moved, corrected by hand', frame: 40 },
      { words: 'Counted, added by hand' },
    ]);
  });

  it('have their medians as figures', () => {
    const summary = {
      ...{ beats: 0, rejected: 2, corrected: false, heartRate: figure(null, '/min') },
      ejectionFraction: {
        ...figure(null, '%', 'single-plane, 0 beats: the probe moved'),
        quality: 'rejected' as const,
      },
      ...{ endDiastolicVolume: figure(118, 'mL'), endSystolicVolume: figure(54, 'mL') },
    };
    const readout = readoutOfRecording({ summary, biplane: null });
    expect(readout.ejectionFraction).toMatchObject({ value: null, note: 'the probe moved' });
    expect(readout.endDiastolicVolume).toMatchObject({ value: '118', interval: '112–124' });
    expect(readout.biplane).toBe(false);
    const why = 'the heart rates of the two views differ by more than 20 %';
    const refused = { ...figure(null, '%', `biplane: ${why}`), quality: 'rejected' as const };
    const biplane = {
      ...{ view: 'a2c' as const, partner: 'other', ejectionFraction: refused },
      ...{ endDiastolicVolume: figure(null, 'mL'), endSystolicVolume: figure(null, 'mL') },
    };
    expect(readoutOfRecording({ summary, biplane })).toMatchObject({
      biplane: true,
      biplaneEjectionFraction: { value: null, note: why },
    });
  });
});

describe('the part of a recording that the curve shows', () => {
  it('is all of a short one', () => {
    expect(pageOf(30, 60, 500, null)).toEqual({ from: 0, to: 59 });
    expect(pageOf(0, 0, 500, null)).toEqual({ from: 0, to: 0 });
  });

  it('is a page of a long one, which turns when the picture leaves it', () => {
    const first = pageOf(0, 1000, 100, null);
    expect(first).toEqual({ from: 0, to: 99 });
    expect(pageOf(99, 1000, 100, first)).toBe(first);
    expect(pageOf(100, 1000, 100, first)).toEqual({ from: 75, to: 174 });
    expect(pageOf(999, 1000, 100, first)).toEqual({ from: 900, to: 999 });
    // Another width, or fewer pictures than before.
    expect(pageOf(50, 1000, 200, first)).toEqual({ from: 0, to: 199 });
    expect(pageOf(850, 860, 100, { from: 800, to: 899 })).toEqual({ from: 760, to: 859 });
  });
});
