/** What a run must know of its model before the engine is ready. */
import { hasChambers } from '../analysis/beat-table.js';
import { inferenceError } from '../onnx/errors.js';
import { modelKinds, readFolderOf } from '../onnx/manifest.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { RunChoices } from './run-options.js';

export interface ModelFacts {
  readonly sha256: string;
  /** Size of the pictures that it takes. */
  readonly inputSize: PictureSize;
  /** Names of the structures that it finds by itself, in the order of their numbers; null: it follows what is marked. */
  readonly structures: readonly string[] | null;
}

/** A model that finds its structures by itself, as a person chooses it. */
export interface Finder {
  readonly name: string;
  readonly modelDir: string;
  readonly finds: readonly string[];
  /** Beats are measured on what it finds. */
  readonly measuresHeart: boolean;
}

/** null: it follows what is marked. Throws SONO_MODEL_…. */
export async function readFinder(name: string, modelDir: string): Promise<Finder | null> {
  const { structures: finds } = await readModelFacts(modelDir);
  return finds && { name, modelDir, finds, measuresHeart: hasChambers(finds.map((label) => ({ label }))) };
}

/** Throws SONO_MODEL_…. */
export async function readModelFacts(modelDir: string): Promise<ModelFacts> {
  const folder = await readFolderOf(modelDir, ...modelKinds);
  const { sha256 } = folder;
  switch (folder.kind) {
    case 'tracker':
      return { sha256, inputSize: folder.tracker.inputSize, structures: null };
    case 'semantic': {
      const { pictureSize, structures } = folder.semantic;
      return { sha256, inputSize: pictureSize, structures: structures.map(({ label }) => label) };
    }
  }
}

/** Throws SONO_MODEL_FINDS where something is asked of a model that finds its structures by itself that only a tracker can do. */
export function checkModelCan(
  { structures }: ModelFacts,
  { plan, direction, policy }: Pick<RunChoices, 'plan' | 'direction' | 'policy'>,
): void {
  if (structures === null) return;
  const refuse = (what: string): never => {
    throw inferenceError('SONO_MODEL_FINDS', { what });
  };
  if (plan.objects.length > 0) refuse('marking');
  if (direction !== 'forward') refuse('following backwards');
  if (policy !== null) refuse('a memory policy');
}
