/** What is being evaluated: the engine, a baseline, or masks that another program made. All answer the same questions. */
import { join } from 'node:path';
import { objectMaskAtSourceSize } from '../export/resample.js';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import { EngineGate } from '../engine/engine-gate.js';
import type { Engine, FrameResult } from '../engine/engine.js';
import { PlannedPrompts } from '../prompters/planned-prompts.js';
import type { Mask } from '../vocabulary/mask.js';
import { maskFromScaledLogits, resizeMask } from '../mask/resize.js';
import type { LabelPicture } from '../formats/label-picture.js';
import { emptyMask, maskFromBitmap } from '../mask/rle.js';
import { isShown, type ObjectState, type Prompt } from '../vocabulary/prompt.js';
import { evaluateError } from './errors.js';
import type { Clip } from './datasets/dataset.js';
import { list, stem } from './datasets/dataset.js';
import { colourName, readMask } from './datasets/mask-labels.js';

/** One object on one frame, masks at source size. */
export interface Prediction {
  /** What a person sees: empty where the object is lost or being searched. */
  readonly shown: Mask;
  /** What the network drew, whatever the state; the same as `shown` where there is no difference. */
  readonly drawn: Mask;
  readonly confidence: number | null;
  readonly score: number | null;
  readonly state: ObjectState;
  /** Raw logits at network resolution for pixel calibration. */
  readonly logits: { readonly data: Float32Array; readonly size: PictureSize } | null;
}

export interface Predictor {
  /** For reports: "compact (gated)", "copy of the first mask" … */
  readonly name: string;
  /** Size of the pictures that it wants. */
  readonly inputSize: PictureSize;
  /** Time inside the network and inside the tracker since `start`, ms. */
  readonly timing: { readonly modelMs: number; readonly trackerMs: number };
  start(clip: Clip): Promise<void>;
  /** First mark of an object (then `label` is new) or a further one; the mask it gives on this frame, at source size. */
  prompt(label: number, prompts: readonly Prompt[], frame: AnalysisFrame): Promise<Mask>;
  /** All objects prompted so far, by label. */
  track(frame: AnalysisFrame): Promise<ReadonlyMap<number, Prediction>>;
  close(): Promise<void>;
}

/** The very engine of live rooms and replay, with its logits kept. */
export class EnginePredictor implements Predictor {
  readonly name: string;
  readonly inputSize: PictureSize;
  #sourceSize: PictureSize = { width: 0, height: 0 };
  #objects = new PlannedPrompts('plan');
  #modelNs = 0;
  #trackerNs = 0;

  /** Frames and commands may overlap: a clip that could not be scored leaves a frame in the engine. */
  private readonly engine: EngineGate;

  constructor(engine: Engine) {
    this.engine = new EngineGate(engine);
    this.name = `${engine.info.modelName} (${engine.info.policy})`;
    this.inputSize = engine.info.inputSize;
  }

