/**
 * What tells one run from another. A run goes on only where all of it is the same, and the identifiers in DICOM files follow
 * from the part that decides the masks. Pure.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { isArchiveUri } from '../dicom/web/address.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { Correction } from '../protocol/project-requests.js';
import { promptToWire } from '../protocol/requests.js';
import type { InputItem } from './input-item.js';
import type { ReplayOptions, RunChoices } from './run-options.js';

type Choices = Pick<RunChoices, 'plan' | 'direction' | 'range' | 'provider' | 'policy'>;

/** Everything that decides the masks of an input, and nothing else. `modelSha256` stands for the whole model folder. */
function maskIdentity({ plan, direction, range, provider, policy }: Choices, modelSha256: string) {
  return {
    model: modelSha256,
    provider,
    policy,
    direction,
    range,
    plan: plan.objects.map(({ label, prompts }) => ({
      label,
      prompts: prompts.map(({ moment, prompt }) => ({ moment, prompt: promptToWire(prompt) })),
    })),
  };
}

/** What must be equal for a run to be continued, by the names that a person is told. */
export type RunIdentity = Readonly<Record<string, unknown>>;

export function runIdentity(
  options: Choices &
    Pick<ReplayOptions, 'pair'> &
    Pick<RunChoices, 'formats' | 'view' | 'threads' | 'chunkFrames' | 'version'>,
  items: readonly InputItem[],
  modelSha256: string,
): RunIdentity {
  const { plan, ...decided } = maskIdentity(options, modelSha256);
  return {
    inputs: items.map(({ clip, uri, stream }) => ({
      clip,
      uri: isArchiveUri(uri) ? uri : resolve(uri),
      stream,
    })),
    prompts: sha256(plan),
    ...decided,
    formats: [...options.formats],
    threads: options.threads,
    chunkFrames: options.chunkFrames,
    view: options.view,
    pair: options.pair,
    version: options.version,
  };
}

/** Names of the members in which two runs differ. */
export function differences(a: RunIdentity, b: RunIdentity): string[] {
  return Object.keys(a).filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}

/**
 * SHA-256 (hex) over all that decides the masks of one clip. `input`: its hash, or its address where it is no file; provider
 * and policy are those that the engine has chosen.
 */
export function clipIdentity(
  options: Omit<Choices, 'provider' | 'policy'> & { readonly corrections: readonly Correction[] },
  input: string,
  stream: string | null,
  engine: { readonly modelSha256: string; readonly provider: Choices['provider']; readonly policy: string },
): string {
  const { modelSha256, provider, policy } = engine;
  const { corrections } = options;
  return sha256({
    ...{ input, stream, ...maskIdentity({ ...options, provider, policy }, modelSha256) },
    ...(corrections.length > 0 && { corrections }),
  });
}

/** The prompts as manifest.json lists them. */
export function planJson(plan: PromptScript): unknown {
  return plan.objects.map(({ label, prompts }) => ({
    label,
    prompts: prompts.map(({ moment, prompt }) => ({
      ...(moment.kind === 'frame' ? { frame: moment.frame } : { timeMs: moment.timeMs }),
      ...promptToWire(prompt),
    })),
  }));
}

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');
