/** Pipeline files: which streams to open and how, read once at the edge into frozen values. */
import { readFile, stat } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LineCounter, isMap, isNode, isScalar, parseDocument, type Document, type Node } from 'yaml';
import { z } from 'zod';
import { packageRoot } from '../node/built-module.js';
import type { SonoError } from '../vocabulary/errors.js';
import { providerNames, type ProviderName } from '../onnx/provider.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import { echoViews, type EchoView } from '../vocabulary/echo.js';
import { holdsSecret } from '../node/redact.js';
import { configError } from './errors.js';
import { nearest } from './nearest.js';
import { objectsSchema, planObjects, readPromptFile, systemReason } from './prompt-file.js';
import { pathWords, problemWords, validKeys, type Path } from './schema-words.js';

const maxFileBytes = 1024 * 1024;

export const providerChoices = ['auto', ...providerNames] as const;

/** The word that stands for "no model" in pipeline files and on the command line: the picture alone. */
export const noModel = 'none';

/** The word for "the most accurate edition that keeps up with the streams on this machine": measured when they are opened. */
export const autoModel = 'auto';

const streamSchema = z.strictObject({
  id: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9_-]*$/, 'it may hold small letters, digits, "-" and "_" only'),
  label: z.string().trim().min(1).max(100).optional(),
  source: z.string().trim().min(1),
  prompt: z.string().min(1).optional(),
  objects: objectsSchema.optional(),
  model: z.string().min(1).default(autoModel),
  provider: z.enum(providerChoices).default('auto'),
  policy: z.string().min(1).optional(),
  threads: z.int().min(1).max(64).optional(),
  echo: z
    .strictObject({ view: z.enum(echoViews).default('a4c'), pair: z.string().min(1).optional() })
    .optional(),
  loop: z.boolean().default(false),
  overlay: z.enum(['shown', 'hidden']).default('shown'),
  overlayLimitMs: z.number().min(10).max(5000).default(100),
  displayQuality: z.int().min(1).max(100).default(85),
});

const fileSchema = z.strictObject({
  server: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65535).default(8080),
    })
    .prefault({}),
  streams: z.array(streamSchema).min(1).max(16),
});

export interface StreamConfig {
  readonly id: string;
  /** null: it is called like what it shows. */
  readonly label: string | null;
  /** URI, or absolute path. */
  readonly source: string;
  /** Prompts applied on every pass, null where people will point in the browser. */
  readonly prompts: PromptScript | null;
  /** Absolute path of the model's folder, or `autoModel`; null: picture only. */
  readonly modelDir: string | null;
  readonly provider: ProviderName | 'auto';
  /** null: the model's own choice. */
  readonly policy: string | null;
  /** null: the machine's cores shared between the streams. */
  readonly threads: number | null;
  /** The apical view that it shows, and the id of the stream with the other one; null: nobody has said. */
  readonly echo: { readonly view: EchoView; readonly pair: string | null } | null;
  readonly loop: boolean;
  readonly overlayVisible: boolean;
  readonly overlayLimitMs: number;
  readonly displayQuality: number;
}

/** What a stream is like of which nothing but its source is said. */
export const plainStream: Omit<StreamConfig, 'id' | 'source'> = {
  label: null,
  prompts: null,
  modelDir: autoModel,
  provider: 'auto',
  policy: null,
  threads: null,
  echo: null,
  loop: false,
  overlayVisible: true,
  overlayLimitMs: 100,
  displayQuality: 85,
};

export interface PipelineConfig {
  readonly server: { readonly host: string; readonly port: number };
  readonly streams: readonly StreamConfig[];
}

/** Reads and checks a pipeline file. Throws SONO_CONFIG_* and, for its prompts, SONO_PROMPT_*. */
export async function readPipelineFile(file: string): Promise<PipelineConfig> {
  let text: string;
  try {
    if ((await stat(file)).size > maxFileBytes) throw new Error('it is larger than 1 MB');
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw configError('SONO_CONFIG_MISSING', { file, reason: systemReason(error) }, error);
  }
  return parsePipelineFile(text, file);
}

/** The same from text; paths inside are relative to the folder of `file`. */
export async function parsePipelineFile(text: string, file: string): Promise<PipelineConfig> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntaxError = document.errors[0];
  if (syntaxError)
    throw configError('SONO_CONFIG_SYNTAX', {
      file,
      line: lines.linePos(syntaxError.pos[0]).line,
      problem: syntaxError.message.replace(/\.$/, ''),
    });
  const place: Place = { file, document, lines };
  let input: unknown;
  try {
    input = document.toJS();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw configError('SONO_CONFIG_SYNTAX', { file, line: 1, problem }, error);
  }
  const parsed = fileSchema.safeParse(input);
  if (!parsed.success) throw configProblem(parsed.error.issues, input, place);

  const base = dirname(resolve(file));
  const ids = new Set<string>();
  const streams: StreamConfig[] = [];
  for (const [index, stream] of parsed.data.streams.entries()) {
    const at = ['streams', index];
    if (ids.has(stream.id))
      throw configError('SONO_CONFIG_STREAM_TWICE', {
        file,
        line: lineOf(place, [...at, 'id']),
        id: stream.id,
      });
    ids.add(stream.id);
    if (stream.prompt !== undefined && stream.objects !== undefined)
      throw configError('SONO_CONFIG_VALUE', {
        file,
        line: lineOf(place, [...at, 'objects']),
        key: 'objects',
        problem: 'give either "prompt" (a file) or "objects", not both',
      });
    streams.push({
      id: stream.id,
      label: stream.label ?? null,
      source: resolveSource(stream.source, base),
      prompts: await readPrompts(stream.prompt, stream.objects, place, [...at, 'objects'], base),
      modelDir: modelFolder(stream.model, base, place, [...at, 'model']),
      provider: stream.provider,
      policy: stream.policy ?? null,
      threads: stream.threads ?? null,
      echo: stream.echo ? { view: stream.echo.view, pair: stream.echo.pair ?? null } : null,
      loop: stream.loop,
      overlayVisible: stream.overlay === 'shown',
      overlayLimitMs: stream.overlayLimitMs,
      displayQuality: stream.displayQuality,
    });
  }
  checkPairs(streams, place);
  return deepFreeze({ server: parsed.data.server, streams });
}

