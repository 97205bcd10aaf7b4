/** Prompts as they come from outside, checked against the picture they were given on. */
import type { PictureSize } from '../frame.js';
import type { Point, Prompt } from '../prompt.js';
import { maskArea } from '../mask-rle.js';
import { trackingError } from './errors.js';

/** A minute of drawing at 120 points a second. */
export const maxPromptPoints = 8_192;
export const maxPrompts = 256;

/**
 * Throws SONO_PROMPT_EMPTY, _NOT_A_NUMBER, _OUTSIDE, _BOX, _MASK_SIZE, _MASK_EMPTY, _TOO_LARGE. Clicks must be inside
 * the picture; a box or a stroke may reach over its border but not miss it. A mask has the size of the source picture
 * or of the masks in results.
 */
export function checkPrompts(prompts: readonly Prompt[], source: PictureSize, maskSize: PictureSize): void {
  if (prompts.length === 0) throw trackingError('SONO_PROMPT_EMPTY');
  let points = prompts.length;
  for (const prompt of prompts) if (prompt.type === 'scribble') points += prompt.points.length;
  if (prompts.length > maxPrompts || points > maxPromptPoints)
    throw trackingError('SONO_PROMPT_TOO_LARGE', { count: points, limit: maxPromptPoints });
  for (const prompt of prompts) checkPrompt(prompt, source, maskSize);
}

function checkPrompt(prompt: Prompt, source: PictureSize, maskSize: PictureSize): void {
  const outside = ([x, y]: Point): boolean => x < 0 || y < 0 || x > source.width || y > source.height;
  const refuse = ([x, y]: Point): never => {
    throw trackingError('SONO_PROMPT_OUTSIDE', {
      x: Math.round(x),
      y: Math.round(y),
      width: source.width,
      height: source.height,
    });
  };
  switch (prompt.type) {
    case 'click':
      checkNumbers(prompt.point);
      if (outside(prompt.point)) refuse(prompt.point);
      return;
    case 'scribble': {
      const [first] = prompt.points;
      if (first === undefined) throw trackingError('SONO_PROMPT_EMPTY');
      prompt.points.forEach(checkNumbers);
      if (prompt.points.every(outside)) refuse(first);
      return;
    }
    case 'box': {
      checkNumbers(prompt.box);
      const [x0, y0, x1, y1] = prompt.box;
      if (!(x0 < x1 && y0 < y1)) throw trackingError('SONO_PROMPT_BOX');
      if (x1 <= 0 || y1 <= 0 || x0 >= source.width || y0 >= source.height) refuse([x0, y0]);
      return;
    }
    case 'mask': {
      const { mask } = prompt;
      const fits = (size: PictureSize): boolean => mask.width === size.width && mask.height === size.height;
      const pixels = mask.counts.reduce((sum, count) => sum + count, 0);
      if (!(fits(source) || fits(maskSize)) || pixels !== mask.width * mask.height)
        throw trackingError('SONO_PROMPT_MASK_SIZE', {
          maskWidth: mask.width,
          maskHeight: mask.height,
          width: source.width,
          height: source.height,
        });
      if (maskArea(mask) === 0) throw trackingError('SONO_PROMPT_MASK_EMPTY');
      return;
    }
  }
}

function checkNumbers(numbers: readonly number[]): void {
  if (!numbers.every(Number.isFinite)) throw trackingError('SONO_PROMPT_NOT_A_NUMBER');
}
