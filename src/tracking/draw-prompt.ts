/**
 * Prompts as the network sees them: four planes of the model's input size, 0..255. A click is a disk, a scribble a
 * stroke, a box a filled rectangle, a mask its share of each pixel. Source pixels are stretched to model pixels.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Point, Prompt } from '../vocabulary/prompt.js';
import { maskToBitmap } from '../mask/rle.js';
import type { PromptChannel, TrackerModel } from './model.js';

export interface DrawnPrompt {
  /** uint8 [4, H, W], planes in the model's order. */
  readonly planes: Uint8Array;
  /** True where the mask itself was given and is to be taken as it is; false where the network makes one. */
  readonly maskGiven: boolean;
}

/**
 * `prompts` are all marks of one frame; `current` is the object's mask there (model size), which the network refines,
 * null for a new object. Marks must have passed `checkPrompts`.
 */
export function drawPrompts(
  model: TrackerModel,
  source: PictureSize,
  prompts: readonly Prompt[],
  current: Mask | null,
): DrawnPrompt {
  const { width, height } = model.inputSize;
  const area = width * height;
  const planes = new Uint8Array(promptPlaneCount * area);
  const plane = (channel: PromptChannel): Uint8Array =>
    planes.subarray(model.planes[channel] * area, (model.planes[channel] + 1) * area);
  const toModel = ([x, y]: Point): Point => [(x * width) / source.width, (y * height) / source.height];
  let given: Mask | null = null;
  for (const prompt of prompts)
    switch (prompt.type) {
      case 'click':
        drawStroke(
          plane(prompt.positive ? 'positive' : 'negative'),
          model.inputSize,
          [toModel(prompt.point)],
          model.clickRadius,
        );
        break;
      case 'scribble':
        drawStroke(
          plane(prompt.positive ? 'positive' : 'negative'),
          model.inputSize,
          prompt.points.map(toModel),
          model.scribbleWidth / 2,
        );
        break;
      case 'box': {
        const [x0, y0, x1, y1] = prompt.box;
        drawBox(plane('box'), model.inputSize, toModel([x0, y0]), toModel([x1, y1]));
        break;
      }
      case 'mask':
        given = prompt.mask;
        break;
    }
  const mask = given ?? current;
  if (mask !== null) plane('mask').set(maskCoverage(mask, model.inputSize));
  return { planes, maskGiven: given !== null && prompts.every((prompt) => prompt.type === 'mask') };
}

const promptPlaneCount = 4;

/** Every pixel whose centre lies within `radius` of the line through `points` (one point: a disk). */
function drawStroke(
  plane: Uint8Array,
  { width, height }: PictureSize,
  points: readonly Point[],
  radius: number,
): void {
  for (let index = 0; index === 0 || index < points.length - 1; index++) {
    const [x0, y0] = points[index] as Point;
    const [x1, y1] = points[index + 1] ?? [x0, y0];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const squared = dx * dx + dy * dy;
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - radius));
    const bottom = Math.min(height - 1, Math.ceil(Math.max(y0, y1) + radius));
    for (let y = top; y <= bottom; y++) {
      // Only the piece of the line near this row, so that a long stroke costs its length, not its bounding box.
      const share = (row: number): number => (dy === 0 ? 0 : Math.min(Math.max((row - y0) / dy, 0), 1));
      const xa = x0 + dx * share(y + 0.5 - radius);
      const xb = dy === 0 ? x1 : x0 + dx * share(y + 0.5 + radius);
      const left = Math.max(0, Math.floor(Math.min(xa, xb) - radius - 0.5));
      const right = Math.min(width - 1, Math.ceil(Math.max(xa, xb) + radius));
      for (let x = left; x <= right; x++) {
        const [offsetX, offsetY] = [x + 0.5 - x0, y + 0.5 - y0];
        const along = squared === 0 ? 0 : Math.min(Math.max((offsetX * dx + offsetY * dy) / squared, 0), 1);
        if ((offsetX - along * dx) ** 2 + (offsetY - along * dy) ** 2 <= radius * radius)
          plane[y * width + x] = 255;
      }
    }
  }
}

/** Pixels whose centre is inside; at least one, however small the box. */
function drawBox(plane: Uint8Array, { width, height }: PictureSize, [x0, y0]: Point, [x1, y1]: Point): void {
  const span = (from: number, to: number, size: number): [number, number] => {
    const first = Math.min(Math.max(Math.ceil(from - 0.5), 0), size - 1);
    return [first, Math.max(first, Math.min(Math.ceil(to - 0.5) - 1, size - 1))];
  };
  const [left, right] = span(x0, x1, width);
  const [top, bottom] = span(y0, y1, height);
  for (let y = top; y <= bottom; y++) plane.fill(255, y * width + left, y * width + right + 1);
}

/** Share of each target pixel that the mask covers, 0..255, row-major (box filter, as cv2 INTER_AREA when shrinking). */
export function maskCoverage(mask: Mask, to: PictureSize): Uint8Array {
  const bitmap = maskToBitmap(mask);
  if (mask.width === to.width && mask.height === to.height) return bitmap.map((value) => value * 255);
  const columns = overlaps(mask.width, to.width);
  const rows = overlaps(mask.height, to.height);
  // Along x first: [mask.height, to.width].
  const narrow = new Float64Array(mask.height * to.width);
  for (let y = 0; y < mask.height; y++)
    columns.forEach((weights, x) => {
      let sum = 0;
      for (const [index, weight] of weights) sum += weight * (bitmap[y * mask.width + index] as number);
      narrow[y * to.width + x] = sum;
    });
  const coverage = new Uint8Array(to.width * to.height);
  rows.forEach((weights, y) => {
    for (let x = 0; x < to.width; x++) {
      let sum = 0;
      for (const [index, weight] of weights) sum += weight * (narrow[index * to.width + x] as number);
      coverage[y * to.width + x] = Math.round(sum * 255);
    }
  });
  return coverage;
}

/** For each target pixel the source pixels it covers and their share of it. */
function overlaps(source: number, target: number): (readonly [index: number, weight: number])[][] {
  const scale = source / target;
  return Array.from({ length: target }, (_, index) => {
    const from = index * scale;
    const to = (index + 1) * scale;
    const weights: [number, number][] = [];
    for (let pixel = Math.floor(from); pixel < Math.min(Math.ceil(to), source); pixel++)
      weights.push([pixel, (Math.min(to, pixel + 1) - Math.max(from, pixel)) / scale]);
    return weights;
  });
}
