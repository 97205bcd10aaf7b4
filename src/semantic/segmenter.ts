/**
 * The structures of one stream that a network finds by itself: what is shown of each on every picture. Pure and synchronous like
 * the tracker: it says what the network is to be fed, the caller runs the network, and it takes the outputs.
 *
 *   picture(frame)  → [segment graph]  → commit(frame, outputs)  → objects
 */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { Box, Mask } from '../vocabulary/mask.js';
import type { ObjectId, ObjectState } from '../vocabulary/prompt.js';
import { LargestComponents, maskInBox } from '../mask/components.js';
import type { Region } from '../mask/plane-scaler.js';
import { emptyMask } from '../mask/rle.js';
import { isChecked, LookChecks, secondPart, turnOver, type CheckState, type WholeLook } from './checks.js';
import { calibrateLogits, ClassPicture, readScalars } from './class-picture.js';
import { boxAround, nextLook, sameRegion, wholeLook, within } from './look.js';
import type { SemanticModel, SemanticOutputs, Structure } from './model.js';
import { Sampler } from './sampler.js';
import { TemporalFilter, type TemporalState } from './temporal-filter.js';

/** One structure on one picture; the same words as for an object that a person has marked. */
interface FoundObject {
  readonly id: ObjectId;
  readonly label: string;
  readonly state: ObjectState;
  /** The network's own number for the quality of the picture's outlines, 0..1; 1 where it gives none. */
  readonly score: number;
  /** Mean calibrated probability of the mask's pixels times that of the view, 0..1. */
  readonly confidence: number;
  /** At the model's picture size: the largest connected part. Empty while it is searched for. */
  readonly mask: Mask;
  readonly box: Box;
  readonly areaPx: number;
  /** At the model's picture size: by how much the class leads, above 0 exactly inside the mask; only with `keepLogits`. */
  readonly logits?: Float32Array;
}

/** A look that was chosen from what a picture showed. */
interface Closer {
  /** Where to, in source pixels. */
  readonly look: Region;
  /** That of the picture. */
  readonly discontinuity: number;
}

/** Everything needed to go on identically. */
export interface SegmenterSnapshot {
  readonly version: 1;
  readonly kind: 'semantic';
  readonly sourceSize: PictureSize;
  /** null: the next picture counts alone. */
  readonly temporal: TemporalState | null;
  /** null: the network looks at the whole picture. */
  readonly closer: Closer | null;
  /** null: nothing has been checked. */
  readonly checks: CheckState | null;
}

/** Two more looks at the whole of a picture whose objects are known already. */
interface Check {
  readonly objects: readonly FoundObject[];
  /** Where to look afterwards. */
  readonly closer: Closer | null;
  /** The first of them; null: it is to come. */
  readonly own: WholeLook | null;
}

/** Looks at one picture beside those of a check. */
const mostLooks = 2;

export class Segmenter {
  readonly #model: SemanticModel;
  readonly #keepLogits: boolean;
  readonly #logits: Float32Array;
  readonly #classes: ClassPicture;
  readonly #components: LargestComponents;
  /** 1 where a pixel belongs to the structure that is being read, else 0. */
  readonly #inside: Uint8Array;
  readonly #temporal: TemporalFilter | null;
  readonly #sampler: Sampler;
  #sourceSize: PictureSize;
  readonly #checks: LookChecks | null;
  #turnedPicture = new Uint8Array(0);
  #closer: Closer | null = null;
  #check: Check | null = null;
  #looksAgain = false;
  /** Looks at the picture of this time. */
  #looks = 0;
  #looksNs = -Infinity;
  /** Where the network looks, in source pixels. */
  #look: Region;
  /** The same in pixels of the analysis picture: what the tables of sampler and classes are made for. */
  #part: Region;

  constructor(
    model: SemanticModel,
    options: { readonly sourceSize: PictureSize; readonly keepLogits: boolean },
  ) {
    const { inputSize, pictureSize, logitsSize, classes, temporal } = model;
    this.#model = model;
    this.#keepLogits = options.keepLogits;
    this.#logits = new Float32Array(classes.length * logitsSize.width * logitsSize.height);
    this.#classes = new ClassPicture(model, pictureSize);
    this.#components = new LargestComponents(pictureSize, classes.length);
    this.#inside = new Uint8Array(pictureSize.width * pictureSize.height);
    this.#temporal = temporal && new TemporalFilter(model, temporal);
    this.#sampler = new Sampler(pictureSize, inputSize);
    this.#checks = isChecked(model) ? new LookChecks() : null;
    this.#sourceSize = options.sourceSize;
    this.#look = { left: 0, top: 0, ...options.sourceSize };
    this.#part = { left: 0, top: 0, ...pictureSize };
    this.#lookAt(null);
  }

