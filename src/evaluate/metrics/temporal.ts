/** How a mask behaves over time: flicker, time to the first mask, time to find an object again. Pure. */
import type { Bitmap } from './bitmap.js';
import type { Flow } from './flow.js';

/**
 * 1 − IoU of this frame's mask and the previous one moved along the picture's motion. `backward` is the flow from this
 * frame to the previous one (each pixel of this frame says where it was), at any size: it is stretched to the masks'.
 * Each pixel takes the previous mask's value at the nearest pixel to where it was; outside of the picture is background.
 * Null where both masks are empty: nothing can flicker. With `step` only every so many pixels of every so many rows are
 * looked at, from the middle of the first block on.
 */
export function flicker(previous: Bitmap, current: Bitmap, backward: Flow, step = 1): number | null {
  const { width, height } = current;
  if (previous.area === 0 && current.area === 0) return null;
  // The field in mask pixels, and which of its columns each mask column reads.
  const toX = width / backward.width;
  const toY = height / backward.height;
  const dx = backward.dx.map((value) => value * toX);
  const dy = backward.dy.map((value) => value * toY);
  let reachX = 0;
  let reachY = 0;
  for (let index = 0; index < dx.length; index++) {
    reachX = Math.max(reachX, Math.abs(dx[index] as number));
    reachY = Math.max(reachY, Math.abs(dy[index] as number));
  }
  // Only pixels that can come from the previous mask: its box and as far around as anything moved.
  const half = step >> 1;
  const onGrid = (at: number): number => Math.ceil((at - half) / step) * step + half;
  const left = onGrid(Math.max(0, previous.left - Math.ceil(reachX) - 1));
  const right = Math.min(width, previous.right + Math.ceil(reachX) + 1);
  const top = onGrid(Math.max(0, previous.top - Math.ceil(reachY) - 1));
  const bottom = previous.area === 0 ? 0 : Math.min(height, previous.bottom + Math.ceil(reachY) + 1);
  const columns = Int32Array.from({ length: width }, (_, x) =>
    Math.min(Math.floor((x + 0.5) / toX), backward.width - 1),
  );
  let moved = 0;
  let intersection = 0;
  for (let y = top; y < bottom; y += step) {
    const flowRow = Math.min(Math.floor((y + 0.5) / toY), backward.height - 1) * backward.width;
    for (let x = left; x < right; x += step) {
      const at = flowRow + (columns[x] as number);
      const fromX = Math.floor(x + 0.5 + (dx[at] as number));
      const fromY = Math.floor(y + 0.5 + (dy[at] as number));
      if (
        fromX < previous.left ||
        fromY < previous.top ||
        fromX >= previous.right ||
        fromY >= previous.bottom ||
        previous.data[fromY * width + fromX] === 0
      )
        continue;
      moved++;
      intersection += current.data[y * width + x] as number;
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

/** One frame of one object, as timing sees it. */
export interface TimedScore {
  readonly timeMs: number;
  readonly iou: number;
  readonly present: boolean;
}

export interface TimingScores {
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
