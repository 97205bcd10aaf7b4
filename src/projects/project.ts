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
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import { safeName } from '../export/exporter.js';
import { inferenceError } from '../onnx/errors.js';
import { mostCorrections, mostMarks } from '../protocol/project-requests.js';
import type { Correction, ProjectState } from '../protocol/project-requests.js';
import type { ResponseOf } from '../protocol/operations.js';
import { promptFromWire, promptToWire, type CocoMask, type WirePrompt } from '../protocol/prompt-schema.js';
import { drawnByFrame, type CorrectedClip, type DrawnOutlines } from '../replay/corrected-clip.js';
import { checkEnd } from '../replay/endless.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import { replayError } from '../replay/errors.js';
import type { InputItem } from '../replay/input-item.js';
import type { Finder } from '../replay/model-facts.js';
import { wholeRange } from '../replay/range.js';
import type { ItemOptions } from '../replay/run-item.js';
import { WorkFolder } from '../replay/work-folder.js';
import { rewindToValidCheckpoint } from './checkpoints.js';
import { changed, noHistory, redone, undone, type Change } from './change-history.js';
import { drawnSince, trackable } from './drawn-since.js';
import { listedObjects } from './listed-marks.js';
import type { MarkEngine } from './mark-engine.js';
import { MarkedMasks } from './marked-masks.js';
import {
  addMarks,
  checkUnlocked,
  findMark,
  firstChange,
  markGroup,
  markGroups,
  promptsOn,
  renamed,
  samePlan,
  stillTracked,
  trackedPlan,
  withMovedMark,
  withoutMark,
  withoutObject,
  withTrait,
} from './plan-edits.js';
import type { ProjectDocument, StoredCorrection, StoredMark, TrackedPlan } from './project-document.js';
import { MaskTaker, nothingTaken } from './import/apply-masks.js';
import { pictureFinder, type FoundMask } from './import/found-mask.js';
import { recordingPictures } from './import/recording-pictures.js';
import { uncertainPictures, type UncertainPicture } from './uncertain.js';
import { ProjectExports } from './project-exports.js';
import { ProjectMasks } from './project-masks.js';
import { ProjectPictures } from './project-pictures.js';
import type { PictureTools } from './project-pictures.js';
import { ProjectRun, runOptions } from './project-run.js';
import type { RunTools } from './project-run.js';
import { givesMask, shownObject, trackedObjects, type ShownObject } from './shown-objects.js';
import { ProjectFile } from './stored-project.js';
import type { NewProject, StoredFinder, StoredProject } from './stored-project.js';

export interface ProjectTools extends PictureTools, RunTools {
  /** Answers marks. */
  readonly marks: MarkEngine;
  /** Hash of the model that marks are answered with. Rejects with SONO_MODEL_…. */
  readonly modelHash: () => Promise<string>;
}

/** What a change of marks has left on its picture. */
type MarkAnswer = Omit<ResponseOf<'projects.prompt'>, 'project'>;

/** Masks of one file or folder that are looked at. */
const mostImported = 20_000;
/** Pictures that are remembered as seen, the newest of them. */
const mostSeen = 10_000;

