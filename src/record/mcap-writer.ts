/**
 * Writes an MCAP file chunk by chunk. Runs in the main process; disk work is asynchronous.
 *
 * `add` is synchronous and copies: messages collect in memory until the chunk is full (`chunkBytes`) or old
 * (`chunkMs`), then the chunk goes to the disk as one write and is synchronised (fdatasync). So a file cut by a
 * kill, a power loss or a full disk reads up to its last complete chunk. What waits for the disk is bounded by
 * `queueBytes`: beyond, the writer fails (SONO_RECORD_OVERFLOW), it never leaves a message out.
 *
 * @mcap/core's McapWriter cannot end a chunk by time and keeps every call waiting for the disk; hence this
 * writer on its record builders. New schemas and channels stand at the beginning of a chunk, which lets the
 * reader recover a cut file without reading all of it.
 */
import { crc32 } from 'node:zlib';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { McapChunkBuilder, McapConstants, McapRecordBuilder } from '@mcap/core';
import type { McapTypes } from '@mcap/core';
import { z } from 'zod';
import { errnoOf, isDiskFull } from '../node/files.js';
import type { SonoError } from '../vocabulary/errors.js';
import { recordError } from './errors.js';

export interface McapWriterOptions {
  readonly library: string;
  /** A chunk is closed when it holds this many bytes … */
  readonly chunkBytes: number;
  /** … or when its first message is this old, milliseconds. */
  readonly chunkMs: number;
  /** Most bytes of closed chunks that may wait for the disk. */
  readonly queueBytes: number;
}

const defaultWriterOptions: McapWriterOptions = {
  library: 'sonoscope',
  chunkBytes: 4 * 1024 * 1024,
  chunkMs: 1000,
  queueBytes: 128 * 1024 * 1024,
};

export interface ChannelDefinition {
  readonly topic: string;
  readonly messageEncoding: string;
  readonly schema: { readonly name: string; readonly encoding: string; readonly data: Uint8Array };
  readonly metadata?: Readonly<Record<string, string>>;
}

const count = z.int().min(0);
const nanoseconds = z.string().regex(/^\d+$/);
/** What `checkpoint` says and `resume` reads. Times are decimal nanoseconds: JSON has no whole numbers of 64 bits. */
const stateSchema = z.object({
  bytes: count,
  dataCrc: count,
  channels: count,
  messages: z.array(z.tuple([count, count])),
  startNs: nanoseconds,
  endNs: nanoseconds,
  chunks: z.array(
    z.object({
      startNs: nanoseconds,
      endNs: nanoseconds,
      offset: count,
      length: count,
      size: count,
      indexLength: count,
      indexes: z.array(z.tuple([count, count])),
    }),
  ),
});
type WriterState = z.infer<typeof stateSchema>;

