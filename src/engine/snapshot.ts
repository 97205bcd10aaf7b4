/**
 * Engine snapshots: the state of a stream as JSON (typed arrays as base64, each once) and back. A tracker's is checked against its
 * own description (`src/tracking/state.ts`) and the policy's description of what it keeps, a segmenter's against its model. Any thread.
 */
import { z } from 'zod';
import type { TrackerModel } from '../tracking/model.js';
import { policies } from '../tracking/policies/registry.js';
import type { Leaf, Shape } from '../tracking/shape.js';
import { snapshotShape, type TrackerSnapshot } from '../tracking/state.js';
import type { SemanticModel } from '../semantic/model.js';
import type { SegmenterSnapshot } from '../semantic/segmenter.js';
import { brightnessLength } from '../semantic/temporal-filter.js';
import { inferenceError } from '../onnx/errors.js';
import { storedMarkSchema } from '../protocol/prompt-schema.js';

/** Names of the array types that a state holds. */
const arrayTypes = { f32: Float32Array, u32: Uint32Array } as const;
type ArrayType = keyof typeof arrayTypes;

interface EncodedSnapshot {
  readonly format: 'sonoscope-engine-snapshot';
  readonly version: 1;
  readonly modelSha256: string;
  readonly arrays: readonly { readonly type: ArrayType; readonly base64: string }[];
  /** The state, with `{ array: index }` in place of each typed array. */
  readonly state: unknown;
}

/** JSON value; arrays are little-endian. */
export function encodeSnapshot(
  snapshot: TrackerSnapshot | SegmenterSnapshot,
  modelSha256: string,
): EncodedSnapshot {
  const indices = new Map<Float32Array | Uint32Array, number>();
  const arrays: { type: ArrayType; base64: string }[] = [];
  const plain = (value: unknown): unknown => {
    if (value instanceof Float32Array || value instanceof Uint32Array) {
      let index = indices.get(value);
      if (index === undefined) {
        index = arrays.length;
        indices.set(value, index);
        arrays.push({
          type: value instanceof Float32Array ? 'f32' : 'u32',
          base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
        });
      }
      return { array: index };
    }
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
    return value;
  };
  return {
    format: 'sonoscope-engine-snapshot',
    version: 1,
    modelSha256,
    state: plain(snapshot),
    arrays,
  };
}

const encodedSchema = z.object({
  format: z.literal('sonoscope-engine-snapshot'),
  version: z.literal(1),
  modelSha256: z.string(),
  arrays: z.array(z.object({ type: z.enum(['f32', 'u32']), base64: z.string() })),
  state: z.unknown(),
});

function refuse(problem: string, cause?: unknown): never {
  throw inferenceError('SONO_SNAPSHOT_INVALID', { problem }, cause);
}

/** Throws SONO_SNAPSHOT_INVALID where it is no snapshot, or one of another model. */
export function decodeSnapshot(json: unknown, model: TrackerModel, modelSha256: string): TrackerSnapshot {
  const state = storedState(json, modelSha256);
  const policy = policies.find(
    ({ name }) => name === z.object({ policy: z.string() }).safeParse(state).data?.policy,
  );
  // The type and the check follow from the same description.
  return checked(snapshotSchema(model, policy?.state ?? 'nothing'), state) as TrackerSnapshot;
}

/** One value that is no number would stay in the blend for ever. */
const finite = (length: number) =>
  floats(length).refine((array) => array.every(Number.isFinite), 'holds what is no finite number');

