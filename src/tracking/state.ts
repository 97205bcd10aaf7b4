/** What the tracker of one stream holds, described once: the types below and the check of a stored snapshot follow from it. */
import type { HexColour } from '../vocabulary/hex-colour.js';
import { lifeCycleShape } from './life-cycle.js';
import { bankShape } from './memory-bank.js';
import { policyNames } from './policies/index.js';
import type { Described, Shape } from './shape.js';

/** Place in the set of colours, from 0; absent in snapshots of before. */
const slotShape = { anyOf: ['whole', 'nothing'] } as const satisfies Shape;

const trackedObjectShape = {
  fields: {
    id: 'positive',
    label: 'text',
    state: lifeCycleShape.fields.state,
    /** Predicted IoU as the network gave it, 0..1. */
    score: 'number',
    /** Calibrated confidence, 0..1: what people are shown. */
    confidence: 'number',
    /** At `TrackerModel.inputSize`; empty where the object is not shown (lost or searching). */
    mask: 'mask',
    /** In mask pixels. */
    box: 'box',
    areaPx: 'number',
  },
} as const satisfies Shape;

/** One object on one frame. */
export interface TrackedObject extends Described<typeof trackedObjectShape> {
  /** Place in the set of colours; absent: by its id. Not part of a snapshot: that of the object itself is. */
  readonly slot?: number | undefined;
  /** Decided before, in a recording that is played. */
  readonly colour?: HexColour | undefined;
  /** Copy of the network's logits at its mask resolution (row-major), only with `keepLogits`. Not part of a snapshot. */
  readonly logits?: Float32Array;
}

const objectShape = {
  fields: { id: 'positive', label: 'text', slot: slotShape, bank: bankShape, life: lifeCycleShape },
} as const satisfies Shape;

export type ObjectRecord = Described<typeof objectShape>;

/**
 * What undo brings back. Of a bank only the prompts: the network's own memories would keep megabytes per step; but a removal may be a
 * slip, so the newest ones keep them for a while. Shapes of before stand behind those that say more.
 */
const undoShape = {
  anyOf: [
    {
      fields: {
        kind: { oneOf: ['prompt'] },
        objectId: 'positive',
        before: { nullable: objectShape },
        mark: { oneOf: ['click', 'box', 'scribble', 'mask'] },
      },
    },
    { fields: { kind: { oneOf: ['prompt'] }, objectId: 'positive', before: { nullable: objectShape } } },
    /** `atNs`: ptsNs of the newest frame at that moment; until it is forgotten the bank is whole. */
    {
      fields: {
        kind: { oneOf: ['remove'] },
        objectId: 'positive',
        before: objectShape,
        atNs: 'number',
      },
    },
    { fields: { kind: { oneOf: ['remove'] }, objectId: 'positive', before: objectShape } },
    { fields: { kind: { oneOf: ['rename'] }, objectId: 'positive', label: 'text' } },
  ],
} as const satisfies Shape;

export type UndoStep = Described<typeof undoShape>;

const seenFrameShape = {
  anyOf: [
    /** Somebody draws on it: it is kept until this ptsNs. */
    { fields: { ptsNs: 'number', objects: { list: trackedObjectShape }, keptUntilNs: 'number' } },
    { fields: { ptsNs: 'number', objects: { list: trackedObjectShape } } },
  ],
} as const satisfies Shape;

/** Results of an earlier frame; only the newest keeps its logits. */
export interface SeenFrame {
  readonly ptsNs: number;
  readonly objects: readonly TrackedObject[];
  readonly keptUntilNs?: number;
}

/** Plain data; tensors and run lengths as typed arrays, shared with the tracker (they are never changed). */
export const snapshotShape = {
  fields: {
    version: { oneOf: [1] },
    policy: { oneOf: policyNames },
    nextId: 'positive',
    pass: { nullable: 'whole' },
    sourceSize: { fields: { width: 'positive', height: 'positive' } },
    objects: { list: objectShape, atMost: 'maxObjects' },
    undo: { list: undoShape },
    seen: { list: seenFrameShape },
  },
} as const satisfies Shape;

export type TrackerSnapshot = Described<typeof snapshotShape>;
