import { describe, expect, it } from 'vitest';
import { PlannedPrompts } from '../prompters/planned-prompts.js';
import { objectIdsSchema } from './tracked-objects.js';

describe('numbers of objects in the state of a run', () => {
  it('are kept for any label', () => {
    const ids = [
      ['__proto__', 1],
      ['constructor', 2],
      ['7', 3],
    ] as const;
    const kept: unknown = JSON.parse(JSON.stringify(new PlannedPrompts('plan', ids).ids));
    expect(objectIdsSchema.parse(kept)).toEqual(ids);
  });

  it('are read from states of before', () => {
    expect(objectIdsSchema.parse(JSON.parse('{"a": 1, "__proto__": 2}'))).toEqual([
      ['a', 1],
      ['__proto__', 2],
    ]);
    expect(() => objectIdsSchema.parse({ a: 'x' })).toThrow();
  });
});
