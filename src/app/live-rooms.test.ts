import { describe, expect, it } from 'vitest';
import { freeId, mostFor } from './live-rooms.js';
import { roomRefusal } from './room-limit.js';
import { busyCores, hoursLeft } from './system-facts.js';

describe('a room that is added', () => {
  it.each([
    ['laparoscopy.mp4', 'laparoscopy-mp4'],
    ['Theatre 2', 'theatre-2'],
    ['Ärzte & Schüler.dcm', 'a-rzte-schu-ler-dcm'],
    ['../../etc', 'etc'],
    ['日本', 'room'],
    ['-', 'room'],
    [`${'x'.repeat(47)} y`, 'x'.repeat(47)],
  ])('called %s has the id %s', (label, id) => {
    expect(freeId(label, new Set())).toBe(id);
    expect(freeId(label, new Set())).toMatch(/^[a-z0-9][a-z0-9_-]{0,63}$/);
  });

  it('never gets the id of another', () => {
    expect(freeId('Case', new Set(['case', 'case-2']))).toBe('case-3');
  });

  it('is refused where the processor or the memory has no room for it', () => {
    const machine = { cores: 2, freeMemoryBytes: 4 * 1024 ** 3, most: mostFor(2, 1) };
    expect(machine.most).toBe(4);
    expect(roomRefusal(3, machine)).toBeNull();
    expect(roomRefusal(4, machine)?.code).toBe('SONO_ROOMS_FULL');
    expect(roomRefusal(4, machine)?.message).toBe(
      'No more rooms can be added: this computer has 2 cores, which is enough for 4 rooms. Close a room first.',
    );
    expect(roomRefusal(1, { ...machine, freeMemoryBytes: 700 * 1024 ** 2 })?.message).toBe(
      'No more rooms can be added: 0.7 GB of memory are free, and a room needs about 0.8 GB. Close a room first.',
    );
    // What the operator has asked for may be opened, also where a person could not add as many.
    expect(mostFor(1, 6)).toBe(6);
    expect(mostFor(64, 1)).toBe(16);
  });
});

describe('what the system page says', () => {
  it('counts busy cores over the time between two looks', () => {
    expect(busyCores({ atMs: 0, busyMs: 100 }, { atMs: 2000, busyMs: 3100 }, 4)).toBe(1.5);
    // A clock that was set, or a counter that began anew, is no negative load.
    expect(busyCores({ atMs: 0, busyMs: 100 }, { atMs: 2000, busyMs: 50 }, 4)).toBe(0);
    expect(busyCores({ atMs: 5, busyMs: 0 }, { atMs: 5, busyMs: 9 }, 4)).toBe(0);
    expect(busyCores({ atMs: 0, busyMs: 0 }, { atMs: 1000, busyMs: 9000 }, 4)).toBe(4);
  });

  it('knows the hours that are left by the measured rate, and none without one', () => {
    const rate = { basis: 'now', bytesPerSecond: 2e6, seconds: 10, recordings: 1 } as const;
    expect(hoursLeft(7.2e9, rate)).toBe(1);
    expect(hoursLeft(7.2e9, null)).toBeNull();
    expect(hoursLeft(7.2e9, { ...rate, bytesPerSecond: 0 })).toBeNull();
  });
});
