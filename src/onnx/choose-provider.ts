/**
 * Which execution provider runs the model: the first, in the order of `providerNames`, that is there, loads all graphs
 * and agrees with the model's golden test on this machine. Never guessed: what is reported is what ran.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { SonoError } from '../vocabulary/errors.js';
import { inferenceError } from './errors.js';
import { compareGolden, readGolden, type Golden } from './golden.js';
import { modelKinds, readFolderOf, type ModelFolder, type ModelKind } from './manifest.js';
import { providerNames, type ProviderName } from './provider.js';
import {
  openGraphs,
  openRunner,
  readGraphs,
  type GraphBytes,
  type GraphRunner,
  type ModelRunner,
} from './session.js';

/** A model folder read and checked, ready to be opened on any provider. */
export interface LoadedModel<Kind extends ModelKind = 'tracker'> {
  readonly folder: ModelFolder<Kind>;
  readonly graphs: GraphBytes;
  readonly golden: Golden;
}

/** A model of kind `tracker`; throws as `loadModelOf`. */
export const loadModel = (directory: string): Promise<LoadedModel> => loadModelOf(directory, 'tracker');

/** A model of one of the kinds. Throws the SONO_MODEL_… errors of its parts. */
export async function loadModelOf<Kind extends ModelKind>(
  directory: string,
  ...kinds: readonly [Kind, ...Kind[]]
): Promise<LoadedModel<Kind>> {
  const folder = await readFolderOf(directory, ...kinds);
  return { folder, graphs: await readGraphs(folder), golden: await readGolden(folder) };
}

/** Opens a model on one provider or throws why not. */
type OpenRunner = (model: LoadedModel, provider: ProviderName, threads: number) => Promise<ModelRunner>;

export interface ProviderWish {
  readonly provider: ProviderName | 'auto';
  readonly threads: number;
  /** Providers that have failed, with the reason. */
  readonly failed: Readonly<Partial<Record<ProviderName, string>>>;
}

/** How an engine comes to its runner: `chooseProvider`, or a stand-in in tests of a lost device and in the no-op engine. */
export type ChooseProvider = (model: LoadedModel, wish: ProviderWish) => Promise<ChosenProvider>;

/** The same for a model that finds its structures by itself: `chooseSegmenter`, or a stand-in. */
export type ChooseSegmenter = (
  model: LoadedModel<'semantic'>,
  wish: ProviderWish,
) => Promise<ChosenProvider<GraphRunner>>;

export interface ChosenProvider<Runner extends GraphRunner = ModelRunner> {
  readonly runner: Runner;
  /** Why those tried before were not taken, in words. */
  readonly rejected: Readonly<Partial<Record<ProviderName, string>>>;
}

/** Where a tracker runs; see `chooseRunner`. `open`: a stand-in in tests. */
export const chooseProvider = (
  model: LoadedModel,
  wish: ProviderWish,
  open: OpenRunner = openModel,
): Promise<ChosenProvider> =>
  chooseRunner(model.golden, wish, (provider) => open(model, provider, wish.threads), open === openModel);

/** Where a semantic model runs; see `chooseRunner`. */
export const chooseSegmenter: ChooseSegmenter = ({ folder, graphs, golden }, { threads, ...wish }) =>
  chooseRunner(golden, wish, (provider) => openGraphs(folder, graphs, { provider, threads }));

/**
 * `auto`: the best that works. A named provider: that one, and only after it has failed in use the next best, because
 * a stream that has begun goes on. `real`: providers that cannot be there are not opened at all. Throws SONO_PROVIDER_NONE
 * with all reasons, or the model's own error where the model is at fault.
 */