interface ShownFrame {
  readonly size: ResponseOf<'projects.masks'>['size'];
  readonly objects: ShownObject[];
}

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
  /** Of marks that have not been tracked yet. */
  readonly #marked: MarkedMasks;
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
    this.#marked = new MarkedMasks(work, tools.modelHash, async (frame, prompts) => {
      const { format } = this.file.value;
      if (!format) throw replayError('SONO_PROJECT_FRAME', { frame });
      const picture = await this.pictures.analysis(frame);
      return tools.marks.outline(prompts, { ...picture, sourceSize: format.size });
    });
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

  /** What is marked is followed: marks are going to be answered. */
  get isMarked(): boolean {
    return this.file.value.finder === null;
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
    const { id, name, uri, createdUnixMs, format, document, history, finder, pair } = this.file.value;
    return {
      id,
      name,
      uri,
      createdUnixMs,
      format,
      pictures: this.pictures.state,
      objects: listedObjects(document, finder?.finds ?? null, this.#trackedGroups),
      undo: told(history.past.at(-1)?.change),
      redo: told(history.future.at(-1)?.change),
      run: this.#run.state,
      upToDate: this.#upToDate,
      exportable: this.#exportable !== null,
      finder: finder?.name ?? null,
      measuresHeart: finder?.measuresHeart ?? false,
      corrections: document.corrections.length,
      pair: pair && { ...pair },
      exports: this.exports.state,
    };
  }

  /**
   * Adds marks; `label` null makes a new object. Answers with its mask on that picture. Throws SONO_PROJECT_FRAME, SONO_PROJECT_REQUEST,
   * SONO_PROJECT_LOCKED, SONO_PROJECT_MARKS_FULL, SONO_MODEL_FINDS where a model finds everything by itself.
   */
  prompt(frame: number, label: string | null, prompts: readonly Prompt[]): Promise<MarkAnswer> {
    return this.#mark('add', frame, label, prompts);
  }

  /**
   * Takes a mask that a person has drawn: of a marked object in place of its marks on that picture, of a found one as a correction. Throws like
   * `prompt` and `correct`.
   */
  async repair(frame: number, label: string, mask: CocoMask): Promise<MarkAnswer> {
    if (this.isMarked) {
      this.#known(label);
      return this.#mark('repair', frame, label, [promptFromWire({ type: 'mask', mask })]);
    }
    await this.correct({ kind: 'contour', frame, label, mask });
    return this.#answer(label, null, frame);
  }

  async #mark(
    kind: 'add' | 'repair',
    frame: number,
    label: string | null,
    prompts: readonly Prompt[],
  ): Promise<MarkAnswer> {
    const wire = prompts.map((prompt) => promptToWire(prompt));
    const given = await this.#change(async () => {
      const { document, nextMark } = this.file.value;
      if (label !== null) checkUnlocked(document, label);
      const kept = document.plan.reduce((sum, object) => sum + object.prompts.length, 0);
      if (kept + wire.length > mostMarks)
        throw replayError('SONO_PROJECT_MARKS_FULL', { marks: kept, most: mostMarks });
      const marks = wire.map((prompt, index): StoredMark => ({
        ...{ id: nextMark + index, frame, prompt, author: 'person', atUnixMs: Date.now() },
      }));
      const edited = addMarks(document, label, marks);
      await this.#checkMarks(edited.document, edited.label, frame);
      await this.#keep({ kind, label: edited.label }, edited.document, nextMark + marks.length);
      return { label: edited.label, mark: marks.at(-1)?.id ?? null };
    });
    return this.#answer(given.label, given.mark, frame);
  }

  /** Throws SONO_PROJECT_MARK, SONO_PROJECT_LOCKED, SONO_PROJECT_REQUEST. */
  async moveMark(id: number, prompt: WirePrompt): Promise<MarkAnswer> {
    const { label, frame } = await this.#change(async () => {
      const { document } = this.file.value;
      const { label, mark } = findMark(document, id);
      checkUnlocked(document, label);
      const edited = withMovedMark(document, id, prompt, Date.now());
      await this.#checkMarks(edited, label, mark.frame);
      await this.#keep({ kind: 'move', label }, edited);
      return { label, frame: mark.frame };
    });
    return this.#answer(label, id, frame);
  }

  /** Throws SONO_PROJECT_MARK, SONO_PROJECT_LOCKED. */
  async removeMark(id: number): Promise<MarkAnswer> {
    const { label, frame } = await this.#change(async () => {
      const { document } = this.file.value;
      const { label, mark } = findMark(document, id);
      checkUnlocked(document, label);
      await this.#keep({ kind: 'removeMark', label }, withoutMark(document, id));
      return { label, frame: mark.frame };
    });
    return this.#answer(label, null, frame);
  }

  /**
   * Takes masks of files as marks: each in place of what its object had on that picture. Throws SONO_PROJECT_IMPORT where none can be used,
   * SONO_PROJECT_MARKS_FULL, SONO_MODEL_FINDS, and what `found` throws.
   */
  async importMasks(
    found: AsyncIterable<FoundMask>,
    { name, batch }: { readonly name: string; readonly batch: string | undefined },
  ): Promise<Omit<ResponseOf<'projects.importFrom'>, 'project'>> {
    this.#checkMarked('importing masks');
    const masks: FoundMask[] = [];
    for await (const mask of found) {
      masks.push(mask);
      if (masks.length > mostImported)
        throw replayError('SONO_PROJECT_IMPORT', {
          name,
          reason: `it holds more than ${mostImported} masks`,
        });
    }
    const frameOf = pictureFinder({
      frames: this.pictures.frames,
      ...(await recordingPictures(this.#item, this.tools.archives)),
    });
    return this.#change(async () => {
      this.#checkMarked('importing masks');
      const { document, nextMark, format } = this.file.value;
      if (!format) throw replayError('SONO_PROJECT_FRAME', { frame: 0 });
      const { size } = format;
      const taker = new MaskTaker(document, { size, frameOf, firstMark: nextMark, atUnixMs: Date.now() });
      for (const mask of masks) taker.take(mask);
      const { labels, frames, taken, left, ...after } = taker.applied;
      if (taken === 0) throw replayError('SONO_PROJECT_IMPORT', { name, reason: nothingTaken(left, size) });
      const marks = after.document.plan.reduce((sum, object) => sum + object.prompts.length, 0);
      if (marks > mostMarks) throw replayError('SONO_PROJECT_MARKS_FULL', { marks, most: mostMarks });
      const label = labels.length === 1 ? (labels[0] ?? null) : null;
      await this.#keep({ kind: 'import', label, batch }, after.document, nextMark + taken);
      return { labels: [...labels], masks: taken, frames: frames.size, left };
    });
  }

  /** A person has looked at this picture. */
  see(frame: number): Promise<void> {
    return this.#always(async () => {
      const { seen } = this.file.value;
      if (!seen.includes(frame)) await this.file.keep({ seen: [...seen, frame].slice(-mostSeen) });
    });
  }

  /** Pictures on which tracking was least sure, without those that are marked, corrected or seen. */
  async uncertain(apart: number, count: number): Promise<UncertainPicture[]> {
    const confidences = await this.masks.confidences();
    const { seen, document } = this.file.value;
    const { tracked } = this;
    const excluded = new Set([
      ...seen,
      ...document.plan.flatMap(({ prompts }) => prompts.map(({ frame }) => frame)),
      ...document.corrections.flatMap(({ correction }) =>
        correction.kind === 'contour' ? [correction.frame] : [],
      ),
    ]);
    const lanes = confidences.filter(({ label }) => tracked.has(label));
    return uncertainPictures(lanes, { apart, count, excluded });
  }

  /** Takes back the last change; where there is none nothing happens. */
  undo(): Promise<void> {
    return this.#change(async () => {
      const { history, document } = this.file.value;
      const back = undone(history, document);
      if (back) await this.file.keep(back);
    });
  }

  /** Makes the change again that was taken back last; where there is none nothing happens. */
  redo(): Promise<void> {
    return this.#change(async () => {
      const { history, document } = this.file.value;
      const again = redone(history, document);
      if (again) await this.file.keep(again);
    });
  }

  /** Throws SONO_PROJECT_REQUEST, SONO_PROJECT_LOCKED, SONO_MODEL_FINDS. */
  rename(label: string, name: string): Promise<void> {
    return this.#edit({ kind: 'rename', label: name.trim() }, (document) => {
      this.#checkMarked('renaming');
      checkUnlocked(document, label);
      return renamed(document, label, name);
    });
  }

  /** Throws SONO_PROJECT_LOCKED, SONO_MODEL_FINDS. */
  removeObject(label: string): Promise<void> {
    return this.#edit({ kind: 'removeObject', label }, (document) => {
      this.#checkMarked('removing a structure');
      checkUnlocked(document, label);
      return document.plan.some((object) => object.label === label)
        ? withoutObject(document, label)
        : document;
    });
  }

  /** Throws SONO_PROJECT_REQUEST where there is no such object. */
  hide(label: string, hidden: boolean): Promise<void> {
    return this.#edit({ kind: hidden ? 'hide' : 'show', label }, (document) =>
      withTrait(document, this.#known(label), { hidden }),
    );
  }

  /** Throws SONO_PROJECT_REQUEST where there is no such object. */
  lock(label: string, locked: boolean): Promise<void> {
    return this.#edit({ kind: locked ? 'lock' : 'unlock', label }, (document) =>
      withTrait(document, this.#known(label), { locked }),
    );
  }

  /**
   * Who outlines: a model that finds its structures by itself, or (null) marks are followed. Throws SONO_PROJECT_DECIDED where work
   * would be lost, SONO_PROJECT_FINDER.
   */
  choose(name: string | null): Promise<void> {
    return this.#change(async () => {
      const { finder, document } = this.file.value;
      if (name === (finder?.name ?? null)) return;
      if (document.plan.length > 0 || document.corrections.length > 0)
        throw replayError('SONO_PROJECT_DECIDED');
      await this.file.keep({
        finder: name === null ? null : storedFinder(await findFinder(this.tools, name)),
        // What was done before was done to other objects.
        ...{ document: { ...document, traits: [] }, history: noHistory },
      });
    });
  }

  /**
   * What a person says of a beat or an outline. Throws SONO_PROJECT_CORRECTION with the reason where it cannot be, SONO_PROJECT_NOTHING
   * where the run is not complete, because then beats have no numbers yet that stay.
   */
  correct(correction: Correction): Promise<void> {
    return this.#change(async () => {
      const { finder, format, document } = this.file.value;
      const { corrections } = document;
      const refuse = (problem: string): never => {
        throw replayError('SONO_PROJECT_CORRECTION', { problem });
      };
      // An outline can be drawn of whatever a model has found, beats are those of a heart.
      if (finder === null || format === null || (!finder.measuresHeart && correction.kind !== 'contour'))
        return refuse('no heart is measured in this recording');
      if (!this.#upToDate)
        throw replayError('SONO_PROJECT_NOTHING', { what: 'measured to the end', advice: 'Run it first.' });
      if (corrections.length >= mostCorrections) refuse(`there are ${mostCorrections} already`);
      if (correction.kind === 'contour') {
        const { frame, label, mask } = correction;
        if (!finder.finds.includes(label)) refuse(`nothing is called "${label}"`);
        checkUnlocked(document, label);
        const problem = marksProblem([promptFromWire({ type: 'mask', mask })], format.size);
        if (problem) refuse(promptProblemWords[problem]);
        if ((await this.masks.find(frame)) === null) throw replayError('SONO_PROJECT_FRAME', { frame });
      }
      const kept = [...corrections, { correction, author: 'person' as const, atUnixMs: Date.now() }];
      if (finder.measuresHeart) {
        const { problem } = await this.masks.corrected(kept, format);
        if (problem !== null) refuse(problem);
      }
      const about = correction.kind === 'contour' ? correction.label : null;
      await this.#keep({ kind: 'correct', label: about }, { ...document, corrections: kept });
    });
  }

  /** Beats and curve with the corrections. Throws SONO_PROJECT_CORRECTION where no heart is measured. */
  async measurements(): Promise<{
    readonly measured: CorrectedClip;
    readonly corrections: readonly StoredCorrection[];
    readonly calibrated: boolean;
  }> {
    const { finder, format, document } = this.file.value;
    const { corrections } = document;
    if (finder?.measuresHeart !== true || format === null)
      throw replayError('SONO_PROJECT_CORRECTION', { problem: 'no heart is measured in this recording' });
    const measured = await this.masks.corrected(corrections, format);
    return { measured, corrections, calibrated: isCalibrated(format.calibration) };
  }

  /**
   * The objects of a picture: as they were tracked, or (where marks on it have not been tracked yet) as these marks outline them.
   * What cannot be outlined now is left out.
   */
  async shown(frame: number): Promise<ShownFrame> {
    const message = await this.masks.find(frame);
    const { document, finder, format } = this.file.value;
    const { plan } = document;
    const drawn = this.#drawnOn(frame);
    const { tracked } = this;
    const objects = (message === null ? [] : trackedObjects(message, drawn)).filter(({ label }) =>
      tracked.has(label),
    );
    if (finder !== null || format === null) return { size: message?.maskSize ?? null, objects };
    for (const { label } of plan) {
      if (this.#isTrackedOn(label, frame, message)) continue;
      const marked = await this.#outlined(label, frame).catch(() => null);
      if (marked === null) continue;
      const index = objects.findIndex((object) => object.label === label);
      if (index < 0) objects.push(marked);
      else objects[index] = marked;
    }
    return { size: message?.maskSize ?? (objects.length > 0 ? format.size : null), objects };
  }

  /** As the marks of an object on a picture outline it; null where it has none there, or the network finds nothing. Throws what `MarkedMasks.find` throws. */
  async #outlined(label: string, frame: number): Promise<ShownObject | null> {
    const { document, format } = this.file.value;
    const prompts = promptsOn(document.plan, label, frame);
    if (prompts.length === 0 || format === null) return null;
    const object = await this.#marked.find(frame, prompts, format.size);
    return object && shownObject({ label, ...object }, { corrected: givesMask(prompts), marked: true });
  }

  /** The masks on disk follow all marks of the object on this picture, of which there may be none. */
  #isTrackedOn(label: string, frame: number, message: SegmentationMessage | null): boolean {
    const prompts = promptsOn(this.file.value.document.plan, label, frame);
    if (prompts.length === 0) return true;
    const { ran } = this.file.value;
    return (
      ran?.finder === null &&
      markGroups(ran.plan).has(markGroup(label, frame, prompts)) &&
      message?.objects.some((object) => object.label === label) === true
    );
  }

  /** What a change of marks has left. The mark is kept whatever comes of it. */
  async #answer(label: string, mark: number | null, frame: number): Promise<MarkAnswer> {
    const size = this.file.value.format?.size ?? null;
    try {
      const object =
        (await this.#outlined(label, frame)) ??
        (await this.shown(frame)).objects.find((shown) => shown.label === label) ??
        null;
      return { label, mark, frame, size, object, problem: null };
    } catch (error) {
      const { code, message } = codedFault('project', this.id, error, (cause) =>
        replayError('SONO_PROJECT_FAULT', { reason: reasonOf(cause) }, cause),
      );
      return { label, mark, frame, size, object: null, problem: { code, message } };
    }
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
    const { finder, format, document } = this.file.value;
    const none = (reason: string) => ({ beats: { reason }, corrected: false });
    if (finder?.measuresHeart !== true || format === null)
      return none('no heart is measured in its recording');
    if (!this.#upToDate) return none('its recording has not been measured to the end');
    const clip = await this.masks.withDisks(document.corrections, format);
    return {
      beats: clip.viewBeats,
      corrected: clip.beats.some(({ accepted, corrected }) => accepted && corrected),
    };
  }

  /** The outlines that a person has drawn on a picture. */
  #drawnOn(frame: number): DrawnOutlines | undefined {
    return drawnByFrame(
      this.file.value.document.corrections.flatMap(({ correction }) =>
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
      const { ran, finder: chosen } = this.file.value;
      const plan = this.#planned;
      if (plan.length === 0 && chosen === null)
        throw replayError('SONO_PROJECT_NOTHING', { what: 'pointed at', advice: 'Mark an object first.' });
      if (this.#upToDate) return;
      const workDirectory = this.work.file('tracking');
      const item = await this.#runOptions(['mcap'], this.work.path, workDirectory, null);
      await this.masks.forget();
      const finder = chosen?.name ?? null;
      const changed = ran?.finder === finder ? firstChange(ran.plan, plan) : null;
      await rewindToValidCheckpoint(workDirectory, this.masks.path, changed);
      // What is tracked anew is looked at anew.
      const seen = this.file.value.seen.filter((frame) => frame < (changed ?? 0));
      await this.file.keep({ seen, ran: { plan, finder, complete: false } });
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
      const repairs = this.#exportable;
      if (repairs === null)
        throw replayError('SONO_PROJECT_NOTHING', {
          what: 'tracked with these prompts',
          advice: 'Propagate first.',
        });
      const { name, folder } = await this.exports.make();
      const workDirectory = this.work.file('exporting');
      await rm(workDirectory, { recursive: true, force: true });
      this.#run.start(
        'export',
        await this.#runOptions(formats, folder, workDirectory, this.masks.path, repairs),
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
    const { ran, document, finder } = this.file.value;
    if (finder !== null) return new Set(ran?.finder === finder.name ? finder.finds : []);
    return ran?.finder === null ? stillTracked(ran.plan, trackedPlan(document.plan)) : new Set();
  }

  /** The masks on disk are those of the prompts as they are now. */
  get #upToDate(): boolean {
    const { ran, finder } = this.file.value;
    return (
      ran?.complete === true && ran.finder === (finder?.name ?? null) && samePlan(ran.plan, this.#planned)
    );
  }

  /** What is to be tracked: a locked object as it was tracked, whatever has been marked since. */
  get #planned(): TrackedPlan {
    const { ran, document, finder } = this.file.value;
    return trackable(document, ran?.finder === null && finder === null ? ran.plan : []);
  }

  /** Masks drawn since the run, to be exported in their places; null: the masks on disk are not those of the other marks. */
  get #exportable(): readonly Correction[] | null {
    if (this.#upToDate) return [];
    const { ran, finder } = this.file.value;
    return ran?.complete === true && ran.finder === null && finder === null
      ? drawnSince(ran.plan, this.#planned)
      : null;
  }

  /** Groups of marks that the masks on disk follow. */
  get #trackedGroups(): ReadonlySet<string> {
    const { ran } = this.file.value;
    return ran?.complete === true && ran.finder === null ? markGroups(ran.plan) : new Set();
  }

  /** Throws SONO_PROJECT_REQUEST. */
  #known(label: string): string {
    const { document, finder } = this.file.value;
    const labels = finder?.finds ?? document.plan.map((object) => object.label);
    if (!labels.includes(label))
      throw replayError('SONO_PROJECT_REQUEST', { problem: 'there is no such object' });
    return label;
  }

  /** Tracking gets all marks of an object on a picture at once. Throws SONO_MODEL_FINDS, SONO_PROJECT_FRAME, SONO_PROJECT_REQUEST. */
  async #checkMarks({ plan }: ProjectDocument, label: string, frame: number): Promise<void> {
    this.#checkMarked('marking');
    const { format } = this.file.value;
    if (!format || !(await this.pictures.has(frame))) throw replayError('SONO_PROJECT_FRAME', { frame });
    const together = promptsOn(plan, label, frame).map((prompt) => promptFromWire(prompt));
    const problem = marksProblem(together, format.size);
    if (problem)
      throw replayError('SONO_PROJECT_REQUEST', {
        problem: `the mark cannot be used (${promptProblemWords[problem]})`,
      });
  }

  #checkMarked(what: string): void {
    if (this.file.value.finder !== null) throw inferenceError('SONO_MODEL_FINDS', { what });
  }

  async #runOptions(
    formats: readonly ExportFormat[],
    outDirectory: string,
    workDirectory: string,
    masksFrom: string | null,
    repairs: readonly Correction[] = [],
  ): Promise<ItemOptions> {
    const { document, finder, pair } = this.file.value;
    const { corrections } = document;
    return runOptions(this.tools, {
      item: this.#item,
      view: pair?.view ?? 'a4c',
      plan: this.#planned,
      formats,
      outDirectory,
      workDirectory,
      masksFrom,
      corrections: corrections.map(({ correction }) => correction),
      repairs,
      finder: finder && (await findFinder(this.tools, finder.name)),
    });
  }

  #edit(change: Change, edit: (document: ProjectDocument) => ProjectDocument): Promise<void> {
    return this.#change(async () => {
      const { document } = this.file.value;
      const edited = edit(document);
      if (edited !== document) await this.#keep(change, edited);
    });
  }

  /** A document that follows from the present one by a change. */
  async #keep(change: Change, document: ProjectDocument, nextMark = this.file.value.nextMark): Promise<void> {
    const { history, document: before } = this.file.value;
    await this.file.keep({ document, nextMark, history: changed(history, change, before) });
  }

  /** Runs a change when those before it are done. Throws SONO_PROJECT_BUSY during a run, SONO_PROJECT_UNKNOWN once closed. */
  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    return this.#always(() => {
      if (this.#run.running) throw replayError('SONO_PROJECT_BUSY');
      return change();
    });
  }

  /** The same for what does not disturb a run. */
  #always<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#changes.then(() => {
      if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
      return change();
    });
    // A refused change must not block the next.
    this.#changes = changed.catch(() => undefined);
    return changed;
  }
}

function told(change: Change | undefined): ProjectState['undo'] {
  return change === undefined ? null : { kind: change.kind, label: change.label };
}
