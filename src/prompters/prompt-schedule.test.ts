import { describe, expect, it } from 'vitest';
import { planSteps, type PromptScript } from '../vocabulary/prompt-script.js';
import { PromptSchedule } from './prompt-schedule.js';
import { marksProblem, type Prompt, type PromptProblem } from '../vocabulary/prompt.js';

const click = (x: number): Prompt => ({ type: 'click', point: [x, 1], positive: true });
const plan: PromptScript = {
  objects: [
    {
      label: 'a',
      prompts: [
        { moment: { kind: 'frame', frame: 2 }, prompt: click(1) },
        { moment: { kind: 'frame', frame: 2 }, prompt: click(2) },
        { moment: { kind: 'frame', frame: 5 }, prompt: click(3) },
      ],
    },
    { label: 'b', prompts: [{ moment: { kind: 'time', timeMs: 80 }, prompt: click(4) }] },
  ],
};
const frame = (sourceFrame: number, discontinuity = 0) => ({
  sourceFrame,
  discontinuity,
  mediaNs: sourceFrame * 40e6,
});

describe('prompt plan', () => {
  it('joins the prompts of one object and one moment into one step', () => {
    expect(planSteps(plan).map((step) => [step.label, step.prompts.length])).toEqual([
      ['a', 2],
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('hands each step out once per discontinuity, at its frame or the nearest that follows', () => {
    const schedule = new PromptSchedule(plan);
    expect(schedule.due(frame(0))).toEqual([]);
    expect(schedule.due(frame(1))).toEqual([]);
    // Frame 2 was dropped.
    expect(schedule.due(frame(3)).map((step) => step.label)).toEqual(['a', 'b']);
    expect(schedule.due(frame(4))).toEqual([]);
    expect(schedule.pending).toHaveLength(1);
    expect(schedule.due(frame(9)).map((step) => step.prompts)).toEqual([[click(3)]]);
    expect(schedule.due(frame(10))).toEqual([]);
    expect(schedule.due(frame(0, 1))).toEqual([]);
    expect(schedule.due(frame(6, 1))).toHaveLength(3);
  });

  it('takes a frame whose rounded time lies just before the moment', () => {
    const schedule = new PromptSchedule({
      objects: [{ label: 'a', prompts: [{ moment: { kind: 'time', timeMs: 33.334 }, prompt: click(1) }] }],
    });
    expect(schedule.due({ sourceFrame: 1, discontinuity: 0, mediaNs: 33_333_333 })).toHaveLength(1);
  });

  it.each<[Prompt, PromptProblem | null]>([
    [click(3), null],
    [{ type: 'click', point: [100, 50], positive: true }, null],
    [{ type: 'click', point: [100.1, 5], positive: true }, 'outside'],
    [{ type: 'click', point: [Number.NaN, 5], positive: true }, 'not-finite'],
    [{ type: 'box', box: [0, 0, 100, 50] }, null],
    [{ type: 'box', box: [-1, 0, 100, 50] }, 'outside'],
    [{ type: 'box', box: [9, 0, 9, 50] }, 'box-inside-out'],
    [{ type: 'box', box: [0, 0, Number.POSITIVE_INFINITY, 50] }, 'not-finite'],
    [{ type: 'scribble', points: [], positive: true }, 'scribble-empty'],
    [
      {
        type: 'scribble',
        points: [
          [1, 1],
          [1, 60],
        ],
        positive: true,
      },
      'outside',
    ],
    [
      { type: 'scribble', points: Array.from({ length: 10_001 }, () => [1, 1] as const), positive: true },
      'too-many-points',
    ],
    [{ type: 'mask', mask: { width: 100, height: 51, counts: Uint32Array.of(0, 5100) } }, 'mask-size'],
    [{ type: 'mask', mask: { width: 100, height: 50, counts: Uint32Array.of(5000) } }, 'mask-empty'],
    [{ type: 'mask', mask: { width: 100, height: 50, counts: Uint32Array.of(10, 4990) } }, null],
  ])('finds what is wrong with %j', (prompt, problem) => {
    expect(marksProblem([prompt], { width: 100, height: 50 })).toBe(problem);
  });
});
