/** The still that shows the answer to a prompt: the prompted picture with the new outline. Runs in the painting worker. */
import { contextOf } from './painter.js';
import { drawOverlay, overlayOf } from './overlay-drawing.js';
import type { DrawableSegmentation } from './overlay-drawing.js';

/** Size of the still in units of drawing. */
const width = 240;
const height = 150;

/** The picture cut around one object, with that object's outline. `unit`: device pixels per unit of drawing. */
export function firstMaskStill(
  bitmap: ImageBitmap,
  segmentation: DrawableSegmentation,
  objectId: number,
  unit: number,
): ImageBitmap {
  const overlay = overlayOf({
    ...segmentation,
    objects: segmentation.objects.filter((one) => one.id === objectId),
  });
  const canvas = new OffscreenCanvas(Math.round(width * unit), Math.round(height * unit));
  const drawn = overlay.objects[0];
  const covering = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
  // The object fills at most 70 % of the still, at most three units per source pixel, and no edge of the picture shows.
  const scale = drawn
    ? Math.max(
        covering,
        Math.min(
          (0.7 * canvas.width) / Math.max(1, drawn.right - drawn.left),
          (0.7 * canvas.height) / Math.max(1, drawn.bottom - drawn.top),
          3 * unit,
        ),
      )
    : covering;
  const middleX = drawn ? (drawn.left + drawn.right) / 2 : bitmap.width / 2;
  const middleY = drawn ? (drawn.top + drawn.bottom) / 2 : bitmap.height / 2;
  const within = (start: number, extent: number, space: number): number =>
    Math.min(0, Math.max(space - extent, start));
  const placement = {
    left: within(canvas.width / 2 - middleX * scale, bitmap.width * scale, canvas.width),
    top: within(canvas.height / 2 - middleY * scale, bitmap.height * scale, canvas.height),
    scale,
  };
  const context = contextOf(canvas);
  context.drawImage(bitmap, placement.left, placement.top, bitmap.width * scale, bitmap.height * scale);
  drawOverlay(
    context,
    overlay,
    placement,
    { fillOpacity: 0.25, labels: false, lineWidth: 2, selectedObject: null, hidden: [] },
    unit,
  );
  return canvas.transferToImageBitmap();
}
