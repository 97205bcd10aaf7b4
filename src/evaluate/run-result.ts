/** How the result of a run comes from the scores of its frames. Pure. */
import { evaluateError } from './errors.js';
import { abstentionCurve, Calibration } from './metrics/calibration.js';
import { ClassOverlap } from './metrics/overlap.js';
import {
  bootstrapClusters,
  bootstrapMean,
  mean,
  sequenceStatistics,
  type Interval,
} from './metrics/statistics.js';
import { timingScores } from './metrics/temporal.js';
import type { ClassFigures, ClipResult, Figures, ObjectResult, RunResult, Unscored } from './result.js';
import type { ClipRun, ObjectRun } from './run-clip.js';
import type { FrameScore } from './score-frame.js';

interface CountingRule {
  readonly skipFirstAndLastFrame: boolean;
}

/** Which frames enter the figures: not the prompted one; for DAVIS neither the first nor the last of the clip. */
function isCounted(score: FrameScore, object: ObjectRun, clip: ClipRun, rule: CountingRule): boolean {
  if (score.frame === object.promptFrame) return false;
  return !(rule.skipFirstAndLastFrame && (score.frame === 0 || score.frame === clip.frames - 1));
}

const finite = (values: readonly number[]): number[] => values.filter((value) => Number.isFinite(value));
const present = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

function objectResult(object: ObjectRun, clip: ClipRun, rule: CountingRule): ObjectResult | null {
  const counted = object.scores.filter((score) => isCounted(score, object, clip, rule));
  const j = sequenceStatistics(counted.map((score) => score.j));
  const f = sequenceStatistics(counted.map((score) => score.f));
  if (j === null || f === null) return null;
  const both = counted.filter(({ areas }) => areas.prediction > 0 && areas.truth > 0);
  const timing = timingScores(
    object.scores
      .filter((score) => score.frame >= object.promptFrame)
      .map((score) => ({ timeMs: score.timeMs, iou: score.j, present: score.areas.truth > 0 })),
  );
  const average = (values: readonly number[]): number => mean(values) as number;
  return {
    label: object.label,
    name: object.name,
    promptFrame: object.promptFrame,
    frames: counted.length,
    J: j.mean,
    F: f.mean,
    JF: (j.mean + f.mean) / 2,
    jRecall: j.recall,
    jDecay: j.decay,
    fRecall: f.recall,
    fDecay: f.decay,
    dice: average(counted.map((score) => score.dice)),
    hd95: mean(finite(both.map((score) => score.hd95))),
    assd: mean(finite(both.map((score) => score.assd))),
    nsd: average(counted.map((score) => score.nsd)),
    drawnJ: average(counted.map((score) => score.drawnJ)),
    flicker: mean(present(counted.map((score) => score.flicker))),
    truthFlicker: mean(present(counted.map((score) => score.truthFlicker))),
    promptIoU: object.promptIou.at(-1) ?? 0,
    promptIoUs: object.promptIou,
    timeToFirstMaskMs: timing.timeToFirstMaskMs,
    reacquisitionMs: mean(present(timing.reacquisitionMs)),
    reacquired:
      timing.reacquisitionMs.length === 0
        ? null
        : present(timing.reacquisitionMs).length / timing.reacquisitionMs.length,
    shown: counted.filter(({ areas }) => areas.prediction > 0).length / counted.length,
    perFrame: {
      frame: object.scores.map((score) => score.frame),
      counted: object.scores.map((score) => isCounted(score, object, clip, rule)),
      J: object.scores.map((score) => round(score.j)),
      F: object.scores.map((score) => round(score.f)),
      confidence: object.scores.map((score) => score.confidence && round(score.confidence)),
      state: object.scores.map((score) => score.state),
    },
  };
}

