/**
 * A recording that is worked on in the dashboard: its pictures, the prompts on them, and what was tracked. Everything is on
 * disk (`project.json` beside pictures, masks and checkpoints), so a reload or a restart loses nothing. Main process; the
 * tracking itself runs in an item process, the very one of `sonoscope replay`.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import { safeName } from '../export/exporter.js';
import type { ExportFormat } from '../export/exporter.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import type { ProviderName } from '../onnx/provider.js';
import type { FrameSource } from '../ingest/frame-source.js';
import { promptProblem } from '../vocabulary/prompt-plan.js';
import type { PromptPlan } from '../vocabulary/prompt-plan.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { promptFromWire, promptSchema, promptToWire } from '../protocol/requests.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import { replayError } from '../replay/errors.js';
import { forwardStateName, forwardStateSchema, keptStateNames } from '../replay/forward-pass.js';
import type { ForwardState } from '../replay/forward-pass.js';
import { FrameReader } from '../replay/frame-reader.js';
import { checkEnd } from '../replay/endless.js';
import type { InputItem } from '../replay/input-item.js';
import { Lanes } from './lanes.js';
import type { Lane } from './lanes.js';
import { PictureStore } from './picture-store.js';
import { wholeRange } from '../replay/range.js';
import { runItemProcess } from '../replay/run-batch.js';
import type { ItemOptions, ItemProgress } from '../replay/run-item.js';
import { StoredMasks } from '../replay/stored-masks.js';
import { WorkFolder } from '../replay/work-folder.js';

export interface ProjectTools {
  readonly createSource: (item: InputItem) => FrameSource;
  readonly modelDir: string;
  readonly provider: ProviderName | 'auto';
  readonly threads: number;
  readonly version: string;
  /** Frames between checkpoints: also how often the preview grows. */
  readonly chunkFrames: number;
  readonly spoolBytes: number;
  /** Whether pictures may be written now; rejects with a coded error. Default: always. */
  readonly mayWrite?: () => Promise<void>;
}

const plannedPrompt = z.object({ frame: z.int().min(0), prompt: promptSchema });
const planSchema = z.array(z.object({ label: z.string(), prompts: z.array(plannedPrompt).min(1) }));
type StoredPlan = z.infer<typeof planSchema>;

const storedSchema = z.object({
  id: z.string(),
  name: z.string(),
  uri: z.string(),
  kind: z.enum(['source', 'recording']),
  stream: z.string().nullable(),
  createdUnixMs: z.number(),
  format: z
    .object({
      size: z.object({ width: z.int(), height: z.int() }),
      framesPerSecond: z.number().nullable(),
      pixelSpacingMm: z.object({ x: z.number(), y: z.number() }).nullable(),
      frameCount: z.number().nullable(),
      description: z.string(),
    })
    .nullable(),
  /** All pictures have been read. */
  read: z.boolean(),
  plan: planSchema,
  /** Labels in the order in which their prompts were given: for undo. */
  order: z.array(z.string()),
  /** What the masks on disk were (or are being) made with. */
  ran: z.object({ plan: planSchema, complete: z.boolean() }).nullable(),
});
export type StoredProject = z.infer<typeof storedSchema>;
const exportsSchema = z.array(z.object({ name: z.string(), formats: z.array(z.string()) }));

export type ProjectRun =
  | { readonly phase: 'idle' }
  | {
      readonly phase: 'running';
      readonly what: 'tracking' | 'export';
      readonly progress: ItemProgress | null;
    }
  | { readonly phase: 'failed'; readonly code: string; readonly message: string };

export interface ProjectState {
  readonly id: string;
  readonly name: string;
  readonly uri: string;
  readonly createdUnixMs: number;
  readonly format: SourceFormat | null;
  readonly pictures: { readonly frames: number; readonly complete: boolean; readonly problem: string | null };
  readonly objects: readonly {
    readonly label: string;
    readonly prompts: readonly { readonly frame: number; readonly type: Prompt['type'] }[];
  }[];
  readonly run: ProjectRun;
  /** The masks on disk are those of the prompts as they are now. */
  readonly upToDate: boolean;
  readonly exports: readonly { readonly name: string; readonly formats: readonly string[] }[];
}

const displayQuality = 85;
/** The pictures alone are wanted; the smallest analysis picture costs next to nothing. */
const noAnalysis = { width: 16, height: 16 };

