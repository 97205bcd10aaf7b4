/** Colours as eyes see them, for tests of the palettes. */
import { rgbOf, type HexColour } from '../src/vocabulary/hex-colour.js';

type Triple = readonly [number, number, number];

/** Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency", severity 1.0; on linear RGB. */
export const eyes = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;
export type Eye = keyof typeof eyes;

const times = (m: readonly number[], [x, y, z]: Triple): Triple => {
  const row = (at: number): number => (m[at] ?? 0) * x + (m[at + 1] ?? 0) * y + (m[at + 2] ?? 0) * z;
  return [row(0), row(3), row(6)];
};

const linear = (level: number): number =>
  level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4;

/** OKLab (Ottosson 2020) of a colour 0..255 as an eye sees it. */
export function seen(rgb: Triple, eye: Eye): Triple {
  const light = times(eyes[eye], [linear(rgb[0]), linear(rgb[1]), linear(rgb[2])]);
  const inGamut = light.map((part) => Math.min(1, Math.max(0, part))) as unknown as Triple;
  const cones = times(
    [
      ...[0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566],
      ...[0.0883024619, 0.2817188376, 0.6299787005],
    ],
    inGamut,
  );
  return times(
    [
      ...[0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099],
      ...[0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones.map(Math.cbrt) as unknown as Triple,
  );
}

/** Euclidean in OKLab: 0.02 can just be told apart side by side. */
export const difference = (a: Triple, b: Triple): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** How colourful, 0 for white and grey. */
export const chroma = (hex: HexColour): number => {
  const [, a, b] = seen(rgbOf(hex), 'normal');
  return Math.hypot(a, b);
};

/** Red, green, blue and the share of the pixels that have about this colour. */
export type Share = readonly [red: number, green: number, blue: number, share: number];

const binBits = 5;
const darkBelow = 24;
const leastShare = 0.001;

/** Which colours lit pixels have, most frequent first: means of bins of 32 levels a channel. `data`: uint8 RGB. */
export function colourShares(data: Uint8Array): Share[] {
  const bins = new Map<number, [number, number, number, number]>();
  let lit = 0;
  for (let at = 0; at + 2 < data.length; at += 3) {
    const [red, green, blue] = [data[at], data[at + 1], data[at + 2]] as [number, number, number];
    if (Math.max(red, green, blue) < darkBelow) continue;
    lit++;
    const key = ((red >> binBits) << 16) | ((green >> binBits) << 8) | (blue >> binBits);
    const bin = bins.get(key) ?? [0, 0, 0, 0];
    bins.set(key, [bin[0] + red, bin[1] + green, bin[2] + blue, bin[3] + 1]);
  }
  return [...bins.values()]
    .filter((bin) => bin[3] >= leastShare * lit)
    .sort((a, b) => b[3] - a[3])
    .map(([red, green, blue, count]) => [
      Math.round(red / count),
      Math.round(green / count),
      Math.round(blue / count),
      Math.round((1e4 * count) / lit) / 1e4,
    ]);
}

/** Share of the tissue that an eye hardly tells from a colour. */
export function lostOn(hex: HexColour, tissue: readonly Share[], eye: Eye, near: number): number {
  const colour = seen(rgbOf(hex), eye);
  return tissue.reduce(
    (sum, [red, green, blue, share]) =>
      difference(colour, seen([red, green, blue], eye)) < near ? sum + share : sum,
    0,
  );
}
