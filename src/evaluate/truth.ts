/** Truth of a frame, one bitmap per object, from its label map. Pure. */
import { voidLabel, voidLabel16, type LabelMap } from './datasets/dataset.js';
import { bitmapFromBytes, wordsOf, type Bitmap } from './metrics/bitmap.js';

/** Truth of each label that occurs, and the void pixels. Takes over the map's bytes where it can. */
export function splitLabels(
  map: LabelMap,
  wanted: ReadonlySet<number> | null,
): { readonly objects: ReadonlyMap<number, Bitmap>; readonly voids: Bitmap | null } {
  const { width, height, data } = map;
  const leftOut = data instanceof Uint16Array ? voidLabel16 : voidLabel;
  // Most maps hold one label and nothing else.
  const single = data instanceof Uint8Array ? singleLabel(data) : null;
  if (data instanceof Uint8Array && single !== null && single !== leftOut) {
    const followed = single !== 0 && (wanted === null || wanted.has(single));
    return {
      objects: new Map(followed ? [[single, bitmapFromBytes(data, width, height)]] : []),
      voids: null,
    };
  }
  const planes = new Map<number, Uint8Array>();
  let plane: Uint8Array | undefined;
  for (let index = 0, last = 0; index < data.length; index++) {
    const value = data[index] as number;
    if (value === 0) continue;
    if (value !== last) {
      plane = planes.get(value) ?? new Uint8Array(data.length);
      planes.set(value, plane);
      last = value;
    }
    (plane as Uint8Array)[index] = 1;
  }
  const voids = planes.get(leftOut);
  return {
    objects: new Map(
      [...planes.keys()]
        .filter((label) => label !== leftOut && (wanted === null || wanted.has(label)))
        .sort((a, b) => a - b)
        .map((label) => [label, bitmapFromBytes(planes.get(label) as Uint8Array, width, height)]),
    ),
    voids: voids ? bitmapFromBytes(voids, width, height) : null,
  };
}

/** The one value beside 0, 0 where there is none, null where there are several. */
function singleLabel(data: Uint8Array): number | null {
  let single = 0;
  const words = wordsOf(data);
  let expected = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as number;
    if (word === 0 || word === expected) continue;
    for (let byte = index * 4; byte < index * 4 + 4; byte++) {
      const value = data[byte] as number;
      if (value === 0 || value === single) continue;
      if (single !== 0) return null;
      single = value;
      expected = (value * 0x01010101) >>> 0;
    }
  }
  for (let index = words.length * 4; index < data.length; index++) {
    const value = data[index] as number;
    if (value === 0 || value === single) continue;
    if (single !== 0) return null;
    single = value;
  }
  return single;
}
