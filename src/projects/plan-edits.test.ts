import { describe, expect, it } from 'vitest';
import { changed, historyFrom, historyToStore, noHistory, redone, undone } from './change-history.js';
import {
  addMarks,
  firstChange,
  renamed,
  samePlan,
  stillTracked,
  trackedPlan,
  traitOf,
  withMovedMark,
  withoutMark,
  withoutObject,
  withTrait,
} from './plan-edits.js';
import type { ProjectDocument, StoredMark } from './project-document.js';

const nothing: ProjectDocument = { plan: [], traits: [], corrections: [] };
const box = (id: number, frame: number, left = 0): StoredMark => ({
  ...{ id, frame, author: 'person', atUnixMs: 1 },
  prompt: { type: 'box', box: [left, 0, left + 9, 9] },
});
const mask = (id: number, frame: number): StoredMark => ({
  ...{ id, frame, author: 'person', atUnixMs: 1 },
  prompt: { type: 'mask', mask: { size: [2, 2], counts: '13' } },
});
const ids = ({ plan }: ProjectDocument): number[] =>
  plan.flatMap(({ prompts }) => prompts.map(({ id }) => id));
const one = addMarks(nothing, 'a', [box(1, 3)]).document;
const two = addMarks(one, 'b', [box(2, 4)]).document;

describe('marks of a project', () => {
  it('make objects with names that are free, and correct those that are named', () => {
    const first = addMarks(nothing, null, [box(1, 3)]);
    expect(first.label).toBe('object 1');
    const taken = addMarks(first.document, 'object 2', [box(2, 3)]).document;
    expect(addMarks(withoutObject(taken, 'object 1'), null, [box(3, 5)]).label).toBe('object 3');
    const corrected = addMarks(first.document, 'object 1', [box(2, 8), box(3, 8)]).document;
    expect(corrected.plan).toMatchObject([
      { label: 'object 1', prompts: [{ frame: 3 }, { frame: 8 }, { frame: 8 }] },
    ]);
  });

  it('are replaced on their picture by a mask, and nowhere else', () => {
    const three = addMarks(addMarks(two, 'a', [box(3, 7)]).document, 'b', [box(4, 3)]).document;
    expect(ids(addMarks(three, 'a', [mask(5, 3)]).document)).toEqual([3, 5, 2, 4]);
  });

  it('are moved and removed one by one; an object without any is gone, with its traits', () => {
    const moved = withMovedMark(two, 1, { type: 'box', box: [5, 5, 9, 9] }, 7);
    expect(moved.plan[0]?.prompts).toMatchObject([
      { id: 1, frame: 3, atUnixMs: 7, prompt: { box: [5, 5, 9, 9] } },
    ]);
    expect(two.plan[0]?.prompts[0]).toEqual(box(1, 3));
    expect(() => withMovedMark(two, 1, { type: 'click', point: [1, 1], positive: true }, 7)).toThrow(
      expect.objectContaining({ code: 'SONO_PROJECT_REQUEST' }),
    );
    expect(() => withoutMark(two, 9)).toThrow(expect.objectContaining({ code: 'SONO_PROJECT_MARK' }));
    const locked = withTrait(two, 'a', { locked: true });
    expect(withoutMark(locked, 1)).toEqual({ ...nothing, plan: [two.plan[1]] });
  });

  it('keep the masks of objects that kept a prompt, and none of a removed one whose name another has got', () => {
    const before = trackedPlan(two.plan);
    const corrected = addMarks(two, 'a', [box(3, 9)]).document;
    expect([...stillTracked(before, trackedPlan(corrected.plan))]).toEqual(['a', 'b']);
    const other = addMarks(withoutObject(two, 'a'), 'a', [box(3, 7)]).document;
    expect([...stillTracked(before, trackedPlan(other.plan))]).toEqual(['b']);
  });

  it('are the same plan in whatever order those of different pictures were given', () => {
    const there = addMarks(two, 'a', [box(3, 9)]).document;
    const back = addMarks(withoutMark(there, 1), 'a', [box(4, 3)]).document;
    const [before, after] = [trackedPlan(there.plan), trackedPlan(back.plan)];
    expect(samePlan(before, after)).toBe(true);
    expect(firstChange(before, after)).toBe(Infinity);
    expect(samePlan(before, trackedPlan(withMovedMark(back, 3, box(3, 9, 1).prompt, 1).plan))).toBe(false);
  });

  it('go with their traits under a new name', () => {
    const hidden = withTrait(two, 'b', { hidden: true });
    const named = renamed(hidden, 'b', ' c ');
    expect(named.plan.map(({ label }) => label)).toEqual(['a', 'c']);
    expect([traitOf(named, 'c').hidden, traitOf(named, 'b').hidden]).toEqual([true, false]);
    expect(withTrait(named, 'c', { hidden: false }).traits).toEqual([]);
    for (const [label, name] of [
      ['x', 'c'],
      ['a', ' '],
      ['a', 'b'],
    ] as const)
      expect(() => renamed(two, label, name)).toThrow(
        expect.objectContaining({ code: 'SONO_PROJECT_REQUEST' }),
      );
  });
});

describe('what can be taken back', () => {
  const history = changed(
    changed(noHistory, { kind: 'add', label: 'a' }, nothing),
    { kind: 'add', label: 'b' },
    one,
  );

  it('is each change, back and forth, until another one is made', () => {
    const back = undone(history, two);
    expect(back?.document).toBe(one);
    const start = back && undone(back.history, back.document);
    expect(start?.document).toBe(nothing);
    expect(start && undone(start.history, start.document)).toBeNull();
    const again = start && redone(start.history, start.document);
    expect(again?.document).toBe(one);
    expect(again && redone(again.history, again.document)?.document).toBe(two);
    expect(back && changed(back.history, { kind: 'hide', label: 'a' }, one).future).toEqual([]);
  });

  it('is a hundred changes, the oldest forgotten; those of one batch count as one', () => {
    let long = noHistory;
    for (let index = 0; index < 130; index++) long = changed(long, { kind: 'hide', label: `${index}` }, one);
    expect(long.past).toHaveLength(100);
    expect(long.past[0]?.change.label).toBe('30');
    const batch = { kind: 'import', batch: 'x' } as const;
    const first = changed(noHistory, { ...batch, label: 'a' }, nothing);
    const second = changed(first, { ...batch, label: 'b' }, one);
    expect(second.past).toMatchObject([{ change: { label: null }, document: nothing }]);
    expect(changed(second, { ...batch, batch: 'y', label: 'b' }, two).past).toHaveLength(2);
  });

  it('is kept on disk with each mark once, and lost rather than wrong where it is damaged', () => {
    const moved = withMovedMark(two, 1, { type: 'box', box: [5, 5, 9, 9] }, 7);
    const full = changed(history, { kind: 'move', label: 'a' }, two);
    const stored = historyToStore(full, moved);
    // The present place of mark 2, and mark 1 as it was.
    expect(stored.marks).toEqual([box(1, 3), 1]);
    const read = historyFrom(JSON.parse(JSON.stringify(stored)) as typeof stored, moved);
    expect(read).toEqual(full);
    expect(read.past[2]?.document.plan[1]?.prompts[0]).toBe(moved.plan[1]?.prompts[0]);
    expect(historyFrom({ ...stored, marks: [0] }, moved)).toEqual(noHistory);
  });
});
