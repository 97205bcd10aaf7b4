/**
 * One clip for the task `ef`: every frame through the predictor and the measurer of live rooms, in order. What was measured, when
 * it was decided, and how the outlines overlap with the annotated ones.
 */
import type { MeasuredResult, MeasuredSource } from '../../analysis/measured.js';
import { createMeasurer } from '../../analysis/measure.js';
import { maskFromBitmap } from '../../mask/rle.js';
import { maskFromScaledLogits, resizeMask } from '../../mask/resize.js';
import { uniformCalibration } from '../../vocabulary/calibration.js';
import { chambers, echoMeasures } from '../../vocabulary/echo.js';
import type { AnalysisFrame, PictureSize } from '../../vocabulary/frame.js';
import type { Mask } from '../../vocabulary/mask.js';
import type { Measurement } from '../../vocabulary/measurement.js';
import { isShown } from '../../vocabulary/prompt.js';
import type { Clip, ClipFrame, HeartReference } from '../datasets/dataset.js';
import { evaluateError } from '../errors.js';
import { bitmapFromMask, emptyBitmap, withoutVoid } from '../metrics/bitmap.js';
import type { Course } from '../metrics/heart-marks.js';
import { dice, overlap } from '../metrics/overlap.js';
import { splitLabels } from '../truth.js';
import type { HeartPredictor, SeenResult } from './predictor.js';

/** Volume of a picture by itself, by disks. */
export interface StillVolume {
  readonly value: number;
  readonly unit: string;
}

export interface HeartRun {
  readonly name: string;
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly heart: HeartReference;
  /** Frames on which the ventricle was outlined. */
  readonly shown: number;
  readonly area: Course;
  readonly volume: Course;
  /** Unit of `volume`, '' where nothing was measured. */
  readonly volumeUnit: string;
  readonly dice: readonly { readonly frame: number; readonly label: string; readonly value: number }[];
  /** Moments in the order in which they were decided. */
  readonly moments: readonly {
    readonly kind: 'end-diastole' | 'end-systole';
    readonly frame: number;
    /** From the moment to the decision. */
    readonly delayMs: number;
  }[];
  /** Beats that were closed; a rejected one has its reason. */
  readonly beats: readonly {
    readonly ejectionFractionPercent: number | null;
    readonly endDiastolicVolume: number | null;
    readonly endSystolicVolume: number | null;
    readonly rejected: string | null;
  }[];
  /** What stood on the screen on the last frame on which a number did, and the share of frames on which one did. */
  readonly reading: {
    readonly value: number;
    readonly low: number | null;
    readonly high: number | null;
  } | null;
  readonly readable: number;
  /** Why there was no number on the last frame; null where there was one. */
  readonly note: string | null;
  /** By disks on the first end-diastole and end-systole of the reference: of the annotated and of the predicted outlines. */
  readonly marks: Readonly<
    Record<
      'annotated' | 'predicted',
      { readonly endDiastole: StillVolume | null; readonly endSystole: StillVolume | null }
    >
  >;
  readonly wallMs: number;
  readonly modelMs: number;
}

interface RunOptions {
  /** Where neither data set nor caller knows the rate. */
  readonly framesPerSecond: number | null;
  readonly onFrame: (done: number) => void;
}

