import { expect, it } from 'vitest';
import { laneCode } from '../protocol/project-requests.js';
import { uncertainPictures } from './uncertain.js';

const lane = (label: string, confidences: readonly number[]) => ({
  ...{ label, confidences: Uint8Array.from(confidences) },
  states: Uint8Array.from(confidences, (confidence) =>
    confidence === 0 ? 0 : laneCode(confidence < 50 ? 'uncertain' : 'tracking'),
  ),
});
const wishes = { apart: 3, count: 10, excluded: new Set<number>() };
const frames = (found: ReturnType<typeof uncertainPictures>) => found.map(({ frame }) => frame);

it('the least sure picture of each stretch comes, the lowest first, with its object', () => {
  const a = lane('a', [90, 80, 40, 60, 90, 90, 90, 70, 90, 90]);
  const b = lane('b', [95, 95, 95, 95, 95, 95, 95, 95, 95, 30]);
  expect(uncertainPictures([a, b], wishes)).toEqual([
    { frame: 9, label: 'b', confidence: 30, state: 'uncertain' },
    { frame: 2, label: 'a', confidence: 40, state: 'uncertain' },
  ]);
  // 7 lies within three pictures of 9; closer together it comes too.
  expect(frames(uncertainPictures([a, b], { ...wishes, apart: 2 }))).toEqual([9, 2, 7]);
  expect(frames(uncertainPictures([a, b], { ...wishes, apart: 2, count: 1 }))).toEqual([9]);
});

it('a level stretch counts once, by its middle; what nothing is known of does not count', () => {
  expect(frames(uncertainPictures([lane('a', [90, 20, 20, 20, 20, 20, 90, 0, 0, 0])], wishes))).toEqual([3]);
  expect(uncertainPictures([lane('a', [0, 0, 0])], wishes)).toEqual([]);
  expect(uncertainPictures([], wishes)).toEqual([]);
});

it('pictures that were seen do not come again, nor do their neighbours', () => {
  const a = lane('a', [90, 40, 45, 42, 90, 90, 90, 70, 90]);
  expect(frames(uncertainPictures([a], { ...wishes, excluded: new Set([1]) }))).toEqual([7]);
});
