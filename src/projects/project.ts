/**
 * A recording that is worked on in the dashboard: its pictures, the prompts on them, and what was tracked. Everything is on
 * disk (`project.json` beside pictures, masks and checkpoints), so a reload or a restart loses nothing. Main process; the
 * tracking itself runs in an item process, the very one of `sonoscope replay`.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { ViewBeats } from '../analysis/biplane-beats.js';
import { isCalibrated } from '../vocabulary/calibration.js';
import type { ExportFormat } from '../vocabulary/export-format.js';
import { marksProblem, promptProblemWords } from '../vocabulary/prompt.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { safeName } from '../export/exporter.js';
import { inferenceError } from '../onnx/errors.js';
import { mostCorrections } from '../protocol/project-requests.js';
import type { Correction, ProjectState } from '../protocol/project-requests.js';
import { promptFromWire } from '../protocol/prompt-schema.js';
import { drawnByFrame, type CorrectedClip, type DrawnOutlines } from '../replay/corrected-clip.js';
import { checkEnd } from '../replay/endless.js';
import { replayError } from '../replay/errors.js';
import type { InputItem } from '../replay/input-item.js';
import type { Finder } from '../replay/model-facts.js';
import { wholeRange } from '../replay/range.js';
import type { ItemOptions } from '../replay/run-item.js';
import { WorkFolder } from '../replay/work-folder.js';
import { rewindToValidCheckpoint } from './checkpoints.js';
import {
  addPrompts,
  firstChange,
  renamed,
  samePlan,
  stillTracked,
  withoutLastPrompt,
  withoutObject,
} from './plan-edits.js';
import { ProjectExports } from './project-exports.js';
import { ProjectMasks } from './project-masks.js';
import { ProjectPictures } from './project-pictures.js';
import type { PictureTools } from './project-pictures.js';
import { ProjectRun, runOptions } from './project-run.js';
import type { RunTools } from './project-run.js';
import { ProjectFile } from './stored-project.js';
import type { NewProject, StoredCorrection, StoredFinder, StoredProject } from './stored-project.js';

export type ProjectTools = PictureTools & RunTools;

/** An installed model by its name. Throws SONO_PROJECT_FINDER. */
export async function findFinder(tools: RunTools, name: string): Promise<Finder> {
  const finder = (await tools.finders?.())?.find((one) => one.name === name);
  if (finder === undefined) throw replayError('SONO_PROJECT_FINDER', { name });
  return finder;
}

/** What a project keeps of it. */
export function storedFinder({ name, finds, measuresHeart }: Finder): StoredFinder {
  return { name, finds: [...finds], measuresHeart };
}