/** The same for a model that finds its structures by itself. */
export function decodeSegmenterSnapshot(
  json: unknown,
  { classes, logitsSize, pictureSize, temporal, closer }: SemanticModel,
  modelSha256: string,
): SegmenterSnapshot {
  const logits = classes.length * logitsSize.width * logitsSize.height;
  const remembered = z.object({
    ptsNs: z.number(),
    discontinuity: z.int(),
    logits: finite(logits),
    brightness: finite(brightnessLength(pictureSize)),
    look: region,
  });
  const schema = z.object({
    version: z.literal(1),
    kind: z.literal('semantic'),
    sourceSize: size,
    temporal: temporal === null ? z.null() : remembered.nullable(),
    closer: closer === null ? z.null() : z.object({ look: region, discontinuity: z.int() }).nullable(),
    // Those of before have none.
    checks: z
      .object({
        ...{ turned: z.boolean(), several: z.boolean(), turnDoubts: z.int(), severalDoubts: z.int() },
        ...{ checkedNs: z.number().nullable(), discontinuity: z.int(), missed: z.int() },
      })
      .nullable()
      .default(null),
  });
  return checked(schema, storedState(json, modelSha256));
}

function checked<State>(schema: z.ZodType<State>, state: unknown): State {
  const parsed = schema.safeParse(state);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(`"${(issue?.path ?? []).map(String).join('.')}" ${issue?.message ?? ''}`, parsed.error);
}

/** The state with its typed arrays, not checked any further. */
function storedState(json: unknown, modelSha256: string): unknown {
  const encoded = encodedSchema.safeParse(json);
  if (!encoded.success) return refuse('it is not a stored state', encoded.error);
  if (encoded.data.modelSha256 !== modelSha256) return refuse('it was made with another model');
  const arrays = encoded.data.arrays.map(({ type, base64 }) => {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
    if (bytes.length % 4 !== 0) refuse('it is incomplete');
    return new arrayTypes[type](bytes.buffer);
  });
  const revive = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(revive);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (entries.length === 1 && only?.[0] === 'array')
      return arrays[only[1] as number] ?? refuse('it is incomplete');
    return Object.fromEntries(entries.map(([key, inner]) => [key, revive(inner)]));
  };
  return revive(encoded.data.state);
}

const floats = (length: number) =>
  z.instanceof(Float32Array).refine((array) => array.length === length, `must have ${length} values`);

const size = z.object({ width: z.int().positive(), height: z.int().positive() });
const region = z.object({
  left: z.number(),
  top: z.number(),
  width: z.number().positive(),
  height: z.number().positive(),
});
const mask = size
  .extend({ counts: z.instanceof(Uint32Array) })
  .refine(
    ({ width, height, counts }) => counts.reduce((sum, count) => sum + count, 0) === width * height,
    'must cover the picture',
  );
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const prompt = storedMarkSchema({ mask });

/** The check that follows from the tracker's description of its state; `own` describes what the policy keeps. */
function snapshotSchema(model: TrackerModel, own: Shape): z.ZodType {
  const leaves: Readonly<Record<Exclude<Leaf, 'own'>, z.ZodType>> = {
    number: z.number(),
    whole: z.int(),
    positive: z.int().positive(),
    text: z.string(),
    flag: z.boolean(),
    nothing: z.undefined(),
    mask,
    box,
    prompt,
    key: floats(model.keyLength),
    value: floats(model.valueLength),
    embedding: floats(model.embeddingLength),
    floats: z.instanceof(Float32Array),
  };
  /** `exact`: one of several descriptions, of which the shorter ones must not swallow what the longer ones refuse. */
  const of = (shape: Shape, exact = false): z.ZodType => {
    if (shape === 'own') return of(own).optional();
    if (typeof shape === 'string') return leaves[shape];
    if ('oneOf' in shape) return z.literal(shape.oneOf);
    if ('nullable' in shape) return of(shape.nullable).nullable();
    if ('anyOf' in shape) {
      const one = z.union(shape.anyOf.map((inner) => of(inner, true)));
      return shape.anyOf.includes('nothing') ? one.optional() : one;
    }
    if ('list' in shape)
      return z.array(of(shape.list)).max(shape.atMost === undefined ? Infinity : model[shape.atMost]);
    const fields = Object.fromEntries(Object.entries(shape.fields).map(([key, inner]) => [key, of(inner)]));
    return exact ? z.strictObject(fields) : z.object(fields);
  };
  return of(snapshotShape);
}
