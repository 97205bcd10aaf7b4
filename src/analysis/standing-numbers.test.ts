import { describe, expect, it } from 'vitest';
import type { Measurement } from '../vocabulary/measurement.js';
import { StandingNumbers } from './standing-numbers.js';

const area = (objectId: number, more: Partial<Measurement> = {}): Measurement => ({
  ...{ name: 'area', value: 12, unit: 'mm2', interval: null, quality: 'good', note: '', objectId },
  ...more,
});
const none = (objectId: number, note: string): Measurement =>
  area(objectId, { value: null, quality: 'rejected', note });

describe('a number that was said', () => {
  it.each([
    ['lost', [{ id: 1, state: 'lost' }], 'the object is lost'],
    ['searching', [{ id: 1, state: 'searching' }], 'the object is being searched for'],
    ['removed, or undone to nothing', [], 'the object is not followed any more'],
    ['shown, but not measured', [{ id: 1, state: 'tracking' }], 'it could not be measured on this picture'],
  ] as const)('is withdrawn, once, when its object is %s', (_, objects, note) => {
    const numbers = new StandingNumbers();
    expect(numbers.next([area(1)], [{ id: 1, state: 'tracking' }])).toEqual([area(1)]);
    expect(numbers.next([], objects)).toEqual([none(1, note)]);
    expect(numbers.next([], objects)).toEqual([]);
  });

  it('is withdrawn with all others when no picture comes', () => {
    const numbers = new StandingNumbers();
    numbers.next([area(1), area(2), area(0, { name: 'ef_single_plane' })], []);
    expect(numbers.withdraw('the signal is lost')).toHaveLength(3);
    expect(numbers.withdraw('the signal is lost')).toEqual([]);
    expect(numbers.next([], [])).toEqual([]);
  });

  it('stands beside what is said anew, and what is said to be none is not withdrawn again', () => {
    const numbers = new StandingNumbers();
    numbers.next([area(1), area(2)], []);
    const refused = none(1, 'it lies across two scales');
    expect(numbers.next([refused, area(2)], [])).toEqual([refused, area(2)]);
    expect(numbers.next([area(2)], [])).toEqual([area(2)]);
  });

  it('of a beat or of an earlier moment stays true', () => {
    const numbers = new StandingNumbers();
    numbers.next([area(1, { beat: 3 }), area(2, { atPtsNs: 5 })], []);
    expect(numbers.next([], [])).toEqual([]);
    expect(numbers.withdraw('the source has ended')).toEqual([]);
  });
});
