/** Functional groups of enhanced objects (PS3.3 C.7.6.16): what is said once for all frames, or for each. Pure. */
import type { DataSet } from './data-set.js';

const sharedTag = 0x52009229;
const perFrameTag = 0x52009230;

/** The group's item for all frames, else that of the first frame; undefined where the object has no such group. */
export function functionalGroup(set: DataSet, sequence: number): DataSet | undefined {
  return set.item(sharedTag)?.item(sequence) ?? set.item(perFrameTag)?.item(sequence);
}

/** The group's item of each frame, null for a frame without; an empty list where no frame has one. */
export function perFrameGroups(set: DataSet, sequence: number): (DataSet | null)[] {
  const frames = set.items(perFrameTag).map((frame) => frame.item(sequence) ?? null);
  return frames.some((frame) => frame !== null) ? frames : [];
}
