/** Choices of a run that the command line names and the run itself obeys. Apart, so that naming them loads nothing. */
import { cpus } from 'node:os';
import type { ArchiveAccess } from '../dicom/web/access.js';
import type { ExportFormat } from '../export/exporter.js';
import type { ProviderName } from '../onnx/provider.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { EchoView } from '../vocabulary/echo.js';
import type { Pairing } from './biplane-pairs.js';
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
  /** The apical view of the hearts in them; two-chamber views are read of a pair's names or order (`ReplayOptions.pair`). */
  readonly view: EchoView;
  /** Version of sonoscope. */
  readonly version: string;
  /** What the operator gave for DICOM archives; absent: nothing. */
  readonly archives?: ArchiveAccess;
}

export interface ReplayOptions extends RunChoices {
  /** As written by the person; see expandInputs. */
  readonly inputs: readonly string[];
  readonly outDirectory: string;
  readonly jobs: number;
  /** How two clips of one heart are told: see biplane-pairs.ts; null: each clip is measured alone. */
  readonly pair: Pairing | null;
  readonly resume: boolean;
  readonly overwrite: boolean;
}
