/** A policy that the program does not have: one file (tests/counting-policy.ts) and one line in the registry are all it takes. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { testModel } from '../../tests/tracker-answers.js';
import type { ModelOutputs, TrackerModel } from '../tracking/model.js';
import type * as Registry from '../tracking/policies/registry.js';
import { Tracker } from '../tracking/tracker.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';

vi.mock('../tracking/policies/registry.js', async (original) => {
  const { counting } = await import('../../tests/counting-policy.js');
  const { policies } = await original<typeof Registry>();
  return { policies: [...policies, counting] };
});

/** K = 3 masks per object. */
const model: TrackerModel = {
  ...testModel,
  candidates: 3,
  policy: {
    name: 'gated',
    settings: { ...testModel.policy.settings, ...{ counting: { sureFrom: 0.7, distractors: 2 } } },
  },
};
const frame = (index: number) => ({
  streamId: 's',
  ptsNs: index * 40_000_000,
  captureNs: 0,
  mediaNs: 0,
  sourceFrame: index,
  discontinuity: 0,
});

/** Three masks for each object: `areas` of their pixels, predicted IoUs, and memories marked 100 × frame + 10 × object + mask. */
function offer(
  objects: number,
  index: number,
  areas: readonly number[],
  ious: readonly number[],
): ModelOutputs {
  const pixels = model.logitsSize.width * model.logitsSize.height;
  const rows = Array.from({ length: objects }, (_, object) =>
    areas.map((area, mask) => ({ area, iou: ious[mask] as number, mark: 100 * index + 10 * object + mask })),
  ).flat();
  return {
    logits: Float32Array.from(
      rows.flatMap(({ area }) => Array.from({ length: pixels }, (_, pixel) => (pixel < area ? 3 : -3))),
    ),
    iou: Float32Array.from(rows.map(({ iou }) => iou)),
    presence: new Float32Array(objects).fill(4),
    key: new Float32Array(model.keyLength).fill(index),
    value: Float32Array.from(
      rows.flatMap(({ mark }) => Array.from({ length: model.valueLength }, () => mark)),
    ),
    embedding: new Float32Array(model.embeddingLength).fill(index),
  };
}

const sourceSize = { width: 96, height: 64 };
const newTracker = (policy: string): Tracker => new Tracker(model, { policy, sourceSize, keepLogits: true });
const click = { type: 'click', point: [3, 4], positive: true } as const;

function mark(tracker: Tracker, index: number, objectId: number | null = null): void {
  const plan = tracker.planPrompt({ objectId, label: null, prompts: [click] }, frame(index));
  tracker.commitPrompt(plan, offer(1, index, [4, 12, 20], [0.2, 0.9, 0.3]));
}
function track(tracker: Tracker, index: number, areas = [20, 11, 4], ious = [0.95, 0.5, 0.3]) {
  const objects = tracker.planTrack()?.objects ?? 0;
  return tracker.commitTrack(frame(index), offer(objects, index, areas, ious));
}
const areaPx = (logits: Float32Array | undefined): number => logits?.filter((logit) => logit > 0).length ?? 0;
/** The first number of each memory that the network is to read for the first object. */
const read = (tracker: Tracker): number[] => {
  const { value = new Float32Array(), valid = [] } = tracker.planTrack() ?? {};
  return Array.from({ length: model.slots }, (_, slot) => value[slot * model.valueLength] as number).filter(
    (_, slot) => valid[slot] === 1,
  );
};
const own = (tracker: Tracker) => tracker.snapshot().objects.map(({ bank }) => bank.own);
const stored = (tracker: Tracker): string => JSON.stringify(encodeSnapshot(tracker.snapshot(), 'model'));