  /** Size of the source of the stretched pictures that follow. */
  setSourceSize(size: PictureSize): void {
    const { width, height } = this.#sourceSize;
    if (size.width === width && size.height === height) return;
    this.#sourceSize = size;
    // Another source, and places in it are given in its pixels.
    this.reset();
  }

  /** What the network is fed for a stretched picture of the model's picture size; valid until the next call. */
  picture({
    data,
    ptsNs,
    discontinuity,
  }: Pick<AnalysisFrame, 'data' | 'ptsNs' | 'discontinuity'>): Uint8Array {
    // A check that was not gone through with.
    if (this.#check !== null && ptsNs !== this.#looksNs) this.#endCheck(this.#check);
    if (this.#closer !== null && this.#closer.discontinuity !== discontinuity) this.#lookAt(null);
    const sampled = this.#sampler.sample(data);
    if (!this.#looksTurned) return sampled;
    if (this.#turnedPicture.length !== sampled.length) this.#turnedPicture = new Uint8Array(sampled.length);
    this.#turnedPicture.set(sampled);
    turnOver(this.#turnedPicture, this.#model.inputSize.width * 3, this.#model.inputSize.height);
    return this.#turnedPicture;
  }

  /** The network is shown the picture turned over. */
  get #looksTurned(): boolean {
    const isOther = this.#check !== null && this.#check.own !== null;
    return (this.#checks?.turned ?? false) !== isOther;
  }

  /** What is looked at is there more than once: nobody knows which one is meant. */
  get several(): boolean {
    return this.#checks?.several ?? false;
  }

  /** Outputs of the graph for this frame; they must be finite (`checkFinite`). */
  commit(
    frame: Pick<AnalysisFrame, 'ptsNs' | 'discontinuity' | 'data' | 'size'>,
    outputs: SemanticOutputs,
  ): readonly FoundObject[] {
    const { verdict, structures, logitsSize } = this.#model;
    const scalars = readScalars(this.#model, outputs);
    const number = (name: string | null): number =>
      name === null ? 1 : Math.min(1, Math.max(0, scalars[name] ?? 1));
    const view = number(verdict.view);
    const score = number(verdict.quality);
    if (this.#check !== null) return this.#finishCheck(frame, outputs, { view, quality: score }, this.#check);
    const wasCloser = this.#closer !== null;
    this.#looks = frame.ptsNs === this.#looksNs ? this.#looks + 1 : 1;
    this.#looksNs = frame.ptsNs;
    const mayLookAgain = this.#looks < mostLooks;
    if (view < verdict.least.view) {
      this.#forget();
      this.#looksAgain = wasCloser && mayLookAgain;
      if (!this.#looksAgain) this.#checks?.miss();
      return structures.map((structure) => this.#searching(structure, score));
    }
    calibrateLogits(this.#model, outputs, this.#logits);
    if (this.#looksTurned) turnOver(this.#logits, logitsSize.width, logitsSize.height);
    this.#temporal?.blend(this.#logits, { ...frame, look: this.#look });
    this.#classes.read(this.#logits);
    this.#components.find(this.#classes.labels, this.#classes.seen);
    const objects = structures.map((structure) => this.#found(structure, view, score));
    this.#lookAfter(objects, frame.discontinuity);
    this.#looksAgain = wasCloser !== (this.#closer !== null) && mayLookAgain;
    if (!this.#looksAgain) this.#beginCheck(frame, objects);
    return objects;
  }

  /** Where what it looks at was found, and a check is due. */
  #beginCheck(
    { ptsNs, discontinuity }: Pick<AnalysisFrame, 'ptsNs' | 'discontinuity'>,
    objects: readonly FoundObject[],
  ): void {
    const classes = this.#model.closer?.classes ?? [];
    const found = objects.every(({ label, areaPx }) => areaPx > 0 || !classes.includes(label));
    if (!found || this.#checks?.isDue(ptsNs, discontinuity) !== true) return;
    this.#check = { objects, closer: this.#closer, own: null };
    this.#lookAt(null);
    this.#looksAgain = true;
  }

  #finishCheck(
    { ptsNs }: Pick<AnalysisFrame, 'ptsNs'>,
    { logits }: SemanticOutputs,
    seen: Omit<WholeLook, 'secondPart'>,
    check: Check,
  ): readonly FoundObject[] {
    const { structures, closer, logitsSize } = this.#model;
    // What is there once is the first of what it looks closer at.
    const single = structures.find(({ label }) => label === closer?.classes[0])?.classIndex ?? 0;
    const look = { ...seen, secondPart: logits ? secondPart(logits, logitsSize, single) : 0 };
    if (check.own === null) {
      this.#check = { ...check, own: look };
      return check.objects;
    }
    this.#check = null;
    if (this.#checks?.take(ptsNs, check.own, look) === true) {
      // It was outlined the wrong way up.
      this.#forget();
      this.#looks = 0;
      return check.objects;
    }
    this.#endCheck(check);
    return this.several
      ? check.objects.map((object) =>
          object.state === 'tracking' ? { ...object, state: 'uncertain' } : object,
        )
      : check.objects;
  }

  /**
   * The picture of the last `commit` is to be given once more: something was found in the whole of it that has not been looked at
   * closely, what a closer look lost may stand elsewhere in it, or it is checked (checks.ts). A picture is looked at twice at most,
   * and twice more for a check; where that finds the picture turned over, once more from the beginning.
   */
  get looksAgain(): boolean {
    return this.#looksAgain;
  }

  /** Forgets what earlier pictures looked like, where in them it looked, and which way up they were. */
  reset(): void {
    this.#forget();
    this.#checks?.restore(null);
    this.#check = null;
    this.#looksNs = -Infinity;
  }

  /** The next picture counts alone, and all of it is looked at. */
  #forget(): void {
    this.#temporal?.reset();
    this.#lookAt(null);
  }

  /** `history` false: without what is remembered of earlier pictures. */
  snapshot(history = true): SegmenterSnapshot {
    return {
      version: 1,
      kind: 'semantic',
      sourceSize: this.#sourceSize,
      temporal: history ? (this.#temporal?.snapshot() ?? null) : null,
      closer: history ? (this.#check ?? { closer: this.#closer }).closer : null,
      checks: history ? (this.#checks?.state ?? null) : null,
    };
  }

  /** Goes on from a snapshot with the same model; it must have been checked (src/engine/snapshot.ts). */
  restore({ sourceSize, temporal, closer, checks }: SegmenterSnapshot): void {
    this.#sourceSize = sourceSize;
    this.#temporal?.restore(temporal);
    this.#checks?.restore(checks);
    this.#check = null;
    this.#looksNs = -Infinity;
    this.#lookAt(closer);
  }

  #endCheck({ closer }: Check): void {
    this.#check = null;
    this.#lookAt(closer);
    this.#looksAgain = false;
  }

  /** Where the network looks on the next picture, once everything has been found on this one. */
  #lookAfter(objects: readonly FoundObject[], discontinuity: number): void {
    const { closer } = this.#model;
    if (closer === null) return;
    const wanted = objects.filter(({ label }) => closer.classes.includes(label));
    if (wanted.some(({ areaPx }) => areaPx === 0)) {
      this.#lookAt(null);
      return;
    }
    const box = boxAround(wanted.map(({ box }) => box));
    const look = nextLook(this.#model, this.#sourceSize, this.#look, box);
    const isWhole = sameRegion(look, wholeLook(this.#model, this.#sourceSize));
    this.#lookAt(isWhole ? null : { look, discontinuity });
  }

  /** null: at the whole picture. */
  #lookAt(closer: Closer | null): void {
    this.#closer = closer;
    this.#look = closer?.look ?? wholeLook(this.#model, this.#sourceSize);
    const { pictureSize } = this.#model;
    const part = within(this.#look, { left: 0, top: 0, ...this.#sourceSize }, pictureSize);
    if (sameRegion(part, this.#part)) return;
    this.#part = part;
    this.#sampler.lookAt(part);
    this.#classes.lookAt(part);
  }

  #found(structure: Structure, view: number, score: number): FoundObject {
    const { id, label, classIndex } = structure;
    const { pictureSize, verdict } = this.#model;
    const { areaPx, box } = this.#components.largest(classIndex);
    if (areaPx === 0) return this.#searching(structure, score);
    const inside = this.#inside.fill(0);
    let sum = 0;
    this.#components.eachRun(classIndex, (start, end) => {
      inside.fill(1, start, end);
      sum += this.#classes.sumProbability(classIndex, start, end);
    });
    const probability = sum / areaPx;
    const sure = !this.several && score >= verdict.least.quality && probability >= verdict.least.probability;
    return {
      id,
      label,
      state: sure ? 'tracking' : 'uncertain',
      score,
      confidence: probability * view,
      mask: maskInBox(inside, pictureSize, box),
      box,
      areaPx,
      ...(this.#keepLogits ? { logits: this.#leadOf(classIndex) } : {}),
    };
  }

  /** The lead of a class, but of its largest part only. */
  #leadOf(classIndex: number): Float32Array {
    const lead = this.#classes.lead(classIndex);
    for (let pixel = 0; pixel < lead.length; pixel++)
      if (this.#inside[pixel] === 0 && (lead[pixel] as number) > 0) lead[pixel] = -(lead[pixel] as number);
    return lead;
  }

  #searching({ id, label }: Structure, score: number): FoundObject {
    const { width, height } = this.#model.pictureSize;
    return {
      id,
      label,
      state: 'searching',
      score,
      confidence: 0,
      mask: emptyMask(width, height),
      box: [0, 0, 0, 0],
      areaPx: 0,
    };
  }
}
