/**
 * The pictures of a project as its network takes them, to the last bit those of a tracking run: what a mark is answered from. Kept on
 * disk while the recording is read (`analysis-<width>x<height>.bin`, one record for each frame at its own place: frame number + 1 as little-endian
 * f64, then RGB). What is not there, because the model was another one then or the space has run out, is decoded from the source
 * again, up to the picture that is asked for. Runs in the main process.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { FrameSource } from '../ingest/frame-source.js';
import { replayError } from '../replay/errors.js';
import { FrameReader } from '../replay/frame-reader.js';
import { writeProblem } from '../replay/work-folder.js';

const headBytes = 8;
/** Who works on one picture goes on with its neighbours: so many before and behind it are kept of a decoding. */
const keptBefore = 200;
const keptBehind = 25;

interface AnalysisPicturesOptions {
  readonly folder: string;
  readonly size: PictureSize;
  /** Most disk space. */
  readonly mostBytes: number;
  readonly createSource: () => FrameSource;
  readonly streamId: string;
}

export class AnalysisPictures {
  readonly #recordBytes: number;
  readonly #ending = new AbortController();
  #file: Promise<FileHandle> | null = null;
  /** Bytes that this process has written; a file of before counts too. */
  #written = 0;
  /** The picture that is worked on. */
  #last: { readonly frame: number; readonly data: Uint8Array } | null = null;
  /** One after the other: a second question of the same stretch finds what the first has decoded. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: AnalysisPicturesOptions) {
    const { width, height } = options.size;
    this.#recordBytes = headBytes + width * height * 3;
  }

  get size(): PictureSize {
    return this.options.size;
  }

  /** Nothing is kept beyond the space, and where the disk is full: it can be decoded again. */
  async put({ sourceFrame, data }: Pick<AnalysisFrame, 'sourceFrame' | 'data'>): Promise<void> {
    if (this.#ending.signal.aborted || this.#written + this.#recordBytes > this.options.mostBytes) return;
    const file = await this.#open().catch(() => null);
    if (file === null) return;
    const record = Buffer.alloc(this.#recordBytes);
    record.writeDoubleLE(sourceFrame + 1, 0);
    record.set(data, headBytes);
    this.#written += this.#recordBytes;
    await file.write(record, 0, record.length, sourceFrame * this.#recordBytes).catch(() => {
      this.#written = Infinity;
    });
  }

  /** uint8 RGB, row-major, of `size`. Throws SONO_PROJECT_FRAME, SONO_PROJECT_UNKNOWN once closed, and the source's errors. */
  get(frame: number): Promise<Uint8Array> {
    const found = this.#reading.then(async () => {
      if (this.#ending.signal.aborted) throw replayError('SONO_PROJECT_UNKNOWN');
      if (this.#last?.frame === frame) return this.#last.data;
      const data = (await this.#read(frame)) ?? (await this.#decode(frame));
      this.#last = { frame, data };
      return data;
    });
    this.#reading = found.catch(() => undefined);
    return found;
  }

  async close(): Promise<void> {
    this.#ending.abort(replayError('SONO_PROJECT_UNKNOWN'));
    await this.#reading;
    await (await this.#file?.catch(() => null))?.close();
    this.#file = null;
  }

  #open(): Promise<FileHandle> {
    this.#file ??= this.#openFile().catch((error: unknown) => {
      this.#file = null;
      throw error;
    });
    return this.#file;
  }

  async #openFile(): Promise<FileHandle> {
    const { folder, size } = this.options;
    const path = join(folder, `analysis-${size.width}x${size.height}.bin`);
    try {
      const file = await open(path, 'r+').catch(() => open(path, 'w+'));
      // Holes take no space.
      this.#written += (await file.stat()).blocks * 512;
      return file;
    } catch (error) {
      throw writeProblem(path, error);
    }
  }

  async #read(frame: number): Promise<Uint8Array | null> {
    const record = Buffer.alloc(this.#recordBytes);
    const file = await this.#open();
    const { bytesRead } = await file.read(record, 0, record.length, frame * this.#recordBytes);
    if (bytesRead < record.length || record.readDoubleLE(0) !== frame + 1) return null;
    return new Uint8Array(record.subarray(headBytes));
  }

  async #decode(frame: number): Promise<Uint8Array> {
    const { createSource, streamId, size } = this.options;
    const reader = new FrameReader(createSource(), {
      streamId,
      analysisSize: size,
      displayQuality: null,
      signal: this.#ending.signal,
    });
    let found: Uint8Array | null = null;
    try {
      for (let next = await reader.next(); next; next = await reader.next()) {
        const { analysis } = next;
        if (analysis.sourceFrame === frame) found = Uint8Array.from(analysis.data);
        if (analysis.sourceFrame >= frame - keptBefore) await this.put(analysis);
        if (analysis.sourceFrame >= frame + keptBehind) break;
      }
    } catch (error) {
      // What lies before a damage is as good as ever.
      if (found === null) throw error;
    } finally {
      reader.close();
    }
    if (found === null) throw replayError('SONO_PROJECT_FRAME', { frame });
    return found;
  }
}
