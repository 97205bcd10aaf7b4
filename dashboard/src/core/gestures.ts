/**
 * From pressing, moving and letting go to a prompt. One state machine for mouse, finger, pen and keyboard; coordinates
 * are source pixels, so zoom and screen size play no part. Pure.
 */
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';

export type Tool = 'look' | 'include' | 'exclude' | 'box' | 'scribble' | 'erase';
export type DrawingTool = Exclude<Tool, 'look'>;

export type GestureState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'click'; readonly at: Point; readonly positive: boolean }
  | { readonly kind: 'box'; readonly from: Point; readonly to: Point }
  | { readonly kind: 'stroke'; readonly points: readonly Point[]; readonly positive: boolean };

export type GestureInput =
  /** `opposite`: right button or a held key turns + into − and back. */
  | { readonly kind: 'down'; readonly at: Point; readonly opposite: boolean }
  | { readonly kind: 'move'; readonly at: Point }
  | { readonly kind: 'up' }
  | { readonly kind: 'cancel' };

interface GestureStep {
  readonly state: GestureState;
  /** The person has begun: the picture now on screen is the one they mean. */
  readonly began: boolean;
  /** Finished: to be sent. */
  readonly prompt: Prompt | null;
}

export const idle: GestureState = { kind: 'idle' };

/** A box narrower than this was not meant, source pixels. */
const smallestBoxPx = 4;
/** Points of a stroke closer than this are left out, source pixels. */
const strokeStepPx = 2;
/** A stroke ends here. The server takes more (`promptLimits.points`), but no hand needs them. */
const strokePointsAtMost = 512;

const stay = (state: GestureState): GestureStep => ({ state, began: false, prompt: null });

function insidePicture([x, y]: Point, picture: PictureSize): boolean {
  return x >= 0 && y >= 0 && x < picture.width && y < picture.height;
}

/** Nearest point of the picture. */
export function clampToPicture([x, y]: Point, picture: PictureSize): Point {
  // The far border of the last pixel is outside the picture, so stay a hundredth of a pixel before it.
  return [Math.min(Math.max(0, x), picture.width - 0.01), Math.min(Math.max(0, y), picture.height - 0.01)];
}

const round = ([x, y]: Point): Point => [Math.round(x * 100) / 100, Math.round(y * 100) / 100];

export function stepGesture(
  state: GestureState,
  tool: DrawingTool,
  input: GestureInput,
  picture: PictureSize,
): GestureStep {
  switch (input.kind) {
    case 'down': {
      const inside = insidePicture(input.at, picture);
      const at = clampToPicture(input.at, picture);
      const begin = (next: GestureState): GestureStep => ({ state: next, began: true, prompt: null });
      switch (tool) {
        case 'include':
        case 'exclude':
          // A click beside the picture means nothing in it.
          if (!inside) return stay(idle);
          return begin({ kind: 'click', at, positive: (tool === 'include') !== input.opposite });
        case 'box':
          return begin({ kind: 'box', from: at, to: at });
        case 'scribble':
        case 'erase':
          return begin({
            kind: 'stroke',
            // Begun beside the picture, it begins where it comes in: along the border nobody has drawn.
            points: inside ? [at] : [],
            positive: (tool === 'scribble') !== input.opposite,
          });
        default:
          return tool;
      }
    }
    case 'move':
      if (state.kind === 'stroke' && state.points.length === 0 && !insidePicture(input.at, picture))
        return stay(state);
      return stay(moved(state, clampToPicture(input.at, picture)));
    case 'up':
      return { state: idle, began: false, prompt: finished(state) };
    case 'cancel':
      return stay(idle);
  }
}

function moved(state: GestureState, at: Point): GestureState {
  switch (state.kind) {
    case 'idle':
    case 'click':
      return state;
    case 'box':
      return { ...state, to: at };
    case 'stroke': {
      const last = state.points.at(-1);
      if (last && Math.hypot(at[0] - last[0], at[1] - last[1]) < strokeStepPx) return state;
      if (state.points.length >= strokePointsAtMost) return state;
      return { ...state, points: [...state.points, at] };
    }
  }
}

function finished(state: GestureState): Prompt | null {
  switch (state.kind) {
    case 'idle':
      return null;
    case 'click':
      return { type: 'click', point: round(state.at), positive: state.positive };
    case 'box': {
      const [left, top] = round([Math.min(state.from[0], state.to[0]), Math.min(state.from[1], state.to[1])]);
      const [right, bottom] = round([
        Math.max(state.from[0], state.to[0]),
        Math.max(state.from[1], state.to[1]),
      ]);
      if (right - left < smallestBoxPx || bottom - top < smallestBoxPx) return null;
      return { type: 'box', box: [left, top, right, bottom] };
    }
    case 'stroke':
      if (state.points.length === 0) return null;
      return { type: 'scribble', points: state.points.map(round), positive: state.positive };
  }
}

/** Whether the tool can make a new object, or needs one to correct. */
export function makesObjects(prompt: Prompt): boolean {
  return prompt.type === 'box' || prompt.type === 'mask' || prompt.positive;
}
