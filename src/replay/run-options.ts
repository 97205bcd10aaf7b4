/** Choices of a run that the command line names and the run itself obeys. Apart, so that naming them loads nothing. */
import { cpus } from 'node:os';
import type { EngineOptions } from '../engine/engine.js';

export const directions = ['forward', 'backward', 'both'] as const;
export type Direction = (typeof directions)[number];

/** The same number whatever else runs on the machine: results must not depend on `--jobs`. */
export const defaultThreads = Math.max(1, Math.min(2, cpus().length));

/** The engine of a clip. The size of the pictures is said when the source has said it. */
export function engineOptions({
  modelDir,
  provider,
  policy,
  threads,
}: Pick<EngineOptions, 'modelDir' | 'provider' | 'policy' | 'threads'>): EngineOptions {
  return { modelDir, provider, policy, threads, sourceSize: { width: 1, height: 1 }, keepLogits: true };
}
