/** `evaluate --task ef`: every clip of a data set of echocardiograms, whole, without a prompt. */
import sharp from 'sharp';
import { createWorkerEngine } from '../../engine/worker-engine.js';
import type { EngineInfo } from '../../engine/engine.js';
import type { ProviderName } from '../../onnx/provider.js';
import { chosenClips, isOfClip } from '../datasets/chosen.js';
import type { DatasetKind, DatasetOptions } from '../datasets/dataset.js';
import { openDataset } from '../datasets/index.js';
import { evaluateError } from '../errors.js';
import type { SonoError } from '../../vocabulary/errors.js';
import type { Progress } from '../evaluate.js';
import type { Unscored } from '../result.js';
import { clipFigures, ejectionRun } from './figures.js';
import { EngineHeartPredictor, type HeartPredictor } from './predictor.js';
import type { EjectionClip, EjectionRun } from './result.js';
import { runHeartClip, type HeartRun } from './run-clip.js';

interface EjectionOptions {
  readonly kind: DatasetKind;
  readonly root: string;
  readonly dataset: DatasetOptions;
  readonly clips: readonly string[];
  readonly framesPerSecond: number | null;
  readonly seed: number;
  readonly onProgress: (progress: Progress) => void;
}

interface ModelChoice {
  readonly dir: string;
  readonly provider: ProviderName | 'auto';
  readonly threads: number;
}

/** With a model, in the engine of live rooms. */
export async function evaluateEjectionOfModel(
  options: EjectionOptions,
  model: ModelChoice,
): Promise<{ readonly run: EjectionRun; readonly engine: EngineInfo }> {
  const engine = await createWorkerEngine({
    modelDir: model.dir,
    provider: model.provider,
    policy: null,
    threads: model.threads,
    // Each clip says its own.
    sourceSize: { width: 160, height: 160 },
    keepLogits: true,
  });
  const predictor = new EngineHeartPredictor(engine);
  try {
    return { run: await evaluateEjection(options, predictor), engine: engine.info };
  } finally {
    await predictor.close();
  }
}

/** The first fault of a clip where there is no figure at all. The predictor stays open. */
export async function evaluateEjection(
  options: EjectionOptions,
  predictor: HeartPredictor,
): Promise<EjectionRun> {
  // Several pictures are decoded at once already, and the cores belong to the network.
  sharp.concurrency(1);
  const dataset = openDataset(options.kind, options.root, options.dataset);
  const handles = chosenClips(dataset, options.clips);
  const clips: EjectionClip[] = [];
  const runs: HeartRun[] = [];
  const unscored: Unscored[] = [];
  let first: SonoError | null = null;
  for (const [clipIndex, handle] of handles.entries())
    try {
      const clip = await handle.open();
      const run = await runHeartClip(clip, predictor, {
        framesPerSecond: options.framesPerSecond,
        onFrame: (frame) =>
          options.onProgress({
            policy: null,
            clip: clip.name,
            clipIndex,
            clipCount: handles.length,
            frame,
            frameCount: clip.frameCount,
          }),
      });
      const figures = clipFigures(run);
      if (figures === null)
        throw evaluateError('SONO_DATASET_HEART', {
          clip: clip.name,
          reason:
            clip.heart?.course === 'beats'
              ? 'its line in the list has no EF'
              : 'no volume can be measured on its annotated outlines',
        });
      clips.push(figures);
      runs.push(run);
    } catch (error) {
      if (!isOfClip(error)) throw error;
      first ??= error;
      unscored.push({ clip: handle.name, object: null, code: String(error.code), reason: error.message });
    }
  if (clips.length === 0 && first !== null) throw first;
  return ejectionRun(predictor.name, clips, runs, unscored, options.seed);
}