export class Project {
  #stored: StoredProject;
  #pictures: PictureStore | null = null;
  #reader: FrameReader | null = null;
  #filling: Promise<void> = Promise.resolve();
  #opening: Promise<void> | null = null;
  /** Changes are made one after the other: each sees, and saves, what the one before it has left. */
  #changes: Promise<unknown> = Promise.resolve();
  #saves: Promise<unknown> = Promise.resolve();
  /** Masks are looked up one after the other: the file of a run grows, and is then opened anew. */
  #lookups: Promise<unknown> = Promise.resolve();
  #closed = false;
  #run: ProjectRun = { phase: 'idle' };
  #abort: AbortController | null = null;
  #working: Promise<void> = Promise.resolve();
  #masks: { readonly bytes: number; readonly masks: StoredMasks } | null = null;
  readonly #lanes = new Lanes();
  #laneChunks = 0;
  #exports: { name: string; formats: readonly string[] }[] = [];

  private constructor(
    readonly folder: string,
    private readonly work: WorkFolder,
    private readonly tools: ProjectTools,
    stored: StoredProject,
  ) {
    this.#stored = stored;
  }

  /**
   * A new project. Rejects with the source's coded error where it cannot be opened, and leaves no folder then.
   * `signal` gives it up.
   */
  static async create(
    folder: string,
    stored: Pick<StoredProject, 'id' | 'name' | 'uri' | 'kind' | 'stream' | 'createdUnixMs'>,
    tools: ProjectTools,
    signal: AbortSignal,
  ): Promise<Project> {
    checkEnd(stored, wholeRange);
    await mkdir(folder, { recursive: true });
    const work = await WorkFolder.open(folder);
    const project = new Project(folder, work, tools, {
      ...stored,
      ...{ format: null, read: false, plan: [], order: [], ran: null },
    });
    try {
      await project.wake(signal);
      await project.#save();
    } catch (error) {
      await project.close();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return project;
  }

  /** null where the folder holds no project. */
  static async load(folder: string, tools: ProjectTools): Promise<Project | null> {
    const work = WorkFolder.at(folder);
    const stored = await work.read('project.json', storedSchema);
    // A copy of a project under another name would be a second one with the same id.
    if (stored?.id !== basename(folder)) return null;
    const project = new Project(folder, work, tools, stored);
    project.#exports = (await work.read('exports.json', exportsSchema)) ?? [];
    return project;
  }

  get id(): string {
    return this.#stored.id;
  }

  get state(): ProjectState {
    const { id, name, uri, createdUnixMs, format, plan } = this.#stored;
    return {
      ...{ id, name, uri, createdUnixMs, format },
      pictures: {
        frames: this.#pictures?.frames ?? 0,
        complete: this.#pictures?.complete ?? this.#stored.read,
        problem: this.#pictures?.failure?.message ?? null,
      },
      objects: plan.map(({ label, prompts }) => ({
        label,
        prompts: prompts.map(({ frame, prompt }) => ({ frame, type: prompt.type })),
      })),
      run: this.#run,
      upToDate: this.#stored.ran?.complete === true && samePlan(this.#stored.ran.plan, plan),
      exports: this.#exports,
    };
  }

  /** Pictures still have to be read from the source: `wake` opens it. */
  get asleep(): boolean {
    return this.#pictures === null && !this.#stored.read;
  }

  /**
   * Begin reading pictures where that has not been done (after a restart). Who asks while it begins gets the same answer.
   * `signal` gives the source up.
   */
  async wake(signal?: AbortSignal): Promise<void> {
    if (this.#opening === null && this.#pictures) return;
    this.#opening ??= this.#openPictures(signal).finally(() => {
      this.#opening = null;
    });
    await this.#opening;
  }

  async picture(frame: number): Promise<Uint8Array> {
    await this.wake();
    const picture = await this.#pictures?.picture(frame);
    if (!picture) throw replayError('SONO_PROJECT_FRAME', { frame });
    return picture;
  }

