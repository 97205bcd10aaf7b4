/**
 * The model's own test: stored inputs and what the reference answered. A provider is used only if it agrees. The format
 * of the file is in docs/models.md; models/export/golden.py writes it.
 */
import { join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { inferenceError } from './errors.js';
import { objectsAxis } from './kinds/fields.js';
import { readModelFile, type ModelFolder, type ModelKind } from './manifest.js';
import type { Feeds, GraphRunner, Outputs } from './session.js';

const shape = z.array(z.int().positive());
const stored = z.object({ file: z.string(), dtype: z.enum(['uint8', 'float32']), shape });
const inputSchema = z.union([
  stored.extend({ encoding: z.literal('png').optional() }),
  z.object({ value: z.array(z.number()), dtype: z.enum(['uint8', 'float32']), shape }),
  z.object({
    from: z.enum(['prompt.key', 'prompt.value']),
    slot: z.int().min(0),
    dtype: z.literal('float32'),
    shape,
  }),
]);
const goldenSchema = z.object({
  cases: z
    .array(
      z.object({
        graph: z.string(),
        inputs: z.record(z.string(), inputSchema),
        outputs: z.record(z.string(), stored),
      }),
    )
    .min(1),
});

/** An input that another case's output goes into. */
interface Link {
  readonly output: 'key' | 'value';
  readonly slot: number;
  readonly length: number;
}

interface GoldenCase {
  readonly graph: string;
  readonly objects: number;
  readonly inputs: Readonly<Record<string, Uint8Array | Float32Array | Link>>;
  readonly outputs: Outputs;
}

export interface Golden {
  readonly cases: readonly GoldenCase[];
  /** By output; only these are compared. */
  readonly tolerance: Readonly<Record<string, number>>;
}

/** Throws SONO_MODEL_GOLDEN, SONO_MODEL_MISSING. */
export async function readGolden(folder: ModelFolder<ModelKind>): Promise<Golden> {
  const { directory, manifest } = folder;
  const { file } = manifest.golden;
  const tolerance: Golden['tolerance'] = manifest.golden.tolerance;
  const bytes = await readModelFile(directory, file);
  const refuse = (problem: string, cause?: unknown): never => {
    throw inferenceError('SONO_MODEL_GOLDEN', { path: manifest.name, problem }, cause);
  };
  let parsed: z.infer<typeof goldenSchema>;
  try {
    parsed = goldenSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    return refuse(`${file} is not valid`, cause);
  }
  const base = join(directory, file, '..');
  const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);
  const load = async (
    entry: z.infer<typeof stored> & { encoding?: 'png' | undefined },
  ): Promise<Uint8Array | Float32Array> => {
    // Names like those of the manifest: nothing outside the folder.
    if (/(^|[/\\])\.\.([/\\]|$)|^[/\\]/.test(entry.file)) refuse(`"${entry.file}" is outside the folder`);
    const raw = await readModelFile(base, entry.file);
    const data =
      entry.encoding === 'png'
        ? await decodePng(raw, entry.shape).catch((cause: unknown) =>
            refuse(`${entry.file} is no PNG`, cause),
          )
        : raw;
    const length = product(entry.shape) * (entry.dtype === 'float32' ? 4 : 1);
    if (data.byteLength !== length) refuse(`${entry.file} has ${data.byteLength} bytes, not ${length}`);
    // A copy, because the file's bytes need not begin at a multiple of four.
    const copy = Uint8Array.from(data);
    return entry.dtype === 'float32' ? new Float32Array(copy.buffer) : copy;
  };
  const cases: GoldenCase[] = [];
  for (const { graph, inputs, outputs } of parsed.cases) {
    const feeds: Record<string, Uint8Array | Float32Array | Link> = {};
    let objects = 1;
    const contract =
      folder.graphs.find(({ name }) => name === graph) ?? refuse(`there is no graph "${graph}"`);
    for (const { name, shape: wanted } of contract.inputs) {
      const entry = inputs[name] ?? refuse(`the ${graph} case lacks "${name}"`);
      objects = wanted[0] === objectsAxis ? (entry.shape[0] ?? 1) : objects;
      const expected = wanted.map((size) => (size === objectsAxis ? objects : size));
      if (expected.join() !== entry.shape.join()) refuse(`"${name}" has the wrong shape`);
      if ('from' in entry)
        feeds[name] = {
          output: entry.from === 'prompt.key' ? 'key' : 'value',
          slot: entry.slot,
          length: product(entry.shape),
        };
      else if ('value' in entry) {
        if (entry.value.length !== product(entry.shape)) refuse(`"${name}" has too few values`);
        feeds[name] =
          entry.dtype === 'float32' ? Float32Array.from(entry.value) : Uint8Array.from(entry.value);
      } else feeds[name] = await load(entry);
    }
    const expected: Record<string, Float32Array> = {};
    for (const name of Object.keys(tolerance)) {
      const data = await load(outputs[name] ?? refuse(`the ${graph} case lacks the output "${name}"`));
      expected[name] = data instanceof Float32Array ? data : refuse('outputs must be float32');
    }
    cases.push({ graph, objects, inputs: feeds, outputs: expected });
  }
  return { cases, tolerance };
}

