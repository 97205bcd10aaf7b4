/** The tracked masks of a project as far as they are on disk, also those of a run that is under way. Runs in the main process. */
import { stat } from 'node:fs/promises';
import type { SegmentationMessage } from '../protocol/messages.js';
import { replayError } from '../replay/errors.js';
import { StoredMasks } from '../replay/stored-masks.js';
import { Lanes } from './lanes.js';
import type { Lane } from './lanes.js';

export class ProjectMasks {
  /** The file of a run grows, and is then opened anew: looked up one after the other. */
  #lookups: Promise<unknown> = Promise.resolve();
  #opened: { readonly bytes: number; readonly masks: StoredMasks } | null = null;
  readonly #lanes = new Lanes();
  #laneChunks = 0;
  #closed = false;

  /** `path`: final name of the file; while it is being written `.partial` stands behind it. */
  constructor(
    readonly path: string,
    private readonly clip: string,
  ) {}

  /** Masks of a frame, null where it has not been tracked with the present masks. Throws SONO_PROJECT_UNKNOWN once closed. */
  find(frame: number): Promise<SegmentationMessage | null> {
    return this.#lookUp(async () => (await (await this.#open())?.find(frame)) ?? null);
  }

  /** `frames` of the clip in at most `buckets` parts. Throws SONO_PROJECT_UNKNOWN once closed. */
  lanes(frames: number, buckets: number): Promise<Lane[]> {
    return this.#lookUp(async () => {
      const masks = await this.#open();
      if (masks) {
        const from = this.#laneChunks;
        this.#laneChunks = masks.chunkCount;
        for await (const message of masks.since(from)) this.#lanes.take(message);
      }
      return this.#lanes.summary(Math.max(1, frames), buckets);
    });
  }

  /** They are going to be tracked anew. */
  forget(): Promise<void> {
    return this.#lookUp(async () => {
      await this.#opened?.masks.close();
      this.#opened = null;
      this.#lanes.clear();
      this.#laneChunks = 0;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#lookups;
    await this.#opened?.masks.close();
    this.#opened = null;
  }

  #lookUp<Result>(look: () => Promise<Result>): Promise<Result> {
    const found = this.#lookups.then(() => {
      if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
      return look();
    });
    this.#lookups = found.catch(() => undefined);
    return found;
  }

  async #open(): Promise<StoredMasks | null> {
    for (const path of [this.path, `${this.path}.partial`]) {
      const found = await stat(path).catch(() => null);
      if (!found) continue;
      if (this.#opened?.bytes === found.size) return this.#opened.masks;
      const masks = await StoredMasks.open(path, this.clip).catch(() => null);
      if (!masks) return null;
      await this.#opened?.masks.close();
      this.#opened = { bytes: found.size, masks };
      return masks;
    }
    return null;
  }
}
