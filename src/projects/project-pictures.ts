/**
 * The pictures of a project: its source is played once in the background, and each picture can be had as soon as it has been
 * read. Runs in the main process.
 */
import type { SonoError } from '../vocabulary/errors.js';
import type { ProjectState } from '../protocol/project-requests.js';
import { wireFormat } from '../protocol/source-format.js';
import type { FrameSource } from '../ingest/frame-source.js';
import { replayError } from '../replay/errors.js';
import { FrameReader } from '../replay/frame-reader.js';
import type { InputItem } from '../replay/input-item.js';
import type { PictureSize } from '../vocabulary/frame.js';
import { AnalysisPictures } from './analysis-pictures.js';
import { PictureStore } from './picture-store.js';
import type { ProjectFile } from './stored-project.js';

export interface PictureTools {
  readonly createSource: (item: InputItem) => FrameSource;
  /** Of the pictures that the model of marks takes. Rejects with SONO_MODEL_…. */
  readonly inputSize: () => Promise<PictureSize>;
  /** Most disk space that they take. */
  readonly spoolBytes: number;
  /** Whether pictures may be written now; rejects with a coded error. Default: always. */
  readonly mayWrite?: () => Promise<void>;
}

const displayQuality = 85;
/** Nothing is marked: the pictures alone are wanted, and of the analysis picture only what kind of picture it is. */
const noAnalysis = { width: 64, height: 64 };

export class ProjectPictures {
  #store: PictureStore | null = null;
  #reader: FrameReader | null = null;
  #filling: Promise<void> = Promise.resolve();
  #opening: Promise<void> | null = null;
  #closed = false;
  #analysis: Promise<AnalysisPictures> | null = null;

  constructor(
    private readonly folder: string,
    private readonly file: ProjectFile,
    private readonly item: InputItem,
    private readonly tools: PictureTools,
    private readonly onChange: () => void,
  ) {}

  get state(): ProjectState['pictures'] {
    return {
      frames: this.frames,
      complete: this.#store?.complete ?? this.file.value.read,
      problem: this.#store?.failure?.message ?? null,
    };
  }

  /** That can be had now. */
  get frames(): number {
    return this.#store?.frames ?? 0;
  }

  /** Pictures still have to be read from the source: `wake` opens it. */
  get asleep(): boolean {
    return this.#store === null && !this.file.value.read;
  }

  /**
   * Begins to read pictures where that has not been done (after a restart). Who asks while it begins gets the same answer.
   * Rejects with the source's coded error. `signal` gives the source up.
   */
  async wake(signal?: AbortSignal): Promise<void> {
    if (this.#opening === null && this.#store) return;
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = null;
    });
    await this.#opening;
  }

  /** JPEG. Throws SONO_PROJECT_FRAME where it is not there (yet), and like `wake`. */
  async picture(frame: number): Promise<Uint8Array> {
    await this.wake();
    const picture = await this.#store?.picture(frame);
    if (!picture) throw replayError('SONO_PROJECT_FRAME', { frame });
    return picture;
  }

  async has(frame: number): Promise<boolean> {
    return ((await this.#store?.times(frame)) ?? null) !== null;
  }

  /**
   * As the network takes it: uint8 RGB of `size`. Throws SONO_PROJECT_FRAME, SONO_MODEL_…, and the source's errors where it is read
   * again.
   */
  async analysis(frame: number): Promise<{ readonly data: Uint8Array; readonly size: PictureSize }> {
    if (!(await this.has(frame))) throw replayError('SONO_PROJECT_FRAME', { frame });
    const pictures = await this.#analysisPictures();
    return { data: await pictures.get(frame), size: pictures.size };
  }

  async close(): Promise<void> {
    this.#closed = true;
    // The store first: what is closed early has not been read to its end.
    const storeClosed = this.#store?.close();
    // A source that says nothing would be waited for.
    this.#reader?.close();
    await storeClosed;
    await this.#opening?.catch(() => undefined);
    await this.#filling;
    await (await this.#analysis?.catch(() => null))?.close();
  }

  #analysisPictures(): Promise<AnalysisPictures> {
    if (this.#closed) return Promise.reject(replayError('SONO_PROJECT_UNKNOWN'));
    this.#analysis ??= this.tools.inputSize().then(
      (size) =>
        new AnalysisPictures({
          folder: this.folder,
          size,
          mostBytes: this.tools.spoolBytes,
          createSource: () => this.tools.createSource(this.item),
          streamId: this.item.clip,
        }),
    );
    // A model that cannot be read now may be there later.
    this.#analysis.catch(() => (this.#analysis = null));
    return this.#analysis;
  }

  async #open(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
    const store = await PictureStore.open(this.folder, this.file.value.read);
    if (this.#hasClosed()) {
      await store.close();
      throw replayError('SONO_PROJECT_UNKNOWN');
    }
    this.#store = store;
    if (this.file.value.read) {
      this.onChange();
      return;
    }
    const mayWrite = this.tools.mayWrite ?? (() => Promise.resolve());
    await mayWrite();
    // Of what a model finds by itself no mark will ask; without a model there is nothing to ask.
    const analysis =
      this.file.value.finder === null ? await this.#analysisPictures().catch(() => null) : null;
    if (this.#hasClosed()) throw replayError('SONO_PROJECT_UNKNOWN');
    const reader = new FrameReader(this.tools.createSource(this.item), {
      streamId: this.item.clip,
      analysisSize: analysis?.size ?? noAnalysis,
      displayQuality,
    });
    this.#reader = reader;
    const giveUp = (): void => reader.close();
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp, { once: true });
    const problem = await this.#beginFilling(store, reader, analysis, mayWrite);
    signal?.removeEventListener('abort', giveUp);
    signal?.throwIfAborted();
    if (problem) throw problem;
  }

  /** Resolves when the source has said what it is, to null, or when it has failed before, to why. */
  #beginFilling(
    store: PictureStore,
    reader: FrameReader,
    analysis: AnalysisPictures | null,
    mayWrite: () => Promise<void>,
  ): Promise<SonoError | null> {
    return new Promise((resolve) => {
      this.#filling = store
        .fill(reader, {
          onFormat: (format) => {
            this.file.note({ format: wireFormat(format) });
            resolve(null);
          },
          onAnalysis: async (frame) => analysis?.put(frame),
          onPicture: this.onChange,
          mayWrite,
        })
        .then(async () => {
          resolve(store.failure ?? replayError('SONO_PROJECT_UNKNOWN'));
          if (store.complete) await this.file.keep({ read: true }).catch(() => undefined);
          this.onChange();
        });
    });
  }

  /** A method, because it changes while something is awaited. */
  #hasClosed(): boolean {
    return this.#closed;
  }
}