async function decodePng(bytes: Buffer, shape: readonly number[]): Promise<Buffer> {
  const image = sharp(bytes);
  // RGB for [.., H, W, 3]; else one grey plane (planes stacked below each other).
  const plain = shape.at(-1) === 3 ? image.removeAlpha() : image.extractChannel(0);
  return plain.raw().toBuffer();
}

/** A case's inputs; what comes from the prompt case is taken from `prompted`, zeros where that is null. */
function feedsOf({ inputs }: GoldenCase, prompted: Outputs | null): Feeds {
  const feeds: Record<string, Uint8Array | Float32Array> = {};
  for (const [name, input] of Object.entries(inputs)) {
    if (input instanceof Uint8Array || input instanceof Float32Array) {
      feeds[name] = input;
      continue;
    }
    const filled = new Float32Array(input.length);
    const source = prompted?.[input.output];
    if (source) filled.set(source, input.slot * source.length);
    feeds[name] = filled;
  }
  return feeds;
}

/** What people call the outputs; others go by their own names. */
const outputWords: Readonly<Record<string, string>> = { logits: 'masks differ', iou: 'scores differ' };

/** Runs every case; null when all agree, else why not, in words. Errors of the provider itself are thrown. */
export async function compareGolden(runner: GraphRunner, golden: Golden): Promise<string | null> {
  let prompted: Outputs | null = null;
  for (const stored of golden.cases) {
    const { graph, objects, inputs } = stored;
    const linked = Object.values(inputs).some((input) => !ArrayBuffer.isView(input));
    if (linked && prompted === null) return 'its test needs a prompt case first';
    const outputs = await runner.run(graph, feedsOf(stored, prompted), objects);
    if (graph === 'prompt') prompted = outputs;
    for (const [name, expected] of Object.entries(stored.outputs)) {
      const off = largestDifference(outputs[name] ?? new Float32Array(), expected);
      const allowed = golden.tolerance[name] ?? 0;
      if (!(off <= allowed))
        return `its ${outputWords[name] ?? `"${name}" differs`} from the reference by ${off.toPrecision(2)} (allowed ${allowed})`;
    }
  }
  return null;
}

/** Milliseconds that the golden frame takes in the track graph, the best of `rounds`; null where there is no such case. */
export async function timeTracking(runner: GraphRunner, golden: Golden, rounds = 5): Promise<number | null> {
  const stored = golden.cases.find(({ graph }) => graph === 'track');
  if (stored === undefined) return null;
  const feeds = feedsOf(stored, null);
  let bestMs = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    await runner.run('track', feeds, stored.objects);
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  return bestMs;
}

/** NaN where either side has one or the lengths differ, so that the comparison fails. */
function largestDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return NaN;
  let largest = 0;
  for (let index = 0; index < actual.length; index++) {
    const difference = Math.abs((actual[index] as number) - (expected[index] as number));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
