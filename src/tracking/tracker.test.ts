import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answers, gone, seen, testModel, type Answer } from '../../tests/tracker-answers.js';
import type { FrameIdentity } from '../vocabulary/frame.js';
import { maskArea } from '../mask/rle.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { emptyBank } from './memory-bank.js';
import { calibratedConfidence, presenceProbability } from './model.js';
import { Tracker, type PromptCommand, type TrackedObject } from './tracker.js';

const frameNs = 40_000_000;
const source = { width: 96, height: 64 };
const everything = testModel.inputSize.width * testModel.inputSize.height;

const frame = (index: number, discontinuity = 0): FrameIdentity => ({
  streamId: 's',
  ptsNs: index * frameNs,
  captureNs: 0,
  mediaNs: index * frameNs,
  sourceFrame: index,
  discontinuity,
});
const click: Prompt = { type: 'click', point: [10, 10], positive: true };

const newTracker = (options: { policy?: string; keepLogits?: boolean } = {}): Tracker =>
  new Tracker(testModel, { policy: null, sourceSize: source, keepLogits: false, ...options });

function mark(
  tracker: Tracker,
  index: number,
  command: Partial<PromptCommand> = {},
  answer: Answer = seen,
): ReturnType<Tracker['commitPrompt']> {
  const plan = tracker.planPrompt(
    { objectId: null, label: null, prompts: [click], ...command },
    frame(index),
  );
  return tracker.commitPrompt(plan, answers([answer], index));
}

function track(tracker: Tracker, index: number, answer: Answer = seen, pass = 0): readonly TrackedObject[] {
  const plan = tracker.planTrack();
  const outputs = plan && answers(Array<Answer>(plan.objects).fill(answer), index);
  return tracker.commitTrack(frame(index, pass), outputs);
}

const codeOf = (call: () => unknown): string => {
  try {
    call();
    return 'fine';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('objects', () => {
  it('get ids that are never used again, and names that are unique', () => {
    const tracker = newTracker();
    expect(mark(tracker, 0).objectId).toBe(1);
    expect(mark(tracker, 0, { label: '  grasper ' }).objectId).toBe(2);
    tracker.remove(1);
    expect(mark(tracker, 1).objectId).toBe(3);
    tracker.reset();
    expect(mark(tracker, 2).objectId).toBe(4);
    expect(mark(tracker, 2, { label: 'Object 6' }).objectId).toBe(5);
    const { objects } = mark(tracker, 2);
    expect(objects.map(({ label }) => label)).toEqual(['Object 4', 'Object 6', 'Object 7']);
  });

  it('refuse names that are taken or no names, and more objects than the model takes', () => {
    const tracker = newTracker();
    mark(tracker, 0, { label: 'one' });
    expect(codeOf(() => mark(tracker, 0, { label: 'one' }))).toBe('SONO_LABEL_TAKEN');
    expect(codeOf(() => mark(tracker, 0, { label: ' ' }))).toBe('SONO_LABEL_INVALID');
    expect(codeOf(() => mark(tracker, 0, { label: 'a\nb' }))).toBe('SONO_LABEL_INVALID');
    expect(codeOf(() => mark(tracker, 0, { label: 'x'.repeat(81) }))).toBe('SONO_LABEL_INVALID');
    expect(codeOf(() => tracker.rename(1, 'one'))).toBe('fine');
    mark(tracker, 0, { label: 'two' });
    expect(codeOf(() => tracker.rename(2, 'one'))).toBe('SONO_LABEL_TAKEN');
    mark(tracker, 0);
    expect(codeOf(() => mark(tracker, 0))).toBe('SONO_OBJECTS_FULL');
    // A refused command has changed nothing: the next id is the next number.
    tracker.remove(3);
    expect(mark(tracker, 0).objectId).toBe(4);
  });

  it('are unknown once removed', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    tracker.remove(1);
    for (const call of [
      () => tracker.remove(1),
      () => tracker.rename(1, 'x'),
      () => mark(tracker, 1, { objectId: 1 }),
    ])
      expect(codeOf(call)).toBe('SONO_OBJECT_UNKNOWN');
  });

  it('have an empty mask, box and area while they are not shown', () => {
    const tracker = newTracker({ keepLogits: true });
    mark(tracker, 0);
    expect(track(tracker, 1)[0]).toMatchObject({
      state: 'tracking',
      areaPx: everything,
      box: [0, 0, 24, 16],
    });
    let object: TrackedObject | undefined;
    for (let index = 2; index < 10; index++) [object] = track(tracker, index, { ...seen, presence: -9 });
    expect(object).toMatchObject({ state: 'lost', areaPx: 0, box: [0, 0, 0, 0] });
    expect(maskArea(object?.mask ?? { width: 1, height: 1, counts: Uint32Array.of(0, 1) })).toBe(0);
    // The network's own answer stays available.
    expect(object?.logits?.every((logit) => logit === seen.logit)).toBe(true);
  });

  it('that the network could not see at the mark are not looked for, until they are marked again', () => {
    const tracker = newTracker();
    expect(mark(tracker, 0, {}, gone).objects[0]?.state).toBe('searching');
    expect(tracker.planTrack()).toBeNull();
    expect(track(tracker, 1)[0]).toMatchObject({ id: 1, state: 'searching', areaPx: 0 });
    mark(tracker, 2, { objectId: 1 });
    expect(track(tracker, 3)[0]).toMatchObject({ id: 1, state: 'tracking' });
  });

  it('are searched for after a jump in time', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    expect(track(tracker, 1)[0]?.state).toBe('tracking');
    expect(track(tracker, 2, seen, 1)[0]?.state).toBe('searching');
    for (let index = 3; index < 6; index++) track(tracker, index, seen, 1);
    expect(track(tracker, 6, seen, 1)[0]?.state).toBe('tracking');
  });
});

