/**
 * Reads an MCAP file, whole or cut. Runs in any Node thread.
 *
 * A complete file is opened by its summary section. Where that is missing (kill, full disk) the records are
 * walked from the front, headers only, up to the last complete chunk; `complete` is then false. Memory: the list
 * of chunks, and the chunks being read.
 */
import { crc32 } from 'node:zlib';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { McapConstants, McapStreamReader } from '@mcap/core';
import type { McapTypes } from '@mcap/core';
import { SonoError } from '../vocabulary/errors.js';
import { reasonOf } from '../vocabulary/faults.js';
import { recordError } from './errors.js';
import { knownCompressions, unpackChunk } from './unpack.js';

const { Opcode, MCAP_MAGIC } = McapConstants;
const magic = Uint8Array.from(MCAP_MAGIC);
const recordHeaderBytes = 9;
/** Most bytes that the definitions at the front of a chunk of ours take. */
const definitionBytes = 256 * 1024;
/** Messages outside of chunks are read in pieces of about this size. */
const looseBytes = 8 * 1024 * 1024;
/** No record of anybody is longer; what claims to be is something else. */
const mostRecordBytes = 2 ** 40;
const footerBytes = recordHeaderBytes + 20;
const dataEndBytes = recordHeaderBytes + 4;

/** A stretch of message records: a chunk, or messages that a foreign writer left outside chunks. */
interface ChunkEntry {
  /** Position and size of the (possibly compressed) records in the file. */
  readonly offset: number;
  readonly length: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly compression: string;
  readonly uncompressedLength: number;
  /** 0: the writer gave none; null: read it with the chunk (the summary does not repeat it). */
  readonly crc: number | null;
}

export interface RecordedChannel {
  readonly id: number;
  readonly topic: string;
  readonly messageEncoding: string;
  readonly schemaName: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface RecordedMessage {
  readonly topic: string;
  /** Unix ns. */
  readonly timeNs: bigint;
  readonly sequence: number;
  /** A view into the chunk; copy what is kept. */
  readonly data: Uint8Array;
}

export interface TimeRange {
  /** Inclusive, Unix ns. */
  readonly fromNs?: bigint;
  readonly toNs?: bigint;
}

type Topics = ReadonlySet<string> | null;

export class McapFileReader {
  readonly path: string;
  readonly library: string;
  /** False where the end of the file is missing. */
  readonly complete: boolean;
  /** Where the records stop to make sense although the file goes on; null where only its end is missing, or nothing is. */
  readonly brokenAt: number | null;
  readonly channels: ReadonlyMap<number, RecordedChannel>;
  readonly metadata: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** In file order. */
  readonly chunks: readonly ChunkEntry[];
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, contents: Contents) {
    this.path = path;
    this.#file = file;
    this.library = contents.library;
    this.complete = contents.complete;
    this.brokenAt = contents.brokenAt;
    this.channels = contents.channels;
    this.metadata = contents.metadata;
    this.chunks = contents.chunks;
  }

