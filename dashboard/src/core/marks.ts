/** Marks of an object on a picture: where their handles are, and what moving one makes of the mark. Source pixels. Pure. */
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import { clampToPicture } from './gestures.js';

export interface PlacedMark {
  readonly id: number;
  readonly type: 'click' | 'box' | 'scribble' | 'mask';
  readonly point?: Point | undefined;
  /** Of a box, and around a mask. */
  readonly box?: readonly [number, number, number, number] | undefined;
  readonly points?: readonly Point[] | undefined;
  readonly positive?: boolean | undefined;
}

/** A box stays this large, so that it remains one. */
const smallestBoxPx = 4;

/** Where a mark is taken hold of: first as a whole; of a box then its corners, clockwise from the upper left. */
export function gripsOf({ type, point, box, points }: PlacedMark): readonly Point[] {
  if (type === 'click') return point ? [point] : [];
  if (type === 'scribble') return points ? points.slice(Math.floor((points.length - 1) / 2)).slice(0, 1) : [];
  if (!box) return [];
  const [x0, y0, x1, y1] = box;
  const whole: Point = [(x0 + x1) / 2, y0];
  if (type === 'mask') return [whole];
  return [whole, [x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** The mark after one of its handles was moved; it stays inside the picture, and a mask where it is. */
export function movedMark(mark: PlacedMark, grip: number, [dx, dy]: Point, size: PictureSize): PlacedMark {
  const all: readonly Point[] =
    mark.type === 'click' && mark.point
      ? [mark.point]
      : mark.type === 'scribble' && mark.points
        ? mark.points
        : mark.type === 'box' && mark.box
          ? [
              [mark.box[0], mark.box[1]],
              [mark.box[2], mark.box[3]],
            ]
          : [];
  if (all.length === 0) return mark;
  if (mark.type === 'box' && mark.box && grip > 0) {
    const [x0, y0, x1, y1] = mark.box;
    const left = grip === 1 || grip === 4;
    const upper = grip === 1 || grip === 2;
    const [x, y] = clampToPicture([(left ? x0 : x1) + dx, (upper ? y0 : y1) + dy], size);
    const box: PlacedMark['box'] = [
      round(left ? Math.min(x, x1 - smallestBoxPx) : x0),
      round(upper ? Math.min(y, y1 - smallestBoxPx) : y0),
      round(left ? x1 : Math.max(x, x0 + smallestBoxPx)),
      round(upper ? y1 : Math.max(y, y0 + smallestBoxPx)),
    ];
    return { ...mark, box };
  }
  // As a whole: its shape stays, so that all of it stops where its first part meets the border.
  const free = (at: 0 | 1, by: number, extent: number): number => {
    const values = all.map((one) => one[at]);
    return Math.min(extent - 0.01 - Math.max(...values), Math.max(-Math.min(...values), by));
  };
  const [freeX, freeY] = [free(0, dx, size.width), free(1, dy, size.height)];
  const moved = all.map(([x, y]): Point => [round(x + freeX), round(y + freeY)]);
  const [first, second] = moved;
  if (mark.type === 'box' && first && second)
    return { ...mark, box: [first[0], first[1], second[0], second[1]] };
  return mark.type === 'click' ? { ...mark, point: first } : { ...mark, points: moved };
}
