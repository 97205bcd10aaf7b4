/**
 * One clip from its first to its last frame: simulated prompts where objects appear, the predictor on every frame, the
 * scores of every annotated frame. Pictures are decoded ahead in the thread pool; while the network works on a frame in its
 * own thread, this one scores the frame before.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { ObjectState, Prompt } from '../vocabulary/prompt.js';
import { voidLabel, voidLabel16, type Clip, type LabelMap } from './datasets/dataset.js';
import { evaluateError } from './errors.js';
import {
  bitmapFromBytes,
  bitmapFromMask,
  emptyBitmap,
  withoutVoid,
  wordsOf,
  type Bitmap,
} from './metrics/bitmap.js';
import type { Calibration } from './metrics/calibration.js';
import { contourScores } from './metrics/contour.js';
import { greyFromRgb, opticalFlowWithin, type Flow, type GreyPicture, type Region } from './metrics/flow.js';
import { dice, jaccard, overlap, type Overlap } from './metrics/overlap.js';
import { flicker } from './metrics/temporal.js';
import type { Prediction, Predictor } from './predictor.js';
import { clickPrompt, promptObject, type PromptStyle } from './prompting.js';
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

export interface ObjectRun {
  readonly label: number;
  readonly name: string;
  readonly promptFrame: number;
  /** IoU on the prompted frame after each mark. */
  readonly promptIou: readonly number[];
  readonly scores: readonly FrameScore[];
}

export interface ClipRun {
  readonly name: string;
  readonly frames: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly spacingMm: { readonly x: number; readonly y: number } | null;
  readonly framesPerSecond: number;
  /** How masks were turned into labels, where their numbers are not simply the labels. */
  readonly maskWords: string | null;
  readonly objects: readonly ObjectRun[];
  readonly wallMs: number;
  readonly modelMs: number;
  readonly trackerMs: number;
}

export interface RunOptions {
  readonly style: PromptStyle;
  /** Labels to follow; null: every label that appears. */
  readonly labels: ReadonlySet<number> | null;
  /** Where neither data set nor caller knows the rate. */
  readonly framesPerSecond: number | null;
  /** Tolerance of NSD: mm where calibrated, else px. */
  readonly tolerance: number;
  readonly flicker: boolean;
  readonly pixelCalibration: Calibration;
  readonly worst: WorstFrames;
  readonly onFrame: (done: number) => void;
}

/** A click given on a later frame, in the interactive protocol. */
interface Correction {
  readonly label: number;
  readonly prompt: Prompt;
}

/** Greys of about this width: motion of masks needs no more, and flow costs as much as it has pixels. */
const flowWidth = 112;

/** Flow is computed where masks are, and so many of its own pixels around them. */
const flowMargin = 12;

/** Flicker looks at masks on a grid of at least so many columns. */
const flickerWidth = 400;

interface FollowedObject {
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

/** Truth of each label that occurs, and the void pixels. Takes over the map's bytes where it can. */
export function splitLabels(
  map: LabelMap,
  wanted: ReadonlySet<number> | null,
): { readonly objects: ReadonlyMap<number, Bitmap>; readonly voids: Bitmap | null } {
  const { width, height, data } = map;
  const leftOut = data instanceof Uint16Array ? voidLabel16 : voidLabel;
  // Most maps hold one label and nothing else.
  const single = data instanceof Uint8Array ? singleLabel(data) : null;
  if (data instanceof Uint8Array && single !== null && single !== leftOut) {
    const followed = single !== 0 && (wanted === null || wanted.has(single));
    return {
      objects: new Map(followed ? [[single, bitmapFromBytes(data, width, height)]] : []),
      voids: null,
    };
  }
  const planes = new Map<number, Uint8Array>();
  let plane: Uint8Array | undefined;
  for (let index = 0, last = 0; index < data.length; index++) {
    const value = data[index] as number;
    if (value === 0) continue;
    if (value !== last) {
      plane = planes.get(value) ?? new Uint8Array(data.length);
      planes.set(value, plane);
      last = value;
    }
    (plane as Uint8Array)[index] = 1;
  }
  const voids = planes.get(leftOut);
  return {
    objects: new Map(
      [...planes.keys()]
        .filter((label) => label !== leftOut && (wanted === null || wanted.has(label)))
        .sort((a, b) => a - b)
        .map((label) => [label, bitmapFromBytes(planes.get(label) as Uint8Array, width, height)]),
    ),
    voids: voids ? bitmapFromBytes(voids, width, height) : null,
  };
}

/** The one value beside 0, 0 where there is none, null where there are several. */
function singleLabel(data: Uint8Array): number | null {
  let single = 0;
  const words = wordsOf(data);
  let expected = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as number;
    if (word === 0 || word === expected) continue;
    for (let byte = index * 4; byte < index * 4 + 4; byte++) {
      const value = data[byte] as number;
      if (value === 0 || value === single) continue;
      if (single !== 0) return null;
      single = value;
      expected = (value * 0x01010101) >>> 0;
    }
  }
  for (let index = words.length * 4; index < data.length; index++) {
    const value = data[index] as number;
    if (value === 0 || value === single) continue;
    if (single !== 0) return null;
    single = value;
  }
  return single;
}

