/**
 * What a person, a prompt file or a detector points at, the limits of it and what can be wrong with it: decided here for
 * every place where marks come in. Coordinates are source pixels, origin top-left, pixel centres at +0.5. Pure.
 */
import type { PictureSize } from './frame.js';
import type { Mask } from './mask.js';

export type Point = readonly [x: number, y: number];

export type Prompt =
  | { readonly type: 'click'; readonly point: Point; readonly positive: boolean }
  /** x0, y0, x1, y1 with x0 < x1 and y0 < y1. */
  | { readonly type: 'box'; readonly box: readonly [number, number, number, number] }
  | { readonly type: 'scribble'; readonly points: readonly Point[]; readonly positive: boolean }
  | { readonly type: 'mask'; readonly mask: Mask };

/** Who marked an object: a person, a prompt file written before the run, or a network that finds objects by itself. */
export const promptAuthors = ['person', 'plan', 'detector'] as const;
export type PromptAuthor = (typeof promptAuthors)[number];

/** Object id within a stream: stable for the life of the object, never reused. */
export type ObjectId = number;

/**
 * searching: no credible memory of the object yet, or looking for it again; tracking; uncertain: shown as
 * such; lost: not shown. See docs/architecture.md, object life cycle.
 */
export const objectStates = ['searching', 'tracking', 'uncertain', 'lost'] as const;
export type ObjectState = (typeof objectStates)[number];
export type ShownState = 'tracking' | 'uncertain';

/** Only objects in these states are drawn and measured: an object that is lost or searched for has no outline. */
export function isShown(state: ObjectState): state is ShownState {
  return state === 'tracking' || state === 'uncertain';
}

/** Limits of a command that marks an object, whoever gives it. */
export const promptLimits = {
  /** Length of an object's name. */
  labelCharacters: 80,
  /** Marks of one object on one frame. */
  marks: 256,
  /** Points of these marks together; a hand draws a few hundred, millions are an accident or an attack. */
  points: 10_000,
  /** Edge of any picture or mask, pixels. */
  pixels: 16_384,
  /** COCO run-length text of one mask. */
  maskCharacters: 1024 * 1024,
} as const;

/** What is wrong with marks, in words for the end of a sentence. */
export const promptProblemWords = {
  'not-finite': 'a coordinate is not a number',
  outside: 'it lies outside the picture',
  'box-inside-out': 'the box is inside out: it must have x0 < x1 and y0 < y1',
  'mask-size': 'the mask has another size than the picture',
  'mask-empty': 'the mask marks nothing',
  'scribble-empty': 'the scribble has no points',
  'too-many-points': `there are more than ${promptLimits.points.toLocaleString('en')} points`,
  'too-many-marks': `there are more than ${promptLimits.marks} marks of one object on one picture`,
} as const;
export type PromptProblem = keyof typeof promptProblemWords;

/** A name of 1 to `promptLimits.labelCharacters` characters without line breaks and their like. */
export function isLabel(label: string): boolean {
  return label.trim() !== '' && label.length <= promptLimits.labelCharacters && !/\p{Cc}/u.test(label);
}

/**
 * What is wrong with the marks of one command, null when nothing is. `size`: the picture that they must fit, source pixels;
 * null where no picture is known yet, then only their form counts. A box may touch the border; points lie inside.
 */
export function marksProblem(prompts: readonly Prompt[], size: PictureSize | null): PromptProblem | null {
  if (prompts.length > promptLimits.marks) return 'too-many-marks';
  const points = prompts.reduce(
    (sum, prompt) => sum + (prompt.type === 'scribble' ? prompt.points.length : 1),
    0,
  );
  if (points > promptLimits.points) return 'too-many-points';
  const pointsProblem = (places: readonly Point[]): PromptProblem | null => {
    if (!places.flat().every(Number.isFinite)) return 'not-finite';
    const inside = ([x, y]: Point): boolean =>
      size === null || (x >= 0 && y >= 0 && x <= size.width && y <= size.height);
    return places.every(inside) ? null : 'outside';
  };
  const problemOf = (prompt: Prompt): PromptProblem | null => {
    switch (prompt.type) {
      case 'click':
        return pointsProblem([prompt.point]);
      case 'box': {
        const [x0, y0, x1, y1] = prompt.box;
        return x0 >= x1 || y0 >= y1
          ? 'box-inside-out'
          : pointsProblem([
              [x0, y0],
              [x1, y1],
            ]);
      }
      case 'scribble':
        return prompt.points.length === 0 ? 'scribble-empty' : pointsProblem(prompt.points);
      case 'mask': {
        const { width, height, counts } = prompt.mask;
        if (size !== null && (width !== size.width || height !== size.height)) return 'mask-size';
        return counts.length > 1 ? null : 'mask-empty';
      }
    }
  };
  return prompts.map(problemOf).find((problem) => problem !== null) ?? null;
}
