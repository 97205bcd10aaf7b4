/** model.json: read once, checked completely, then frozen values. Node only. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { policyNames } from '../tracking/policies/memory-policy.js';
import { promptChannels, type TrackerModel } from '../tracking/model.js';
import { inferenceError } from './errors.js';

/** Newest `schemaVersion` that this program reads. */
export const knownSchemaVersion = 1;

/** The one symbolic axis: number of objects in a call, 1 … objects.max. */
export const objectsAxis = 'objects';

const count = z.int().positive();
/** A file beside model.json or below: nothing that leaves the folder. */
const fileName = z
  .string()
  .regex(/^(?!.*(^|[/\\])\.\.([/\\]|$))[^/\\\0][^\\\0]*$/, 'must be the name of a file in the model folder');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const dtype = z.enum(['uint8', 'float32']);
const tensor = z.object({
  name: z.string().min(1),
  dtype,
  shape: z.array(z.union([count, z.literal(objectsAxis)])),
});
const graph = z.object({
  file: fileName,
  sha256,
  bytes: count,
  inputs: z.array(tensor).min(1),
  outputs: z.array(tensor).min(1),
});
const ascending = (values: readonly number[]): boolean =>
  values.every((value, index) => index === 0 || value >= (values[index - 1] as number));
const share = z.number().min(0).max(1);

const manifestSchema = z.object({
  schemaVersion: count,
  name: z.string().min(1),
  version: z.string().min(1),
  kind: z.literal('tracker'),
  input: z.object({
    width: count.max(8192),
    height: count.max(8192),
    dtype: z.literal('uint8'),
    layout: z.literal('NHWC'),
    color: z.literal('RGB'),
    fit: z.literal('stretch'),
  }),
  graphs: z.object({ prompt: graph, track: graph }),
  mask: z.object({ width: count, height: count }),
  memory: z.object({
    slots: count.max(64),
    keyShape: z.tuple([count, count]),
    valueShape: z.tuple([count, count]),
    embeddingSize: count,
  }),
  promptChannels: z
    .array(z.enum(promptChannels))
    .length(promptChannels.length)
    .refine((names) => new Set(names).size === names.length, 'names a channel twice'),
  clickRadius: z.number().positive(),
  scribbleWidth: z.number().positive(),
  objects: z.object({ max: count.max(64) }),
  policy: z.object({ default: z.enum(policyNames), minConfidence: share, every: count }),
  calibration: z.object({
    confidence: z
      .object({ kind: z.literal('isotonic'), x: z.array(share).min(1), y: z.array(share).min(1) })
      .refine(({ x, y }) => x.length === y.length, 'x and y have different lengths')
      .refine(({ x, y }) => ascending(x) && ascending(y), 'x and y must ascend'),
    presence: z.object({
      kind: z.literal('temperature'),
      temperature: z.number().positive(),
      bias: z.number(),
    }),
  }),
  golden: z.object({
    file: fileName,
    tolerance: z.object({ logits: z.number().positive(), iou: z.number().positive() }),
  }),
  licence: z.string().min(1),
  origin: z.string().min(1),
});

type Manifest = z.infer<typeof manifestSchema>;
export type GraphName = keyof Manifest['graphs'];
export type TensorDescription = z.infer<typeof tensor>;
export const graphNames = ['prompt', 'track'] as const satisfies readonly GraphName[];

/** A model folder whose description is valid; its graphs have not been opened yet. */
export interface ModelFolder {
  readonly directory: string;
  readonly manifest: Manifest;
  /** Hash of model.json, which holds the hashes of the graphs: it stands for the whole model. */
  readonly sha256: string;
  readonly tracker: TrackerModel;
}

/**
 * Throws SONO_MODEL_MISSING, SONO_MODEL_MANIFEST (with the field), SONO_MODEL_NEWER, SONO_MODEL_KIND. Keys that this
 * version does not know are allowed.
 */
export async function readModelFolder(directory: string): Promise<ModelFolder> {
  const path = basename(directory) || directory;
  const bytes = await readModelFile(directory, 'model.json');
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    const problem = 'it is not JSON, perhaps only a part of the file';
    throw inferenceError('SONO_MODEL_MANIFEST', { path, field: 'model.json', problem }, cause);
  }
  const head = z.object({ schemaVersion: count, kind: z.string() }).safeParse(json);
  if (head.success && head.data.schemaVersion > knownSchemaVersion)
    throw inferenceError('SONO_MODEL_NEWER', {
      path,
      version: head.data.schemaVersion,
      known: knownSchemaVersion,
    });
  if (head.success && head.data.kind !== 'tracker')
    throw inferenceError('SONO_MODEL_KIND', { path, kind: head.data.kind });
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = (issue?.path ?? []).map(String);
    const problem = `${issue?.message ?? 'unknown'}${didYouMean(json, keys)}`;
    throw inferenceError(
      'SONO_MODEL_MANIFEST',
      { path, field: keys.join('.') || 'model.json', problem },
      parsed.error,
    );
  }
  const manifest = parsed.data;
  checkDeclaredTensors(path, manifest);
  return {
    directory,
    manifest,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    tracker: trackerModel(manifest),
  };
}

