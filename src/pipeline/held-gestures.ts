/**
 * Pictures of gestures that last. A room forgets its pictures after two seconds, and a hand may draw for longer: whoever begins a gesture
 * asks for its picture to be held until the gesture ends, they leave, or 30 seconds have passed. Bounded and counted. Main thread.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import { pipelineError } from './errors.js';
import { promptToleranceNs, type HeldFrames } from './held-frames.js';

export const gestureSeconds = 30;
/** Gestures of one room at once: a few people with two hands. */
const mostGestures = 8;
/** … of one asker; an older one has been forgotten by its page. */
const mostOfAsker = 2;
/** The tracker forgets its masks after 2.5 s: what it knew of a picture is kept from here on. */
const keepAfterMs = 1500;

/** Pictures that are held while somebody draws on them: now, and totals since the room opened. */
export interface GestureCounts {
  readonly held: number;
  readonly begun: number;
  /** By whoever began them, by their leaving, by time; and those that could not begin. */
  readonly ended: number;
  readonly left: number;
  readonly expired: number;
  readonly refused: number;
}

interface Held {
  readonly asker: string;
  /** As the person saw it; the frame may be the closest one to it. */
  readonly ptsNs: number;
  readonly frame: AnalysisFrame;
  /** Ends its timers and listeners. */
  readonly forget: () => void;
}

interface HeldGesturesOptions {
  readonly held: HeldFrames;
  /** Masks of this frame will be needed later than usual. Never rejects. */
  readonly keepMasks: (ptsNs: number) => void;
  readonly onChange: () => void;
}

export class HeldGestures {
  readonly #options: HeldGesturesOptions;
  readonly #held = new Map<number, Held>();
  readonly #counts = { begun: 0, ended: 0, left: 0, expired: 0, refused: 0 };
  #next = 1;

  constructor(options: HeldGesturesOptions) {
    this.#options = options;
  }

  get counts(): GestureCounts {
    return { held: this.#held.size, ...this.#counts };
  }

  /**
   * Holds the picture that somebody points at (`ptsNs` null: the newest). `asker`: who it is; `left` ends the gesture when they are gone.
   * Throws SONO_PROMPT_FRAME_GONE, SONO_GESTURES_FULL.
   */
  begin(
    ptsNs: number | null,
    asker: string,
    left?: AbortSignal,
  ): { readonly gesture: number; readonly ptsNs: number } {
    const { held, keepMasks, onChange } = this.#options;
    const frame =
      ptsNs === null ? held.newest() : (this.find(ptsNs) ?? held.closest(ptsNs, promptToleranceNs));
    if (frame === null || left?.aborted) {
      this.#counts.refused += 1;
      throw pipelineError('SONO_PROMPT_FRAME_GONE', { seconds: gestureSeconds });
    }
    const own = [...this.#held].filter(([, one]) => one.asker === asker);
    for (const [gesture] of own.slice(0, Math.max(0, own.length + 1 - mostOfAsker)))
      this.#end(gesture, 'ended');
    if (this.#held.size >= mostGestures) {
      this.#counts.refused += 1;
      throw pipelineError('SONO_GESTURES_FULL', { most: mostGestures });
    }
    const gesture = this.#next++;
    const keep = setTimeout(() => keepMasks(frame.ptsNs), keepAfterMs);
    const expire = setTimeout(() => this.#end(gesture, 'expired'), gestureSeconds * 1000);
    const onLeft = (): void => this.#end(gesture, 'left');
    left?.addEventListener('abort', onLeft);
    const forget = (): void => {
      clearTimeout(keep);
      clearTimeout(expire);
      left?.removeEventListener('abort', onLeft);
    };
    this.#held.set(gesture, { asker, ptsNs: ptsNs ?? frame.ptsNs, frame, forget });
    this.#counts.begun += 1;
    onChange();
    return { gesture, ptsNs: frame.ptsNs };
  }

  /** Of whoever began it. What has ended already stays so. */
  end(gesture: number, asker: string): void {
    if (this.#held.get(gesture)?.asker === asker) this.#end(gesture, 'ended');
  }

  /** The picture of a gesture that goes on, null: none is held for that moment. */
  find(ptsNs: number): AnalysisFrame | null {
    for (const held of this.#held.values())
      if (held.ptsNs === ptsNs || held.frame.ptsNs === ptsNs) return held.frame;
    return null;
  }

  /** Another source, or the end of the room. */
  clear(): void {
    for (const gesture of [...this.#held.keys()]) this.#end(gesture, 'ended');
  }

  #end(gesture: number, how: 'ended' | 'left' | 'expired'): void {
    const held = this.#held.get(gesture);
    if (held === undefined) return;
    held.forget();
    this.#held.delete(gesture);
    this.#counts[how] += 1;
    this.#options.onChange();
  }
}