async function chooseRunner<Runner extends GraphRunner>(
  golden: Golden,
  wish: Omit<ProviderWish, 'threads'>,
  open: (provider: ProviderName) => Promise<Runner>,
  real = true,
): Promise<ChosenProvider<Runner>> {
  const rejected: Partial<Record<ProviderName, string>> = { ...wish.failed };
  const named = wish.provider;
  const order = named === 'auto' || wish.failed[named] !== undefined ? providerNames : [named];
  for (const provider of order) {
    if (rejected[provider] !== undefined) continue;
    const outcome = await tryProvider(golden, provider, open, real);
    if (typeof outcome !== 'string') return { runner: outcome, rejected };
    rejected[provider] = outcome;
  }
  const reasons = Object.entries(rejected)
    .map(([provider, reason]) => `${provider}: ${reason}`)
    .join('; ');
  throw inferenceError('SONO_PROVIDER_NONE', { reasons });
}

/** The runner, or in words why this provider cannot be used. */
async function tryProvider<Runner extends GraphRunner>(
  golden: Golden,
  provider: ProviderName,
  open: (provider: ProviderName) => Promise<Runner>,
  real = true,
): Promise<Runner | string> {
  const absent = real ? absence(provider) : null;
  if (absent !== null) return absent;
  let runner: Runner | null = null;
  try {
    runner = await open(provider);
    const disagreement = await compareGolden(runner, golden);
    if (disagreement === null) return runner;
    await runner.close();
    return disagreement;
  } catch (error) {
    await runner?.close();
    // The graphs themselves are at fault: another provider would not help.
    if (error instanceof SonoError) throw error;
    return firstLine(error);
  }
}

const openModel: OpenRunner = (model, provider, threads) =>
  openRunner(model.folder, model.graphs, { provider, threads });

interface ProviderStatus {
  readonly provider: ProviderName;
  readonly usable: boolean;
  /** Why not, in words; null where usable. */
  readonly reason: string | null;
}

/** Every provider tried with this model, for `doctor`. Blocks the calling thread for a second or two. */
export async function listProviders(modelDir: string, threads = 1): Promise<readonly ProviderStatus[]> {
  const { folder, graphs, golden } = await loadModelOf(modelDir, ...modelKinds);
  const statuses: ProviderStatus[] = [];
  for (const provider of providerNames) {
    const outcome = await tryProvider(golden, provider, () =>
      openGraphs(folder, graphs, { provider, threads }),
    );
    if (typeof outcome === 'string') statuses.push({ provider, usable: false, reason: outcome });
    else {
      await outcome.close();
      statuses.push({ provider, usable: true, reason: null });
    }
  }
  return statuses;
}

/**
 * Why a provider cannot be there, found without loading it: its libraries print to the terminal when they fail, and
 * their messages say little to a person. Null: worth trying.
 */
function absence(provider: ProviderName): string | null {
  const backends = ort.listSupportedBackends();
  if (!backends.some(({ name }) => name === provider)) return 'this build of ONNX Runtime does not have it';
  switch (provider) {
    case 'cpu':
      return null;
    case 'cuda':
    case 'tensorrt':
      if (!hasLibrary(provider))
        return 'the GPU libraries of ONNX Runtime are not installed (see docs/models.md)';
      return process.platform !== 'linux' || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg')
        ? null
        : 'no NVIDIA GPU is visible';
    case 'webgpu':
      return process.platform !== 'linux' || hasVulkanDriver() ? null : 'no Vulkan driver is installed';
  }
}

function hasLibrary(provider: 'cuda' | 'tensorrt'): boolean {
  const folder = join(createRequire(import.meta.url).resolve('onnxruntime-node'), '../../bin');
  const wanted = `onnxruntime_providers_${provider}`;
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => name.includes(wanted));
  } catch {
    return false;
  }
}

function hasVulkanDriver(): boolean {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  if (VK_DRIVER_FILES !== undefined || VK_ICD_FILENAMES !== undefined) return true;
  return ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'].some((folder) => {
    try {
      return readdirSync(folder).some((name) => name.endsWith('.json'));
    } catch {
      return false;
    }
  });
}

/** The first line of an error that says something, without source paths of the library's build. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.split('\n').find((candidate) => candidate.trim() !== '') ?? 'unknown reason';
  return line
    .replace(/\/\S+\.(cc|h|cpp):\d+ /g, '')
    .trim()
    .slice(0, 300);
}
