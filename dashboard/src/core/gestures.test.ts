import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idle, makesObjects, makingTool, stepGesture } from './gestures.js';
import type { DrawingTool, GestureInput, GestureState, Repair } from './gestures.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';

const picture = { width: 640, height: 360 };

function perform(
  tool: DrawingTool,
  inputs: readonly GestureInput[],
): { prompts: Prompt[]; repairs: Repair[]; begun: number; state: GestureState } {
  let state: GestureState = idle;
  const repairs: Repair[] = [];
  const prompts: Prompt[] = [];
  let begun = 0;
  for (const input of inputs) {
    const step = stepGesture(state, tool, input, picture);
    state = step.state;
    if (step.began) begun += 1;
    if (step.prompt) prompts.push(step.prompt);
    if (step.repair) repairs.push(step.repair);
  }
  return { prompts, repairs, begun, state };
}

const down = (x: number, y: number, opposite = false): GestureInput => ({
  kind: 'down',
  at: [x, y],
  opposite,
});
const move = (x: number, y: number): GestureInput => ({ kind: 'move', at: [x, y] });
const up: GestureInput = { kind: 'up' };

describe('gestures', () => {
  it.each([
    ['include', false, true],
    ['include', true, false],
    ['exclude', false, false],
    ['exclude', true, true],
  ] as const)('%s, opposite %s → positive %s', (tool, opposite, positive) => {
    const { prompts, begun } = perform(tool, [down(10.123, 20, opposite), move(12, 21), up]);
    expect(prompts).toEqual([{ type: 'click', point: [10.12, 20], positive }]);
    expect(begun).toBe(1);
  });

  it('a box may be drawn from any corner', () => {
    for (const [from, to] of [
      [
        [100, 50],
        [200, 150],
      ],
      [
        [200, 150],
        [100, 50],
      ],
      [
        [200, 50],
        [100, 150],
      ],
    ] as const)
      expect(perform('box', [down(...from), move(...to), up]).prompts).toEqual([
        { type: 'box', box: [100, 50, 200, 150] },
      ]);
  });

  it('a box of nearly nothing is a slip', () => {
    expect(perform('box', [down(100, 50), move(102, 150), up]).prompts).toEqual([]);
  });

  it('strokes leave out points that say nothing', () => {
    const { prompts } = perform('scribble', [
      down(10, 10),
      move(10.5, 10),
      move(20, 10),
      move(21, 10),
      move(30, 10),
      up,
    ]);
    expect(prompts).toEqual([
      {
        type: 'scribble',
        points: [
          [10, 10],
          [20, 10],
          [30, 10],
        ],
        positive: true,
      },
    ]);
  });

  it('erasing is a negative stroke', () => {
    expect(perform('erase', [down(10, 10), move(20, 10), up]).prompts).toMatchObject([{ positive: false }]);
  });

  it('a click beside the picture means nothing in it', () => {
    expect(perform('include', [down(-1, 10), up])).toMatchObject({ prompts: [], begun: 0 });
  });

  it('a box begun or ended beside the picture ends at its border', () => {
    expect(perform('box', [down(-30, 10), move(50, 50), up]).prompts).toEqual([
      { type: 'box', box: [0, 10, 50, 50] },
    ]);
    expect(perform('box', [down(600, 300), move(900, 900), up]).prompts).toEqual([
      { type: 'box', box: [600, 300, 639.99, 359.99] },
    ]);
  });

  it('a stroke begun beside the picture begins where it comes in', () => {
    expect(
      perform('scribble', [down(-30, 10), move(-10, 20), move(5, 20), move(30, 20), up]).prompts,
    ).toEqual([
      {
        type: 'scribble',
        points: [
          [5, 20],
          [30, 20],
        ],
        positive: true,
      },
    ]);
    expect(perform('scribble', [down(-30, 10), move(-10, 20), up]).prompts).toEqual([]);
  });

  it('a cancelled gesture sends nothing', () => {
    expect(perform('scribble', [down(10, 10), move(20, 10), { kind: 'cancel' }, up]).prompts).toEqual([]);
  });

  it('tells what can make an object', () => {
    expect(makesObjects({ type: 'click', point: [1, 1], positive: true })).toBe(true);
    expect(makesObjects({ type: 'click', point: [1, 1], positive: false })).toBe(false);
    expect(makesObjects({ type: 'box', box: [0, 0, 9, 9] })).toBe(true);
    expect(makesObjects({ type: 'scribble', points: [[1, 1]], positive: false })).toBe(false);
  });

  it('whatever a hand does, prompts lie inside the picture and are bounded', () => {
    const point = fc.tuple(
      fc.double({ min: -900, max: 900, noNaN: true }),
      fc.double({ min: -900, max: 900, noNaN: true }),
    );
    const input = fc.oneof(
      fc.record({ kind: fc.constant('down' as const), at: point, opposite: fc.boolean() }),
      fc.record({ kind: fc.constant('move' as const), at: point }),
      fc.constant(up),
      fc.constant({ kind: 'cancel' as const }),
    );
    const inside = ([x, y]: Point): boolean => x >= 0 && y >= 0 && x <= picture.width && y <= picture.height;
    fc.assert(
      fc.property(
        fc.constantFrom<DrawingTool>('include', 'exclude', 'box', 'scribble', 'erase'),
        fc.array(input, { maxLength: 700 }),
        (tool, inputs) => {
          for (const prompt of perform(tool, inputs).prompts) {
            if (prompt.type === 'click') expect(inside(prompt.point)).toBe(true);
            else if (prompt.type === 'box') {
              const [x0, y0, x1, y1] = prompt.box;
              expect(x0 < x1 && y0 < y1 && inside([x0, y0]) && inside([x1, y1])).toBe(true);
            } else if (prompt.type === 'scribble') {
              expect(prompt.points.length).toBeLessThanOrEqual(512);
              expect(prompt.points.every(inside)).toBe(true);
            }
          }
        },
      ),
    );
  });

  it.each([
    ['brush', false, true],
    ['brush', true, false],
    ['rub', false, false],
    ['rub', true, true],
  ] as const)('%s, opposite %s → adds %s, and is no mark', (tool, opposite, adds) => {
    const { repairs, prompts, begun } = perform(tool, [down(10, 20, opposite), move(30, 20), up]);
    expect(repairs).toEqual([
      {
        ...{ kind: 'paint', adds },
        points: [
          [10, 20],
          [30, 20],
        ],
      },
    ]);
    expect(prompts).toEqual([]);
    expect(begun).toBe(1);
  });

  const triangle = [down(10, 10), up, down(100, 10), up, move(90, 90), down(90, 90), up];
  const corners: Point[] = [
    [10, 10],
    [100, 10],
    [90, 90],
  ];

  it('a polygon goes from corner to corner, and follows the hand between them', () => {
    const { state, repairs, begun } = perform('polygon', [...triangle, move(50, 50)]);
    expect(state).toEqual({ kind: 'polygon', corners, at: [50, 50], adds: true });
    expect(repairs).toEqual([]);
    expect(begun).toBe(1);
  });

  it.each([
    ['two presses on one place', down(91, 90)],
    ['a press on the first corner', down(11, 11)],
    ['a key', { kind: 'close' }],
  ] as const)('%s closes a polygon', (_, last) => {
    expect(perform('polygon', [...triangle, last]).repairs).toEqual([
      { kind: 'polygon', corners, adds: true },
    ]);
  });

  it('a polygon of two corners does not close; its corners are taken back one by one', () => {
    const two = [down(10, 10), up, down(100, 10), up];
    expect(perform('polygon', [...two, { kind: 'close' }]).repairs).toEqual([]);
    expect(perform('polygon', [...two, { kind: 'back' }]).state).toMatchObject({ corners: [[10, 10]] });
    expect(perform('polygon', [...two, { kind: 'back' }, { kind: 'back' }]).state).toEqual(idle);
  });

  it('a new object keeps the tool that can make one', () => {
    expect((['box', 'scribble', 'look', 'erase', 'rub'] as const).map(makingTool)).toEqual([
      ...['box', 'scribble', 'include', 'include', 'include'],
    ]);
  });
});