/** Throws SONO_MODEL_MISSING. */
export async function readModelFile(directory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, file));
  } catch (cause) {
    throw inferenceError('SONO_MODEL_MISSING', { path: basename(directory) || directory, file }, cause);
  }
}

/** Where a key is missing and a similar one stands beside its place: a hint. */
function didYouMean(json: unknown, keys: readonly string[]): string {
  const missing = keys.at(-1);
  let parent: unknown = json;
  for (const key of keys.slice(0, -1))
    parent = typeof parent === 'object' && parent !== null ? (parent as Record<string, unknown>)[key] : null;
  if (missing === undefined || typeof parent !== 'object' || parent === null || missing in parent) return '';
  const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');
  const similar = Object.keys(parent).find((key) => {
    const [a, b] = [plain(key), plain(missing)];
    return a.length > 2 && (a.includes(b) || b.includes(a));
  });
  return similar === undefined ? '' : ` (there is "${similar}": was "${missing}" meant?)`;
}

/** The tensors of each graph as they follow from the sizes of the manifest: the contract of kind `tracker`. */
export function contractTensors(
  manifest: Manifest,
  name: GraphName,
): { readonly inputs: readonly TensorDescription[]; readonly outputs: readonly TensorDescription[] } {
  const { input, mask, memory } = manifest;
  const float = (name: string, ...shape: TensorDescription['shape']): TensorDescription => ({
    name,
    dtype: 'float32',
    shape,
  });
  const pixels = (name: string, ...shape: TensorDescription['shape']): TensorDescription => ({
    name,
    dtype: 'uint8',
    shape,
  });
  const frame = pixels('frame', 1, input.height, input.width, 3);
  const inputs =
    name === 'prompt'
      ? [
          frame,
          pixels('prompt', objectsAxis, promptChannels.length, input.height, input.width),
          float('mask_given', objectsAxis),
        ]
      : [
          frame,
          float('memory_key', objectsAxis, memory.slots, ...memory.keyShape),
          float('memory_value', objectsAxis, memory.slots, ...memory.valueShape),
          float('memory_score', objectsAxis, memory.slots),
          float('memory_valid', objectsAxis, memory.slots),
        ];
  const outputs = [
    float('logits', objectsAxis, mask.height, mask.width),
    float('iou', objectsAxis),
    float('presence', objectsAxis),
    float('key', ...memory.keyShape),
    float('value', objectsAxis, ...memory.valueShape),
    float('embedding', memory.embeddingSize),
  ];
  return { inputs, outputs };
}

export const tensorWords = ({ dtype, shape }: Omit<TensorDescription, 'name'>): string =>
  `${dtype}[${shape.join(', ')}]`;

/** The declared tensors must be the contract's: a manifest that disagrees with itself is refused before any graph is opened. */
function checkDeclaredTensors(path: string, manifest: Manifest): void {
  for (const name of graphNames)
    for (const side of ['inputs', 'outputs'] as const) {
      const declared = manifest.graphs[name][side];
      for (const wanted of contractTensors(manifest, name)[side]) {
        const found = declared.find((tensor) => tensor.name === wanted.name);
        if (found !== undefined && tensorWords(found) === tensorWords(wanted)) continue;
        const problem =
          found === undefined
            ? `"${wanted.name}" is missing`
            : `"${wanted.name}" is ${tensorWords(found)} but the sizes above make it ${tensorWords(wanted)}`;
        throw inferenceError('SONO_MODEL_MANIFEST', { path, field: `graphs.${name}.${side}`, problem });
      }
    }
}

function trackerModel(manifest: Manifest): TrackerModel {
  const { input, mask, memory, policy, calibration } = manifest;
  const product = ([rows, columns]: readonly [number, number]): number => rows * columns;
  const plane = (channel: (typeof promptChannels)[number]): number =>
    manifest.promptChannels.indexOf(channel);
  return {
    inputSize: { width: input.width, height: input.height },
    logitsSize: { width: mask.width, height: mask.height },
    slots: memory.slots,
    keyLength: product(memory.keyShape),
    valueLength: product(memory.valueShape),
    embeddingLength: memory.embeddingSize,
    planes: {
      positive: plane('positive'),
      negative: plane('negative'),
      box: plane('box'),
      mask: plane('mask'),
    },
    clickRadius: manifest.clickRadius,
    scribbleWidth: manifest.scribbleWidth,
    maxObjects: manifest.objects.max,
    policy: { name: policy.default, minConfidence: policy.minConfidence, every: policy.every },
    calibration: {
      confidence: { x: calibration.confidence.x, y: calibration.confidence.y },
      presence: {
        temperature: calibration.presence.temperature,
        bias: calibration.presence.bias,
      },
    },
  };
}
