import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BankTensors } from './bank-tensors.js';
import {
  emptyBank,
  maxPromptEntries,
  withPrompt,
  type MemoryBank,
  type MemoryEntry,
  type PromptEntry,
  type RecentEntry,
} from './memory-bank.js';
import { nominalFrameNs } from './policies/gated.js';
import { findPolicy, policyNames } from './policies/index.js';
import { bestPredicted, type Candidate, type MemoryPolicy, type PolicyContext } from './policies/policy.js';

const tensors = (fill: number) => ({
  key: new Float32Array(3).fill(fill),
  value: new Float32Array(2).fill(-fill),
  embedding: new Float32Array(1),
});
const prompt = (ptsNs: number): PromptEntry => ({
  kind: 'prompt',
  ptsNs,
  score: 1,
  prompts: [{ type: 'click', point: [1, 1], positive: true }],
  ...tensors(ptsNs),
});
const recent = (ptsNs: number, score = 0.9): RecentEntry => ({
  kind: 'recent',
  ptsNs,
  score,
  ...tensors(ptsNs),
});
const settings = { slots: 7, minConfidence: 0.5, every: 1 };
const marked = (bank: MemoryBank, entry: PromptEntry): MemoryBank => withPrompt(bank, entry, undefined);

interface Bound {
  readonly policy: MemoryPolicy;
  readonly context: PolicyContext;
}
const createPolicy = (
  name: string,
  { slots, ...settings }: { slots: number } & Record<string, number>,
): Bound => ({
  policy: findPolicy(name),
  context: { slots, settings },
});

const candidate = (iou: number, index = 0): Candidate => ({ index, iou, logits: new Float32Array(1) });

function admit(bank: MemoryBank, { policy, context }: Bound, ptsNs: number, iou = 0.9, presence = 3) {
  const seen = { ptsNs, presence, candidates: [candidate(iou)], embedding: new Float32Array(1) };
  const chosen = policy.choose(bank, seen, context);
  return policy.admit(
    bank,
    { ...seen, candidate: chosen, remember: () => recent(ptsNs, chosen.iou) },
    context,
  );
}

describe('memory bank', () => {
  it('keeps the first and the newest prompts, one per frame', () => {
    let bank = emptyBank;
    for (let pts = 1; pts <= 9; pts++) bank = marked(bank, prompt(pts));
    expect(bank.prompts.map(({ ptsNs }) => ptsNs)).toEqual([1, 6, 7, 8, 9]);
    expect(marked(bank, prompt(7)).prompts.map(({ ptsNs }) => ptsNs)).toEqual([1, 6, 8, 9, 7]);
  });

  it('ends the memories of the network when a person corrects it', () => {
    const policy = createPolicy('sam2', settings);
    const bank = admit(marked(emptyBank, prompt(1)), policy, 2);
    expect(bank.recent).toHaveLength(1);
    expect(marked(bank, prompt(3)).recent).toEqual([]);
  });
});

