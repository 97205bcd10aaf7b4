/**
 * An outline that a person corrects with a brush: it begins as it was found (smooth, at the size of the picture), strokes add to it
 * or take away. The browser paints; the mask is read back when a stroke ends. Runs in the page.
 */
import { maskFromBitmap } from '../../../src/mask/rle.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import { t } from '../core/texts.js';

type BrushTool = 'add' | 'erase';

export class ContourBrush {
  readonly canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;

  /** `outline`: as it was found, in pixels of the picture; null: the structure was not found on this picture. */
  constructor({ width, height }: PictureSize, outline: Path2D | null, colour: string) {
    this.canvas = new OffscreenCanvas(width, height);
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error(t('This browser gives no canvas to draw on.'));
    this.#context = context;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    if (outline) context.fill(outline, 'evenodd');
  }

  /** `radius`: pixels of the picture. */
  stroke([x0, y0]: Point, [x1, y1]: Point, radius: number, tool: BrushTool): void {
    const context = this.#context;
    context.globalCompositeOperation = tool === 'add' ? 'source-over' : 'destination-out';
    context.lineWidth = 2 * radius;
    context.beginPath();
    context.moveTo(x0, y0);
    // A line of no length is a dot with round ends only where it has some.
    context.lineTo(x1 + (x0 === x1 && y0 === y1 ? 0.01 : 0), y1);
    context.stroke();
  }

  polygon(corners: readonly Point[], tool: BrushTool): void {
    const context = this.#context;
    context.globalCompositeOperation = tool === 'add' ? 'source-over' : 'destination-out';
    context.beginPath();
    corners.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.fill();
  }

  mask(): Mask {
    const { width, height } = this.canvas;
    const { data } = this.#context.getImageData(0, 0, width, height);
    const bitmap = new Uint8Array(width * height);
    for (let at = 0; at < bitmap.length; at += 1) bitmap[at] = (data[4 * at + 3] ?? 0) >= 128 ? 1 : 0;
    return maskFromBitmap(bitmap, width, height);
  }
}