  /** Throws SONO_RECORDING_MISSING, SONO_RECORDING_DAMAGED, SONO_RECORDING_NOT_MCAP, SONO_RECORDING_COMPRESSION. */
  static async open(path: string): Promise<McapFileReader> {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      throw recordError('SONO_RECORDING_MISSING', { path }, error);
    }
    try {
      const information = await file.stat();
      if (!information.isFile()) throw recordError('SONO_RECORDING_NOT_MCAP', { path });
      const size = information.size;
      const head = await read(file, 0, Math.min(size, 64 * 1024));
      if (!startsWithMagic(head)) throw recordError('SONO_RECORDING_NOT_MCAP', { path });
      const contents = (await readSummary(file, size, head)) ?? (await walk(path, file, size));
      return new McapFileReader(path, file, contents);
    } catch (error) {
      await file.close();
      // The parser's own words for lengths and places that cannot be.
      throw error instanceof SonoError
        ? error
        : recordError('SONO_RECORDING_DAMAGED', { path, position: 0, reason: reasonOf(error) }, error);
    }
  }

  get startNs(): bigint {
    return this.chunks.reduce(
      (least, chunk) => (chunk.startNs < least ? chunk.startNs : least),
      this.chunks[0]?.startNs ?? 0n,
    );
  }

  get endNs(): bigint {
    return this.chunks.reduce((most, chunk) => (chunk.endNs > most ? chunk.endNs : most), 0n);
  }

  /** Messages as they were written. `topics` null: all. Throws SONO_RECORDING_DAMAGED, SONO_RECORDING_COMPRESSION. */
  async *inFileOrder(topics: Topics): AsyncGenerator<RecordedMessage> {
    for (const chunk of this.chunks) yield* this.messagesOf(await this.readChunk(chunk), topics);
  }

  /** Messages by time (file order among equals), of a range. Throws like `inFileOrder`. */
  async *inTimeOrder(topics: Topics, range: TimeRange = {}): AsyncGenerator<RecordedMessage> {
    const wanted = this.chunks
      .filter(
        (chunk) =>
          (range.fromNs === undefined || chunk.endNs >= range.fromNs) &&
          (range.toNs === undefined || chunk.startNs <= range.toNs),
      )
      .map((chunk, index) => ({ chunk, index }))
      .sort((a, b) =>
        a.chunk.startNs === b.chunk.startNs ? a.index - b.index : a.chunk.startNs < b.chunk.startNs ? -1 : 1,
      );
    // Neighbouring chunks overlap in time (a mask is written later than its picture): a message is given out only
    // when no chunk still to be read can hold an earlier one.
    let waiting: { readonly message: RecordedMessage; readonly order: number }[] = [];
    for (const [position, { chunk, index }] of wanted.entries()) {
      let order = index * 2 ** 26;
      for (const message of this.messagesOf(await this.readChunk(chunk), topics))
        if (
          (range.fromNs === undefined || message.timeNs >= range.fromNs) &&
          (range.toNs === undefined || message.timeNs <= range.toNs)
        )
          waiting.push({ message, order: order++ });
      waiting.sort((a, b) =>
        a.message.timeNs === b.message.timeNs
          ? a.order - b.order
          : a.message.timeNs < b.message.timeNs
            ? -1
            : 1,
      );
      const horizon = wanted[position + 1]?.chunk.startNs;
      const ready =
        horizon === undefined
          ? waiting.length
          : waiting.findIndex(({ message }) => message.timeNs >= horizon);
      const count = ready < 0 ? waiting.length : ready;
      for (const { message } of waiting.slice(0, count)) yield message;
      waiting = waiting.slice(count);
    }
  }

  /** The uncompressed records of a chunk, checked against their CRC. */
  async readChunk(chunk: ChunkEntry): Promise<Uint8Array> {
    const prefixBytes = chunk.crc === null ? chunkPrefixBytes(chunk.compression) : 0;
    const bytes = await read(this.#file, chunk.offset - prefixBytes, prefixBytes + chunk.length);
    const stored = bytes.subarray(prefixBytes);
    const damaged = (reason: string, cause?: unknown) =>
      recordError('SONO_RECORDING_DAMAGED', { path: this.path, position: chunk.offset, reason }, cause);
    if (bytes.byteLength < prefixBytes + chunk.length) throw damaged('it ends too early');
    if (!knownCompressions.includes(chunk.compression))
      throw recordError('SONO_RECORDING_COMPRESSION', { path: this.path, compression: chunk.compression });
    const records = await unpackChunk(chunk.compression, stored, chunk.uncompressedLength).catch(
      (error: unknown) => {
        throw damaged(
          `a block cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
          error,
        );
      },
    );
    // Zeros over its beginning would say that it has no checksum.
    if (
      chunk.crc === null &&
      (bytes.readBigUInt64LE(0) !== chunk.startNs ||
        bytes.readBigUInt64LE(8) !== chunk.endNs ||
        bytes.readBigUInt64LE(16) !== BigInt(chunk.uncompressedLength))
    )
      throw damaged('its beginning is not what the index says');
    const expectedCrc = chunk.crc ?? bytes.readUInt32LE(24);
    if (expectedCrc !== 0 && crc32(records) !== expectedCrc) throw damaged('the checksum is wrong');
    return records;
  }

  /** The messages among a chunk's records. */
  *messagesOf(records: Uint8Array, topics: Topics): Generator<RecordedMessage> {
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    let offset = 0;
    while (offset + recordHeaderBytes <= records.byteLength) {
      const opcode = view.getUint8(offset);
      const length = Number(view.getBigUint64(offset + 1, true));
      const body = offset + recordHeaderBytes;
      offset = body + length;
      if (offset > records.byteLength)
        throw recordError('SONO_RECORDING_DAMAGED', {
          path: this.path,
          position: body,
          reason: 'a message is longer than its chunk',
        });
      // No record begins with a zero (MCAP specification, "Records"): this is a hole.
      if (opcode === 0)
        throw recordError('SONO_RECORDING_DAMAGED', {
          path: this.path,
          position: body,
          reason: 'there are zeros where a message should be',
        });
      if ((opcode as McapConstants.Opcode) !== Opcode.MESSAGE || length < 22) continue;
      const channel = this.channels.get(view.getUint16(body, true));
      if (!channel || (topics && !topics.has(channel.topic))) continue;
      yield {
        topic: channel.topic,
        sequence: view.getUint32(body + 2, true),
        timeNs: view.getBigUint64(body + 6, true),
        data: records.subarray(body + 22, offset),
      };
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface Contents {
  readonly library: string;
  readonly complete: boolean;
  readonly brokenAt: number | null;
  readonly channels: ReadonlyMap<number, RecordedChannel>;
  readonly metadata: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly chunks: readonly ChunkEntry[];
}

function startsWithMagic(bytes: Uint8Array): boolean {
  return magic.every((value, index) => bytes[index] === value);
}

/** At most `length` bytes from `offset`; fewer at the end of the file. */
async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/** Collects definitions from records, wherever they stand. */
class Definitions {
  readonly #schemas = new Map<number, string>([[0, '']]);
  readonly #channels = new Map<number, McapTypes.Channel>();

  take(record: McapTypes.TypedMcapRecord): void {
    if (record.type === 'Schema') this.#schemas.set(record.id, record.name);
    if (record.type === 'Channel') this.#channels.set(record.id, record);
  }

  /** Each channel with the name of its schema, wherever that stood; none where a channel names no schema. */
  channels(): ReadonlyMap<number, RecordedChannel> {
    return new Map(
      [...this.#channels].map(([id, { topic, messageEncoding, schemaId, metadata }]) => [
        id,
        {
          id,
          topic,
          messageEncoding,
          schemaName: this.#schemas.get(schemaId) ?? '',
          metadata: Object.fromEntries(metadata),
        },
      ]),
    );
  }

  /** Whether nothing is missing: at least `channelCount` channels, all of `used` among them, and the schema of each. */
  areComplete(channelCount: number, used: Iterable<number>): boolean {
    return (
      this.#channels.size >= channelCount &&
      [...used].every((id) => this.#channels.has(id)) &&
      [...this.#channels.values()].every(({ schemaId }) => this.#schemas.has(schemaId))
    );
  }
}

/** Records of a fragment, parsed by @mcap/core; an error means that the fragment is damaged. */
function* parse(bytes: Uint8Array): Generator<McapTypes.TypedMcapRecord> {
  const reader = new McapStreamReader({ noMagicPrefix: true, validateCrcs: false });
  reader.append(bytes);
  for (let record = reader.nextRecord(); record; record = reader.nextRecord()) yield record;
}

/**
 * null where there is no (intact) summary, or it does not tell everything: writers may leave out chunks, channels and schemas
 * (MCAP specification, "Summary Section"), and may write messages outside of chunks, which no summary lists.
 */
async function readSummary(file: FileHandle, size: number, head: Buffer): Promise<Contents | null> {
  const tail = await read(file, Math.max(0, size - footerBytes - magic.length), footerBytes + magic.length);
  if (tail.byteLength < footerBytes + magic.length || !startsWithMagic(tail.subarray(footerBytes)))
    return null;
  if (tail[0] !== Number(Opcode.FOOTER)) return null;
  const start = Number(tail.readBigUInt64LE(9));
  const expectedCrc = tail.readUInt32LE(25);
  if (start === 0 || start >= size) return null;
  const summary = await read(file, start, size - start);
  const checked = summary.subarray(0, summary.byteLength - magic.length - 4);
  if (expectedCrc !== 0 && crc32(checked) !== expectedCrc) return null;
  const definitions = new Definitions();
  const chunks: ChunkEntry[] = [];
  const metadataAt: McapTypes.MetadataIndex[] = [];
  const used = new Set<number>();
  /** Stretches of the data section that the summary accounts for: first byte, byte behind. */
  const known: (readonly [from: number, to: number])[] = [];
  let statistics: McapTypes.Statistics | null = null;
  try {
    for (const record of parse(summary)) {
      definitions.take(record);
      if (record.type === 'Statistics') statistics = record;
      if (record.type === 'MetadataIndex') metadataAt.push(record);
      if (record.type === 'MetadataIndex' || record.type === 'AttachmentIndex')
        known.push([Number(record.offset), Number(record.offset + record.length)]);
      if (record.type === 'ChunkIndex') {
        const { chunkStartOffset, chunkLength, messageIndexLength } = record;
        known.push([Number(chunkStartOffset), Number(chunkStartOffset + chunkLength + messageIndexLength)]);
        for (const id of record.messageIndexOffsets.keys()) used.add(id);
        const prefixBytes = chunkPrefixBytes(record.compression);
        chunks.push({
          offset: Number(record.chunkStartOffset) + recordHeaderBytes + prefixBytes,
          length: Number(record.compressedSize),
          startNs: record.messageStartTime,
          endNs: record.messageEndTime,
          compression: record.compression,
          uncompressedLength: Number(record.uncompressedSize),
          crc: null,
        });
      }
    }
  } catch {
    return null;
  }
  if (!statistics || statistics.chunkCount !== chunks.length) return null;
  if (!definitions.areComplete(statistics.channelCount, used)) return null;
  if (!accountsForAll(known, headerEnd(head), start - dataEndBytes)) return null;
  const metadata = new Map<string, Readonly<Record<string, string>>>();
  try {
    for (const { offset, length } of metadataAt)
      for (const record of parse(await read(file, Number(offset), Number(length))))
        if (record.type === 'Metadata') metadata.set(record.name, Object.fromEntries(record.metadata));
  } catch {
    return null;
  }
  return {
    library: libraryOf(head),
    complete: true,
    brokenAt: null,
    channels: definitions.channels(),
    metadata,
    chunks: chunks.sort((a, b) => a.offset - b.offset),
  };
}

/** Where the record behind the magic bytes ends. */
function headerEnd(head: Buffer): number {
  return head.byteLength < magic.length + recordHeaderBytes
    ? 0
    : magic.length + recordHeaderBytes + Number(head.readBigUInt64LE(magic.length + 1));
}

/** Whether the stretches leave no byte between `from` and `to` to another record. */
function accountsForAll(
  stretches: readonly (readonly [from: number, to: number])[],
  from: number,
  to: number,
): boolean {
  let at = from;
  for (const [first, behind] of [...stretches].sort((a, b) => a[0] - b[0])) {
    if (first > at) return false;
    at = Math.max(at, behind);
  }
  return at >= to;
}

function libraryOf(head: Buffer): string {
  try {
    for (const record of parse(head.subarray(magic.length)))
      return record.type === 'Header' ? record.library : '';
  } catch {
    // A damaged header only costs the name of the writer.
  }
  return '';
}

/** Bytes of a chunk record between its header and the records: times, size, CRC, compression, length. */
function chunkPrefixBytes(compression: string): number {
  return 8 + 8 + 8 + 4 + (4 + Buffer.byteLength(compression)) + 8;
}

/** Walk the records from the front to the last complete one. */
async function walk(path: string, file: FileHandle, size: number): Promise<Contents> {
  const definitions = new Definitions();
  const chunks: ChunkEntry[] = [];
  const metadata = new Map<string, Readonly<Record<string, string>>>();
  let library = '';
  let complete = false;
  let brokenAt: number | null = null;
  let offset = magic.length;
  let loose: { offset: number; length: number; startNs: bigint; endNs: bigint } | null = null;
  const endLoose = (): void => {
    if (loose) chunks.push({ ...loose, compression: '', uncompressedLength: loose.length, crc: 0 });
    loose = null;
  };
  while (offset + recordHeaderBytes <= size) {
    // Enough for the prefix of a chunk and the definitions at its beginning.
    const window = await read(file, offset, Math.min(size - offset, 32 * 1024));
    if (window.byteLength < recordHeaderBytes) break;
    const opcode = window.readUInt8(0) as McapConstants.Opcode;
    const length = Number(window.readBigUInt64LE(1));
    const next = offset + recordHeaderBytes + length;
    if (Number(opcode) === 0 || length > mostRecordBytes) {
      // A power loss leaves zeros up to the end.
      if (Number(opcode) !== 0 || (await holdsData(file, offset, size))) brokenAt = offset;
      break;
    }
    if (next > size) break;
    // Whole by its length: if it is none, the end is not what is missing.
    brokenAt = offset;
    if (opcode !== Opcode.MESSAGE || (loose?.length ?? 0) >= looseBytes) endLoose();
    if (opcode === Opcode.CHUNK) {
      const entry = chunkEntry(window, offset, length);
      if (!entry) break;
      await definitionsInChunk(path, file, entry, definitions, library.startsWith('sonoscope'));
      chunks.push(entry);
    } else if (opcode === Opcode.MESSAGE) {
      if (length < 22) break;
      const timeNs = window.readBigUInt64LE(recordHeaderBytes + 6);
      if (loose) {
        const last: { offset: number; length: number; startNs: bigint; endNs: bigint } = loose;
        last.length = next - last.offset;
        if (timeNs < last.startNs) last.startNs = timeNs;
        if (timeNs > last.endNs) last.endNs = timeNs;
      } else loose = { offset, length: next - offset, startNs: timeNs, endNs: timeNs };
    } else if (
      opcode === Opcode.HEADER ||
      opcode === Opcode.SCHEMA ||
      opcode === Opcode.CHANNEL ||
      opcode === Opcode.METADATA
    ) {
      try {
        for (const record of parse(await read(file, offset, next - offset))) {
          definitions.take(record);
          if (record.type === 'Header') library = record.library;
          if (record.type === 'Metadata') metadata.set(record.name, Object.fromEntries(record.metadata));
        }
      } catch {
        break;
      }
    } else if (opcode === Opcode.DATA_END) {
      complete = true;
      break;
    }
    brokenAt = null;
    offset = next;
  }
  if (complete) brokenAt = null;
  endLoose();
  // After a power loss the last block may have its length but not its content.
  const last = chunks.at(-1);
  if (!complete && last && last.compression === '' && last.crc !== 0) {
    const records = await read(file, last.offset, last.length);
    if (crc32(records) !== last.crc) chunks.pop();
  }
  return { library, complete, brokenAt, channels: definitions.channels(), metadata, chunks };
}

/** Whether there is anything but zeros from `offset` on. */
async function holdsData(file: FileHandle, offset: number, size: number): Promise<boolean> {
  const pieceBytes = 1024 * 1024;
  for (let at = offset; at < size; at += pieceBytes) {
    const piece = await read(file, at, Math.min(pieceBytes, size - at));
    if (piece.some((byte) => byte !== 0)) return true;
  }
  return false;
}

/** null where the chunk's own lengths contradict each other. */
function chunkEntry(window: Buffer, offset: number, length: number): ChunkEntry | null {
  const at = recordHeaderBytes;
  if (window.byteLength < at + chunkPrefixBytes('')) return null;
  const compressionLength = window.readUInt32LE(at + 28);
  const prefix = 28 + 4 + compressionLength + 8;
  if (compressionLength > 64 || window.byteLength < at + prefix) return null;
  const recordsLength = Number(window.readBigUInt64LE(at + prefix - 8));
  if (prefix + recordsLength > length) return null;
  // Zeros over the beginning make it say that it is empty, or something else than its records.
  if (recordsLength === 0 && length > prefix) return null;
  const uncompressedLength = Number(window.readBigUInt64LE(at + 16));
  if (compressionLength === 0 && uncompressedLength !== recordsLength) return null;
  return {
    offset: offset + recordHeaderBytes + prefix,
    length: recordsLength,
    startNs: window.readBigUInt64LE(at),
    endNs: window.readBigUInt64LE(at + 8),
    compression: window.toString('utf8', at + 32, at + 32 + compressionLength),
    uncompressedLength,
    crc: window.readUInt32LE(at + 24),
  };
}

/**
 * Schemas and channels of a chunk. Our writer puts them in front of the first message; a foreign one may define a
 * channel anywhere, so there the whole chunk is read.
 */
async function definitionsInChunk(
  path: string,
  file: FileHandle,
  chunk: ChunkEntry,
  definitions: Definitions,
  atFrontOnly: boolean,
): Promise<void> {
  const { compression, uncompressedLength } = chunk;
  // Without its channels the file would seem to hold nothing.
  if (!knownCompressions.includes(compression))
    throw recordError('SONO_RECORDING_COMPRESSION', { path, compression });
  const limit = atFrontOnly ? Math.min(chunk.length, definitionBytes) : chunk.length;
  const stored = await read(file, chunk.offset, limit);
  // A damaged chunk is told by whoever reads its messages.
  const records = await unpackChunk(compression, stored, uncompressedLength).then(
    (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    () => Buffer.alloc(0),
  );
  let offset = 0;
  while (offset + recordHeaderBytes <= records.byteLength) {
    const opcode = records.readUInt8(offset) as McapConstants.Opcode;
    const end = offset + recordHeaderBytes + Number(records.readBigUInt64LE(offset + 1));
    if (opcode === Opcode.MESSAGE && atFrontOnly) return;
    if (end > records.byteLength) return;
    if (opcode === Opcode.SCHEMA || opcode === Opcode.CHANNEL)
      for (const record of parse(records.subarray(offset, end))) definitions.take(record);
    offset = end;
  }
}
