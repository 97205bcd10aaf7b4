/**
 * Colours of objects. From Okabe and Ito's colour-blind-safe set and its light relatives, without the ones that sink
 * into red tissue (vermillion, reddish purple, green for red-green blind eyes). The test simulates three kinds of colour
 * blindness (Machado et al. 2009) and checks that the first four stay apart and that each stands out from tissue. Every outline also has a dark halo, a
 * number and a line style, so colour is never alone.
 */

export interface Paint {
  readonly name: string;
  readonly hex: string;
}

export const palette: readonly Paint[] = [
  { name: 'sky', hex: '#56b4e9' },
  { name: 'yellow', hex: '#f0e442' },
  { name: 'white', hex: '#ffffff' },
  { name: 'violet', hex: '#8a5cff' },
  { name: 'lime', hex: '#a6e22e' },
  { name: 'aqua', hex: '#00e5d0' },
  { name: 'lavender', hex: '#b9a7ff' },
  { name: 'blue', hex: '#3f7dff' },
];

/** The same object keeps its colour for life: ids are never reused. */
export function paintOf(objectId: number): Paint {
  const index = (((objectId - 1) % palette.length) + palette.length) % palette.length;
  return palette[index] ?? { name: 'white', hex: '#ffffff' };
}
