/**
 * Is the object seen, and how sure are we? Hysteresis over time on calibrated confidence and presence.
 *
 *   prompt ─► tracking ⇄ uncertain ─► lost ─► searching
 *                 ▲          ▲         │          │
 *                 └──────────┴─────────┴──────────┘   (seen for `confirmNs`: well → tracking, fairly → uncertain)
 *
 * Times are differences of PTS, so a dropped frame counts as time, not as a frame. A condition must hold on every analysed
 * frame of its time: even at a low rate one single frame never loses or finds an object. Time is measured without a sign,
 * because replay may run backwards.
 */
import type { ObjectState } from '../vocabulary/prompt.js';
import type { Described, Shape } from './shape.js';

/** The constants of the life cycle, in one place. */
export const lifeCycle = {
  /** An object is seen well when its confidence and its presence are at least this. */
  confidentFrom: 0.6,
  presentFrom: 0.5,
  /** An object is doubtful when its confidence is below this. The gap to `confidentFrom` keeps a state from flickering. */
  doubtfulBelow: 0.45,
  /**
   * An object is not seen when its mask is empty, when its presence is below the first number (the gap to `presentFrom` keeps
   * it from coming and going), or when its confidence is below the second.
   */
  absentPresenceBelow: 0.4,
  absentBelow: 0.2,
  /** After this time in doubt a tracked object becomes uncertain: two frame intervals at 25 fps. */
  doubtNs: 80_000_000,
  /** After this time unseen an uncertain object becomes lost: within five frames at 25 fps of leaving the picture. */
  loseNs: 160_000_000,
  /** After this time seen well an object is tracked again; after this time seen fairly a lost one is shown again, as uncertain. */
  confirmNs: 120_000_000,
  /** After this time a lost object becomes searching. */
  searchNs: 1_000_000_000,
} as const;

/** One frame's evidence. */
export interface Evidence {
  readonly ptsNs: number;
  /** Calibrated, 0..1. */
  readonly confidence: number;
  /** Calibrated probability, 0..1. */
  readonly presence: number;
  readonly emptyMask: boolean;
}

export const lifeCycleShape = {
  fields: {
    state: { oneOf: ['searching', 'tracking', 'uncertain', 'lost'] },
    /** Since when the object is in this state. */
    sinceNs: 'number',
    /** Since when it has been seen well (after a loss: at least fairly), doubtful or absent without a break; null: not now. */
    wellSinceNs: { nullable: 'number' },
    doubtfulSinceNs: { nullable: 'number' },
    absentSinceNs: { nullable: 'number' },
  },
} as const satisfies Shape;

export type LifeCycle = Described<typeof lifeCycleShape>;

const begin = (state: ObjectState, ptsNs: number): LifeCycle => ({
  state,
  sinceNs: ptsNs,
  wellSinceNs: null,
  doubtfulSinceNs: null,
  absentSinceNs: null,
});

function judge({ confidence, presence, emptyMask }: Evidence): 'well' | 'fair' | 'doubtful' | 'absent' {
  // Written so that NaN counts as absent.
  if (!(presence >= lifeCycle.absentPresenceBelow && confidence >= lifeCycle.absentBelow) || emptyMask)
    return 'absent';
  if (presence < lifeCycle.presentFrom) return 'doubtful';
  if (confidence >= lifeCycle.confidentFrom) return 'well';
  return confidence < lifeCycle.doubtfulBelow ? 'doubtful' : 'fair';
}

/** Directly after a mark everything that the network sees is shown: the person who made the mark is there to judge it. */
export function afterPrompt(evidence: Evidence): LifeCycle {
  if (evidence.emptyMask) return begin('searching', evidence.ptsNs);
  const seen = judge(evidence);
  return begin(seen === 'well' || seen === 'fair' ? 'tracking' : 'uncertain', evidence.ptsNs);
}

/** Time has jumped (a file starts again, a source was replaced): nothing that was known of positions holds any more. */
export function afterDiscontinuity(ptsNs: number): LifeCycle {
  return begin('searching', ptsNs);
}

/** The next analysed frame. */
export function advance(previous: LifeCycle, evidence: Evidence): LifeCycle {
  const { ptsNs } = evidence;
  const seen = judge(evidence);
  const since = (before: number | null, holds: boolean): number | null => (holds ? (before ?? ptsNs) : null);
  const held = (sinceNs: number | null, durationNs: number): boolean =>
    sinceNs !== null && Math.abs(ptsNs - sinceNs) >= durationNs;
  const gone = previous.state === 'lost' || previous.state === 'searching';
  const next = {
    ...previous,
    wellSinceNs: since(previous.wellSinceNs, seen === 'well' || (gone && seen === 'fair')),
    doubtfulSinceNs: since(previous.doubtfulSinceNs, seen === 'doubtful' || seen === 'absent'),
    absentSinceNs: since(previous.absentSinceNs, seen === 'absent'),
  };
  const become = (state: ObjectState): LifeCycle => ({ ...next, state, sinceNs: ptsNs });
  const found = (): LifeCycle =>
    seen === 'well' ? become('tracking') : { ...become('uncertain'), wellSinceNs: null };
  switch (previous.state) {
    case 'tracking':
      // Absent is shown as doubt at once; only the loss itself waits.
      return seen === 'absent' || held(next.doubtfulSinceNs, lifeCycle.doubtNs) ? become('uncertain') : next;
    case 'uncertain':
      if (held(next.absentSinceNs, lifeCycle.loseNs)) return become('lost');
      return held(next.wellSinceNs, lifeCycle.confirmNs) ? become('tracking') : next;
    case 'lost':
      if (held(next.wellSinceNs, lifeCycle.confirmNs)) return found();
      return held(previous.sinceNs, lifeCycle.searchNs) ? become('searching') : next;
    case 'searching':
      return held(next.wellSinceNs, lifeCycle.confirmNs) ? found() : next;
  }
}
