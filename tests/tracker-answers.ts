/** A model's description and a network that never was, for unit tests of the tracker: whatever it is told, it answers. */
import type { ModelOutputs, TrackerModel } from '../src/tracking/model.js';

export const testModel: TrackerModel = {
  inputSize: { width: 24, height: 16 },
  logitsSize: { width: 6, height: 4 },
  candidates: 1,
  slots: 4,
  keyLength: 5,
  valueLength: 3,
  embeddingLength: 2,
  planes: { positive: 0, negative: 1, box: 2, mask: 3 },
  clickRadius: 2,
  scribbleWidth: 2.5,
  maxObjects: 3,
  policy: { name: 'gated', settings: { gated: { minConfidence: 0.5, every: 1 }, sam2: {}, first: {} } },
  calibration: { confidence: { x: [0, 1], y: [0, 1] }, presence: { temperature: 1, bias: 0 } },
};

/** What the network says of one object. */
export interface Answer {
  readonly iou: number;
  readonly presence: number;
  /** Every logit of its mask. */
  readonly logit: number;
}

export const seen: Answer = { iou: 0.9, presence: 4, logit: 3 };
export const gone: Answer = { iou: 0.1, presence: -4, logit: -3 };

/** `mark` makes the memories of a frame recognisable. */
export function answers(rows: readonly Answer[], mark = 1): ModelOutputs {
  const pixels = testModel.logitsSize.width * testModel.logitsSize.height;
  const perRow = (length: number, value: (row: Answer, index: number) => number): Float32Array =>
    Float32Array.from({ length: rows.length * length }, (_, index) =>
      value(rows[Math.floor(index / length)] as Answer, Math.floor(index / length)),
    );
  return {
    logits: perRow(pixels, ({ logit }) => logit),
    iou: perRow(1, ({ iou }) => iou),
    presence: perRow(1, ({ presence }) => presence),
    key: new Float32Array(testModel.keyLength).fill(mark),
    value: perRow(testModel.valueLength, (_, index) => mark * 100 + index),
    embedding: new Float32Array(testModel.embeddingLength).fill(mark),
  };
}
