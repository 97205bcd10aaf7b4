/** Which pictures of a recording a person should look at next: where an outline is least certain. Pure. */
import { laneCode } from '../../../src/protocol/project-requests.js';

/** What is known of an object over the whole recording, in as many equal parts as there are states. */
interface Lane {
  readonly label: string;
  readonly states: readonly number[];
  /** Lowest of each part, 0 … 100. */
  readonly confidences: readonly number[];
}

interface UncertainPicture {
  readonly label: string;
  readonly frame: number;
  /** The part of the recording has this many pictures, from `frame` on: the least certain one is among them. */
  readonly pictures: number;
  /** 0 … 100 */
  readonly confidence: number;
}

/** Pictures of one object that are nearer to each other than this are one place to look at. */
const apartPictures = 10;
const uncertain = laneCode('uncertain');
const lost = laneCode('lost');

/**
 * Least certain first: pictures whose outline is uncertain, and those on which an object is lost first (not all the others on which it
 * is gone). `marked` says whether a person has already said something of an object between two pictures, the last one included.
 */
export function uncertainPictures(
  lanes: readonly Lane[],
  frames: number,
  marked: (label: string, from: number, to: number) => boolean,
): readonly UncertainPicture[] {
  const found = lanes.flatMap(({ label, states, confidences }) => {
    const parts = states.length;
    const candidates = states.flatMap((state, part): UncertainPicture[] => {
      const first = state === lost && part > 0 && states[part - 1] !== lost;
      if (state !== uncertain && !first) return [];
      const frame = Math.floor((part * frames) / parts);
      const pictures = Math.max(1, Math.floor(((part + 1) * frames) / parts) - frame);
      if (marked(label, frame, frame + pictures - 1)) return [];
      return [{ label, frame, pictures, confidence: confidences[part] ?? 0 }];
    });
    candidates.sort((a, b) => a.confidence - b.confidence || a.frame - b.frame);
    const chosen: UncertainPicture[] = [];
    for (const one of candidates)
      if (chosen.every(({ frame }) => Math.abs(frame - one.frame) >= apartPictures)) chosen.push(one);
    return chosen;
  });
  return found.sort((a, b) => a.confidence - b.confidence || a.frame - b.frame);
}
