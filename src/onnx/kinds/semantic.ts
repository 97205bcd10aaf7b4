/**
 * Models that say what each pixel is (kind `semantic`): what model.json says of them, the tensors of their one graph, and what
 * its answer means. Pure.
 */
import { z } from 'zod';
import type { PictureSize } from '../../vocabulary/frame.js';
import { scaledLogits } from '../../mask/resize.js';
import {
  commonFields,
  floats,
  golden,
  graph,
  maskSize,
  pixels,
  temperature,
  type GraphTensors,
} from './fields.js';

const unique = (entries: readonly { readonly name: string }[]): boolean =>
  new Set(entries.map(({ name }) => name)).size === entries.length;

export const semanticManifest = z.object({
  ...commonFields,
  kind: z.literal('semantic'),
  graphs: z.object({ segment: graph }),
  mask: maskSize,
  /** In the order of the logits. Labels are one byte, and the last of its values means "none". */
  classes: z
    .array(
      z.object({
        name: z.string().min(1),
        color: z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #3a7bd5'),
      }),
    )
    .min(1)
    .max(255)
    .refine(unique, 'names a class twice'),
  /** `softmax`: each pixel is of one class; `sigmoid`: of any number of them. */
  activation: z.enum(['softmax', 'sigmoid']),
  /** Of the class logits, before the activation. */
  calibration: temperature,
  /** Numbers about the whole picture, each an output of the graph: a `probability` comes as a calibrated logit, a `value` as it is. */
  scalars: z
    .array(
      z.discriminatedUnion('as', [
        z.object({
          name: z.string().min(1),
          as: z.literal('probability'),
          calibration: temperature,
        }),
        z.object({ name: z.string().min(1), as: z.literal('value') }),
      ]),
    )
    .refine(unique, 'names a number twice')
    .refine((scalars) => scalars.every(({ name }) => name !== 'logits'), 'cannot be called "logits"')
    .default([]),
  golden: golden(z.object({ logits: z.number().positive() }).catchall(z.number().positive())),
});

export type SemanticManifest = z.infer<typeof semanticManifest>;

export type SemanticModel = Pick<SemanticManifest, 'classes' | 'activation' | 'calibration' | 'scalars'> & {
  readonly inputSize: PictureSize;
  readonly logitsSize: PictureSize;
};

export function semanticTensors({ input, mask, classes, scalars }: SemanticManifest): {
  readonly segment: GraphTensors;
} {
  return {
    segment: {
      inputs: [pixels('frame', 1, input.height, input.width, 3)],
      outputs: [
        floats('logits', classes.length, mask.height, mask.width),
        ...scalars.map(({ name }) => floats(name, 1)),
      ],
    },
  };
}

export const semanticModel = ({ input, mask, ...manifest }: SemanticManifest): SemanticModel => ({
  inputSize: { width: input.width, height: input.height },
  logitsSize: { width: mask.width, height: mask.height },
  classes: manifest.classes,
  activation: manifest.activation,
  calibration: manifest.calibration,
  scalars: manifest.scalars,
});

/** Label of a pixel that is of no class (`sigmoid` only). */
export const noClass = 255;

/** What a semantic model says of one picture. */
export interface SemanticResult {
  /** The model's input size. */
  readonly size: PictureSize;
  /** [H, W], the likeliest class of each pixel, or `noClass` where none is likelier than not. */
  readonly labels: Uint8Array;
  /** [H, W] calibrated probability of a class, 0..1. Throws RangeError for a class that does not exist. */
  probability(classIndex: number): Float32Array;
  /** By the names in model.json. */
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * Class logits are scaled bilinearly to the input size before anything else is made of them. Throws RangeError where an output
 * holds what is no finite number: labels made of it would look like those of a picture in which nothing was found.
 */
export function semanticResult(
  model: SemanticModel,
  outputs: Readonly<Record<string, Float32Array>>,
): SemanticResult {
  const { inputSize, logitsSize, classes, activation, calibration } = model;
  for (const [name, values] of Object.entries(outputs))
    if (!values.every(Number.isFinite)) throw new RangeError(`"${name}" holds what is no finite number`);
  const { logits = new Float32Array() } = outputs;
  const length = logitsSize.width * logitsSize.height;
  const calibrated = ({ temperature, bias }: typeof calibration, logit: number): number =>
    (logit + bias) / temperature;
  const planes = classes.map((_, index) =>
    scaledLogits(logits.subarray(index * length, (index + 1) * length), logitsSize, inputSize).map((logit) =>
      calibrated(calibration, logit),
    ),
  );
  const highest = new Float32Array(inputSize.width * inputSize.height).fill(-Infinity);
  const labels = new Uint8Array(highest.length).fill(noClass);
  planes.forEach((plane, index) => {
    plane.forEach((logit, pixel) => {
      if (!(logit > (highest[pixel] as number))) return;
      highest[pixel] = logit;
      if (activation === 'softmax' || logit > 0) labels[pixel] = index;
    });
  });
  return {
    size: inputSize,
    labels,
    probability: (classIndex) => {
      const plane = planes[classIndex];
      if (plane === undefined) throw new RangeError(`there is no class ${classIndex}`);
      if (activation === 'sigmoid') return plane.map((logit) => sigmoid(logit));
      return plane.map((logit, pixel) => {
        const top = highest[pixel] as number;
        const sum = planes.reduce((total, other) => total + Math.exp((other[pixel] as number) - top), 0);
        return Math.exp(logit - top) / sum;
      });
    },
    scalars: Object.fromEntries(
      model.scalars.map((scalar) => {
        const given = outputs[scalar.name]?.[0] ?? NaN;
        return [
          scalar.name,
          scalar.as === 'probability' ? sigmoid(calibrated(scalar.calibration, given)) : given,
        ];
      }),
    ),
  };
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
