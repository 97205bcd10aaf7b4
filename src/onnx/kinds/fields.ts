/** Parts of model.json that every kind of model has. Node and workers; no I/O. */
import { z } from 'zod';

export const count = z.int().positive();
export const share = z.number().min(0).max(1);

/** A file beside model.json or below: nothing that leaves the folder. */
const fileName = z
  .string()
  .regex(/^(?!.*(^|[/\\])\.\.([/\\]|$))[^/\\\0][^\\\0]*$/, 'must be the name of a file in the model folder');

/** The one symbolic axis: number of objects in a call, 1 … objects.max. */
export const objectsAxis = 'objects';

const tensor = z.object({
  name: z.string().min(1),
  dtype: z.enum(['uint8', 'float32']),
  shape: z.array(z.union([count, z.literal(objectsAxis)])),
});
export type TensorDescription = z.infer<typeof tensor>;

export const graph = z.object({
  file: fileName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  bytes: count,
  inputs: z.array(tensor).min(1),
  outputs: z.array(tensor).min(1),
});

/** Pictures go in as they are: stretched to this size, uint8; the graph itself normalises them (`mean`, `std` only say how). */
export const input = z.object({
  width: count.max(8192),
  height: count.max(8192),
  dtype: z.literal('uint8'),
  layout: z.literal('NHWC'),
  color: z.literal('RGB'),
  fit: z.literal('stretch'),
});

/** Size of the logits. */
export const maskSize = z.object({ width: count, height: count });

export const temperature = z.object({
  kind: z.literal('temperature'),
  temperature: z.number().positive(),
  bias: z.number(),
});

/** The stored test; `tolerance` names the outputs that are compared. */
export const golden = <Tolerance extends z.ZodType>(tolerance: Tolerance) =>
  z.object({ file: fileName, tolerance });

export const commonFields = {
  schemaVersion: count,
  name: z.string().min(1),
  version: z.string().min(1),
  input,
  licence: z.string().min(1),
  origin: z.string().min(1),
};

/** Inputs and outputs that a graph must have, as they follow from the sizes in model.json. */
export interface GraphTensors {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
}

export const floats = (name: string, ...shape: TensorDescription['shape']): TensorDescription => ({
  name,
  dtype: 'float32',
  shape,
});

export const pixels = (name: string, ...shape: TensorDescription['shape']): TensorDescription => ({
  name,
  dtype: 'uint8',
  shape,
});

export const tensorWords = ({ dtype, shape }: Omit<TensorDescription, 'name'>): string =>
  `${dtype}[${shape.join(', ')}]`;
