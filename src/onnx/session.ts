/**
 * The graphs of a model folder in ONNX Runtime. Runs in whatever thread makes it; `run` blocks that thread, so live
 * use keeps it in the inference worker.
 *
 * ONNX Runtime facts this relies on: inputs are used in place (no copy), arrays over a SharedArrayBuffer are refused,
 * each run gives fresh output arrays (transferable), sessions leak when made again and again (so: once per thread).
 */
import { createHash } from 'node:crypto';
import * as ort from 'onnxruntime-node';
import { SonoError } from '../vocabulary/errors.js';
import type { BankInputs } from '../tracking/bank-tensors.js';
import type { ModelOutputs } from '../tracking/model.js';
import { inferenceError } from './errors.js';
import { objectsAxis, tensorWords, type TensorDescription } from './kinds/fields.js';
import { readModelFile, type GraphContract, type ModelFolder, type ModelKind } from './manifest.js';
import type { ProviderName } from './provider.js';

/** The graphs of any kind of model, open on one provider. */
export interface GraphRunner {
  readonly provider: ProviderName;
  /** Only where the runner is something else than the model, so that no report mistakes it for the model. */
  readonly standIn?: string;
  /** Feeds and outputs by name; shapes as in the manifest with N = `objects`. */
  run(graph: string, feeds: Feeds, objects: number): Promise<Outputs>;
  close(): Promise<void>;
}

/** Reads a frame and gives masks; what the engine needs of a provider. */
export interface ModelRunner extends GraphRunner {
  /** `frame` uint8 [1,H,W,3], `planes` uint8 [1,4,H,W]; one object. */
  prompt(frame: Uint8Array, planes: Uint8Array, maskGiven: boolean): Promise<ModelOutputs>;
  /** All objects of `bank` at once. */
  track(frame: Uint8Array, bank: BankInputs): Promise<ModelOutputs>;
}

export type Feeds = Readonly<Record<string, Uint8Array | Float32Array>>;
export type Outputs = Readonly<Record<string, Float32Array>>;

/** The graphs' bytes by name, checked against the manifest. */
export type GraphBytes = Readonly<Record<string, Uint8Array>>;

/** Throws SONO_MODEL_MISSING, SONO_MODEL_TRUNCATED, SONO_MODEL_HASH. */
export async function readGraphs({ directory, graphs }: ModelFolder<ModelKind>): Promise<GraphBytes> {
  const read: Record<string, Uint8Array> = {};
  for (const { name, file, bytes: expected, sha256 } of graphs) {
    const bytes = await readModelFile(directory, file);
    if (bytes.length !== expected)
      throw inferenceError('SONO_MODEL_TRUNCATED', { file, bytes: bytes.length, expected });
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw inferenceError('SONO_MODEL_HASH', { file });
    read[name] = bytes;
  }
  return read;
}

interface SessionOptions {
  readonly provider: ProviderName;
  /** Intra-op threads of the CPU provider. */
  readonly threads: number;
}

/**
 * Opens all graphs on one provider and compares their tensors with the manifest. Throws SONO_MODEL_SHAPE,
 * SONO_MODEL_BROKEN (CPU only: it takes every valid graph), or ONNX Runtime's own error where the provider cannot.
 */