describe('a mark on the first frame of a new pass', () => {
  it('is believed at once, while the other objects are searched for', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    mark(tracker, 0);
    track(tracker, 1);
    const plan = tracker.planPrompt({ objectId: 1, label: null, prompts: [click], fresh: true }, frame(2, 1));
    tracker.commitPrompt(plan, answers([seen], 2));
    expect(track(tracker, 2, seen, 1).map(({ id, state }) => [id, state])).toEqual([
      [1, 'tracking'],
      [2, 'searching'],
    ]);
    // A late mark on a picture of the pass before changes nothing for them.
    mark(tracker, 1, { objectId: 2 });
    expect(track(tracker, 3, seen, 1).map(({ state }) => state)).toEqual(['tracking', 'tracking']);
  });
});

describe('marks', () => {
  it('on one frame add up; a given mask starts anew; another frame is another entry', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    mark(tracker, 0, { objectId: 1, prompts: [{ ...click, positive: false }] });
    const promptsOf = (): number[] =>
      tracker.snapshot().objects[0]?.bank.prompts.map(({ prompts }) => prompts.length) ?? [];
    expect(promptsOf()).toEqual([2]);
    mark(tracker, 3, { objectId: 1 });
    expect(promptsOf()).toEqual([2, 1]);
    const mask = { width: 96, height: 64, counts: Uint32Array.of(10, 6134) };
    mark(tracker, 0, { objectId: 1, prompts: [{ type: 'mask', mask }] });
    expect(promptsOf()).toEqual([1, 1]);
  });

  it('start an object anew when told so: number and name stay, what it remembers goes', () => {
    const tracker = newTracker();
    mark(tracker, 0, { label: 'tool' });
    mark(tracker, 2, { objectId: 1 });
    track(tracker, 3);
    const { objectId, objects } = mark(tracker, 3, { objectId: 1, fresh: true });
    expect([objectId, objects.map(({ id, label }) => [id, label])]).toEqual([1, [[1, 'tool']]]);
    const bank = tracker.snapshot().objects[0]?.bank ?? emptyBank;
    expect(bank.prompts.map(({ ptsNs, prompts }) => [ptsNs, prompts.length])).toEqual([[frame(3).ptsNs, 1]]);
    expect(bank.recent).toEqual([]);
    // The mask of the old object on that frame is no hint for the new one.
    const { planes } = tracker.planPrompt(
      { objectId: 1, label: null, prompts: [click], fresh: true },
      frame(3),
    );
    expect(planes.subarray(3 * everything).every((value) => value === 0)).toBe(true);
    tracker.undo(1);
    expect(tracker.snapshot().objects[0]?.bank.prompts).toHaveLength(2);
  });

  it('refine the mask that the object had on that very frame', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    track(tracker, 1);
    track(tracker, 2, gone);
    const drawn = (index: number): number =>
      tracker
        .planPrompt({ objectId: 1, label: null, prompts: [click] }, frame(index))
        .planes.subarray(3 * everything)
        .reduce((sum, value) => sum + value, 0);
    expect(drawn(1)).toBe(255 * everything);
    expect(drawn(2)).toBe(0);
    expect(drawn(99)).toBe(0);
  });

  it('give everything known on their frame, and go on with the next one', () => {
    const tracker = newTracker();
    mark(tracker, 0, { label: 'a' });
    for (let index = 1; index <= 5; index++) track(tracker, index);
    const { objects } = mark(tracker, 3, { label: 'b' });
    expect(objects.map(({ label, state }) => [label, state])).toEqual([
      ['a', 'tracking'],
      ['b', 'tracking'],
    ]);
    expect(track(tracker, 6).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('do not move the tracker before their outputs are in', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    const before = tracker.snapshot();
    tracker.planPrompt({ objectId: null, label: 'new', prompts: [click] }, frame(1));
    expect(tracker.snapshot()).toEqual(before);
  });
});

