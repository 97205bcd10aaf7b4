import { describe, expect, it } from 'vitest';
import { laneCode } from '../../../src/protocol/project-requests.js';
import { uncertainPictures } from './uncertain.js';

const [none, tracking, uncertain, lost] = (['none', 'tracking', 'uncertain', 'lost'] as const).map(laneCode);
const lane = (
  label: string,
  parts: readonly (readonly [state: number | undefined, confidence: number])[],
) => ({
  label,
  states: parts.map(([state]) => state ?? 0),
  confidences: parts.map(([, confidence]) => confidence),
});
const never = () => false;

describe('uncertain pictures', () => {
  it('come least certain first, over all objects', () => {
    const liver = lane('liver', [
      ...Array.from({ length: 20 }, () => [tracking, 90] as const),
      [uncertain, 40],
      ...Array.from({ length: 19 }, () => [tracking, 90] as const),
      [uncertain, 30],
    ]);
    const vessel = lane('vessel', [[uncertain, 35], ...Array.from({ length: 40 }, () => [none, 0] as const)]);
    expect(uncertainPictures([liver, vessel], 41, never)).toEqual([
      { label: 'liver', frame: 40, pictures: 1, confidence: 30 },
      { label: 'vessel', frame: 0, pictures: 1, confidence: 35 },
      { label: 'liver', frame: 20, pictures: 1, confidence: 40 },
    ]);
  });

  it('are one of a stretch, and of a lost object where it is lost first', () => {
    const stretch = lane('a', [
      [tracking, 90],
      [uncertain, 45],
      [uncertain, 20],
      [uncertain, 44],
    ]);
    expect(uncertainPictures([stretch], 4, never).map(({ frame }) => frame)).toEqual([2]);
    const gone = lane('a', [[tracking, 90], ...Array.from({ length: 30 }, () => [lost, 0] as const)]);
    expect(uncertainPictures([gone], 31, never).map(({ frame }) => frame)).toEqual([1]);
  });

  it('leave out what a person has marked, and know how many pictures a part has', () => {
    const parts = lane('a', [
      [uncertain, 10],
      [tracking, 90],
      [tracking, 90],
      [uncertain, 20],
    ]);
    const marked = (_: string, from: number, to: number): boolean => from <= 60 && 60 <= to;
    expect(uncertainPictures([parts], 400, never)).toEqual([
      { label: 'a', frame: 0, pictures: 100, confidence: 10 },
      { label: 'a', frame: 300, pictures: 100, confidence: 20 },
    ]);
    expect(uncertainPictures([parts], 400, marked).map(({ frame }) => frame)).toEqual([300]);
  });
});