  /** Masks of a frame, null where it has not been tracked with the present masks. */
  masks(frame: number): Promise<SegmentationMessage | null> {
    return this.#lookUp(async () => {
      const masks = await this.#openMasks();
      return (await masks?.find(frame)) ?? null;
    });
  }

  lanes(buckets: number): Promise<Lane[]> {
    return this.#lookUp(async () => {
      const masks = await this.#openMasks();
      if (masks) {
        const from = this.#laneChunks;
        this.#laneChunks = masks.chunkCount;
        for await (const message of masks.since(from)) this.#lanes.take(message);
      }
      return this.#lanes.summary(Math.max(1, this.#pictures?.frames ?? 1), buckets);
    });
  }

  #lookUp<Result>(look: () => Promise<Result>): Promise<Result> {
    const found = this.#lookups.then(() => {
      if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
      return look();
    });
    this.#lookups = found.catch(() => undefined);
    return found;
  }

  /** Adds a prompt; `label` null makes a new object. Resolves to the object's label. */
  prompt(frame: number, label: string | null, prompts: readonly Prompt[]): Promise<string> {
    return this.#change(() => this.#addPrompt(frame, label, prompts));
  }

  async #addPrompt(frame: number, label: string | null, prompts: readonly Prompt[]): Promise<string> {
    const { format, plan } = this.#stored;
    if (!format || !(await this.#pictures?.times(frame))) throw replayError('SONO_PROJECT_FRAME', { frame });
    for (const prompt of prompts) {
      const problem = promptProblem(prompt, format.size);
      if (problem)
        throw replayError('SONO_PROJECT_REQUEST', { problem: `the mark cannot be used (${problem})` });
    }
    const name = label ?? freeLabel(plan);
    const added = prompts.map((prompt) => ({ frame, prompt: promptToWire(prompt) }));
    const known = plan.find((object) => object.label === name);
    await this.#keep({
      plan: known
        ? plan.map((object) =>
            object === known ? { ...object, prompts: [...object.prompts, ...added] } : object,
          )
        : [...plan, { label: name, prompts: added }],
      order: [...this.#stored.order, ...added.map(() => name)],
    });
    return name;
  }

  /** Takes back the last prompt that was given. */
  undo(): Promise<void> {
    return this.#change(async () => {
      const { order, plan } = this.#stored;
      const label = order.at(-1);
      if (label === undefined) return;
      await this.#keep({
        order: order.slice(0, -1),
        plan: plan.flatMap((object) => {
          if (object.label !== label) return [object];
          const prompts = object.prompts.slice(0, -1);
          return prompts.length === 0 ? [] : [{ ...object, prompts }];
        }),
      });
    });
  }

  rename(label: string, name: string): Promise<void> {
    return this.#change(async () => {
      const trimmed = name.trim();
      const { plan, order } = this.#stored;
      if (!plan.some((object) => object.label === label) || trimmed === '')
        throw replayError('SONO_PROJECT_REQUEST', { problem: 'there is no such object, or no name' });
      if (trimmed !== label && plan.some((object) => object.label === trimmed))
        throw replayError('SONO_PROJECT_REQUEST', { problem: `another object is called "${trimmed}"` });
      await this.#keep({
        plan: plan.map((object) => (object.label === label ? { ...object, label: trimmed } : object)),
        order: order.map((entry) => (entry === label ? trimmed : entry)),
      });
    });
  }

  removeObject(label: string): Promise<void> {
    return this.#change(() =>
      this.#keep({
        plan: this.#stored.plan.filter((object) => object.label !== label),
        order: this.#stored.order.filter((entry) => entry !== label),
      }),
    );
  }

  /**
   * Track all objects both ways. A correction repeats only what lies behind it; an interrupted run goes on; where
   * nothing has changed nothing is done. Resolves when it has begun.
   */
  propagate(): Promise<void> {
    return this.#change(() => this.#beginTracking());
  }

  async #beginTracking(): Promise<void> {
    const { plan } = this.#stored;
    if (plan.length === 0)
      throw replayError('SONO_PROJECT_NOTHING', { what: 'pointed at', advice: 'Mark an object first.' });
    if (this.state.upToDate) return;
    const item = this.#itemOptions(['mcap'], this.folder, this.work.file('tracking'));
    await this.#keepWhatHolds(item);
    await this.#keep({ ran: { plan, complete: false } });
    this.#start('tracking', item, async () => {
      if (this.#stored.ran) await this.#keep({ ran: { ...this.#stored.ran, complete: true } });
    });
  }

  /** Write the tracked masks in these formats; nothing is tracked again. Resolves when it has begun, to the export's name. */
  export(formats: readonly ExportFormat[]): Promise<string> {
    return this.#change(() => this.#beginExport(formats));
  }

  async #beginExport(formats: readonly ExportFormat[]): Promise<string> {
    if (!this.state.upToDate)
      throw replayError('SONO_PROJECT_NOTHING', {
        what: 'tracked with these prompts',
        advice: 'Propagate first.',
      });
    const name = `export-${this.#exports.length + 1}`;
    const out = this.exportFolder(name);
    await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    const work = this.work.file('exporting');
    await rm(work, { recursive: true, force: true });
    const item = this.#itemOptions([...formats], out, work);
    this.#start('export', { ...item, masksFrom: this.#masksPath }, async () => {
      this.#exports.push({ name, formats: [...formats] });
      await this.work.write('exports.json', this.#exports);
      await rm(work, { recursive: true, force: true });
    });
    return name;
  }

  exportFolder(name: string): string {
    return join(this.folder, 'exports', name);
  }

  get exportNames(): readonly string[] {
    return this.#exports.map(({ name }) => name);
  }

  async cancel(): Promise<void> {
    this.#abort?.abort();
    await this.#working;
  }

  /** Changes that have not begun are refused from now on; one that has begun is ended. */
  async close(): Promise<void> {
    this.#closed = true;
    // The store first: what is closed early has not been read to its end.
    const storeClosed = this.#pictures?.close();
    // A source that says nothing would be waited for.
    this.#reader?.close();
    await storeClosed;
    await this.#opening?.catch(() => undefined);
    await this.#changes;
    await this.cancel();
    await this.#filling;
    await this.#saves;
    await this.#lookups;
    await this.#masks?.masks.close();
    this.#masks = null;
  }

  get #clip(): string {
    return safeName(this.#stored.name);
  }

  get #masksPath(): string {
    return join(this.folder, this.#clip, `${this.#clip}.mcap`);
  }

  get #item(): InputItem {
    const { uri, kind, stream } = this.#stored;
    return { clip: this.#clip, uri, kind, stream };
  }

  #itemOptions(formats: readonly ExportFormat[], outDirectory: string, workDirectory: string): ItemOptions {
    const { modelDir, provider, threads, version, chunkFrames, spoolBytes } = this.tools;
    return {
      item: this.#item,
      plan: planOf(this.#stored.plan),
      ...{
        outDirectory,
        workDirectory,
        formats,
        modelDir,
        provider,
        threads,
        version,
        chunkFrames,
        spoolBytes,
      },
      direction: 'both',
      range: wholeRange,
      policy: null,
      keepStates: true,
      // The project has its pictures; an export goes to other programs.
      mcapPictures: outDirectory !== this.folder,
      masksFrom: null,
    };
  }

  /** A method, because it changes while something is awaited. */
  #hasClosed(): boolean {
    return this.#closed;
  }

  /** Runs a change when those before it are done. Throws SONO_PROJECT_BUSY during a run, SONO_PROJECT_UNKNOWN once closed. */
  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#changes.then(() => {
      if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
      if (this.#run.phase === 'running') throw replayError('SONO_PROJECT_BUSY');
      return change();
    });
    // A refused change must not block the next.
    this.#changes = changed.catch(() => undefined);
    return changed;
  }

  /**
   * Takes new values over, on disk and then here: what could not be stored is not shown either. One after the other, because
   * the end of a run and of the reading come at any time.
   */
  #keep(values: Partial<StoredProject>): Promise<void> {
    const kept = this.#saves.then(async () => {
      await this.work.write('project.json', { ...this.#stored, ...values });
      this.#stored = { ...this.#stored, ...values };
    });
    this.#saves = kept.catch(() => undefined);
    return kept;
  }

  #start(what: 'tracking' | 'export', item: ItemOptions, onDone: () => Promise<void>): void {
    const abort = new AbortController();
    this.#abort = abort;
    this.#run = { phase: 'running', what, progress: null };
    this.#working = (async () => {
      try {
        await runItemProcess(item, abort.signal, (progress) => {
          this.#run = { phase: 'running', what, progress };
        });
        await onDone();
        this.#run = { phase: 'idle' };
      } catch (error) {
        const { code, message } = codedFault('project', this.id, error, (cause) =>
          replayError('SONO_PROJECT_FAULT', { reason: reasonOf(cause) }, cause),
        );
        this.#run = abort.signal.aborted ? { phase: 'idle' } : { phase: 'failed', code, message };
      } finally {
        this.#abort = null;
      }
    })();
  }

  /** Go back to the latest checkpoint that the changed prompts leave valid. */
  async #keepWhatHolds(item: ItemOptions): Promise<void> {
    const tracking = await WorkFolder.open(item.workDirectory);
    await tracking.removeFile('done.json');
    await this.#forgetMasks();
    const { ran, plan } = this.#stored;
    const changed = ran ? firstChange(ran.plan, plan) : null;
    // Nothing changed: an interrupted run goes on from its last checkpoint.
    if (changed === Infinity) return;
    const removeMasks = async (): Promise<void> => {
      for (const path of [this.#masksPath, `${this.#masksPath}.partial`]) await rm(path, { force: true });
    };
    if (changed === null) {
      await rm(item.workDirectory, { recursive: true, force: true });
      await removeMasks();
      return;
    }
    let kept: ForwardState | null = null;
    for (const name of await keptStateNames(tracking)) {
      const state = await tracking.read(name, forwardStateSchema);
      if (state && state.lastSourceFrame < changed) kept = state;
      else await tracking.removeFile(name);
    }
    if (kept) await tracking.write(forwardStateName, kept);
    else {
      await tracking.removeFile(forwardStateName);
      await removeMasks();
    }
  }

  #forgetMasks(): Promise<void> {
    return this.#lookUp(async () => {
      await this.#masks?.masks.close();
      this.#masks = null;
      this.#lanes.clear();
      this.#laneChunks = 0;
    });
  }

  /** The masks as far as they are on disk, also of a run that is under way. */
  async #openMasks(): Promise<StoredMasks | null> {
    for (const path of [this.#masksPath, `${this.#masksPath}.partial`]) {
      const found = await stat(path).catch(() => null);
      if (!found) continue;
      if (this.#masks?.bytes === found.size) return this.#masks.masks;
      const masks = await StoredMasks.open(path, this.#clip).catch(() => null);
      if (!masks) return null;
      await this.#masks?.masks.close();
      this.#masks = { bytes: found.size, masks };
      return masks;
    }
    return null;
  }

  async #openPictures(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
    const pictures = await PictureStore.open(this.folder, this.#stored.read);
    if (this.#hasClosed()) {
      await pictures.close();
      throw replayError('SONO_PROJECT_UNKNOWN');
    }
    this.#pictures = pictures;
    if (this.#stored.read) return;
    const mayWrite = this.tools.mayWrite ?? (() => Promise.resolve());
    await mayWrite();
    const reader = new FrameReader(this.tools.createSource(this.#item), {
      streamId: this.#clip,
      analysisSize: noAnalysis,
      displayQuality,
    });
    this.#reader = reader;
    const giveUp = (): void => reader.close();
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp, { once: true });
    let known: (error: Error | null) => void = () => undefined;
    const opened = new Promise<Error | null>((resolve) => {
      known = resolve;
    });
    this.#filling = pictures
      .fill(
        reader,
        (format) => {
          this.#stored = { ...this.#stored, format };
          known(null);
        },
        mayWrite,
      )
      .then(async () => {
        known(pictures.failure ?? replayError('SONO_PROJECT_UNKNOWN'));
        if (!pictures.complete) return;
        await this.#keep({ read: true }).catch(() => undefined);
      });
    const problem = await opened;
    signal?.removeEventListener('abort', giveUp);
    signal?.throwIfAborted();
    if (problem) throw problem;
  }

  #save(): Promise<void> {
    return this.#keep({});
  }
}

