/** State and confidence of every object on every frame, small enough to keep: what the lanes of a timeline show. Pure. */
import type { SegmentationMessage } from '../protocol/messages.js';
import { laneCode } from '../protocol/project-requests.js';

export interface Lane {
  readonly label: string;
  /** One number per bucket, an index into `laneStates`: the worst of the bucket's frames. */
  readonly states: readonly number[];
  /** Lowest confidence of the bucket's frames, 0..100. */
  readonly confidences: readonly number[];
}

/** One number per frame: an index into `laneStates` (0: nothing known), and 0..100. Not to be changed. */
export interface FrameConfidences {
  readonly label: string;
  readonly states: Uint8Array;
  readonly confidences: Uint8Array;
}

export class Lanes {
  readonly #objects = new Map<string, { states: Uint8Array; confidences: Uint8Array }>();
  #frames = 0;

  take(message: SegmentationMessage): void {
    const { sourceFrame } = message;
    this.#frames = Math.max(this.#frames, sourceFrame + 1);
    for (const { label, state, confidence } of message.objects) {
      let lane = this.#objects.get(label);
      if (!lane) {
        lane = { states: new Uint8Array(1024), confidences: new Uint8Array(1024) };
        this.#objects.set(label, lane);
      }
      if (sourceFrame >= lane.states.length) {
        lane.states = grown(lane.states, sourceFrame + 1);
        lane.confidences = grown(lane.confidences, sourceFrame + 1);
      }
      lane.states[sourceFrame] = laneCode(state);
      lane.confidences[sourceFrame] = Math.round(confidence * 100);
    }
  }

  /** Of every frame so far. */
  get frames(): FrameConfidences[] {
    return [...this.#objects].map(([label, { states, confidences }]) => ({
      label,
      states: states.subarray(0, this.#frames),
      confidences: confidences.subarray(0, this.#frames),
    }));
  }

  clear(): void {
    this.#objects.clear();
    this.#frames = 0;
  }

  /** `frames` of the clip in `buckets` equal parts (fewer where there are fewer frames). */
  summary(frames: number, buckets: number): Lane[] {
    const count = Math.max(1, Math.min(buckets, frames));
    return [...this.#objects].map(([label, lane]) => {
      const states: number[] = [];
      const confidences: number[] = [];
      for (let bucket = 0; bucket < count; bucket++) {
        const from = Math.floor((bucket * frames) / count);
        const to = Math.max(from + 1, Math.floor(((bucket + 1) * frames) / count));
        let state = 0;
        let confidence = 100;
        for (let frame = from; frame < to && frame < this.#frames; frame++) {
          const code = lane.states[frame] ?? 0;
          if (code === 0) continue;
          state = Math.max(state, code);
          confidence = Math.min(confidence, lane.confidences[frame] ?? 0);
        }
        states.push(state);
        confidences.push(state === 0 ? 0 : confidence);
      }
      return { label, states, confidences };
    });
  }
}

function grown(array: Uint8Array, least: number): Uint8Array {
  const larger = new Uint8Array(Math.max(least, array.length * 2));
  larger.set(array);
  return larger;
}