/** Runs a clip; with the interactive style several times, the last run being the one that is reported. */
export async function runClip(
  clip: Clip,
  predictor: Predictor,
  options: RunOptions,
): Promise<{ readonly run: ClipRun; readonly rounds: readonly ClipRun[] }> {
  const rounds: ClipRun[] = [];
  const corrections = new Map<number, Correction[]>();
  const count = options.style.kind === 'rounds' ? options.style.count : 1;
  for (let round = 0; ; round++) {
    const last = round === count - 1;
    const { run, worst } = await runOnce(clip, predictor, options, corrections, last);
    rounds.push(run);
    if (last) return { run, rounds };
    for (const [label, { frame, shown, truth }] of worst) {
      const prompt = clickPrompt(shown, truth);
      if (prompt !== null) corrections.set(frame, [...(corrections.get(frame) ?? []), { label, prompt }]);
    }
  }
}

async function runOnce(
  clip: Clip,
  predictor: Predictor,
  options: RunOptions,
  corrections: ReadonlyMap<number, readonly Correction[]>,
  report: boolean,
): Promise<{
  readonly run: ClipRun;
  readonly worst: ReadonlyMap<
    number,
    { readonly frame: number; readonly shown: Bitmap; readonly truth: Bitmap }
  >;
}> {
  const started = performance.now();
  const framesPerSecond = options.framesPerSecond ?? clip.framesPerSecond ?? 25;
  const objects = new Map<number, FollowedObject>();
  const annotated: { readonly frame: number; readonly timeMs: number }[] = [];
  const blank = emptyBitmap(clip.size.width, clip.size.height);
  let previousGrey: GreyPicture | null = null;
  let frames = 0;

  const score = ({ frame, truth, followed, predictions }: Tracked): void => {
    const pairs = followed.map((object) => {
      const prediction = predictions.get(object.label) ?? null;
      const shown = prediction ? bitmapFromMask(prediction.shown) : blank;
      return { object, prediction, shown, target: truth.objects.get(object.label) ?? blank };
    });
    let flow: Flow | null = null;
    if (options.flicker && followed.length > 0) {
      const { width, height } = predictor.inputSize;
      const grey = greyFromRgb(frame.data, width, height, Math.max(1, Math.round(width / flowWidth)));
      if (previousGrey !== null) {
        const masks = pairs.flatMap(({ object, shown, target }) => [
          shown,
          target,
          ...(object.previous ? [object.previous] : []),
          ...(object.previousTruth ? [object.previousTruth] : []),
        ]);
        flow = opticalFlowWithin(grey, previousGrey, regionOf(masks, grey));
      }
      previousGrey = grey;
    }
    const { voids } = truth;
    for (const { object, prediction, shown, target } of pairs) {
      if (!truth.annotated) {
        object.previous = shown;
        object.previousTruth = null;
        continue;
      }
      scoreFrame(object, { clip, frame, options, prediction, shown, truth: target, voids, flow, report });
    }
    frames++;
    options.onFrame(frames);
  };

  await predictor.start(clip);
  const clipFrames = clip.frames(predictor.inputSize)[Symbol.asyncIterator]();
  const prepare = async (): Promise<Prepared | null> => {
    const step = await clipFrames.next();
    if (step.done === true) return null;
    const { index, rgb, truth } = step.value;
    const ptsNs = Math.round((index * 1e9) / framesPerSecond);
    return {
      frame: {
        streamId: 'evaluate',
        ptsNs,
        captureNs: ptsNs,
        mediaNs: ptsNs,
        sourceFrame: index,
        discontinuity: 0,
        size: predictor.inputSize,
        data: rgb,
        decodedNs: ptsNs,
      },
      truth:
        truth === null
          ? { annotated: false, objects: new Map(), voids: null }
          : { annotated: true, ...splitLabels(truth, options.labels) },
    };
  };
  try {
    let next = prepare();
    /** Tracked, and scored while the network works on the next frame. */
    let waiting: Tracked | null = null;
    for (let prepared = await next; prepared !== null; prepared = await next) {
      const { frame, truth } = prepared;
      for (const [label, bitmap] of truth.objects) {
        if (objects.has(label)) continue;
        const { iou } = await promptObject(options.style, predictor, label, bitmap, frame);
        objects.set(label, {
          label,
          promptFrame: frame.sourceFrame,
          promptIou: iou,
          // Before it appeared there was nothing to see, and nothing was shown: correct by definition.
          scores: annotated.map(beforeAppearance),
          previous: null,
          previousTruth: null,
          worst: null,
        });
      }
      for (const { label, prompt } of corrections.get(frame.sourceFrame) ?? [])
        await predictor.prompt(label, [prompt], frame);
      const tracking = objects.size === 0 ? Promise.resolve(noPredictions) : predictor.track(frame);
      next = prepare();
      // Both are awaited below, unless scoring fails first.
      tracking.catch(() => undefined);
      next.catch(() => undefined);
      if (waiting !== null) score(waiting);
      waiting = { frame, truth, followed: [...objects.values()], predictions: await tracking };
      if (truth.annotated) annotated.push({ frame: frame.sourceFrame, timeMs: frame.ptsNs / 1e6 });
    }
    if (waiting !== null) score(waiting);
  } finally {
    await clipFrames.return?.();
  }
  if (objects.size === 0) throw evaluateError('SONO_DATASET_NO_OBJECT', { clip: clip.name });
  return {
    run: {
      name: clip.name,
      frames,
      size: clip.size,
      spacingMm: clip.spacingMm,
      framesPerSecond,
      maskWords: clip.maskWords,
      objects: [...objects.values()].map(({ label, promptFrame, promptIou, scores }) => ({
        label,
        name: clip.label(label),
        promptFrame,
        promptIou,
        scores,
      })),
      wallMs: performance.now() - started,
      ...predictor.timing,
    },
    worst: new Map(
      [...objects.values()].flatMap(({ label, worst }) => (worst === null ? [] : [[label, worst] as const])),
    ),
  };
}

