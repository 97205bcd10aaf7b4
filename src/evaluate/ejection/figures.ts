/** Figures of clips, and of all together, from what was measured on them. Pure. */
import { chambers } from '../../vocabulary/echo.js';
import {
  agreement,
  intervalCoverage,
  median,
  percentile,
  riskCoverage,
  type Pair,
} from '../metrics/agreement.js';
import { beatsOf, guided, halfCycle, matchedBeats, matchMarks, type Course } from '../metrics/heart-marks.js';
import { bootstrapMean, mean } from '../metrics/statistics.js';
import type {
  DiceFigures,
  EjectionClip,
  EjectionRun,
  EjectionSummary,
  MarkFigures,
  MomentSummary,
} from './result.js';
import type { HeartRun, StillVolume } from './run-clip.js';

/** Null where a volume is missing or the larger one is none. */
function ejected(endDiastole: StillVolume | null, endSystole: StillVolume | null): number | null {
  return endDiastole === null || endSystole === null || !(endDiastole.value > 0)
    ? null
    : (100 * (endDiastole.value - endSystole.value)) / endDiastole.value;
}

/** Null: nothing says what the ejection fraction is. */
export function clipFigures(run: HeartRun): EjectionClip | null {
  const { heart, marks, moments, beats, reading } = run;
  const ofOutlines = ejected(marks.annotated.endDiastole, marks.annotated.endSystole);
  const referencePercent = heart.ejectionFractionPercent ?? ofOutlines;
  if (referencePercent === null) return null;
  const atMarksPercent = ejected(marks.predicted.endDiastole, marks.predicted.endSystole);
  const accepted = beats.filter(({ rejected }) => rejected === null);
  const values = (of: (beat: HeartRun['beats'][number]) => number | null): number[] =>
    accepted.map(of).filter((value) => value !== null);
  const ofBeats = median(values(({ ejectionFractionPercent }) => ejectionFractionPercent));
  const byBeats = heart.course === 'beats';
  const measuredPercent = byBeats ? ofBeats : atMarksPercent;
  const found = (kind: HeartRun['moments'][number]['kind']): number[] =>
    moments.filter((moment) => moment.kind === kind).map(({ frame }) => frame);
  const [diastoles, systoles] = [found('end-diastole'), found('end-systole')];
  const reach = halfCycle(heart.endDiastoles, heart.endSystoles, diastoles, heart.complete) ?? 0;
  const matchedDiastoles = matchMarks(heart.endDiastoles, diastoles, reach);
  const matchedSystoles = matchMarks(heart.endSystoles, systoles, reach);
  const errors = (matches: typeof matchedDiastoles): number[] =>
    matches.map((match) => match.found - match.reference);
  const [referenceBeats, foundBeats] = [
    beatsOf(heart.endDiastoles, heart.endSystoles),
    beatsOf(diastoles, systoles),
  ];
  const rejected: Record<string, number> = {};
  for (const beat of beats)
    if (beat.rejected !== null) rejected[beat.rejected] = (rejected[beat.rejected] ?? 0) + 1;
  const millilitres = (volume: StillVolume | null): number | null =>
    volume?.unit === 'mL' ? volume.value : null;
  const volumes = (
    own: number | null,
    still: 'endDiastole' | 'endSystole',
    beat: (of: HeartRun['beats'][number]) => number | null,
  ): EjectionClip['volumes']['endDiastolic'] => {
    const reference = own ?? millilitres(marks.annotated[still]);
    const measured = byBeats
      ? run.volumeUnit === 'mL'
        ? median(values(beat))
        : null
      : millilitres(marks.predicted[still]);
    return reference === null || measured === null ? null : { measured, reference };
  };
  return {
    name: run.name,
    frames: run.frames,
    fps: run.framesPerSecond,
    course: heart.course,
    referencePercent,
    referenceOf: heart.ejectionFractionPercent === null ? 'annotated outlines' : 'data set',
    measuredPercent,
    note:
      measuredPercent !== null
        ? null
        : byBeats
          ? (run.note ?? 'no beat was accepted')
          : 'no volume on one of the two pictures',
    interval:
      byBeats && ofBeats !== null && reading !== null && reading.low !== null && reading.high !== null
        ? { low: reading.low, high: reading.high }
        : null,
    atMarksPercent,
    volumes: {
      endDiastolic: volumes(
        heart.endDiastolicVolumeMl,
        'endDiastole',
        ({ endDiastolicVolume }) => endDiastolicVolume,
      ),
      endSystolic: volumes(
        heart.endSystolicVolumeMl,
        'endSystole',
        ({ endSystolicVolume }) => endSystolicVolume,
      ),
    },
    shown: run.frames === 0 ? 0 : run.shown / run.frames,
    readable: run.readable,
    endDiastole: markFigures(
      heart.endDiastoles,
      diastoles,
      errors(matchedDiastoles),
      run.area,
      'largest',
      byBeats,
    ),
    endSystole: markFigures(
      heart.endSystoles,
      systoles,
      errors(matchedSystoles),
      run.area,
      'smallest',
      byBeats,
    ),
    delaysMs: moments.map(({ delayMs }) => delayMs),
    beats: {
      reference: heart.complete ? referenceBeats.length : null,
      found: foundBeats.length,
      matched: heart.complete
        ? matchedBeats(referenceBeats, foundBeats, matchedDiastoles, matchedSystoles)
        : null,
      accepted: accepted.length,
      rejected,
    },
    dice: diceFigures(run),
    curve: {
      unit: run.volumeUnit,
      volume: run.volume.map((value) => (value === null ? null : Math.round(100 * value) / 100)),
    },
  };
}

