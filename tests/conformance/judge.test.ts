/** The judge is held to every kind of fault once: what is right passes, what is wrong is named. */
import { describe, expect, it } from 'vitest';
import { faults, liveFaults, numbers, trackingFaults } from './judge.js';
import { patches, squareBox } from './picture.js';
import type { Product, ProductPicture, Row } from './product.js';
import type { Reference } from './reference.js';

const size = { width: 160, height: 96 };
const colours = patches.map(([red, green, blue]) => [red, green, blue] as const);
const count = 20;
const reading = (number: number | null) => ({ number, colours, comb: 0 });
const reference: Reference = {
  size,
  pictures: Array.from({ length: count }, (_, index) => ({ ...reading(index), mediaMs: index * 40 })),
};
const pictures: readonly ProductPicture[] = reference.pictures.map((picture, index) => ({
  ...picture,
  ptsMs: picture.mediaMs,
  sourceFrame: index,
  discontinuity: 0,
}));
const right: Product = {
  size,
  frameCount: count,
  framesPerSecond: 25,
  displaySizes: [size],
  analysis: pictures,
  display: pictures,
  outcome: 'complete',
  lost: [],
  dropped: 0,
};
const whole = { cutShort: false, interlaced: false };
const judged = (change: Partial<Product>, expected = whole): string[] =>
  faults(reference, { ...right, ...change }, expected);
const changed = (index: number, change: Partial<ProductPicture>): readonly ProductPicture[] =>
  pictures.map((picture, at) => (at === index ? { ...picture, ...change } : picture));

describe('what is right', () => {
  it('passes, also where length and rate are unknown', () => {
    expect(judged({})).toEqual([]);
    expect(judged({ frameCount: null, framesPerSecond: null })).toEqual([]);
  });
});

describe('what is wrong', () => {
  it.each<[string, Partial<Product>, RegExp]>([
    ['a lost picture', { analysis: pictures.slice(1) }, /^analysis pictures: 1-19 \(19\) instead of 0-19/],
    [
      'two pictures swapped',
      {
        display: [
          ...pictures.slice(0, 3),
          ...pictures.slice(4, 5),
          ...pictures.slice(3, 4),
          ...pictures.slice(5),
        ],
      },
      /^display pictures: 0-2 4 3 5-19/,
    ],
    ['a broken picture', { display: changed(4, { number: null }) }, /^display pictures: 0-3 \? 5-19/],
    ['a number', { analysis: changed(4, { sourceFrame: 5 }) }, /picture 4 has the number 5/],
    ['a discontinuity', { analysis: changed(4, { discontinuity: 1 }) }, /discontinuity/],
    ['a time', { analysis: changed(4, { mediaMs: 161.5 }) }, /picture 4 at 161.5 ms instead of 160.0 ms/],
    ['time that stands still', { display: changed(4, { ptsMs: 120 }) }, /does not rise at picture 4/],
    ['a size', { size: { width: 96, height: 160 } }, /^size 96×160 instead of 160×96/],
    ['a shown size', { displaySizes: [size, { width: 160, height: 97 }] }, /^shown as 160×97/],
    [
      'a colour',
      { analysis: changed(4, { colours: [[20, 20, 24], ...colours.slice(1)] }) },
      /picture 4: colour 20,20,24 instead of 20,20,20/,
    ],
    ['a promise', { frameCount: count + 1 }, /^promises 21 of 20/],
    ['a rate', { framesPerSecond: 90_000 }, /^says 90000 per second/],
    ['an error', { outcome: 'SONO_SOURCE_CODEC' }, /^outcome SONO_SOURCE_CODEC/],
    ['a loss', { lost: ['SONO_SOURCE_DAMAGED'] }, /^reported as lost/],
    ['a dropped picture', { dropped: 1 }, /^1 dropped/],
  ])('%s is named', (_, change, sentence) => {
    expect(judged(change)[0]).toMatch(sentence);
  });

  it('includes a comb that is still there', () => {
    const combed = pictures.map((picture) => ({ ...picture, comb: 0.03 }));
    const truth = { ...reference, pictures: reference.pictures.map((each) => ({ ...each, comb: 0.04 })) };
    const product = { ...right, analysis: combed };
    expect(faults(truth, product, { ...whole, interlaced: true })).toEqual([
      'analysis: combed, 3.00 % of 4.00 %',
    ]);
  });

  it('does not include a loss that is there', () => {
    expect(judged({ lost: ['SONO_SOURCE_DAMAGED'] }, { ...whole, cutShort: true })).toEqual([]);
    expect(judged({ lost: ['SONO_SOURCE_CRASHED'] }, { ...whole, cutShort: true })).toHaveLength(1);
  });
});

it('a time that FFmpeg itself repeats asks for nothing but order', () => {
  const repeated = reference.pictures.map((picture, index) => ({
    ...picture,
    mediaMs: index < 10 ? 0 : index * 40,
  }));
  expect(faults({ ...reference, pictures: repeated }, right, whole)).toEqual([]);
});

it('live, a picture may be left out if it is counted, but not mixed up', () => {
  const without = [...pictures.slice(0, 5), ...pictures.slice(6)];
  expect(liveFaults(reference, { ...right, display: without, dropped: 1 })).toEqual([]);
  expect(liveFaults(reference, { ...right, display: without })).toEqual([
    'display: 1 pictures missing, 0 counted as dropped',
  ]);
  expect(liveFaults(reference, { ...right, display: changed(4, { number: 5 }) })).toEqual([
    'display: 1 wrong, the first: picture 4 shows 5 instead of 4',
  ]);
});

describe('masks', () => {
  const unit = { width: 1280, height: 960 };
  const rows = (ahead: number): Row[] =>
    pictures.map((_, frame) => {
      const [left, , right] = squareBox(frame + ahead, unit);
      const centre = [(left + right) / 2 / unit.width, 0.86] as const;
      return { frame, tracked: frame >= 6, centre: frame >= 6 ? centre : null };
    });

  it('on their pictures pass', () => {
    expect(trackingFaults(reference, rows(0), 6)).toEqual([]);
  });

  it('of another picture, too early or too few are named', () => {
    expect(trackingFaults(reference, rows(1), 6)).toEqual(['masks are 1.00 pictures ahead']);
    expect(trackingFaults(reference, rows(-1), 6)).toEqual(['masks are -1.00 pictures ahead']);
    expect(trackingFaults(reference, rows(0), 7)).toEqual(['tracked at 6, before the prompt at 7']);
    expect(trackingFaults(reference, rows(0).slice(0, -1), 6)).toEqual([
      '19 rows for 20 pictures',
      '13 masks after the prompt',
    ]);
  });
});

it('numbers are shortened to runs', () => {
  expect(numbers([0, 1, 2, 7, null, 3, 4].map((number) => reading(number)))).toBe('0-2 7 ? 3-4 (7)');
});
