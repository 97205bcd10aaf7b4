/** The JSON file of an evaluation: written whole or not at all, checked when read again. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
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

/** Nothing half-written carries the final name. Throws SONO_EVALUATE_OUTPUT. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(partial, text);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw evaluateError('SONO_EVALUATE_OUTPUT', { path }, error);
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