/** Six digits: what the metrics are checked to, at a third of the file. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function meanFigures(objects: readonly Figures[]): Figures {
  const over = (pick: (figures: Figures) => number): number => mean(objects.map(pick)) as number;
  const overPresent = (pick: (figures: Figures) => number | null): number | null =>
    mean(present(objects.map(pick)));
  return {
    J: over(({ J }) => J),
    F: over(({ F }) => F),
    JF: over(({ JF }) => JF),
    jRecall: over(({ jRecall }) => jRecall),
    jDecay: over(({ jDecay }) => jDecay),
    fRecall: over(({ fRecall }) => fRecall),
    fDecay: over(({ fDecay }) => fDecay),
    dice: over((figures) => figures.dice),
    hd95: overPresent(({ hd95 }) => hd95),
    assd: overPresent(({ assd }) => assd),
    nsd: over(({ nsd }) => nsd),
    drawnJ: over(({ drawnJ }) => drawnJ),
    flicker: overPresent((figures) => figures.flicker),
    truthFlicker: overPresent(({ truthFlicker }) => truthFlicker),
    promptIoU: over(({ promptIoU }) => promptIoU),
    timeToFirstMaskMs: overPresent(({ timeToFirstMaskMs }) => timeToFirstMaskMs),
    reacquisitionMs: overPresent(({ reacquisitionMs }) => reacquisitionMs),
    reacquired: overPresent(({ reacquired }) => reacquired),
    shown: over(({ shown }) => shown),
  };
}

/** Feeds the counted frames of a clip, class by class, into `scores`. */
function addClasses(
  scores: ClassOverlap,
  labels: readonly number[],
  clip: ClipRun,
  rule: CountingRule,
): void {
  const byFrame = new Map<number, Map<number, FrameScore>>();
  for (const object of clip.objects)
    for (const score of object.scores) {
      if (!isCounted(score, object, clip, rule)) continue;
      const frame = byFrame.get(score.frame) ?? new Map<number, FrameScore>();
      byFrame.set(score.frame, frame.set(object.label, score));
    }
  const absent = { intersection: 0, prediction: 0, truth: 0 };
  for (const frame of [...byFrame.keys()].sort((a, b) => a - b))
    scores.add(labels.map((label) => byFrame.get(frame)?.get(label)?.areas ?? absent));
}

function clipResult(clip: ClipRun, rounds: readonly ClipRun[], rule: CountingRule): ClipResult | null {
  const objects = clip.objects.flatMap((object) => objectResult(object, clip, rule) ?? []);
  if (objects.length === 0) return null;
  const labels = clip.objects.map(({ label }) => label);
  const classes = new ClassOverlap(labels.length);
  addClasses(classes, labels, clip, rule);
  const { challengeIoU, isiIoU, mcIoU } = classes.scores();
  return {
    name: clip.name,
    frames: Math.max(...objects.map(({ frames }) => frames)),
    totalFrames: clip.frames,
    width: clip.size.width,
    height: clip.size.height,
    unit: clip.spacingMm === null ? 'px' : 'mm',
    fps: (clip.frames * 1000) / clip.wallMs,
    masks: clip.maskWords,
    ...meanFigures(objects),
    challengeIoU,
    isiIoU,
    mcIoU,
    objects,
    ...(rounds.length > 1
      ? {
          rounds: rounds.map((run) =>
            round(mean(run.objects.flatMap((object) => objectResult(object, run, rule)?.JF ?? [])) as number),
          ),
        }
      : {}),
  };
}

const driftBorders = [
  [1, 10],
  [11, 30],
  [31, 60],
  [61, null],
] as const;

const coverages = Array.from({ length: 20 }, (_, index) => (index + 1) / 20);

export interface EvaluatedClip {
  readonly run: ClipRun;
  readonly rounds: readonly ClipRun[];
}

interface ResultOptions {
  readonly policy: string | null;
  readonly predictor: string;
  /** Labels that mean the same in every clip; null: each clip has its own. */
  readonly classes: readonly number[] | null;
  readonly rule: CountingRule;
  readonly pixelCalibration: Calibration;
  readonly seed: number;
  /** Clips that could not be run. */
  readonly broken: readonly Unscored[];
}

