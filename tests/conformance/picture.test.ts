/** The reader of test pictures is itself held to what the drawing says: it must see what is wrong, not only what is right. */
import { describe, expect, it } from 'vitest';
import type { PictureSize } from '../../src/vocabulary/frame.js';
import { draw, patches, readPicture } from './picture.js';

const size: PictureSize = { width: 161, height: 97 };

/** The picture turned clockwise by 90 degrees. */
function turnedRight(pixels: Uint8Array, { width, height }: PictureSize): Uint8Array {
  const turned = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      turned.set(
        pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
        (x * height + height - 1 - y) * 3,
      );
  return turned;
}

describe('the test picture', () => {
  it.each([0, 1, 37, 128, 254, 255])('%i: is read as drawn', (number) => {
    const reading = readPicture(draw(number, size, 'progressive'), size, 0);
    expect(reading.number).toBe(number);
    expect(reading.colours).toEqual(patches);
    expect(reading.comb).toBe(0);
  });

  it('is read when turned, and only with the right turn', () => {
    const turned = turnedRight(draw(37, size, 'progressive'), size);
    const turnedSize = { width: size.height, height: size.width };
    expect(readPicture(turned, turnedSize, 90)).toMatchObject({ number: 37, colours: patches });
    expect(readPicture(turned, turnedSize, 270).number).not.toBe(37);
    expect(readPicture(turned, turnedSize, 0).number).toBeNull();
  });

  it('has no number when it is made of two, or of none', () => {
    const [one, other] = [draw(12, size, 'progressive'), draw(13, size, 'progressive')];
    expect(
      readPicture(
        one.map((value, i) => (value + (other[i] ?? 0)) / 2),
        size,
        0,
      ).number,
    ).toBeNull();
    expect(readPicture(new Uint8Array(size.width * size.height * 3).fill(128), size, 0).number).toBeNull();
  });

  it('of two fields is combed, whichever comes first', () => {
    for (const scan of ['tff', 'bff'] as const)
      expect(readPicture(draw(5, size, scan), size, 0).comb).toBeGreaterThan(0.02);
    expect(draw(5, size, 'tff')).not.toEqual(draw(5, size, 'bff'));
  });
});
