/**
 * The masks of a finished or growing run, from its MCAP export: any frame by its time, and what the lanes of a timeline
 * show. Runs in any Node thread.
 */
import type { FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import { maskFromCocoBytes } from '../mask/rle.js';
import { channelTopic } from '../protocol/channels.js';
import { decodeMeasurement, decodeSegmentation, measurementOf } from '../protocol/messages.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import { McapFileReader } from '../record/mcap-reader.js';
import type { ClipEntry } from './clip-measurements.js';
import type { LabelledObject } from './clip-result.js';
import type { EarlierMasks } from './forward-pass.js';
import type { StoredMeasurement } from './frame-measurer.js';

export class StoredMasks implements EarlierMasks {
  readonly #topics: ReadonlySet<string>;
  readonly #measured: string;
  #messages: AsyncGenerator<{ readonly topic: string; readonly data: Uint8Array }> | null = null;
  /** Read already, but of a frame that was not asked for yet. */
  #next: SegmentationMessage | null = null;
  #head: SegmentationMessage | null = null;

  private constructor(
    private readonly reader: McapFileReader,
    clip: string,
  ) {
    this.#topics = new Set([channelTopic(clip, 'segmentation')]);
    this.#measured = channelTopic(clip, 'measurements');
  }

  /** Throws SONO_RECORDING_MISSING, SONO_RECORDING_NOT_MCAP. */
  static async open(path: string, clip: string): Promise<StoredMasks> {
    return new StoredMasks(await McapFileReader.open(path), clip);
  }

  async close(): Promise<void> {
    await this.reader.close();
  }

  async at({ sourceFrame }: FrameIdentity, size: PictureSize): Promise<readonly LabelledObject[]> {
    this.#messages ??= this.reader.inTimeOrder(new Set([...this.#topics, this.#measured]));
    while (this.#head === null || this.#head.sourceFrame < sourceFrame) {
      if (this.#next === null) await this.#readOn(this.#messages);
      if (this.#next === null) return [];
      this.#head = this.#next;
      this.#next = null;
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

  /** What was measured on the frame that `at` was asked for last; ids are given as labels, which survive another numbering. */
  async measurements({ sourceFrame }: FrameIdentity): Promise<readonly StoredMeasurement[]> {
    if (this.#head?.sourceFrame !== sourceFrame || this.#messages === null) return [];
    const labels = new Map(this.#head.objects.map(({ id, label }) => [id, label]));
    const found = this.#next === null ? await this.#readOn(this.#messages) : [];
    return found.flatMap((data) => {
      const measurement = measurementOf(decodeMeasurement(data));
      const label = measurement.objectId === 0 ? '' : labels.get(measurement.objectId);
      return label === undefined ? [] : { label, measurement };
    });
  }

  /** Up to the next frame, which becomes `#next` (null: there is none); the measurements that stand before it. */
  async #readOn(
    messages: AsyncGenerator<{ readonly topic: string; readonly data: Uint8Array }>,
  ): Promise<Uint8Array[]> {
    const measured: Uint8Array[] = [];
    for (;;) {
      const step = await messages.next();
      const message = step.done ? null : (step.value as { topic: string; data: Uint8Array });
      if (message?.topic === this.#measured) {
        measured.push(Uint8Array.from(message.data));
        continue;
      }
      this.#next = message && decodeSegmentation(message.data);
      return measured;
    }
  }

  /** Message of one frame by its index in the source, null where the file has none. */
  async find(sourceFrame: number): Promise<SegmentationMessage | null> {
    const messages = await this.#chunkWith(sourceFrame);
    return messages.find((message) => message.sourceFrame === sourceFrame) ?? null;
  }

  /** Messages of these frames, which rise, where the file has them; each chunk is read once. */
  async *among(sourceFrames: readonly number[]): AsyncGenerator<SegmentationMessage> {
    let messages: readonly SegmentationMessage[] = [];
    for (const sourceFrame of sourceFrames) {
      if (sourceFrame > (messages.at(-1)?.sourceFrame ?? -1)) messages = await this.#chunkWith(sourceFrame);
      const found = messages.find((message) => message.sourceFrame === sourceFrame);
      if (found) yield found;
    }
  }

  /** Messages of the chunk that has this frame if any has; empty where none can. */
  async #chunkWith(sourceFrame: number): Promise<readonly SegmentationMessage[]> {
    // Frames ascend through the file: bisect its chunks by their first message.
    const { chunks } = this.reader;
    let low = 0;
    let high = chunks.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const chunk = chunks[middle];
      if (!chunk) return [];
      const messages = [...this.reader.messagesOf(await this.reader.readChunk(chunk), this.#topics)].map(
        ({ data }) => decodeSegmentation(data),
      );
      const first = messages[0];
      const last = messages.at(-1);
      if (!first || !last) return [];
      if (sourceFrame < first.sourceFrame) high = middle - 1;
      else if (sourceFrame > last.sourceFrame) low = middle + 1;
      else return messages;
    }
    return [];
  }

  /** Messages of the chunks from `from` on, and how many chunks there are. */
  async *since(from: number): AsyncGenerator<SegmentationMessage> {
    for (const chunk of this.reader.chunks.slice(from))
      for (const { data } of this.reader.messagesOf(await this.reader.readChunk(chunk), this.#topics))
        yield decodeSegmentation(data);
  }

  /** Frames and measurements of the chunks from `from` on, in the order in which they were written. */
  async *entriesSince(from: number): AsyncGenerator<ClipEntry> {
    const topics = new Set([...this.#topics, this.#measured]);
    for (const chunk of this.reader.chunks.slice(from))
      for (const { topic, data } of this.reader.messagesOf(await this.reader.readChunk(chunk), topics))
        yield topic === this.#measured
          ? { kind: 'measurement', measurement: measurementOf(decodeMeasurement(data)) }
          : { kind: 'frame', message: decodeSegmentation(data) };
  }

  get chunkCount(): number {
    return this.reader.chunks.length;
  }
}
