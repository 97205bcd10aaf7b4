/** A whole evaluation: every clip of a data set, for every policy (or baseline) asked for. */
import sharp from 'sharp';
import type { EngineInfo } from '../engine/engine.js';
import type { ProviderName } from '../onnx/provider.js';
import { createWorkerEngine } from '../engine/worker-engine.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { PictureSize } from '../vocabulary/frame.js';
import { openDataset } from './datasets/index.js';
import { voidLabel16, type Dataset, type DatasetKind, type DatasetOptions } from './datasets/dataset.js';
import { chosenClips, isOfClip } from './datasets/chosen.js';
import { evaluateError } from './errors.js';
import { FlowPredictor } from './flow-baseline.js';
import { Calibration } from './metrics/calibration.js';
import { CopyPredictor, EnginePredictor, FolderPredictor, type Predictor } from './predictor.js';
import { parsePromptStyle } from './prompting.js';
import type { RunResult, Unscored } from './result.js';
import { runClip } from './run-clip.js';
import { runResult, type EvaluatedClip } from './run-result.js';
import { WorstFrames } from './worst-frames.js';

export interface EvaluateOptions {
  readonly kind: DatasetKind;
  readonly root: string;
  readonly dataset: DatasetOptions;
  /** mask | box | click | clicks:N | rounds:N */
  readonly prompt: string;
  readonly model: {
    readonly dir: string;
    readonly provider: ProviderName | 'auto';
    readonly threads: number;
  };
  /** Memory policies to compare; empty: the model's own. */
  readonly policies: readonly string[];
  readonly baseline: 'copy' | 'flow' | null;
  /** Folder of masks that another program made, instead of the engine. */
  readonly predictions: string | null;
  /** Names or numbers of labels to follow; empty: all. */
  readonly labels: readonly string[];
  /** Clips to run, by name; empty: all. */
  readonly clips: readonly string[];
  readonly framesPerSecond: number | null;
  /** NSD: mm where calibrated, else px. */
  readonly tolerance: number;
  readonly flicker: boolean;
  readonly seed: number;
  readonly onProgress: (progress: Progress) => void;
}

export interface Progress {
  readonly policy: string | null;
  readonly clip: string;
  readonly clipIndex: number;
  readonly clipCount: number;
  readonly frame: number;
  readonly frameCount: number;
}

interface Evaluated {
  readonly results: readonly RunResult[];
  /** Of the first result. */
  readonly worst: WorstFrames;
  readonly engine: EngineInfo | null;
}

/** Size of the pictures for what does not ask for one (baselines): DAVIS' shape at the default model's cost. */
const baselineSize: PictureSize = { width: 448, height: 256 };

export async function evaluate(options: EvaluateOptions): Promise<Evaluated> {
  // Several pictures are decoded at once already, and the cores belong to the network.
  sharp.concurrency(1);
  const style = parsePromptStyle(options.prompt);
  const dataset = openDataset(options.kind, options.root, options.dataset);
  const clips = chosenClips(dataset, options.clips);
  const labels = chosenLabels(dataset, options.labels);
  const results: RunResult[] = [];
  const worst = new WorstFrames();
  let engine: EngineInfo | null = null;
  const policies: readonly (string | null)[] = options.policies.length > 0 ? options.policies : [null];
  /** Clips that cannot be scored, by name: the same for every policy. */
  const broken = new Map<string, SonoError>();
  for (const [index, policy] of policies.entries()) {
    const predictor = await createPredictor(options, policy, (info) => (engine ??= info));
    try {
      const pixelCalibration = new Calibration(50);
      const done: EvaluatedClip[] = [];
      for (const [clipIndex, handle] of clips.entries()) {
        if (broken.has(handle.name)) continue;
        // What a clip gives is taken over when all of it could be read: half a clip is in no figure.
        const calibration = new Calibration(50);
        const candidates = new WorstFrames(index === 0 ? worst.count : 0);
        try {
          const clip = await handle.open();
          done.push(
            await runClip(clip, predictor, {
              style,
              labels,
              framesPerSecond: options.framesPerSecond,
              tolerance: options.tolerance,
              flicker: options.flicker,
              pixelCalibration: calibration,
              worst: candidates,
              onFrame: (frame) =>
                options.onProgress({
                  policy,
                  clip: clip.name,
                  clipIndex,
                  clipCount: clips.length,
                  frame,
                  frameCount: clip.frameCount,
                }),
            }),
          );
        } catch (error) {
          if (!isOfClip(error)) throw error;
          broken.set(handle.name, error);
          continue;
        }
        pixelCalibration.merge(calibration);
        worst.merge(candidates);
      }
      const result = runResult(done, {
        policy,
        predictor: predictor.name,
        classes:
          dataset.labels === null
            ? null
            : [...dataset.labels.keys()].filter((key) => labels?.has(key) ?? true),
        rule: { skipFirstAndLastFrame: dataset.skipLastFrame },
        pixelCalibration,
        seed: options.seed,
        broken: [...broken].map(([clip, { code, message }]): Unscored => ({
          clip,
          object: null,
          code,
          reason: message,
        })),
      });
      if (result === null)
        throw (
          [...broken.values()][0] ?? evaluateError('SONO_DATASET_NO_OBJECT', { clip: clips[0]?.name ?? '' })
        );
      results.push(result);
    } finally {
      await predictor.close();
    }
  }
  return { results, worst, engine };
}

async function createPredictor(
  options: EvaluateOptions,
  policy: string | null,
  onEngine: (info: EngineInfo) => void,
): Promise<Predictor> {
  if (options.predictions !== null) return new FolderPredictor(options.predictions, baselineSize);
  if (options.baseline === 'copy') return new CopyPredictor(baselineSize);
  if (options.baseline === 'flow') return new FlowPredictor(baselineSize);
  const engine = await createWorkerEngine({
    modelDir: options.model.dir,
    provider: options.model.provider,
    policy,
    threads: options.model.threads,
    sourceSize: baselineSize,
    keepLogits: true,
  });
  onEngine(engine.info);
  return new EnginePredictor(engine);
}

/** Names (where the data set has names) and numbers → labels; null: all. */
function chosenLabels(dataset: Dataset, wanted: readonly string[]): ReadonlySet<number> | null {
  if (wanted.length === 0) return null;
  const byName = new Map([...(dataset.labels ?? [])].map(([value, name]) => [name.toLowerCase(), value]));
  return new Set(
    wanted.map((text) => {
      const label = byName.get(text.toLowerCase()) ?? (/^\d+$/.test(text) ? Number(text) : NaN);
      if (!(label >= 1 && label < voidLabel16))
        throw evaluateError('SONO_DATASET_LABEL_NAME', {
          label: text,
          known: dataset.labels ? [...dataset.labels.values()].join(', ') : 'numbers from 1 to 65534',
        });
      return label;
    }),
  );
}
