/** Choices of a run that the command line names and the run itself obeys. Apart, so that naming them loads nothing. */
import { cpus } from 'node:os';
import type { ExportFormat } from '../export/exporter.js';
import type { ProviderName } from '../onnx/provider.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { FrameRange } from './range.js';

export const directions = ['forward', 'backward', 'both'] as const;
export type Direction = (typeof directions)[number];

/** The same number whatever else runs on the machine: results must not depend on `--jobs`. */
export const defaultThreads = Math.max(1, Math.min(2, cpus().length));

/** What is chosen once for all clips of a run. */
export interface RunChoices {
  readonly plan: PromptScript;
  readonly formats: readonly ExportFormat[];
  readonly direction: Direction;
  readonly range: FrameRange;
  readonly modelDir: string;
  readonly provider: ProviderName | 'auto';
  readonly policy: string | null;
  readonly threads: number;
  /** Frames between two states from which a killed run goes on. */
  readonly chunkFrames: number;
  /** Disk space that a backward pass may take per clip. */
  readonly spoolBytes: number;
  /** Version of sonoscope. */
  readonly version: string;
}

export interface ReplayOptions extends RunChoices {
  /** As written by the person; see expandInputs. */
  readonly inputs: readonly string[];
  readonly outDirectory: string;
  readonly jobs: number;
  readonly resume: boolean;
  readonly overwrite: boolean;
}
