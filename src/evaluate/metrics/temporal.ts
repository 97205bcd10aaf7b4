/** How a mask behaves over time: flicker, time to the first mask, time to find an object again. Pure. */
import type { Bitmap } from './bitmap.js';
import type { Flow } from './flow.js';

/**
 * 1 − IoU of this frame's mask and the previous one moved along the picture's motion. `backward` is the flow from this
 * frame to the previous one (each pixel of this frame says where it was), at any size: it is stretched to the masks'.
 * Each pixel takes the previous mask's value at the nearest pixel to where it was; outside of the picture is background.
 * Null where both masks are empty: nothing can flicker.
 */
export function flicker(previous: Bitmap, current: Bitmap, backward: Flow): number | null {
  const { width, height } = current;
  if (previous.area === 0 && current.area === 0) return null;
  const scaleX = backward.width / width;
  const scaleY = backward.height / height;
  let moved = 0;
  let intersection = 0;
  // Where the previous mask can have gone, and where the current one is.
  let reach = 0;
  for (let index = 0; index < backward.dx.length; index++)
    reach = Math.max(
      reach,
      Math.abs(backward.dx[index] as number) / scaleX,
      Math.abs(backward.dy[index] as number) / scaleY,
    );
  const margin = Math.ceil(reach) + 1;
  const boxes = [current, previous].filter((bitmap) => bitmap.area > 0);
  const left = Math.max(0, Math.min(...boxes.map((box) => box.left)) - margin);
  const top = Math.max(0, Math.min(...boxes.map((box) => box.top)) - margin);
  const right = Math.min(width, Math.max(...boxes.map((box) => box.right)) + margin);
  const bottom = Math.min(height, Math.max(...boxes.map((box) => box.bottom)) + margin);
  for (let y = top; y < bottom; y++) {
    const flowRow = Math.min(Math.floor((y + 0.5) * scaleY), backward.height - 1) * backward.width;
    for (let x = left; x < right; x++) {
      const at = flowRow + Math.min(Math.floor((x + 0.5) * scaleX), backward.width - 1);
      const fromX = Math.floor(x + 0.5 + (backward.dx[at] as number) / scaleX);
      const fromY = Math.floor(y + 0.5 + (backward.dy[at] as number) / scaleY);
      if (fromX < 0 || fromY < 0 || fromX >= width || fromY >= height) continue;
      if (previous.data[fromY * width + fromX] === 0) continue;
      moved++;
      intersection += current.data[y * width + x] as number;
    }
  }
  const union = moved + current.area - intersection;
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
