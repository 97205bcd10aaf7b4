/** What outlines the heart for the task `ef`: the engine of live rooms and replay, without a prompt. */
import type { MeasuredResult } from '../../analysis/measured.js';
import type { Engine } from '../../engine/engine.js';
import { chambers } from '../../vocabulary/echo.js';
import type { AnalysisFrame, PictureSize } from '../../vocabulary/frame.js';
import type { Clip } from '../datasets/dataset.js';
import { evaluateError } from '../errors.js';

/** A result with what its masks were made of, where the predictor has it. */
export interface SeenResult extends MeasuredResult {
  readonly logitsSize?: PictureSize;
  readonly objects: readonly (MeasuredResult['objects'][number] & { readonly logits?: Float32Array })[];
}

export interface HeartPredictor {
  /** For reports. */
  readonly name: string;
  /** Size of the pictures that it wants. */
  readonly inputSize: PictureSize;
  /** Time inside the network since `start`, ms. */
  readonly modelMs: number;
  start(clip: Clip): Promise<void>;
  /** `alone`: the picture follows no other, and nothing of the one before may be in the answer. */
  see(frame: AnalysisFrame, alone: boolean): Promise<SeenResult>;
  close(): Promise<void>;
}

export class EngineHeartPredictor implements HeartPredictor {
  readonly name: string;
  readonly inputSize: PictureSize;
  #modelNs = 0;

  constructor(private readonly engine: Engine) {
    this.name = engine.info.modelName;
    this.inputSize = engine.info.inputSize;
  }

  get modelMs(): number {
    return this.#modelNs / 1e6;
  }

  async start(clip: Clip): Promise<void> {
    this.#modelNs = 0;
    await this.engine.command({ kind: 'reset' }, null);
    await this.engine.setSourceSize(clip.size);
  }

  /** Throws SONO_EVALUATE_MODEL for a model that does not know the heart. */
  async see(frame: AnalysisFrame, alone: boolean): Promise<SeenResult> {
    if (alone) await this.engine.command({ kind: 'reset' }, null);
    const result = await this.engine.track(frame);
    this.#modelNs += result.timing.inferenceNs;
    const missing = Object.values(chambers).filter(
      (name) => !result.objects.some(({ label }) => label === name),
    );
    if (missing.length > 0)
      throw evaluateError('SONO_EVALUATE_MODEL', { model: this.name, missing: missing.join(', ') });
    return result;
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}
