/** Engine snapshots: the tracker's state as JSON (typed arrays as base64, each once) and back, checked. */
import { z } from 'zod';
import type { TrackerModel } from '../tracking/model.js';
import type { TrackerSnapshot } from '../tracking/tracker.js';
import { policyNames } from '../tracking/policies/memory-policy.js';
import { inferenceError } from '../onnx/errors.js';
import { markSchema } from '../protocol/prompt-schema.js';

/** Names of the array types that a tracker's state holds. */
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
export function encodeSnapshot(snapshot: TrackerSnapshot, modelSha256: string): EncodedSnapshot {
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

/** Throws SONO_SNAPSHOT_INVALID where it is no snapshot, or one of another model. */
export function decodeSnapshot(json: unknown, model: TrackerModel, modelSha256: string): TrackerSnapshot {
  const refuse = (problem: string, cause?: unknown): never => {
    throw inferenceError('SONO_SNAPSHOT_INVALID', { problem }, cause);
  };
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
  const parsed = snapshotSchema(model).safeParse(revive(encoded.data.state));
  if (parsed.success) return parsed.data satisfies TrackerSnapshot;
  const [issue] = parsed.error.issues;
  return refuse(`"${(issue?.path ?? []).map(String).join('.')}" ${issue?.message ?? ''}`, parsed.error);
}

function snapshotSchema(model: TrackerModel) {
  const ns = z.number();
  const id = z.int().positive();
  const floats = (length: number) =>
    z.instanceof(Float32Array).refine((array) => array.length === length, `must have ${length} values`);
  const size = z.object({ width: z.int().positive(), height: z.int().positive() });
  const mask = size
    .extend({ counts: z.instanceof(Uint32Array) })
    .refine(
      ({ width, height, counts }) => counts.reduce((sum, count) => sum + count, 0) === width * height,
      'must cover the picture',
    );
  const prompt = markSchema({ mask }, {});
  const entry = {
    ptsNs: ns,
    score: z.number(),
    key: floats(model.keyLength),
    value: floats(model.valueLength),
    embedding: floats(model.embeddingLength),
  };
  const bank = z.object({
    prompts: z.array(z.object({ kind: z.literal('prompt'), ...entry, prompts: z.array(prompt) })),
    recent: z.array(z.object({ kind: z.literal('recent'), ...entry })),
  });
  const state = z.enum(['searching', 'tracking', 'uncertain', 'lost']);
  const object = z.object({
    id,
    label: z.string(),
    bank,
    life: z.object({
      state,
      sinceNs: ns,
      wellSinceNs: ns.nullable(),
      doubtfulSinceNs: ns.nullable(),
      absentSinceNs: ns.nullable(),
    }),
  });
  return z.object({
    version: z.literal(1),
    policy: z.enum(policyNames),
    nextId: id,
    pass: z.int().nullable(),
    sourceSize: size,
    objects: z.array(object).max(model.maxObjects),
    undo: z.array(
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('prompt'), objectId: id, before: object.nullable() }),
        z.object({ kind: z.literal('remove'), objectId: id, before: object }),
        z.object({ kind: z.literal('rename'), objectId: id, label: z.string() }),
      ]),
    ),
    seen: z.array(
      z.object({
        ptsNs: ns,
        objects: z.array(
          z.object({
            id,
            label: z.string(),
            state,
            score: z.number(),
            confidence: z.number(),
            mask,
            box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
            areaPx: z.number(),
          }),
        ),
      }),
    ),
  });
}
