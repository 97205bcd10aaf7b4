/** All projects of a server: opening, finding, deleting, and what changes in them. Runs in the main process. */
import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Subject, throttleTime } from 'rxjs';
import { byView, type BiplanePresent } from '../analysis/biplane-beats.js';
import { dicomError } from '../dicom/errors.js';
import { isArchiveUri } from '../dicom/web/address.js';
import { holdsSecret, redact } from '../node/redact.js';
import type { EchoView } from '../vocabulary/echo.js';
import { otherView } from '../vocabulary/echo.js';
import { SonoError } from '../vocabulary/errors.js';
import type { ExportFormat } from '../vocabulary/export-format.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import { safeName } from '../export/exporter.js';
import { lookAtFile, sourceTrials } from '../ingest/index.js';
import { nameOfPath, parseSourceUri } from '../ingest/source-uri.js';
import { sameBytes } from '../node/same-bytes.js';
import type { ProjectEvent, ProjectState } from '../protocol/project-requests.js';
import { recordedStreams } from '../record/recording-streams.js';
import { replayError } from '../replay/errors.js';
import type { ResponseOf } from '../protocol/operations.js';
import { biplaneName, biplaneReport, viewsTogether, type ClipPair } from '../replay/biplane-pairs.js';
import { FolderLock } from '../replay/folder-lock.js';
import { readModelFacts, type Finder } from '../replay/model-facts.js';
import { Uploads } from '../server/index.js';
import { readMasks, type ImportWishes } from './import/read-masks.js';
import { MarkEngine } from './mark-engine.js';
import { byNearness, nearnessOf } from './partners.js';
import { findFinder, Project, storedFinder } from './project.js';
import type { ProjectTools } from './project.js';
import type { StoredFinder } from './stored-project.js';

/** While a project changes all the time (pictures are read, frames are tracked), it is announced this often. */
const announceMs = 200;

/** How often the lock of the folder is renewed. */
const signOfLifeMs = 5_000;

/** What two recordings of one heart give together. */
export interface ProjectBiplane {
  /** Names of their results. */
  readonly clips: ClipPair;
  readonly present: BiplanePresent;
  /** A person has corrected a beat that counts in one of them. */
  readonly corrected: boolean;
}

/** Masks of an hour are smaller; an export with pictures may be larger. */
const mostImportBytes = 4 * 1024 ** 3;

/** How masks are to be taken. */
export interface Wished extends ImportWishes {
  readonly batch: string | undefined;
}

interface ProjectChange {
  readonly id: string;
  /** As it is when this is called. */
  readonly event: () => ProjectEvent;
}

/** An address in the one form in which two of the same place are equal. */
function placeOf(uri: string): { readonly text: string; readonly isPath: boolean } {
  try {
    const address = parseSourceUri(uri);
    if ('path' in address) return { text: address.path, isPath: true };
  } catch {
    // What cannot be read is only equal to itself.
  }
  return { text: uri.trim(), isPath: false };
}

/**
 * All projects of a server, in one folder that no other server works in at the same time. It is locked when projects are first
 * asked for.
 */
export class Projects {
  readonly #projects = new Map<string, Project>();
  readonly #closing = new AbortController();
  #loaded: Promise<void> | null = null;
  #lock: FolderLock | null = null;
  readonly #changes = new Subject<ProjectChange>();
  /** What has changed, at most every `announceMs` for each project; the last change is never left out. */
  readonly changes$ = this.#changes.asObservable();
  private readonly tools: ProjectTools;
  /** Files with masks on their way in. */
  readonly imports: Uploads;

  constructor(
    private readonly folder: string,
    tools: Omit<ProjectTools, 'marks' | 'modelHash' | 'inputSize'>,
    /** Whether viewers may open this address; rejects with a coded error. */
    private readonly checkSource: (uri: string) => Promise<void> = () => Promise.resolve(),
  ) {
    const { modelDir, provider, threads } = tools;
    this.imports = new Uploads(join(tmpdir(), 'sonoscope-masks'), mostImportBytes);
    const facts = onceThere(() => readModelFacts(modelDir));
    this.tools = {
      ...tools,
      marks: new MarkEngine({ modelDir, provider, threads }),
      modelHash: async () => (await facts()).sha256,
      inputSize: async () => (await facts()).inputSize,
    };
  }

