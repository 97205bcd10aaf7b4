/**
 * Not a model: gives back what was marked, without computing anything. Only the bench uses it, to measure what everything
 * around the model costs; its masks stand where they were drawn, whatever the picture shows.
 */
import type { ModelOutputs } from '../tracking/model.js';
import type { ChooseProvider } from '../onnx/choose-provider.js';
import type { ModelRunner } from '../onnx/session.js';

const inside = 8;

export const chooseNoop: ChooseProvider = ({ folder }) => {
  const {
    inputSize,
    logitsSize,
    planes: planeOf,
    slots,
    keyLength,
    valueLength,
    embeddingLength,
  } = folder.tracker;
  const pixels = logitsSize.width * logitsSize.height;
  const key = new Float32Array(keyLength);
  const embedding = new Float32Array(embeddingLength);
  const outputs = (logits: Float32Array, value: Float32Array, objects: number): ModelOutputs => ({
    logits,
    iou: new Float32Array(objects).fill(1),
    presence: new Float32Array(objects).fill(inside),
    key,
    value,
    embedding,
  });
  const runner: ModelRunner = {
    provider: 'cpu',
    standIn: 'no model (bench)',
    prompt: (_, planes) => {
      const area = inputSize.width * inputSize.height;
      const marked = (channel: 'positive' | 'box' | 'mask', index: number): boolean =>
        planes[planeOf[channel] * area + index] !== 0;
      const logits = new Float32Array(pixels);
      for (let index = 0; index < pixels; index++) {
        const x = Math.floor((((index % logitsSize.width) + 0.5) * inputSize.width) / logitsSize.width);
        const y = Math.floor(
          ((Math.floor(index / logitsSize.width) + 0.5) * inputSize.height) / logitsSize.height,
        );
        const source = y * inputSize.width + x;
        const on = marked('positive', source) || marked('box', source) || marked('mask', source);
        logits[index] = on ? inside : -inside;
      }
      // The memory carries the mask to the next frames.
      const value = new Float32Array(valueLength);
      value.set(logits.subarray(0, valueLength));
      return Promise.resolve(outputs(logits, value, 1));
    },
    track: (_, bank) => {
      const logits = new Float32Array(bank.objects * pixels);
      const value = new Float32Array(bank.objects * valueLength);
      for (let object = 0; object < bank.objects; object++) {
        const start = object * slots * valueLength;
        const memory = bank.value.subarray(start, start + valueLength);
        logits.set(memory.subarray(0, pixels), object * pixels);
        value.set(memory, object * valueLength);
      }
      return Promise.resolve(outputs(logits, value, bank.objects));
    },
    run: () => Promise.reject(new Error('there is no graph to run')),
    close: () => Promise.resolve(),
  };
  return Promise.resolve({ runner, rejected: {} });
};
