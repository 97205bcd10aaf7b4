/** Scores of one object on one annotated frame: overlap, boundary, confidence, flicker. Pure but for what it adds to. */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { ObjectState } from '../vocabulary/prompt.js';
import type { Clip } from './datasets/dataset.js';
import { bitmapFromMask, withoutVoid, type Bitmap } from './metrics/bitmap.js';
import type { Calibration } from './metrics/calibration.js';
import { contourScores } from './metrics/contour.js';
import type { Flow } from './metrics/flow.js';
import { dice, jaccard, overlap, type Overlap } from './metrics/overlap.js';
import { flicker } from './metrics/temporal.js';
import type { Prediction } from './predictor.js';
import type { WorstFrames } from './worst-frames.js';

/** Scores of one object on one annotated frame; areas in source pixels, void left out. */
export interface FrameScore {
  readonly frame: number;
  readonly timeMs: number;
  readonly areas: Overlap;
  readonly j: number;
  readonly f: number;
  readonly dice: number;
  /** mm where the clip is calibrated, else px; Infinity where one side is empty. */
  readonly hd95: number;
  readonly assd: number;
  readonly nsd: number;
  /** J of what the network drew, also where it was not shown because the object counted as lost. */
  readonly drawnJ: number;
  /** Null before the prompt and for baselines. */
  readonly confidence: number | null;
  readonly state: ObjectState;
  /** 1 − IoU with the previous frame's mask after motion compensation; null without a previous mask. */
  readonly flicker: number | null;
  readonly truthFlicker: number | null;
}

export interface ScoreOptions {
  /** Tolerance of NSD: mm where calibrated, else px. */
  readonly tolerance: number;
  readonly pixelCalibration: Calibration;
  readonly worst: WorstFrames;
}

/** Flicker samples masks on a grid with at least this many columns. */
const flickerWidth = 400;

export interface FollowedObject {
  readonly label: number;
  readonly promptFrame: number;
  readonly promptIou: readonly number[];
  readonly scores: FrameScore[];
  previous: Bitmap | null;
  previousTruth: Bitmap | null;
  worst: {
    readonly frame: number;
    readonly j: number;
    readonly shown: Bitmap;
    readonly truth: Bitmap;
  } | null;
}

export function beforeAppearance({
  frame,
  timeMs,
}: {
  readonly frame: number;
  readonly timeMs: number;
}): FrameScore {
  return {
    frame,
    timeMs,
    areas: { intersection: 0, prediction: 0, truth: 0 },
    j: 1,
    f: 1,
    dice: 1,
    hd95: 0,
    assd: 0,
    nsd: 1,
    drawnJ: 1,
    confidence: null,
    state: 'searching',
    flicker: null,
    truthFlicker: null,
  };
}

interface Scored {
  readonly clip: Clip;
  readonly frame: AnalysisFrame;
  readonly options: ScoreOptions;
  readonly prediction: Prediction | null;
  readonly shown: Bitmap;
  readonly truth: Bitmap;
  readonly voids: Bitmap | null;
  readonly flow: Flow | null;
  readonly report: boolean;
}

export function scoreFrame(object: FollowedObject, scored: Scored): void {
  const { clip, frame, options, prediction, voids, flow } = scored;
  const shown = withoutVoid(scored.shown, voids);
  const truth = withoutVoid(scored.truth, voids);
  const areas = overlap(shown, truth);
  const j = jaccard(areas);
  const contour = contourScores(shown, truth, clip.spacingMm ?? { x: 1, y: 1 }, [options.tolerance]);
  const drawnJ =
    prediction === null || prediction.drawn === prediction.shown
      ? j
      : jaccard(overlap(withoutVoid(bitmapFromMask(prediction.drawn), voids), truth));
  const step = Math.max(1, Math.floor(clip.size.width / flickerWidth));
  object.scores.push({
    frame: frame.sourceFrame,
    timeMs: frame.ptsNs / 1e6,
    areas,
    j,
    f: contour.f,
    dice: dice(areas),
    hd95: contour.hd95,
    assd: contour.assd,
    nsd: contour.nsd[0] as number,
    drawnJ,
    confidence: prediction?.confidence ?? null,
    state: prediction?.state ?? 'searching',
    flicker: flow && object.previous ? flicker(object.previous, scored.shown, flow, step) : null,
    truthFlicker:
      flow && object.previousTruth ? flicker(object.previousTruth, scored.truth, flow, step) : null,
  });
  object.previous = scored.shown;
  object.previousTruth = scored.truth;
  const prompted = frame.sourceFrame === object.promptFrame;
  if (!prompted && (object.worst === null || j < object.worst.j))
    object.worst = { frame: frame.sourceFrame, j, shown, truth };
  if (!scored.report || prompted) return;
  if (prediction?.logits && areas.prediction > 0)
    calibratePixels(options.pixelCalibration, prediction.logits, scored.truth, voids);
  options.worst.offer(
    { clip: clip.name, object: clip.label(object.label), frame: frame.sourceFrame, j },
    { prediction: shown, truth, rgb: frame.data, rgbSize: frame.size },
  );
}

/**
 * Foreground probability against truth at the centres of the network's own pixels: the full picture would repeat each
 * of them many times over.
 */
function calibratePixels(
  calibration: Calibration,
  {
    data,
    size,
  }: { readonly data: Float32Array; readonly size: { readonly width: number; readonly height: number } },
  truth: Bitmap,
  voids: Bitmap | null,
): void {
  for (let y = 0, index = 0; y < size.height; y++) {
    const row = Math.floor(((y + 0.5) * truth.height) / size.height) * truth.width;
    for (let x = 0; x < size.width; x++, index++) {
      const at = row + Math.floor(((x + 0.5) * truth.width) / size.width);
      if (voids?.data[at] === 1) continue;
      calibration.add(1 / (1 + Math.exp(-(data[index] as number))), truth.data[at] as number);
    }
  }
}
