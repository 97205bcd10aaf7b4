/** Simulated people: what they mark on the first frame of an object, and where they correct. Pure but for the predictor. */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import { maskFromBitmap } from '../mask/rle.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { evaluateError } from './errors.js';
import { bitmapFromMask, emptyBitmap, type Bitmap } from './metrics/bitmap.js';
import { nextClick } from './metrics/distance.js';
import { jaccard, overlap } from './metrics/overlap.js';
import type { Predictor } from './predictor.js';

export type PromptStyle =
  | { readonly kind: 'mask' | 'box' }
  /** Clicks on the object's first frame, each on the largest remaining error. */
  | { readonly kind: 'clicks'; readonly count: number }
  /** Interactive: one click, then in each further round one click on the worst frame of the whole clip. */
  | { readonly kind: 'rounds'; readonly count: number };

/** "mask", "box", "click", "clicks:3", "rounds:4". Throws SONO_EVALUATE_PROMPT. */
export function parsePromptStyle(text: string): PromptStyle {
  if (text === 'mask' || text === 'box') return { kind: text };
  if (text === 'click') return { kind: 'clicks', count: 1 };
  const match = /^(clicks|rounds):(\d+)$/.exec(text);
  const count = Number(match?.[2]);
  if (match?.[1] === 'clicks' && count >= 1 && count <= 20) return { kind: 'clicks', count };
  if (match?.[1] === 'rounds' && count >= 1 && count <= 8) return { kind: 'rounds', count };
  throw evaluateError('SONO_EVALUATE_PROMPT', { prompt: text });
}

/** Truth drawn by hand: its mask, without loss. */
function maskPrompt(truth: Bitmap): Prompt {
  return { type: 'mask', mask: maskFromBitmap(truth.data, truth.width, truth.height) };
}

/** Tightest box; right and bottom edges lie behind the last pixel. */
function boxPrompt({ left, top, right, bottom }: Bitmap): Prompt {
  return { type: 'box', box: [left, top, right, bottom] };
}

/** On the largest error of `prediction`, at the pixel's centre; null where there is none. */
export function clickPrompt(prediction: Bitmap, truth: Bitmap): Prompt | null {
  const click = nextClick(prediction, truth);
  return click && { type: 'click', point: [click.x + 0.5, click.y + 0.5], positive: click.positive };
}

interface FirstPrompt {
  /** Everything that was marked, in order: enough to do it again. */
  readonly prompts: readonly Prompt[];
  /** IoU of the first mask after each mark. */
  readonly iou: readonly number[];
}

/** Marks an object on the frame where it is seen first. */
export async function promptObject(
  style: PromptStyle,
  predictor: Predictor,
  label: number,
  truth: Bitmap,
  frame: AnalysisFrame,
): Promise<FirstPrompt> {
  const iou: number[] = [];
  const prompts: Prompt[] = [];
  const mark = async (prompt: Prompt): Promise<Bitmap> => {
    const mask = bitmapFromMask(await predictor.prompt(label, [prompt], frame));
    prompts.push(prompt);
    iou.push(jaccard(overlap(mask, truth)));
    return mask;
  };
  switch (style.kind) {
    case 'mask':
      await mark(maskPrompt(truth));
      break;
    case 'box':
      await mark(boxPrompt(truth));
      break;
    case 'clicks':
    case 'rounds': {
      let current = emptyBitmap(truth.width, truth.height);
      for (let click = 0; click < (style.kind === 'rounds' ? 1 : style.count); click++) {
        const prompt = clickPrompt(current, truth);
        if (prompt === null) break;
        current = await mark(prompt);
      }
      break;
    }
  }
  return { prompts, iou };
}
