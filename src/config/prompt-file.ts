/**
 * Prompt files: what to follow, pointed at on frames of the source before a run, in source pixels. Read once at the edge
 * by live mode and by replay alike. `{"objects":[{"label":"gallbladder","prompts":[{"frame":0,"type":"box","box":[575,40,870,655]}]}]}`
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { SonoError } from '../vocabulary/errors.js';
import { readLabelColours, readLabelPicture, type LabelPicture } from '../formats/label-picture.js';
import { maskFromBitmap } from '../mask/rle.js';
import type { Mask } from '../vocabulary/mask.js';
import { marksProblem, promptProblemWords, type Prompt } from '../vocabulary/prompt.js';
import {
  momentWords,
  planSteps,
  type PlannedPrompt,
  type PromptMoment,
  type PromptScript,
} from '../vocabulary/prompt-script.js';
import { labelSchema, markSchema } from '../protocol/prompt-schema.js';
import { configError } from './errors.js';
import { nearest } from './nearest.js';
import { pathWords, problemWords, validKeys, type Path } from './schema-words.js';

const maxFileBytes = 8 * 1024 * 1024;
const maxObjects = 64;
const maxPromptsPerObject = 1000;

const moment = {
  frame: z.int().min(0).optional(),
  timeMs: z.number().min(0).optional(),
};
const promptEntry = markSchema({ path: z.string().min(1) }, moment);

/** `objects` of a prompt file; also accepted inline in a pipeline file. */
export const objectsSchema = z
  .array(
    z.strictObject({
      label: labelSchema,
      prompts: z.array(promptEntry).min(1).max(maxPromptsPerObject),
    }),
  )
  .min(1)
  .max(maxObjects);

const fileSchema = z.strictObject({ objects: objectsSchema });

type ObjectEntries = z.infer<typeof objectsSchema>;

/** Reads a prompt file. Throws SONO_PROMPT_FILE_* and SONO_PROMPT_* (see errors.ts of this layer). */
export async function readPromptFile(path: string): Promise<PromptScript> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes)
      throw configError('SONO_PROMPT_FILE_TOO_LARGE', {
        file: path,
        megabytes: Math.ceil(size / 1024 / 1024),
        limit: maxFileBytes / 1024 / 1024,
      });
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof SonoError) throw error;
    throw configError('SONO_PROMPT_FILE_MISSING', { file: path, reason: systemReason(error) }, error);
  }
  return parsePromptFile(text, path);
}

/** The same from text; `path` names the file in messages and is the base of mask paths. */
export async function parsePromptFile(text: string, path: string): Promise<PromptScript> {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    const problem =
      text.trim() === '' ? 'it is empty' : error instanceof Error ? error.message : String(error);
    throw configError('SONO_PROMPT_FILE_SYNTAX', { file: path, problem }, error);
  }
  const parsed = fileSchema.safeParse(input);
  if (!parsed.success) throw promptFileProblem(parsed.error.issues, input, path);
  return planObjects(parsed.data.objects, path, ['objects']);
}

function promptFileProblem(issues: readonly z.core.$ZodIssue[], input: unknown, file: string): SonoError {
  // A mistyped key is the cause of the "missing" that comes with it.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (!issue) return configError('SONO_PROMPT_FILE_VALUE', { file, where: 'the file', problem: 'unknown' });
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const valid = validKeys(fileSchema, issue.path, input);
    return configError('SONO_PROMPT_FILE_KEY', {
      file,
      key,
      where: pathWords(issue.path),
      nearest: nearest(key, valid),
      valid: valid.join(', '),
    });
  }
  return configError('SONO_PROMPT_FILE_VALUE', {
    file,
    where: pathWords(issue.path),
    problem: problemWords(issue, input),
  });
}

/**
 * Validated entries → typed plan; loads the mask pictures. `file` is the file the entries came from, `at` their place in
 * it. Whether marks fit the picture is checked later, when the source is known (`scriptProblem`).
 */
export async function planObjects(entries: ObjectEntries, file: string, at: Path): Promise<PromptScript> {
  const seen = new Set<string>();
  for (const { label } of entries) {
    if (seen.has(label)) throw configError('SONO_PROMPT_LABEL_TWICE', { file, label });
    seen.add(label);
  }
  const objects = [];
  for (const [index, entry] of entries.entries()) {
    const prompts: PlannedPrompt[] = [];
    for (const [promptIndex, raw] of entry.prompts.entries()) {
      const where = pathWords([...at, index, 'prompts', promptIndex]);
      prompts.push({ moment: momentOf(raw, file, where), prompt: await promptOf(raw, file, where) });
    }
    objects.push({ label: entry.label, prompts });
    for (const step of planSteps({ objects: [{ label: entry.label, prompts }] })) {
      const problem = marksProblem(step.prompts, null);
      if (problem !== null)
        throw configError('SONO_PROMPT_FILE_VALUE', {
          file,
          where: `${pathWords([...at, index, 'prompts'])}, ${momentWords(step.moment)}`,
          problem: promptProblemWords[problem],
        });
    }
  }
  return { objects };
}

type PromptEntry = z.infer<typeof promptEntry>;

function momentOf({ frame, timeMs }: PromptEntry, file: string, where: string): PromptMoment {
  if (frame !== undefined && timeMs === undefined) return { kind: 'frame', frame };
  if (timeMs !== undefined && frame === undefined) return { kind: 'time', timeMs };
  throw configError('SONO_PROMPT_FILE_VALUE', {
    file,
    where,
    problem: 'give either "frame" or "timeMs"',
  });
}

async function promptOf(
  { frame: _frame, timeMs: _timeMs, ...mark }: PromptEntry,
  file: string,
  where: string,
): Promise<Prompt> {
  if (mark.type === 'mask')
    return { type: 'mask', mask: await readMask(resolve(dirname(file), mark.path), file, where) };
  if (mark.type === 'box' && marksProblem([mark], null))
    throw configError('SONO_PROMPT_BOX_INSIDE_OUT', { file, where });
  return mark;
}

/**
 * A picture as a mask: every pixel that is not black belongs to the object. In JPEG and its like, which do not keep black,
 * every pixel from half the brightness on does; transparent pixels never do.
 */
async function readMask(path: string, file: string, where: string): Promise<Mask> {
  let picture: LabelPicture;
  try {
    const bytes = await readFile(path);
    picture = await readLabelPicture(bytes);
    // Which index of a palette is black is the palette's business.
    if (picture.kind === 'indexed') picture = await readLabelColours(bytes);
  } catch (error) {
    throw configError(
      'SONO_PROMPT_MASK_UNREADABLE',
      { file, path, where, reason: systemReason(error) },
      error,
    );
  }
  const { width, height, values, kind, lossy } = picture;
  const bitmap = new Uint8Array(width * height);
  for (let pixel = 0; pixel < bitmap.length; pixel += 1) {
    const value = values[pixel] as number;
    const level = kind === 'colour' ? Math.max(value >> 16, (value >> 8) & 255, value & 255) : value;
    if (level >= (lossy ? 128 : 1)) bitmap[pixel] = 1;
  }
  if (!bitmap.includes(1)) throw configError('SONO_PROMPT_MASK_EMPTY', { file, path, where });
  return maskFromBitmap(bitmap, width, height);
}

/** What the system says about a file, in words. */
export function systemReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a folder';
    case 'EACCES':
    case 'EPERM':
      return 'it may not be read';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
