/**
 * The tracker of one stream: which objects there are, what each remembers, what is shown of it. Pure and synchronous:
 * it plans what the network is to be fed, the caller runs the network, and the tracker takes the outputs. The same
 * core runs live (in the inference thread), in replay and in tests.
 *
 *   planTrack(frame)            → bank tensors → [track graph]  → commitTrack(frame, outputs)  → objects
 *   planPrompt(command, frame)  → drawn prompt → [prompt graph] → commitPrompt(plan, outputs)  → object
 */
import type { FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import type { Box, Mask } from '../vocabulary/mask.js';
import type { ObjectId, ObjectState, Prompt } from '../vocabulary/prompt.js';
import { emptyMask, maskArea, maskBox } from '../mask/rle.js';
import { maskFromScaledLogits } from '../mask/resize.js';
import { BankTensors, type BankInputs } from './bank-tensors.js';
import { drawPrompts, type DrawnPrompt } from './draw-prompt.js';
import { trackingError } from './errors.js';
import {
  advance,
  afterDiscontinuity,
  afterPrompt,
  isShown,
  type Evidence,
  type LifeCycle,
} from './life-cycle.js';
import { emptyBank, withPrompt, type MemoryBank } from './memory-bank.js';
import { createPolicy, type MemoryPolicy, type PolicyName } from './policies/memory-policy.js';
import { calibratedConfidence, presenceProbability, type ModelOutputs, type TrackerModel } from './model.js';
import { checkPrompts } from './prompt-check.js';

/** One object on one frame. */
export interface TrackedObject {
  readonly id: ObjectId;
  readonly label: string;
  readonly state: ObjectState;
  /** Predicted IoU as the network gave it, 0..1. */
  readonly score: number;
  /** Calibrated confidence, 0..1: what people are shown. */
  readonly confidence: number;
  /** At `TrackerModel.inputSize`; empty where the object is not shown (lost or searching). */
  readonly mask: Mask;
  /** In mask pixels. */
  readonly box: Box;
  readonly areaPx: number;
  /** Copy of the network's logits at its mask resolution (row-major), only with `keepLogits`. */
  readonly logits?: Float32Array;
}

export interface PromptCommand {
  readonly objectId: ObjectId | null;
  readonly label: string | null;
  readonly prompts: readonly Prompt[];
  /** An existing object starts anew from these marks: what it remembers is forgotten, id and label stay. */
  readonly fresh?: boolean | undefined;
}

/** A checked prompt, drawn, waiting for the network. */
export interface PromptPlan extends DrawnPrompt {
  readonly frame: FrameIdentity;
  /** null: a new object. */
  readonly objectId: ObjectId | null;
  readonly label: string | null;
  /** All marks of this object on this frame, earlier ones first. */
  readonly prompts: readonly Prompt[];
  readonly fresh: boolean;
}

interface ObjectRecord {
  readonly id: ObjectId;
  readonly label: string;
  readonly bank: MemoryBank;
  readonly life: LifeCycle;
}

/** What undo brings back. Prompt entries only: the network's own memories would pin megabytes per step. */
type UndoStep =
  | { readonly kind: 'prompt'; readonly objectId: ObjectId; readonly before: ObjectRecord | null }
  | { readonly kind: 'remove'; readonly objectId: ObjectId; readonly before: ObjectRecord }
  | { readonly kind: 'rename'; readonly objectId: ObjectId; readonly label: string };

/** What the network said about one object on one frame. */
interface Observed {
  /** View of the outputs. */
  readonly logits: Float32Array;
  readonly mask: Mask;
  readonly score: number;
  readonly evidence: Omit<Evidence, 'ptsNs'>;
}

interface SeenFrame {
  readonly ptsNs: number;
  readonly objects: readonly TrackedObject[];
}

/** Plain data; tensors and run lengths as typed arrays, shared with the tracker (they are never changed). */
export interface TrackerSnapshot {
  readonly version: 1;
  readonly policy: PolicyName;
  readonly nextId: ObjectId;
  readonly pass: number | null;
  readonly sourceSize: PictureSize;
  readonly objects: readonly ObjectRecord[];
  readonly undo: readonly UndoStep[];
  readonly seen: readonly SeenFrame[];
}

export interface SnapshotOptions {
  /** Newest entries of the network's own memory to take along, per object; default all. */
  readonly recent?: number;
  /** Undo steps and earlier masks too; default true. */
  readonly history?: boolean;
}

/** Undo steps kept per object and in all. */
const maxUndoPerObject = 8;
const maxUndo = 32;
/** Results stay known for prompts on older frames: a little longer than the room holds those frames (2 s). */
const seenNs = 2_500_000_000;
const maxSeen = 256;
export const maxLabelLength = 80;

export class Tracker {
  readonly #model: TrackerModel;
  readonly #keepLogits: boolean;
  readonly #tensors: BankTensors;
  #policy: MemoryPolicy;
  #sourceSize: PictureSize;
  #objects: readonly ObjectRecord[] = [];
  #undo: readonly UndoStep[] = [];
  #seen: readonly SeenFrame[] = [];
  #nextId: ObjectId = 1;
  #pass: number | null = null;

  /** `policy` null: the model's own. Throws SONO_POLICY_UNKNOWN. */
  constructor(
    model: TrackerModel,
    options: {
      readonly policy: string | null;
      readonly sourceSize: PictureSize;
      readonly keepLogits: boolean;
    },
  ) {
    this.#model = model;
    this.#keepLogits = options.keepLogits;
    this.#tensors = new BankTensors(model);
    this.#sourceSize = options.sourceSize;
    this.#policy = this.#createPolicy(options.policy ?? model.policy.name);
  }

  get policy(): PolicyName {
    return this.#policy.name;
  }

  /** Coordinate system of the prompts that follow. */
  setSourceSize(size: PictureSize): void {
    this.#sourceSize = size;
  }

  /** Throws SONO_POLICY_UNKNOWN. Takes effect with the next frame; what is in the banks stays. */
  setPolicy(name: string): void {
    this.#policy = this.#createPolicy(name);
  }

  // ------------------------------------------------------------------------------------------- frames

  /** Memory inputs for all objects, in the order of their results; null: no object has a memory, no need to run the network. */
  planTrack(): BankInputs | null {
    const remembering = this.#objects.filter(hasMemory);
    return remembering.length === 0
      ? null
      : this.#tensors.fill(remembering.map(({ bank }) => this.#policy.select(bank)));
  }

  /** Outputs of the track graph for the objects of `planTrack`; null when it had none. */
  commitTrack(frame: FrameIdentity, outputs: ModelOutputs | null): readonly TrackedObject[] {
    const { ptsNs } = frame;
    const jumped = this.#pass !== null && this.#pass !== frame.discontinuity;
    this.#pass = frame.discontinuity;
    const results: TrackedObject[] = [];
    let row = 0;
    this.#objects = this.#objects.map((before) => {
      const object = jumped ? { ...before, life: afterDiscontinuity(ptsNs) } : before;
      if (outputs === null || !hasMemory(object)) {
        results.push(this.#unseen(object));
        return object;
      }
      const observed = this.#observe(outputs, row);
      const life = advance(object.life, { ptsNs, ...observed.evidence });
      const index = row++;
      const candidate = {
        ptsNs,
        iou: observed.score,
        presence: outputs.presence[index] as number,
      };
      const bank = this.#policy.admit(object.bank, candidate, () => ({
        kind: 'recent',
        ptsNs,
        score: observed.score,
        ...this.#entryTensors(outputs, index),
      }));
      const after = { ...object, bank, life };
      results.push(this.#result(after, observed));
      return after;
    });
    this.#remember(ptsNs, results);
    return results;
  }

  // ------------------------------------------------------------------------------------------ prompts

  /**
   * Checks and draws a mark on `frame` (which may be older than the last tracked one). Nothing changes before
   * `commitPrompt`. Throws SONO_OBJECT_UNKNOWN, SONO_OBJECTS_FULL, SONO_LABEL_TAKEN, SONO_LABEL_INVALID and the
   * errors of `checkPrompts`.
   */
  planPrompt(command: PromptCommand, frame: FrameIdentity): PromptPlan {
    const object = command.objectId === null ? null : this.#find(command.objectId);
    if (object === null && this.#objects.length >= this.#model.maxObjects)
      throw trackingError('SONO_OBJECTS_FULL', { limit: this.#model.maxObjects });
    const label = command.label === null ? null : this.#checkLabel(command.label, command.objectId);
    checkPrompts(command.prompts, this.#sourceSize);
    const fresh = command.fresh ?? false;
    const sameFrame = object?.bank.prompts.find((entry) => entry.ptsNs === frame.ptsNs);
    // A given mask replaces what was marked before; other marks add to it.
    const replaces = fresh || command.prompts.some((prompt) => prompt.type === 'mask');
    const prompts = replaces ? command.prompts : [...(sameFrame?.prompts ?? []), ...command.prompts];
    const current = object === null || fresh ? null : this.#maskAt(object.id, frame.ptsNs);
    return {
      frame,
      objectId: command.objectId,
      label,
      prompts,
      fresh,
      ...drawPrompts(this.#model, this.#sourceSize, prompts, current),
    };
  }

  /**
   * Outputs of the prompt graph for one object. Gives the object and everything known to be on that frame, the object
   * included. The object goes on from here with the next tracked frame.
   */
  commitPrompt(
    plan: PromptPlan,
    outputs: ModelOutputs,
  ): { readonly objectId: ObjectId; readonly objects: readonly TrackedObject[] } {
    const { ptsNs } = plan.frame;
    const before = plan.objectId === null ? null : this.#find(plan.objectId);
    const observed = this.#observe(outputs, 0);
    const id = before?.id ?? this.#nextId++;
    const remembered = before === null || plan.fresh ? emptyBank : before.bank;
    // An empty mask is no memory: the object would be looked for as nothing.
    const bank = observed.evidence.emptyMask
      ? remembered
      : withPrompt(remembered, {
          kind: 'prompt',
          ptsNs,
          score: 1,
          prompts: plan.prompts,
          ...this.#entryTensors(outputs, 0),
        });
    const after: ObjectRecord = {
      id,
      label: plan.label ?? before?.label ?? this.#freeLabel(id),
      bank,
      life: afterPrompt({ ptsNs, ...observed.evidence }),
    };
    // A mark may be the first that is heard of a new discontinuity: the others have jumped, the marked object is where it was marked.
    if (this.#pass !== null && plan.frame.discontinuity > this.#pass)
      this.#objects = this.#objects.map((object) => ({ ...object, life: afterDiscontinuity(ptsNs) }));
    this.#pass = Math.max(this.#pass ?? plan.frame.discontinuity, plan.frame.discontinuity);
    this.#objects =
      before === null
        ? [...this.#objects, after]
        : this.#objects.map((object) => (object.id === id ? after : object));
    this.#pushUndo({ kind: 'prompt', objectId: id, before: before && withoutRecent(before) });
    const result = this.#result(after, observed);
    const others = this.#seen.find((seen) => seen.ptsNs === ptsNs)?.objects ?? [];
    const alive = others.filter(
      (other) => other.id !== id && this.#objects.some(({ id }) => id === other.id),
    );
    const objects = [...alive, result].sort((a, b) => a.id - b.id);
    this.#remember(ptsNs, objects);
    return { objectId: id, objects };
  }

  // ------------------------------------------------------------------------------------ other commands

  /** Throws SONO_OBJECT_UNKNOWN, SONO_LABEL_TAKEN, SONO_LABEL_INVALID. */
  rename(objectId: ObjectId, label: string): void {
    const object = this.#find(objectId);
    const checked = this.#checkLabel(label, objectId);
    this.#replace({ ...object, label: checked });
    this.#pushUndo({ kind: 'rename', objectId, label: object.label });
  }

  /** Throws SONO_OBJECT_UNKNOWN. The id is not used again. */
  remove(objectId: ObjectId): void {
    const before = this.#find(objectId);
    this.#objects = this.#objects.filter(({ id }) => id !== objectId);
    this.#pushUndo({ kind: 'remove', objectId, before: withoutRecent(before) });
  }

  /**
   * Takes back the last mark, renaming or removal; of one object, or (null) of whichever was last. Gives the object
   * concerned. Throws SONO_NOTHING_TO_UNDO; SONO_LABEL_TAKEN or SONO_OBJECTS_FULL where a removed object's place is taken.
   */
  undo(objectId: ObjectId | null): ObjectId {
    const index = this.#undo.findLastIndex((step) => objectId === null || step.objectId === objectId);
    const step = this.#undo[index];
    if (step === undefined) throw trackingError('SONO_NOTHING_TO_UNDO');
    switch (step.kind) {
      case 'rename':
        this.#replace({ ...this.#find(step.objectId), label: this.#checkLabel(step.label, step.objectId) });
        break;
      case 'prompt': {
        const now = this.#find(step.objectId);
        if (step.before === null) this.#objects = this.#objects.filter(({ id }) => id !== step.objectId);
        // Names have their own steps.
        else this.#replace({ ...step.before, label: now.label });
        break;
      }
      case 'remove':
        if (this.#objects.length >= this.#model.maxObjects)
          throw trackingError('SONO_OBJECTS_FULL', { limit: this.#model.maxObjects });
        this.#checkLabel(step.before.label, step.objectId);
        this.#objects = [...this.#objects, step.before].sort((a, b) => a.id - b.id);
        break;
    }
    this.#undo = this.#undo.filter((_, other) => other !== index);
    return step.objectId;
  }

  /** Forgets every object and everything that could be undone. Ids go on. */
  reset(): void {
    this.#objects = [];
    this.#undo = [];
    this.#seen = [];
  }

  // ---------------------------------------------------------------------------------------- snapshots

  /** Everything needed to go on identically (with the default options). */
  snapshot(options: SnapshotOptions = {}): TrackerSnapshot {
    const history = options.history ?? true;
    const recent = options.recent ?? Infinity;
    return {
      version: 1,
      policy: this.#policy.name,
      nextId: this.#nextId,
      pass: this.#pass,
      sourceSize: this.#sourceSize,
      objects: this.#objects.map((object) =>
        object.bank.recent.length <= recent
          ? object
          : {
              ...object,
              bank: {
                prompts: object.bank.prompts,
                recent: recent === 0 ? [] : object.bank.recent.slice(-recent),
              },
            },
      ),
      undo: history ? this.#undo : [],
      seen: history ? this.#seen.map(withoutLogits) : [],
    };
  }

  /** Goes on from a snapshot of a tracker with the same model. The snapshot must have been checked (src/inference/snapshot.ts). */
  restore(snapshot: TrackerSnapshot): void {
    this.#policy = this.#createPolicy(snapshot.policy);
    this.#nextId = snapshot.nextId;
    this.#pass = snapshot.pass;
    this.#sourceSize = snapshot.sourceSize;
    this.#objects = snapshot.objects;
    this.#undo = snapshot.undo;
    this.#seen = snapshot.seen;
  }

  // ---------------------------------------------------------------------------------------- internals

  #createPolicy(name: string): MemoryPolicy {
    const { minConfidence, every } = this.#model.policy;
    return createPolicy(name, { slots: this.#model.slots, minConfidence, every });
  }

  #find(objectId: ObjectId): ObjectRecord {
    const object = this.#objects.find(({ id }) => id === objectId);
    if (object === undefined) throw trackingError('SONO_OBJECT_UNKNOWN', { objectId });
    return object;
  }

  #replace(object: ObjectRecord): void {
    this.#objects = this.#objects.map((other) => (other.id === object.id ? object : other));
  }

  #checkLabel(text: string, objectId: ObjectId | null): string {
    const label = text.trim();
    if (label.length === 0 || label.length > maxLabelLength || /\p{Cc}/u.test(label))
      throw trackingError('SONO_LABEL_INVALID', { limit: maxLabelLength });
    if (this.#objects.some((other) => other.id !== objectId && other.label === label))
      throw trackingError('SONO_LABEL_TAKEN', { label });
    return label;
  }

  #freeLabel(id: ObjectId): string {
    for (let number = id; ; number++) {
      const label = `Object ${number}`;
      if (!this.#objects.some((other) => other.label === label)) return label;
    }
  }

  #observe(outputs: ModelOutputs, row: number): Observed {
    const { logitsSize, inputSize, calibration } = this.#model;
    const length = logitsSize.width * logitsSize.height;
    const logits = outputs.logits.subarray(row * length, (row + 1) * length);
    const mask = maskFromScaledLogits(logits, logitsSize, inputSize);
    const score = outputs.iou[row] as number;
    return {
      logits,
      mask,
      score,
      evidence: {
        confidence: calibratedConfidence(calibration, score),
        presence: presenceProbability(calibration, outputs.presence[row] as number),
        emptyMask: mask.counts.length === 1,
      },
    };
  }

  #result(object: ObjectRecord, observed: Observed): TrackedObject {
    const mask = isShown(object.life.state) ? observed.mask : this.#emptyMask();
    return {
      id: object.id,
      label: object.label,
      state: object.life.state,
      score: observed.score,
      confidence: observed.evidence.confidence,
      mask,
      box: maskBox(mask),
      areaPx: maskArea(mask),
      ...(this.#keepLogits ? { logits: observed.logits.slice() } : {}),
    };
  }

  /** An object about which the network was not asked. */
  #unseen(object: ObjectRecord): TrackedObject {
    return {
      id: object.id,
      label: object.label,
      state: object.life.state,
      score: 0,
      confidence: 0,
      mask: this.#emptyMask(),
      box: [0, 0, 0, 0],
      areaPx: 0,
    };
  }

  #emptyMask(): Mask {
    return emptyMask(this.#model.inputSize.width, this.#model.inputSize.height);
  }

  #entryTensors(outputs: ModelOutputs, row: number) {
    const { valueLength } = this.#model;
    return {
      // One array per frame, shared by all objects that remember it.
      key: outputs.key,
      value: outputs.value.slice(row * valueLength, (row + 1) * valueLength),
      embedding: outputs.embedding,
    };
  }

  #maskAt(objectId: ObjectId, ptsNs: number): Mask | null {
    const seen = this.#seen.find((frame) => frame.ptsNs === ptsNs);
    const mask = seen?.objects.find(({ id }) => id === objectId)?.mask;
    return mask === undefined || mask.counts.length === 1 ? null : mask;
  }

  #remember(ptsNs: number, objects: readonly TrackedObject[]): void {
    // Distances, not differences: replay may run backwards. Only the newest frame keeps its logits.
    const kept = this.#seen
      .filter((frame) => frame.ptsNs !== ptsNs && Math.abs(frame.ptsNs - ptsNs) < seenNs)
      .slice(1 - maxSeen);
    const last = kept.pop();
    this.#seen = [...kept, ...(last === undefined ? [] : [withoutLogits(last)]), { ptsNs, objects }];
  }

  #pushUndo(step: UndoStep): void {
    let ofObject = 0;
    const steps = [...this.#undo, step].slice(-maxUndo);
    const kept = steps
      .toReversed()
      .filter((other) => other.objectId !== step.objectId || ++ofObject <= maxUndoPerObject);
    this.#undo = kept.toReversed();
  }
}

const withoutLogits = ({ ptsNs, objects }: SeenFrame): SeenFrame => ({
  ptsNs,
  objects: objects.map(({ logits: _logits, ...object }) => object),
});

const hasMemory = (object: ObjectRecord): boolean => object.bank.prompts.length > 0;

const withoutRecent = (object: ObjectRecord): ObjectRecord => ({
  ...object,
  bank: { prompts: object.bank.prompts, recent: [] },
});
