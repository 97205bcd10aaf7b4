/**
 * When each frame of a DICOM image is shown (PS3.3 C.7.6.5.1): what the frame increment pointer names; else a vector, a constant time,
 * the moments of acquisition, a rate. Pure.
 */
import type { DataSet } from './data-set.js';
import { perFrameGroups } from './functional-groups.js';

export interface FrameTimes {
  /** Start of each frame, strictly rising from 0, and, last, the end; nanoseconds. */
  readonly mediaNs: readonly number[];
  /** null where frames follow at unequal distances, and where the file gives no times. */
  readonly framesPerSecond: number | null;
  /** What they were taken from, in words; null: nothing, so that they are a guess. */
  readonly origin: string | null;
}

/** Where the file gives no timing: a usual cine rate, said in the description. */
export const assumedFramesPerSecond = 25;

const frameTimeTag = 0x00181063;
const frameTimeVectorTag = 0x00181065;

/** Steps between frames in nanoseconds: one fewer than frames, none negative, not all 0. */
type Steps = readonly number[];

/**
 * @param set header of the image
 * @param promised frames that the header speaks of, which may be more than there are
 * @param frameCount frames that there are
 */
export function readFrameTimes(set: DataSet, promised: number, frameCount: number): FrameTimes {
  const pointer = set.tags(0x00280009)[0];
  const sources: readonly (readonly [origin: string, steps: () => Steps | null])[] = [
    ['frame time vector', () => vectorSteps(set, [promised, frameCount])],
    ['frame time', () => constantSteps(set.number(frameTimeTag, 'DS'), promised)],
    ['time of acquisition', () => acquisitionSteps(set, promised)],
    ['cine rate', () => rateSteps(set.number(0x00180040, 'DS'), promised)],
    ['recommended rate', () => rateSteps(set.number(0x00082144, 'DS'), promised)],
    ['frame duration', () => constantSteps(set.number(0x00181242, 'DS'), promised)],
  ];
  const named = { [frameTimeTag]: 'frame time', [frameTimeVectorTag]: 'frame time vector' }[pointer ?? 0];
  const inOrder = [
    ...sources.filter(([origin]) => origin === named),
    ...sources.filter(([origin]) => origin !== named),
  ];
  for (const [origin, read] of inOrder) {
    const steps = read();
    if (steps !== null) return timesOf(steps, frameCount, origin);
  }
  return {
    ...timesOf(rateSteps(assumedFramesPerSecond, promised) ?? [], frameCount, null),
    framesPerSecond: null,
  };
}

/** @param steps not empty, none negative, not all 0 */
export function timesOf(steps: Steps, frameCount: number, origin: string | null): FrameTimes {
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  const starts: number[] = [0];
  for (const step of steps) starts.push((starts.at(-1) ?? 0) + step);
  starts.push((starts.at(-1) ?? 0) + mean);
  const rising = spread(starts);
  // A coarse clock is up to a millisecond off in each step.
  const tolerance = Math.min(1.001e6, mean / 10);
  const isConstant = steps.every((step) => Math.abs(step - mean) <= tolerance);
  return {
    mediaNs: rising.slice(0, frameCount + 1),
    framesPerSecond: isConstant ? Math.round(1e12 / mean) / 1000 : null,
    origin,
  };
}

/** Frames that have one time, of a coarse clock, are spread until the next; the others keep theirs. Strictly rising whole numbers. */
function spread(starts: readonly number[]): number[] {
  const out = starts.map(Math.round);
  for (let i = 0; i < out.length;) {
    const time = out[i] ?? 0;
    let next = i + 1;
    while (next < out.length && (out[next] ?? 0) <= time) next += 1;
    const until = next < out.length ? (out[next] ?? 0) : time + (next - i) * 1e6;
    for (let j = i + 1; j < next; j += 1)
      out[j] = Math.max((out[j - 1] ?? 0) + 1, time + Math.round(((j - i) * (until - time)) / (next - i)));
    i = next;
  }
  return out;
}

function areSteps(steps: Steps): boolean {
  return steps.every((step) => step >= 0 && Number.isFinite(step)) && steps.some((step) => step > 0);
}

/** Increments in milliseconds: one per frame, of which the first says nothing, or one per step; a single one is for all. */
function vectorSteps(set: DataSet, frameCounts: readonly number[]): Steps | null {
  const values = set.numbers(frameTimeVectorTag, 'DS').map((ms) => ms * 1e6);
  for (const count of frameCounts) {
    if (count < 2) continue;
    const steps =
      values.length >= count
        ? values.slice(1, count)
        : values.length === count - 1
          ? values
          : values.length === 1
            ? Array.from({ length: count - 1 }, () => values[0] ?? NaN)
            : [];
    if (areSteps(steps)) return steps;
  }
  return null;
}

function constantSteps(ms: number | undefined, frameCount: number): Steps | null {
  // One frame needs a duration all the same.
  const steps = Array.from({ length: Math.max(1, frameCount - 1) }, () => (ms ?? 0) * 1e6);
  return areSteps(steps) ? steps : null;
}

function rateSteps(perSecond: number | undefined, frameCount: number): Steps | null {
  return perSecond !== undefined && perSecond > 0 ? constantSteps(1000 / perSecond, frameCount) : null;
}

/** Frame Acquisition (or Reference) Date Time, or the time offset of each frame's temporal position. */
function acquisitionSteps(set: DataSet, frameCount: number): Steps | null {
  if (frameCount < 2) return null;
  const contents = perFrameGroups(set, 0x00209111).slice(0, frameCount);
  const positions = perFrameGroups(set, 0x00209310).slice(0, frameCount);
  const readings = [
    contents.map((content) => momentOf(content?.ascii(0x00189074))),
    contents.map((content) => momentOf(content?.ascii(0x00189151))),
    positions.map((position) => ({ ms: 0, ns: (position?.number(0x0020930d, 'FD') ?? NaN) * 1e9 })),
  ];
  for (const moments of readings) {
    const steps = moments.slice(1).map((moment, i) => {
      const before = moments[i] ?? unknown;
      // Each part by itself, because nanoseconds since 1970 are more than a double holds.
      return (moment.ms - before.ms) * 1e6 + (moment.ns - before.ns);
    });
    if (steps.length === frameCount - 1 && areSteps(steps)) return steps;
  }
  return null;
}

/** Whole seconds since 1970 in milliseconds, and nanoseconds within. */
interface Moment {
  readonly ms: number;
  readonly ns: number;
}

const unknown: Moment = { ms: NaN, ns: NaN };

/** A date and time (DT); its zone is the same for all frames of a file. */
function momentOf(text: string | undefined): Moment {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,6})?/.exec(text ?? '');
  if (match === null) return unknown;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  return {
    ms: Date.UTC(year, month - 1, day, hour, minute, second),
    ns: Math.round(Number(match[7] ?? 0) * 1e9),
  };
}
