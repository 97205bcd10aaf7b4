import { describe, expect, it } from 'vitest';
import { parseMoment, RangeCursor } from './range.js';
import type { FrameRange } from './range.js';

const places = (range: Partial<FrameRange>, count = 10) => {
  const cursor = new RangeCursor({ from: null, to: null, stride: 1, ...range });
  return Array.from({ length: count }, (_, index) =>
    cursor.place({ sourceFrame: index, mediaNs: index * 40e6 }),
  );
};
const inside = (range: Partial<FrameRange>) =>
  places(range).flatMap((place, index) => (place === 'inside' ? [index] : []));

describe('range of frames', () => {
  it('takes everything by default', () => {
    expect(inside({})).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
  it('includes both ends, by number and by time', () => {
    expect(inside({ from: { kind: 'frame', frame: 2 }, to: { kind: 'frame', frame: 5 } })).toEqual([
      2, 3, 4, 5,
    ]);
    expect(inside({ from: { kind: 'time', timeMs: 80 }, to: { kind: 'time', timeMs: 190 } })).toEqual([
      2, 3, 4, 5,
    ]);
    expect(places({ to: { kind: 'frame', frame: 1 } }, 4)).toEqual(['inside', 'inside', 'after', 'after']);
  });
  it('counts the stride from the first frame of the range', () => {
    expect(inside({ from: { kind: 'frame', frame: 1 }, stride: 3 })).toEqual([1, 4, 7]);
    expect(places({ stride: 2 }, 3)).toEqual(['inside', 'between', 'inside']);
  });
  it('says when nothing is reached', () => {
    expect(inside({ from: { kind: 'frame', frame: 50 } })).toEqual([]);
    expect(inside({ from: { kind: 'frame', frame: 4 }, to: { kind: 'frame', frame: 3 } })).toEqual([]);
  });
  it('reads frame numbers and times', () => {
    expect(parseMoment('120', '--from')).toEqual({ kind: 'frame', frame: 120 });
    expect(parseMoment('12.5s', '--from')).toEqual({ kind: 'time', timeMs: 12500 });
    expect(parseMoment('800ms', '--from')).toEqual({ kind: 'time', timeMs: 800 });
    for (const bad of ['', '-1', '1.5', 'x', '1m', 's'])
      expect(() => parseMoment(bad, '--from')).toThrow(
        expect.objectContaining({ code: 'SONO_REPLAY_OPTION' }),
      );
  });
});
