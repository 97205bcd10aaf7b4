import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answers, seen, testModel } from '../../tests/tracker-answers.js';
import { packageRoot } from '../node/built-module.js';
import { Tracker } from '../tracking/tracker.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot.js';

const frame = (index: number) => ({
  streamId: 's',
  ptsNs: index * 40_000_000,
  captureNs: 0,
  mediaNs: 0,
  sourceFrame: index,
  discontinuity: 0,
});

function usedTracker(): Tracker {
  const tracker = new Tracker(testModel, {
    policy: 'sam2',
    sourceSize: { width: 96, height: 64 },
    keepLogits: false,
  });
  const mask = { width: 96, height: 64, counts: Uint32Array.of(100, 6044) };
  const prompts = [
    [{ type: 'click', point: [3, 4], positive: true }],
    [{ type: 'mask', mask }],
    [
      { type: 'scribble', points: [[1, 2]], positive: false },
      { type: 'box', box: [1, 2, 30, 40] },
    ],
  ] as const;
  for (const marks of prompts) {
    const plan = tracker.planPrompt({ objectId: null, label: null, prompts: marks }, frame(0));
    tracker.commitPrompt(plan, answers([seen], 0));
  }
  for (let index = 1; index < 6; index++) {
    const bank = tracker.planTrack();
    tracker.commitTrack(frame(index), answers(Array<typeof seen>(bank?.objects ?? 0).fill(seen), index));
  }
  tracker.rename(1, 'renamed');
  tracker.remove(2);
  return tracker;
}

const stored = JSON.stringify(encodeSnapshot(usedTracker().snapshot(), 'model'));
const codeOf = (json: unknown, modelSha256 = 'model'): string => {
  try {
    decodeSnapshot(json, testModel, modelSha256);
    return 'fine';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('engine snapshots', () => {
  it('come back exactly, through JSON', () => {
    expect(decodeSnapshot(JSON.parse(stored), testModel, 'model')).toEqual(usedTracker().snapshot());
  });

  it('hold a tensor that objects share only once', () => {
    const { arrays } = encodeSnapshot(usedTracker().snapshot(), 'model');
    const keys = arrays.filter(
      ({ base64 }) => Buffer.from(base64, 'base64').length === testModel.keyLength * 4,
    );
    // Three prompts on frame 0 (a call each), then one key for both objects and the removed one on each frame.
    expect(keys.length).toBe(3 + 3);
  });

  it('of 0.1, from before policies could keep a state of their own, load unchanged and go on', () => {
    const text = readFileSync(join(packageRoot, 'tests/golden/snapshots/engine-v1.json'), 'utf8');
    const old = decodeSnapshot(JSON.parse(text), testModel, 'model');
    expect(JSON.stringify(encodeSnapshot(old, 'model'))).toBe(text.trim());
    const tracker = new Tracker(testModel, {
      policy: 'first',
      sourceSize: { width: 1, height: 1 },
      keepLogits: false,
    });
    tracker.restore(old);
    expect(JSON.stringify(encodeSnapshot(tracker.snapshot(), 'model'))).toBe(text.trim());
    expect(tracker.policy).toBe('gated');
    expect(tracker.planTrack()?.valid).toEqual(Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1));
    expect(tracker.undo(2)).toBe(2);
    expect(tracker.commitTrack(frame(7), answers([seen, seen, seen], 9)).map(({ state }) => state)).toEqual([
      'tracking',
      'uncertain',
      'tracking',
    ]);
  });

  it('of another model are refused', () => {
    expect(codeOf(JSON.parse(stored), 'other')).toBe('SONO_SNAPSHOT_INVALID');
  });

  it('with any part missing or of another type are refused', () => {
    const places: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const key of Object.keys(value)) {
        places.push([...path, key]);
        walk((value as Record<string, unknown>)[key], [...path, key]);
      }
    };
    walk(JSON.parse(stored), []);
    const laterFields = new Set<string | number>(['slot', 'mark', 'atNs', 'keptUntilNs']);
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.constantFrom<unknown>(undefined, {}, [[]], 'x', -7.5, true),
        (path, replacement) => {
          const json = JSON.parse(stored) as Record<string | number, unknown>;
          let parent = json;
          for (const key of path.slice(0, -1)) parent = parent[key] as typeof json;
          const last = path.at(-1) ?? '';
          // Those of before have no place of a colour, and know less of what undo takes back and of pictures that are drawn on.
          if (laterFields.has(last) && replacement === undefined) return;
          const before = parent[last];
          parent[last] = replacement;
          // Free text, numbers and flags may be others of their kind; everything else must be noticed.
          if (before === null || (typeof before === typeof replacement && typeof before !== 'object')) return;
          expect(codeOf(JSON.parse(JSON.stringify(json)))).toBe('SONO_SNAPSHOT_INVALID');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('with a mark that does not say whether it belongs to the object are refused', () => {
    const json = stored.replaceAll(',"positive":true', '');
    expect(json).not.toBe(stored);
    expect(codeOf(JSON.parse(json))).toBe('SONO_SNAPSHOT_INVALID');
  });

  it.each([null, 7, 'text', [], {}])('that are %j are refused', (json) => {
    expect(codeOf(json)).toBe('SONO_SNAPSHOT_INVALID');
  });
});
