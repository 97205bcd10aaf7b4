/** model.json: read once, checked completely, then frozen values. The kinds of models are in `kinds/`. Node only. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { TrackerModel } from '../tracking/model.js';
import { inferenceError } from './errors.js';
import { count, tensorWords, type GraphTensors, type graph } from './kinds/fields.js';
import type { SemanticModel } from '../semantic/model.js';
import { semanticManifest, semanticModel, semanticTensors, type SemanticManifest } from './kinds/semantic.js';
import { trackerManifest, trackerModel, trackerTensors, type TrackerManifest } from './kinds/tracker.js';

/** Newest `schemaVersion` that this program reads. */
const knownSchemaVersion = 1;

/** A graph's file, and the inputs and outputs that it must have. */
export interface GraphContract extends Omit<z.infer<typeof graph>, keyof GraphTensors>, GraphTensors {
  readonly name: string;
}

interface FolderOf<Kind extends string, Manifest> {
  readonly kind: Kind;
  readonly directory: string;
  readonly manifest: Manifest;
  /** Hash of model.json, which holds the hashes of the graphs: it stands for the whole model. */
  readonly sha256: string;
  /** In the order in which they are opened. */
  readonly graphs: readonly GraphContract[];
}

interface Folders {
  readonly tracker: FolderOf<'tracker', TrackerManifest> & { readonly tracker: TrackerModel };
  readonly semantic: FolderOf<'semantic', SemanticManifest> & { readonly semantic: SemanticModel };
}

export type ModelKind = keyof Folders;
export const modelKinds = ['tracker', 'semantic'] as const satisfies readonly ModelKind[];

/** A model folder whose description is valid; its graphs have not been opened yet. */
export type ModelFolder<Kind extends ModelKind = 'tracker'> = Folders[Kind];

/** What a folder of each kind consists of, from its model.json. */
const readers: {
  readonly [Kind in ModelKind]: (json: unknown, directory: string, sha256: string) => Folders[Kind];
} = {
  tracker: (json, directory, sha256) => {
    const manifest = checked(trackerManifest, json, directory);
    const graphs = contracts(directory, manifest.graphs, trackerTensors(manifest));
    return { kind: 'tracker', directory, manifest, sha256, graphs, tracker: trackerModel(manifest) };
  },
  semantic: (json, directory, sha256) => {
    const manifest = checked(semanticManifest, json, directory);
    const graphs = contracts(directory, manifest.graphs, semanticTensors(manifest));
    return { kind: 'semantic', directory, manifest, sha256, graphs, semantic: semanticModel(manifest) };
  },
};

/** A folder of kind `tracker`; throws as `readFolderOf`. */
export const readModelFolder = (directory: string): Promise<ModelFolder> =>
  readFolderOf(directory, 'tracker');

/**
 * A folder of one of the kinds (at least one). Throws SONO_MODEL_MISSING, SONO_MODEL_MANIFEST (with the field),
 * SONO_MODEL_NEWER, SONO_MODEL_KIND. Keys that this version does not know are allowed.
 */
export async function readFolderOf<Kind extends ModelKind>(
  directory: string,
  ...kinds: readonly [Kind, ...Kind[]]
): Promise<ModelFolder<Kind>> {
  const bytes = await readModelFile(directory, 'model.json');
  const path = nameOf(directory);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    const problem = 'it is not JSON, perhaps only a part of the file';
    throw inferenceError('SONO_MODEL_MANIFEST', { path, field: 'model.json', problem }, cause);
  }
  const head = z.object({ schemaVersion: count, kind: z.string() }).safeParse(json).data;
  if (head !== undefined && head.schemaVersion > knownSchemaVersion)
    throw inferenceError('SONO_MODEL_NEWER', {
      path,
      version: head.schemaVersion,
      known: knownSchemaVersion,
    });
  const kind = head === undefined ? kinds[0] : kinds.find((kind) => kind === head.kind);
  if (kind === undefined)
    throw inferenceError('SONO_MODEL_KIND', { path, kind: head?.kind ?? '', needed: kinds.join('" or "') });
  return readers[kind](json, directory, createHash('sha256').update(bytes).digest('hex'));
}

const nameOf = (directory: string): string => basename(directory) || directory;

/** Throws SONO_MODEL_MANIFEST with the field. */
function checked<Manifest>(schema: z.ZodType<Manifest>, json: unknown, directory: string): Manifest {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const keys = (issue?.path ?? []).map(String);
  const problem = `${issue?.message ?? 'unknown'}${didYouMean(json, keys)}`;
  throw inferenceError(
    'SONO_MODEL_MANIFEST',
    { path: nameOf(directory), field: keys.join('.') || 'model.json', problem },
    parsed.error,
  );
}

/** Throws SONO_MODEL_MISSING. */
export async function readModelFile(directory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, file));
  } catch (cause) {
    throw inferenceError('SONO_MODEL_MISSING', { path: nameOf(directory), file }, cause);
  }
}

/** Where a key is missing and a similar one stands beside its place: a hint. */
function didYouMean(json: unknown, keys: readonly string[]): string {
  const missing = keys.at(-1);
  let parent: unknown = json;
  for (const key of keys.slice(0, -1))
    parent = typeof parent === 'object' && parent !== null ? (parent as Record<string, unknown>)[key] : null;
  if (missing === undefined || typeof parent !== 'object' || parent === null || missing in parent) return '';
  const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');
  const similar = Object.keys(parent).find((key) => {
    const [a, b] = [plain(key), plain(missing)];
    return a.length > 2 && (a.includes(b) || b.includes(a));
  });
  return similar === undefined ? '' : ` (there is "${similar}": was "${missing}" meant?)`;
}

/** The declared tensors must be the contract's: a manifest that disagrees with itself is refused before any graph is opened. */
function contracts<Name extends string>(
  directory: string,
  declared: Readonly<Record<Name, z.infer<typeof graph>>>,
  wanted: Readonly<Record<Name, GraphTensors>>,
): readonly GraphContract[] {
  return Object.entries<GraphTensors>(wanted).map(([name, tensors]) => {
    const description = declared[name as Name];
    for (const side of ['inputs', 'outputs'] as const)
      for (const tensor of tensors[side]) {
        const found = description[side].find((other) => other.name === tensor.name);
        if (found !== undefined && tensorWords(found) === tensorWords(tensor)) continue;
        const problem =
          found === undefined
            ? `"${tensor.name}" is missing`
            : `"${tensor.name}" is ${tensorWords(found)} but the sizes above make it ${tensorWords(tensor)}`;
        const field = `graphs.${name}.${side}`;
        throw inferenceError('SONO_MODEL_MANIFEST', { path: nameOf(directory), field, problem });
      }
    const { file, sha256, bytes } = description;
    return { name, file, sha256, bytes, ...tensors };
  });
}
