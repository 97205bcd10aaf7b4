/** Choices of a run that the command line names and the run itself obeys. Apart, so that naming them loads nothing. */
import { cpus } from 'node:os';

export const directions = ['forward', 'backward', 'both'] as const;
export type Direction = (typeof directions)[number];

/** The same number whatever else runs on the machine: results must not depend on `--jobs`. */
export const defaultThreads = Math.max(1, Math.min(2, cpus().length));
