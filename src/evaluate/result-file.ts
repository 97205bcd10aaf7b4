/** The JSON file of an evaluation: written whole or not at all, checked when read again. */
import { readFileSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
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
 * Nothing half-written carries the final name; a device or a pipe (/dev/stdout) is written to, never replaced. Throws
 * SONO_EVALUATE_OUTPUT.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await makeFolder(dirname(path));
    if (await isSpecial(path)) return await writeFile(path, text);
    await writeFile(partial, text);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw outputError(path, error);
  }
}

/** Fails before a long run, not after it: SONO_EVALUATE_OUTPUT. */
export async function checkWritable(path: string): Promise<void> {
  const probe = `${path}.${process.pid}.partial`;
  try {
    await makeFolder(dirname(path));
    if (await isSpecial(path)) return;
    if ((await stat(path).catch(() => null))?.isDirectory())
      throw Object.assign(new Error(), { code: 'EISDIR' });
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    throw outputError(path, error);
  }
}

async function isSpecial(path: string): Promise<boolean> {
  const information = await stat(path).catch(() => null);
  return information !== null && !information.isFile() && !information.isDirectory();
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'you may not write there',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its name is a file, not a folder',
  EEXIST: 'a part of its name is a file, not a folder',
  ENOENT: 'its folder cannot be made',
};

function outputError(path: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return evaluateError('SONO_EVALUATE_OUTPUT', { path, reason }, error);
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
