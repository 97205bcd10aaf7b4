import { expect, it } from 'vitest';
import { semanticResult } from './result.js';

const size = { width: 2, height: 1 };
const calibration = { temperature: 1, bias: 0 };
const model = {
  ...{ inputSize: size, logitsSize: size, activation: 'softmax' as const, calibration },
  classes: ['background', 'tool'].map((name) => ({ name, color: '#000000' })),
  scalars: [{ name: 'depth', as: 'value' as const }],
};
const outputs = (logit: number, depth = 1) => ({
  logits: Float32Array.of(0, 0, logit, 1),
  depth: Float32Array.of(depth),
});

it('an output that is no finite number gives no labels', () => {
  expect(semanticResult(model, outputs(-1)).labels).toEqual(Uint8Array.of(0, 1));
  for (const bad of [NaN, Infinity, -Infinity]) {
    expect(() => semanticResult(model, outputs(bad))).toThrow(RangeError);
    expect(() => semanticResult(model, outputs(1, bad))).toThrow(RangeError);
  }
});