export async function openGraphs(
  folder: ModelFolder<ModelKind>,
  bytes: GraphBytes,
  { provider, threads }: SessionOptions,
): Promise<GraphRunner> {
  const opened = new Map<
    string,
    { readonly contract: GraphContract; readonly session: ort.InferenceSession }
  >();
  const close = async (): Promise<void> => {
    for (const { session } of opened.values()) await session.release();
  };
  try {
    for (const contract of folder.graphs) {
      const { name, file } = contract;
      try {
        const session = await ort.InferenceSession.create(bytes[name] ?? new Uint8Array(), {
          executionProviders: [provider],
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
          logSeverityLevel: 4,
          extra: {
            session: {
              // Idle threads must not spin: GStreamer and JPEG encoding share the cores.
              intra_op: { allow_spinning: '0' },
              inter_op: { allow_spinning: '0' },
            },
          },
        });
        opened.set(name, { contract, session });
        checkMetadata(contract, session);
      } catch (cause) {
        if (provider === 'cpu' && !(cause instanceof SonoError))
          throw inferenceError('SONO_MODEL_BROKEN', { file }, cause);
        throw cause;
      }
    }
  } catch (error) {
    await close();
    throw error;
  }

  const run = async (graph: string, feeds: Feeds, objects: number): Promise<Outputs> => {
    const open = opened.get(graph);
    if (open === undefined) throw new TypeError(`there is no graph "${graph}"`);
    const { contract, session } = open;
    const tensors: Record<string, ort.Tensor> = {};
    for (const { name, shape } of contract.inputs) {
      const data = feeds[name];
      if (data === undefined) throw new TypeError(`the ${graph} graph lacks its input "${name}"`);
      const dims = shape.map((size) => (size === objectsAxis ? objects : size));
      tensors[name] =
        data instanceof Float32Array
          ? new ort.Tensor('float32', data, dims)
          : new ort.Tensor('uint8', plainBytes(data), dims);
    }
    const results = await session.run(tensors);
    const outputs: Record<string, Float32Array> = {};
    for (const { name, shape } of contract.outputs) {
      const data = results[name]?.data;
      if (!(data instanceof Float32Array)) throw new TypeError(`the ${graph} graph gave no "${name}"`);
      const length = shape.reduce<number>(
        (product, size) => product * (size === objectsAxis ? objects : size),
        1,
      );
      if (data.length !== length)
        throw new TypeError(`output "${name}" has ${data.length} values, not ${length}`);
      outputs[name] = data;
    }
    return outputs;
  };
  return { provider, run, close };
}

/** A tracker's graphs; throws as `openGraphs`. */
export async function openRunner(
  folder: ModelFolder,
  bytes: GraphBytes,
  options: SessionOptions,
): Promise<ModelRunner> {
  const runner = await openGraphs(folder, bytes, options);
  // Every output of the contract was there when the graph was opened.
  const run = (graph: 'prompt' | 'track', feeds: Feeds, objects: number): Promise<ModelOutputs> =>
    runner.run(graph, feeds, objects);
  return {
    ...runner,
    prompt: (frame, planes, maskGiven) =>
      run('prompt', { frame, prompt: planes, mask_given: Float32Array.of(maskGiven ? 1 : 0) }, 1),
    track: (frame, bank) =>
      run(
        'track',
        {
          frame,
          memory_key: bank.key,
          memory_value: bank.value,
          memory_score: bank.score,
          memory_valid: bank.valid,
        },
        bank.objects,
      ),
  };
}

/** ONNX Runtime takes Uint8Array only, not its subclass Buffer. */
const plainBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function checkMetadata(contract: GraphContract, session: ort.InferenceSession): void {
  const { file } = contract;
  const compare = (
    wanted: readonly TensorDescription[],
    actual: readonly ort.InferenceSession.ValueMetadata[],
    side: string,
  ): void => {
    for (const expected of wanted) {
      const found = actual.find((tensor) => tensor.name === expected.name);
      const described =
        found === undefined
          ? 'missing'
          : found.isTensor
            ? `${found.type}[${found.shape.join(', ')}]`
            : 'not a tensor';
      if (described !== tensorWords(expected))
        throw inferenceError('SONO_MODEL_SHAPE', {
          file,
          tensor: `${side} "${expected.name}"`,
          actual: described,
          expected: tensorWords(expected),
        });
    }
    const foreign = actual.find(
      ({ name }) => side === 'input' && !wanted.some((tensor) => tensor.name === name),
    );
    if (foreign !== undefined)
      throw inferenceError('SONO_MODEL_SHAPE', {
        file,
        tensor: `${side} "${foreign.name}"`,
        actual: 'there',
        expected: 'not there',
      });
  };
  compare(contract.inputs, session.inputMetadata, 'input');
  compare(contract.outputs, session.outputMetadata, 'output');
}