const noPredictions: ReadonlyMap<number, Prediction> = new Map();

/** A frame with its truth, ready for the network. */
interface Prepared {
  readonly frame: AnalysisFrame;
  readonly truth: {
    readonly annotated: boolean;
    readonly objects: ReadonlyMap<number, Bitmap>;
    readonly voids: Bitmap | null;
  };
}

interface Tracked extends Prepared {
  /** Objects that had appeared by then. */
  readonly followed: readonly FollowedObject[];
  readonly predictions: ReadonlyMap<number, Prediction>;
}

/** The part of a small picture that holds all masks, with a margin. */
function regionOf(masks: readonly Bitmap[], picture: GreyPicture): Region {
  const filled = masks.filter(({ area }) => area > 0);
  if (filled.length === 0) return { left: 0, top: 0, right: 0, bottom: 0 };
  const toX = picture.width / (filled[0] as Bitmap).width;
  const toY = picture.height / (filled[0] as Bitmap).height;
  return {
    left: toX * Math.min(...filled.map(({ left }) => left)) - flowMargin,
    top: toY * Math.min(...filled.map(({ top }) => top)) - flowMargin,
    right: toX * Math.max(...filled.map(({ right }) => right)) + flowMargin,
    bottom: toY * Math.max(...filled.map(({ bottom }) => bottom)) + flowMargin,
  };
}

function beforeAppearance({
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
  readonly options: RunOptions;
  readonly prediction: Prediction | null;
  readonly shown: Bitmap;
  readonly truth: Bitmap;
  readonly voids: Bitmap | null;
  readonly flow: Flow | null;
  readonly report: boolean;
}

function scoreFrame(object: FollowedObject, scored: Scored): void {
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
