/** A beat that a person adds, moment by moment: which one comes next, and what cannot be. Pure; pictures are counted from 0. */
import type { Correction } from '../../../src/protocol/project-requests.js';
import { msg, say, t } from './texts.js';
import type { Text } from './texts.js';

/** In their order. */
const moments: readonly Text[] = [msg('end-diastole'), msg('end-systole'), msg('next end-diastole')];

/** Pictures of the moments that are chosen so far. */
export type NewBeat = readonly number[];

export const newBeatSteps = moments.length;

/** What is to be chosen next, in words; null: the beat is whole. */
export function nextMomentOf(beat: NewBeat): string | null {
  const next = moments[beat.length];
  return next === undefined ? null : say(next);
}

/** The picture as the next moment; a text: why it cannot be. */
export function withMoment(beat: NewBeat, frame: number): NewBeat | string {
  const before = beat.at(-1);
  if (beat.length >= newBeatSteps) return beat;
  if (before !== undefined && frame <= before)
    return beat.length === 1
      ? t('The end-systole must come after the end-diastole, which is on picture {before}.', { before })
      : t('The next end-diastole must come after the end-systole, which is on picture {before}.', { before });
  return [...beat, frame];
}

/** null: it is not whole. */
export function correctionOf(beat: NewBeat): Extract<Correction, { kind: 'add' }> | null {
  const [endDiastole, endSystole, nextEndDiastole] = beat;
  if (endDiastole === undefined || endSystole === undefined || nextEndDiastole === undefined) return null;
  return { kind: 'add', endDiastole, endSystole, nextEndDiastole };
}