describe('a policy with its own choice, settings and state', () => {
  let tracker: Tracker;
  beforeEach(() => {
    tracker = newTracker('counting');
    mark(tracker, 0);
    mark(tracker, 0);
  });

  it('is not asked about a mark: there the best predicted mask is taken', () => {
    expect(tracker.snapshot().objects[0]?.bank.prompts[0]?.value[0]).toBe(1);
  });

  it('chooses among the masks of each object; its mask, score and memory go together', () => {
    const [first] = track(tracker, 1); // No area yet: the smallest.
    expect([areaPx(first?.logits), first?.score]).toEqual([4, Math.fround(0.3)]);
    const [again, other] = track(tracker, 2, [20, 5, 11]);
    expect([areaPx(again?.logits), areaPx(other?.logits)]).toEqual([5, 5]);
    expect(tracker.snapshot().objects.map(({ bank }) => bank.recent.map(({ value }) => value[0]))).toEqual([
      [102, 201],
      [112, 211],
    ]);
  });

  it('keeps what it likes, bounded, and says where the network reads it', () => {
    for (let index = 1; index <= 4; index++) track(tracker, index);
    expect(own(tracker)[0]).toMatchObject({ frames: 4, area: 4 });
    // The prompt, two distractors (mask 0 of the last two frames), the newest memory.
    expect(read(tracker)).toEqual([1, 300, 400, 402]);
  });

  it('goes on identically from a stored snapshot', () => {
    for (let index = 1; index <= 3; index++) track(tracker, index);
    const next = newTracker('first');
    next.restore(decodeSnapshot(JSON.parse(stored(tracker)), model, 'model'));
    expect(stored(next)).toBe(stored(tracker));
    for (let index = 4; index <= 7; index++) {
      const areas = index % 2 === 0 ? [9, 3, 20] : [6, 18, 5];
      expect(track(next, index, areas)).toEqual(track(tracker, index, areas));
      expect(next.planTrack()).toEqual(tracker.planTrack());
    }
    expect(stored(next)).toBe(stored(tracker));
  });

  it('has its stored state checked against its own description', () => {
    track(tracker, 1);
    const broken = (change: (own: Record<string, unknown>) => void): unknown => {
      const json = JSON.parse(stored(tracker)) as {
        state: { objects: { bank: { own: Record<string, unknown> } }[] };
      };
      change(json.state.objects[0]?.bank.own ?? {});
      return json;
    };
    for (const change of [
      (own: Record<string, unknown>) => (own['frames'] = 1.5),
      (own: Record<string, unknown>) => delete own['area'],
      (own: Record<string, unknown>) => (own['distractors'] = [{}]),
    ])
      expect(() => decodeSnapshot(broken(change), model, 'model')).toThrow(/bank\.own/);
    expect(() =>
      decodeSnapshot(
        broken(() => undefined),
        model,
        'model',
      ),
    ).not.toThrow();
  });

  it('begins anew with a mark, an undo, another policy, and a snapshot from before it kept a state', () => {
    const initial = { frames: 0, area: null, distractors: [] };
    track(tracker, 1);
    mark(tracker, 2, 1);
    expect(own(tracker)).toMatchObject([initial, { frames: 1 }]);
    track(tracker, 2);
    tracker.undo(1);
    expect(own(tracker)).toMatchObject([initial, { frames: 2 }]);
    tracker.setPolicy('counting');
    expect(own(tracker)).toMatchObject([initial, { frames: 2 }]);
    tracker.setPolicy('sam2');
    expect(own(tracker)).toEqual([undefined, undefined]);
    track(tracker, 3);
    const before = JSON.parse(stored(tracker)) as { state: { policy: string } };
    before.state.policy = 'counting';
    tracker.restore(decodeSnapshot(before, model, 'model'));
    expect(own(tracker)).toEqual([initial, initial]);
    expect(track(tracker, 4)).toHaveLength(2);
  });

  it('leaves the others as they are: they take the best predicted of the masks', () => {
    tracker.setPolicy('gated');
    const [object] = track(tracker, 1, [4, 12, 20], [0.4, 0.9, 0.8]);
    expect([areaPx(object?.logits), object?.score]).toEqual([12, Math.fround(0.9)]);
    expect(read(tracker)).toEqual([1, 101]);
  });
});
