/**
 * The test picture of the conformance suite: drawn by `draw`, read back by `readPicture`. Pure.
 *
 * Every place is given as a fraction of width and height, so that one reader serves every size, also the stretched picture of
 * the network. From top to bottom: the picture's number as eight blocks, the same blocks inverted (a number that was read
 * wrongly does not fit its inverse), flat colours, a white bar that moves with every field, a magenta square that moves with every
 * picture and is what the tracker follows.
 */
import type { PictureSize } from '../../src/vocabulary/frame.js';

/** Clockwise turn between the stored and the shown picture. */
export type Rotation = 0 | 90 | 180 | 270;

/** progressive: one moment per picture. tff, bff: two, the upper or the lower lines first. */
export type Scan = 'progressive' | 'tff' | 'bff';

/** Row bands as fractions of the height. */
const bands = {
  number: [0, 0.14],
  inverse: [0.14, 0.28],
  colours: [0.3, 0.5],
  bar: [0.52, 0.7],
  square: [0.72, 1],
} as const;

const columns = 8;

/** Among them near-black, near-white (ranges), saturated ones (matrices) and skin. */
export const patches: readonly (readonly [number, number, number])[] = [
  [20, 20, 20],
  [240, 240, 240],
  [200, 40, 40],
  [40, 180, 60],
  [40, 60, 200],
  [220, 170, 130],
  [210, 200, 60],
  [128, 128, 128],
];

/** Box of the square of a picture in pixels of the upright picture: left, top, right, bottom. */
export function squareBox(
  number: number,
  { width, height }: PictureSize,
): readonly [number, number, number, number] {
  const left = Math.round((width / 128) * (8 + ((number * 3) % 88)));
  return [left, Math.round(height * 0.75), left + Math.round(width / 4), Math.round(height * 0.97)];
}

/** uint8 RGB, height × width × 3. `number` 0..255. */
export function draw(number: number, size: PictureSize, scan: Scan): Uint8Array {
  const { width, height } = size;
  const pixels = new Uint8Array(width * height * 3);
  const [squareLeft, squareTop, squareRight, squareBottom] = squareBox(number, size);
  const barWidth = Math.round(width / 10);
  for (let y = 0; y < height; y++) {
    const v = (y + 0.5) / height;
    // The moment of this line in fields.
    const second = scan === 'progressive' ? 0 : (y % 2 === 0) === (scan === 'tff') ? 0 : 1;
    const barLeft = Math.round(((number * 2 + second) * 3 * width) / 160) % (width - barWidth);
    for (let x = 0; x < width; x++) {
      const column = Math.min(columns - 1, Math.floor(((x + 0.5) / width) * columns));
      const bit = (number >> (columns - 1 - column)) & 1;
      let colour: readonly [number, number, number] = [110, 110, 110];
      if (v < bands.number[1]) colour = bit === 1 ? [230, 230, 230] : [25, 25, 25];
      else if (v < bands.inverse[1]) colour = bit === 1 ? [25, 25, 25] : [230, 230, 230];
      else if (v >= bands.colours[0] && v < bands.colours[1]) colour = patches[column] ?? colour;
      else if (v >= bands.bar[0] && v < bands.bar[1])
        colour = x >= barLeft && x < barLeft + barWidth ? [225, 225, 225] : [40, 40, 40];
      else if (y >= squareTop && y < squareBottom && x >= squareLeft && x < squareRight)
        colour = [210, 30, 210];
      pixels.set(colour, (y * width + x) * 3);
    }
  }
  return pixels;
}

/** What is read from one picture. */
export interface Reading {
  /** Null where the blocks do not fit their inverse: no picture of ours, or a broken one. */
  readonly number: number | null;
  /** Mean R, G, B of each flat colour. */
  readonly colours: readonly (readonly [number, number, number])[];
  /** Share of pixels around the bar that differ from the line above and the line below in the same direction. */
  readonly comb: number;
}

/** Across and down as fractions of width and height. */
export type Point = readonly [number, number];

/** Where a point of the upright picture (fractions) is in the shown one. */
export function turned([u, v]: Point, rotation: Rotation): Point {
  switch (rotation) {
    case 0:
      return [u, v];
    case 90:
      return [1 - v, u];
    case 180:
      return [1 - u, 1 - v];
    case 270:
      return [v, 1 - u];
  }
}

/** Pixels between two corners given as fractions: first and last column, first and last row. */
function region(from: Point, to: Point, size: PictureSize, rotation: Rotation) {
  const [a, b] = [turned(from, rotation), turned(to, rotation)];
  const between = (p: number, q: number, length: number): [number, number] => {
    const first = Math.floor(Math.min(p, q) * length);
    return [first, Math.max(first, Math.ceil(Math.max(p, q) * length) - 1)];
  };
  return { columns: between(a[0], b[0], size.width), rows: between(a[1], b[1], size.height) };
}

function mean(
  pixels: Uint8Array,
  size: PictureSize,
  rotation: Rotation,
  column: number,
  band: readonly [number, number],
): [number, number, number] {
  // The middle of the block: its edges are mixed with their neighbours by scaling and coding.
  const [top, bottom] = band;
  const { columns: xs, rows: ys } = region(
    [(column + 0.35) / columns, top + (bottom - top) * 0.35],
    [(column + 0.65) / columns, top + (bottom - top) * 0.65],
    size,
    rotation,
  );
  const sum: [number, number, number] = [0, 0, 0];
  for (let y = ys[0]; y <= ys[1]; y++)
    for (let x = xs[0]; x <= xs[1]; x++)
      for (const channel of [0, 1, 2] as const)
        sum[channel] += pixels[(y * size.width + x) * 3 + channel] ?? 0;
  const count = (xs[1] - xs[0] + 1) * (ys[1] - ys[0] + 1);
  return [sum[0] / count, sum[1] / count, sum[2] / count];
}

/** @param pixels uint8 RGB, height × width × 3 */
export function readPicture(pixels: Uint8Array, size: PictureSize, rotation: Rotation): Reading {
  let value = 0;
  let fits = true;
  for (let column = 0; column < columns; column++) {
    const [[, bit], [, inverse]] = [
      mean(pixels, size, rotation, column, bands.number),
      mean(pixels, size, rotation, column, bands.inverse),
    ];
    // A picture made of two is grey here, or its halves agree.
    if (Math.abs(bit - inverse) < 100) fits = false;
    value = value * 2 + (bit > inverse ? 1 : 0);
  }
  return {
    number: fits ? value : null,
    colours: patches.map((_, column) => mean(pixels, size, rotation, column, bands.colours)),
    comb: combShare(pixels, size, rotation),
  };
}

/** Lines of the camera are rows of the upright picture; only those are looked at, so a turned picture has no comb share. */
function combShare(pixels: Uint8Array, size: PictureSize, rotation: Rotation): number {
  if (rotation !== 0) return 0;
  const [top, bottom] = bands.bar;
  const { rows: ys, columns: xs } = region([0, top + 0.03], [1, bottom - 0.03], size, rotation);
  const green = (x: number, y: number): number => pixels[(y * size.width + x) * 3 + 1] ?? 0;
  let combed = 0;
  for (let y = ys[0] + 1; y < ys[1]; y++)
    for (let x = xs[0]; x <= xs[1]; x++) {
      const above = green(x, y) - green(x, y - 1);
      const below = green(x, y) - green(x, y + 1);
      if (Math.sign(above) === Math.sign(below) && Math.min(Math.abs(above), Math.abs(below)) > 40) combed++;
    }
  return combed / ((ys[1] - ys[0] - 1) * (xs[1] - xs[0] + 1));
}
