/**
 * Colours of objects: one object has the same colour in the browser, in the outlines for Foxglove and in an exported MP4.
 * Pure; runs in any thread and in the browser; throws nothing.
 *
 * From Okabe and Ito's colour-blind-safe set and its light relatives, without the ones that sink into red tissue
 * (vermillion, reddish purple, green for red-green blind eyes). The test simulates three kinds of colour blindness
 * (Machado et al. 2009) and checks that the first four stay apart and that each stands out from tissue. Every outline also
 * has a dark halo, a number and a line style, so colour is never alone.
 */
interface Paint {
  readonly name: string;
  /** `#rrggbb`, sRGB. */
  readonly hex: string;
  /** The same as numbers, 0..255 each. */
  readonly rgb: readonly [red: number, green: number, blue: number];
}

const paint = (name: string, hex: string): Paint => {
  const part = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
  return { name, hex, rgb: [part(1), part(3), part(5)] };
};
const white = paint('white', '#ffffff');

export const palette: readonly Paint[] = [
  paint('sky', '#56b4e9'),
  paint('yellow', '#f0e442'),
  white,
  paint('violet', '#8a5cff'),
  paint('lime', '#a6e22e'),
  paint('aqua', '#00e5d0'),
  paint('lavender', '#b9a7ff'),
  paint('blue', '#3f7dff'),
];

/** The same object keeps its colour for life: ids are never reused. */
export function paintOf(objectId: number): Paint {
  const index = (((objectId - 1) % palette.length) + palette.length) % palette.length;
  return palette[index] ?? white;
}
