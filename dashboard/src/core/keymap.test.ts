import { describe, expect, it } from 'vitest';
import { actionOf, keymap } from './keymap.js';
import type { KeyPress } from './keymap.js';

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: `Key${key.toUpperCase()}`,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...change,
});

describe('keys', () => {
  it('no key means two things', () => {
    const keys = keymap.flatMap((binding) => binding.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each([
    ['o', {}, 'overlay'],
    ['O', { shiftKey: true }, null],
    ['?', { shiftKey: true }, 'help'],
    ['+', { shiftKey: true }, 'zoom-in'],
    ['z', { ctrlKey: true }, 'undo'],
    ['a', { ctrlKey: true }, null],
    ['Enter', {}, 'act'],
    ['Enter', { shiftKey: true }, 'act-opposite'],
    ['ArrowLeft', { shiftKey: true }, 'left'],
    ['o', { altKey: true }, null],
    ['q', {}, null],
    [' ', {}, 'freeze'],
    ['M', { shiftKey: true }, 'caliper'],
  ] as const)('%s %j → %s', (key, change, action) => {
    expect(actionOf(press(key, change), null)).toBe(action);
  });

  it('a taught foot pedal switches outlines, whatever it sends', () => {
    expect(actionOf(press('PageDown', { code: 'PageDown' }), 'PageDown')).toBe('overlay');
    expect(actionOf(press('PageDown', { code: 'PageDown' }), null)).toBeNull();
  });
});
