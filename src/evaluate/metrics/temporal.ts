/** How a mask behaves over time: flicker, time to the first mask, time to find an object again. Pure. */
import type { Bitmap } from './bitmap.js';
import type { Flow } from './flow.js';

/**
 * 1 − IoU of this frame's mask and the previous one moved along the picture's motion. `backward` is the flow from this
 * frame to the previous one (each pixel of this frame says where it was), at any size: it is stretched to the masks'.
 * Each pixel takes the previous mask's value at the nearest pixel to where it was; outside of the picture is background.
 * Null where both masks are empty: nothing can flicker. With `step` only one pixel of each block of
 * `step` × `step` is looked at, the one in its middle.
 */
export function flicker(previous: Bitmap, current: Bitmap, backward: Flow, step = 1): number | null {
  const { width, height } = current;
  if (previous.area === 0 && current.area === 0) return null;
  const toX = width / backward.width;
  const toY = height / backward.height;
  let reachX = 0;
  let reachY = 0;
  for (let index = 0; index < backward.dx.length; index++) {
    reachX = Math.max(reachX, Math.abs((backward.dx[index] as number) * toX));
    reachY = Math.max(reachY, Math.abs((backward.dy[index] as number) * toY));
  }
  // Only pixels that can come from the previous mask: its box and as far around as anything moved.
  const half = step >> 1;
  const onGrid = (at: number): number => Math.ceil((at - half) / step) * step + half;
  const left = Math.max(0, previous.left - Math.ceil(reachX) - 1);
  const right = Math.min(width, previous.right + Math.ceil(reachX) + 1);
  const top = onGrid(Math.max(0, previous.top - Math.ceil(reachY) - 1));
  const bottom = previous.area === 0 ? 0 : Math.min(height, previous.bottom + Math.ceil(reachY) + 1);
  const cells = cellStarts(width, backward.width);
  let firstCell = 0;
  let lastCell = backward.width;
  while (firstCell < lastCell && (cells[firstCell + 1] as number) <= left) firstCell++;
  while (lastCell > firstCell && (cells[lastCell - 1] as number) >= right) lastCell--;
  let moved = 0;
  let intersection = 0;
  for (let y = top; y < bottom; y += step) {
    const flowRow = Math.min(Math.floor((y + 0.5) / toY), backward.height - 1) * backward.width;
    // All pixels of a row that lie in one pixel of the field come from one row, the same number of columns away.
    for (let cell = firstCell; cell < lastCell; cell++) {
      const cellLeft = Math.max(left, cells[cell] as number);
      const cellRight = Math.min(right, cells[cell + 1] as number);
      if (cellLeft >= cellRight) continue;
      const fromY = Math.floor(y + 0.5 + (backward.dy[flowRow + cell] as number) * toY);
      if (fromY < previous.top || fromY >= previous.bottom) continue;
      const shift = Math.floor(0.5 + (backward.dx[flowRow + cell] as number) * toX);
      const from = fromY * width + shift;
      const end = Math.min(cellRight, previous.right - shift);
      for (let x = onGrid(Math.max(cellLeft, previous.left - shift)); x < end; x += step) {
        const was = previous.data[from + x] as number;
        moved += was;
        intersection += was & (current.data[y * width + x] as number);
      }
    }
  }
  let area = current.area;
  if (step > 1) {
    area = 0;
    for (let y = onGrid(current.top); y < current.bottom; y += step)
      for (let x = onGrid(current.left); x < current.right; x += step)
        area += current.data[y * width + x] as number;
  }
  const union = moved + area - intersection;
  return union === 0 ? null : 1 - intersection / union;
}

/** The first mask column in each column of the field, and the end. */
function cellStarts(width: number, columns: number): Int32Array {
  const starts = new Int32Array(columns + 1).fill(width);
  const toX = width / columns;
  for (let x = width - 1; x >= 0; x--) starts[Math.min(Math.floor((x + 0.5) / toX), columns - 1)] = x;
  // A field wider than the masks has columns without any of theirs.
  for (let column = columns - 1; column >= 0; column--)
    starts[column] = Math.min(starts[column] as number, starts[column + 1] as number);
  return starts;
}

/** One frame of one object, as timing sees it. */
interface TimedScore {
  readonly timeMs: number;
  readonly iou: number;
  readonly present: boolean;
}

interface TimingScores {
  /** From the prompt to the first frame with IoU ≥ 0.5 (the prompt's own frame included); null if there is none. */
  readonly timeToFirstMaskMs: number | null;
  /** One entry per return after an absence: ms to the first frame with IoU ≥ 0.5, null if gone (or over) before that. */
  readonly reacquisitionMs: readonly (number | null)[];
}

/** `frames` from the prompted frame on, ascending time. */
export function timingScores(frames: readonly TimedScore[]): TimingScores {
  const first = frames[0];
  const hit = frames.find(({ iou, present }) => present && iou >= 0.5);
  const reacquisitionMs: (number | null)[] = [];
  let returned: number | null = null;
  frames.forEach((frame, index) => {
    const before = frames[index - 1];
    if (frame.present && before?.present === false) returned = frame.timeMs;
    if (!frame.present && returned !== null) {
      reacquisitionMs.push(null);
      returned = null;
    }
    if (returned !== null && frame.iou >= 0.5) {
      reacquisitionMs.push(frame.timeMs - returned);
      returned = null;
    }
  });
  if (returned !== null) reacquisitionMs.push(null);
  return {
    timeToFirstMaskMs: first === undefined || hit === undefined ? null : hit.timeMs - first.timeMs,
    reacquisitionMs,
  };
}
