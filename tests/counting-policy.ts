/**
 * A made-up memory policy that uses everything a policy can have: settings, a state of its own with numbers and memories, a
 * choice among several masks, and a place for what it kept in what the network reads. Only tests know it.
 */
import { recentEntryShape, withRecent } from '../src/tracking/memory-bank.js';
import { definePolicy, promptsThenNewest, type Candidate } from '../src/tracking/policies/policy.js';
import type { Described, Shape } from '../src/tracking/shape.js';

const state = {
  fields: {
    /** Frames since the last mark. */
    frames: 'whole',
    /** Pixels of the last mask; null before the first. */
    area: { nullable: 'number' },
    /** Memories of masks that were not chosen although the network was sure of them, oldest first. */
    distractors: { list: recentEntryShape },
  },
} as const satisfies Shape;

type Own = Described<typeof state>;

const areaOf = ({ logits }: Candidate): number =>
  logits.reduce((area, logit) => area + (logit > 0 ? 1 : 0), 0);

export const counting = definePolicy({
  name: 'counting',
  settings: { sureFrom: { min: 0, max: 1, default: 0.7 }, distractors: { min: 0, max: 9, whole: true } },
  state,
  initial: (): Own => ({ frames: 0, area: null, distractors: [] }),
  /** The mask whose size is nearest to the last one's. */
  choose: ({ own }, { candidates }) =>
    candidates.reduce((best, other) =>
      Math.abs(areaOf(other) - (own.area ?? 0)) < Math.abs(areaOf(best) - (own.area ?? 0)) ? other : best,
    ),
  admit: (bank, { candidate, candidates, remember }, { slots, settings }) => {
    const other = candidates.find(({ index, iou }) => index !== candidate.index && iou >= settings.sureFrom);
    const distractors = [...bank.own.distractors, ...(other === undefined ? [] : [remember(other)])];
    const own = {
      frames: bank.own.frames + 1,
      area: areaOf(candidate),
      distractors: distractors.slice(-settings.distractors),
    };
    return withRecent({ ...bank, own }, remember(), slots - 1);
  },
  select: (bank, { slots }) => {
    const { distractors } = bank.own;
    const [prompt, ...rest] = promptsThenNewest(bank, slots - distractors.length);
    return prompt === undefined ? [] : [prompt, ...distractors, ...rest];
  },
});
