/**
 * Every display picture of a clip on disk, any of them at once: what a timeline is scrubbed with. Filled in the background
 * while the clip is played once; usable from the first picture on. `pictures.bin` holds the JPEGs, `pictures.idx`
 * 32 bytes per frame (little-endian f64 offset, f64 length, f64 mediaNs, f64 ptsNs). Runs in the main process.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { SonoError } from '../vocabulary/errors.js';
import type { AnalysisFrame, SourceFormat } from '../vocabulary/frame.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import { replayError } from '../replay/errors.js';
import type { FrameReader } from '../replay/frame-reader.js';
import { writeProblem } from '../replay/work-folder.js';

const recordBytes = 32;

interface PictureTimes {
  readonly mediaNs: number;
  readonly ptsNs: number;
}

interface FillHooks {
  readonly onFormat: (format: SourceFormat) => void;
  /** Before it can be had. */
  readonly onAnalysis: (frame: AnalysisFrame) => Promise<void>;
  /** One more can be had. */
  readonly onPicture: () => void;
  /** Asked now and then; rejects with a coded error where the disk is needed for something else. */
  readonly mayWrite: () => Promise<void>;
}

/** About ten megabytes of 720p pictures, and thirty of those that the network takes. */
const framesPerCheck = 100;

export class PictureStore {
  #frames = 0;
  #complete = false;
  #failure: SonoError | null = null;
  #closed = false;

  private constructor(
    private readonly folder: string,
    private readonly data: FileHandle,
    private readonly index: FileHandle,
  ) {}

  /** `complete`: the store was filled before; its files are opened as they are. Else they are emptied. */
  static async open(folder: string, complete: boolean): Promise<PictureStore> {
    const flags = complete ? 'r' : 'w+';
    try {
      const data = await open(join(folder, 'pictures.bin'), flags);
      const index = await open(join(folder, 'pictures.idx'), flags);
      const store = new PictureStore(folder, data, index);
      if (complete) {
        store.#frames = Math.floor((await index.stat()).size / recordBytes);
        store.#complete = true;
      }
      return store;
    } catch (error) {
      throw writeProblem(folder, error);
    }
  }

  /** Pictures that can be had now. */
  get frames(): number {
    return this.#frames;
  }

  /** All of them are there. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Why filling stopped early. */
  get failure(): SonoError | null {
    return this.#failure;
  }

  /** Plays the clip through. Resolves at its end, or when the store is closed; never rejects (see `failure`). */
  async fill(reader: FrameReader, { onFormat, onAnalysis, onPicture, mayWrite }: FillHooks): Promise<void> {
    try {
      onFormat(await reader.format());
      let offset = 0;
      for (let frame = await reader.next(); frame && !this.#closed; frame = await reader.next()) {
        const { analysis, picture } = frame;
        if (!picture) continue;
        if (analysis.sourceFrame % framesPerCheck === 0) await mayWrite();
        await onAnalysis(analysis);
        await this.#write(this.data, picture, offset);
        const record = Buffer.alloc(recordBytes);
        record.writeDoubleLE(offset, 0);
        record.writeDoubleLE(picture.byteLength, 8);
        record.writeDoubleLE(analysis.mediaNs, 16);
        record.writeDoubleLE(analysis.ptsNs, 24);
        await this.#write(this.index, record, analysis.sourceFrame * recordBytes);
        offset += picture.byteLength;
        this.#frames = analysis.sourceFrame + 1;
        onPicture();
      }
      this.#complete = !this.#closed;
    } catch (error) {
      // What was read before a damage stays usable.
      if (this.#closed) return;
      const failure = codedFault('project', this.folder, error, (cause) =>
        replayError('SONO_PROJECT_FAULT', { reason: reasonOf(cause) }, cause),
      );
      this.#failure = failure;
      this.#complete = this.#frames > 0 && !/DISK_(FULL|RESERVE)/.test(String(failure.code));
    } finally {
      reader.close();
    }
  }

  /** null where the picture is not there (yet). */
  async picture(frame: number): Promise<Uint8Array | null> {
    const record = await this.#record(frame);
    if (!record) return null;
    return this.#read(this.data, record.readDoubleLE(8), record.readDoubleLE(0));
  }

  async times(frame: number): Promise<PictureTimes | null> {
    const record = await this.#record(frame);
    return record && { mediaNs: record.readDoubleLE(16), ptsNs: record.readDoubleLE(24) };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.data.close();
    await this.index.close();
  }

  async #record(frame: number): Promise<Buffer | null> {
    if (!(frame >= 0 && frame < this.#frames)) return null;
    return this.#read(this.index, recordBytes, frame * recordBytes);
  }

  /** null where there is less, and where the store was closed meanwhile. */
  async #read(file: FileHandle, length: number, offset: number): Promise<Buffer | null> {
    if (length === 0 || this.#closed) return null;
    const buffer = Buffer.alloc(length);
    try {
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      return bytesRead === length ? buffer : null;
    } catch (error) {
      if (this.#closed) return null;
      throw error;
    }
  }

  async #write(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
    try {
      let done = 0;
      while (done < bytes.byteLength)
        done += (await file.write(bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
    } catch (error) {
      throw writeProblem(this.folder, error);
    }
  }
}
