/** The objects of a run whose model finds its structures by itself: all of them are known beforehand, and every frame is analysed. */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { Engine, FrameResult } from '../engine/engine.js';
import { objectMaskAtSourceSize } from '../export/resample.js';
import type { LabelledObject } from './clip-result.js';
import type { RunObjects } from './tracked-objects.js';

export class FoundObjects implements RunObjects {
  readonly ids = [];
  readonly empty = false;

  constructor(private readonly engine: Engine) {}

  /** There are none: a run with prompts has been refused. */
  prompt(): Promise<void> {
    return Promise.resolve();
  }

  track(frame: AnalysisFrame): Promise<FrameResult> {
    return this.engine.track(frame);
  }

  label(result: FrameResult, sourceSize: PictureSize): LabelledObject[] {
    return result.objects.map((object) => {
      const { label, state, score, confidence } = object;
      return { label, state, score, confidence, mask: objectMaskAtSourceSize(object, result, sourceSize) };
    });
  }
}
