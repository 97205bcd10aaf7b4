import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SonoError } from '../vocabulary/errors.js';
import { maskArea, maskToBitmap } from '../mask/rle.js';
import { marksProblem } from '../vocabulary/prompt.js';
import { parsePromptFile, readPromptFile } from './prompt-file.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prompt-file-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inFolder = () => join(folder, 'prompts.json');
const one = (...prompts: object[]) => JSON.stringify({ objects: [{ label: 'tool', prompts }] });

async function refusal(text: string): Promise<SonoError> {
  try {
    await parsePromptFile(text, inFolder());
  } catch (error) {
    if (error instanceof SonoError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('prompt file', () => {
  it('reads the example of the documentation', async () => {
    const plan = await parsePromptFile(
      '{"objects":[{"label":"gallbladder","prompts":[{"frame":0,"type":"box","box":[575,40,870,655]}]}]}',
      inFolder(),
    );
    expect(plan).toEqual({
      objects: [
        {
          label: 'gallbladder',
          prompts: [
            { moment: { kind: 'frame', frame: 0 }, prompt: { type: 'box', box: [575, 40, 870, 655] } },
          ],
        },
      ],
    });
  });

  it('reads every type of prompt, by frame or by time', async () => {
    const text = JSON.stringify({
      objects: [
        {
          label: 'a',
          prompts: [
            { frame: 3, type: 'click', point: [1.5, 2.5] },
            { timeMs: 120.5, type: 'click', point: [1, 2], positive: false },
            {
              frame: 4,
              type: 'scribble',
              points: [
                [0, 0],
                [9, 9],
              ],
            },
          ],
        },
      ],
    });
    const plan = await parsePromptFile(text, inFolder());
    expect(plan.objects[0]?.prompts).toEqual([
      { moment: { kind: 'frame', frame: 3 }, prompt: { type: 'click', point: [1.5, 2.5], positive: true } },
      { moment: { kind: 'time', timeMs: 120.5 }, prompt: { type: 'click', point: [1, 2], positive: false } },
      {
        moment: { kind: 'frame', frame: 4 },
        prompt: {
          type: 'scribble',
          points: [
            [0, 0],
            [9, 9],
          ],
          positive: true,
        },
      },
    ]);
  });

  it('loads a mask picture, whatever its colours, pixel for pixel', async () => {
    const bitmap = new Uint8Array(7 * 5);
    for (const pixel of [8, 9, 15, 16, 34]) bitmap[pixel] = 1;
    await sharp(Buffer.from(bitmap.map((value) => value * 255)), {
      raw: { width: 7, height: 5, channels: 1 },
    })
      .png()
      .toFile(join(folder, 'gray.png'));
    await sharp(Buffer.from([...bitmap].flatMap((value) => [0, 0, value * 3])), {
      raw: { width: 7, height: 5, channels: 3 },
    })
      .png()
      .toFile(join(folder, 'blue.png'));
    for (const path of ['gray.png', 'blue.png']) {
      const plan = await parsePromptFile(one({ frame: 0, type: 'mask', path }), inFolder());
      const prompt = plan.objects[0]?.prompts[0]?.prompt;
      if (prompt?.type !== 'mask') throw new Error('no mask');
      expect(maskToBitmap(prompt.mask)).toEqual(bitmap);
      expect(maskArea(prompt.mask)).toBe(5);
      expect(marksProblem([prompt], { width: 7, height: 5 })).toBeNull();
      expect(marksProblem([prompt], { width: 8, height: 5 })).toBe('mask-size');
    }
  });

  it('refuses masks that cannot be read or mark nothing', async () => {
    await sharp({ create: { width: 4, height: 4, channels: 3, background: '#000' } })
      .png()
      .toFile(join(folder, 'black.png'));
    writeFileSync(join(folder, 'text.png'), 'not a picture');
    expect((await refusal(one({ frame: 0, type: 'mask', path: 'absent.png' }))).message).toContain(
      'no such file',
    );
    expect((await refusal(one({ frame: 0, type: 'mask', path: 'text.png' }))).code).toBe(
      'SONO_PROMPT_MASK_UNREADABLE',
    );
    expect((await refusal(one({ frame: 0, type: 'mask', path: 'black.png' }))).code).toBe(
      'SONO_PROMPT_MASK_EMPTY',
    );
  });

  it.each([
    ['', 'SONO_PROMPT_FILE_SYNTAX', 'empty'],
    ['{"objects":[NaN]}', 'SONO_PROMPT_FILE_SYNTAX', 'JSON'],
    ['[]', 'SONO_PROMPT_FILE_VALUE', 'a group of settings'],
    ['{"object":[]}', 'SONO_PROMPT_FILE_KEY', '"objects"'],
    ['{"objects":[]}', 'SONO_PROMPT_FILE_VALUE', 'at least 1'],
    [one({ frame: 0, type: 'box', boxx: [1, 2, 3, 4] }), 'SONO_PROMPT_FILE_KEY', '"box"'],
    [one({ frame: 0, type: 'box', box: [1, 2, 3] }), 'SONO_PROMPT_FILE_VALUE', 'objects[0].prompts[0].box'],
    [one({ frame: 0, type: 'box', box: [5, 2, 3, 4] }), 'SONO_PROMPT_BOX_INSIDE_OUT', 'inside out'],
    [one({ frame: 0, type: 'circle', point: [5, 2] }), 'SONO_PROMPT_FILE_VALUE', 'scribble'],
    [one({ frame: -1, type: 'click', point: [5, 2] }), 'SONO_PROMPT_FILE_VALUE', 'at least 0'],
    [one({ frame: 0.5, type: 'click', point: [5, 2] }), 'SONO_PROMPT_FILE_VALUE', 'whole number'],
    [one({ type: 'click', point: [5, 2] }), 'SONO_PROMPT_FILE_VALUE', 'either "frame" or "timeMs"'],
    [one({ frame: 1, timeMs: 1, type: 'click', point: [5, 2] }), 'SONO_PROMPT_FILE_VALUE', 'either'],
    [
      '{"objects":[{"label":"a","prompts":[{"frame":0,"type":"click","point":[1e999,0]}]}]}',
      'SONO_PROMPT_FILE_VALUE',
      'a number',
    ],
    [
      one({ frame: 0, type: 'scribble', points: Array.from({ length: 10_001 }, () => [1, 1]) }),
      'SONO_PROMPT_FILE_VALUE',
      'at most 10000',
    ],
    // What the tracker would refuse in the middle of a run.
    [
      JSON.stringify({
        objects: [{ label: 'x'.repeat(81), prompts: [{ frame: 0, type: 'click', point: [1, 1] }] }],
      }),
      'SONO_PROMPT_FILE_VALUE',
      'objects[0].label is not valid: it must be of at most 80 characters',
    ],
    [
      JSON.stringify({
        objects: [{ label: 'a\nb', prompts: [{ frame: 0, type: 'click', point: [1, 1] }] }],
      }),
      'SONO_PROMPT_FILE_VALUE',
      'no line breaks',
    ],
    [
      one(...Array.from({ length: 257 }, () => ({ timeMs: 40, type: 'click', point: [1, 1] }))),
      'SONO_PROMPT_FILE_VALUE',
      'objects[0].prompts, 40 ms is not valid: there are more than 256 marks',
    ],
    [
      one(
        ...[1, 2].map(() => ({
          frame: 0,
          type: 'scribble',
          points: Array.from({ length: 5_001 }, () => [1, 1]),
        })),
      ),
      'SONO_PROMPT_FILE_VALUE',
      'more than 10,000 points',
    ],
  ])('refuses %.60s', async (text, code, words) => {
    const error = await refusal(text);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.definition.exitCode).toBe(2);
  });

  it('takes as many marks as the tracker does, and more of them at other frames', async () => {
    const marks = Array.from({ length: 512 }, (_, index) => ({
      frame: index % 2,
      type: 'click',
      point: [1, 1],
    }));
    expect((await parsePromptFile(one(...marks), inFolder())).objects[0]?.prompts).toHaveLength(512);
  });

  it('refuses a label given twice, a missing file and one that is too large', async () => {
    const object = { label: 'a', prompts: [{ frame: 0, type: 'click', point: [1, 1] }] };
    expect((await refusal(JSON.stringify({ objects: [object, object] }))).code).toBe(
      'SONO_PROMPT_LABEL_TWICE',
    );
    await expect(readPromptFile(join(folder, 'absent.json'))).rejects.toMatchObject({
      code: 'SONO_PROMPT_FILE_MISSING',
    });
    await expect(readPromptFile(folder)).rejects.toMatchObject({ code: 'SONO_PROMPT_FILE_MISSING' });
    writeFileSync(inFolder(), ' '.repeat(9 * 1024 * 1024));
    await expect(readPromptFile(inFolder())).rejects.toMatchObject({ code: 'SONO_PROMPT_FILE_TOO_LARGE' });
  });

  it('answers any JSON with a plan or a coded error', async () => {
    const near = fc.record({
      objects: fc.array(
        fc.record({
          label: fc.oneof(fc.string(), fc.constant('a')),
          prompts: fc.array(
            fc.record(
              {
                frame: fc.oneof(fc.nat(), fc.double()),
                type: fc.constantFrom('click', 'box', 'scribble', 'lasso'),
                point: fc.array(fc.double(), { maxLength: 3 }),
                box: fc.array(fc.integer(), { minLength: 3, maxLength: 5 }),
                points: fc.array(fc.tuple(fc.double(), fc.double()), { maxLength: 3 }),
              },
              { requiredKeys: ['type'] },
            ),
            { maxLength: 3 },
          ),
        }),
        { maxLength: 3 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, fc.jsonValue()), async (value) => {
        const outcome: unknown = await parsePromptFile(JSON.stringify(value), inFolder()).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SonoError);
      }),
      { numRuns: 300 },
    );
  });
});
