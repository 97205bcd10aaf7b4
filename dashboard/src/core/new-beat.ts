/** A beat that a person adds, moment by moment: which one comes next, and what cannot be. Pure; pictures are counted from 0. */
import type { Correction } from '../../../src/protocol/project-requests.js';

/** In their order. */
const moments = ['end-diastole', 'end-systole', 'next end-diastole'] as const;

/** Pictures of the moments that are chosen so far. */
export type NewBeat = readonly number[];

export const newBeatSteps = moments.length;

/** What is to be chosen next, in words; null: the beat is whole. */
export function nextMomentOf(beat: NewBeat): string | null {
  return moments[beat.length] ?? null;
}

/** The picture as the next moment; a text: why it cannot be. */
export function withMoment(beat: NewBeat, frame: number): NewBeat | string {
  const [before, next] = [beat.at(-1), moments[beat.length]];
  if (next === undefined) return beat;
  if (before !== undefined && frame <= before)
    return `The ${next} must come after the ${moments[beat.length - 1]}, which is on picture ${before}.`;
  return [...beat, frame];
}

/** null: it is not whole. */
export function correctionOf(beat: NewBeat): Extract<Correction, { kind: 'add' }> | null {
  const [endDiastole, endSystole, nextEndDiastole] = beat;
  if (endDiastole === undefined || endSystole === undefined || nextEndDiastole === undefined) return null;
  return { kind: 'add', endDiastole, endSystole, nextEndDiastole };
}
