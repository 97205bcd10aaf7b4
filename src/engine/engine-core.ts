/**
 * One stream's engine on one open model: what turns frames into results, and the model that it asks. Used by the local engine
 * (calling thread) and by the worker's server; neither adds anything to what happens to a frame. Which kind of core a stream has
 * follows from its model, here and nowhere else.
 */
import {
  chooseProvider,
  chooseSegmenter,
  loadModelOf,
  type ChooseProvider,
  type ChooseSegmenter,
  type ProviderWish,
} from '../onnx/choose-provider.js';
import { modelKinds } from '../onnx/manifest.js';
import type { EngineOptions } from './engine.js';
import { SemanticCore } from './semantic-core.js';
import type { StreamCore } from './stream-core.js';
import { TrackerCore } from './tracker-core.js';

/** How models come to their runners: the real ones, or stand-ins of the bench and in tests of a lost device. */
export interface Choosers {
  readonly tracker: ChooseProvider;
  readonly semantic: ChooseSegmenter;
}

/**
 * Loads the model and chooses the provider; `failed` are those that have failed before. Rejects with SONO_MODEL_…,
 * SONO_PROVIDER_NONE, SONO_POLICY_UNKNOWN, SONO_MODEL_FINDS (a memory policy for a model without a memory).
 */
export async function openCore(
  options: EngineOptions,
  failed: ProviderWish['failed'] = {},
  choosers: Partial<Choosers> = {},
): Promise<StreamCore> {
  const { folder, ...files } = await loadModelOf(options.modelDir, ...modelKinds);
  const { provider, threads } = options;
  switch (folder.kind) {
    case 'tracker': {
      const choose = choosers.tracker ?? chooseProvider;
      const open = (failed: ProviderWish['failed']) =>
        choose({ ...files, folder }, { provider, threads, failed });
      return TrackerCore.open(folder, options, open, failed);
    }
    case 'semantic': {
      const choose = choosers.semantic ?? chooseSegmenter;
      const open = (failed: ProviderWish['failed']) =>
        choose({ ...files, folder }, { provider, threads, failed });
      return SemanticCore.open(folder, options, open, failed);
    }
  }
}