describe('memory', () => {
  it('is asked for by every object, prompt entry first', () => {
    const tracker = newTracker({ policy: 'sam2' });
    mark(tracker, 7);
    mark(tracker, 8);
    track(tracker, 9);
    const plan = tracker.planTrack();
    expect(plan?.objects).toBe(2);
    const keys = Array.from({ length: 8 }, (_, slot) => plan?.key[slot * testModel.keyLength]);
    expect(keys).toEqual([7, 9, 0, 0, 8, 9, 0, 0]);
    expect([...(plan?.valid ?? [])]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    // Value of the second object on frame 9: its own row.
    expect(plan?.value[(4 + 1) * testModel.valueLength]).toBe(901);
  });

  it('follows the policy of the moment', () => {
    const tracker = newTracker({ policy: 'first' });
    mark(tracker, 0);
    track(tracker, 1);
    expect(tracker.snapshot().objects[0]?.bank.recent).toHaveLength(0);
    tracker.setPolicy('sam2');
    track(tracker, 2);
    expect(tracker.snapshot().objects[0]?.bank.recent).toHaveLength(1);
    expect(codeOf(() => tracker.setPolicy('none'))).toBe('SONO_POLICY_UNKNOWN');
    expect(tracker.policy).toBe('sam2');
  });
});

describe('places in the set of colours', () => {
  const slots = (tracker: Tracker): Record<number, number | undefined> =>
    Object.fromEntries(tracker.snapshot().objects.map(({ id, slot }) => [id, slot]));

  it('the first free one; an object that ends frees its own; a living one keeps its own', () => {
    const tracker = newTracker();
    for (let index = 0; index < 3; index++) mark(tracker, index);
    expect(slots(tracker)).toEqual({ 1: 0, 2: 1, 3: 2 });
    tracker.remove(2);
    mark(tracker, 3);
    expect(slots(tracker)).toEqual({ 1: 0, 3: 2, 4: 1 });
    // Corrections, another frame and its result leave it.
    mark(tracker, 4, { objectId: 4 });
    expect(track(tracker, 5).map(({ id, slot }) => [id, slot])).toEqual([
      [1, 0],
      [3, 2],
      [4, 1],
    ]);
  });

  it('a removal that is taken back brings it back, or the next free one', () => {
    const tracker = newTracker();
    for (let index = 0; index < 2; index++) mark(tracker, index);
    tracker.remove(1);
    tracker.undo(1);
    expect(slots(tracker)).toEqual({ 1: 0, 2: 1 });
    tracker.remove(1);
    mark(tracker, 3);
    tracker.undo(1);
    expect(slots(tracker)).toEqual({ 1: 2, 2: 1, 3: 0 });
  });

  it('snapshots of before give each object the place of its number', () => {
    const tracker = newTracker();
    for (let index = 0; index < 2; index++) mark(tracker, index);
    const { objects, ...rest } = tracker.snapshot();
    const old = newTracker();
    old.restore({ ...rest, objects: objects.map((object) => ({ ...object, slot: undefined })) });
    old.remove(1);
    mark(old, 3);
    expect(slots(old)).toEqual({ 2: undefined, 3: 0 });
  });
});

describe('undo', () => {
  it('takes back marks, names and removals, last first', () => {
    const tracker = newTracker();
    mark(tracker, 0, { label: 'a' });
    mark(tracker, 1, { label: 'b' });
    mark(tracker, 2, { objectId: 1 });
    tracker.rename(1, 'c');
    tracker.remove(2);
    expect(tracker.undo(null)).toBe(2);
    expect(track(tracker, 3).map(({ label }) => label)).toEqual(['c', 'b']);
    expect(tracker.undo(null)).toBe(1);
    expect(track(tracker, 4).map(({ label }) => label)).toEqual(['a', 'b']);
    expect(tracker.undo(1)).toBe(1);
    expect(tracker.snapshot().objects[0]?.bank.prompts.map(({ ptsNs }) => ptsNs)).toEqual([0]);
    expect(tracker.undo(1)).toBe(1);
    expect(track(tracker, 5).map(({ label }) => label)).toEqual(['b']);
    expect(codeOf(() => tracker.undo(1))).toBe('SONO_NOTHING_TO_UNDO');
    expect(tracker.undo(null)).toBe(2);
    expect(codeOf(() => tracker.undo(null))).toBe('SONO_NOTHING_TO_UNDO');
    expect(track(tracker, 6)).toEqual([]);
  });

  it('is bounded per object and in all', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    for (let index = 1; index < 50; index++) mark(tracker, index, { objectId: 1 });
    mark(tracker, 50);
    expect(tracker.snapshot().undo.filter(({ objectId }) => objectId === 1)).toHaveLength(8);
    for (let index = 0; index < 60; index++) {
      const { objectId } = mark(tracker, 51 + index);
      tracker.remove(objectId);
    }
    expect(tracker.snapshot().undo).toHaveLength(32);
  });

  it('does not bring back what has no place any more', () => {
    const tracker = newTracker();
    mark(tracker, 0, { label: 'a' });
    tracker.remove(1);
    mark(tracker, 0, { label: 'a' });
    expect(codeOf(() => tracker.undo(1))).toBe('SONO_LABEL_TAKEN');
    tracker.rename(2, 'b');
    mark(tracker, 0);
    mark(tracker, 0);
    expect(codeOf(() => tracker.undo(1))).toBe('SONO_OBJECTS_FULL');
  });
});

