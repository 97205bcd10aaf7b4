/** What a person (or a detector) points at. Coordinates are source pixels, origin top-left, pixel centres at +0.5. */
import type { Mask } from './mask.js';

export type Point = readonly [x: number, y: number];

export type Prompt =
  | { readonly type: 'click'; readonly point: Point; readonly positive: boolean }
  /** x0, y0, x1, y1 with x0 < x1 and y0 < y1. */
  | { readonly type: 'box'; readonly box: readonly [number, number, number, number] }
  | { readonly type: 'scribble'; readonly points: readonly Point[]; readonly positive: boolean }
  | { readonly type: 'mask'; readonly mask: Mask };

/** Object id within a stream: stable for the life of the object, never reused. */
export type ObjectId = number;

/**
 * searching: no credible memory of the object yet, or looking for it again; tracking; uncertain: shown as
 * such; lost: not shown. See docs/architecture.md, object life cycle.
 */
export const objectStates = ['searching', 'tracking', 'uncertain', 'lost'] as const;
export type ObjectState = (typeof objectStates)[number];
