/** The JSON file of an evaluation: written whole or not at all, checked when read again. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { checkNamed, writeNamed, writeReason } from '../node/files.js';
import { makeFolder } from '../node/make-folder.js';
import { ejectionSchema } from './ejection/result.js';
import { evaluateError } from './errors.js';
import type { GroupResult } from './groups.js';
import type { ResultHead } from './result-head.js';
import type { RunResult } from './result.js';

export const resultSchema = 'sonoscope.evaluation/1';

export interface ResultFile extends RunResult, ResultHead {
  readonly schema: typeof resultSchema;
  readonly prompt: string;
  readonly tolerance: number;
  readonly groups: readonly GroupResult[] | null;
  /** All policies of the run, the first one included; absent where there was one. */
  readonly policies?: readonly RunResult[];
}

/**
 * Makes the folder where there is none. A device or a pipe (/dev/stdout) is written to. Throws SONO_EVALUATE_OUTPUT.
 */
export async function writeResult(path: string, text: string): Promise<void> {
  await named(path, () => writeNamed(path, text));
}

/** Fails before a long run, not after it: SONO_EVALUATE_OUTPUT. */
export async function checkResultPlace(path: string): Promise<void> {
  await named(path, () => checkNamed(path));
}

async function named(path: string, use: () => Promise<void>): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await use();
  } catch (error) {
    throw evaluateError('SONO_EVALUATE_OUTPUT', { path, reason: writeReason(error) }, error);
  }
}

const figures = { J: z.number(), F: z.number(), JF: z.number(), dice: z.number() };
const comparable = z.looseObject({
  schema: z.literal(resultSchema),
  predictor: z.string(),
  prompt: z.string(),
  dataset: z.looseObject({ kind: z.string(), name: z.string() }),
  mean: z.looseObject(figures),
  clips: z.array(
    z.looseObject({
      name: z.string(),
      objects: z.array(z.looseObject({ ...figures, label: z.number(), name: z.string() })),
    }),
  ),
});
export type ComparableResult = z.infer<typeof comparable>;

/** What `--task ef` writes: figures of another kind, which must not be read as a damaged file. */
const ofEjection = z.looseObject({ schema: z.literal(ejectionSchema) });

const calibratable = z.looseObject({
  schema: z.literal(ejectionSchema),
  clips: z.array(
    z.looseObject({
      referencePercent: z.number(),
      measuredPercent: z.number().nullable(),
      interval: z.object({ low: z.number(), high: z.number() }).nullable(),
    }),
  ),
});

/** Throws SONO_EVALUATE_RESULT, SONO_EVALUATE_COMPARE. */
export function readResult(path: string): ComparableResult {
  const content = readJson(path);
  if (ofEjection.safeParse(content).success) throw evaluateError('SONO_EVALUATE_COMPARE', { path });
  return parsedAs(comparable, content, path);
}

/** A result of `--task ef`. Throws SONO_EVALUATE_RESULT. */
export function readEjectionResult(path: string): z.infer<typeof calibratable> {
  return parsedAs(calibratable, readJson(path), path);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw evaluateError('SONO_EVALUATE_RESULT', { path, reason: 'it cannot be read as JSON' }, error);
  }
}

function parsedAs<T>(schema: z.ZodType<T>, content: unknown, path: string): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw evaluateError('SONO_EVALUATE_RESULT', {
    path,
    reason: `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim(),
  });
}
