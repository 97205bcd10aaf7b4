import { describe, expect, it } from 'vitest';
import { readEntry, readRoute, writeRoute } from './route.js';
import type { Route } from './route.js';

const plain = readEntry('');

describe('addresses', () => {
  it.each<Route>([
    { view: 'rooms' },
    { view: 'room', stream: 'OR 3/left' },
    { view: 'acceptance', stream: 'echo' },
    { view: 'recordings', rest: '' },
    { view: 'recordings', rest: 'case-1/timeline' },
    { view: 'unknown', address: 'nonsense/not here' },
  ])('%j there and back', (route) => {
    expect(readRoute(writeRoute(route), plain)).toEqual(route);
  });

  it('an unknown one is said to be unknown, a broken one leads to the rooms', () => {
    expect(readRoute('#/nonsense/x', plain)).toEqual({ view: 'unknown', address: 'nonsense/x' });
    expect(readRoute('#/room/', plain)).toEqual({ view: 'rooms' });
    expect(readRoute('#/room/%E0%A4%A', plain)).toEqual({ view: 'room', stream: '%E0%A4%A' });
  });

  it('?room= opens that room, ?clean=1 the clean feed', () => {
    expect(readRoute('', readEntry('?room=echo'))).toEqual({ view: 'room', stream: 'echo' });
    expect(readEntry('?clean=1&room=echo')).toEqual({ clean: true, kiosk: false, stream: 'echo' });
    expect(readEntry('?kiosk=1&room=echo')).toEqual({ clean: false, kiosk: true, stream: 'echo' });
    expect(readEntry('?clean=0').clean).toBe(false);
    expect(readEntry('?clean').clean).toBe(true);
  });
});