function planOf(plan: StoredPlan): PromptPlan {
  return {
    objects: plan.map(({ label, prompts }) => ({
      label,
      prompts: prompts.map(({ frame, prompt }) => ({
        moment: { kind: 'frame', frame },
        prompt: promptFromWire(prompt),
      })),
    })),
  };
}

const samePlan = (a: StoredPlan, b: StoredPlan): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * The first frame from which tracking differs between two plans: Infinity where nothing does, null where what lies before
 * the prompts differs too (another set of objects, another first prompt).
 */
export function firstChange(before: StoredPlan, after: StoredPlan): number | null {
  const first = (object: StoredPlan[number]): string => {
    const frame = Math.min(...object.prompts.map((prompt) => prompt.frame));
    return JSON.stringify(object.prompts.filter((prompt) => prompt.frame === frame));
  };
  if (before.length !== after.length) return null;
  let change = Infinity;
  for (const [index, object] of after.entries()) {
    const old = before[index];
    if (!old || old.label !== object.label || first(old) !== first(object)) return null;
    const texts = (prompts: StoredPlan[number]['prompts']) => prompts.map((prompt) => JSON.stringify(prompt));
    const olds = texts(old.prompts);
    const news = texts(object.prompts);
    for (const [list, other] of [
      [old.prompts, news],
      [object.prompts, olds],
    ] as const)
      for (const prompt of list)
        if (!other.includes(JSON.stringify(prompt))) change = Math.min(change, prompt.frame);
  }
  return change;
}

function freeLabel(plan: StoredPlan): string {
  for (let number = plan.length + 1; ; number++) {
    const label = `object ${number}`;
    if (!plan.some((object) => object.label === label)) return label;
  }
}