describe('a removal that was a slip', () => {
  const memory = (tracker: Tracker): readonly number[] =>
    tracker.snapshot().objects[0]?.bank.recent.map(({ ptsNs }) => ptsNs / frameNs) ?? [];

  it('is taken back with marks and memory for half a minute, and the object goes on', () => {
    const tracker = newTracker({ policy: 'sam2' });
    mark(tracker, 0, { label: 'a' });
    for (let index = 1; index <= 4; index++) track(tracker, index);
    const before = tracker.snapshot().objects;
    tracker.remove(1, true);
    for (let index = 5; index <= 20; index++) expect(track(tracker, index)).toEqual([]);
    expect(tracker.undo(null)).toBe(1);
    expect(tracker.snapshot().objects).toEqual(before);
    expect(memory(tracker).length).toBeGreaterThan(0);
    expect(track(tracker, 21)[0]).toMatchObject({ id: 1, label: 'a', state: 'tracking' });
  });

  it('keeps the marks alone after that time, and of the removals before the newest two', () => {
    const tracker = newTracker({ policy: 'sam2' });
    mark(tracker, 0);
    track(tracker, 1);
    tracker.remove(1, true);
    track(tracker, 30 * 25);
    expect(tracker.snapshot().undo.at(-1)).toMatchObject({
      kind: 'remove',
      before: { bank: { recent: [{}] } },
    });
    track(tracker, 30 * 25 + 2);
    expect(tracker.snapshot().undo.at(-1)).toMatchObject({ before: { bank: { recent: [], prompts: [{}] } } });
    tracker.undo(1);
    expect(memory(tracker)).toEqual([]);

    const other = newTracker({ policy: 'sam2' });
    for (let count = 0; count < 3; count++) mark(other, 0);
    track(other, 1);
    for (const id of [1, 2, 3]) other.remove(id, true);
    const whole = other.snapshot().undo.filter((step) => 'atNs' in step);
    expect(whole.map(({ objectId }) => objectId)).toEqual([2, 3]);
  });

  it('forgets what another policy remembered', () => {
    const tracker = newTracker({ policy: 'sam2' });
    mark(tracker, 0);
    track(tracker, 1);
    tracker.remove(1, true);
    tracker.setPolicy('gated');
    tracker.undo(1);
    expect(memory(tracker)).toEqual([]);
  });
});

