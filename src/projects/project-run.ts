/** The one tracking or export of a project that may run at a time, in an item process. Runs in the main process. */
import type { ArchiveAccess } from '../dicom/web/access.js';
import type { ExportFormat } from '../vocabulary/export-format.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type { ProviderName } from '../onnx/provider.js';
import type { ProjectState } from '../protocol/project-requests.js';
import type { Correction } from '../protocol/project-requests.js';
import type { Finder } from '../replay/model-facts.js';
import { replayError } from '../replay/errors.js';
import type { InputItem } from '../replay/input-item.js';
import { wholeRange } from '../replay/range.js';
import { runItemProcess } from '../replay/run-batch.js';
import type { ItemOptions, ItemProgress } from '../replay/run-item.js';
import { planOf } from './plan-edits.js';
import type { TrackedPlan } from './project-document.js';
import type { EchoView } from '../vocabulary/echo.js';

export interface RunTools {
  readonly modelDir: string;
  readonly provider: ProviderName | 'auto';
  readonly threads: number;
  readonly version: string;
  /** Frames between checkpoints: also how often the preview grows. */
  readonly chunkFrames: number;
  readonly spoolBytes: number;
  /** What the operator gave for DICOM archives; absent: nothing. */
  readonly archives?: ArchiveAccess;
  /** Models that find their structures by themselves, as they are installed now; absent: there are none. */
  readonly finders?: () => Promise<readonly Finder[]>;
}

type RunState = ProjectState['run'];

export class ProjectRun {
  #state: RunState = { phase: 'idle' };
  #abort: AbortController | null = null;
  #working: Promise<void> = Promise.resolve();

  constructor(
    private readonly projectId: string,
    private readonly onChange: () => void,
  ) {}

  get state(): RunState {
    return this.#state;
  }

  get running(): boolean {
    return this.#state.phase === 'running';
  }

  /** `onDone` belongs to the run: it may fail it, and it is idle only afterwards. */
  start(what: 'tracking' | 'export', item: ItemOptions, onDone: () => Promise<void>): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#become({ phase: 'running', what, progress: null });
    this.#working = (async () => {
      try {
        await runItemProcess(item, abort.signal, (progress) =>
          this.#become({ phase: 'running', what, progress: shown(progress) }),
        );
        await onDone();
        this.#become({ phase: 'idle' });
      } catch (error) {
        const { code, message } = codedFault('project', this.projectId, error, (cause) =>
          replayError('SONO_PROJECT_FAULT', { reason: reasonOf(cause) }, cause),
        );
        this.#become(abort.signal.aborted ? { phase: 'idle' } : { phase: 'failed', code, message });
      } finally {
        this.#abort = null;
      }
    })();
  }

  /** Resolves when nothing runs any more. */
  async cancel(): Promise<void> {
    this.#abort?.abort();
    await this.#working;
  }

  #become(state: RunState): void {
    this.#state = state;
    this.onChange();
  }
}

function shown({
  objects,
  ...progress
}: ItemProgress): NonNullable<Extract<RunState, { phase: 'running' }>['progress']> {
  return { ...progress, objects: objects.map((object) => ({ ...object })) };
}

/** A run over the whole clip, both ways where marks are followed. `masksFrom`: nothing is tracked, these masks are written in other formats. */
export function runOptions(
  tools: RunTools,
  run: {
    readonly item: InputItem;
    /** Said in what is exported; the numbers are the same for both. */
    readonly view: EchoView;
    readonly plan: TrackedPlan;
    readonly formats: readonly ExportFormat[];
    readonly outDirectory: string;
    readonly workDirectory: string;
    readonly masksFrom: string | null;
    readonly corrections: readonly Correction[];
    /** Drawn since the masks were tracked. */
    readonly repairs: readonly Correction[];
    /** null: what is marked is followed. */
    readonly finder: Finder | null;
  },
): ItemOptions {
  const { provider, threads, version, chunkFrames, spoolBytes, archives } = tools;
  const { finder, ...what } = run;
  return {
    ...what,
    plan: planOf(run.plan),
    modelDir: finder?.modelDir ?? tools.modelDir,
    provider,
    threads,
    version,
    chunkFrames,
    spoolBytes,
    ...(archives && { archives }),
    direction: finder === null ? 'both' : 'forward',
    range: wholeRange,
    policy: null,
    keepStates: true,
    // The project has its pictures; an export goes to other programs.
    mcapPictures: run.masksFrom !== null,
  };
}
