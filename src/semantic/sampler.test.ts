import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PictureSize } from '../vocabulary/frame.js';
import { Sampler } from './sampler.js';

const input = { width: 40, height: 40 };
const picture = { width: 64, height: 64 };
const whole = { left: 0, top: 0, ...picture };

/** A picture whose grey levels are given, in all three channels but one step apart. */
function drawn({ width, height }: PictureSize, grey: (x: number, y: number) => number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let channel = 0; channel < 3; channel++)
      data[pixel * 3 + channel] = grey(pixel % width, Math.floor(pixel / width)) + channel;
  return data;
}

const parts = fc.record({
  left: fc.double({ min: -30, max: 60, noNaN: true }),
  top: fc.double({ min: -30, max: 60, noNaN: true }),
  width: fc.double({ min: 5, max: 130, noNaN: true }),
  height: fc.double({ min: 5, max: 130, noNaN: true }),
});

describe('Sampler', () => {
  it('shows each place of a part where it belongs, and black beside the picture', () => {
    fc.assert(
      fc.property(parts, fc.boolean(), (part, across) => {
        const sampler = new Sampler(picture, input);
        sampler.lookAt(part);
        const sampled = sampler.sample(drawn(picture, (x, y) => 40 + 3 * (across ? x : y)));
        const reach = Math.max(1, part.width / 40, part.height / 40) / 2;
        for (let y = 0; y < 40; y += 3)
          for (let x = 0; x < 40; x += 3) {
            const placeX = part.left + ((x + 0.5) * part.width) / 40;
            const placeY = part.top + ((y + 0.5) * part.height) / 40;
            const pixel = [0, 1, 2].map((channel) => sampled[(y * 40 + x) * 3 + channel] as number);
            if (placeX <= 0 || placeX >= 64 || placeY <= 0 || placeY >= 64) {
              expect(pixel).toEqual([0, 0, 0]);
              continue;
            }
            const place = across ? placeX : placeY;
            const grey = 40 + 3 * (place - 0.5);
            // At the picture's border a pixel shows what there is of it.
            const allowed = Math.min(place, 64 - place) >= reach ? 1 : 1 + 3 * reach;
            pixel.forEach((value, channel) =>
              expect(Math.abs(value - channel - grey)).toBeLessThanOrEqual(allowed),
            );
          }
      }),
      { numRuns: 40 },
    );
  });

  it('leaves an even grey as it is, to the last bit', () => {
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 253 }), (part, grey) => {
        const sampler = new Sampler(picture, input);
        sampler.lookAt(part);
        const sampled = sampler.sample(drawn(picture, () => grey));
        const even = (pixel: number) =>
          [0, 1, 2].every((channel) => sampled[pixel * 3 + channel] === grey + channel) ||
          [0, 1, 2].every((channel) => sampled[pixel * 3 + channel] === 0);
        expect(Array.from({ length: 1600 }, (_, pixel) => pixel).filter((pixel) => !even(pixel))).toEqual([]);
      }),
    );
  });

  it('takes means where it gets smaller: a fine pattern becomes grey, not another pattern', () => {
    const sampler = new Sampler({ width: 160, height: 160 }, input);
    const sampled = sampler.sample(
      drawn({ width: 160, height: 160 }, (x, y) => ((x + y) % 2 === 0 ? 60 : 200)),
    );
    for (let at = 0; at < sampled.length; at += 3) expect(sampled[at]).toBe(130);
  });

  it('mirrors with the picture', () => {
    fc.assert(
      fc.property(parts, (part) => {
        const grey = (x: number, y: number) => (x * 37 + y * 91 + x * y) % 250;
        const sampler = new Sampler(picture, input);
        sampler.lookAt(part);
        const straight = sampler.sample(drawn(picture, grey)).slice();
        sampler.lookAt({ ...part, left: picture.width - part.left - part.width });
        const mirrored = sampler.sample(drawn(picture, (x, y) => grey(63 - x, y)));
        for (let pixel = 0; pixel < 1600; pixel += 7) {
          const x = pixel % 40;
          const other = pixel - x + 39 - x;
          // Rounded weights of two halves.
          expect(
            Math.abs((straight[pixel * 3] as number) - (mirrored[other * 3] as number)),
          ).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it('samples a grey picture as each channel of one that is not grey', () => {
    fc.assert(
      fc.property(parts, (part) => {
        const sampler = new Sampler(picture, input);
        sampler.lookAt(part);
        const colour = drawn(picture, (x, y) => (x * 37 + y * 91 + x * y) % 250);
        const apart = sampler.sample(colour).slice();
        for (let channel = 0; channel < 3; channel++) {
          const grey = colour.map((_, at) => colour[at - (at % 3) + channel] as number);
          const expected = apart.map((_, at) => apart[at - (at % 3) + channel] as number);
          expect(sampler.sample(grey)).toEqual(expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('hands on the picture itself where it is what is wanted, and refuses one of another size', () => {
    const same = new Sampler(input, input);
    const data = drawn(input, (x) => x);
    expect(same.sample(data)).toBe(data);
    same.lookAt({ left: 1, top: 0, ...input });
    const moved = same.sample(data);
    expect([moved[0], moved[39 * 3], moved[38 * 3]]).toEqual([1, 0, 39]);
    same.lookAt({ left: 0, top: 0, ...input });
    expect(same.sample(data)).toBe(data);
    expect(() => same.sample(new Uint8Array(9))).toThrow(RangeError);
  });

  it('looks at the whole picture at first', () => {
    const sampler = new Sampler(picture, input);
    const data = drawn(picture, (x, y) => x + y);
    const first = sampler.sample(data).slice();
    sampler.lookAt(whole);
    expect(sampler.sample(data)).toEqual(first);
  });
});