describe('what can be taken back', () => {
  it('is said of each object, the newest last', () => {
    const tracker = newTracker();
    mark(tracker, 0, { label: 'a' });
    mark(tracker, 0, { label: 'b', prompts: [{ type: 'box', box: [1, 1, 9, 9] }] });
    expect(tracker.undoable).toEqual([
      { objectId: 1, label: 'a', kind: 'click', made: true },
      { objectId: 2, label: 'b', kind: 'box', made: true },
    ]);
    mark(tracker, 1, { objectId: 1, prompts: [{ type: 'scribble', points: [[3, 3]], positive: false }] });
    tracker.remove(2);
    expect(tracker.undoable).toEqual([
      { objectId: 1, label: 'a', kind: 'scribble', made: false },
      { objectId: 2, label: 'b', kind: 'remove', made: false },
    ]);
    tracker.undo(1);
    tracker.rename(1, 'c');
    expect(tracker.undoable.at(-1)).toEqual({ objectId: 1, label: 'c', kind: 'rename', made: false });
    tracker.reset();
    expect(tracker.undoable).toEqual([]);
  });
});

describe('a frame on which somebody draws', () => {
  /** Share of the mask plane that is given to the network with a mark on this frame. */
  const known = (tracker: Tracker, index: number): number =>
    tracker
      .planPrompt({ objectId: 1, label: null, prompts: [click] }, frame(index))
      .planes.subarray(3 * everything)
      .reduce((sum, value) => sum + value, 0) /
    (255 * everything);

  it('keeps its masks for half a minute, others for 2.5 s', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    for (let index = 1; index <= 3; index++) track(tracker, index);
    tracker.keep(2 * frameNs);
    for (let index = 4; index <= 300; index++) track(tracker, index);
    expect(known(tracker, 2)).toBe(1);
    expect(known(tracker, 3)).toBe(0);
    for (let index = 301; index <= 2 + 31 * 25; index++) track(tracker, index);
    expect(known(tracker, 2)).toBe(1);
    track(tracker, 3 + 31 * 25);
    expect(known(tracker, 2)).toBe(0);
  });

  it('is one of eight at most, and nothing where it is not known', () => {
    const tracker = newTracker();
    mark(tracker, 0);
    tracker.keep(99 * frameNs);
    for (let index = 1; index <= 20; index++) {
      track(tracker, index);
      tracker.keep(index * frameNs);
    }
    for (let index = 100; index <= 200; index++) track(tracker, index);
    expect(tracker.snapshot().seen.filter((one) => 'keptUntilNs' in one)).toHaveLength(8);
    expect(known(tracker, 20)).toBe(1);
    expect(known(tracker, 12)).toBe(0);
  });
});

