/**
 * How marks are written as text: one shape for requests, prompt files, projects, journals and snapshots, which differ only
 * in how a mask is given. Checks the form; whether a mark fits its picture is for the tracker to say. Pure; shared with the browser.
 */
import { z } from 'zod';
import { maskFromCocoString, maskToCocoString } from '../mask/rle.js';
import {
  isLabel,
  marksProblem,
  promptLimits,
  promptProblemWords,
  type Prompt,
} from '../vocabulary/prompt.js';
import { protocolError } from './errors.js';

// Finite by zod's definition of a number. Far outside any picture is refused here, a little outside by the tracker, which
// knows the picture and so has a better sentence.
const coordinate = z
  .number()
  .min(-promptLimits.pixels)
  .max(2 * promptLimits.pixels);
const point = z
  .tuple([coordinate, coordinate])
  .meta({ description: 'x, y in source pixels', examples: [[480, 270]] });
const sign = z.boolean().describe('false: this is not part of the object');
const box = z
  .tuple([coordinate, coordinate, coordinate, coordinate])
  .describe('x0, y0, x1, y1 in source pixels, x0 < x1 and y0 < y1');
const points = z.array(point).min(1).max(promptLimits.points);

const marks = <Mask extends z.ZodRawShape, More extends z.ZodRawShape, Sign extends z.ZodType<boolean>>(
  mask: Mask,
  more: More,
  positive: Sign,
) =>
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('click'), ...more, point, positive }),
    z.strictObject({ type: z.literal('box'), ...more, box }),
    z.strictObject({ type: z.literal('scribble'), ...more, points, positive }),
    z.strictObject({ type: z.literal('mask'), ...more, ...mask }),
  ]);

/** The schema of one mark. `mask`: how a mask is given; `more`: what else stands beside each mark. */
export const markSchema = <Mask extends z.ZodRawShape, More extends z.ZodRawShape>(mask: Mask, more: More) =>
  marks(mask, more, sign.default(true));

/** As a program stores marks: nothing is left out, so what is missing is damage. */
export const storedMarkSchema = <Mask extends z.ZodRawShape>(mask: Mask) => marks(mask, {}, sign);

const pixels = z.number().int().min(1).max(promptLimits.pixels);
const cocoMaskSchema = z.strictObject({
  size: z.tuple([pixels, pixels]).describe("height, width: COCO's order"),
  counts: z.string().max(promptLimits.maskCharacters).describe('COCO compressed run lengths'),
});

/** COCO run lengths with their size. */
export type CocoMask = z.infer<typeof cocoMaskSchema>;

const cocoMark = markSchema({ mask: cocoMaskSchema }, {});
/** A prompt as JSON: like Prompt, but a mask is COCO run-length text. */
export type WirePrompt = z.infer<typeof cocoMark>;

const formProblem = (prompts: readonly WirePrompt[]): string | null => {
  const problem = marksProblem(
    prompts.filter((prompt) => prompt.type !== 'mask'),
    null,
  );
  return problem && promptProblemWords[problem];
};

const checkForm = (prompt: WirePrompt, context: z.RefinementCtx): void => {
  const message = formProblem([prompt]);
  if (message !== null) context.addIssue({ code: 'custom', message });
};
export const promptSchema = cocoMark.superRefine(checkForm);

/** A mark in the files of projects and unfinished runs. Its mask is checked too: `promptFromWire` takes what passes. */
export const storedPromptSchema = storedMarkSchema({ mask: cocoMaskSchema })
  .superRefine(checkForm)
  .refine((prompt) => {
    try {
      promptFromWire(prompt);
      return true;
    } catch {
      return false;
    }
  });

/** The marks of one command: JSON in, the house's prompts out. */
export const promptsSchema = z
  .array(promptSchema)
  .min(1)
  .max(promptLimits.marks)
  .superRefine((prompts, context) => {
    const message = formProblem(prompts);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .transform((prompts, context): Prompt[] =>
    prompts.map((prompt, index) => {
      try {
        return promptFromWire(prompt);
      } catch {
        context.addIssue({ code: 'custom', path: [index, 'mask'], message: noMask });
        return z.NEVER;
      }
    }),
  );
const noMask = 'the counts do not make a mask of that size';

/** A mask in a request or a file whose counts make one of its size. */
export const soundMaskSchema = cocoMaskSchema.refine(({ size: [height, width], counts }) => {
  try {
    maskFromCocoString(counts, width, height);
    return true;
  } catch {
    return false;
  }
}, noMask);

/** Name of an object. */
export const labelSchema = z
  .string()
  .trim()
  .min(1)
  .max(promptLimits.labelCharacters)
  .refine(isLabel, 'a name has no line breaks')
  .meta({ description: 'name of the object', examples: ['gallbladder'] });

/** One JSON prompt → the house's prompt. Throws SONO_REQUEST_INVALID on run lengths that do not make the mask. */
export function promptFromWire(prompt: WirePrompt): Prompt {
  if (prompt.type !== 'mask') return prompt;
  const [height, width] = prompt.mask.size;
  try {
    return { type: 'mask', mask: maskFromCocoString(prompt.mask.counts, width, height) };
  } catch (cause) {
    throw protocolError('SONO_REQUEST_INVALID', { operation: 'prompt', problem: noMask }, cause);
  }
}

export function promptToWire(prompt: Prompt): WirePrompt {
  switch (prompt.type) {
    case 'click':
      return { type: 'click', point: [...prompt.point], positive: prompt.positive };
    case 'box':
      return { type: 'box', box: [...prompt.box] };
    case 'scribble':
      return {
        type: 'scribble',
        points: prompt.points.map(([x, y]): [number, number] => [x, y]),
        positive: prompt.positive,
      };
    case 'mask':
      return {
        type: 'mask',
        mask: { size: [prompt.mask.height, prompt.mask.width], counts: maskToCocoString(prompt.mask) },
      };
  }
}