export class McapFileWriter {
  readonly path: string;
  readonly #options: McapWriterOptions;
  readonly #file: FileHandle;
  readonly #schemas: McapTypes.Schema[] = [];
  readonly #channels: McapTypes.Channel[] = [];
  readonly #chunkIndexes: McapTypes.ChunkIndex[] = [];
  readonly #metadataIndexes: McapTypes.MetadataIndex[] = [];
  readonly #sequences = new Map<number, number>();
  readonly #statistics: McapTypes.Statistics = {
    messageCount: 0n,
    schemaCount: 0,
    channelCount: 0,
    attachmentCount: 0,
    metadataCount: 0,
    chunkCount: 0,
    messageStartTime: 0n,
    messageEndTime: 0n,
    channelMessageCounts: new Map(),
  };
  /** Definitions that the next chunk must carry. */
  #newSchemas: McapTypes.Schema[] = [];
  #newChannels: McapTypes.Channel[] = [];
  /** Channels that the file defines already (a resumed one). */
  #knownChannels = 0;
  #chunk = new McapChunkBuilder({ useMessageIndex: true });
  #chunkTimer: NodeJS.Timeout | null = null;
  /** Bytes handed to the disk queue so far = offset of the next record. */
  #position = 0;
  #dataCrc = 0;
  #waitingBytes = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: SonoError | null = null;
  #state: 'open' | 'closing' | 'closed' = 'open';
  readonly #onFailure: (error: SonoError) => void;

  private constructor(
    path: string,
    file: FileHandle,
    options: McapWriterOptions,
    onFailure: (error: SonoError) => void,
  ) {
    this.path = path;
    this.#file = file;
    this.#options = options;
    this.#onFailure = onFailure;
  }

  /**
   * Create the file (never over an existing one) and write its header. `onFailure` is called once, at the first
   * error; from then on `add` does nothing.
   * Throws SONO_RECORD_EXISTS, SONO_RECORD_NOT_WRITABLE, SONO_RECORD_DISK_FULL.
   */
  static async create(
    path: string,
    options: Partial<McapWriterOptions>,
    onFailure: (error: SonoError) => void,
  ): Promise<McapFileWriter> {
    let file: FileHandle;
    try {
      file = await open(path, 'wx');
    } catch (error) {
      throw errnoOf(error) === 'EEXIST'
        ? recordError('SONO_RECORD_EXISTS', { path }, error)
        : isDiskFull(error)
          ? recordError('SONO_RECORD_DISK_FULL', { path }, error)
          : recordError('SONO_RECORD_NOT_WRITABLE', { path }, error);
    }
    const writer = new McapFileWriter(path, file, { ...defaultWriterOptions, ...options }, onFailure);
    const head = new McapRecordBuilder();
    head.writeMagic();
    head.writeHeader({ profile: '', library: writer.#options.library });
    writer.#enqueue(head.buffer);
    return writer;
  }

  /**
   * Go on with a file that was written up to `state` (from `checkpoint`); whatever stands behind is cut away. The caller
   * defines the same channels again, in the same order, before its first message.
   * Throws SONO_RECORD_NOT_WRITABLE where the file is missing or shorter than that, or where `state` is no such state.
   */
  static async resume(
    path: string,
    state: string,
    options: Partial<McapWriterOptions>,
    onFailure: (error: SonoError) => void,
  ): Promise<McapFileWriter> {
    let saved: WriterState;
    let file: FileHandle;
    try {
      saved = stateSchema.parse(JSON.parse(state));
      file = await open(path, 'r+');
      const { size } = await file.stat();
      if (size < saved.bytes) {
        await file.close();
        throw new Error(`the file has ${size} bytes, not ${saved.bytes}`);
      }
      await file.truncate(saved.bytes);
    } catch (error) {
      throw recordError('SONO_RECORD_NOT_WRITABLE', { path }, error);
    }
    const writer = new McapFileWriter(path, file, { ...defaultWriterOptions, ...options }, onFailure);
    writer.#position = saved.bytes;
    writer.#dataCrc = saved.dataCrc;
    writer.#knownChannels = saved.channels;
    for (const [id, count] of saved.messages) {
      writer.#sequences.set(id, count);
      writer.#statistics.channelMessageCounts.set(id, BigInt(count));
      writer.#statistics.messageCount += BigInt(count);
    }
    writer.#statistics.messageStartTime = BigInt(saved.startNs);
    writer.#statistics.messageEndTime = BigInt(saved.endNs);
    writer.#statistics.chunkCount = saved.chunks.length;
    for (const chunk of saved.chunks)
      writer.#chunkIndexes.push({
        messageStartTime: BigInt(chunk.startNs),
        messageEndTime: BigInt(chunk.endNs),
        chunkStartOffset: BigInt(chunk.offset),
        chunkLength: BigInt(chunk.length),
        messageIndexOffsets: new Map(chunk.indexes.map(([id, offset]) => [id, BigInt(offset)])),
        messageIndexLength: BigInt(chunk.indexLength),
        compression: '',
        compressedSize: BigInt(chunk.size),
        uncompressedSize: BigInt(chunk.size),
      });
    return writer;
  }

  /**
   * Put everything on the disk and say in what state the writer is, as JSON for `resume`. For files without metadata
   * records. Throws the failure, if there is one.
   */
  async checkpoint(): Promise<string> {
    await this.flush();
    if (this.#failure) throw this.#failure;
    const state: WriterState = {
      bytes: this.#position,
      dataCrc: this.#dataCrc,
      channels: this.#channels.length,
      messages: [...this.#sequences],
      startNs: String(this.#statistics.messageStartTime),
      endNs: String(this.#statistics.messageEndTime),
      chunks: this.#chunkIndexes.map((chunk) => ({
        startNs: String(chunk.messageStartTime),
        endNs: String(chunk.messageEndTime),
        offset: Number(chunk.chunkStartOffset),
        length: Number(chunk.chunkLength),
        size: Number(chunk.compressedSize),
        indexLength: Number(chunk.messageIndexLength),
        indexes: [...chunk.messageIndexOffsets].map(([id, offset]) => [id, Number(offset)]),
      })),
    };
    return JSON.stringify(state);
  }

  get failure(): SonoError | null {
    return this.#failure;
  }

  /** Bytes of the file so far, the waiting ones included. */
  get bytes(): number {
    return this.#position;
  }

  /** Bytes that wait for the disk. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Resolves when what waits now is on the disk (or the writer has failed). */
  async written(): Promise<void> {
    await this.#tail;
  }

  /** Close the file as it is, without a summary. */
  async abandon(): Promise<void> {
    if (this.#chunkTimer) clearTimeout(this.#chunkTimer);
    this.#chunkTimer = null;
    await this.#tail;
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#file.close();
  }

  /** Define a channel; returns its id. Channels with the same schema name share the schema. */
  addChannel(definition: ChannelDefinition): number {
    let schema = this.#schemas.find((known) => known.name === definition.schema.name);
    if (!schema) {
      schema = { id: this.#schemas.length + 1, ...definition.schema };
      this.#schemas.push(schema);
      if (this.#channels.length >= this.#knownChannels) this.#newSchemas.push(schema);
      this.#statistics.schemaCount += 1;
    }
    const channel: McapTypes.Channel = {
      id: this.#channels.length + 1,
      schemaId: schema.id,
      topic: definition.topic,
      messageEncoding: definition.messageEncoding,
      metadata: new Map(Object.entries(definition.metadata ?? {})),
    };
    this.#channels.push(channel);
    if (channel.id > this.#knownChannels) this.#newChannels.push(channel);
    this.#statistics.channelCount += 1;
    return channel.id;
  }

  /** Add a message; `timeNs` (Unix ns) becomes log time and publish time. No effect after a failure or `close`. */
  add(channelId: number, timeNs: bigint, data: Uint8Array): void {
    if (this.#failure || this.#state !== 'open') return;
    if (this.#newChannels.length > 0) {
      if (this.#chunk.numMessages > 0) this.#closeChunk();
      this.#newSchemas.forEach((schema) => this.#chunk.addSchema(schema));
      this.#newChannels.forEach((channel) => this.#chunk.addChannel(channel));
      this.#newSchemas = [];
      this.#newChannels = [];
    }
    const sequence = this.#sequences.get(channelId) ?? 0;
    this.#sequences.set(channelId, sequence + 1);
    this.#chunk.addMessage({ channelId, sequence, logTime: timeNs, publishTime: timeNs, data });
    const statistics = this.#statistics;
    if (statistics.messageCount === 0n || timeNs < statistics.messageStartTime)
      statistics.messageStartTime = timeNs;
    if (statistics.messageCount === 0n || timeNs > statistics.messageEndTime)
      statistics.messageEndTime = timeNs;
    statistics.messageCount += 1n;
    statistics.channelMessageCounts.set(
      channelId,
      (statistics.channelMessageCounts.get(channelId) ?? 0n) + 1n,
    );
    if (this.#chunk.byteLength >= this.#options.chunkBytes) this.#closeChunk();
    else this.#chunkTimer ??= setTimeout(() => this.#closeChunk(), this.#options.chunkMs);
  }

  /** Name-value pairs about the recording; stands between chunks. */
  addMetadata(name: string, values: Readonly<Record<string, string>>): void {
    if (this.#failure || this.#state !== 'open') return;
    this.#closeChunk();
    const record = new McapRecordBuilder();
    const length = record.writeMetadata({ name, metadata: new Map(Object.entries(values)) });
    this.#metadataIndexes.push({ name, offset: BigInt(this.#position), length });
    this.#statistics.metadataCount += 1;
    this.#enqueue(record.buffer);
  }

  /** Resolves when everything added so far is on the disk (or the writer has failed). */
  async flush(): Promise<void> {
    this.#closeChunk();
    await this.#tail;
  }

  /**
   * Write the summary and close the file. After a failure the file stays as it is: readable to its last complete
   * chunk. Throws the failure, also one that happens only now.
   */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#closeChunk();
      this.#state = 'closing';
      this.#enqueue(this.#summary());
    }
    await this.#tail;
    if (this.#state !== 'closed') {
      this.#state = 'closed';
      await this.#file.close();
    }
    if (this.#failure) throw this.#failure;
  }

  #closeChunk(): void {
    if (this.#chunkTimer) clearTimeout(this.#chunkTimer);
    this.#chunkTimer = null;
    const chunk = this.#chunk;
    if (chunk.numMessages === 0 || this.#failure) return;
    this.#chunk = new McapChunkBuilder({ useMessageIndex: true });
    const record = new McapRecordBuilder();
    const records = chunk.buffer;
    const chunkStart = BigInt(this.#position);
    const chunkLength = record.writeChunk({
      messageStartTime: chunk.messageStartTime,
      messageEndTime: chunk.messageEndTime,
      uncompressedSize: BigInt(records.byteLength),
      uncompressedCrc: crc32(records),
      compression: '',
      records,
    });
    const offsets = new Map<number, bigint>();
    for (const index of chunk.indices) {
      // A channel that is defined in the chunk but has no message there needs no index.
      if (index.records.length === 0) continue;
      offsets.set(index.channelId, chunkStart + BigInt(record.length));
      record.writeMessageIndex(index);
    }
    this.#chunkIndexes.push({
      messageStartTime: chunk.messageStartTime,
      messageEndTime: chunk.messageEndTime,
      chunkStartOffset: chunkStart,
      chunkLength,
      messageIndexOffsets: offsets,
      messageIndexLength: BigInt(record.length) - chunkLength,
      compression: '',
      compressedSize: BigInt(records.byteLength),
      uncompressedSize: BigInt(records.byteLength),
    });
    this.#statistics.chunkCount += 1;
    this.#enqueue(record.buffer);
  }

  /** Data end, summary section, footer and magic (https://mcap.dev/spec). */
  #summary(): Uint8Array {
    const builder = new McapRecordBuilder();
    builder.writeDataEnd({ dataSectionCrc: this.#dataCrc });
    const dataEndLength = builder.length;
    const start = this.#position + dataEndLength;
    const groups: McapTypes.SummaryOffset[] = [];
    const group = (groupOpcode: number, write: () => void): void => {
      const groupStart = BigInt(this.#position + builder.length);
      write();
      const groupLength = BigInt(this.#position + builder.length) - groupStart;
      if (groupLength > 0n) groups.push({ groupOpcode, groupStart, groupLength });
    };
    const { Opcode } = McapConstants;
    group(Opcode.SCHEMA, () => this.#schemas.forEach((schema) => builder.writeSchema(schema)));
    group(Opcode.CHANNEL, () => this.#channels.forEach((channel) => builder.writeChannel(channel)));
    group(Opcode.STATISTICS, () => builder.writeStatistics(this.#statistics));
    group(Opcode.METADATA_INDEX, () =>
      this.#metadataIndexes.forEach((index) => builder.writeMetadataIndex(index)),
    );
    group(Opcode.CHUNK_INDEX, () => this.#chunkIndexes.forEach((index) => builder.writeChunkIndex(index)));
    const offsetStart = this.#position + builder.length;
    groups.forEach((offset) => builder.writeSummaryOffset(offset));
    // The footer's CRC covers the summary and the footer's own first fields.
    const footer = Buffer.alloc(1 + 8 + 8 + 8);
    footer.writeUInt8(Opcode.FOOTER, 0);
    footer.writeBigUInt64LE(20n, 1);
    footer.writeBigUInt64LE(BigInt(start), 9);
    footer.writeBigUInt64LE(BigInt(offsetStart), 17);
    const summaryCrc = crc32(footer, crc32(builder.buffer.subarray(dataEndLength)));
    builder.writeFooter({
      summaryStart: BigInt(start),
      summaryOffsetStart: BigInt(offsetStart),
      summaryCrc,
    });
    builder.writeMagic();
    return builder.buffer;
  }

  /** Hand bytes to the disk, in order; `bytes` must not change afterwards. */
  #enqueue(bytes: Uint8Array): void {
    if (this.#failure) return;
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes.byteLength > this.#options.queueBytes) {
      this.#fail(recordError('SONO_RECORD_OVERFLOW', { path: this.path }));
      return;
    }
    const offset = this.#position;
    this.#position += bytes.byteLength;
    this.#dataCrc = crc32(bytes, this.#dataCrc);
    this.#waitingBytes += bytes.byteLength;
    this.#tail = this.#tail.then(async () => {
      try {
        // After an overflow the chunks that were accepted are still written.
        if (this.#failure && this.#failure.code !== 'SONO_RECORD_OVERFLOW') return;
        await writeAll(this.#file, bytes, offset);
        await this.#file.datasync();
      } catch (error) {
        this.#fail(
          isDiskFull(error)
            ? recordError('SONO_RECORD_DISK_FULL', { path: this.path }, error)
            : recordError('SONO_RECORD_FAILED', { path: this.path, reason: (error as Error).message }, error),
        );
        // Half a chunk helps nobody; where even this fails the reader skips it.
        await this.#file.truncate(offset).catch(() => undefined);
      } finally {
        this.#waitingBytes -= bytes.byteLength;
      }
    });
  }

  #fail(error: SonoError): void {
    if (this.#failure) return;
    this.#failure = error;
    if (this.#chunkTimer) clearTimeout(this.#chunkTimer);
    this.#chunkTimer = null;
    this.#onFailure(error);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, offset + done);
    done += bytesWritten;
  }
}
