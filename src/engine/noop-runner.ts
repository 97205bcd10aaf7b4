/**
 * Not a model: gives back what was marked, without computing anything. Only the bench uses it, to measure what everything
 * around the model costs; its masks stand where they were drawn, whatever the picture shows.
 */
import type { ModelOutputs } from '../tracking/model.js';
import type { ChooseProvider, ChooseSegmenter } from '../onnx/choose-provider.js';
import type { GraphRunner, ModelRunner } from '../onnx/session.js';

const inside = 8;
const name = 'no model (bench)';

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
    standIn: name,
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

/** The same for a model that finds its structures by itself: each class but the first has a square of its own, everything is sure. */
export const chooseNoopSegmenter: ChooseSegmenter = ({ folder }) => {
  const { logitsSize, classes, scalars } = folder.semantic;
  const { width, height } = logitsSize;
  const logits = new Float32Array(classes.length * width * height);
  const edge = Math.max(1, Math.floor(width / (2 * classes.length)));
  classes.forEach((_, index) => {
    for (let pixel = 0; pixel < width * height; pixel++) {
      const x = pixel % width;
      const y = Math.floor(pixel / width);
      const here = Math.floor(x / (2 * edge)) + 1;
      const square = y < edge && x % (2 * edge) < edge && here < classes.length ? here : 0;
      logits[index * width * height + pixel] = square === index ? inside : -inside;
    }
  });
  const sure = scalars.map(({ name }) => [name, Float32Array.of(inside)] as const);
  const outputs = { logits, ...Object.fromEntries(sure) };
  const runner: GraphRunner = {
    provider: 'cpu',
    standIn: name,
    run: () => Promise.resolve(outputs),
    close: () => Promise.resolve(),
  };
  return Promise.resolve({ runner, rejected: {} });
};
