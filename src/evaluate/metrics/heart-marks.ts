/**
 * End-diastoles and end-systoles that were found against those that are known. Pure.
 *
 * `guided` answers as EchoDFKD is scored: the reference itself picks the beat, so a missed or an invented beat costs nothing.
 * `matchMarks` is blind: what was found must lie within half a cycle of a reference, each belongs to one, and the rest is counted.
 */

import { median } from './agreement.js';

/** A course over frames; null: nothing was measured on that frame. */
export type Course = readonly (number | null)[];

/**
 * The frames that could be meant: of each stretch of frames above (`largest`) or below (`smallest`) the median of the course, the
 * extreme one; of these the closest to `reference`. A frame without a value ends a stretch. Null where there is no stretch.
 */
export function guided(course: Course, kind: 'largest' | 'smallest', reference: number): number | null {
  const middle = median(course.filter((value) => value !== null));
  if (middle === null) return null;
  const sign = kind === 'largest' ? 1 : -1;
  let best: number | null = null;
  let peak: { readonly frame: number; readonly height: number } | null = null;
  for (let frame = 0; frame <= course.length; frame++) {
    const value = course[frame] ?? null;
    const height = value === null ? 0 : sign * (value - middle);
    if (height > 0) {
      if (peak === null || height > peak.height) peak = { frame, height };
      continue;
    }
    if (peak !== null && (best === null || Math.abs(peak.frame - reference) < Math.abs(best - reference)))
      best = peak.frame;
    peak = null;
  }
  return best;
}

interface MarkMatch {
  readonly reference: number;
  readonly found: number;
}

/** One-to-one, closest pairs first, none further apart than `reach` frames. In the order of the references. */
export function matchMarks(
  references: readonly number[],
  found: readonly number[],
  reach: number,
): MarkMatch[] {
  const candidates = references
    .flatMap((reference, r) =>
      found.map((frame, f) => ({ r, f, reference, found: frame, distance: Math.abs(frame - reference) })),
    )
    .filter(({ distance }) => distance <= reach)
    .sort((a, b) => a.distance - b.distance || a.r - b.r || a.f - b.f);
  const usedReferences = new Set<number>();
  const usedFound = new Set<number>();
  const matches: MarkMatch[] = [];
  for (const { r, f, reference, found: frame } of candidates) {
    if (usedReferences.has(r) || usedFound.has(f)) continue;
    usedReferences.add(r);
    usedFound.add(f);
    matches.push({ reference, found: frame });
  }
  return matches.sort((a, b) => a.reference - b.reference);
}

/** Frames of half a cycle: of what is known, else of what was found, else of one systole, which lasts about a third of a cycle. */
export function halfCycle(
  endDiastoles: readonly number[],
  endSystoles: readonly number[],
  found: readonly number[],
  complete: boolean,
): number | null {
  const gaps = (marks: readonly number[]): number[] =>
    marks.slice(1).map((mark, index) => mark - (marks[index] as number));
  const [diastole, systole] = [endDiastoles[0], endSystoles[0]];
  const cycle =
    (complete ? median(gaps(endDiastoles)) : null) ??
    median(gaps(found)) ??
    (diastole === undefined || systole === undefined ? null : 3 * Math.abs(systole - diastole));
  return cycle === null ? null : cycle / 2;
}

/** One beat, by frames. */
interface BeatMarks {
  readonly endDiastole: number;
  readonly endSystole: number;
}

/** Each end-diastole with the end-systole that follows before the next one. */
export function beatsOf(endDiastoles: readonly number[], endSystoles: readonly number[]): BeatMarks[] {
  return endDiastoles.flatMap((endDiastole, index): BeatMarks[] => {
    const next = endDiastoles[index + 1] ?? Infinity;
    const endSystole = endSystoles.find((frame) => frame > endDiastole && frame < next);
    return endSystole === undefined ? [] : [{ endDiastole, endSystole }];
  });
}

/** Beats of `found` whose both marks were matched to those of one beat of `references`. */
export function matchedBeats(
  references: readonly BeatMarks[],
  found: readonly BeatMarks[],
  endDiastoles: readonly MarkMatch[],
  endSystoles: readonly MarkMatch[],
): number {
  const diastole = new Map(endDiastoles.map((match) => [match.found, match.reference]));
  const systole = new Map(endSystoles.map((match) => [match.found, match.reference]));
  return found.filter((beat) =>
    references.some(
      (reference) =>
        diastole.get(beat.endDiastole) === reference.endDiastole &&
        systole.get(beat.endSystole) === reference.endSystole,
    ),
  ).length;
}
