import { describe, expect, it } from 'vitest';
import { beatsOf, guided, halfCycle, matchedBeats, matchMarks } from './heart-marks.js';

describe('guided', () => {
  // Two beats; median 5.
  const course = [9, 8, 2, 1, 5, 7, 10, 6, 3, 0, 4];

  it('takes the extreme of the stretch that lies closest to the reference', () => {
    expect(guided(course, 'largest', 0)).toBe(0);
    expect(guided(course, 'largest', 4)).toBe(6);
    expect(guided(course, 'smallest', 5)).toBe(3);
    expect(guided(course, 'smallest', 8)).toBe(9);
  });

  it('lets a frame without a value end a stretch, and knows nothing of an empty course', () => {
    expect(guided([8, null, 9, 1, 1], 'largest', 0)).toBe(0);
    expect(guided([8, 8.5, 9, 1, 1, 1, 1], 'largest', 0)).toBe(2);
    expect(guided([null, null], 'largest', 0)).toBeNull();
    expect(guided([4, 4, 4], 'smallest', 1)).toBeNull();
  });

  it('does not see an invented beat: that is why it is not blind', () => {
    expect(guided([9, 1, 9, 1, 9, 1, 9, 1], 'largest', 4)).toBe(4);
  });
});

describe('matchMarks', () => {
  it('joins each to one, the closest first, within reach', () => {
    expect(matchMarks([10, 30, 50], [12, 29, 33, 90], 10)).toEqual([
      { reference: 10, found: 12 },
      { reference: 30, found: 29 },
    ]);
    expect(matchMarks([10, 14], [13], 10)).toEqual([{ reference: 14, found: 13 }]);
    expect(matchMarks([10], [20], 10)).toEqual([{ reference: 10, found: 20 }]);
    expect(matchMarks([10], [21], 10)).toEqual([]);
  });
});

describe('halfCycle', () => {
  it('is of what is known, of what was found, of a systole, in this order', () => {
    expect(halfCycle([0, 30, 62], [10], [0, 5], true)).toBe(15.5);
    expect(halfCycle([0], [10], [0, 24, 48], false)).toBe(12);
    expect(halfCycle([20], [10], [3], false)).toBe(15);
    expect(halfCycle([], [], [3], false)).toBeNull();
  });
});

describe('beats', () => {
  it('pair each end-diastole with the end-systole before the next one', () => {
    expect(beatsOf([5, 30, 60], [2, 15, 70])).toEqual([
      { endDiastole: 5, endSystole: 15 },
      { endDiastole: 60, endSystole: 70 },
    ]);
  });

  it('count as found where both marks belong to one beat', () => {
    const references = beatsOf([0, 30, 60], [10, 40, 70]);
    const found = beatsOf([1, 31, 50, 61], [11, 41, 55, 72]);
    const diastoles = matchMarks([0, 30, 60], [1, 31, 50, 61], 15);
    const systoles = matchMarks([10, 40, 70], [11, 41, 55, 72], 15);
    expect(matchedBeats(references, found, diastoles, systoles)).toBe(3);
    expect(matchedBeats(references, found, diastoles, systoles.slice(1))).toBe(2);
    expect(found).toHaveLength(4);
  });
});
