/**
 * Semantic segmentation of single pictures: a model of kind `semantic` on the best provider that passes its stored test. Runs in
 * whatever thread makes it, and `segment` blocks that thread while the model runs.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import type { SemanticModel } from '../semantic/model.js';
import { semanticResult, type SemanticResult } from '../semantic/result.js';
import { chooseSegmenter, loadModelOf, type ProviderWish } from './choose-provider.js';
import { inferenceError } from './errors.js';
import type { ProviderName } from './provider.js';

export interface SemanticSession {
  readonly model: SemanticModel;
  readonly provider: ProviderName;
  /** `frame`: uint8 RGB [H, W, 3] of the model's input size. Throws SONO_FRAME_SIZE, SONO_INFERENCE_FAILED. */
  segment(frame: Uint8Array, size: PictureSize): Promise<SemanticResult>;
  close(): Promise<void>;
}

/** Throws SONO_MODEL_…, SONO_PROVIDER_NONE. */
export async function openSemantic(
  directory: string,
  wish: Omit<ProviderWish, 'failed'>,
): Promise<SemanticSession> {
  const loaded = await loadModelOf(directory, 'semantic');
  const { runner } = await chooseSegmenter(loaded, { ...wish, failed: {} });
  const model = loaded.folder.semantic;
  const { width, height } = model.inputSize;
  return {
    model,
    provider: runner.provider,
    segment: async (frame, size) => {
      if (size.width !== width || size.height !== height || frame.length !== width * height * 3)
        throw inferenceError('SONO_FRAME_SIZE', {
          actual: `${size.width} × ${size.height} (${frame.length} bytes)`,
          expected: `${width} × ${height} (${width * height * 3} bytes)`,
        });
      try {
        return semanticResult(model, await runner.run('segment', { frame }, 1));
      } catch (cause) {
        throw inferenceError('SONO_INFERENCE_FAILED', { provider: runner.provider }, cause);
      }
    },
    close: () => runner.close(),
  };
}