/** In a video only: on two pictures, or on one systole, there is nothing to look for. */
function markFigures(
  reference: readonly number[],
  found: readonly number[],
  errors: readonly number[],
  area: Course,
  kind: 'largest' | 'smallest',
  video: boolean,
): MarkFigures {
  if (!video) return { reference, found: [], errors: [], guidedErrors: [] };
  return {
    reference,
    found,
    errors,
    guidedErrors: reference.flatMap((frame) => {
      const answer = guided(area, kind, frame);
      return answer === null ? [] : [answer - frame];
    }),
  };
}

function diceFigures({ dice, heart }: HeartRun): DiceFigures[] {
  return Object.values(chambers).flatMap((label): DiceFigures[] => {
    const own = dice.filter((entry) => entry.label === label);
    if (own.length === 0) return [];
    const on = (frames: readonly number[]): number | null =>
      mean(own.filter(({ frame }) => frames.includes(frame)).map(({ value }) => value));
    return [
      {
        label,
        endDiastole: on(heart.endDiastoles),
        endSystole: on(heart.endSystoles),
        all: mean(own.map(({ value }) => value)),
      },
    ];
  });
}

export function ejectionRun(
  predictor: string,
  clips: readonly EjectionClip[],
  runs: readonly HeartRun[],
  unscored: EjectionRun['unscored'],
  seed: number,
): EjectionRun {
  const pairs = clips.flatMap(({ measuredPercent, referencePercent }): Pair[] =>
    measuredPercent === null ? [] : [{ measured: measuredPercent, reference: referencePercent }],
  );
  const stated = clips.flatMap(({ measuredPercent, referencePercent, interval }) =>
    measuredPercent === null || interval === null
      ? []
      : [{ measured: measuredPercent, reference: referencePercent, interval }],
  );
  const references = clips.map(({ referencePercent }) => referencePercent);
  const centre = mean(references);
  const delays = clips.flatMap(({ delaysMs }) => delaysMs);
  const delayMean = mean(delays);
  const delayHigh = percentile(delays, 0.95);
  const wallMs = runs.reduce((sum, run) => sum + run.wallMs, 0);
  const frames = runs.reduce((sum, run) => sum + run.frames, 0);
  const total = (of: (clip: EjectionClip) => number): number =>
    clips.reduce((sum, clip) => sum + of(clip), 0);
  const complete = clips.filter(({ beats }) => beats.reference !== null);
  const reasons: Record<string, number> = {};
  for (const { beats } of clips)
    for (const [reason, count] of Object.entries(beats.rejected))
      reasons[reason] = (reasons[reason] ?? 0) + count;
  const rejected = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  const beatSum = (of: (beats: EjectionClip['beats']) => number): number =>
    complete.reduce((sum, { beats }) => sum + of(beats), 0);
  const matchedBeatCount = beatSum(({ matched }) => matched ?? 0);
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
  const summary: EjectionSummary = {
    measured: pairs.length,
    clips: clips.length,
    ejectionFraction: agreement(pairs),
    maeInterval: bootstrapMean(
      pairs.map(({ measured, reference }) => Math.abs(measured - reference)),
      { seed },
    ),
    constantMae: centre === null ? null : mean(references.map((value) => Math.abs(value - centre))),
    atMarks: agreement(
      clips.flatMap(({ atMarksPercent, referencePercent }): Pair[] =>
        atMarksPercent === null ? [] : [{ measured: atMarksPercent, reference: referencePercent }],
      ),
    ),
    endDiastolicVolume: agreement(clips.flatMap(({ volumes }) => volumes.endDiastolic ?? [])),
    endSystolicVolume: agreement(clips.flatMap(({ volumes }) => volumes.endSystolic ?? [])),
    intervals: intervalCoverage(stated),
    risk: riskCoverage(stated),
    endDiastole: momentSummary(clips, ({ endDiastole }) => endDiastole),
    endSystole: momentSummary(clips, ({ endSystole }) => endSystole),
    delay:
      delayMean === null || delayHigh === null
        ? null
        : { count: delays.length, meanMs: delayMean, p95Ms: delayHigh },
    beats: {
      recall: share(
        matchedBeatCount,
        beatSum(({ reference }) => reference ?? 0),
      ),
      precision: share(
        matchedBeatCount,
        beatSum(({ found }) => found),
      ),
      closed: total(({ beats }) => beats.accepted) + rejected,
      rejected,
      reasons,
    },
    dice: meanDice(clips),
    shown: mean(clips.map(({ shown }) => shown)) ?? 0,
    readable: mean(clips.map(({ readable }) => readable)) ?? 0,
    fps: wallMs === 0 ? 0 : (1000 * frames) / wallMs,
    timing: { wallMs, modelMs: runs.reduce((sum, run) => sum + run.modelMs, 0) },
  };
  return { predictor, mean: summary, clips, unscored };
}

