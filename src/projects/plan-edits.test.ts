import { describe, expect, it } from 'vitest';
import type { Prompt } from '../vocabulary/prompt.js';
import { addPrompts, renamed, stillTracked, withoutLastPrompt, withoutObject } from './plan-edits.js';

const box: Prompt = { type: 'box', box: [0, 0, 9, 9] };
const nothing = { plan: [], order: [] };

describe('prompts of a project', () => {
  it('make objects with names that are free, and correct those that are named', () => {
    const first = addPrompts(nothing, 3, null, [box]);
    expect(first.label).toBe('object 1');
    const taken = addPrompts(first, 3, 'object 2', [box]);
    expect(addPrompts(withoutObject(taken, 'object 1'), 5, null, [box]).label).toBe('object 3');
    const corrected = addPrompts(first, 8, 'object 1', [box, box]);
    expect(corrected.plan).toMatchObject([
      { label: 'object 1', prompts: [{ frame: 3 }, { frame: 8 }, { frame: 8 }] },
    ]);
    expect(corrected.order).toEqual(['object 1', 'object 1', 'object 1']);
  });

  it('are taken back one by one, the last first; an object without any is gone', () => {
    const two = addPrompts(addPrompts(nothing, 3, 'a', [box]), 4, 'b', [box]);
    const one = withoutLastPrompt(two);
    expect(one).toMatchObject({ plan: [{ label: 'a' }], order: ['a'] });
    expect(one && withoutLastPrompt(one)).toEqual(nothing);
    expect(withoutLastPrompt(nothing)).toBeNull();
  });

  it('keep the masks of objects that kept a prompt, and none of a removed one whose name another has got', () => {
    const before = addPrompts(addPrompts(nothing, 3, 'a', [box]), 4, 'b', [box]);
    const corrected = addPrompts(before, 9, 'a', [box]);
    expect([...stillTracked(before.plan, corrected.plan)]).toEqual(['a', 'b']);
    const other = addPrompts(withoutObject(before, 'a'), 7, 'a', [box]);
    expect([...stillTracked(before.plan, other.plan)]).toEqual(['b']);
  });

  it('keep their order of undo under a new name', () => {
    const two = addPrompts(addPrompts(nothing, 3, 'a', [box]), 4, 'b', [box]);
    expect(renamed(two, 'b', ' c ')).toMatchObject({
      plan: [{ label: 'a' }, { label: 'c' }],
      order: ['a', 'c'],
    });
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
