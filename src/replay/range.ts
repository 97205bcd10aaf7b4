/** Which frames a run looks at: `--from`, `--to`, `--stride`. Pure. */
import type { FrameIdentity } from '../vocabulary/frame.js';
import type { PromptMoment } from '../vocabulary/prompt-script.js';
import { momentReached } from '../vocabulary/prompt-script.js';
import { replayError } from './errors.js';

export interface FrameRange {
  /** null: from the first frame. */
  readonly from: PromptMoment | null;
  /** The last frame that is analysed (included); null: to the end. A time includes the first frame that reaches it. */
  readonly to: PromptMoment | null;
  /** Every n-th frame, counted from the first one of the range. */
  readonly stride: number;
}

export const wholeRange: FrameRange = { from: null, to: null, stride: 1 };

/** `120` is a frame number, `12.5s` and `800ms` are times. Throws SONO_REPLAY_OPTION. */
export function parseMoment(text: string, option: string): PromptMoment {
  const match = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match?.[2] === 's') return { kind: 'time', timeMs: value * 1000 };
  if (match?.[2] === 'ms') return { kind: 'time', timeMs: value };
  if (match && Number.isInteger(value)) return { kind: 'frame', frame: value };
  throw replayError('SONO_REPLAY_OPTION', {
    value: text,
    option,
    expected: 'a frame number such as 120, or a time such as 12.5s or 800ms',
  });
}

/** The end lies before the beginning, as far as this can be said without the source. */
export function isEmptyRange({ from, to }: FrameRange): boolean {
  if (from?.kind === 'frame' && to?.kind === 'frame') return to.frame < from.frame;
  return from?.kind === 'time' && to?.kind === 'time' && to.timeMs < from.timeMs;
}

/** As a person would write it. */
export function momentText(moment: PromptMoment | null): string | null {
  if (!moment) return null;
  return moment.kind === 'frame' ? `frame ${moment.frame}` : `${moment.timeMs / 1000} s`;
}

type Position = 'before' | 'inside' | 'between' | 'after';

/** Follows the frames of a source in order and says of each where it lies. `between`: inside, but left out by the stride. */
export class RangeCursor {
  readonly #range: FrameRange;
  #first: number | null = null;
  #last: number | null = null;

  constructor(range: FrameRange) {
    this.#range = range;
  }

  place(frame: Pick<FrameIdentity, 'sourceFrame' | 'mediaNs'>): Position {
    const { from, to, stride } = this.#range;
    if (this.#last !== null && frame.sourceFrame > this.#last) return 'after';
    if (this.#first === null) {
      if (from && !momentReached(from, frame)) return 'before';
      this.#first = frame.sourceFrame;
    }
    if (to && momentReached(to, frame)) {
      this.#last = frame.sourceFrame;
      if (to.kind === 'frame' && frame.sourceFrame > to.frame) return 'after';
    }
    return (frame.sourceFrame - this.#first) % stride === 0 ? 'inside' : 'between';
  }
}