function momentSummary(
  clips: readonly EjectionClip[],
  of: (clip: EjectionClip) => MarkFigures,
): MomentSummary {
  const videos = clips.filter(({ course }) => course === 'beats');
  const sum = (count: (clip: EjectionClip) => number): number =>
    videos.reduce((total, clip) => total + count(clip), 0);
  const matched = sum((clip) => of(clip).errors.length);
  const reference = sum((clip) => of(clip).reference.length);
  const found = sum((clip) => of(clip).found.length);
  const complete = videos.every(({ beats }) => beats.reference !== null);
  const errors = (pick: (marks: MarkFigures) => readonly number[]): { frames: number; ms: number }[] =>
    videos.flatMap((clip) => pick(of(clip)).map((frames) => ({ frames, ms: (1000 * frames) / clip.fps })));
  const blind = errors((marks) => marks.errors);
  const picked = errors((marks) => marks.guidedErrors);
  return {
    matched,
    reference,
    found,
    recall: reference === 0 ? null : matched / reference,
    precision: found === 0 || !complete ? null : matched / found,
    frames: mean(blind.map(({ frames }) => Math.abs(frames))),
    ms: mean(blind.map(({ ms }) => Math.abs(ms))),
    biasFrames: mean(blind.map(({ frames }) => frames)),
    biasMs: mean(blind.map(({ ms }) => ms)),
    guidedFrames: mean(picked.map(({ frames }) => Math.abs(frames))),
    guidedMs: mean(picked.map(({ ms }) => Math.abs(ms))),
  };
}

/** Mean over the clips. */
function meanDice(clips: readonly EjectionClip[]): DiceFigures[] {
  return Object.values(chambers).flatMap((label): DiceFigures[] => {
    const own = clips.flatMap(({ dice }) => dice.filter((entry) => entry.label === label));
    if (own.length === 0) return [];
    const over = (of: (entry: DiceFigures) => number | null): number | null =>
      mean(own.map(of).filter((value) => value !== null));
    return [
      {
        label,
        endDiastole: over(({ endDiastole }) => endDiastole),
        endSystole: over(({ endSystole }) => endSystole),
        all: over(({ all }) => all),
      },
    ];
  });
}