  /** Throws SONO_PROJECT_FOLDER_BUSY. */
  async list(): Promise<ProjectState[]> {
    try {
      await this.#load();
    } catch (error) {
      // Where nothing can be written there are none.
      if (error instanceof SonoError && error.code === 'SONO_REPLAY_OUT_NOT_WRITABLE') return [];
      throw error;
    }
    return [...this.#projects.values()]
      .map((project) => project.state)
      .sort((a, b) => b.createdUnixMs - a.createdUnixMs);
  }

  /** Models that find their structures by themselves. */
  async finders(): Promise<readonly Finder[]> {
    return (await this.tools.finders?.()) ?? [];
  }

  /** Throws SONO_PROJECT_UNKNOWN, SONO_PROJECT_FOLDER_BUSY. */
  async get(id: string): Promise<Project> {
    await this.#load();
    const project = this.#projects.get(id);
    if (!project) throw replayError('SONO_PROJECT_UNKNOWN');
    return project;
  }

  /**
   * Opens a file, folder or recording on this machine as a project. Rejects with the source's coded error, with
   * SONO_REPLAY_INPUT_ENDLESS for what has no end, SONO_PROJECT_FINDER, and like SourceTrials.run. `asker`: aborted when who asked has left.
   */
  async open(
    uri: string,
    wantedStream: string | null,
    finder: string | null,
    asker: AbortSignal,
  ): Promise<Project> {
    await this.#load();
    const chosen = finder === null ? null : storedFinder(await findFinder(this.tools, finder));
    return sourceTrials.run(uri, this.#orClosing(asker), async (signal) => {
      // It would be kept with the project. The operator gives it to the server instead.
      if (isArchiveUri(uri) && holdsSecret(uri))
        throw dicomError('SONO_ARCHIVE_LOGIN_PLACE', { uri: redact(uri) });
      await this.checkSource(uri);
      return this.#create(uri, wantedStream, chosen, signal);
    });
  }

