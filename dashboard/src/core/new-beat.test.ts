import { expect, it } from 'vitest';
import { correctionOf, newBeatSteps, nextMomentOf, withMoment } from './new-beat.js';
import type { NewBeat } from './new-beat.js';

it('a beat is end-diastole, end-systole and the next end-diastole, one after the other', () => {
  let beat: NewBeat = [];
  const asked: (string | null)[] = [];
  for (const frame of [0, 9, 24]) {
    asked.push(nextMomentOf(beat));
    expect(correctionOf(beat)).toBeNull();
    const next = withMoment(beat, frame);
    if (typeof next === 'string') throw new Error(next);
    beat = next;
  }
  expect(asked).toEqual(['end-diastole', 'end-systole', 'next end-diastole']);
  expect(beat).toHaveLength(newBeatSteps);
  expect(nextMomentOf(beat)).toBeNull();
  expect(correctionOf(beat)).toEqual({ kind: 'add', endDiastole: 0, endSystole: 9, nextEndDiastole: 24 });
  // A whole beat takes no more.
  expect(withMoment(beat, 30)).toBe(beat);
});

it('says why a moment cannot be where it is put', () => {
  expect(withMoment([10], 10)).toBe(
    'The end-systole must come after the end-diastole, which is on picture 10.',
  );
  expect(withMoment([10, 20], 12)).toBe(
    'The next end-diastole must come after the end-systole, which is on picture 20.',
  );
});
