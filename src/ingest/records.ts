/**
 * The byte stream from a source's child process to its parent: records of a 64-byte header and a payload.
 * Pure; both ends use it, and only here is written which fields of a frame travel. The parser gives every picture
 * its own ArrayBuffer (transferable), filled with one copy: the pipe's chunks end anywhere.
 *
 * Header, little-endian: u16 magic, u8 version, u8 type, u32 payload bytes, f64 ptsNs, captureNs, mediaNs,
 * decodedNs, encodedNs, u32 sourceFrame, discontinuity, width, height. Type 3 (message) carries JSON and no header fields.
 */
import type { AnalysisFrame, DisplayFrame } from '../vocabulary/frame.js';

const magic = 0x5353;
const version = 1;
export const headerBytes = 64;
/** Larger than an 8K RGB picture (7680 × 4320 × 3 ≈ 100 MB); anything above is a broken stream. */
const payloadLimitBytes = 256 * 1024 * 1024;

const typeCodes = { display: 1, analysis: 2, message: 3 };

/** A frame on its way to the main process, which knows the name of the stream. */
export type SentFrame =
  | { readonly kind: 'display'; readonly frame: Omit<DisplayFrame, 'streamId'> }
  | { readonly kind: 'analysis'; readonly frame: Omit<AnalysisFrame, 'streamId'> };

export type IngestRecord =
  | { readonly kind: 'display'; readonly frame: DisplayFrame }
  | { readonly kind: 'analysis'; readonly frame: AnalysisFrame }
  /** JSON. */
  | { readonly kind: 'message'; readonly message: unknown };

/** The header of a frame; `frame.data` follows it. */
export function encodeHeader({ kind, frame }: SentFrame): Buffer {
  const out = emptyHeader(kind, frame.data.length);
  out.writeDoubleLE(frame.ptsNs, 8);
  out.writeDoubleLE(frame.captureNs, 16);
  out.writeDoubleLE(frame.mediaNs, 24);
  out.writeDoubleLE(frame.decodedNs, 32);
  out.writeDoubleLE('encodedNs' in frame ? frame.encodedNs : 0, 40);
  out.writeUInt32LE(frame.sourceFrame, 48);
  out.writeUInt32LE(frame.discontinuity, 52);
  out.writeUInt32LE(frame.size.width, 56);
  out.writeUInt32LE(frame.size.height, 60);
  return out;
}

export function encodeMessage(message: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  return Buffer.concat([emptyHeader('message', payload.length), payload]);
}

function emptyHeader(kind: IngestRecord['kind'], payloadBytes: number): Buffer {
  const out = Buffer.alloc(headerBytes);
  out.writeUInt16LE(magic, 0);
  out.writeUInt8(version, 2);
  out.writeUInt8(typeCodes[kind], 3);
  out.writeUInt32LE(payloadBytes, 4);
  return out;
}

function decodeRecord(streamId: string, header: Buffer, data: Uint8Array<ArrayBuffer>): IngestRecord {
  const type = header.readUInt8(3);
  if (type === typeCodes.message) return { kind: 'message', message: jsonOf(data) };
  const frame: AnalysisFrame = {
    streamId,
    ptsNs: header.readDoubleLE(8),
    captureNs: header.readDoubleLE(16),
    mediaNs: header.readDoubleLE(24),
    decodedNs: header.readDoubleLE(32),
    sourceFrame: header.readUInt32LE(48),
    discontinuity: header.readUInt32LE(52),
    size: { width: header.readUInt32LE(56), height: header.readUInt32LE(60) },
    data,
  };
  return type === typeCodes.analysis
    ? { kind: 'analysis', frame }
    : { kind: 'display', frame: { ...frame, encoding: 'jpeg', encodedNs: header.readDoubleLE(40) } };
}

function jsonOf(data: Uint8Array<ArrayBuffer>): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer).toString('utf8'));
  } catch (error) {
    throw new RecordFormatError('not a message', { cause: error });
  }
}

/** Thrown when the bytes cannot be a record: the child is broken and must be restarted. */
export class RecordFormatError extends Error {}

/** Incremental parser: feed chunks cut anywhere with `push`, take finished records with `take`. */
export class RecordParser {
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  /** null while the header is not complete. */
  #payload: Uint8Array<ArrayBuffer> | null = null;
  #payloadFilled = 0;
  readonly #chunks: Uint8Array[] = [];
  #chunkOffset = 0;

  constructor(private readonly streamId: string) {}

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** True while no part of a record is held: a clean place for the stream to end. */
  get empty(): boolean {
    return this.#headerFilled === 0 && this.#chunks.length === 0;
  }

  /** @throws RecordFormatError on bytes that are no record */
  take(): IngestRecord | null {
    if (this.#payload === null) {
      this.#headerFilled += this.#move(this.#header, this.#headerFilled);
      if (this.#headerFilled < headerBytes) return null;
      this.#payload = new Uint8Array(Buffer.allocUnsafeSlow(payloadBytesOf(this.#header)).buffer);
    }
    this.#payloadFilled += this.#move(this.#payload, this.#payloadFilled);
    if (this.#payloadFilled < this.#payload.length) return null;
    const payload = this.#payload;
    this.#payload = null;
    this.#headerFilled = 0;
    this.#payloadFilled = 0;
    return decodeRecord(this.streamId, this.#header, payload);
  }

  /** Move waiting bytes into `target` from `filled` on; returns how many. */
  #move(target: Uint8Array, filled: number): number {
    let moved = 0;
    while (filled + moved < target.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const count = Math.min(target.length - filled - moved, chunk.length - this.#chunkOffset);
      target.set(chunk.subarray(this.#chunkOffset, this.#chunkOffset + count), filled + moved);
      moved += count;
      this.#chunkOffset += count;
      if (this.#chunkOffset === chunk.length) {
        this.#chunks.shift();
        this.#chunkOffset = 0;
      }
    }
    return moved;
  }
}

function payloadBytesOf(header: Buffer): number {
  const isKnown = Object.values(typeCodes).includes(header.readUInt8(3));
  if (header.readUInt16LE(0) !== magic || header.readUInt8(2) !== version || !isKnown)
    throw new RecordFormatError('not a record header');
  const payloadBytes = header.readUInt32LE(4);
  if (payloadBytes > payloadLimitBytes)
    throw new RecordFormatError(`record of ${payloadBytes} bytes is too large`);
  return payloadBytes;
}