describe('memory policies', () => {
  const events = fc.array(
    fc.oneof(
      { weight: 1, arbitrary: fc.constant('prompt' as const) },
      {
        weight: 6,
        arbitrary: fc.record({
          iou: fc.double({ min: 0, max: 1, noNaN: true }),
          presence: fc.double({ min: -9, max: 9, noNaN: true }),
        }),
      },
    ),
    { maxLength: 60 },
  );

  it.each(policyNames)('%s: bounded, prompt first, no prompt lost to the network, oldest first', (name) => {
    fc.assert(
      fc.property(
        events,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        (steps, slots, every) => {
          const policy = createPolicy(name, { slots, minConfidence: 0.5, every });
          let bank = marked(emptyBank, prompt(0));
          let given = 1;
          let pts = 0;
          for (const step of steps) {
            pts += nominalFrameNs;
            if (step === 'prompt') {
              bank = marked(bank, prompt(pts));
              given++;
            } else bank = admit(bank, policy, pts, step.iou, step.presence);
            expect(bank.prompts).toHaveLength(Math.min(given, maxPromptEntries));
            expect(bank.prompts[0]?.ptsNs).toBe(0);
            expect(bank.recent.length).toBeLessThan(slots);
            const selected = policy.policy.select(bank, policy.context);
            expect(selected.length).toBeLessThanOrEqual(slots);
            expect(selected[0]).toBe(bank.prompts.at(-1));
            expect(new Set(selected).size).toBe(selected.length);
            const times = selected.filter(({ kind }) => kind === 'recent').map(({ ptsNs }) => ptsNs);
            expect(times).toEqual(times.toSorted((a, b) => a - b));
            if (times.length > 0) expect(times.at(-1)).toBe(bank.recent.at(-1)?.ptsNs);
          }
        },
      ),
    );
  });

  it('sam2 remembers every frame, first none', () => {
    for (const [name, count] of [
      ['sam2', 6],
      ['first', 0],
    ] as const) {
      const policy = createPolicy(name, settings);
      let bank = marked(emptyBank, prompt(0));
      for (let frame = 1; frame <= 20; frame++) bank = admit(bank, policy, frame, 0.01, -5);
      expect(bank.recent).toHaveLength(count);
      expect(policy.policy.select(bank, policy.context)).toHaveLength(count + 1);
    }
  });

  it('gated remembers only good masks of objects that are there', () => {
    const policy = createPolicy('gated', settings);
    const bank = marked(emptyBank, prompt(0));
    expect(admit(bank, policy, 1, 0.51, 0.1).recent).toHaveLength(1);
    for (const [iou, presence] of [
      [0.5, 3],
      [0.9, 0],
      [0.9, -1],
      [NaN, 3],
      [0.9, NaN],
    ] as const)
      expect(admit(bank, policy, 1, iou, presence)).toBe(bank);
  });

  it('gated keeps its distance in time, whatever frames were dropped', () => {
    const policy = createPolicy('gated', { ...settings, every: 3 });
    const remembered = (frames: readonly number[]): number[] =>
      frames
        .reduce((bank, frame) => admit(bank, policy, frame * nominalFrameNs), marked(emptyBank, prompt(0)))
        .recent.map(({ ptsNs }) => ptsNs / nominalFrameNs);
    expect(remembered([1, 2, 3, 4, 5, 6, 7])).toEqual([3, 6]);
    expect(remembered([1, 4, 5, 9, 10])).toEqual([4, 9]);
  });

  it('take the best predicted of several masks, the first of equals, never one without a number', () => {
    const best = (...ious: number[]) => bestPredicted(ious.map((iou, index) => candidate(iou, index))).index;
    expect(best(0.4)).toBe(0);
    expect(best(0.4, 0.9, 0.6)).toBe(1);
    expect(best(0.9, 0.2, 0.9)).toBe(0);
    expect(best(NaN, 0.1, NaN)).toBe(1);
    expect(best(NaN, NaN)).toBe(1);
  });

  it('refuses an unknown name and says which there are', () => {
    expect(() => createPolicy('sam3', settings)).toThrow(/sam2, gated, first/);
  });
});

describe('bank tensors', () => {
  it('are, after any history, what filling them anew would give', () => {
    const model = { slots: 3, keyLength: 3, valueLength: 2 };
    const entries = Array.from({ length: 6 }, (_, index) => recent(index + 1, (index + 1) / 10));
    const row = fc.array(fc.constantFrom<MemoryEntry>(...entries), { maxLength: model.slots });
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 4 }), { maxLength: 8 }), (history) => {
        const kept = new BankTensors(model);
        for (const selected of history)
          expect(kept.fill(selected)).toEqual(new BankTensors(model).fill(selected));
      }),
    );
  });

  it('put each entry into its slot and mark the others unused', () => {
    const { key, value, score, valid } = new BankTensors({ slots: 2, keyLength: 3, valueLength: 2 }).fill([
      [recent(4, 0.5)],
      [],
    ]);
    expect([...key]).toEqual([4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...value]).toEqual([-4, -4, 0, 0, 0, 0, 0, 0]);
    expect([...score]).toEqual([0.5, 0, 0, 0]);
    expect([...valid]).toEqual([1, 0, 0, 0]);
  });
});
