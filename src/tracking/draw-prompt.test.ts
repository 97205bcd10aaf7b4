import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskArea, maskFromBitmap } from '../mask/rle.js';
import type { Point, Prompt } from '../vocabulary/prompt.js';
import { drawPrompts, maskCoverage } from './draw-prompt.js';
import { testModel } from '../../tests/tracker-answers.js';
import { checkPrompts } from './prompt-check.js';

const { width, height } = testModel.inputSize;
const source = { width: width * 4, height: height * 4 };
const area = width * height;

function planesOf(prompts: readonly Prompt[], current = null as ReturnType<typeof maskFromBitmap> | null) {
  const { planes, maskGiven } = drawPrompts(testModel, source, prompts, current);
  const plane = (name: keyof typeof testModel.planes): Uint8Array =>
    planes.subarray(testModel.planes[name] * area, (testModel.planes[name] + 1) * area);
  return {
    maskGiven,
    positive: plane('positive'),
    negative: plane('negative'),
    box: plane('box'),
    mask: plane('mask'),
  };
}
const on = (plane: Uint8Array): number => plane.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0);
const distance = (x: number, y: number, [x0, y0]: Point, [x1, y1]: Point): number => {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / squared, 0), 1);
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
};

describe('drawn prompts', () => {
  it('draw each kind into its own plane', () => {
    const drawn = planesOf([
      { type: 'click', point: [20, 20], positive: true },
      { type: 'click', point: [60, 40], positive: false },
      { type: 'box', box: [8, 8, 40, 48] },
    ]);
    expect(on(drawn.positive)).toBeGreaterThan(0);
    expect(on(drawn.negative)).toBe(on(drawn.positive));
    expect(on(drawn.box)).toBe(8 * 10);
    expect(on(drawn.mask)).toBe(0);
    expect(drawn.maskGiven).toBe(false);
  });

  it('are the pixels within half a stroke of the line, wherever it goes', () => {
    const point = fc.tuple(
      fc.double({ min: 0, max: source.width, noNaN: true }),
      fc.double({ min: 0, max: source.height, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 5 }), (points) => {
        const { positive } = planesOf([{ type: 'scribble', points, positive: true }]);
        const line = points.map(([x, y]): Point => [x / 4, y / 4]);
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const nearest = Math.min(
              ...line.map((start, index) => distance(x + 0.5, y + 0.5, start, line[index + 1] ?? start)),
            );
            if (Math.abs(nearest - testModel.scribbleWidth / 2) > 1e-9)
              expect(positive[y * width + x]).toBe(nearest < testModel.scribbleWidth / 2 ? 255 : 0);
          }
      }),
    );
  });

  it('never lose a box, however small', () => {
    const place = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(place, place, (x, y) => {
        const [left, top] = [x * source.width, y * source.height];
        expect(on(planesOf([{ type: 'box', box: [left, top, left + 0.01, top + 0.01] }]).box)).toBe(1);
      }),
    );
  });

  it('take a mask alone as given, a mask with clicks as a start', () => {
    const mask = maskFromBitmap(new Uint8Array(area).fill(1), width, height);
    expect(planesOf([{ type: 'mask', mask }]).maskGiven).toBe(true);
    const refined = planesOf([
      { type: 'mask', mask },
      { type: 'click', point: [1, 1], positive: false },
    ]);
    expect(refined.maskGiven).toBe(false);
    expect(on(refined.mask)).toBe(area);
    const current = planesOf([{ type: 'click', point: [1, 1], positive: true }], mask);
    expect(current.maskGiven).toBe(false);
    expect(on(current.mask)).toBe(area);
  });
});

describe('mask coverage', () => {
  it('keeps the covered share of the picture, larger or smaller', () => {
    const size = fc.integer({ min: 1, max: 30 });
    const picture = fc
      .tuple(size, size)
      .chain(([width, height]) =>
        fc
          .array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height })
          .map((values) => maskFromBitmap(Uint8Array.from(values), width, height)),
      );
    fc.assert(
      fc.property(picture, size, size, (mask, toWidth, toHeight) => {
        const coverage = maskCoverage(mask, { width: toWidth, height: toHeight });
        const share = coverage.reduce((sum, value) => sum + value, 0) / 255 / (toWidth * toHeight);
        expect(Math.abs(share - maskArea(mask) / (mask.width * mask.height))).toBeLessThan(0.5 / 255 + 1e-9);
      }),
    );
  });

  it('averages blocks when it halves', () => {
    const mask = maskFromBitmap(Uint8Array.of(1, 1, 1, 0, 1, 0, 0, 0), 4, 2);
    expect([...maskCoverage(mask, { width: 2, height: 1 })]).toEqual([191, 64]);
  });
});

describe('prompt checks', () => {
  const code = (prompts: readonly Prompt[]): string => {
    try {
      checkPrompts(prompts, source);
      return 'fine';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it('accept the border and refuse beyond it', () => {
    expect(code([{ type: 'click', point: [0, 0], positive: true }])).toBe('fine');
    expect(code([{ type: 'click', point: [source.width, source.height], positive: true }])).toBe('fine');
    expect(code([{ type: 'click', point: [source.width + 0.1, 0], positive: true }])).toBe(
      'SONO_PROMPT_OUTSIDE',
    );
  });

  it('refuse what is no mark', () => {
    const mask = maskFromBitmap(new Uint8Array(source.width * source.height), source.width, source.height);
    expect(code([])).toBe('SONO_PROMPT_EMPTY');
    expect(code([{ type: 'mask', mask }])).toBe('SONO_PROMPT_INVALID');
    expect(code([{ type: 'mask', mask: { ...mask, width: 3 } }])).toBe('SONO_PROMPT_INVALID');
    expect(code([{ type: 'scribble', points: [], positive: true }])).toBe('SONO_PROMPT_INVALID');
    expect(code(Array<Prompt>(300).fill({ type: 'click', point: [1, 1], positive: true }))).toBe(
      'SONO_PROMPT_INVALID',
    );
  });

  it('never let a mark through that drawing cannot take', () => {
    const number = fc.oneof(
      fc.double(),
      fc.double({ min: -5, max: 100 }),
      fc.constantFrom(NaN, Infinity, -0, 1e300),
    );
    const prompt = fc.oneof(
      fc.record({
        type: fc.constant('click' as const),
        point: fc.tuple(number, number),
        positive: fc.boolean(),
      }),
      fc.record({ type: fc.constant('box' as const), box: fc.tuple(number, number, number, number) }),
      fc.record({
        type: fc.constant('scribble' as const),
        points: fc.array(fc.tuple(number, number), { maxLength: 4 }),
        positive: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(fc.array(prompt, { maxLength: 3 }), (prompts) => {
        if (code(prompts) !== 'fine') return;
        const { planes } = drawPrompts(testModel, source, prompts, null);
        expect(planes.every((value) => value === 0 || value === 255)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
