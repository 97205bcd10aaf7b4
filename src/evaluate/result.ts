/** What `sonoscope evaluate --json` writes, and how it comes from the frames' scores. Pure. */
import type { ObjectState } from '../vocabulary/prompt.js';
import { evaluateError } from './errors.js';
import type { ClipRun, FrameScore, ObjectRun } from './run-clip.js';
import {
  abstentionCurve,
  Calibration,
  type AbstentionPoint,
  type ReliabilityBin,
} from './metrics/calibration.js';
import { ClassOverlap } from './metrics/overlap.js';
import {
  bootstrapClusters,
  bootstrapMean,
  mean,
  sequenceStatistics,
  type Interval,
} from './metrics/statistics.js';
import { timingScores } from './metrics/temporal.js';

/** Figures of an object, of a clip (mean over its objects) or of the whole (mean over all objects). */
export interface Figures {
  readonly J: number;
  readonly F: number;
  /** (J + F) / 2, DAVIS' J&F. */
  readonly JF: number;
  readonly jRecall: number;
  readonly jDecay: number;
  readonly fRecall: number;
  readonly fDecay: number;
  readonly dice: number;
  /** mm where calibrated, else px; mean over the frames where both sides show something, null if there are none. */
  readonly hd95: number | null;
  readonly assd: number | null;
  readonly nsd: number;
  /** J of what the network drew, frames included on which the object was hidden as lost. */
  readonly drawnJ: number;
  readonly flicker: number | null;
  readonly truthFlicker: number | null;
  readonly promptIoU: number;
  readonly timeToFirstMaskMs: number | null;
  readonly reacquisitionMs: number | null;
  /** Share of returns after an absence that were found again; null where nothing returned. */
  readonly reacquired: number | null;
  /** Share of counted frames on which a mask was shown. */
  readonly shown: number;
}

export interface ClassFigures {
  readonly challengeIoU: number | null;
  readonly isiIoU: number | null;
  readonly mcIoU: number | null;
}

export interface ObjectResult extends Figures {
  readonly label: number;
  readonly name: string;
  readonly promptFrame: number;
  /** Counted frames. */
  readonly frames: number;
  /** IoU on the prompted frame after each mark. */
  readonly promptIoUs: readonly number[];
  /** Columns of equal length, one entry per annotated frame; `counted` says which enter the figures. */
  readonly perFrame: {
    readonly frame: readonly number[];
    readonly counted: readonly boolean[];
    readonly J: readonly number[];
    readonly F: readonly number[];
    readonly confidence: readonly (number | null)[];
    readonly state: readonly ObjectState[];
  };
}

export interface ClipResult extends Figures, ClassFigures {
  readonly name: string;
  /** Counted frames (over all objects: the largest number). */
  readonly frames: number;
  readonly totalFrames: number;
  readonly width: number;
  readonly height: number;
  /** Unit of hd95 and assd. */
  readonly unit: 'mm' | 'px';
  readonly fps: number;
  /** How its masks were turned into labels, null where the numbers in them are simply the labels. */
  readonly masks: string | null;
  readonly objects: readonly ObjectResult[];
  /** J&F after each round of the interactive protocol. */
  readonly rounds?: readonly number[];
}

/** A clip, or an object of a clip, that is in no figure. */
export interface Unscored {
  readonly clip: string;
  /** Null: the whole clip. */
  readonly object: string | null;
  readonly code: string;
  /** The sentence of the code. */
  readonly reason: string;
}

export interface RunResult {
  readonly policy: string | null;
  readonly predictor: string;
  readonly mean: Figures & ClassFigures & { readonly ece: number | null; readonly pixelEce: number | null };
  /** 95 % bootstrap intervals of J, F, JF and dice; clips are drawn, or blocks of frames where there is one clip. */
  readonly intervals: Readonly<Record<'J' | 'F' | 'JF' | 'dice', Interval | null>>;
  readonly intervalUnit: 'clip' | 'frame';
  /** J by number of frames since the prompt. */
  readonly drift: readonly { readonly from: number; readonly to: number | null; readonly J: number | null }[];
  /** Confidence against J, over the frames on which a mask was shown. */
  readonly reliability: readonly ReliabilityBin[];
  /** J against the share of frames shown, surest first. */
  readonly abstention: readonly AbstentionPoint[];
  /** Frames per second of the whole evaluation, decoding and scoring included. */
  readonly fps: number;
  readonly timing: {
    readonly wallMs: number;
    readonly modelMs: number;
    readonly trackerMs: number;
    /** (wall − model − tracker) / model: how long the network stood still, as a share of its own time. */
    readonly overhead: number | null;
  };
  readonly clips: readonly ClipResult[];
  /** What was asked for and is in no figure, with the reason. */
  readonly unscored: readonly Unscored[];
}

export interface CountingRule {
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

export interface ResultOptions {
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
          counted.map((score) =>
            key === 'J'
              ? score.j
              : key === 'F'
                ? score.f
                : key === 'dice'
                  ? score.dice
                  : (score.j + score.f) / 2,
          ),
          { seed, block: 10 },
        )
      : bootstrapClusters(
          results.map((clip) => clip.objects.map((object) => object[key])),
          { seed },
        );
  const wallMs = clips.reduce(
    (sum, { rounds }) => sum + rounds.reduce((total, run) => total + run.wallMs, 0),
    0,
  );
  const modelMs = clips.reduce(
    (sum, { rounds }) => sum + rounds.reduce((total, run) => total + run.modelMs, 0),
    0,
  );
  const trackerMs = clips.reduce(
    (sum, { rounds }) => sum + rounds.reduce((total, run) => total + run.trackerMs, 0),
    0,
  );
  const frames = clips.reduce(
    (sum, { rounds }) => sum + rounds.reduce((total, run) => total + run.frames, 0),
    0,
  );
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
    fps: (frames * 1000) / wallMs,
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