// Any life of a tracker: marks, frames, names, removals, undo, jumps.
const answer = fc.record({
  iou: fc.float({ min: 0, max: 1, noNaN: true }),
  presence: fc.float({ min: -9, max: 9, noNaN: true }),
  logit: fc.constantFrom(-2, 2),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('track' as const), answer, pass: fc.constantFrom(0, 0, 0, 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('mark' as const),
      answer,
      objectId: fc.option(fc.integer({ min: 1, max: 4 })),
      back: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      objectId: fc.integer({ min: 1, max: 4 }),
      restorable: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('undo' as const),
      objectId: fc.option(fc.integer({ min: 1, max: 4 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rename' as const),
      objectId: fc.integer({ min: 1, max: 4 }),
      label: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('keep' as const), back: fc.integer({ min: 0, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('policy' as const),
      policy: fc.constantFrom('sam2', 'gated', 'first'),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function perform(tracker: Tracker, action: Step, index: number): unknown {
  try {
    switch (action.kind) {
      case 'track':
        return track(tracker, index, action.answer, action.pass);
      case 'mark':
        return mark(tracker, Math.max(index - action.back, 0), { objectId: action.objectId }, action.answer);
      case 'remove':
        return tracker.remove(action.objectId, action.restorable);
      case 'keep':
        return tracker.keep(Math.max(index - action.back, 0) * frameNs);
      case 'undo':
        return tracker.undo(action.objectId);
      case 'rename':
        return tracker.rename(action.objectId, action.label);
      case 'policy':
        return tracker.setPolicy(action.policy);
    }
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('any life of a tracker', () => {
  it('can be stored at any moment and goes on identically', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.array(step, { minLength: 1, maxLength: 15 }),
        (past, future) => {
          const tracker = newTracker();
          past.forEach((action, index) => perform(tracker, action, index));
          const other = newTracker({ policy: 'first' });
          other.restore(structuredClone(tracker.snapshot()));
          future.forEach((action, index) => {
            const moment = past.length + index;
            expect(perform(other, action, moment)).toEqual(perform(tracker, action, moment));
          });
          expect(other.snapshot()).toEqual(tracker.snapshot());
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps ids and names unique and memory bounded', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tracker = newTracker();
        let newest = 0;
        steps.forEach((action, index) => {
          const outcome = perform(tracker, action, index);
          if (action.kind === 'mark' && action.objectId === null && typeof outcome === 'object') {
            const { objectId } = outcome as { objectId: number };
            expect(objectId).toBeGreaterThan(newest);
            newest = objectId;
          }
          const { objects, undo, seen } = tracker.snapshot();
          expect(objects.length).toBeLessThanOrEqual(testModel.maxObjects);
          expect(new Set(objects.map(({ id }) => id)).size).toBe(objects.length);
          expect(new Set(objects.map(({ label }) => label)).size).toBe(objects.length);
          for (const { bank } of objects) {
            expect(bank.prompts.length).toBeLessThanOrEqual(5);
            expect(bank.recent.length).toBeLessThan(testModel.slots);
          }
          expect(undo.length).toBeLessThanOrEqual(32);
          expect(seen.length).toBeLessThanOrEqual(64);
        });
      }),
    );
  });

  it('gives a smaller snapshot for a quick restart', () => {
    const tracker = newTracker({ policy: 'sam2' });
    mark(tracker, 0);
    for (let index = 1; index < 9; index++) track(tracker, index);
    const { objects, undo, seen } = tracker.snapshot({ recent: 1, history: false });
    expect(objects[0]?.bank.prompts).toHaveLength(1);
    expect(objects[0]?.bank.recent.map(({ ptsNs }) => ptsNs / frameNs)).toEqual([8]);
    expect([undo, seen]).toEqual([[], []]);
    expect(tracker.snapshot({ recent: 0 }).objects[0]?.bank.recent).toEqual([]);
  });
});

describe('calibration', () => {
  const calibration = {
    confidence: { x: [0.2, 0.5, 0.5, 0.9], y: [0.1, 0.3, 0.6, 0.8] },
    presence: { temperature: 2, bias: 1 },
  };

  it('is linear between the knots and flat outside', () => {
    const at = (iou: number): number => calibratedConfidence(calibration, iou);
    expect([at(0), at(0.2), at(0.9), at(1)]).toEqual([0.1, 0.1, 0.8, 0.8]);
    expect(at(0.35)).toBeCloseTo(0.2, 12);
    expect(at(0.7)).toBeCloseTo(0.7, 12);
    expect(at(NaN)).toBe(0.1);
  });

  it('never orders two scores the other way round', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(calibratedConfidence(calibration, low)).toBeLessThanOrEqual(
          calibratedConfidence(calibration, high),
        );
      }),
    );
  });

  it('scales and shifts the presence logit', () => {
    expect(presenceProbability(calibration, -1)).toBe(0.5);
    expect(presenceProbability(calibration, 0)).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 12);
  });
});
