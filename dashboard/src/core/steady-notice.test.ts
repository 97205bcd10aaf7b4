import { describe, expect, it } from 'vitest';
import { SteadyNotice } from './steady-notice.js';
import type { Notice } from './wording.js';

const paused: Notice = { severity: 'warning', title: 'Outlines paused', detail: '12 of 25' };
const delayed: Notice = { severity: 'warning', title: 'Outlines late', detail: 'too old' };

/** Titles shown, one per 50 ms, while `wanted` says what is true at that moment. */
function shown(wanted: (ms: number) => Notice | null, forMs: number): (string | null)[] {
  const steady = new SteadyNotice();
  return Array.from(
    { length: forMs / 50 },
    (_, index) => steady.next(wanted(index * 50), index * 50)?.title ?? null,
  );
}

const changes = (titles: readonly (string | null)[]): number =>
  titles.filter((title, index) => index > 0 && title !== titles[index - 1]).length;

describe('a notice about outlines', () => {
  it('does not appear for a single late picture', () => {
    expect(changes(shown((ms) => (ms >= 1000 && ms < 1200 ? paused : null), 5000))).toBe(0);
  });

  it('does not flicker where it is true every other moment', () => {
    const titles = shown((ms) => (Math.floor(ms / 400) % 2 === 0 ? paused : null), 20_000);
    expect(changes(titles)).toBe(1);
    expect(titles.at(-1)).toBe('Outlines paused');
  });

  it('does not jump between two reasons', () => {
    const titles = shown((ms) => (Math.floor(ms / 700) % 2 === 0 ? paused : delayed), 20_000);
    expect(changes(titles)).toBe(1);
  });

  it('goes once it has not been true for a while, and not sooner', () => {
    const titles = shown((ms) => (ms < 5000 ? paused : null), 10_000);
    expect(titles[Math.floor(6000 / 50)]).toBe('Outlines paused');
    expect(titles.at(-1)).toBeNull();
  });

  it('always has the present figures', () => {
    const steady = new SteadyNotice();
    steady.next(paused, 0);
    steady.next(paused, 400);
    expect(steady.next({ ...paused, detail: '13 of 25' }, 450)?.detail).toBe('13 of 25');
  });

  it('is gone at once where nobody wants to see outlines', () => {
    const steady = new SteadyNotice();
    steady.next(paused, 0);
    expect(steady.next(paused, 400)).toBe(paused);
    steady.clear();
    expect(steady.next(paused, 450)).toBeNull();
  });
});
