/** The JSON file of an evaluation: written whole or not at all, checked when read again. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { checkNamed, writeNamed, writeReason } from '../node/files.js';
import { makeFolder } from '../node/make-folder.js';
import { evaluateError } from './errors.js';
import type { GroupResult } from './groups.js';
import type { RunResult } from './result.js';

export const resultSchema = 'sonoscope.evaluation/1';

export interface ResultFile extends RunResult {
  readonly schema: typeof resultSchema;
  readonly createdAt: string;
  readonly sonoscope: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string };
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly sha256: string;
    readonly provider: string;
  } | null;
  readonly dataset: {
    readonly kind: string;
    readonly name: string;
    /** Clips with figures. Those without are in `unscored`. */
    readonly clips: number;
    /** Frames that are never scored besides the prompted one. */
    readonly leftOut: 'first and last frame' | 'none';
  };
  readonly prompt: string;
  readonly tolerance: number;
  readonly seed: number;
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

/** Throws SONO_EVALUATE_RESULT. */
export function readResult(path: string): ComparableResult {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw evaluateError('SONO_EVALUATE_RESULT', { path, reason: 'it cannot be read as JSON' }, error);
  }
  const parsed = comparable.safeParse(content);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw evaluateError('SONO_EVALUATE_RESULT', {
    path,
    reason: `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim(),
  });
}
