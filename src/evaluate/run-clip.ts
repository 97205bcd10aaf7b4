/**
 * One clip from its first to its last frame: simulated prompts where objects appear, the predictor on every frame, the
 * scores of every annotated frame. Pictures are decoded ahead in the thread pool; while the network works on a frame in its
 * own thread, this one scores the frame before.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import type { Prompt } from '../vocabulary/prompt.js';
import type { Clip } from './datasets/dataset.js';
import { evaluateError } from './errors.js';
import { bitmapFromMask, emptyBitmap, type Bitmap } from './metrics/bitmap.js';
import { greyFromRgb, opticalFlowWithin, type Flow, type GreyPicture, type Region } from './metrics/flow.js';
import type { Prediction, Predictor } from './predictor.js';
import { clickPrompt, promptObject, type PromptStyle } from './prompting.js';
import { beforeAppearance, scoreFrame } from './score-frame.js';
import type { FollowedObject, FrameScore, ScoreOptions } from './score-frame.js';
import { splitLabels } from './truth.js';

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

interface RunOptions extends ScoreOptions {
  readonly style: PromptStyle;
  /** Labels to follow; null: every label that appears. */
  readonly labels: ReadonlySet<number> | null;
  /** Where neither data set nor caller knows the rate. */
  readonly framesPerSecond: number | null;
  readonly flicker: boolean;
  readonly onFrame: (done: number) => void;
}

/** A click given on a later frame, in the interactive protocol. */
interface Correction {
  readonly label: number;
  readonly prompt: Prompt;
}

/** Greys of about this width: motion of masks needs no more, and flow costs as much as it has pixels. */
const flowWidth = 112;

/** Flow is computed where masks are, with this margin around them, in pixels of the small picture. */
const flowMargin = 12;

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
    /** The frame that has been tracked last: it is scored while the network works on the next one. */
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
