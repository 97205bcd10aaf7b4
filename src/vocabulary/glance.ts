/**
 * What is kept of a picture to know it again: one grey level of 16 at each place of a coarse grid over all of it. Single pixels, not
 * means, so that the noise of the picture is in it, by which two beats of a heart differ. Pure.
 */

export const glanceSize = 48;

/** [glanceSize, glanceSize], row-major, 0..15. */
export type Glance = Uint8Array;

/** `data`: uint8 RGB [height, width, 3]. */
export function glanceOf(data: Uint8Array, width: number, height: number): Glance {
  const glance = new Uint8Array(glanceSize * glanceSize);
  for (let row = 0, at = 0; row < glanceSize; row++) {
    const start = Math.floor(((row + 0.5) * height) / glanceSize) * width;
    for (let column = 0; column < glanceSize; column++, at++) {
      const pixel = start + Math.floor(((column + 0.5) * width) / glanceSize);
      glance[at] = (data[pixel * 3 + 1] as number) >> 4;
    }
  }
  return glance;
}

/** One hexadecimal digit for each place. */
export const glanceToText = (glance: Glance): string =>
  Array.from(glance, (level) => level.toString(16)).join('');

export const glanceFromText = (text: string): Glance => Uint8Array.from(text, (digit) => parseInt(digit, 16));
