/**
 * The masks of a finished or growing run, from its MCAP export: any frame by its time, and what the lanes of a timeline
 * show. Runs in any Node thread.
 */
import type { FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import { maskFromCocoBytes } from '../mask/rle.js';
import { channelTopic } from '../protocol/channels.js';
import { decodeSegmentation } from '../protocol/messages.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import { McapFileReader } from '../record/mcap-reader.js';
import type { LabelledObject } from './clip-result.js';
import type { EarlierMasks } from './forward-pass.js';

export class StoredMasks implements EarlierMasks {
  readonly #topics: ReadonlySet<string>;
  #messages: AsyncGenerator<{ readonly data: Uint8Array }> | null = null;
  #head: SegmentationMessage | null = null;

  private constructor(
    private readonly reader: McapFileReader,
    clip: string,
  ) {
    this.#topics = new Set([channelTopic(clip, 'segmentation')]);
  }

  /** Throws SONO_RECORDING_MISSING, SONO_RECORDING_NOT_MCAP. */
  static async open(path: string, clip: string): Promise<StoredMasks> {
    return new StoredMasks(await McapFileReader.open(path), clip);
  }

  async close(): Promise<void> {
    await this.reader.close();
  }

  async at({ sourceFrame }: FrameIdentity, size: PictureSize): Promise<readonly LabelledObject[]> {
    this.#messages ??= this.reader.inTimeOrder(this.#topics);
    while (this.#head === null || this.#head.sourceFrame < sourceFrame) {
      const step = await this.#messages.next();
      if (step.done) return [];
      this.#head = decodeSegmentation((step.value as { data: Uint8Array }).data);
    }
    if (this.#head.sourceFrame !== sourceFrame) return [];
    return this.#head.objects.map(({ label, state, score, confidence, counts }) => ({
      label,
      state,
      score,
      confidence,
      mask: maskFromCocoBytes(counts, size.width, size.height),
    }));
  }

  /** Message of one frame by its index in the source, null where the file has none. */
  async find(sourceFrame: number): Promise<SegmentationMessage | null> {
    // Frames ascend through the file: bisect its chunks by their first message.
    const { chunks } = this.reader;
    let low = 0;
    let high = chunks.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const chunk = chunks[middle];
      if (!chunk) return null;
      const messages = [...this.reader.messagesOf(await this.reader.readChunk(chunk), this.#topics)].map(
        ({ data }) => decodeSegmentation(data),
      );
      const first = messages[0];
      const last = messages.at(-1);
      if (!first || !last) return null;
      if (sourceFrame < first.sourceFrame) high = middle - 1;
      else if (sourceFrame > last.sourceFrame) low = middle + 1;
      else return messages.find((message) => message.sourceFrame === sourceFrame) ?? null;
    }
    return null;
  }

  /** Messages of the chunks from `from` on, and how many chunks there are. */
  async *since(from: number): AsyncGenerator<SegmentationMessage> {
    for (const chunk of this.reader.chunks.slice(from))
      for (const { data } of this.reader.messagesOf(await this.reader.readChunk(chunk), this.#topics))
        yield decodeSegmentation(data);
  }

  get chunkCount(): number {
    return this.reader.chunks.length;
  }
}
