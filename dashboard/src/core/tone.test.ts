import { expect, it } from 'vitest';
import { isPlain, plainTone, toneFilter, toneWithin } from './tone.js';

/** What the filter makes of a level, by the formulas of CSS Filter Effects. */
function shown(value: number, filter: string): number {
  const [brightness = 1, contrast = 1] = [...filter.matchAll(/\(([\d.]+)\)/g)].map(([, text]) =>
    Number(text),
  );
  const clip = (part: number): number => Math.min(1, Math.max(0, part));
  return 255 * clip((clip((value / 255) * brightness) - 0.5) * contrast + 0.5);
}

it('spreads its window from black to white', () => {
  for (const tone of [
    { window: 100, level: 60 },
    { window: 40, level: 200 },
    { window: 255, level: 127.5 },
    { window: 120, level: 255 },
  ]) {
    const filter = toneFilter(tone);
    const { window, level } = tone;
    for (const value of [0, 10, 33, 60, 127, 200, 255]) {
      const wanted = Math.min(255, Math.max(0, ((value - level + window / 2) * 255) / window));
      expect(shown(value, filter), `${value} by ${filter}`).toBeCloseTo(wanted, 6);
    }
  }
});

it('leaves the picture as it came alone, and keeps black black', () => {
  expect(toneFilter(plainTone)).toBe('none');
  expect(isPlain(toneWithin({ window: 999, level: 0 }))).toBe(true);
  expect(toneWithin({ window: 1, level: 999 })).toEqual({ window: 16, level: 255 });
  expect(toneWithin({ window: 200, level: 20 })).toEqual({ window: 200, level: 100 });
});
