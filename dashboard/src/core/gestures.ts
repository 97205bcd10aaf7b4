/**
 * From pressing, moving and letting go to a prompt. One state machine for mouse, finger, pen and keyboard; coordinates
 * are source pixels, so zoom and screen size play no part. Pure.
 */
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';

/** Tools whose gesture is a mark: the model answers with a mask. */
type PromptTool = 'include' | 'exclude' | 'box' | 'scribble' | 'erase';
/** Tools that draw the mask itself. */
type RepairTool = 'brush' | 'rub' | 'polygon';
export type DrawingTool = PromptTool | RepairTool;
/** `points`: handles on the outline, which are no gestures. */
export type Tool = 'look' | 'points' | DrawingTool;

/** Whether the tool draws on the picture. */
export function draws(tool: Tool): tool is DrawingTool {
  return tool !== 'look' && tool !== 'points';
}

/** What a person has drawn of a mask, source pixels. `adds`: false takes it away. */
export type Repair =
  | { readonly kind: 'paint'; readonly points: readonly Point[]; readonly adds: boolean }
  | { readonly kind: 'polygon'; readonly corners: readonly Point[]; readonly adds: boolean };

export type GestureState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'click'; readonly at: Point; readonly positive: boolean }
  | { readonly kind: 'box'; readonly from: Point; readonly to: Point }
  | { readonly kind: 'stroke'; readonly points: readonly Point[]; readonly positive: boolean }
  | Extract<Repair, { readonly kind: 'paint' }>
  /** `at`: where the hand is, to which the next side would go. */
  | (Extract<Repair, { readonly kind: 'polygon' }> & { readonly at: Point });

export type GestureInput =
  /** `opposite`: right button or a held key turns + into − and back. */
  | {
      readonly kind: 'down';
      readonly at: Point;
      readonly opposite: boolean;
      /** A press this near to a corner means that corner, source pixels. */
      readonly nearPx?: number;
    }
  | { readonly kind: 'move'; readonly at: Point }
  | { readonly kind: 'up' }
  /** A polygon ends with the corners that it has; its last corner goes. */
  | { readonly kind: 'close' }
  | { readonly kind: 'back' }
  | { readonly kind: 'cancel' };

interface GestureStep {
  readonly state: GestureState;
  /** The person has begun: the picture now on screen is the one they mean. */
  readonly began: boolean;
  /** Finished: to be sent. */
  readonly prompt: Prompt | null;
  /** Finished: to be made a mask. */
  readonly repair: Repair | null;
}

export const idle: GestureState = { kind: 'idle' };

/** A box narrower than this was not meant, source pixels. */
const smallestBoxPx = 4;
/** Points of a stroke closer than this are left out, source pixels. */
const strokeStepPx = 2;
/** A stroke ends here. The server takes more (`promptLimits.points`), but no hand needs them. */
const strokePointsAtMost = 512;
/** The same for a brush, which is held longer. */
const paintPointsAtMost = 4096;
const usualNearPx = 3;

const step = (state: GestureState, more: Partial<GestureStep> = {}): GestureStep => ({
  ...{ state, began: false, prompt: null, repair: null },
  ...more,
});
const stay = (state: GestureState): GestureStep => step(state);
const apart = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

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
      if (state.kind === 'polygon') return cornered(state, clampToPicture(input.at, picture), input.nearPx);
      const inside = insidePicture(input.at, picture);
      const at = clampToPicture(input.at, picture);
      const begin = (next: GestureState): GestureStep => step(next, { began: true });
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
        case 'brush':
        case 'rub':
          if (!inside) return stay(idle);
          return begin({ kind: 'paint', points: [at], adds: (tool === 'brush') !== input.opposite });
        case 'polygon':
          if (!inside) return stay(idle);
          return begin({ kind: 'polygon', corners: [at], at, adds: !input.opposite });
        default:
          return tool;
      }
    }
    case 'move':
      if (state.kind === 'stroke' && state.points.length === 0 && !insidePicture(input.at, picture))
        return stay(state);
      return stay(moved(state, clampToPicture(input.at, picture)));
    case 'up':
      if (state.kind === 'polygon') return stay(state);
      return step(idle, { prompt: finished(state), repair: state.kind === 'paint' ? state : null });
    case 'close':
      return state.kind === 'polygon' ? closed(state) : stay(state);
    case 'back':
      if (state.kind !== 'polygon') return stay(state);
      return stay(state.corners.length < 2 ? idle : { ...state, corners: state.corners.slice(0, -1) });
    case 'cancel':
      return stay(idle);
  }
}

type Polygon = Extract<GestureState, { readonly kind: 'polygon' }>;

/** One more corner; a press on the first or last one closes the polygon. */
function cornered(state: Polygon, at: Point, nearPx = usualNearPx): GestureStep {
  const [first, last] = [state.corners[0] ?? at, state.corners.at(-1) ?? at];
  if (apart(at, last) <= nearPx || (state.corners.length > 2 && apart(at, first) <= nearPx))
    return closed(state);
  return stay({ ...state, corners: [...state.corners, at], at });
}

/** Less than three corners enclose nothing: the polygon stays open. */
function closed(state: Polygon): GestureStep {
  if (state.corners.length < 3) return stay(state);
  const { kind, corners, adds } = state;
  return step(idle, { repair: { kind, corners, adds } });
}

function moved(state: GestureState, at: Point): GestureState {
  switch (state.kind) {
    case 'idle':
    case 'click':
      return state;
    case 'box':
      return { ...state, to: at };
    case 'polygon':
      return { ...state, at };
    case 'paint':
    case 'stroke': {
      const last = state.points.at(-1);
      if (last && apart(at, last) < strokeStepPx) return state;
      if (state.points.length >= (state.kind === 'paint' ? paintPointsAtMost : strokePointsAtMost))
        return state;
      return { ...state, points: [...state.points, at] };
    }
  }
}

function finished(state: GestureState): Prompt | null {
  switch (state.kind) {
    case 'idle':
    case 'paint':
    case 'polygon':
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

/** The tool for a new object: the one in hand where it can make one. */
export function makingTool(tool: Tool): Tool {
  return tool === 'box' || tool === 'scribble' || tool === 'include' ? tool : 'include';
}
