/** Areas inside outlines that are given as points. Pure; runs in any thread and in the browser. */
import type { Mask } from '../vocabulary/mask.js';
import { maskFromBitmap } from './rle.js';

/**
 * Pixels whose centre lies inside one of the closed polygons (even-odd within each, together what any of them covers).
 *
 * @param polygons x, y, x, y … in pixels, pixel centres at +0.5
 */
export function maskFromPolygons(
  polygons: readonly (readonly number[])[],
  width: number,
  height: number,
): Mask {
  const bitmap = new Uint8Array(width * height);
  for (const points of polygons) {
    const count = Math.floor(points.length / 2);
    for (let y = 0; y < height; y++) {
      const crossings: number[] = [];
      for (let index = 0; index < count; index++) {
        const next = (index + 1) % count;
        const [ax, ay] = [points[2 * index] as number, points[2 * index + 1] as number];
        const [bx, by] = [points[2 * next] as number, points[2 * next + 1] as number];
        if (ay > y + 0.5 !== by > y + 0.5) crossings.push(ax + ((bx - ax) * (y + 0.5 - ay)) / (by - ay));
      }
      crossings.sort((a, b) => a - b);
      for (let index = 0; index + 1 < crossings.length; index += 2) {
        // From the first centre right of one crossing to the last one left of the next.
        const from = Math.max(0, Math.ceil((crossings[index] as number) - 0.5));
        const to = Math.min(width, Math.ceil((crossings[index + 1] as number) - 0.5));
        if (to > from) bitmap.fill(1, y * width + from, y * width + to);
      }
    }
  }
  return maskFromBitmap(bitmap, width, height);
}
