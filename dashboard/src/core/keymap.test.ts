import { describe, expect, it } from 'vitest';
import { actionOf, keymap, worksIn } from './keymap.js';
import type { KeyPress, Place } from './keymap.js';

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
    for (const here of ['room', 'recording'] as const) {
      const keys = keymap.filter((one) => worksIn(one, here)).flatMap((binding) => binding.keys);
      expect(new Set(keys).size).toBe(keys.length);
    }
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
    // Far-reaching: a single letter must not do it.
    ['c', {}, null],
    ['C', { shiftKey: true }, 'source'],
    ['q', {}, 'tool-brush'],
    ['Q', { shiftKey: true }, 'tool-rub'],
    ['Z', { ctrlKey: true, shiftKey: true }, 'redo'],
    [',', {}, 'step-back'],
    [';', { shiftKey: true }, 'step-back'],
    [',', { ctrlKey: true }, 'settings'],
    ['Enter', { ctrlKey: true }, 'track'],
    ['g', { altKey: true }, null],
    ['M', { shiftKey: true }, 'caliper'],
  ] as const)('%s %j → %s', (key, change, action) => {
    expect(actionOf(press(key, change), null)).toBe(action);
  });

  it('are listed where they work', () => {
    const listed = (here: Place) => keymap.filter((one) => worksIn(one, here)).map(({ action }) => action);
    expect(listed('page')).toEqual(['settings', 'help']);
    expect(listed('room')).toContain('hold');
    expect(listed('room')).not.toContain('track');
    expect(listed('recording')).toContain('track');
    expect(listed('recording')).not.toContain('hold');
    for (const shared of ['tool-box', 'tool-erase', 'zoom-in', 'rename', 'hide', 'panel'] as const)
      for (const here of ['room', 'recording'] as const) expect(listed(here)).toContain(shared);
  });

  it('space holds the picture of a room, and plays a recording', () => {
    expect(actionOf(press(' '), null, 'room')).toBe('freeze');
    expect(actionOf(press(' '), null, 'recording')).toBe('play');
  });

  it('a taught foot pedal switches outlines, whatever it sends', () => {
    expect(actionOf(press('PageDown', { code: 'PageDown' }), 'PageDown')).toBe('overlay');
    expect(actionOf(press('PageDown', { code: 'PageDown' }), null)).toBeNull();
  });
});
