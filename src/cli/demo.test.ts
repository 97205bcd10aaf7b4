import { describe, expect, it } from 'vitest';
import { keepsUp, type MeasuredEdition } from '../app/choose-model.js';
import { chooseRate } from './demo.js';

/** Two scenes on two cores, one thread each. */
function measured(times: Readonly<Record<string, number>>, besideCores: number): MeasuredEdition[] {
  const demand = {
    streams: 2,
    analysed: 2,
    framesPerSecond: 20,
    threads: 1,
    cores: 2,
    besideCores,
    onProcessor: true,
  };
  return Object.entries(times).map(([name, frameMs]) => ({
    name,
    modelDir: `/m/${name}`,
    frameMs,
    demand,
    keepsUp: keepsUp(frameMs, demand),
  }));
}

describe('the rate of the demonstration', () => {
  const rate = (times: Readonly<Record<string, number>>, besideCores: number): number =>
    chooseRate(measured(times, besideCores), 'light');

  it('is the usual one where an accurate edition keeps up with it', () => {
    expect(rate({ compact: 66, fast: 20 }, 0.4)).toBe(20);
  });

  it('falls a step rather than to the least accurate edition', () => {
    expect(rate({ compact: 66, fast: 23, light: 11 }, 0.5)).toBe(16);
  });

  it('is what the least accurate edition keeps up with where no other does', () => {
    expect(rate({ compact: 120, fast: 46, light: 16 }, 0.9)).toBe(12);
    expect(rate({ compact: 120, fast: 60, light: 11 }, 0.5)).toBe(20);
  });

  it('is the lowest where none keeps up', () => {
    expect(rate({ compact: 300, fast: 150, light: 90 }, 0.9)).toBe(12);
  });
});
