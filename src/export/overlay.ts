/** Outlines drawn into a picture, for videos that carry their overlay. Pure. */
import type { Mask } from '../vocabulary/mask.js';
import { maskBox, maskToBitmap } from '../mask/rle.js';
import type { ObjectState } from '../vocabulary/prompt.js';

/** Line width in pixels for a picture of this height: three at 720 lines. */
export function lineWidth(height: number): number {
  return Math.max(1, Math.round(height / 240));
}

/**
 * Draws the inner edge of `mask` into `rgb` (row-major, `channels` bytes per pixel, size of the mask). An uncertain
 * object is dashed, so that states differ without colour.
 */
export function drawOutline(
  rgb: Uint8Array,
  channels: 3 | 4,
  mask: Mask,
  colour: readonly [number, number, number],
  width: number,
  state: ObjectState,
): void {
  const [left, top, boxWidth, boxHeight] = maskBox(mask);
  if (boxWidth === 0) return;
  const bitmap = maskToBitmap(mask);
  const stride = mask.width;
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < stride && y < mask.height && bitmap[y * stride + x] === 1;
  const dashed = state === 'uncertain';
  const dash = 5 * width;
  for (let y = top; y < top + boxHeight; y++)
    for (let x = left; x < left + boxWidth; x++) {
      if (bitmap[y * stride + x] === 0) continue;
      let edge = false;
      for (let step = 1; step <= width && !edge; step++)
        edge = !inside(x - step, y) || !inside(x + step, y) || !inside(x, y - step) || !inside(x, y + step);
      if (!edge || (dashed && Math.floor((x + y) / dash) % 2 === 1)) continue;
      rgb.set(colour, (y * stride + x) * channels);
    }
}
