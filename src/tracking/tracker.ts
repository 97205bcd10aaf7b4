/**
 * The tracker of one stream: which objects there are, what each remembers, what is shown of it. Pure and synchronous:
 * it plans what the network is to be fed, the caller runs the network, and the tracker takes the outputs. The same
 * core runs live (in the inference thread), in replay and in tests.
 *
 *   planTrack(frame)            → bank tensors → [track graph]  → commitTrack(frame, outputs)  → objects
 *   planPrompt(command, frame)  → drawn prompt → [prompt graph] → commitPrompt(plan, outputs)  → object
 */
import type { FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import { freeLabel } from '../vocabulary/free-label.js';
import { freeSlot, slotOfId } from '../vocabulary/palette.js';
import type { Mask } from '../vocabulary/mask.js';
import { isLabel, isShown, promptLimits, type ObjectId, type Prompt } from '../vocabulary/prompt.js';
import type { Undoable } from '../vocabulary/undoable.js';
import { emptyMask, maskArea, maskBox } from '../mask/rle.js';
import { maskFromScaledLogits } from '../mask/resize.js';
import { BankTensors, type BankInputs } from './bank-tensors.js';
import { drawPrompts, type DrawnPrompt } from './draw-prompt.js';
import { trackingError } from './errors.js';
import { advance, afterDiscontinuity, afterPrompt, type Evidence } from './life-cycle.js';
import { emptyBank, promptsOnly, withPrompt } from './memory-bank.js';
import { findPolicy, type PolicyName } from './policies/index.js';
import { bestPredicted, type Candidate, type MemoryPolicy, type PolicyContext } from './policies/policy.js';
import { calibratedConfidence, presenceProbability, type ModelOutputs, type TrackerModel } from './model.js';
import { checkPrompts } from './prompt-check.js';
import type { Plain } from './shape.js';
import type { ObjectRecord, SeenFrame, TrackedObject, TrackerSnapshot, UndoStep } from './state.js';

export type { TrackedObject, TrackerSnapshot } from './state.js';

export interface PromptCommand {
  readonly objectId: ObjectId | null;
  readonly label: string | null;
  readonly prompts: readonly Prompt[];
  /** An existing object starts anew from these marks: what it remembers is forgotten, id and label stay. */
  readonly fresh?: boolean | undefined;
}

/** A checked prompt, drawn, waiting for the network. */
interface DrawnMark extends DrawnPrompt {
  readonly frame: FrameIdentity;
  /** null: a new object. */
  readonly objectId: ObjectId | null;
  readonly label: string | null;
  /** All marks of this object on this frame, earlier ones first. */
  readonly prompts: readonly Prompt[];
  readonly fresh: boolean;
}

/** What the network said about one object on one frame. */
interface Observed {
  /** View of the outputs. */
  readonly logits: Float32Array;
  readonly mask: Mask;
  readonly score: number;
  readonly evidence: Omit<Evidence, 'ptsNs'>;
}

interface SnapshotOptions {
  /** Newest entries of the network's own memory to take along, per object; default all. */
  readonly recent?: number;
  /** Undo steps and earlier masks too; default true. */
  readonly history?: boolean;
}

/** Undo steps kept per object and in all. */
const maxUndoPerObject = 8;
const maxUndo = 32;
/** Results of older frames are kept this long, for prompts on them: a little longer than the room holds the frames (2 s). */
const seenNs = 2_500_000_000;
const maxSeen = 256;
/** … those on which somebody draws for this long, at most so many. */
const keptNs = 31_000_000_000;
const maxKept = 8;
/** A removal can be taken back with everything that the object remembers for this long, the newest ones only. */
const restorableNs = 30_000_000_000;
const maxRestorable = 2;

export class Tracker {
  readonly #model: TrackerModel;
  readonly #keepLogits: boolean;
  readonly #tensors: BankTensors;
  #policy: MemoryPolicy<PolicyName>;
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
    this.#policy = findPolicy(options.policy ?? model.policy.name);
  }

  get policy(): PolicyName {
    return this.#policy.name;
  }

  /** Coordinate system of the prompts that follow. */
  setSourceSize(size: PictureSize): void {
    this.#sourceSize = size;
  }

  /**
   * Throws SONO_POLICY_UNKNOWN. Takes effect with the next frame; the entries in the banks stay, but another policy begins
   * with its own first state.
   */
  setPolicy(name: string): void {
    const policy = findPolicy(name);
    if (policy === this.#policy) return;
    this.#policy = policy;
    this.#objects = this.#objects.map((object) => withOwn(object, policy.initial()));
    this.#undo = this.#undo.map(withoutMemory);
  }

  /** What can be taken back: the last step of each object, the newest last. */
  get undoable(): readonly Undoable[] {
    const last = new Map<ObjectId, Undoable>();
    for (const step of this.#undo) {
      last.delete(step.objectId);
      last.set(step.objectId, {
        objectId: step.objectId,
        label:
          this.#objects.find(({ id }) => id === step.objectId)?.label ??
          (step.kind === 'remove' ? step.before.label : ''),
        kind: step.kind === 'prompt' ? ('mark' in step ? step.mark : null) : step.kind,
        made: step.kind === 'prompt' && step.before === null,
      });
    }
    return [...last.values()];
  }

  /** Somebody draws on this frame: its masks are kept for half a minute instead of 2.5 s. */
  keep(ptsNs: number): void {
    const newestNs = this.#seen.at(-1)?.ptsNs;
    if (newestNs === undefined) return;
    this.#seen = this.#seen.map((frame) =>
      frame.ptsNs === ptsNs ? { ...frame, keptUntilNs: newestNs + keptNs } : frame,
    );
  }

  // ------------------------------------------------------------------------------------------- frames

  /** Memory inputs for all objects, in the order of their results; null: no object has a memory, no need to run the network. */
  planTrack(): BankInputs | null {
    const remembering = this.#objects.filter(hasMemory);
    return remembering.length === 0
      ? null
      : this.#tensors.fill(remembering.map(({ bank }) => this.#policy.select(bank, this.#context)));
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
      const index = row++;
      const seen = {
        ptsNs,
        presence: outputs.presence[index] as number,
        candidates: this.#candidates(outputs, index),
        embedding: outputs.embedding,
      };
      const candidate = this.#policy.choose(object.bank, seen, this.#context);
      const observed = this.#observe(candidate, seen.presence);
      const life = advance(object.life, { ptsNs, ...observed.evidence });
      const remember = (remembered: Candidate = candidate) => ({
        kind: 'recent' as const,
        ptsNs,
        score: remembered.iou,
        ...this.#entryTensors(outputs, index, remembered),
      });
      const bank = this.#policy.admit(object.bank, { ...seen, candidate, remember }, this.#context);
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
  planPrompt(command: PromptCommand, frame: FrameIdentity): DrawnMark {
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
    plan: DrawnMark,
    outputs: ModelOutputs,
  ): { readonly objectId: ObjectId; readonly objects: readonly TrackedObject[] } {
    const { ptsNs } = plan.frame;
    const before = plan.objectId === null ? null : this.#find(plan.objectId);
    // The person judges this frame, so the policy is not asked.
    const candidate = bestPredicted(this.#candidates(outputs, 0));
    const observed = this.#observe(candidate, outputs.presence[0] as number);
    const id = before?.id ?? this.#nextId++;
    const own = this.#policy.initial();
    const remembered = before === null || plan.fresh ? { ...emptyBank, own } : before.bank;
    // An empty mask is not remembered: the network would go on looking for nothing.
    const bank = observed.evidence.emptyMask
      ? remembered
      : withPrompt(
          remembered,
          {
            kind: 'prompt',
            ptsNs,
            score: 1,
            prompts: plan.prompts,
            ...this.#entryTensors(outputs, 0, candidate),
          },
          own,
        );
    const after: ObjectRecord = {
      id,
      label: plan.label ?? before?.label ?? freeLabel('Object', id, this.#objects),
      slot: before === null ? this.#freeSlot() : before.slot,
      bank,
      life: afterPrompt({ ptsNs, ...observed.evidence }),
    };
    // A mark can be the first news of a discontinuity. Then time has jumped for all other objects; this one was marked after the jump.
    if (this.#pass !== null && plan.frame.discontinuity > this.#pass)
      this.#objects = this.#objects.map((object) => ({ ...object, life: afterDiscontinuity(ptsNs) }));
    this.#pass = Math.max(this.#pass ?? plan.frame.discontinuity, plan.frame.discontinuity);
    this.#objects =
      before === null
        ? [...this.#objects, after]
        : this.#objects.map((object) => (object.id === id ? after : object));
    const mark = plan.prompts.at(-1)?.type ?? 'click';
    this.#pushUndo({ kind: 'prompt', objectId: id, before: before && withPromptsOnly(before), mark });
    const result = this.#result(after, observed);
    const others = this.#seen.find((seen) => seen.ptsNs === ptsNs)?.objects ?? [];
    const alive = others.flatMap((other): TrackedObject[] => {
      const own = other.id === id ? undefined : this.#objects.find((object) => object.id === other.id);
      return own === undefined ? [] : [{ ...other, slot: own.slot }];
    });
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

  /** Throws SONO_OBJECT_UNKNOWN. The id is not used again. `restorable`: undo brings its memory back, too, for half a minute. */
  remove(objectId: ObjectId, restorable = false): void {
    const before = this.#find(objectId);
    this.#objects = this.#objects.filter(({ id }) => id !== objectId);
    if (!restorable) {
      this.#pushUndo({ kind: 'remove', objectId, before: withPromptsOnly(before) });
      return;
    }
    this.#pushUndo({ kind: 'remove', objectId, before, atNs: this.#seen.at(-1)?.ptsNs ?? 0 });
    const whole = this.#undo.filter((step) => 'atNs' in step);
    for (const step of whole.slice(0, -maxRestorable)) this.#forget(step);
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
        else this.#replace({ ...withPromptsOnly(step.before, this.#policy.initial()), label: now.label });
        break;
      }
      case 'remove':
        if (this.#objects.length >= this.#model.maxObjects)
          throw trackingError('SONO_OBJECTS_FULL', { limit: this.#model.maxObjects });
        this.#checkLabel(step.before.label, step.objectId);
        this.#objects = [
          ...this.#objects,
          {
            ...('atNs' in step ? step.before : withPromptsOnly(step.before, this.#policy.initial())),
            slot: this.#slotAgain(step.before),
          },
        ].sort((a, b) => a.id - b.id);
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
                ...object.bank,
                recent: recent === 0 ? [] : object.bank.recent.slice(-recent),
              },
            },
      ),
      undo: history ? this.#undo : [],
      seen: history ? this.#seen.map(withoutLogits) : [],
    };
  }

  /** Goes on from a snapshot of a tracker with the same model. The snapshot must have been checked (src/engine/snapshot.ts). */
  restore(snapshot: TrackerSnapshot): void {
    this.#policy = findPolicy(snapshot.policy);
    this.#nextId = snapshot.nextId;
    this.#pass = snapshot.pass;
    this.#sourceSize = snapshot.sourceSize;
    // A snapshot of a policy that kept nothing of its own may come from before it did.
    this.#objects = snapshot.objects.map((object) =>
      object.bank.own === undefined ? withOwn(object, this.#policy.initial()) : object,
    );
    this.#undo = snapshot.undo;
    this.#seen = snapshot.seen;
  }

  // ---------------------------------------------------------------------------------------- internals

  get #context(): PolicyContext {
    return { slots: this.#model.slots, settings: this.#model.policy.settings[this.#policy.name] };
  }

  #find(objectId: ObjectId): ObjectRecord {
    const object = this.#objects.find(({ id }) => id === objectId);
    if (object === undefined) throw trackingError('SONO_OBJECT_UNKNOWN', { objectId });
    return object;
  }

  #freeSlot(): number {
    return freeSlot(this.#objects.map(slotOf));
  }

  /** The one that a removed object had, unless a living one has got it meanwhile. */
  #slotAgain(object: ObjectRecord): number {
    const own = slotOf(object);
    return this.#objects.some((other) => slotOf(other) === own) ? this.#freeSlot() : own;
  }

  #replace(object: ObjectRecord): void {
    this.#objects = this.#objects.map((other) => (other.id === object.id ? object : other));
  }

  #checkLabel(text: string, objectId: ObjectId | null): string {
    const label = text.trim();
    if (!isLabel(label)) throw trackingError('SONO_LABEL_INVALID', { limit: promptLimits.labelCharacters });
    if (this.#objects.some((other) => other.id !== objectId && other.label === label))
      throw trackingError('SONO_LABEL_TAKEN', { label });
    return label;
  }

  /** The masks that the network offers for the object in `row`. */
  #candidates({ logits, iou }: ModelOutputs, row: number): readonly Candidate[] {
    const { logitsSize, candidates } = this.#model;
    const length = logitsSize.width * logitsSize.height;
    return Array.from({ length: candidates }, (_, index) => {
      const place = row * candidates + index;
      return {
        index,
        iou: iou[place] as number,
        logits: logits.subarray(place * length, (place + 1) * length),
      };
    });
  }

  #observe({ logits, iou }: Candidate, presence: number): Observed {
    const { logitsSize, inputSize, calibration } = this.#model;
    const mask = maskFromScaledLogits(logits, logitsSize, inputSize);
    return {
      logits,
      mask,
      score: iou,
      evidence: {
        confidence: calibratedConfidence(calibration, iou),
        presence: presenceProbability(calibration, presence),
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
      slot: object.slot,
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
      slot: object.slot,
    };
  }

  #emptyMask(): Mask {
    return emptyMask(this.#model.inputSize.width, this.#model.inputSize.height);
  }

  #entryTensors(outputs: ModelOutputs, row: number, { index }: Candidate) {
    const { valueLength, candidates } = this.#model;
    const place = row * candidates + index;
    return {
      // One array per frame, shared by all objects that remember it.
      key: outputs.key,
      value: outputs.value.slice(place * valueLength, (place + 1) * valueLength),
      embedding: outputs.embedding,
    };
  }

  #maskAt(objectId: ObjectId, ptsNs: number): Mask | null {
    const seen = this.#seen.find((frame) => frame.ptsNs === ptsNs);
    const mask = seen?.objects.find(({ id }) => id === objectId)?.mask;
    return mask === undefined || mask.counts.length === 1 ? null : mask;
  }

  #remember(ptsNs: number, results: readonly TrackedObject[]): void {
    // The place of its colour is the object's, not a frame's.
    const objects = results.map(({ slot: _slot, ...object }) => object);
    // Time without a sign, because replay may run backwards. Only the newest frame keeps its logits.
    const others = this.#seen.filter((frame) => frame.ptsNs !== ptsNs);
    const isRecent = (frame: SeenFrame): boolean => Math.abs(frame.ptsNs - ptsNs) < seenNs;
    const kept = others
      .filter((frame) => !isRecent(frame) && frame.keptUntilNs !== undefined && ptsNs < frame.keptUntilNs)
      .slice(-maxKept);
    const recent = others.filter(isRecent).slice(1 - maxSeen);
    const last = recent.pop();
    this.#seen = [
      ...kept,
      ...recent,
      ...(last === undefined ? [] : [withoutLogits(last)]),
      { ptsNs, objects },
    ];
    for (const step of this.#undo)
      if ('atNs' in step && Math.abs(ptsNs - step.atNs) > restorableNs) this.#forget(step);
  }

  /** From here on this removal keeps the marks alone. */
  #forget(step: UndoStep): void {
    this.#undo = this.#undo.map((other) => (other === step ? withoutMemory(other) : other));
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

const withoutLogits = ({ objects, ...frame }: SeenFrame): SeenFrame => ({
  ...frame,
  objects: objects.map(({ logits: _logits, ...object }) => object),
});

/** Those of a snapshot of before had a colour by their number. */
const slotOf = ({ id, slot }: ObjectRecord): number => slot ?? slotOfId(id);

const hasMemory = (object: ObjectRecord): boolean => object.bank.prompts.length > 0;

const withOwn = (object: ObjectRecord, own: Plain): ObjectRecord => ({
  ...object,
  bank: { ...object.bank, own },
});

/** A removal as it is kept in the long run. */
const withoutMemory = (step: UndoStep): UndoStep =>
  'atNs' in step ? { kind: 'remove', objectId: step.objectId, before: withPromptsOnly(step.before) } : step;

const withPromptsOnly = (object: ObjectRecord, own?: Plain): ObjectRecord => ({
  ...object,
  bank: promptsOnly(object.bank, own),
});