export class Project {
  /** Emits when `state` has changed, often: once per picture that is read. Completes when the project closes. */
  readonly changes$: Observable<void>;
  readonly pictures: ProjectPictures;
  readonly masks: ProjectMasks;
  readonly #run: ProjectRun;
  readonly #item: InputItem;
  /** Changes are made one after the other: each sees, and saves, what the one before it has left. */
  #changes: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    private readonly work: WorkFolder,
    private readonly tools: ProjectTools,
    private readonly file: ProjectFile,
    readonly exports: ProjectExports,
    private readonly changed: Subject<void>,
  ) {
    this.changes$ = changed.asObservable();
    const { id, name, uri, kind, stream } = file.value;
    const clip = safeName(name);
    const onChange = (): void => changed.next();
    this.#item = { clip, uri, kind, stream };
    this.pictures = new ProjectPictures(work.path, file, this.#item, tools, onChange);
    this.masks = new ProjectMasks(join(work.path, clip, `${clip}.mcap`), clip);
    this.#run = new ProjectRun(id, onChange);
  }

  /**
   * A new project. Rejects with the source's coded error where it cannot be opened, and leaves no folder then.
   * `signal` gives it up.
   */
  static async create(
    folder: string,
    made: NewProject,
    tools: ProjectTools,
    signal: AbortSignal,
  ): Promise<Project> {
    checkEnd(made, wholeRange);
    await mkdir(folder, { recursive: true });
    const work = await WorkFolder.open(folder);
    const changed = new Subject<void>();
    const file = ProjectFile.made(work, made, () => changed.next());
    const project = new Project(work, tools, file, await ProjectExports.read(work), changed);
    try {
      await project.pictures.wake(signal);
      await file.keep({});
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
    const changed = new Subject<void>();
    const file = await ProjectFile.read(work, () => changed.next());
    return file && new Project(work, tools, file, await ProjectExports.read(work), changed);
  }

  get id(): string {
    return this.file.value.id;
  }

  /** Name of its folder among results. */
  get clip(): string {
    return this.#item.clip;
  }

  /** Of a recording of several streams. */
  get stream(): string | null {
    return this.file.value.stream;
  }

  get folder(): string {
    return this.work.path;
  }

  get state(): ProjectState {
    const { id, name, uri, createdUnixMs, format, plan, finder, corrections, pair } = this.file.value;
    return {
      id,
      name,
      uri,
      createdUnixMs,
      format,
      pictures: this.pictures.state,
      objects:
        finder === null
          ? plan.map(({ label, prompts }) => ({
              label,
              prompts: prompts.map(({ frame, prompt }) => ({ frame, type: prompt.type })),
            }))
          : finder.finds.map((label) => ({ label, prompts: [] })),
      run: this.#run.state,
      upToDate: this.#upToDate,
      finder: finder?.name ?? null,
      measuresHeart: finder?.measuresHeart ?? false,
      corrections: corrections.length,
      pair: pair && { ...pair },
      exports: this.exports.state,
    };
  }

  /**
   * Adds prompts; `label` null makes a new object. Resolves to the object's label. Throws SONO_PROJECT_FRAME, SONO_PROJECT_REQUEST,
   * SONO_MODEL_FINDS where a model finds everything by itself.
   */
  prompt(frame: number, label: string | null, prompts: readonly Prompt[]): Promise<string> {
    return this.#change(async () => {
      this.#checkMarked('marking');
      const { format } = this.file.value;
      if (!format || !(await this.pictures.has(frame))) throw replayError('SONO_PROJECT_FRAME', { frame });
      // Tracking gets all marks of an object on a picture at once, those of earlier requests too.
      const before = this.file.value.plan.find((object) => object.label === label)?.prompts ?? [];
      const earlier = before.filter((mark) => mark.frame === frame);
      const together = [...earlier.map(({ prompt }) => promptFromWire(prompt)), ...prompts];
      const problem = marksProblem(together, format.size);
      if (problem)
        throw replayError('SONO_PROJECT_REQUEST', {
          problem: `the mark cannot be used (${promptProblemWords[problem]})`,
        });
      const { label: name, ...edited } = addPrompts(this.file.value, frame, label, prompts);
      await this.file.keep(edited);
      return name;
    });
  }

  /** Takes back the last prompt or correction that was given. */
  undo(): Promise<void> {
    return this.#edit((stored) =>
      stored.finder === null
        ? withoutLastPrompt(stored)
        : stored.corrections.length === 0
          ? null
          : { corrections: stored.corrections.slice(0, -1) },
    );
  }

  /** Throws SONO_PROJECT_REQUEST, SONO_MODEL_FINDS. */
  rename(label: string, name: string): Promise<void> {
    return this.#edit((stored) => {
      this.#checkMarked('renaming');
      return renamed(stored, label, name);
    });
  }

  /** Throws SONO_MODEL_FINDS. */
  removeObject(label: string): Promise<void> {
    return this.#edit((stored) => {
      this.#checkMarked('removing a structure');
      return withoutObject(stored, label);
    });
  }

  /**
   * Who outlines: a model that finds its structures by itself, or (null) marks are followed. Throws SONO_PROJECT_DECIDED where work
   * would be lost, SONO_PROJECT_FINDER.
   */
  choose(name: string | null): Promise<void> {
    return this.#change(async () => {
      const { finder, plan, corrections } = this.file.value;
      if (name === (finder?.name ?? null)) return;
      if (plan.length > 0 || corrections.length > 0) throw replayError('SONO_PROJECT_DECIDED');
      await this.file.keep({
        finder: name === null ? null : storedFinder(await findFinder(this.tools, name)),
      });
    });
  }

  /**
   * What a person says of a beat or an outline. Throws SONO_PROJECT_CORRECTION with the reason where it cannot be, SONO_PROJECT_NOTHING
   * where the run is not complete, because then beats have no numbers yet that stay.
   */
  correct(correction: Correction): Promise<void> {
    return this.#change(async () => {
      const { finder, format, corrections } = this.file.value;
      const refuse = (problem: string): never => {
        throw replayError('SONO_PROJECT_CORRECTION', { problem });
      };
      if (finder === null || !finder.measuresHeart || format === null)
        return refuse('no heart is measured in this recording');
      if (!this.#upToDate)
        throw replayError('SONO_PROJECT_NOTHING', { what: 'measured to the end', advice: 'Run it first.' });
      if (corrections.length >= mostCorrections) refuse(`there are ${mostCorrections} already`);
      if (correction.kind === 'contour') {
        const { frame, label, mask } = correction;
        if (!finder.finds.includes(label)) refuse(`nothing is called "${label}"`);
        const problem = marksProblem([promptFromWire({ type: 'mask', mask })], format.size);
        if (problem) refuse(promptProblemWords[problem]);
        if ((await this.masks.find(frame)) === null) throw replayError('SONO_PROJECT_FRAME', { frame });
      }
      const kept = [...corrections, { correction, author: 'person' as const, atUnixMs: Date.now() }];
      const { problem } = await this.masks.corrected(kept, format);
      if (problem !== null) refuse(problem);
      await this.file.keep({ corrections: kept });
    });
  }

  /** Beats and curve with the corrections. Throws SONO_PROJECT_CORRECTION where no heart is measured. */
  async measurements(): Promise<{
    readonly measured: CorrectedClip;
    readonly corrections: readonly StoredCorrection[];
    readonly calibrated: boolean;
  }> {
    const { finder, format, corrections } = this.file.value;
    if (finder?.measuresHeart !== true || format === null)
      throw replayError('SONO_PROJECT_CORRECTION', { problem: 'no heart is measured in this recording' });
    const measured = await this.masks.corrected(corrections, format);
    return { measured, corrections, calibrated: isCalibrated(format.calibration) };
  }

  /** With the recording of the other view, or alone (null). It changes nothing of a run. Throws SONO_PROJECT_UNKNOWN once closed. */
  async pairWith(pair: StoredProject['pair']): Promise<void> {
    if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
    await this.file.keep({ pair });
  }

  /** Its beats as one of two views, corrected as a person has said; or why there are none. */
  async viewBeats(): Promise<{
    readonly beats: ViewBeats | { readonly reason: string };
    readonly corrected: boolean;
  }> {
    const { finder, format, corrections } = this.file.value;
    const none = (reason: string) => ({ beats: { reason }, corrected: false });
    if (finder?.measuresHeart !== true || format === null)
      return none('no heart is measured in its recording');
    if (!this.#upToDate) return none('its recording has not been measured to the end');
    const clip = await this.masks.withDisks(corrections, format);
    return {
      beats: clip.viewBeats,
      corrected: clip.beats.some(({ accepted, corrected }) => accepted && corrected),
    };
  }

  /** The outlines that a person has drawn on a picture. */
  drawnOn(frame: number): DrawnOutlines | undefined {
    return drawnByFrame(
      this.file.value.corrections.flatMap(({ correction }) =>
        correction.kind === 'contour' && correction.frame === frame ? [correction] : [],
      ),
    ).get(frame);
  }

  /**
   * Track all objects both ways, or let the model find its structures. A correction repeats only what lies behind it; an interrupted
   * run goes on; where nothing has changed nothing is done. Resolves when it has begun. Throws SONO_PROJECT_NOTHING, SONO_PROJECT_FINDER.
   */
  propagate(): Promise<void> {
    return this.#change(async () => {
      const { plan, ran, finder: chosen } = this.file.value;
      if (plan.length === 0 && chosen === null)
        throw replayError('SONO_PROJECT_NOTHING', { what: 'pointed at', advice: 'Mark an object first.' });
      if (this.#upToDate) return;
      const workDirectory = this.work.file('tracking');
      const item = await this.#runOptions(['mcap'], this.work.path, workDirectory, null);
      await this.masks.forget();
      const finder = chosen?.name ?? null;
      const changed = ran?.finder === finder ? firstChange(ran.plan, plan) : null;
      await rewindToValidCheckpoint(workDirectory, this.masks.path, changed);
      await this.file.keep({ ran: { plan, finder, complete: false } });
      this.#run.start('tracking', item, () => this.file.keep({ ran: { plan, finder, complete: true } }));
    });
  }

  /**
   * Write the tracked masks in these formats; nothing is tracked again. Resolves when it has begun, to the export's name. `finish` adds
   * to the folder of the clip when they are written. Throws SONO_PROJECT_NOTHING.
   */
  export(
    formats: readonly ExportFormat[],
    finish: (clipFolder: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<string> {
    return this.#change(async () => {
      if (!this.#upToDate)
        throw replayError('SONO_PROJECT_NOTHING', {
          what: 'tracked with these prompts',
          advice: 'Propagate first.',
        });
      const { name, folder } = await this.exports.make();
      const workDirectory = this.work.file('exporting');
      await rm(workDirectory, { recursive: true, force: true });
      this.#run.start(
        'export',
        await this.#runOptions(formats, folder, workDirectory, this.masks.path),
        async () => {
          await finish(join(folder, this.clip));
          await this.exports.add(name, formats);
          await rm(workDirectory, { recursive: true, force: true });
        },
      );
      return name;
    });
  }

  /** Ends what runs; resolves when it has ended. */
  cancel(): Promise<void> {
    return this.#run.cancel();
  }

  /** Changes that have not begun are refused from now on; one that has begun is ended. */
  async close(): Promise<void> {
    this.#closed = true;
    // Looks up nothing more from here on, also for a change that has begun.
    const masksClosed = this.masks.close();
    await this.pictures.close();
    await this.#changes;
    await this.cancel();
    await this.file.settled();
    await masksClosed;
    this.changed.complete();
  }

  /** Labels of the objects that the masks on disk show as they are marked now, or were with fewer or more marks. */
  get tracked(): ReadonlySet<string> {
    const { ran, plan, finder } = this.file.value;
    if (finder !== null) return new Set(ran?.finder === finder.name ? finder.finds : []);
    return ran?.finder === null ? stillTracked(ran.plan, plan) : new Set();
  }

  /** The masks on disk are those of the prompts as they are now. */
  get #upToDate(): boolean {
    const { ran, plan, finder } = this.file.value;
    return ran?.complete === true && ran.finder === (finder?.name ?? null) && samePlan(ran.plan, plan);
  }

  #checkMarked(what: string): void {
    if (this.file.value.finder !== null) throw inferenceError('SONO_MODEL_FINDS', { what });
  }

  async #runOptions(
    formats: readonly ExportFormat[],
    outDirectory: string,
    workDirectory: string,
    masksFrom: string | null,
  ): Promise<ItemOptions> {
    const { plan, finder, corrections, pair } = this.file.value;
    return runOptions(this.tools, {
      item: this.#item,
      view: pair?.view ?? 'a4c',
      plan,
      formats,
      outDirectory,
      workDirectory,
      masksFrom,
      corrections: corrections.map(({ correction }) => correction),
      finder: finder && (await findFinder(this.tools, finder.name)),
    });
  }

  #edit(edit: (stored: StoredProject) => Partial<StoredProject> | null): Promise<void> {
    return this.#change(async () => {
      const edited = edit(this.file.value);
      if (edited) await this.file.keep(edited);
    });
  }

  /** Runs a change when those before it are done. Throws SONO_PROJECT_BUSY during a run, SONO_PROJECT_UNKNOWN once closed. */
  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#changes.then(() => {
      if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
      if (this.#run.running) throw replayError('SONO_PROJECT_BUSY');
      return change();
    });
    // A refused change must not block the next.
    this.#changes = changed.catch(() => undefined);
    return changed;
  }
}
