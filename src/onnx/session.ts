/**
 * The two graphs of a model folder in ONNX Runtime. Runs in whatever thread makes it; `run` blocks that thread, so live
 * use keeps it in the inference worker.
 *
 * ONNX Runtime facts this relies on: inputs are used in place (no copy), arrays over a SharedArrayBuffer are refused,
 * each run gives fresh output arrays (transferable), sessions leak when made again and again (so: once per thread).
 */
import { createHash } from 'node:crypto';
import * as ort from 'onnxruntime-node';
import type { BankInputs } from '../tracking/bank-tensors.js';
import type { ModelOutputs } from '../tracking/model.js';
import { inferenceError } from './errors.js';
import {
  contractTensors,
  graphNames,
  objectsAxis,
  readModelFile,
  tensorWords,
  type GraphName,
  type ModelFolder,
  type TensorDescription,
} from './manifest.js';
import type { ProviderName } from './provider.js';

/** Reads a frame and gives masks; what the engine needs of a provider. */
export interface ModelRunner {
  readonly provider: ProviderName;
  /** Only where the runner is something else than the model, so that no report mistakes it for the model. */
  readonly standIn?: string;
  /** `frame` uint8 [1,H,W,3], `planes` uint8 [1,4,H,W]; one object. */
  prompt(frame: Uint8Array, planes: Uint8Array, maskGiven: boolean): Promise<ModelOutputs>;
  /** All objects of `bank` at once. */
  track(frame: Uint8Array, bank: BankInputs): Promise<ModelOutputs>;
  /** Any feeds by name, for golden cases; shapes as in the manifest with N = `objects`. */
  run(graph: GraphName, feeds: Feeds, objects: number): Promise<ModelOutputs>;
  close(): Promise<void>;
}

export type Feeds = Readonly<Record<string, Uint8Array | Float32Array>>;

/** The graphs' bytes, checked against the manifest. */
export type GraphBytes = Readonly<Record<GraphName, Uint8Array>>;

/** Throws SONO_MODEL_MISSING, SONO_MODEL_TRUNCATED, SONO_MODEL_HASH. */
export async function readGraphs({ directory, manifest }: ModelFolder): Promise<GraphBytes> {
  const read = async (name: GraphName): Promise<Uint8Array> => {
    const { file, bytes: expected, sha256 } = manifest.graphs[name];
    const bytes = await readModelFile(directory, file);
    if (bytes.length !== expected)
      throw inferenceError('SONO_MODEL_TRUNCATED', { file, bytes: bytes.length, expected });
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw inferenceError('SONO_MODEL_HASH', { file });
    return bytes;
  };
  return { prompt: await read('prompt'), track: await read('track') };
}

export interface SessionOptions {
  readonly provider: ProviderName;
  /** Intra-op threads of the CPU provider. */
  readonly threads: number;
}

/**
 * Opens both graphs on one provider and compares their tensors with the manifest. Throws SONO_MODEL_SHAPE,
 * SONO_MODEL_BROKEN (CPU only: it takes every valid graph), or ONNX Runtime's own error where the provider cannot.
 */
export async function openRunner(
  folder: ModelFolder,
  graphs: GraphBytes,
  { provider, threads }: SessionOptions,
): Promise<ModelRunner> {
  const sessions: Partial<Record<GraphName, ort.InferenceSession>> = {};
  const release = async (): Promise<void> => {
    for (const session of Object.values(sessions)) await session.release();
  };
  try {
    for (const name of graphNames) {
      const { file } = folder.manifest.graphs[name];
      try {
        sessions[name] = await ort.InferenceSession.create(graphs[name], {
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
      } catch (cause) {
        if (provider === 'cpu') throw inferenceError('SONO_MODEL_BROKEN', { file }, cause);
        throw cause;
      }
      checkMetadata(folder, name, sessions[name]);
    }
  } catch (error) {
    await release();
    throw error;
  }
  const { prompt: promptSession, track: trackSession } = sessions as Record<GraphName, ort.InferenceSession>;

  const run = async (graph: GraphName, feeds: Feeds, objects: number): Promise<ModelOutputs> => {
    const session = graph === 'prompt' ? promptSession : trackSession;
    const { inputs, outputs } = contractTensors(folder.manifest, graph);
    const tensors: Record<string, ort.Tensor> = {};
    for (const { name, shape } of inputs) {
      const data = feeds[name];
      if (data === undefined) throw new TypeError(`the ${graph} graph lacks its input "${name}"`);
      const dims = shape.map((size) => (size === objectsAxis ? objects : size));
      tensors[name] =
        data instanceof Float32Array
          ? new ort.Tensor('float32', data, dims)
          : new ort.Tensor('uint8', plainBytes(data), dims);
    }
    const results = await session.run(tensors);
    const output = (name: string): Float32Array => {
      const data = results[name]?.data;
      if (!(data instanceof Float32Array)) throw new TypeError(`the ${graph} graph gave no "${name}"`);
      return data;
    };
    for (const { name, shape } of outputs) {
      const length = shape.reduce<number>(
        (product, size) => product * (size === objectsAxis ? objects : size),
        1,
      );
      if (output(name).length !== length)
        throw new TypeError(`output "${name}" has ${output(name).length} values, not ${length}`);
    }
    return {
      logits: output('logits'),
      iou: output('iou'),
      presence: output('presence'),
      key: output('key'),
      value: output('value'),
      embedding: output('embedding'),
    };
  };

  return {
    provider,
    run,
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
    close: release,
  };
}

/** ONNX Runtime takes Uint8Array only, not its subclass Buffer. */
const plainBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function checkMetadata(folder: ModelFolder, name: GraphName, session: ort.InferenceSession): void {
  const { file } = folder.manifest.graphs[name];
  const contract = contractTensors(folder.manifest, name);
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