  get timing(): { modelMs: number; trackerMs: number } {
    return { modelMs: this.#modelNs / 1e6, trackerMs: this.#trackerNs / 1e6 };
  }

  async start(clip: Clip): Promise<void> {
    this.#sourceSize = clip.size;
    this.#objects = new PlannedPrompts('plan');
    this.#modelNs = this.#trackerNs = 0;
    await this.engine.command({ kind: 'reset' }, null);
    await this.engine.setSourceSize(clip.size);
  }

  async prompt(label: number, prompts: readonly Prompt[], frame: AnalysisFrame): Promise<Mask> {
    const marked = await this.#objects.apply({ label: labelText(label), prompts }, frame, this.engine);
    const { objectId = null, result = null } = marked ?? {};
    const object = result?.objects.find(({ id }) => id === objectId);
    if (result) this.#count(result);
    return object && result
      ? this.#drawn(object, result)
      : emptyMask(this.#sourceSize.width, this.#sourceSize.height);
  }

  async track(frame: AnalysisFrame): Promise<ReadonlyMap<number, Prediction>> {
    const result = await this.engine.track(frame);
    this.#count(result);
    const labels = this.#objects.labels();
    const predictions = new Map<number, Prediction>();
    for (const object of result.objects) {
      const label = labels.get(object.id);
      if (label === undefined) continue;
      const drawn = this.#drawn(object, result);
      const hidden = !isShown(object.state);
      predictions.set(labelNumber(label), {
        drawn,
        shown: hidden ? emptyMask(drawn.width, drawn.height) : drawn,
        confidence: object.confidence,
        score: object.score,
        state: object.state,
        logits: object.logits ? { data: object.logits, size: result.logitsSize } : null,
      });
    }
    return predictions;
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  #drawn(object: FrameResult['objects'][number], result: FrameResult): Mask {
    return object.logits
      ? maskFromScaledLogits(object.logits, result.logitsSize, this.#sourceSize)
      : objectMaskAtSourceSize(object, result, this.#sourceSize);
  }

  #count({ timing }: FrameResult): void {
    this.#modelNs += timing.inferenceNs;
    this.#trackerNs += timing.trackingNs;
  }
}

const labelText = (label: number): string => `label ${label}`;
const labelNumber = (text: string): number => Number(text.slice('label '.length));

function certain(mask: Mask): Prediction {
  return { shown: mask, drawn: mask, confidence: null, score: null, state: 'tracking', logits: null };
}

/** What a baseline makes of prompts: only masks say where the object ends; a box is filled, a click is a point. */
export function maskOfPrompts(prompts: readonly Prompt[], size: PictureSize): Mask {
  const bitmap = new Uint8Array(size.width * size.height);
  for (const prompt of prompts) {
    switch (prompt.type) {
      case 'mask':
        return resizeMask(prompt.mask, size);
      case 'box': {
        const [left, top, right, bottom] = prompt.box.map(Math.round) as [number, number, number, number];
        for (let y = Math.max(0, top); y < Math.min(size.height, bottom); y++)
          bitmap.fill(1, y * size.width + Math.max(0, left), y * size.width + Math.min(size.width, right));
        break;
      }
      case 'click':
      case 'scribble':
        break;
    }
  }
  return maskFromBitmap(bitmap, size.width, size.height);
}

/** Baseline: the prompt's mask, never moved. */
export class CopyPredictor implements Predictor {
  readonly name = 'copy of the first mask';
  readonly timing = { modelMs: 0, trackerMs: 0 };
  #masks = new Map<number, Mask>();
  #size: PictureSize = { width: 0, height: 0 };

  constructor(readonly inputSize: PictureSize) {}

  start(clip: Clip): Promise<void> {
    this.#masks = new Map();
    this.#size = clip.size;
    return Promise.resolve();
  }

  prompt(label: number, prompts: readonly Prompt[]): Promise<Mask> {
    const mask = maskOfPrompts(prompts, this.#size);
    this.#masks.set(label, mask);
    return Promise.resolve(mask);
  }

  track(): Promise<ReadonlyMap<number, Prediction>> {
    return Promise.resolve(new Map([...this.#masks].map(([label, mask]) => [label, certain(mask)])));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Masks from a folder, as any tracker may have written them: `<root>/<clip>/<picture name>.png`, palette or grey with
 * the labels of the truth (0/255 for a single object) or in its colours: the layout of DAVIS results.
 */
export class FolderPredictor implements Predictor {
  readonly name: string;
  readonly timing = { modelMs: 0, trackerMs: 0 };
  #files = new Map<string, string>();
  #names: readonly string[] = [];
  #labels = new Set<number>();
  #size: PictureSize = { width: 0, height: 0 };
  #colours: ReadonlyMap<number, number> | null = null;
  #clip = '';

  constructor(
    private readonly root: string,
    readonly inputSize: PictureSize,
  ) {
    this.name = 'masks from a folder';
  }

  start(clip: Clip): Promise<void> {
    const folder = join(this.root, clip.name);
    this.#files = new Map(list(folder).map((name) => [stem(name), join(folder, name)]));
    // Videos have no picture names: then frames are numbered from 0, or simply in order.
    this.#names = clip.picturePaths?.map((path) => stem(path.split(/[\\/]/).at(-1) ?? '')) ?? [
      ...this.#files.keys(),
    ];
    this.#labels = new Set();
    this.#size = clip.size;
    this.#clip = clip.name;
    this.#colours = clip.colours;
    if (this.#files.size === 0)
      throw evaluateError('SONO_EVALUATE_PREDICTIONS', {
        clip: clip.name,
        expected: `${folder}/<name of the picture>.png`,
      });
    return Promise.resolve();
  }

  prompt(label: number): Promise<Mask> {
    this.#labels.add(label);
    return Promise.resolve(emptyMask(this.#size.width, this.#size.height));
  }

  async track(frame: AnalysisFrame): Promise<ReadonlyMap<number, Prediction>> {
    const name = this.#names[frame.sourceFrame] ?? '';
    const path = this.#files.get(name);
    if (path === undefined)
      throw evaluateError('SONO_EVALUATE_PREDICTIONS', {
        clip: this.#clip,
        expected: `a mask for "${name}"`,
      });
    const mask = await readMask(path);
    const { width, height } = mask;
    if (width !== this.#size.width || height !== this.#size.height)
      throw evaluateError('SONO_DATASET_SIZE', {
        clip: this.#clip,
        path,
        found: `${width}×${height}`,
        expected: `${this.#size.width}×${this.#size.height}`,
      });
    const belongs = this.#rule(mask, path);
    return new Map(
      [...this.#labels].map((label) => {
        const bitmap = new Uint8Array(mask.values.length);
        for (let index = 0; index < bitmap.length; index++)
          if (belongs(mask.values[index] as number, label)) bitmap[index] = 1;
        return [label, certain(maskFromBitmap(bitmap, width, height))];
      }),
    );
  }

  /** Which number of a mask file means which label. Throws SONO_DATASET_MASK_UNCLEAR. */
  #rule({ kind, values, lossy }: LabelPicture, path: string): (value: number, label: number) => boolean {
    const unclear = (reason: string): Error =>
      evaluateError('SONO_DATASET_MASK_UNCLEAR', { clip: this.#clip, path, reason });
    const single = this.#labels.size === 1;
    const colours = this.#colours;
    if (lossy && (!single || kind === 'colour'))
      throw unclear('JPEG and its like do not keep the numbers of labels');
    if (colours !== null && kind !== 'indexed') {
      const grey = kind === 'grey' ? 0x010101 : 1;
      return (value, label) => colours.get(value * grey) === label;
    }
    if (kind === 'colour') {
      const colour = values.find((value) => value !== 0) ?? 0;
      throw unclear(`it has colours such as ${colourName(colour)}, but the truth has numbers`);
    }
    // Sixteen-bit files that use eight bits only count as such.
    const half = values instanceof Uint8Array || values.every((value) => value <= 255) ? 128 : 32768;
    if (lossy) return (value) => value >= half;
    if (kind === 'indexed') return (value, label) => value === label || (single && value === 255);
    return (value, label) => value === label || (single && value >= half);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