/** Throws SONO_DATASET_HEART where the data set knows nothing of a heart, and what the clip and the predictor throw. */
export async function runHeartClip(
  clip: Clip,
  predictor: HeartPredictor,
  options: RunOptions,
): Promise<HeartRun> {
  const { heart } = clip;
  if (heart === undefined)
    throw evaluateError('SONO_DATASET_HEART', { clip: clip.name, reason: 'the data set has no hearts' });
  const started = performance.now();
  const framesPerSecond = options.framesPerSecond ?? clip.framesPerSecond ?? 25;
  const source: MeasuredSource = { size: clip.size, calibration: uniformCalibration(clip.spacingMm) };
  const measure = createMeasurer();
  const collected = new Collector(framesPerSecond);
  const overlaps: { frame: number; label: string; value: number }[] = [];
  const [firstDiastole, firstSystole] = [heart.endDiastoles[0], heart.endSystoles[0]];
  const marks = {
    annotated: { endDiastole: null as StillVolume | null, endSystole: null as StillVolume | null },
    predicted: { endDiastole: null as StillVolume | null, endSystole: null as StillVolume | null },
  };

  const score = (seen: SeenResult, { index, truth }: ClipFrame): void => {
    if (heart.course !== 'stills') collected.add(index, seen.frame.ptsNs, measure(seen, source));
    else collected.add(index, seen.frame.ptsNs, createMeasurer()(seen, source));
    const truths = truth === null ? null : splitLabels(truth, null);
    if (truths !== null) overlaps.push(...frameDice(seen, truths, clip, index));
    for (const [key, frame] of [
      ['endDiastole', firstDiastole],
      ['endSystole', firstSystole],
    ] as const) {
      if (frame !== index) continue;
      marks.predicted[key] = stillVolume(seen, source);
      if (truths !== null) marks.annotated[key] = stillVolume(annotated(truths, clip, seen), source);
    }
    options.onFrame(index + 1);
  };

  await predictor.start(clip);
  const frames = clip.frames(predictor.inputSize)[Symbol.asyncIterator]();
  let modelMs: number;
  try {
    let next = frames.next();
    let waiting: { readonly seen: SeenResult; readonly step: ClipFrame } | null = null;
    for (let step = await next; step.done !== true; step = await next) {
      const { index, rgb } = step.value;
      const ptsNs = Math.round((index * 1e9) / framesPerSecond);
      const frame: AnalysisFrame = {
        streamId: 'evaluate',
        ptsNs,
        captureNs: ptsNs,
        mediaNs: ptsNs,
        sourceFrame: index,
        discontinuity: 0,
        size: predictor.inputSize,
        data: rgb,
        decodedNs: ptsNs,
      };
      const seeing = predictor.see(frame, heart.course === 'stills');
      next = frames.next();
      // Both are awaited below, unless scoring fails first.
      seeing.catch(() => undefined);
      next.catch(() => undefined);
      // The frame before is scored while the network works on this one.
      if (waiting !== null) score(waiting.seen, waiting.step);
      waiting = { seen: await seeing, step: step.value };
    }
    if (waiting !== null) score(waiting.seen, waiting.step);
    modelMs = predictor.modelMs;
  } finally {
    await frames.return?.();
  }
  return {
    name: clip.name,
    framesPerSecond,
    heart,
    ...collected.result(),
    dice: overlaps,
    marks,
    wallMs: performance.now() - started,
    modelMs,
  };
}

/** Turns the measurements of frames into what a clip is judged by. */
class Collector {
  #frameOf = new Map<number, number>();
  #area: (number | null)[] = [];
  #volume: (number | null)[] = [];
  #unit = '';
  #moments: HeartRun['moments'][number][] = [];
  #beats = new Map<number, Map<string, Measurement>>();
  #reading: HeartRun['reading'] = null;
  #readable = 0;
  #note: string | null = 'no ejection fraction was measured';

  constructor(private readonly framesPerSecond: number) {}