/** Objects without a frame that counts; where a clip has no other, the clip. */
function withoutCountedFrames(run: ClipRun, rule: CountingRule): Unscored[] {
  const absent = run.objects.filter((object) => objectResult(object, run, rule) === null);
  const whole = absent.length === run.objects.length;
  return (whole ? absent.slice(0, 1) : absent).map(({ name }) => {
    const { code, message } = evaluateError('SONO_DATASET_NOTHING_COUNTS', {
      clip: run.name,
      object: `"${name}"`,
    });
    return { clip: run.name, object: whole ? null : name, code, reason: message };
  });
}

/** Null where no clip has a frame that counts. */
export function runResult(clips: readonly EvaluatedClip[], options: ResultOptions): RunResult | null {
  const { rule, seed } = options;
  const results = clips.flatMap(({ run, rounds }) => clipResult(run, rounds, rule) ?? []);
  if (results.length === 0) return null;
  const objects = results.flatMap((clip) => clip.objects);
  const counted = clips.flatMap(({ run }) =>
    run.objects.flatMap((object) =>
      object.scores
        .filter((score) => isCounted(score, object, run, rule))
        .map((score) => ({ ...score, sincePrompt: score.frame - object.promptFrame })),
    ),
  );
  const reliability = new Calibration(20);
  for (const { confidence, j, areas } of counted)
    if (confidence !== null && areas.prediction > 0) reliability.add(confidence, j);
  const sure = counted.filter(({ confidence }) => confidence !== null);
  const classFigures = (): ClassFigures => {
    if (options.classes === null)
      return {
        challengeIoU: mean(present(results.map(({ challengeIoU }) => challengeIoU))),
        isiIoU: mean(present(results.map(({ isiIoU }) => isiIoU))),
        mcIoU: mean(present(results.map(({ mcIoU }) => mcIoU))),
      };
    const all = new ClassOverlap(options.classes.length);
    for (const { run } of clips) addClasses(all, options.classes, run, rule);
    const { challengeIoU, isiIoU, mcIoU } = all.scores();
    return { challengeIoU, isiIoU, mcIoU };
  };
  const single = results.length === 1;
  const interval = (key: 'J' | 'F' | 'JF' | 'dice'): Interval | null =>
    single
      ? bootstrapMean(
          counted.map(({ j, f, dice }) => ({ J: j, F: f, JF: (j + f) / 2, dice })[key]),
          { seed, block: 10 },
        )
      : bootstrapClusters(
          results.map((clip) => clip.objects.map((object) => object[key])),
          { seed },
        );
  const total = (key: 'wallMs' | 'modelMs' | 'trackerMs' | 'frames'): number =>
    clips.flatMap(({ rounds }) => rounds).reduce((sum, run) => sum + run[key], 0);
  const [wallMs, modelMs, trackerMs] = [total('wallMs'), total('modelMs'), total('trackerMs')];
  return {
    policy: options.policy,
    predictor: options.predictor,
    mean: {
      ...meanFigures(objects),
      ...classFigures(),
      ece: reliability.error(),
      pixelEce: options.pixelCalibration.error(),
    },
    intervals: { J: interval('J'), F: interval('F'), JF: interval('JF'), dice: interval('dice') },
    intervalUnit: single ? 'frame' : 'clip',
    drift: driftBorders.map(([from, to]) => ({
      from,
      to,
      J: mean(
        counted
          .filter(({ sincePrompt }) => sincePrompt >= from && (to === null || sincePrompt <= to))
          .map(({ j }) => j),
      ),
    })),
    reliability: reliability.curve(),
    abstention: abstentionCurve(
      sure.map(({ confidence }) => confidence as number),
      sure.map(({ j }) => j),
      coverages,
    ),
    fps: (total('frames') * 1000) / wallMs,
    timing: {
      wallMs,
      modelMs,
      trackerMs,
      overhead: modelMs === 0 ? null : (wallMs - modelMs - trackerMs) / modelMs,
    },
    clips: results,
    unscored: [...options.broken, ...clips.flatMap(({ run }) => withoutCountedFrames(run, rule))],
  };
}
