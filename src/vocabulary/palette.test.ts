import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chroma, difference, eyes, lostOn, seen, type Eye, type Share } from '../../tests/colour-vision.js';
import { isHexColour, rgbOf } from './hex-colour.js';
import { colourOf, freeSlot, palettes, slotOfId, toldColour } from './palette.js';
import { pictureKindOf, pictureKinds } from './picture-kind.js';

const sampled = JSON.parse(
  readFileSync(new URL('../../tests/data/tissue-colours.json', import.meta.url), 'utf8'),
) as { readonly endoscopy: readonly Share[]; readonly ultrasound: readonly Share[] };
/** No clip with blood flow in colour is at hand: grey tissue below a usual map of velocities, red to yellow and blue to cyan. */
const flow: readonly Share[] = [
  ...(
    [
      [120, 0, 0],
      [190, 10, 10],
      [235, 60, 10],
      [250, 130, 20],
      [255, 210, 60],
      [0, 0, 120],
      [10, 20, 190],
      [20, 70, 235],
      [40, 140, 250],
      [90, 220, 255],
    ] as const
  ).map(([red, green, blue]): Share => [red, green, blue, 0.04]),
  ...sampled.ultrasound.map(([red, green, blue, share]): Share => [red, green, blue, 0.6 * share]),
];
const tissue = { endoscopy: sampled.endoscopy, ultrasound: sampled.ultrasound, doppler: flow };
const everyEye = Object.keys(eyes) as Eye[];

describe.each(pictureKinds)('colours on %s', (kind) => {
  const set = palettes[kind];

  it.each(everyEye)('every two stay apart: %s', (eye) => {
    for (const [index, a] of set.entries())
      for (const b of set.slice(index + 1))
        expect(difference(seen(rgbOf(a), eye), seen(rgbOf(b), eye)), `${a} ${b}`).toBeGreaterThan(0.1);
  });

  it.each(everyEye)('each stands out from tissue: %s', (eye) => {
    for (const colour of set) expect(lostOn(colour, tissue[kind], eye, 0.06), colour).toBeLessThan(0.04);
  });

  it('none is white or grey', () => {
    for (const colour of set) expect(chroma(colour), colour).toBeGreaterThan(0.1);
  });
});

it('the limits notice white on ultrasound and red on mucosa', () => {
  expect(chroma('#ffffff')).toBeLessThan(0.01);
  expect(lostOn('#808080', tissue.ultrasound, 'normal', 0.06)).toBeGreaterThan(0.04);
  expect(lostOn('#b5523f', tissue.endoscopy, 'normal', 0.06)).toBeGreaterThan(0.04);
});

describe('places in the set', () => {
  it('the first free one; one that ended is free again', () => {
    expect(freeSlot([])).toBe(0);
    expect(freeSlot([0, 1, 3])).toBe(2);
    expect(freeSlot([1, 2])).toBe(0);
  });

  it('numbers that grow never meet on one colour while another is free', () => {
    const living: number[] = [];
    for (let born = 0; born < 100; born++) {
      living.push(freeSlot(living));
      if (living.length > palettes.endoscopy.length) throw new Error('more than there are colours');
      expect(new Set(living.map((slot) => colourOf(slot))).size).toBe(living.length);
      if (living.length === palettes.endoscopy.length)
        living.splice((born * 3) % living.length, 1 + (born % 4));
    }
  });

  it('begin anew with more objects than colours', () => {
    expect(colourOf(8, 'ultrasound')).toBe(palettes.ultrasound[0]);
  });
});

it('what a message says is used as it is, and nothing but a colour is', () => {
  expect(toldColour('#6555fe', 3)).toBe('#6555fe');
  expect(toldColour('', 3)).toBe(colourOf(slotOfId(3)));
  expect(toldColour('red;background:url(x)', 1)).toBe(colourOf(0));
  expect(isHexColour('#12345')).toBe(false);
});

describe('kind of picture', () => {
  const picture = (pixel: (index: number) => readonly [number, number, number]): Uint8Array =>
    Uint8Array.from({ length: 3 * 4000 }, (_, at) => pixel(Math.floor(at / 3))[at % 3] ?? 0);

  it('grey, grey with coloured marks, flow, mucosa, darkness', () => {
    expect(pictureKindOf(picture((n) => [n % 200, n % 200, n % 200]))).toBe('ultrasound');
    expect(pictureKindOf(picture((n) => (n % 100 === 0 ? [240, 200, 0] : [120, 121, 126])))).toBe(
      'ultrasound',
    );
    expect(pictureKindOf(picture((n) => (n % 8 === 0 ? [200, 20, 10] : [90, 90, 90])))).toBe('doppler');
    expect(pictureKindOf(picture(() => [180, 90, 70]))).toBe('endoscopy');
    expect(pictureKindOf(picture(() => [8, 8, 8]))).toBeNull();
  });
});
