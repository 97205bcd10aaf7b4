import { describe, expect, it } from 'vitest';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import { withAnswer } from './shown-marks.js';

type Answer = ResponseOf<'projects.prompt'>;
const size = { width: 8, height: 8 };
const mask = (label: string, areaPx: number) => ({
  ...{ label, state: 'tracking' as const, score: 1, confidence: 1, areaPx, counts: '' },
  ...{ corrected: false, marked: true },
});
const answer = (change: Partial<Answer>): Answer =>
  ({ label: 'liver', mark: 1, frame: 3, size, object: mask('liver', 5), problem: null, ...change }) as Answer;
const shown = { frame: 3, size, objects: [mask('liver', 1), mask('vessel', 2)] };

describe('the mask that a mark is answered with', () => {
  it('takes the place of the object’s mask on its picture, and no other', () => {
    expect(withAnswer(shown, answer({})).objects.map(({ label, areaPx }) => [label, areaPx])).toEqual([
      ['vessel', 2],
      ['liver', 5],
    ]);
    expect(withAnswer(shown, answer({ frame: 4 }))).toBe(shown);
  });

  it('is the first on a picture that was not tracked', () => {
    const first = withAnswer({ frame: 3, size: null, objects: [] }, answer({}));
    expect(first).toEqual({ frame: 3, size, objects: [mask('liver', 5)] });
  });

  it('goes with the last mark', () => {
    expect(withAnswer(shown, answer({ object: null })).objects).toEqual([mask('vessel', 2)]);
  });
});