/** Each stream with an apical view has at most one partner, which shows the other view. One of the two may name the other. */
function checkPairs(streams: readonly StreamConfig[], place: Place): void {
  const partners = new Map<string, string>();
  for (const [index, { id, echo }] of streams.entries()) {
    const pair = echo?.pair ?? null;
    if (echo === null || pair === null) continue;
    const other = streams.find((stream) => stream.id === pair);
    const problem =
      pair === id
        ? 'a stream cannot be its own partner'
        : other === undefined
          ? `there is no stream "${pair}" in this file`
          : (other.echo?.view ?? 'a4c') === echo.view
            ? `"${pair}" shows the same view; one of the two is a2c`
            : (partners.get(id) ?? pair) !== pair || (partners.get(pair) ?? id) !== id
              ? 'a stream has one partner only'
              : null;
    if (problem !== null)
      throw configError('SONO_CONFIG_VALUE', {
        ...{ file: place.file, line: lineOf(place, ['streams', index, 'echo', 'pair']), problem },
        key: pathWords(['streams', index, 'echo', 'pair']),
      });
    partners.set(id, pair);
    partners.set(pair, id);
  }
}

/** A URI (also a broken one with a login, which is refused when it is read) stays as it is; a path becomes absolute, relative to `base`. */
export function resolveSource(source: string, base: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(source) || holdsSecret(source) ? source : resolve(base, source);
}

/** Names of the models that are installed beside the program. */
export function installedModels(): string[] {
  const folder = join(packageRoot, 'models');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'model.json')));
}

/**
 * Folder of a model given by name ("compact") or by path ("./models/mine", relative to `base`). Null where there is none;
 * whether its content is sound is for the engine to say.
 */
export function findModel(model: string, base: string): string | null {
  const isName = !/[\\/]|^\.+$/.test(model);
  const candidates = isName
    ? [join(packageRoot, 'models', model), resolve(base, model)]
    : [resolve(base, model)];
  return candidates.find((folder) => existsSync(join(folder, 'model.json'))) ?? null;
}

function modelFolder(model: string, base: string, place: Place, path: Path): string | null {
  if (model === noModel) return null;
  const folder = model === autoModel ? autoModel : findModel(model, base);
  if (folder !== null) return folder;
  const valid = [autoModel, ...installedModels(), noModel];
  throw configError('SONO_CONFIG_MODEL_MISSING', {
    file: place.file,
    line: lineOf(place, path),
    model,
    nearest: nearest(model, valid),
    valid: valid.join(', '),
  });
}

async function readPrompts(
  promptPath: string | undefined,
  objects: z.infer<typeof objectsSchema> | undefined,
  place: Place,
  path: Path,
  base: string,
): Promise<PromptScript | null> {
  if (objects !== undefined) return planObjects(objects, place.file, path);
  return promptPath === undefined ? null : readPromptFile(resolve(base, promptPath));
}

interface Place {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** Line of the value at `path`; of its closest present ancestor where it is missing. */
function lineOf({ document, lines }: Place, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function lineOfKey(place: Place, path: Path, key: string): number {
  const map: unknown = path.length === 0 ? place.document.contents : place.document.getIn(path, true);
  if (isMap(map)) {
    const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
    const range = (pair?.key as Node | undefined)?.range;
    if (range) return place.lines.linePos(range[0]).line;
  }
  return lineOf(place, path);
}

function configProblem(issues: readonly z.core.$ZodIssue[], input: unknown, place: Place): SonoError {
  const { file } = place;
  // A mistyped key is the cause of the "missing" that comes with it.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (!issue) return configError('SONO_CONFIG_VALUE', { file, line: 1, key: 'the file', problem: 'unknown' });
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const valid = validKeys(fileSchema, issue.path, input);
    return configError('SONO_CONFIG_UNKNOWN_KEY', {
      file,
      line: lineOfKey(place, issue.path, key),
      key,
      nearest: nearest(key, valid),
      valid: valid.join(', '),
    });
  }
  return configError('SONO_CONFIG_VALUE', {
    file,
    line: lineOf(place, issue.path),
    key: pathWords(issue.path),
    problem: problemWords(issue, input),
  });
}

function deepFreeze<T>(value: T): T {
  // Mask runs are typed arrays, which cannot be frozen.
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part as unknown);
  }
  return value;
}
