/**
 * Paints pictures and outlines on one canvas: where the picture lies, how many pixels the canvas has, when it must be
 * painted again. Runs in the painting worker and owns the canvas. Throws where the browser gives no 2d context.
 */
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Shown } from '../core/presentation.js';
import { Rate, Recent } from '../core/rates.js';
import { toneFilter } from '../core/tone.js';
import { fitView, place } from '../core/viewport.js';
import type { Placement, ViewChoice } from '../core/viewport.js';
import type { Look } from './messages.js';
import { drawOverlay } from './overlay-drawing.js';
import type { DrawnObject, Overlay } from './overlay-drawing.js';
import type { Picture } from './picture-decoder.js';

export function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d', { alpha: false });
  if (!context) throw new Error('this browser gives no 2d context for an OffscreenCanvas');
  return context;
}

export class Painter {
  readonly refreshRate = new Rate();
  /** Milliseconds that painting took. */
  readonly drawMs = new Recent(32);
  /** Something other than the picture has changed: paint again at the next refresh. */
  dirty = false;
  lastRefreshMs = performance.now();
  /** Device pixels per unit of drawing. */
  unit: number;
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #onPictureSize: (size: PictureSize) => void;
  /** The canvas on the page, device pixels. */
  #stage: PictureSize;
  /** Canvas pixels per device pixel of the stage: below 1 where this machine cannot paint its whole screen in time. */
  #detail = 1;
  #coarse = false;
  #view: ViewChoice = fitView;
  #pictureSize: PictureSize | null = null;
  #black = false;

  constructor(
    canvas: OffscreenCanvas,
    size: PictureSize,
    unit: number,
    onPictureSize: (size: PictureSize) => void,
  ) {
    this.#canvas = canvas;
    this.#stage = size;
    this.unit = unit;
    this.#onPictureSize = onPictureSize;
    this.#fitCanvas();
    this.#context = contextOf(canvas);
  }

  get canvasPixels(): number {
    return this.#canvas.width * this.#canvas.height;
  }

  resize(size: PictureSize, unit: number): void {
    this.unit = unit;
    if (size.width === this.#stage.width && size.height === this.#stage.height) return;
    this.#stage = size;
    this.#coarse = false;
    this.#fitCanvas();
  }

  view(view: ViewChoice): void {
    this.#view = view;
    this.#fitCanvas();
    this.dirty = true;
  }

  /**
   * A machine without a GPU may be too slow to fill a large screen at source rate. Then the canvas gets only as many
   * pixels as the picture has at this zoom, and the browser stretches it: the picture loses nothing, outlines are a little less sharp.
   */
  #fitCanvas(): void {
    const scale = this.#pictureSize ? place(this.#view, this.#pictureSize, this.#stage).scale : 1;
    this.#detail = this.#coarse ? Math.min(1, 1 / scale) : 1;
    const width = Math.max(1, Math.round(this.#stage.width * this.#detail));
    const height = Math.max(1, Math.round(this.#stage.height * this.#detail));
    if (width === this.#canvas.width && height === this.#canvas.height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    // Setting the size clears the canvas: paint again before anybody sees it.
    this.dirty = true;
  }

  /** Once per display refresh. With too few refreshes for the source's rate, fewer pixels are painted from then on. */
  refreshed(nowMs: number, picturesPerSecond: number): void {
    this.lastRefreshMs = nowMs;
    this.refreshRate.mark(nowMs);
    const small = this.#stage.width * this.#stage.height < 1e6;
    if (this.#coarse || small || this.refreshRate.spanMs(nowMs) < 1500) return;
    if (this.refreshRate.perSecond(nowMs) >= 1.25 * picturesPerSecond) return;
    this.#coarse = true;
    this.#fitCanvas();
  }

  /** Canvas pixels. */
  #placement(bitmap: ImageBitmap): Placement {
    const { left, top, scale } = place(this.#view, bitmap, this.#stage);
    return { left: left * this.#detail, top: top * this.#detail, scale: scale * this.#detail };
  }

  paint(shown: Shown<Picture, Overlay>, look: Look): void {
    const startMs = performance.now();
    const context = this.#context;
    const { bitmap } = shown.picture;
    if (bitmap.width !== this.#pictureSize?.width || bitmap.height !== this.#pictureSize.height) {
      this.#pictureSize = { width: bitmap.width, height: bitmap.height };
      this.#onPictureSize(this.#pictureSize);
      this.#fitCanvas();
    }
    const placement = this.#placement(bitmap);
    const { left, top, scale } = placement;
    const width = bitmap.width * scale;
    const height = bitmap.height * scale;
    const canvas = this.#canvas;
    if (left > 0 || top > 0 || left + width < canvas.width || top + height < canvas.height) this.#fillBlack();
    // One source pixel per device pixel must stay exactly that; at high zoom, pixels are shown as squares.
    context.imageSmoothingEnabled = Math.abs(scale - 1) > 1e-6 && scale < 6;
    const filter = toneFilter(look.tone);
    if (filter !== 'none') context.filter = filter;
    context.drawImage(bitmap, left, top, width, height);
    if (filter !== 'none') context.filter = 'none';
    if (shown.overlay) drawOverlay(context, shown.overlay, placement, look, this.unit * this.#detail);
    this.#black = false;
    this.drawMs.add(performance.now() - startMs);
  }

  /** Shows nothing but black. */
  blacken(): void {
    if (this.#black && !this.dirty) return;
    this.#fillBlack();
    this.#black = true;
  }

  #fillBlack(): void {
    this.#context.fillStyle = '#000';
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** The topmost object whose outline holds this source pixel, null: none does. */
  objectAt(objects: readonly DrawnObject[], x: number, y: number): DrawnObject | null {
    return objects.findLast(({ path }) => this.#context.isPointInPath(path, x, y, 'evenodd')) ?? null;
  }
}
