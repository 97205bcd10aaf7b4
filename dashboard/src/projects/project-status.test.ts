import { describe, expect, it } from 'vitest';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { statusText } from './project-status.js';

const read: ProjectState = {
  ...{ id: 'case-1', name: 'case', uri: '/case.mp4', createdUnixMs: 0, upToDate: false, exports: [] },
  format: {
    ...{ size: { width: 64, height: 48 }, framesPerSecond: 25, pixelSpacingMm: null },
    ...{ frameCount: 40, description: 'made by hand' },
  },
  pictures: { frames: 40, complete: true, problem: null },
  objects: [{ label: 'a', prompts: [{ frame: 0, type: 'box' }] }],
  run: { phase: 'idle' },
  ...{ finder: null, measuresHeart: false, corrections: 0, pair: null },
};
const progress = { pass: 'backward' as const, frames: 3, totalFrames: 20, sourceFrame: 17, objects: [] };

describe('the line under the name of a project', () => {
  it.each<[string, Partial<ProjectState>]>([
    ['Marks have changed: track again.', {}],
    ['Tracked.', { upToDate: true }],
    ['Nothing has to be marked: let the model look.', { finder: 'echo-lv', objects: [] }],
    ['Found and measured.', { finder: 'echo-lv', measuresHeart: true, upToDate: true }],
    ['Finding: 3 of 20', { finder: 'echo-lv', run: { phase: 'running', what: 'tracking', progress } }],
    ['Mark an object: choose a tool, go to a picture where it is well seen, draw.', { objects: [] }],
    ['7 of 40 pictures read', { pictures: { frames: 7, complete: false, problem: null } }],
    ['The disk is full.', { pictures: { frames: 7, complete: false, problem: 'The disk is full.' } }],
    ['Loading the model …', { run: { phase: 'running', what: 'tracking', progress: null } }],
    ['Tracking backwards: 3 of 20', { run: { phase: 'running', what: 'tracking', progress } }],
    [
      'Tracking: 3',
      {
        run: {
          phase: 'running',
          what: 'tracking',
          progress: { ...progress, pass: 'forward', totalFrames: null },
        },
      },
    ],
    ['Writing files …', { run: { phase: 'running', what: 'export', progress } }],
    ['It stopped.', { run: { phase: 'failed', code: 'SONO_REPLAY_STOPPED', message: 'It stopped.' } }],
  ])('says "%s"', (text, change) => {
    expect(statusText({ ...read, ...change })).toBe(text);
  });
});