  add(index: number, ptsNs: number, measurements: readonly Measurement[]): void {
    this.#frameOf.set(ptsNs, index);
    const named = new Map(measurements.map((measurement) => [measurement.name, measurement]));
    const volume = named.get(echoMeasures.volume);
    this.#area.push(named.get(echoMeasures.area)?.value ?? null);
    this.#volume.push(volume?.value ?? null);
    if (volume !== undefined) this.#unit = volume.unit;
    for (const measurement of measurements) {
      const { name, atPtsNs, beat, value, interval, note } = measurement;
      if ((name === echoMeasures.endDiastole || name === echoMeasures.endSystole) && atPtsNs !== undefined)
        this.#moments.push({
          kind: name === echoMeasures.endDiastole ? 'end-diastole' : 'end-systole',
          frame: this.#frameOf.get(atPtsNs) ?? Math.round((atPtsNs * this.framesPerSecond) / 1e9),
          delayMs: (ptsNs - atPtsNs) / 1e6,
        });
      if (name.startsWith('beat_') && beat !== undefined) {
        const own = this.#beats.get(beat) ?? new Map<string, Measurement>();
        own.set(name, measurement);
        this.#beats.set(beat, own);
      }
      if (name === echoMeasures.ejectionFraction) {
        this.#note = value === null ? note : null;
        if (value === null) continue;
        this.#readable++;
        this.#reading = { value, low: interval?.low ?? null, high: interval?.high ?? null };
      }
    }
  }

  result(): Pick<
    HeartRun,
    | 'frames'
    | 'shown'
    | 'area'
    | 'volume'
    | 'volumeUnit'
    | 'moments'
    | 'beats'
    | 'reading'
    | 'readable'
    | 'note'
  > {
    const frames = this.#area.length;
    return {
      frames,
      shown: this.#area.filter((value) => value !== null).length,
      area: this.#area,
      volume: this.#volume,
      volumeUnit: this.#unit,
      moments: this.#moments,
      beats: [...this.#beats.values()].map((beat) => {
        const ejection = beat.get(echoMeasures.beatEjectionFraction);
        const accepted = ejection !== undefined && ejection.quality !== 'rejected' && ejection.value !== null;
        return {
          ejectionFractionPercent: ejection?.value ?? null,
          endDiastolicVolume: beat.get(echoMeasures.beatEndDiastolicVolume)?.value ?? null,
          endSystolicVolume: beat.get(echoMeasures.beatEndSystolicVolume)?.value ?? null,
          rejected: accepted ? null : (ejection?.note ?? '') || 'no reason was given',
        };
      }),
      reading: this.#reading,
      readable: frames === 0 ? 0 : this.#readable / frames,
      note: this.#note,
    };
  }
}

/** As exports draw it: from the network's own numbers where there are any, else from the mask. */
const maskAt = (
  { mask, logits }: SeenResult['objects'][number],
  logitsSize: PictureSize | undefined,
  size: PictureSize,
): Mask =>
  logits !== undefined && logitsSize !== undefined
    ? maskFromScaledLogits(logits, logitsSize, size)
    : resizeMask(mask, size);

type Truths = ReturnType<typeof splitLabels>;

/** Dice of each structure that the data set knows. */
function frameDice(
  seen: SeenResult,
  { objects, voids }: Truths,
  clip: Clip,
  frame: number,
): HeartRun['dice'][number][] {
  const { width, height } = clip.size;
  const values = [1, 2, 3];
  return Object.values(chambers).flatMap((label) => {
    const value = values.find((candidate) => clip.label(candidate) === label);
    if (value === undefined) return [];
    const object = seen.objects.find((candidate) => candidate.label === label);
    const predicted =
      object !== undefined && isShown(object.state)
        ? bitmapFromMask(maskAt(object, seen.logitsSize, clip.size))
        : emptyBitmap(width, height);
    const target = objects.get(value) ?? emptyBitmap(width, height);
    return { frame, label, value: dice(overlap(withoutVoid(predicted, voids), target)) };
  });
}

/** Annotated outlines as if a model had drawn them. */
function annotated({ objects }: Truths, clip: Clip, { frame }: MeasuredResult): MeasuredResult {
  return {
    frame,
    maskSize: clip.size,
    objects: [...objects].map(([id, { data, width, height, area }]) => ({
      id,
      label: clip.label(id),
      state: 'tracking',
      score: 1,
      confidence: 1,
      mask: maskFromBitmap(data, width, height),
      areaPx: area,
    })),
  };
}

/** By the same disks as everywhere, with nothing remembered. */
function stillVolume(result: MeasuredResult, source: MeasuredSource): StillVolume | null {
  const volume = createMeasurer()(result, source).find(({ name }) => name === echoMeasures.volume);
  return volume === undefined || volume.value === null ? null : { value: volume.value, unit: volume.unit };
}
