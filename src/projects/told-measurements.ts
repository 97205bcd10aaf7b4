/** What was measured of a heart in a recording as it is told to a page: curve and beats of a range, never more than an answer may hold, and what two views give. Pure. */
import { biplaneMeasurements } from '../analysis/biplane-beats.js';
import { byHandWords } from '../analysis/corrected-beats.js';
import type { ResponseOf } from '../protocol/operations.js';
import { mostBeatsTold } from '../protocol/project-requests.js';
import type { ClipMeasurements, CurvePoint } from '../replay/clip-measurements.js';
import { rejectionCode, sizesOf, type CorrectedClip } from '../replay/corrected-clip.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { StoredCorrection } from './project-document.js';
import type { ProjectBiplane } from './projects.js';

type Told = ResponseOf<'projects.measurements'>;
type ToldBeat = Told['beats'][number];

interface Range {
  readonly from: number;
  readonly to: number;
  readonly points: number;
}

export function toldMeasurements(
  measured: CorrectedClip,
  corrections: readonly StoredCorrection[],
  calibrated: boolean,
  range: Range,
): Omit<Told, 'biplane'> {
  const { clip, beats, summary } = measured;
  const first = clip.indexFrom(range.from);
  const end = clip.indexFrom(range.to + 1);
  const [fromPtsNs, toPtsNs] = [clip.point(first).ptsNs, clip.point(Math.max(first, end - 1)).ptsNs];
  const inside = beats.filter(
    ({ endDiastolePtsNs, nextEndDiastolePtsNs }) =>
      end > first &&
      (endDiastolePtsNs ?? -Infinity) <= toPtsNs &&
      (nextEndDiastolePtsNs ?? Infinity) >= fromPtsNs,
  );
  return {
    units: clip.units,
    calibrated,
    frames: clip.size,
    curve: chosen(first, end, range.points, (index) => pointOf(measured, index)).map((index) =>
      toldPoint(measured, index),
    ),
    beats: inside.slice(0, mostBeatsTold).map((beat): ToldBeat => {
      const { touched } = beat;
      return {
        number: beat.number,
        endDiastole: momentOf(clip, beat.endDiastolePtsNs, touched.has('end-diastole')),
        endSystole: momentOf(clip, beat.endSystolePtsNs, touched.has('end-systole')),
        nextEndDiastole: momentOf(clip, beat.nextEndDiastolePtsNs, touched.has('next-end-diastole')),
        endDiastolicVolume: beat.endDiastolicVolume && figureOf(beat.endDiastolicVolume),
        endSystolicVolume: beat.endSystolicVolume && figureOf(beat.endSystolicVolume),
        strokeVolume: beat.strokeVolume && figureOf(beat.strokeVolume),
        ejectionFraction: beat.ejectionFraction && figureOf(beat.ejectionFraction),
        fractionalAreaChange: beat.fractionalAreaChange && figureOf(beat.fractionalAreaChange),
        heartRate: beat.heartRate && figureOf(beat.heartRate),
        accepted: beat.accepted,
        reason: beat.reason,
        rejection: rejectionCode(beat),
        corrected: beat.corrected,
        added: beat.added,
      };
    }),
    beatsLeftOut: Math.max(0, inside.length - mostBeatsTold),
    summary: {
      beats: summary.accepted,
      ...{ rejected: summary.rejected, corrected: summary.corrected },
      ejectionFraction: figureOf(summary.ejectionFraction),
      endDiastolicVolume: figureOf(summary.endDiastolicVolume),
      endSystolicVolume: figureOf(summary.endSystolicVolume),
      heartRate: figureOf(summary.heartRate),
    },
    corrections: corrections.map(({ correction, author, atUnixMs }) =>
      correction.kind === 'contour'
        ? { kind: 'contour', frame: correction.frame, label: correction.label, author, atUnixMs }
        : { ...correction, author, atUnixMs },
    ),
  };
}

/** The figures of two views. */
export function toldBiplane({
  present,
  corrected,
}: Pick<ProjectBiplane, 'present' | 'corrected'>): Omit<NonNullable<Told['biplane']>, 'view' | 'partner'> {
  const { ejectionFraction, endDiastolicVolume, endSystolicVolume } = biplaneMeasurements(
    present,
    0,
    corrected ? byHandWords : '',
  );
  return {
    ejectionFraction: figureOf(ejectionFraction),
    endDiastolicVolume: figureOf(endDiastolicVolume),
    endSystolicVolume: figureOf(endSystolicVolume),
  };
}

/**
 * Indices of [first, end): all of them, or of each of as many equal stretches as there is room for the two with the smallest and the
 * largest volume, so that neither an end-diastole nor an end-systole is lost between two points.
 */
function chosen(
  first: number,
  end: number,
  most: number,
  pointAt: (index: number) => Pick<CurvePoint, 'volume'>,
): number[] {
  const count = end - first;
  if (count <= most) return Array.from({ length: Math.max(0, count) }, (_, index) => first + index);
  const stretches = Math.floor(most / 2);
  const indices: number[] = [];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const from = first + Math.floor((stretch * count) / stretches);
    const to = first + Math.floor(((stretch + 1) * count) / stretches);
    let [least, largest] = [from, from];
    let [low, high] = [Infinity, -Infinity];
    for (let index = from; index < to; index++) {
      const { volume } = pointAt(index);
      if (volume === null) continue;
      if (volume < low) [low, least] = [volume, index];
      if (volume > high) [high, largest] = [volume, index];
    }
    indices.push(Math.min(least, largest));
    if (least !== largest) indices.push(Math.max(least, largest));
  }
  return indices;
}

function pointOf(measured: CorrectedClip, index: number): CurvePoint {
  const point = measured.clip.point(index);
  const drawn = measured.drawnOn(point.frame);
  return drawn === null ? point : { ...point, ...sizesOf(drawn) };
}

function toldPoint(measured: CorrectedClip, index: number): Told['curve'][number] {
  const { ptsNs, state, ...point } = pointOf(measured, index);
  return {
    ...point,
    timeSeconds: ptsNs / 1e9,
    state: state ?? 'none',
    corrected: measured.drawnOn(point.frame) !== null,
  };
}

function momentOf(clip: ClipMeasurements, ptsNs: number | null, corrected: boolean): ToldBeat['endDiastole'] {
  const frame = ptsNs === null ? null : clip.frameOf(ptsNs);
  return ptsNs === null || frame === null ? null : { frame, timeSeconds: ptsNs / 1e9, corrected };
}

function figureOf({ value, unit, interval, quality, note }: Measurement): Told['summary']['heartRate'] {
  return { value, unit, interval: interval && { ...interval }, quality, note };
}