  /**
   * Projects that were made from this recording: from the same place, or from a file with the same bytes. Every byte is compared, but only
   * of files of the same length. Rejects like SourceTrials.run and with the policy's refusal.
   */
  async find(
    uri: string,
    asker: AbortSignal,
  ): Promise<readonly { readonly id: string; readonly name: string; readonly how: 'place' | 'bytes' }[]> {
    await this.#load();
    const states = await this.list();
    return sourceTrials.run(uri, this.#orClosing(asker), async (signal) => {
      await this.checkSource(uri);
      const found = [];
      const place = placeOf(uri);
      for (const { id, name, uri: other } of states) {
        const otherPlace = placeOf(other);
        if (otherPlace.text === place.text) found.push({ id, name, how: 'place' as const });
        else if (place.isPath && otherPlace.isPath && (await sameBytes(place.text, otherPlace.text, signal)))
          found.push({ id, name, how: 'bytes' as const });
      }
      return found;
    });
  }

  /** Opens the source of a project again whose pictures are not all there. Rejects like `open`. */
  async wake(project: Project, asker: AbortSignal): Promise<void> {
    if (project.isMarked) this.tools.marks.warm();
    if (!project.pictures.asleep) return project.pictures.wake();
    return sourceTrials.run(project.state.uri, this.#orClosing(asker), (signal) =>
      project.pictures.wake(signal),
    );
  }

  /** Masks of a file or folder on this machine. Rejects like `open` where viewers may not read it, and like `Project.importMasks`. */
  async importFrom(project: Project, path: string, wished: Wished): ReturnType<Project['importMasks']> {
    await this.checkSource(path);
    const plain = path.startsWith('file://') ? fileURLToPath(path) : path;
    return this.importMasks(project, plain, basename(plain), wished);
  }

  /** `named`: as the person called the file. Throws like `readMasks` and `Project.importMasks`. */
  importMasks(
    project: Project,
    path: string,
    named: string,
    { batch, ...wishes }: Wished,
  ): ReturnType<Project['importMasks']> {
    return project.importMasks(readMasks(path, named, wishes), { name: named, batch });
  }

  async #create(
    uri: string,
    wantedStream: string | null,
    finder: StoredFinder | null,
    signal: AbortSignal,
  ): Promise<Project> {
    const recording = extname(uri).toLowerCase() === '.mcap';
    if (recording) await lookAtFile(uri, signal);
    const stream = recording ? (wantedStream ?? (await recordedStreams(uri))[0] ?? null) : null;
    const plain = isArchiveUri(uri) ? `cine ${basename(uri).slice(-12)}` : nameOfPath(uri) || 'recording';
    const name = stream === null ? plain : `${plain} ${stream}`;
    const id = `${safeName(name)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40)}-${randomBytes(4).toString('hex')}`;
    const project = await Project.create(
      join(this.folder, id),
      { id, name, uri, kind: recording ? 'recording' : 'source', stream, finder, createdUnixMs: Date.now() },
      this.tools,
      signal,
    );
    // Given up just now, or the server ends: nobody would close it.
    if (signal.aborted) {
      await project.close();
      await rm(project.folder, { recursive: true, force: true });
      signal.throwIfAborted();
    }
    this.#add(project);
    if (project.isMarked) this.tools.marks.warm();
    return project;
  }

  /** Recordings that may show the other view of the heart of this one, the most likely first. */
  partners(project: Project): ResponseOf<'projects.partners'>['partners'] {
    const own = { uri: project.state.uri, stream: project.stream };
    const others = [...this.#projects.values()].filter((other) => other !== project);
    return byNearness(
      others
        .filter(({ state }) => state.measuresHeart)
        .map((other) => {
          const { id, name, uri } = other.state;
          return { project: id, name, ...nearnessOf(own, { uri, stream: other.stream }) };
        }),
    );
  }

  /**
   * A recording and the one with the other view (null: none), each of which names the other from then on; whoever was named before is
   * alone. Throws SONO_PROJECT_PAIR, SONO_PROJECT_UNKNOWN.
   */
  async pair(project: Project, partnerId: string | null, view: EchoView): Promise<void> {
    const partner = partnerId === null ? null : await this.get(partnerId);
    const refuse = (problem: string) => replayError('SONO_PROJECT_PAIR', { problem });
    if (partner === project) throw refuse('they are the same one');
    if (partner !== null)
      for (const { state } of [project, partner])
        if (!state.measuresHeart) throw refuse(`no heart is measured in "${state.name}"`);
    for (const one of [project, partner]) {
      const before = this.#partnerOf(one);
      if (before !== null && before !== project && before !== partner) await before.pairWith(null);
    }
    await project.pairWith(partner && { partner: partner.id, view });
    await partner?.pairWith({ partner: project.id, view: otherView(view) });
  }

  /** What a recording and its partner give together; null: it has no partner. */
  async biplane(project: Project): Promise<ProjectBiplane | null> {
    const partner = this.#partnerOf(project);
    const { pair } = project.state;
    if (partner === null || pair === null) return null;
    const [own, its] = [await project.viewBeats(), await partner.viewBeats()];
    return {
      clips: byView(pair.view, project.clip, partner.clip),
      present: viewsTogether(byView(pair.view, own.beats, its.beats)),
      corrected: own.corrected || its.corrected,
    };
  }

  /** Exports of one of two views have what both give beside the beats of this one. Otherwise as `Project.export`. */
  export(project: Project, formats: readonly ExportFormat[]): Promise<string> {
    return project.export(formats, async (clipFolder) => {
      const biplane = formats.includes('echo') ? await this.biplane(project) : null;
      if (biplane === null) return;
      const path = join(clipFolder, biplaneName);
      await writeFile(path, biplaneReport(biplane.clips, biplane.present, biplane.corrected));
    });
  }

  /** The one that it names, where that one names it too. */
  #partnerOf(project: Project | null): Project | null {
    const partner = this.#projects.get(project?.state.pair?.partner ?? '') ?? null;
    return partner?.state.pair?.partner === project?.id ? partner : null;
  }

  async remove(id: string): Promise<void> {
    const project = await this.get(id);
    await this.#partnerOf(project)?.pairWith(null);
    await project.close();
    this.#projects.delete(id);
    await rm(project.folder, { recursive: true, force: true });
    this.#changes.next({ id, event: () => ({ id, state: null }) });
  }

  #add(project: Project): void {
    const { id } = project;
    const announce = (): void => {
      // A last change may come after the project has been deleted.
      if (this.#projects.get(id) === project)
        this.#changes.next({ id, event: () => ({ id, state: project.state }) });
    };
    this.#projects.set(id, project);
    project.changes$
      .pipe(throttleTime(announceMs, undefined, { leading: true, trailing: true }))
      .subscribe(announce);
    announce();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loaded?.catch(() => undefined);
    await Promise.all([...this.#projects.values()].map((project) => project.close()));
    await this.tools.marks.close();
    await this.#lock?.release();
    this.#lock = null;
  }

  #orClosing(asker: AbortSignal): AbortSignal {
    return AbortSignal.any([asker, this.#closing.signal]);
  }

  /** Once, but again where it has failed: the other server may have ended since. */
  #load(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(replayError('SONO_PROJECT_UNKNOWN'));
    this.#loaded ??= this.#loadAll().catch((error: unknown) => {
      this.#loaded = null;
      throw error;
    });
    return this.#loaded;
  }

  async #loadAll(): Promise<void> {
    this.#lock ??= await FolderLock.acquire(join(this.folder, 'lock'), this.folder, signOfLifeMs).catch(
      (error: unknown) => {
        if (error instanceof SonoError && error.code === 'SONO_REPLAY_OUT_BUSY')
          throw replayError('SONO_PROJECT_FOLDER_BUSY', { ...error.details }, error);
        throw error;
      },
    );
    for (const entry of await readdir(this.folder, { withFileTypes: true })) {
      // Whatever else lies there is nobody's, and harms nobody.
      if (!entry.isDirectory()) continue;
      try {
        const project = await Project.load(join(this.folder, entry.name), this.tools);
        if (project) this.#add(project);
      } catch (error) {
        codedFault('project', entry.name, error, (cause) =>
          replayError('SONO_PROJECT_FAULT', { reason: reasonOf(cause) }, cause),
        );
      }
    }
    // Ended between the two that name each other, or the folder of one is gone.
    for (const project of this.#projects.values())
      if (project.state.pair !== null && this.#partnerOf(project) === null)
        await project.pairWith(null).catch(() => undefined);
  }
}

/** Asked once, but again where it has failed. */
function onceThere<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | null = null;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = null;
      throw error;
    });
    return answer;
  };
}
